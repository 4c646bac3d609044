/* frame_test - the frame on the wire: what is built is read back, and what is malformed is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "broker/client/bus.h"
#include "broker/client/frame.h"
#include "broker/client/mp.h"
#include "gen/errors.h"

static struct bytes text(const char *t)
{
    return bytes_of_text(t);
}

static void what_is_built_is_read_back(void **state)
{
    uint8_t trace[FRAME_TRACE] = { 1, 2, 3 };
    struct frame out = { .command = FRAME_PUT,
                         .flags = FRAME_WAIT,
                         .code = 503,
                         .cid = UINT64_MAX - 1,
                         .seq = 1,
                         .ms = 70000,
                         .handle = 9 },
                 in;
    struct frame_head head = { .topic = text("a.b"),
                               .key = text(""),
                               .trace = { trace, sizeof trace },
                               .priority = 255,
                               .ttl_ms = UINT64_MAX,
                               .subject = text("token"),
                               .text = text("why") };
    struct frame_head got;
    struct bytes raw, body;
    struct buf buf = { 0 };
    bool in_first;

    (void)state;
    frame_build(&buf, &out, &head, text("body"), &in_first);
    assert_true(in_first);
    assert_int_equal(frame_parse(buf_bytes(&buf), &in, &raw, &body), 0);
    assert_int_equal(frame_parse_head(raw, &got), 0);
    assert_true(in.command == out.command && in.flags == out.flags && in.code == out.code && in.cid == out.cid);
    assert_true(in.seq == out.seq && in.ms == out.ms && in.handle == out.handle);
    assert_true(bytes_equal(body, text("body")));
    assert_true(bytes_equal(got.topic, text("a.b")) && bytes_equal(got.subject, text("token")));
    assert_non_null(got.key.data); /* present and empty is not absent */
    assert_null(got.group.data);
    assert_int_equal(got.ttl_ms, UINT64_MAX);
    assert_int_equal(got.priority, 255);
    assert_memory_equal(got.trace.data, trace, sizeof trace);
    buf_free(&buf);
}

static void a_large_body_goes_into_a_frame_of_its_own(void **state)
{
    struct frame in, out = { .command = FRAME_REQ };
    uint8_t large[FRAME_INLINE + 1] = { 0 };
    struct bytes raw, body;
    struct buf buf = { 0 };
    bool in_first;

    (void)state;
    frame_build(&buf, &out, NULL, bytes_of(large, FRAME_INLINE), &in_first);
    assert_true(in_first);
    buf_reset(&buf);
    frame_build(&buf, &out, NULL, bytes_of(large, sizeof large), &in_first);
    assert_false(in_first);
    assert_int_equal(frame_parse(buf_bytes(&buf), &in, &raw, &body), 0);
    assert_true(in.flags & FRAME_BODY2);
    assert_int_equal(body.len, 0);
    buf_put(&buf, "x", 1);
    assert_int_equal(frame_parse(buf_bytes(&buf), &in, &raw, &body), ERR_MALFORMED);
    buf_free(&buf);
}

static void every_cut_of_a_frame_is_refused_or_read_without_reading_past_it(void **state)
{
    struct frame_head head = { .topic = text("catalog.video"), .name = text("x"), .delay_ms = 123456 }, got;
    struct frame in, out = { .command = FRAME_OPEN };
    struct bytes raw, body;
    struct buf buf = { 0 };
    bool in_first;

    (void)state;
    frame_build(&buf, &out, &head, (struct bytes) { 0 }, &in_first);
    for (size_t len = 0; len < buf.len; len++) {
        uint8_t *cut = malloc(len ? len : 1); /* its own allocation: a sanitizer sees one byte too many */

        memcpy(cut, buf.data, len);
        assert_int_equal(frame_parse(bytes_of(cut, len), &in, &raw, &body), ERR_MALFORMED);
        if (len > FRAME_PREFIX)
            assert_int_equal(frame_parse_head(bytes_of(cut + FRAME_PREFIX, len - FRAME_PREFIX), &got),
                             ERR_MALFORMED);
        free(cut);
    }
    buf_free(&buf);
}

static void another_magic_or_version_is_refused(void **state)
{
    uint8_t raw[FRAME_PREFIX] = { FRAME_MAGIC, FRAME_VERSION, FRAME_PING };
    struct bytes head, body;
    struct frame in;

    (void)state;
    assert_int_equal(frame_parse(bytes_of(raw, sizeof raw), &in, &head, &body), 0);
    raw[1] = FRAME_VERSION + 1;
    assert_int_equal(frame_parse(bytes_of(raw, sizeof raw), &in, &head, &body), ERR_MALFORMED);
    raw[1] = FRAME_VERSION;
    raw[0] = 0;
    assert_int_equal(frame_parse(bytes_of(raw, sizeof raw), &in, &head, &body), ERR_MALFORMED);
}

static void unknown_keys_are_skipped_whatever_they_hold(void **state)
{
    struct frame_head head;
    struct buf buf = { 0 };

    (void)state;
    mp_put_map(&buf, 3);
    mp_put_uint(&buf, 200);
    mp_put_array(&buf, 2);
    mp_put_map(&buf, 1);
    mp_put_str(&buf, "a");
    mp_put_int(&buf, -5);
    mp_put_str(&buf, NULL);
    mp_put_uint(&buf, 21);
    mp_put_text(&buf, text("name"));
    mp_put_uint(&buf, 201);
    mp_put_bool(&buf, true);
    assert_int_equal(frame_parse_head(buf_bytes(&buf), &head), 0);
    assert_true(bytes_equal(head.name, text("name")));
    buf_free(&buf);
}

static void nesting_and_counts_are_bounded(void **state)
{
    uint8_t deep[64], many[] = { 0x81, 0xcd, 1, 0, 0xdd, 0xff, 0xff, 0xff, 0xff };
    struct frame_head head;

    (void)state;
    memset(deep, 0x91, sizeof deep);
    deep[0] = 0x81;
    deep[1] = 0x7f;
    deep[sizeof deep - 1] = 0xc0;
    assert_int_equal(frame_parse_head(bytes_of(deep, sizeof deep), &head), ERR_MALFORMED);
    assert_int_equal(frame_parse_head(bytes_of(many, sizeof many), &head), ERR_MALFORMED);
}

static void a_field_over_its_bound_or_of_another_kind_is_refused(void **state)
{
    struct frame_head head;
    struct buf buf = { 0 };
    char name[BUS_NAME_MAX + 1];

    (void)state;
    memset(name, 'a', sizeof name);
    mp_put_map(&buf, 1);
    mp_put_uint(&buf, 21);
    mp_put_text(&buf, bytes_of(name, sizeof name));
    assert_int_equal(frame_parse_head(buf_bytes(&buf), &head), ERR_MALFORMED);
    buf_reset(&buf);
    mp_put_map(&buf, 1);
    mp_put_uint(&buf, 5);
    mp_put_text(&buf, text("high"));
    assert_int_equal(frame_parse_head(buf_bytes(&buf), &head), ERR_MALFORMED);
    buf_reset(&buf);
    mp_put_map(&buf, 1);
    mp_put_uint(&buf, 3);
    mp_put_bytes(&buf, text("short trace"));
    assert_int_equal(frame_parse_head(buf_bytes(&buf), &head), ERR_MALFORMED);
    buf_free(&buf);
}

static void names_are_dotted_words(void **state)
{
    static const char *const good[] = { "a", "catalog.create_video", "$sys.dead.ls", "a-b.c_9" };
    static const char *const bad[] = { "", ".", "a.", ".a", "a..b", "A", "a b", "a.$b", "a.*", ">", "$", "a/b" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(frame_name_ok(text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(frame_name_ok(text(bad[i])));
    assert_true(bytes_equal(frame_name_first(text("a.b.c")), text("a")));
    assert_true(bytes_equal(frame_name_first(text("abc")), text("abc")));
}

static void the_messages_of_a_batch_are_read_back_and_every_cut_is_noticed(void **state)
{
    struct frame_item items[] = { { 1, text("head"), text("body") }, { UINT64_MAX, { 0 }, { 0 } } }, item;
    struct buf buf = { 0 };
    struct bytes rest;

    (void)state;
    frame_put_item(&buf, &items[0]);
    frame_put_item(&buf, &items[1]);
    rest = buf_bytes(&buf);
    for (size_t i = 0; i < 2; i++) {
        assert_true(frame_next_item(&rest, &item));
        assert_int_equal(item.seq, items[i].seq);
        assert_true(bytes_equal(item.head, items[i].head));
        assert_true(bytes_equal(item.body, items[i].body));
    }
    assert_int_equal(rest.len, 0);
    assert_false(frame_next_item(&rest, &item));
    for (size_t len = 0; len < FRAME_ITEM + 8; len++) {
        rest = bytes_of(buf.data, len);
        assert_false(frame_next_item(&rest, &item));
        assert_int_equal(rest.len, len);
    }
    memset(buf.data + 10, 0xff, 4); /* the body is said to be longer than there is */
    rest = buf_bytes(&buf);
    assert_false(frame_next_item(&rest, &item));
    buf_free(&buf);
}

static void frames_in_a_row_are_read_back_and_every_cut_is_noticed(void **state)
{
    struct frame_row row = { .n = 0 };
    struct bytes rest, one, head, body;
    struct frame frame;

    (void)state;
    for (uint16_t i = 0; i < 3; i++)
        frame_row_add(&row, &(struct frame) { .command = FRAME_TAPMSG, .code = i }, NULL, bytes_of("body", i));
    assert_int_equal(frame_parse(frame_row_message(&row), &frame, &head, &rest), 0);
    assert_int_equal(frame.command, FRAME_MANY);
    assert_int_equal(frame.code, 3);
    for (size_t len = 0; len < rest.len; len++) {
        struct bytes cut = bytes_of(rest.data, len);
        unsigned n = 0;

        while (frame_next_frame(&cut, &one))
            n++;
        assert_int_equal(n, (len >= 4 + FRAME_PREFIX) + (len >= 2 * (4 + FRAME_PREFIX) + 1));
    }
    for (uint16_t i = 0; i < 3; i++) {
        assert_true(frame_next_frame(&rest, &one));
        assert_int_equal(frame_parse(one, &frame, &head, &body), 0);
        assert_int_equal(frame.code, i);
        assert_int_equal(body.len, i);
    }
    assert_int_equal(rest.len, 0);
    assert_false(frame_next_frame(&rest, &one));
    buf_free(&row.buf);
}

static void a_frame_that_is_alone_leaves_as_it_is(void **state)
{
    struct frame_row row = { .n = 0 };
    struct bytes head, body;
    struct buf built = { 0 };
    struct frame frame;
    bool in_first;

    (void)state;
    frame_build(&built, &(struct frame) { .command = FRAME_REP, .cid = 7 }, NULL, bytes_of_text("yes"), &in_first);
    frame_row_add_built(&row, buf_bytes(&built));
    assert_true(bytes_equal(frame_row_message(&row), buf_bytes(&built)));
    frame_row_add_raw(&row, &(struct frame) { .command = FRAME_PONG }, bytes_of(NULL, 0), bytes_of(NULL, 0));
    assert_int_equal(frame_parse(frame_row_message(&row), &frame, &head, &body), 0);
    assert_int_equal(frame.code, 2);
    frame_row_reset(&row);
    frame_row_add_built(&row, buf_bytes(&built));
    assert_true(bytes_equal(frame_row_message(&row), buf_bytes(&built)));
    buf_free(&row.buf);
    buf_free(&built);
}

static void of_another_head_only_what_is_wanted_is_taken_along(void **state)
{
    static const uint8_t trace[FRAME_TRACE] = { 1, 2, 3 };
    struct frame_head of = { .key = bytes_of_text("k"),
                             .trace = { trace, sizeof trace },
                             .subject = bytes_of_text("a token"),
                             .attempt = 3 },
                      read;
    struct buf packed = { 0 }, both = { 0 };

    (void)state;
    frame_build_head(&packed, &of);
    frame_build_head_with(&both, &(struct frame_head) { .name = bytes_of_text("a.b") }, buf_bytes(&packed),
                          1u << 2 | 1u << 3);
    assert_int_equal(frame_parse_head(buf_bytes(&both), &read), 0);
    assert_true(bytes_equal(read.name, bytes_of_text("a.b")) && bytes_equal(read.key, of.key) &&
                bytes_equal(read.trace, of.trace));
    assert_null(read.subject.data);
    assert_int_equal(read.attempt, 0);
    buf_reset(&both);
    frame_build_head_with(&both, &(struct frame_head) { .topic = { 0 } }, buf_bytes(&packed), 0);
    assert_int_equal(both.len, 0);
    buf_free(&packed);
    buf_free(&both);
}

static void a_head_of_more_than_fifteen_pairs_is_read_back(void **state)
{
    struct bytes x = bytes_of_text("x");
    struct frame_head in = { .topic = x,
                             .key = x,
                             .priority = 1,
                             .ttl_ms = 2,
                             .delay_ms = 3,
                             .attempt = 4,
                             .from = x,
                             .subject = x,
                             .name = x,
                             .error = 5,
                             .text = x,
                             .group = x,
                             .filter = x,
                             .version = x,
                             .to = x,
                             .size = 6,
                             .latency_us = 7,
                             .dropped = 8 },
                      out;
    struct buf packed = { 0 };

    (void)state;
    buf_put_text(&packed, "before");
    frame_build_head(&packed, &in);
    assert_int_equal(frame_parse_head(bytes_of(packed.data + 6, packed.len - 6), &out), 0);
    assert_int_equal(memcmp(packed.data, "before", 6), 0);
    assert_int_equal(out.dropped, 8);
    assert_true(bytes_equal(out.topic, x) && bytes_equal(out.to, x));
    buf_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_built_is_read_back),
        cmocka_unit_test(a_large_body_goes_into_a_frame_of_its_own),
        cmocka_unit_test(every_cut_of_a_frame_is_refused_or_read_without_reading_past_it),
        cmocka_unit_test(another_magic_or_version_is_refused),
        cmocka_unit_test(unknown_keys_are_skipped_whatever_they_hold),
        cmocka_unit_test(nesting_and_counts_are_bounded),
        cmocka_unit_test(a_field_over_its_bound_or_of_another_kind_is_refused),
        cmocka_unit_test(names_are_dotted_words),
        cmocka_unit_test(the_messages_of_a_batch_are_read_back_and_every_cut_is_noticed),
        cmocka_unit_test(frames_in_a_row_are_read_back_and_every_cut_is_noticed),
        cmocka_unit_test(a_frame_that_is_alone_leaves_as_it_is),
        cmocka_unit_test(of_another_head_only_what_is_wanted_is_taken_along),
        cmocka_unit_test(a_head_of_more_than_fifteen_pairs_is_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* stream_test - what a stream keeps, and where the followers of a group stand. */
#include "tests/unit/broker/bare.h"

static void append(uint64_t seq)
{
    static const char body[100];

    bare_say(0, (struct frame) { .command = FRAME_APPEND, .handle = BARE_SOLD, .seq = seq }, NULL,
             bytes_of(body, sizeof body));
    bare_commit();
}

static void follow(uint8_t who, const char *names)
{
    struct frame_head head = { .group = bytes_of_text("g"),
                               .filter = names ? bytes_of_text(names) : (struct bytes) { 0 } };

    bare_say(who, (struct frame) { .command = FRAME_SUB, .handle = BARE_FOLLOW, .code = 100 }, &head,
             (struct bytes) { 0 });
    bare_commit();
}

static void handled(uint8_t who, uint64_t seq)
{
    bare_say(who, (struct frame) { .command = FRAME_CURSOR, .handle = BARE_FOLLOW, .seq = seq }, NULL,
             (struct bytes) { 0 });
}

/* Where somebody begins who joins the group now: the first event it gets, 0: none. */
static uint64_t joins_at(uint8_t who)
{
    bare_hello(who);
    follow(who, NULL);
    return bare_said(FRAME_EVT, 0) ? bare_said(FRAME_EVT, 0)->frame.seq : 0;
}

static void a_group_is_as_far_as_the_slowest_of_its_followers(void **state)
{
    (void)state;
    bare_hello(0);
    bare_hello(1);
    follow(0, NULL);
    follow(1, NULL);
    for (uint64_t seq = 1; seq <= 4; seq++)
        append(seq);
    handled(0, 4);
    handled(1, 2);
    assert_int_equal(joins_at(2), 3);
}

static void who_left_does_not_hold_its_group_back(void **state)
{
    (void)state;
    bare_hello(0);
    bare_hello(1);
    follow(0, NULL);
    follow(1, NULL);
    for (uint64_t seq = 1; seq <= 4; seq++)
        append(seq);
    handled(1, 1);
    bare_say(1, (struct frame) { .command = FRAME_BYE }, NULL, (struct bytes) { 0 });
    bare_commit();
    handled(0, 3);
    assert_int_equal(joins_at(2), 4);
}

static void who_is_not_interested_does_not_hold_its_group_back(void **state)
{
    (void)state;
    bare_hello(0);
    bare_hello(1);
    follow(0, NULL);
    follow(1, "a.sent");
    for (uint64_t seq = 1; seq <= 4; seq++)
        append(seq);
    handled(0, 4);
    assert_int_equal(joins_at(2), 0);
}

static void a_stream_above_its_bytes_lets_the_oldest_go_and_tells_who_was_behind(void **state)
{
    struct stream *stream = names_stream(bare_of()->broker, bytes_of_text("a"));
    uint64_t seq = 0;

    (void)state;
    stream->keep_bytes = 10000;
    bare_hello(0);
    bare_hello(1);
    while (seq < 10)
        append(++seq);
    bare_say(1, (struct frame) { .command = FRAME_SUB, .handle = BARE_FOLLOW, .code = 1 }, NULL,
             (struct bytes) { 0 });
    while (seq < 500)
        append(++seq);
    bus_store_flush(bare_of()->broker->store);
    bare_commit();
    assert_in_range(stream->bytes, 9000, 10000);
    assert_true(stream->first > 400);
    assert_non_null(bare_said(FRAME_LOST, 0));
    assert_int_equal(bus_store_totals(bare_of()->broker->store, stream->id).bytes, stream->bytes);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_group_is_as_far_as_the_slowest_of_its_followers),
        CASE(who_left_does_not_hold_its_group_back),
        CASE(who_is_not_interested_does_not_hold_its_group_back),
        CASE(a_stream_above_its_bytes_lets_the_oldest_go_and_tells_who_was_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* batch_test - many durable messages in one frame: each has its own verdict, and one answer tells of all. */
#include "tests/unit/broker/bare.h"

#include <string.h>

static void add(struct buf *out, uint64_t seq, const char *body)
{
    struct id job = { { 3, (uint8_t)seq } };
    struct buf head = { 0 };

    frame_build_head(&head, &(struct frame_head) { .job = frame_of_id(&job), .key = bytes_of_text("k") });
    frame_put_item(out, &(struct frame_item) { seq, buf_bytes(&head), bytes_of_text(body) });
    buf_free(&head);
}

static void say_batch(uint8_t command, uint32_t handle, uint16_t n, uint64_t cid, struct buf *items)
{
    bare_say(0, (struct frame) { .command = command, .handle = handle, .code = n, .cid = cid }, NULL,
             buf_bytes(items));
    buf_reset(items);
}

static void say_append(uint32_t handle, uint64_t seq)
{
    bare_say(0, (struct frame) { .command = FRAME_APPEND, .handle = handle, .seq = seq }, NULL,
             bytes_of_text("e"));
}

/* The verdict that the answer names for a seq, 0: it names none. */
static uint16_t named(const struct said *said, uint64_t of)
{
    struct bytes rest = bytes_of(said->body, said->size);
    uint16_t code;
    uint64_t seq;

    while (frame_next_verdict(&rest, &seq, &code)) {
        if (seq == of)
            return code;
    }
    return 0;
}

static void a_batch_is_one_commit_and_one_answer(void **state)
{
    struct buf items = { 0 };
    uint64_t commits = bus_store_counts(bare_of()->broker->store).commit.n;

    (void)state;
    bare_hello(0);
    for (uint64_t seq = 10; seq <= 200; seq += 10)
        add(&items, seq, "box");
    say_batch(FRAME_PUTB, BARE_PUT, 20, 7, &items);
    assert_null(bare_said(FRAME_OK, 0)); /* not before the commit */
    bare_commit();
    assert_int_equal(bus_store_counts(bare_of()->broker->store).commit.n, commits + 1);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.cid, 7);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.flags & FRAME_BATCH, FRAME_BATCH);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 200);
    assert_int_equal(bare_said(FRAME_OK, 0)->size, 0);
    assert_null(bare_said(FRAME_OK, 1));
    bare_say(0, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = 100 }, NULL,
             (struct bytes) { 0 });
    bare_commit();
    for (size_t n = 0; n < 20; n++)
        assert_int_equal(bare_said(FRAME_JOB, n)->frame.seq, n + 1);
    assert_null(bare_said(FRAME_JOB, 20));
    buf_free(&items);
}

static void what_was_there_already_is_named_as_a_duplicate(void **state)
{
    struct buf items = { 0 };

    (void)state;
    bare_hello(0);
    say_append(BARE_SOLD, 2);
    for (uint64_t seq = 1; seq <= 4; seq++)
        add(&items, seq, "e");
    say_batch(FRAME_APPENDB, BARE_SOLD, 4, 1, &items);
    bare_commit();
    assert_int_equal(named(bare_said(FRAME_OK, 1), 1), 208);
    assert_int_equal(named(bare_said(FRAME_OK, 1), 2), 208);
    assert_int_equal(named(bare_said(FRAME_OK, 1), 3), 0);
    assert_int_equal(bare_said(FRAME_OK, 1)->size, 2 * FRAME_VERDICT);
    buf_free(&items);
}

static void what_a_batch_cannot_hold_is_refused_and_its_lane_waits_for_it(void **state)
{
    struct buf items = { 0 };

    (void)state;
    bare_hello(0);
    for (uint64_t seq = 1; seq <= 3; seq++)
        add(&items, seq, "box");
    say_batch(FRAME_PUTB, BARE_FEW, 3, 1, &items);
    bare_commit();
    for (uint64_t seq = 4; seq <= 6; seq++)
        add(&items, seq, "box");
    say_batch(FRAME_PUTB, BARE_FEW, 3, 2, &items);
    assert_int_equal(named(bare_said(FRAME_OK, 1), 4), 507);
    assert_int_equal(named(bare_said(FRAME_OK, 1), 5), 421);
    assert_int_equal(named(bare_said(FRAME_OK, 1), 6), 421);
    buf_free(&items);
}

static void a_final_refusal_concerns_one_message_only(void **state)
{
    struct buf items = { 0 };

    (void)state;
    bare_hello(0);
    add(&items, 1, "box");
    frame_put_item(&items, &(struct frame_item) { 2, { 0 }, bytes_of_text("a job without an id") });
    add(&items, 3, "box");
    say_batch(FRAME_PUTB, BARE_PUT, 3, 1, &items);
    bare_commit();
    assert_int_equal(named(bare_said(FRAME_OK, 0), 2), 400);
    assert_int_equal(bare_said(FRAME_OK, 0)->size, FRAME_VERDICT);
    buf_free(&items);
}

static void a_batch_for_a_name_that_is_not_open_is_refused_as_a_whole(void **state)
{
    struct buf items = { 0 };

    (void)state;
    bare_hello(0);
    add(&items, 1, "box");
    add(&items, 2, "box");
    say_batch(FRAME_PUTB, 99, 2, 5, &items);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 404);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.cid, 5);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.flags & FRAME_BATCH, FRAME_BATCH);
    buf_free(&items);
}

static void a_batch_that_is_not_what_it_says_ends_the_session(void **state)
{
    static const struct {
        uint16_t says;
        uint64_t seqs[2];
        size_t cut;
    } bad[] = { { 3, { 1, 2 }, 0 }, { 1, { 1, 2 }, 0 }, { 0, { 1, 2 }, 0 }, { 2, { 2, 1 }, 0 },
                { 2, { 1, 1 }, 0 }, { 2, { 0, 1 }, 0 }, { 2, { 1, 2 }, 1 }, { 9999, { 1, 2 }, 0 } };
    struct buf items = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bare_hello(0);
        add(&items, bad[i].seqs[0], "box");
        add(&items, bad[i].seqs[1], "box");
        items.len -= bad[i].cut;
        say_batch(FRAME_PUTB, BARE_PUT, bad[i].says, 1, &items);
        bare_commit();
        assert_true(TAILQ_EMPTY(&bare_of()->broker->all));
    }
    buf_free(&items);
}

static void two_events_of_a_stream_share_its_lane(void **state)
{
    uint64_t seq = 1;

    (void)state;
    bare_hello(0);
    while (!bare_said(FRAME_OK, 0))
        say_append(BARE_SOLD, seq++);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 429); /* the window is full */
    bare_commit();
    bare_forget();
    say_append(BARE_SENT, seq); /* would leave the refused one behind as a duplicate */
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 421);
    say_append(BARE_SOLD, 1); /* an old one opens nothing */
    bare_commit();
    assert_int_equal(bare_said(FRAME_OK, 1)->frame.code, 208);
    bare_forget();
    say_append(BARE_SENT, seq);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 421);
    say_append(BARE_SOLD, seq - 1);
    say_append(BARE_SENT, seq);
    bare_commit();
    assert_int_equal(bare_said(FRAME_OK, 1)->frame.code, 200);
    assert_int_equal(bare_said(FRAME_OK, 2)->frame.code, 200);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_batch_is_one_commit_and_one_answer),
        CASE(what_was_there_already_is_named_as_a_duplicate),
        CASE(what_a_batch_cannot_hold_is_refused_and_its_lane_waits_for_it),
        CASE(a_final_refusal_concerns_one_message_only),
        CASE(a_batch_for_a_name_that_is_not_open_is_refused_as_a_whole),
        CASE(a_batch_that_is_not_what_it_says_ends_the_session),
        CASE(two_events_of_a_stream_share_its_lane),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

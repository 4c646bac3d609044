/* row_test - many messages in one: each is what it would be alone, and what follows from them is committed together. */
#include "tests/unit/broker/bare.h"

#include <string.h>

static void say_row(uint16_t says, struct bytes row)
{
    struct frame many = { .command = FRAME_MANY, .code = says };
    struct buf raw = { 0 };
    bool in_first;

    frame_build(&raw, &many, NULL, bytes_of(NULL, 0), &in_first);
    buf_put(&raw, row.data, row.len);
    bare_say_raw(0, buf_bytes(&raw), bytes_of(NULL, 0));
    buf_free(&raw);
}

/* The row behind the prefix. */
static struct bytes row_of(struct frame_row *row)
{
    struct bytes all = frame_row_message(row);

    assert_true(row->n > 1);
    return bytes_of((const uint8_t *)all.data + FRAME_PREFIX, all.len - FRAME_PREFIX);
}

static void put_and_take(uint64_t n)
{
    struct id job = { { 3 } };

    for (uint64_t seq = 1; seq <= n; seq++)
        bare_say(0, (struct frame) { .command = FRAME_PUT, .handle = BARE_PUT, .seq = seq },
                 &(struct frame_head) { .job = frame_of_id(&job) }, bytes_of_text("box"));
    bare_commit();
    bare_say(0, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = 100 }, NULL,
             bytes_of(NULL, 0));
    bare_commit();
}

static void ends_of_jobs_that_came_together_are_one_commit(void **state)
{
    struct frame_row row = { .n = 0 };
    uint64_t commits;

    (void)state;
    bare_hello(0);
    put_and_take(20);
    for (size_t n = 0; n < 20; n++)
        frame_row_add(&row, &(struct frame) { .command = FRAME_ACK, .cid = bare_said(FRAME_JOB, n)->frame.cid },
                      NULL, bytes_of_text("done"));
    commits = bus_store_counts(bare_of()->broker->store).commit.n;
    say_row(20, row_of(&row));
    assert_null(bare_said(FRAME_ACK, 0));
    bare_commit();
    assert_int_equal(bus_store_counts(bare_of()->broker->store).commit.n, commits + 1);
    for (size_t n = 0; n < 20; n++)
        assert_int_equal(bare_said(FRAME_ACK, n)->frame.code, 200);
    buf_free(&row.buf);
}

static void each_of_a_row_has_its_own_answer(void **state)
{
    struct frame_row row = { .n = 0 };

    (void)state;
    bare_hello(0);
    frame_row_add(&row, &(struct frame) { .command = FRAME_PING, .cid = 5 }, NULL, bytes_of(NULL, 0));
    frame_row_add(&row, &(struct frame) { .command = FRAME_ACK, .cid = 99 }, NULL, bytes_of(NULL, 0));
    frame_row_add(&row, &(struct frame) { .command = FRAME_OPEN, .handle = 40, .code = VERB_PUT },
                  &(struct frame_head) { .topic = bytes_of_text("a.nothing") }, bytes_of(NULL, 0));
    say_row(3, row_of(&row));
    assert_int_equal(bare_said(FRAME_PONG, 0)->frame.cid, 5);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 410);
    assert_int_equal(bare_said(FRAME_ERROR, 0)->frame.code, 404);
    assert_false(TAILQ_EMPTY(&bare_of()->broker->all));
    buf_free(&row.buf);
}

static void what_a_row_says_before_a_goodbye_counts_and_nothing_behind_it(void **state)
{
    struct frame_row row = { .n = 0 };

    (void)state;
    bare_hello(0);
    frame_row_add(&row, &(struct frame) { .command = FRAME_PING, .cid = 1 }, NULL, bytes_of(NULL, 0));
    frame_row_add(&row, &(struct frame) { .command = FRAME_BYE }, NULL, bytes_of(NULL, 0));
    frame_row_add(&row, &(struct frame) { .command = FRAME_PING, .cid = 2 }, NULL, bytes_of(NULL, 0));
    say_row(3, row_of(&row));
    bare_commit();
    assert_non_null(bare_said(FRAME_PONG, 0));
    assert_null(bare_said(FRAME_PONG, 1));
    assert_null(bare_said(FRAME_ERROR, 0));
    assert_true(TAILQ_EMPTY(&bare_of()->broker->all));
    buf_free(&row.buf);
}

static void a_row_that_is_not_what_it_says_ends_the_session(void **state)
{
    static const struct {
        uint16_t says;
        uint8_t command;
        size_t cut;
    } bad[] = { { 3, FRAME_PING, 0 }, { 1, FRAME_PING, 0 },  { 0, FRAME_PING, 0 }, { 2, FRAME_PING, 1 },
                { 2, FRAME_MANY, 0 }, { 2, FRAME_HELLO, 0 }, { 2, 200, 0 },        { 999, FRAME_PING, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct frame_row row = { .n = 0 };
        struct bytes raw;

        bare_hello(0);
        frame_row_add(&row, &(struct frame) { .command = FRAME_PING }, NULL, bytes_of(NULL, 0));
        frame_row_add(&row, &(struct frame) { .command = bad[i].command, .code = 1 }, NULL, bytes_of(NULL, 0));
        raw = row_of(&row);
        raw.len -= bad[i].cut;
        say_row(bad[i].says, raw);
        bare_commit();
        assert_int_equal(bare_said(FRAME_ERROR, 0)->frame.code, 400);
        assert_true(TAILQ_EMPTY(&bare_of()->broker->all));
        buf_free(&row.buf);
    }
}

static void a_row_of_two_hundred_and_fifty_six_is_taken_and_one_more_is_not(void **state)
{
    (void)state;
    for (unsigned more = 0; more < 2; more++) {
        struct frame_row row = { .n = 0 };

        bare_hello(0);
        for (unsigned n = 0; n < FRAME_BATCH_ITEMS + more; n++)
            frame_row_add(&row, &(struct frame) { .command = FRAME_PING }, NULL, bytes_of(NULL, 0));
        say_row((uint16_t)(FRAME_BATCH_ITEMS + more), row_of(&row));
        assert_int_equal(bare_said(FRAME_PONG, FRAME_BATCH_ITEMS - 1) != NULL, !more);
        assert_int_equal(bare_said(FRAME_ERROR, 0) != NULL, more);
        bare_say(0, (struct frame) { .command = FRAME_BYE }, NULL, bytes_of(NULL, 0));
        bare_commit();
        buf_free(&row.buf);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(ends_of_jobs_that_came_together_are_one_commit),
        CASE(each_of_a_row_has_its_own_answer),
        CASE(what_a_row_says_before_a_goodbye_counts_and_nothing_behind_it),
        CASE(a_row_that_is_not_what_it_says_ends_the_session),
        CASE(a_row_of_two_hundred_and_fifty_six_is_taken_and_one_more_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

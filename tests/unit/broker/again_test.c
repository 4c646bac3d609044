/* again_test - what becomes of a call whose worker is lost: one that only reads goes to another, any other never does. */
#include "tests/unit/broker/bare.h"

#include <string.h>

enum { ASKER, FIRST, SECOND, THIRD, LOOK = 60 };

static void offer(uint8_t who)
{
    bare_hello(who);
    bare_say(who, (struct frame) { .command = FRAME_OFFER, .handle = BARE_OFFER, .code = 4 }, NULL,
             bytes_of(NULL, 0));
}

static void ask(uint32_t handle, uint64_t cid, size_t size)
{
    static const char body[4096] = "what is there?";

    bare_say(ASKER, (struct frame) { .command = FRAME_REQ, .handle = handle, .cid = cid, .ms = 60000 }, NULL,
             bytes_of(body, size));
}

static void leave(uint8_t who)
{
    bare_say(who, (struct frame) { .command = FRAME_BYE }, NULL, bytes_of(NULL, 0));
    bare_commit();
}

static void answer(uint8_t who, uint64_t cid)
{
    bare_say(who, (struct frame) { .command = FRAME_REP, .code = 200, .cid = cid }, NULL, bytes_of_text("this"));
}

/* Time, in which the asker goes on talking. */
static void pass(unsigned seconds)
{
    while (seconds--) {
        bare_pass(1000);
        bare_say(ASKER, (struct frame) { .command = FRAME_PING }, NULL, bytes_of(NULL, 0));
    }
}

/* Somebody asks, and one worker is there; the grace after a start is over. */
static int setup(void **state)
{
    bare_setup(state);
    bare_pass(20000);
    bare_hello(ASKER);
    bare_say(ASKER, (struct frame) { .command = FRAME_OPEN, .code = VERB_CALL, .handle = LOOK },
             &(struct frame_head) { .topic = bytes_of_text("a.look") }, bytes_of(NULL, 0));
    offer(FIRST);
    bare_forget();
    return 0;
}

static void a_read_goes_to_another_worker_as_it_was(void **state)
{
    const struct said *again;

    (void)state;
    ask(LOOK, 7, 14);
    assert_non_null(bare_said(FRAME_REQ, 0));
    offer(SECOND);
    bare_forget();
    leave(FIRST);
    again = bare_said(FRAME_REQ, 0);
    assert_non_null(again);
    assert_int_equal(again->size, 14);
    assert_memory_equal(again->body, "what is there?", 14);
    answer(SECOND, again->frame.cid);
    assert_int_equal(bare_said(FRAME_REP, 0)->frame.cid, 7);
    assert_null(bare_said(FRAME_ERR, 0));
    assert_null(bare_said(FRAME_REP, 1));
}

static void what_may_have_changed_something_is_never_done_twice(void **state)
{
    (void)state;
    ask(BARE_CALL, 7, 14);
    offer(SECOND);
    bare_forget();
    leave(FIRST);
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.code, 502);
    assert_null(bare_said(FRAME_REQ, 0));
}

static void a_read_waits_for_a_process_to_come_back_and_nobody_waits_with_it(void **state)
{
    (void)state;
    ask(LOOK, 7, 14);
    bare_forget();
    leave(FIRST);
    assert_null(bare_said(FRAME_ERR, 0));
    ask(LOOK, 8, 14);
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.cid, 8);
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.code, 503);
    pass(3);
    offer(SECOND);
    answer(SECOND, bare_said(FRAME_REQ, 0)->frame.cid);
    assert_int_equal(bare_said(FRAME_REP, 0)->frame.cid, 7);
    bare_forget();
    pass(61); /* its clock has ended with it */
    assert_null(bare_said(FRAME_ERR, 0));
}

static void a_read_that_nobody_comes_back_for_ends_with_its_worker_lost(void **state)
{
    (void)state;
    ask(LOOK, 7, 14);
    bare_forget();
    leave(FIRST);
    pass(9);
    assert_null(bare_said(FRAME_ERR, 0));
    pass(2);
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.code, 502);
}

static void a_read_that_costs_two_workers_is_given_to_no_third(void **state)
{
    (void)state;
    ask(LOOK, 7, 14);
    offer(SECOND);
    offer(THIRD);
    leave(FIRST);
    assert_null(bare_said(FRAME_ERR, 0));
    bare_forget();
    leave(SECOND);
    leave(THIRD); /* one of them had it */
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.code, 502);
    assert_null(bare_said(FRAME_REQ, 0));
}

static void who_asked_and_left_is_not_answered_by_another(void **state)
{
    (void)state;
    ask(LOOK, 7, 14);
    leave(FIRST);
    leave(ASKER);
    bare_forget();
    offer(SECOND);
    assert_null(bare_said(FRAME_REQ, 0));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_read_goes_to_another_worker_as_it_was),
        CASE(what_may_have_changed_something_is_never_done_twice),
        CASE(a_read_waits_for_a_process_to_come_back_and_nobody_waits_with_it),
        CASE(a_read_that_nobody_comes_back_for_ends_with_its_worker_lost),
        CASE(a_read_that_costs_two_workers_is_given_to_no_third),
        CASE(who_asked_and_left_is_not_answered_by_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* cold_test - more jobs and events than the router keeps near: all of them come, once and in order, though it never reads one that
 * may lie on the disk alone before the store's own thread has read it. */
#include "tests/unit/broker/bare.h"

enum { MANY = 6000, ROW = 100 };

static struct bare *of(void)
{
    return bare_of();
}

static void say_many(uint8_t command, uint32_t handle, uint64_t first)
{
    for (uint64_t seq = first; seq < first + MANY; seq++) {
        struct id job = { { (uint8_t)(seq >> 8), (uint8_t)seq, 1 } };

        bare_say(0, (struct frame) { .command = command, .handle = handle, .seq = seq },
                 &(struct frame_head) { .job = frame_of_id(&job) }, bytes_of_text("box"));
        if (seq % ROW == 0) {
            bare_commit();
            bare_forget();
        }
    }
    bare_commit();
    bare_forget();
}

/* What of `command` was said since: their numbers go on where `last` ended. */
static uint64_t in_order(uint8_t command, uint64_t last)
{
    const struct said *said;

    for (size_t n = 0; (said = bare_said(command, n)); n++)
        assert_int_equal(said->frame.seq, ++last);
    return last;
}

static void ack_all(void)
{
    for (size_t i = 0, n = of()->n; i < n; i++) {
        const struct said *said = &of()->said[i];

        if (said->frame.command == FRAME_JOB)
            bare_say(1, (struct frame) { .command = FRAME_ACK, .handle = BARE_TAKE, .cid = said->frame.cid }, NULL,
                     (struct bytes) { 0 });
    }
}

static void a_long_queue_gives_each_job_once_and_in_order(void **state)
{
    struct queue *queue = names_queue(of()->broker, bytes_of_text("a.b"));
    uint64_t last = 0;

    (void)state;
    bare_hello(0);
    bare_hello(1);
    say_many(FRAME_PUT, BARE_PUT, 1);
    assert_int_equal(queue->ready, MANY);
    bare_say(1, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = ROW }, NULL,
             (struct bytes) { 0 });
    for (unsigned n = 0; queue->ready && n < 4 * MANY / ROW; n++) {
        bare_commit();
        last = in_order(FRAME_JOB, last);
        ack_all();
        bare_forget();
        bare_say(1, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = ROW }, NULL,
                 (struct bytes) { 0 });
    }
    assert_int_equal(last, MANY);
    assert_int_equal(queue->ready, 0);
}

static void who_is_far_behind_gets_each_event_once_and_in_order_and_then_what_comes(void **state)
{
    uint64_t last = 0;

    (void)state;
    bare_hello(0);
    bare_hello(1);
    say_many(FRAME_APPEND, BARE_SOLD, 1);
    bare_say(1, (struct frame) { .command = FRAME_SUB, .handle = BARE_FOLLOW, .code = ROW }, NULL,
             (struct bytes) { 0 });
    for (unsigned n = 0; last < MANY && n < 4 * MANY / ROW; n++) {
        bare_commit();
        last = in_order(FRAME_EVT, last);
        bare_forget();
        bare_say(1, (struct frame) { .command = FRAME_CURSOR, .handle = BARE_FOLLOW, .seq = last, .code = ROW },
                 NULL, (struct bytes) { 0 });
    }
    assert_int_equal(last, MANY);
    say_many(FRAME_APPEND, BARE_SOLD, MANY + 1);
    assert_int_equal(names_stream(of()->broker, bytes_of_text("a"))->last, 2 * MANY);
}

/* Nothing of a cold stretch is read in the turn that finds it cold: it is asked for, and the others go on meanwhile. */
static void what_may_be_on_the_disk_alone_is_asked_for_first(void **state)
{
    (void)state;
    bare_hello(0);
    bare_hello(1);
    say_many(FRAME_APPEND, BARE_SOLD, 1);
    bare_say(1, (struct frame) { .command = FRAME_SUB, .handle = BARE_FOLLOW, .code = ROW }, NULL,
             (struct bytes) { 0 });
    stream_run(of()->broker);
    assert_null(bare_said(FRAME_EVT, 0));
    bare_commit();
    assert_int_equal(in_order(FRAME_EVT, 0), ROW);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_long_queue_gives_each_job_once_and_in_order),
        CASE(who_is_far_behind_gets_each_event_once_and_in_order_and_then_what_comes),
        CASE(what_may_be_on_the_disk_alone_is_asked_for_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

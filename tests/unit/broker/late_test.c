/* late_test - a worker that says it is done after its lease ran out: its result counts while nobody else has the job.
 * And what a lease leaves on the disk. */
#include "tests/unit/broker/bare.h"

static uint64_t put_and_take(uint8_t who)
{
    struct id job = { { 3 } };

    bare_hello(0);
    bare_hello(1);
    bare_say(0, (struct frame) { .command = FRAME_PUT, .handle = BARE_PUT, .seq = 1 },
             &(struct frame_head) { .job = frame_of_id(&job) }, bytes_of_text("box"));
    bare_say(who, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = 1 }, NULL,
             (struct bytes) { 0 });
    bare_commit();
    assert_non_null(bare_said(FRAME_JOB, 0));
    return bare_said(FRAME_JOB, 0)->frame.cid;
}

static void ack(uint8_t who, uint64_t lease)
{
    bare_forget();
    bare_say(who, (struct frame) { .command = FRAME_ACK, .cid = lease, .handle = BARE_TAKE }, NULL,
             bytes_of_text("done"));
    bare_commit();
}

static struct queue *queue(void)
{
    return names_queue(bare_of()->broker, bytes_of_text("a.b"));
}

/* The lease is of 1000 ms, the backoff of 50 to 150. */
static void run_out(uint8_t who)
{
    bare_say(who, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = 0 }, NULL,
             (struct bytes) { 0 });
    bare_forget();
    bare_pass(1001);
    assert_non_null(bare_said(FRAME_LEASE_LOST, 0));
}

static void a_late_end_counts_while_the_job_is_held(void **state)
{
    uint64_t lease = put_and_take(1);

    (void)state;
    run_out(1);
    assert_int_equal(queue()->held, 1);
    ack(1, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 200);
    assert_int_equal(queue()->held, 0);
    assert_int_equal(queue()->ready, 0);
    assert_int_equal(bus_store_totals(bare_of()->broker->store, queue()->id).held, 0);
    assert_int_equal(names_stream(bare_of()->broker, bytes_of_text("a"))->last, 1); /* its done event */
    ack(1, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 410);
}

static void a_late_end_counts_while_nobody_else_has_the_job(void **state)
{
    uint64_t lease = put_and_take(1);

    (void)state;
    run_out(1);
    bare_pass(1100); /* ready again */
    bare_commit();
    assert_int_equal(queue()->ready, 1);
    ack(1, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 200);
    assert_int_equal(queue()->ready, 0);
    bare_say(0, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = 1 }, NULL,
             (struct bytes) { 0 });
    bare_commit();
    assert_null(bare_said(FRAME_JOB, 0));
}

static void a_late_end_is_refused_once_somebody_else_has_the_job(void **state)
{
    uint64_t lease = put_and_take(1);

    (void)state;
    run_out(1);
    bare_pass(1100);
    bare_say(0, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = 1 }, NULL,
             (struct bytes) { 0 });
    bare_commit();
    assert_non_null(bare_said(FRAME_JOB, 0));
    ack(1, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 410);
    assert_int_equal(queue()->ready, 1);
}

static void a_late_end_of_somebody_else_is_refused(void **state)
{
    uint64_t lease = put_and_take(1);

    (void)state;
    run_out(1);
    ack(0, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 410);
    assert_int_equal(queue()->held, 1);
}

static int count_one(void *ctx, const struct store_lease *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned lease_rows(void)
{
    struct bus_store *store = bare_of()->broker->store;
    unsigned n = 0;

    bus_store_read_end(store);
    assert_int_equal(bus_store_read_begin(store), 0);
    assert_int_equal(bus_store_leases(store, count_one, &n), 0);
    bus_store_read_end(store);
    return n;
}

static void only_a_lease_that_lasts_is_written(void **state)
{
    uint64_t lease = put_and_take(1);

    (void)state;
    bare_commit();
    assert_int_equal(lease_rows(), 0);
    bare_say(1, (struct frame) { .command = FRAME_EXTEND, .cid = lease, .handle = BARE_TAKE, .ms = 60000 }, NULL,
             (struct bytes) { 0 });
    bare_pass(1001);
    bare_commit();
    assert_int_equal(lease_rows(), 1);
    ack(1, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 200);
    assert_int_equal(lease_rows(), 0);
}

static void the_next_job_does_not_wait_until_the_end_of_the_last_is_on_the_disk(void **state)
{
    struct id job = { { 4 } };
    uint64_t lease;

    (void)state;
    put_and_take(1);
    bare_say(0, (struct frame) { .command = FRAME_PUT, .handle = BARE_PUT, .seq = 2 },
             &(struct frame_head) { .job = frame_of_id(&job) }, bytes_of_text("box"));
    bare_commit();
    assert_null(bare_said(FRAME_JOB, 1)); /* one at a time */
    lease = bare_said(FRAME_JOB, 0)->frame.cid;
    bare_say(1, (struct frame) { .command = FRAME_ACK, .cid = lease, .handle = BARE_TAKE }, NULL,
             bytes_of_text("done"));
    broker_settle(bare_of()->broker);
    assert_null(bare_said(FRAME_ACK, 0));
    assert_non_null(bare_said(FRAME_JOB, 1));
    bare_commit();
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 200);
    assert_int_equal(queue()->ready, 1);
}

static void resume(uint8_t who, uint64_t lease, uint64_t seq)
{
    bare_forget();
    bare_say(who,
             (struct frame) { .command = FRAME_RESUME, .handle = BARE_TAKE, .cid = lease, .seq = seq, .code = 1 },
             NULL, (struct bytes) { 0 });
}

static void nobody_resumes_a_lease_by_the_number_of_another_one(void **state)
{
    uint64_t lease = put_and_take(1);
    struct id job = { { 4 } };

    (void)state;
    bare_say(0, (struct frame) { .command = FRAME_PUT, .handle = BARE_PUT, .seq = 2 },
             &(struct frame_head) { .job = frame_of_id(&job) }, bytes_of_text("box"));
    bare_commit();
    resume(0, lease, 2);
    assert_int_equal(bare_said(FRAME_LEASE_LOST, 0)->frame.code, 410);
    resume(0, lease + 1, 2); /* the number of the next one */
    assert_int_equal(bare_said(FRAME_LEASE_LOST, 0)->frame.code, 410);
    ack(1, lease);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 200);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_late_end_counts_while_the_job_is_held),
        CASE(a_late_end_counts_while_nobody_else_has_the_job),
        CASE(a_late_end_is_refused_once_somebody_else_has_the_job),
        CASE(a_late_end_of_somebody_else_is_refused),
        CASE(only_a_lease_that_lasts_is_written),
        CASE(the_next_job_does_not_wait_until_the_end_of_the_last_is_on_the_disk),
        CASE(nobody_resumes_a_lease_by_the_number_of_another_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

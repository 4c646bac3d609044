/* store_test - what an engine behind bus_store.h must do. Another engine has to pass this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/client/frame.h"
#include "broker/server/bus_store.h"
#include "data/store/env.h"
#include "gen/errors.h"

struct fixture {
    char dir[64], path[80];
    struct bus_store *store;
    size_t map_size;
    uint32_t queue, stream;
};

static void store_up(struct fixture *f)
{
    struct bus_store_options options = {
        .dir = f->path, .map_size = f->map_size, .any_filesystem = true, .no_thread = true
    };

    assert_int_equal(bus_store_open(&options, &f->store), 0);
    assert_int_equal(bus_store_define(f->store, TARGET_QUEUE, "shop.pack", &f->queue), 0);
    assert_int_equal(bus_store_define(f->store, TARGET_STREAM, "shop", &f->stream), 0);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_true(sodium_init() >= 0);
    f->map_size = 64 * 1024 * 1024;
    strcpy(f->dir, "/tmp/broker-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/s", f->dir);
    store_up(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[100];

    bus_store_close(&f->store);
    store_fault_disarm();
    snprintf(command, sizeof command, "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void reopen(struct fixture *f)
{
    bus_store_close(&f->store);
    store_up(f);
}

static struct id producer(uint8_t n)
{
    return (struct id) { { n } };
}

static struct store_op *run(struct fixture *f, struct store_op *op)
{
    struct store_op *back;

    bus_store_submit(f->store, op);
    bus_store_step(f->store);
    bus_store_read_end(f->store);
    back = bus_store_done(f->store);
    assert_ptr_equal(back, op);
    return back;
}

/* Runs and forgets; the verdict. */
static int settle(struct fixture *f, struct store_op *op)
{
    int status = run(f, op)->status;

    store_op_free(op);
    return status;
}

static struct store_op *put_op(struct fixture *f, uint8_t who, uint32_t epoch, uint64_t seq, uint8_t priority,
                               int64_t due_ms)
{
    struct store_op *op = store_op_new(STORE_PUT);
    struct frame_head head = { .name = bytes_of_text("shop.pack"), .key = bytes_of_text("k") };
    struct buf packed = { 0 };

    frame_build_head(&packed, &head);
    store_op_record(
        op, &(struct job_record) {
                .time_ms = 1, .job = producer(9), .head = buf_bytes(&packed), .body = bytes_of_text("body") });
    buf_free(&packed);
    op->producer = producer(who);
    op->epoch = epoch;
    op->producer_seq = seq;
    op->key = (struct job_key) { f->queue, priority, 0 };
    op->now_ms = 1000;
    op->due_ms = due_ms;
    return op;
}

static struct store_op *end_op(enum store_kind kind, struct fixture *f, struct job_key key, const char *body)
{
    struct store_op *op = store_op_new(kind);

    store_op_record(op, &(struct job_record) { .attempts = 1,
                                               .err = kind == STORE_ACK ? 0 : ERR_IO,
                                               .body = bytes_of_text(body),
                                               .text = bytes_of_text("why") });
    op->key = key;
    op->stream = f->stream;
    op->name = strdup("shop.ended");
    op->from = strdup("worker");
    op->now_ms = 2000;
    return op;
}

static struct job_key first_job(struct fixture *f)
{
    struct job_key key = { 0 };

    assert_int_equal(bus_store_read_begin(f->store), 0);
    if (bus_store_next_job(f->store, f->queue, (struct job_key) { f->queue, 255, 0 }, &key) < 0)
        key.seq = 0;
    bus_store_read_end(f->store);
    return key;
}

static uint64_t last_event(struct fixture *f)
{
    uint64_t first, last;

    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_stream_bounds(f->store, f->stream, &first, &last), 0);
    bus_store_read_end(f->store);
    return last;
}

static void a_lane_takes_each_number_once_and_gaps_are_fine(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(settle(f, put_op(f, 1, 1, 5, 0, 0)), 0);
    assert_int_equal(settle(f, put_op(f, 1, 1, 5, 0, 0)), ERR_DUPLICATE);
    assert_int_equal(settle(f, put_op(f, 1, 1, 4, 0, 0)), ERR_DUPLICATE);
    assert_int_equal(settle(f, put_op(f, 1, 1, 9, 0, 0)), 0);
    assert_int_equal(settle(f, put_op(f, 2, 1, 5, 0, 0)), 0); /* somebody else's lane */
    reopen(f);
    assert_int_equal(settle(f, put_op(f, 1, 2, 9, 0, 0)), ERR_DUPLICATE);
    assert_int_equal(settle(f, put_op(f, 1, 2, 10, 0, 0)), 0);
    assert_int_equal(settle(f, put_op(f, 1, 1, 11, 0, 0)), ERR_CONFLICT); /* an epoch that is over */
}

static void a_duplicate_within_one_commit_is_recognised_too(void **state)
{
    struct fixture *f = *state;
    struct store_op *a = put_op(f, 1, 1, 1, 0, 0), *b = put_op(f, 1, 1, 1, 0, 0);

    bus_store_submit(f->store, a);
    bus_store_submit(f->store, b);
    bus_store_step(f->store);
    assert_ptr_equal(bus_store_done(f->store), a);
    assert_ptr_equal(bus_store_done(f->store), b);
    assert_int_equal(a->status, 0);
    assert_int_equal(b->status, ERR_DUPLICATE);
    assert_int_equal(bus_store_counts(f->store).commit.n, 1);
    store_op_free(a);
    store_op_free(b);
}

static void numbers_are_never_used_again_though_the_queue_ran_empty(void **state)
{
    struct fixture *f = *state;
    struct job_key key;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    key = first_job(f);
    assert_int_equal(settle(f, end_op(STORE_ACK, f, key, "r")), 0);
    assert_int_equal(first_job(f).seq, 0);
    reopen(f);
    settle(f, put_op(f, 1, 1, 2, 0, 0));
    assert_true(first_job(f).seq > key.seq);
}

static void the_ready_index_gives_priority_before_age(void **state)
{
    struct fixture *f = *state;
    struct job_key at = { 0 };
    static const uint8_t want[] = { 255, 7, 7, 0 };

    at.queue = f->queue;
    settle(f, put_op(f, 1, 1, 1, 0, 0));
    settle(f, put_op(f, 1, 1, 2, 7, 0));
    settle(f, put_op(f, 1, 1, 3, 255, 0));
    settle(f, put_op(f, 1, 1, 4, 7, 0));
    assert_int_equal(bus_store_read_begin(f->store), 0);
    for (size_t i = 0; i < 4; i++) {
        uint64_t before = at.seq;
        uint8_t priority = at.priority;

        assert_int_equal(bus_store_next_job(f->store, f->queue, at, &at), 0);
        assert_int_equal(at.priority, want[i]);
        if (i && priority == at.priority)
            assert_true(at.seq > before);
    }
    assert_int_equal(bus_store_next_job(f->store, f->queue, at, &at), ERR_NOT_FOUND);
}

static void the_end_of_a_job_and_its_event_are_one_commit(void **state)
{
    struct fixture *f = *state;
    struct event_record event;
    struct frame_head head;
    uint64_t seq, commits;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    commits = bus_store_counts(f->store).commit.n;
    assert_int_equal(settle(f, end_op(STORE_ACK, f, first_job(f), "result")), 0);
    assert_int_equal(bus_store_counts(f->store).commit.n, commits + 1);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_event(f->store, f->stream, 0, &seq, &event), 0);
    assert_int_equal(frame_parse_head(event.head, &head), 0);
    assert_true(bytes_equal(event.body, bytes_of_text("result")));
    assert_true(bytes_equal(head.name, bytes_of_text("shop.ended")));
    assert_true(bytes_equal(head.key, bytes_of_text("k")));
    assert_int_equal(head.attempt, 1);
}

static void a_job_ends_once(void **state)
{
    struct fixture *f = *state;
    struct job_key key;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    key = first_job(f);
    assert_int_equal(settle(f, end_op(STORE_ACK, f, key, "a")), 0);
    assert_int_equal(settle(f, end_op(STORE_ACK, f, key, "b")), ERR_LEASE_LOST);
    assert_int_equal(settle(f, end_op(STORE_DEAD, f, key, "c")), ERR_LEASE_LOST);
    assert_int_equal(settle(f, end_op(STORE_RETRY, f, key, "d")), ERR_LEASE_LOST);
    assert_int_equal(last_event(f), 1);
}

static int count_dead(void *ctx, const struct held_job *job)
{
    unsigned *n = ctx;

    assert_int_equal(job->record.err, ERR_IO);
    assert_true(bytes_equal(job->record.text, bytes_of_text("why")));
    assert_true(bytes_equal(job->record.body, bytes_of_text("body")));
    (*n)++;
    return 0;
}

static void a_dead_job_is_kept_with_its_reason_and_can_be_requeued_or_dropped(void **state)
{
    struct fixture *f = *state;
    struct job_key key;
    unsigned n = 0;

    settle(f, put_op(f, 1, 1, 1, 3, 0));
    key = first_job(f);
    assert_int_equal(settle(f, end_op(STORE_DEAD, f, key, "")), 0);
    assert_int_equal(first_job(f).seq, 0);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_dead_jobs(f->store, count_dead, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(settle(f, end_op(STORE_REQUEUE, f, key, "")), 0);
    assert_int_equal(first_job(f).seq, key.seq);
    assert_int_equal(first_job(f).priority, 3);
    assert_int_equal(settle(f, end_op(STORE_REQUEUE, f, key, "")), ERR_NOT_FOUND);
    assert_int_equal(settle(f, end_op(STORE_DEAD, f, first_job(f), "")), 0);
    assert_int_equal(settle(f, end_op(STORE_DROP, f, key, "")), 0);
    assert_int_equal(first_job(f).seq, 0);
}

static void a_held_job_becomes_ready_when_it_is_due_and_not_before(void **state)
{
    struct fixture *f = *state;
    struct store_op *op;

    settle(f, put_op(f, 1, 1, 1, 0, 5000));
    settle(f, put_op(f, 1, 1, 2, 0, 9000));
    assert_int_equal(first_job(f).seq, 0);
    op = store_op_new(STORE_PROMOTE);
    op->now_ms = 4999;
    run(f, op);
    assert_int_equal(op->promoted_n, 0);
    assert_int_equal(op->next_due_ms, 5000);
    op->now_ms = 5000;
    run(f, op);
    assert_int_equal(op->promoted_n, 1);
    assert_int_equal(op->next_due_ms, 9000);
    assert_int_equal(first_job(f).seq, op->promoted[0].seq);
    store_op_free(op);
}

static void a_retry_keeps_its_number_its_attempts_and_its_reason(void **state)
{
    struct fixture *f = *state;
    struct job_record record;
    struct store_op *op;
    struct job_key key;

    settle(f, put_op(f, 1, 1, 1, 4, 0));
    key = first_job(f);
    op = end_op(STORE_RETRY, f, key, "");
    op->due_ms = 0;
    assert_int_equal(settle(f, op), 0);
    assert_int_equal(first_job(f).seq, key.seq);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_job(f->store, key, &record), 0);
    assert_int_equal(record.attempts, 1);
    assert_int_equal(record.err, ERR_IO);
    assert_true(bytes_equal(record.text, bytes_of_text("why")));
}

static int count_leases(void *ctx, const struct store_lease *lease)
{
    unsigned *n = ctx;

    (void)lease;
    (*n)++;
    return 0;
}

static void a_lazy_lease_causes_no_commit_and_one_of_a_job_that_ended_leaves_no_row(void **state)
{
    struct fixture *f = *state;
    struct store_op *lease = store_op_new(STORE_LEASE), *ack;
    uint64_t commits;
    unsigned n = 0;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    commits = bus_store_counts(f->store).commit.n;
    lease->lazy = true;
    lease->key = first_job(f);
    ack = end_op(STORE_ACK, f, lease->key, "r");
    bus_store_submit(f->store, lease);
    bus_store_submit(f->store, ack);
    bus_store_step(f->store);
    assert_int_equal(bus_store_counts(f->store).commit.n, commits + 1);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_leases(f->store, count_leases, &n), 0);
    assert_int_equal(n, 0);
    for (int i = 0; i < 2; i++)
        store_op_free(bus_store_done(f->store));
}

static struct store_op *append_op(struct fixture *f, uint64_t seq, int64_t now_ms, size_t size)
{
    struct store_op *op = store_op_new(STORE_APPEND);
    void *body = calloc(1, size + 1);

    store_op_record(op, &(struct job_record) { .body = bytes_of(body, size) });
    free(body);
    op->producer = producer(1);
    op->epoch = 1;
    op->producer_seq = seq;
    op->stream = f->stream;
    op->now_ms = now_ms;
    return op;
}

static void pruning_takes_what_is_old_and_counts_on(void **state)
{
    struct fixture *f = *state;
    struct event_record event;
    struct store_op *op;
    uint64_t seq;

    for (uint64_t i = 1; i <= 5; i++)
        settle(f, append_op(f, i, (int64_t)i * 100, 10));
    op = store_op_new(STORE_PRUNE);
    op->stream = f->stream;
    op->due_ms = 301;
    run(f, op);
    assert_int_equal(op->seq, 3);
    store_op_free(op);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_event(f->store, f->stream, 0, &seq, &event), 0);
    assert_int_equal(seq, 4);
    bus_store_read_end(f->store);
    reopen(f);
    assert_int_equal(last_event(f), 5);
}

static uint64_t event_at(struct fixture *f, int64_t time_ms)
{
    uint64_t first, last, seq = 0;

    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_stream_bounds(f->store, f->stream, &first, &last), 0);
    assert_int_equal(bus_store_event_at(f->store, f->stream, first, last, time_ms, &seq), 0);
    bus_store_read_end(f->store);
    return seq;
}

static void an_event_is_found_by_its_time_also_after_the_oldest_were_pruned(void **state)
{
    struct fixture *f = *state;
    struct store_op *op;

    assert_int_equal(event_at(f, 0), 1); /* of an empty stream: behind its end */
    for (uint64_t i = 1; i <= 9; i++)
        settle(f, append_op(f, i, (int64_t)(i - i % 3) * 100, 10)); /* several of one time */
    assert_int_equal(event_at(f, 0), 1);
    assert_int_equal(event_at(f, 300), 3);
    assert_int_equal(event_at(f, 301), 6);
    assert_int_equal(event_at(f, 900), 9);
    assert_int_equal(event_at(f, 901), 10);
    op = store_op_new(STORE_PRUNE);
    op->stream = f->stream;
    op->due_ms = 600;
    settle(f, op);
    assert_int_equal(event_at(f, 0), 6);
    assert_int_equal(event_at(f, 700), 9);
}

static void a_full_store_refuses_what_adds_until_it_is_told_to_go_on_and_still_ends_jobs(void **state)
{
    struct fixture *f = *state;
    uint64_t seq = 0, kept;
    struct job_key key;
    int status;

    bus_store_close(&f->store);
    f->map_size = 1024 * 1024;
    store_up(f);
    assert_int_equal(settle(f, put_op(f, 1, 1, 1, 0, 0)), 0);
    key = first_job(f);
    while ((status = settle(f, append_op(f, ++seq, 1, 20000))) == 0)
        ;
    assert_int_equal(status, ERR_STORE_FULL);
    kept = last_event(f);
    assert_int_equal(kept, seq - 1); /* what was refused left nothing behind */
    assert_int_equal(settle(f, append_op(f, seq + 1, 1, 1)), ERR_STORE_FULL); /* a later one does not overtake */
    assert_false(bus_store_dead(f->store));
    assert_int_equal(settle(f, end_op(STORE_RETRY, f, key, "")), 0);
    settle(f, store_op_new(STORE_RESUME));
    assert_int_equal(settle(f, append_op(f, seq, 1, 1)), 0);
    assert_int_equal(last_event(f), kept + 1);
}

static void after_a_commit_of_unknown_outcome_nothing_is_handed_back(void **state)
{
    struct fixture *f = *state;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    for (unsigned n = 1; store_fault_arm(n, STORE_FAULT_LOST); n++) {
        struct store_op *op = put_op(f, 1, 1, n + 1, 0, 0);

        bus_store_submit(f->store, op);
        bus_store_step(f->store);
        op = bus_store_done(f->store);
        store_fault_disarm();
        assert_true(op != NULL || bus_store_dead(f->store)); /* an answer, or the end of the process */
        if (op) {
            assert_int_equal(op->status, op->status == ERR_STORE_FULL ? ERR_STORE_FULL : 0);
            store_op_free(op);
            break;
        }
        reopen(f);
    }
}

static void names_keep_their_numbers(void **state)
{
    struct fixture *f = *state;
    uint32_t queue = f->queue, other;

    reopen(f);
    assert_int_equal(f->queue, queue);
    assert_int_equal(bus_store_define(f->store, TARGET_QUEUE, "shop.other", &other), 0);
    assert_true(other != queue && other != f->stream);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE(a_lane_takes_each_number_once_and_gaps_are_fine),
        STORE(a_duplicate_within_one_commit_is_recognised_too),
        STORE(numbers_are_never_used_again_though_the_queue_ran_empty),
        STORE(the_ready_index_gives_priority_before_age),
        STORE(the_end_of_a_job_and_its_event_are_one_commit),
        STORE(a_job_ends_once),
        STORE(a_dead_job_is_kept_with_its_reason_and_can_be_requeued_or_dropped),
        STORE(a_held_job_becomes_ready_when_it_is_due_and_not_before),
        STORE(a_retry_keeps_its_number_its_attempts_and_its_reason),
        STORE(a_lazy_lease_causes_no_commit_and_one_of_a_job_that_ended_leaves_no_row),
        STORE(pruning_takes_what_is_old_and_counts_on),
        STORE(an_event_is_found_by_its_time_also_after_the_oldest_were_pruned),
        STORE(a_full_store_refuses_what_adds_until_it_is_told_to_go_on_and_still_ends_jobs),
        STORE(after_a_commit_of_unknown_outcome_nothing_is_handed_back),
        STORE(names_keep_their_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

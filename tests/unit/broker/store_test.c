/* store_test - what an engine does with messages: lanes, jobs, events, cursors and values. */
#include "tests/unit/broker/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

    a->lazy = true;
    bus_store_submit(f->store, a);
    bus_store_submit(f->store, b);
    assert_ptr_equal(next_done(f), a);
    assert_ptr_equal(next_done(f), b);
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
    for (int i = 0; i < 2; i++)
        store_op_free(next_done(f));
    assert_int_equal(bus_store_counts(f->store).commit.n, commits + 1);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_leases(f->store, count_leases, &n), 0);
    assert_int_equal(n, 0);
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

static void names_keep_their_numbers(void **state)
{
    struct fixture *f = *state;
    uint32_t queue = f->queue, other;

    reopen(f);
    assert_int_equal(f->queue, queue);
    assert_int_equal(bus_store_define(f->store, TARGET_QUEUE, "shop.other", &other), 0);
    assert_true(other != queue && other != f->stream);
}

static void queues_do_not_mix(void **state)
{
    struct fixture *f = *state;
    struct store_op *op = put_op(f, 1, 1, 1, 0, 0);
    struct job_key at = { .queue = f->queue };

    op->key.queue = f->other;
    assert_int_equal(settle(f, op), 0);
    assert_int_equal(settle(f, put_op(f, 1, 1, 1, 0, 0)), 0); /* and a lane is of one queue */
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_next_job(f->store, f->queue, at, &at), 0);
    assert_int_equal(bus_store_next_job(f->store, f->queue, at, &at), ERR_NOT_FOUND);
    bus_store_read_end(f->store);
    totals_are_true(f);
}

static void a_retry_that_waits_comes_back_at_its_own_place(void **state)
{
    struct fixture *f = *state;
    struct store_op *op;
    struct job_key key;
    int64_t due;

    settle(f, put_op(f, 1, 1, 1, 9, 0));
    settle(f, put_op(f, 1, 1, 2, 9, 0));
    key = first_job(f);
    op = end_op(STORE_RETRY, f, key, "");
    op->due_ms = 7000;
    run(f, op);
    assert_true(op->held);
    store_op_free(op);
    assert_true(first_job(f).seq > key.seq);
    reopen(f);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_next_due(f->store, &due), 0);
    assert_int_equal(due, 7000);
    bus_store_read_end(f->store);
    totals_are_true(f);
    op = store_op_new(STORE_PROMOTE);
    op->now_ms = 7000;
    assert_int_equal(settle(f, op), 0);
    assert_int_equal(first_job(f).seq, key.seq);
    totals_are_true(f);
}

static void the_death_of_a_job_and_its_event_are_one_commit(void **state)
{
    struct fixture *f = *state;
    struct event_record event;
    struct frame_head head;
    uint64_t seq, commits;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    commits = bus_store_counts(f->store).commit.n;
    assert_int_equal(settle(f, end_op(STORE_DEAD, f, first_job(f), "")), 0);
    assert_int_equal(bus_store_counts(f->store).commit.n, commits + 1);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_event(f->store, f->stream, 0, &seq, &event), 0);
    assert_int_equal(frame_parse_head(event.head, &head), 0);
    assert_true(bytes_equal(event.body, bytes_of_text("body"))); /* its own */
    assert_true(bytes_equal(head.text, bytes_of_text("why")));
    assert_int_equal(head.error, -ERR_IO);
}

static void a_requeued_job_has_its_attempts_before_it_again(void **state)
{
    struct fixture *f = *state;
    struct job_record record;
    struct job_key key;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    key = first_job(f);
    settle(f, end_op(STORE_DEAD, f, key, ""));
    settle(f, end_op(STORE_REQUEUE, f, key, ""));
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_job(f->store, key, &record), 0);
    assert_int_equal(record.attempts, 0);
    bus_store_read_end(f->store);
    totals_are_true(f);
}

static void pruning_by_bytes_takes_the_oldest_and_says_when_there_is_more(void **state)
{
    struct fixture *f = *state;
    struct store_op *op;
    uint64_t seq = 0;

    while (seq < 1200)
        bus_store_submit(f->store, append_op(f, ++seq, 100, 10));
    for (uint64_t i = 0; i < seq; i++)
        store_op_free(next_done(f));
    for (unsigned more = 1; more < 3; more++) {
        op = store_op_new(STORE_PRUNE);
        op->stream = f->stream;
        op->keep_bytes = 1005; /* a hundred events, and no half of one */
        run(f, op);
        assert_int_equal(op->more, more == 1);
        assert_int_equal(op->seq, more == 1 ? 1000 : 1100);
        assert_int_equal(op->ret_bytes, more == 1 ? 2000 : 1000);
        store_op_free(op);
        totals_are_true(f);
    }
    assert_int_equal(last_event(f), 1200);
}

struct found {
    char text[200];
};

static int note_cursor(void *ctx, uint32_t stream, struct bytes group, uint64_t seq)
{
    struct found *found = ctx;
    size_t len = strlen(found->text);

    (void)stream;
    snprintf(found->text + len, sizeof found->text - len, "%.*s=%u ", (int)group.len, (const char *)group.data,
             (unsigned)seq);
    return 0;
}

static struct store_op *cursor_op(struct fixture *f, const char *group, uint64_t seq)
{
    struct store_op *op = store_op_new(STORE_CURSOR);

    op->stream = f->stream;
    op->seq = seq;
    op->name = strdup(group);
    return op;
}

static void each_group_has_one_cursor_and_it_is_the_last_that_was_said(void **state)
{
    struct fixture *f = *state;
    struct found found = { "" };

    settle(f, cursor_op(f, "a:x", 1));
    settle(f, cursor_op(f, "a:y", 5));
    settle(f, cursor_op(f, "a:x", 3));
    reopen(f);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_cursors(f->store, note_cursor, &found), 0);
    assert_string_equal(found.text, "a:x=3 a:y=5 ");
}

static int note_value(void *ctx, struct bytes name, struct bytes key, struct bytes body)
{
    struct found *found = ctx;
    size_t len = strlen(found->text);

    snprintf(found->text + len, sizeof found->text - len, "%.*s/%.*s=%.*s ", (int)name.len,
             (const char *)name.data, (int)key.len, (const char *)key.data, (int)body.len,
             (const char *)body.data);
    return 0;
}

static struct store_op *value_op(const char *key, const char *body)
{
    struct store_op *op = store_op_new(STORE_SET);

    store_op_record(op, &(struct job_record) { .head = bytes_of_text(key),
                                               .body = body ? bytes_of_text(body) : bytes_of(NULL, 0) });
    op->name = strdup("shop.sign");
    return op;
}

static void a_value_is_the_last_one_set_until_it_is_removed(void **state)
{
    struct fixture *f = *state;
    struct found found = { "" };

    settle(f, value_op("a", "1"));
    settle(f, value_op("b", "2"));
    settle(f, value_op("c", ""));
    settle(f, value_op("a", "3"));
    settle(f, value_op("b", NULL));
    assert_int_equal(settle(f, value_op("never", NULL)), 0);
    reopen(f);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_values(f->store, note_value, &found), 0);
    assert_string_equal(found.text, "shop.sign/a=3 shop.sign/c= ");
}

static size_t job_size(struct fixture *f, struct job_key key)
{
    struct job_record record;
    size_t size;

    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_job(f->store, key, &record), 0);
    size = record.head.len + record.body.len;
    bus_store_read_end(f->store);
    return size;
}

static void the_bytes_of_a_queue_are_those_of_its_jobs_wherever_they_lie(void **state)
{
    struct fixture *f = *state;
    struct store_op *op;
    struct job_key key;

    for (uint64_t seq = 1; seq <= 4; seq++)
        settle(f, put_op(f, 1, 1, seq, 0, seq == 4 ? 9000 : 0));
    totals_are_true(f);
    assert_int_not_equal(bus_store_totals(f->store, f->queue).bytes, 0);
    settle(f, end_op(STORE_ACK, f, first_job(f), "result"));
    op = end_op(STORE_ACK, f, first_job(f), "");
    op->stream = 0; /* without an event its size is told */
    op->job_bytes = job_size(f, op->key);
    settle(f, op);
    totals_are_true(f);
    key = first_job(f);
    settle(f, end_op(STORE_RETRY, f, key, "no tape"));
    settle(f, end_op(STORE_DEAD, f, key, "no tape at all"));
    totals_are_true(f);
    settle(f, end_op(STORE_DROP, f, key, ""));
    totals_are_true(f);
    reopen(f);
    totals_are_true(f);
    assert_int_equal(bus_store_totals(f->store, f->queue).held, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATEMENT(a_lane_takes_each_number_once_and_gaps_are_fine),
        STATEMENT(a_duplicate_within_one_commit_is_recognised_too),
        STATEMENT(numbers_are_never_used_again_though_the_queue_ran_empty),
        STATEMENT(the_ready_index_gives_priority_before_age),
        STATEMENT(the_end_of_a_job_and_its_event_are_one_commit),
        STATEMENT(a_job_ends_once),
        STATEMENT(a_dead_job_is_kept_with_its_reason_and_can_be_requeued_or_dropped),
        STATEMENT(a_held_job_becomes_ready_when_it_is_due_and_not_before),
        STATEMENT(a_retry_keeps_its_number_its_attempts_and_its_reason),
        STATEMENT(a_lazy_lease_causes_no_commit_and_one_of_a_job_that_ended_leaves_no_row),
        STATEMENT(pruning_takes_what_is_old_and_counts_on),
        STATEMENT(an_event_is_found_by_its_time_also_after_the_oldest_were_pruned),
        STATEMENT(names_keep_their_numbers),
        STATEMENT(queues_do_not_mix),
        STATEMENT(a_retry_that_waits_comes_back_at_its_own_place),
        STATEMENT(the_death_of_a_job_and_its_event_are_one_commit),
        STATEMENT(a_requeued_job_has_its_attempts_before_it_again),
        STATEMENT(pruning_by_bytes_takes_the_oldest_and_says_when_there_is_more),
        STATEMENT(each_group_has_one_cursor_and_it_is_the_last_that_was_said),
        STATEMENT(a_value_is_the_last_one_set_until_it_is_removed),
        STATEMENT(the_bytes_of_a_queue_are_those_of_its_jobs_wherever_they_lie),
    };

    return suite_run(tests, sizeof tests / sizeof *tests);
}

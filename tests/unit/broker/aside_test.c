/* aside_test - what is asked of a store beside its jobs and events: that a queue is paused, that old rows are brought into memory; and
 * what it refuses because it lacks it. */
#include "tests/unit/broker/suite.h"

static struct store_op *pause_op(uint32_t queue, int64_t since_ms)
{
    struct store_op *op = store_op_new(STORE_PAUSE);

    op->key.queue = queue;
    op->due_ms = since_ms;
    return op;
}

static bool pause_changes(struct fixture *f, uint32_t queue, int64_t since_ms)
{
    struct store_op *op = run(f, pause_op(queue, since_ms));
    bool changed = op->changed;

    assert_int_equal(op->status, 0);
    store_op_free(op);
    return changed;
}

static void a_queue_stays_paused_since_it_was_until_it_goes_on_and_keeps_its_jobs(void **state)
{
    struct fixture *f = *state;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    assert_true(pause_changes(f, f->queue, 5000));
    assert_false(pause_changes(f, f->queue, 6000));
    assert_false(pause_changes(f, f->other, 0));
    assert_int_equal(settle(f, put_op(f, 1, 1, 2, 0, 0)), 0);
    reopen(f);
    assert_int_equal(bus_store_paused_ms(f->store, f->queue), 5000);
    assert_int_equal(bus_store_paused_ms(f->store, f->other), 0);
    assert_int_equal(bus_store_totals(f->store, f->queue).ready, 2);
    assert_int_equal(settle(f, put_op(f, 1, 1, 3, 0, 0)), 0); /* what else changes the row leaves it so */
    reopen(f);
    assert_int_equal(bus_store_paused_ms(f->store, f->queue), 5000);
    assert_true(pause_changes(f, f->queue, 0));
    reopen(f);
    assert_int_equal(bus_store_paused_ms(f->store, f->queue), 0);
    totals_are_true(f);
}

static struct store_op *warm_op(uint32_t queue, uint32_t stream, uint64_t seq)
{
    struct store_op *op = store_op_new(STORE_WARM);

    op->key.queue = queue;
    op->stream = stream;
    op->seq = seq;
    return op;
}

static uint64_t warm_until(struct fixture *f, uint64_t seq)
{
    struct store_op *op = run(f, warm_op(0, f->stream, seq));
    uint64_t until = op->ret_seq;

    assert_int_equal(op->status, 0);
    store_op_free(op);
    return until;
}

/* In as few commits as there may be. */
static void append_many(struct fixture *f, uint64_t n)
{
    for (uint64_t seq = 1; seq <= n; seq++)
        bus_store_submit(f->store, append_op(f, seq, 1000, 10));
    bus_store_flush(f->store);
    while (n--)
        store_op_free(next_done(f));
}

static void what_is_brought_into_memory_is_bounded_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t commits;

    assert_int_equal(warm_until(f, 0), 0);
    append_many(f, STORE_WARM_ROWS + 10);
    settle(f, put_op(f, 1, 1, 1, 0, 0));
    commits = bus_store_counts(f->store).commit.n;
    assert_int_equal(warm_until(f, 0), STORE_WARM_ROWS);
    assert_int_equal(warm_until(f, STORE_WARM_ROWS), STORE_WARM_ROWS + 10);
    assert_int_equal(warm_until(f, STORE_WARM_ROWS + 10), STORE_WARM_ROWS + 10);
    assert_int_equal(settle(f, warm_op(f->queue, 0, 0)), 0);
    assert_int_equal(settle(f, warm_op(f->other, 0, 0)), 0);
    assert_int_equal(bus_store_counts(f->store).commit.n, commits);
    totals_are_true(f);
}

static void what_an_engine_lacks_it_refuses(void **state)
{
    struct fixture *f = *state;

    for (unsigned kind = 0; kind < STORE_KINDS; kind++) {
        bool lacks = f->engine->lacks & 1u << kind;

        assert_int_equal(bus_store_can(f->store, (enum store_kind)kind), !lacks);
        if (lacks)
            assert_int_equal(settle(f, store_op_new((enum store_kind)kind)), ERR_UNSUPPORTED);
    }
    assert_false(bus_store_can(f->store, STORE_KINDS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATEMENT(a_queue_stays_paused_since_it_was_until_it_goes_on_and_keeps_its_jobs),
        STATEMENT(what_is_brought_into_memory_is_bounded_and_changes_nothing),
        STATEMENT(what_an_engine_lacks_it_refuses),
    };

    return suite_run(tests, sizeof tests / sizeof *tests);
}

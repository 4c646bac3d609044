/* survive_test - what an engine keeps when something goes wrong: a full store, a commit whose outcome nobody knows, a
 * kill at any moment, a spoilt record. */
#include "tests/unit/broker/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "data/store/env.h"

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
    totals_are_true(f);
    reopen(f);
    assert_int_equal(last_event(f), kept + 1);
    totals_are_true(f);
}

static void after_a_commit_of_unknown_outcome_nothing_is_handed_back(void **state)
{
    struct fixture *f = *state;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    for (unsigned n = 1; store_fault_arm(n, STORE_FAULT_LOST); n++) {
        struct store_op *op = put_op(f, 1, 1, n + 1, 0, 0);

        bus_store_submit(f->store, op);
        op = next_done(f);
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

static int note_spoilt(void *ctx, const struct held_job *job)
{
    (void)ctx;
    (void)job;
    return 0;
}

static void a_spoilt_record_is_reported_and_never_handed_out(void **state)
{
    struct fixture *f = *state;
    struct job_record record;
    struct job_key key;

    settle(f, put_op(f, 1, 1, 1, 0, 0));
    key = first_job(f);
    bus_store_close(&f->store);
    f->engine->damage(f->path);
    store_up(f);
    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_job(f->store, key, &record), ERR_CORRUPT);
    assert_int_equal(bus_store_held(f->store, note_spoilt, NULL), 0); /* what is sound can still be read */
    bus_store_read_end(f->store);
}

static void a_store_of_before_totals_were_kept_is_counted_once(void **state)
{
    struct fixture *f = *state;

    if (!f->engine->forget)
        return;
    for (uint64_t seq = 1; seq <= 6; seq++)
        settle(f, put_op(f, 1, 1, seq, 0, seq == 6 ? 9000 : 0));
    settle(f, end_op(STORE_ACK, f, first_job(f), "result"));
    settle(f, end_op(STORE_DEAD, f, first_job(f), ""));
    bus_store_close(&f->store);
    f->engine->forget(f->path);
    for (int start = 0; start < 2; start++) {
        store_up(f);
        assert_int_equal(bus_store_totals(f->store, f->queue).ready, 3);
        assert_int_equal(bus_store_totals(f->store, f->queue).held, 1);
        assert_int_equal(bus_store_totals(f->store, f->queue).dead, 1);
        totals_are_true(f);
        bus_store_close(&f->store);
    }
    store_up(f);
    assert_int_equal(settle(f, put_op(f, 1, 1, 7, 0, 0)), 0); /* numbers go on, too */
    totals_are_true(f);
}

enum { KILLS = 12, ROUND = 40 };

/* Puts jobs, retries some, ends some well and some badly, and says each number once it is confirmed. */
static void child_works(struct fixture *f, uint64_t seq, int to)
{
    for (;; seq++) {
        struct job_key key;

        settle(f, put_op(f, 1, 1, seq, (uint8_t)(seq % 3), 0));
        key = first_job(f);
        if (seq % 4 == 0)
            settle(f, end_op(STORE_RETRY, f, key, ""));
        if (seq % 4 != 1)
            settle(f, end_op(seq % 5 ? STORE_ACK : STORE_DEAD, f, key, "r"));
        if (write(to, &seq, sizeof seq) != sizeof seq)
            _exit(1);
    }
}

static int note_dead(void *ctx, const struct held_job *job)
{
    (void)job;
    ++*(uint64_t *)ctx;
    return 0;
}

/* Every job that was confirmed waits or has ended in one event. */
static uint64_t jobs_accounted(struct fixture *f)
{
    struct job_key at = { .queue = f->queue };
    uint64_t n = last_event(f), dead = 0;

    assert_int_equal(bus_store_read_begin(f->store), 0);
    assert_int_equal(bus_store_dead_jobs(f->store, note_dead, &dead), 0);
    assert_true(dead <= n);
    while (bus_store_next_job(f->store, f->queue, at, &at) == 0)
        n++;
    bus_store_read_end(f->store);
    return n;
}

static void what_was_confirmed_before_a_kill_is_there_once(void **state)
{
    struct fixture *f = *state;
    uint64_t confirmed = 0;
    unsigned seed = 7;

    for (unsigned kills = 0; kills < KILLS; kills++) {
        unsigned until = 1 + (unsigned)rand_r(&seed) % ROUND;
        uint64_t accounted;
        int ends[2];
        pid_t pid;

        bus_store_close(&f->store);
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            store_up(f);
            child_works(f, confirmed + 1, ends[1]);
        }
        close(ends[1]);
        for (unsigned n = 0; n < until; n++)
            assert_int_equal(read(ends[0], &confirmed, sizeof confirmed), sizeof confirmed);
        kill(pid, SIGKILL);
        while (read(ends[0], &confirmed, sizeof confirmed) == sizeof confirmed)
            ; /* what it said before it died */
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(ends[0]);
        store_up(f);
        totals_are_true(f);
        accounted = jobs_accounted(f);
        assert_in_range(accounted, confirmed, confirmed + 1); /* one more may have been committed and not said */
        confirmed = accounted;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STATEMENT(a_full_store_refuses_what_adds_until_it_is_told_to_go_on_and_still_ends_jobs),
        STATEMENT(after_a_commit_of_unknown_outcome_nothing_is_handed_back),
        STATEMENT(a_spoilt_record_is_reported_and_never_handed_out),
        STATEMENT(a_store_of_before_totals_were_kept_is_counted_once),
        STATEMENT(what_was_confirmed_before_a_kill_is_there_once),
    };

    return suite_run(tests, sizeof tests / sizeof *tests);
}

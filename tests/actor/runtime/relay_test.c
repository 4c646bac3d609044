/* The outbox and its way to the broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "data/store/outbox.h"
#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"
#include "tests/harness/rig.h"

static const char *const small_outbox[] = { "library.outbox_rows=16", NULL };

static int begin(void **state)
{
    return rig_open(state, &library_actor, small_outbox);
}

static int created(struct rig *rig, const char *title)
{
    uint64_t cid = rig_call(rig, &create_item_call, &(struct create_item) { .title = title, .kind = KIND_BOOK },
                            rig_person(rig, 1, ROLE_CREATOR));

    rig_run(rig);
    return rig_reply(rig, cid, &create_item_call, NULL);
}

static uint64_t rows(struct rig *rig)
{
    struct store_txn *txn;
    uint64_t n = 0;

    assert_int_equal(store_begin_read(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(outbox_count(txn, &n), 0);
    store_abort(&txn);
    return n;
}

static void rows_leave_the_outbox_once_the_broker_has_them(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(created(rig, "a"), 0);
    assert_int_equal(rows(rig), 2);
    rig_confirm(rig);
    assert_int_equal(rows(rig), 0);
}

static void rows_that_were_not_confirmed_are_sent_again_in_order(void **state)
{
    struct rig *rig = *state;
    uint64_t event, job;

    assert_int_equal(created(rig, "a"), 0);
    event = fake_next(FAKE_APPEND, NULL)->number;
    job = fake_next(FAKE_PUT, NULL)->number;
    assert_true(event < job);
    fake_down(ERR_UNAVAILABLE);
    fake_up(true, 64, (struct id) { { 0xb0, 0x0b } });
    rig_run(rig);
    assert_int_equal(fake_next(FAKE_APPEND, NULL)->number, event);
    assert_int_equal(fake_next(FAKE_PUT, NULL)->number, job);
    rig_restart(rig); /* and by the process that follows */
    assert_int_equal(fake_next(FAKE_APPEND, NULL)->number, event);
    assert_int_equal(fake_next(FAKE_PUT, NULL)->number, job);
    assert_int_equal(created(rig, "b"), 0);
    assert_true(fake_next(FAKE_APPEND, NULL)->number > job); /* a seq is never used twice */
}

static void a_refusal_that_may_pass_is_tried_again(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    const struct fake_sent *event;
    uint64_t seq;
    void *ctx;

    assert_int_equal(created(rig, "a"), 0);
    events = fake_events(&ctx);
    event = fake_next(FAKE_APPEND, NULL);
    seq = event->number;
    events->durable_refused(ctx, seq, ERR_RATE_LIMITED);
    events->durable_ok(ctx, fake_next(FAKE_PUT, NULL)->number, false);
    rig_run(rig);
    assert_null(fake_next(FAKE_APPEND, NULL));
    rig_advance(rig, 500);
    assert_int_equal(fake_next(FAKE_APPEND, NULL)->number, seq);
    assert_null(fake_next(FAKE_PUT, NULL)); /* that one was confirmed */
    events->durable_ok(ctx, seq, true);
    rig_advance(rig, 1000);
    assert_int_equal(rows(rig), 0);
}

static void a_final_refusal_is_put_aside_where_it_is_seen(void **state)
{
    struct rig *rig = *state;
    struct outbox_refusal refusal;
    const struct bus_events *events;
    struct store_txn *txn;
    uint64_t seq, n;
    void *ctx;

    assert_int_equal(created(rig, "a"), 0);
    events = fake_events(&ctx);
    seq = fake_next(FAKE_APPEND, NULL)->number;
    events->durable_refused(ctx, seq, ERR_FORBIDDEN);
    rig_advance(rig, 1000);
    assert_int_equal(rows(rig), 1); /* the job */
    assert_int_equal(store_begin_read(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(outbox_refused_count(txn, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(outbox_refused_next(txn, rig_arena(rig), 0, &refusal), 0);
    assert_int_equal(refusal.row.seq, seq);
    assert_int_equal(refusal.err, ERR_FORBIDDEN);
    store_abort(&txn);
}

static int stuck(struct rig *rig, const struct call_def *call, const char *name, const void *ask, void *reply)
{
    const struct call_def mine = { .name = name, .request = call->request, .reply = call->reply };
    uint64_t cid = rig_call(rig, &mine, ask, (struct rig_ask) { .from = "cli" });

    rig_run(rig);
    return rig_reply(rig, cid, call, reply);
}

static void what_was_refused_is_shown_and_sent_again_or_dropped(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    struct refused_reply list;
    uint64_t seq, again;
    void *ctx;

    assert_int_equal(created(rig, "a"), 0);
    events = fake_events(&ctx);
    seq = fake_next(FAKE_APPEND, NULL)->number;
    events->durable_refused(ctx, seq, ERR_FORBIDDEN);
    rig_advance(rig, 1000);
    assert_int_equal(stuck(rig, &refused_call, "library.refused", &(struct refused) { .limit = 9 }, &list), 0);
    assert_int_equal(list.items_n, 1);
    assert_int_equal(list.items[0].seq, seq);
    assert_string_equal(list.items[0].target, "library.item_added");
    assert_string_equal(list.items[0].error, "forbidden");

    assert_int_equal(stuck(rig, &resend_call, "library.resend", &(struct resend) { .seq = seq }, NULL), 0);
    again = fake_next(FAKE_APPEND, "library.item_added")->number;
    assert_true(again > seq);
    assert_int_equal(stuck(rig, &resend_call, "library.resend", &(struct resend) { .seq = seq }, NULL),
                     ERR_NOT_FOUND);
    events->durable_refused(ctx, again, ERR_FORBIDDEN);
    rig_advance(rig, 1000);
    assert_int_equal(
        stuck(rig, &resend_call, "library.resend", &(struct resend) { .seq = again, .drop = true }, NULL), 0);
    assert_int_equal(stuck(rig, &refused_call, "library.refused", &(struct refused) { .limit = 9 }, &list), 0);
    assert_int_equal(list.items_n, 0);
    assert_int_equal(rows(rig), 1); /* the job, unconfirmed */
}

static void above_its_bound_the_outbox_makes_writers_busy_and_readers_not(void **state)
{
    struct rig *rig = *state;
    char title[16];
    uint64_t cid;
    int r = 0;

    for (int i = 0; i < 8; i++) {
        snprintf(title, sizeof(title), "t%d", i);
        assert_int_equal(created(rig, title), 0);
    }
    assert_int_equal(created(rig, "full"), ERR_BUSY);
    cid = rig_call(rig, &get_item_call, &(struct get_item) { .id = rig_user(1) }, (struct rig_ask) { 0 });
    rig_run(rig);
    r = rig_reply(rig, cid, &get_item_call, NULL);
    assert_int_equal(r, ERR_NOT_FOUND);
    rig_confirm(rig);
    assert_int_equal(created(rig, "again"), 0);
}

static void no_more_is_sent_than_the_broker_lets_be_unconfirmed(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    char title[16];
    void *ctx;

    fake_down(ERR_UNAVAILABLE);
    for (int i = 0; i < 4; i++) { /* eight rows, while nobody listens */
        snprintf(title, sizeof(title), "t%d", i);
        assert_int_equal(created(rig, title), 0);
    }
    assert_int_equal(fake_count(FAKE_APPEND, NULL) + fake_count(FAKE_PUT, NULL), 0);
    fake_up(true, 3, (struct id) { { 0xb0, 0x0b } });
    rig_run(rig);
    assert_int_equal(fake_count(FAKE_APPEND, NULL) + fake_count(FAKE_PUT, NULL), 3);
    events = fake_events(&ctx);
    events->durable_ok(ctx, fake_next(FAKE_APPEND, NULL)->number, false);
    rig_run(rig);
    assert_int_equal(fake_count(FAKE_APPEND, NULL) + fake_count(FAKE_PUT, NULL), 4);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(rows_leave_the_outbox_once_the_broker_has_them),
        T(rows_that_were_not_confirmed_are_sent_again_in_order),
        T(a_refusal_that_may_pass_is_tried_again),
        T(a_final_refusal_is_put_aside_where_it_is_seen),
        T(what_was_refused_is_shown_and_sent_again_or_dropped),
        T(above_its_bound_the_outbox_makes_writers_busy_and_readers_not),
        T(no_more_is_sent_than_the_broker_lets_be_unconfirmed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

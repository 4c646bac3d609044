/* Events, jobs, values and questions to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "data/store/inbox.h"
#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"
#include "tests/harness/rig.h"

static int begin(void **state)
{
    return rig_open(state, &shelf_actor, NULL);
}

static struct shelf *shelf(struct rig *rig)
{
    return actor_self(rig_actor(rig));
}

static struct id item_id(unsigned first)
{
    return (struct id) { { (uint8_t)first, 1 } };
}

/* key: events of the same first byte keep their order */
static void added(struct rig *rig, unsigned key, const char *title, uint64_t seq)
{
    rig_event(
        rig, &item_added_event,
        &(struct item_added) { .item_id = item_id(key),
                               .item = { .id = item_id(key), .title = title, .kind = KIND_BOOK, .pages = 1 } },
        seq);
}

static void events_are_handled_in_order_and_once(void **state)
{
    struct rig *rig = *state;
    const struct fake_sent *follow = fake_next(FAKE_FOLLOW, "library");

    assert_string_equal(follow->key, "library.item_added,library.item_bound,library.item_lost");
    assert_string_equal(follow->text, "shelf");
    added(rig, 1, "a", 1);
    added(rig, 1, "b", 2);
    added(rig, 1, "b", 2); /* late, once more */
    added(rig, 1, "a", 1);
    added(rig, 2, "c", 5);
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "a b c ");
    rig_restart(rig);
    assert_int_equal(fake_next(FAKE_FOLLOW, "library")->number, 5); /* goes on where it was */
    added(rig, 2, "c", 5);
    added(rig, 1, "d", 6);
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "d ");
}

static void an_event_that_fails_is_tried_again_before_what_follows_it(void **state)
{
    struct rig *rig = *state;

    shelf(rig)->event_err = ERR_BUSY;
    added(rig, 1, "a", 1);
    added(rig, 2, "b", 2);
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "");
    added(rig, 1, "c", 3);
    rig_run(rig);
    shelf(rig)->event_err = 0;
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, ""); /* not before its pause is over */
    rig_advance(rig, 100);
    assert_string_equal(shelf(rig)->seen, "a b c ");
}

static void an_event_that_never_works_is_put_aside_and_holds_back_its_key_alone(void **state)
{
    struct rig *rig = *state;
    struct store_txn *txn;
    struct inbox_parked parked;

    shelf(rig)->event_err = ERR_BUSY;
    shelf(rig)->failing = "bad";
    added(rig, 1, "bad", 1);
    added(rig, 1, "behind", 2);
    added(rig, 2, "free", 3);
    rig_run(rig);
    for (int i = 0; i < 10; i++)
        rig_advance(rig, 10000);
    assert_string_equal(shelf(rig)->seen, "free ");
    assert_int_equal(store_begin_read(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(inbox_parked_next(txn, rig_arena(rig), "library", NULL, NULL, &parked), 0);
    assert_int_equal(parked.seq, 1);
    assert_int_equal(parked.err, ERR_BUSY);
    assert_string_equal(parked.why, "the shelf is full");
    assert_int_equal(inbox_parked_next(txn, rig_arena(rig), "library", NULL, &parked, &parked), 0);
    assert_int_equal(parked.seq, 2);
    store_abort(&txn);
    rig_restart(rig); /* what was put aside stays so, and its key is still held back */
    added(rig, 1, "later", 4);
    added(rig, 2, "also", 5);
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "also ");
}

static int stuck(struct rig *rig, const struct call_def *call, const char *name, const void *ask, void *reply)
{
    const struct call_def mine = { .name = name, .request = call->request, .reply = call->reply };
    uint64_t cid = rig_call(rig, &mine, ask, (struct rig_ask) { .from = "cli" });

    rig_run(rig);
    return rig_reply(rig, cid, call, reply);
}

static void what_was_put_aside_is_shown_and_handled_in_its_order(void **state)
{
    struct rig *rig = *state;
    struct parked_reply list;
    struct unpark second = { .stream = "library", .seq = 2 }, first = { .stream = "library", .seq = 1 };

    shelf(rig)->event_err = ERR_INVALID; /* put aside at once */
    added(rig, 1, "a", 1);
    added(rig, 1, "b", 2);
    rig_run(rig);
    assert_int_equal(stuck(rig, &parked_call, "shelf.parked", &(struct parked) { .limit = 10 }, &list), 0);
    assert_int_equal(list.items_n, 2);
    assert_string_equal(list.items[0].name, "library.item_added");
    assert_string_equal(list.items[0].error, "invalid");
    assert_string_equal(list.items[0].reason, "the shelf is full");

    assert_int_equal(stuck(rig, &unpark_call, "shelf.unpark", &first, NULL), ERR_INVALID); /* it fails still */
    shelf(rig)->event_err = 0;
    assert_int_equal(stuck(rig, &unpark_call, "shelf.unpark", &second, NULL), ERR_CONFLICT);
    assert_int_equal(stuck(rig, &unpark_call, "shelf.unpark", &first, NULL), 0);
    assert_string_equal(shelf(rig)->seen, "a ");
    second.drop = true;
    assert_int_equal(stuck(rig, &unpark_call, "shelf.unpark", &second, NULL), 0);
    assert_int_equal(stuck(rig, &unpark_call, "shelf.unpark", &second, NULL), ERR_NOT_FOUND);
    added(rig, 1, "c", 3); /* its key is free again */
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "a c ");
}

static void the_end_of_a_job_that_was_put_aside_is_whole_when_it_is_handled(void **state)
{
    struct rig *rig = *state;
    struct store_txn *txn;
    struct inbox_parked parked;
    char id[ID_TEXT_SIZE];

    id_format("item", item_id(1), id);
    shelf(rig)->event_err = ERR_INVALID;
    added(rig, 1, "a", 1);
    rig_run(rig);
    rig_job_end(rig, &item_lost_event, NULL, item_id(78), id, ERR_CORRUPT, 2); /* waits behind its key */
    rig_run(rig);
    assert_int_equal(store_begin_read(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(inbox_parked_next(txn, rig_arena(rig), "library", id, NULL, &parked), 0);
    store_abort(&txn);
    shelf(rig)->event_err = 0;
    assert_int_equal(
        stuck(rig, &unpark_call, "shelf.unpark", &(struct unpark) { .stream = "library", .seq = 1 }, NULL), 0);
    assert_int_equal(
        stuck(rig, &unpark_call, "shelf.unpark", &(struct unpark) { .stream = "library", .seq = 2 }, NULL), 0);
    assert_string_equal(shelf(rig)->seen, "a lost:corrupt:it broke ");
}

static void an_event_that_does_not_fit_its_schema_is_put_aside_at_once(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    struct bus_head head = { .name = "library.item_added", .from = "library", .key = bytes_of_text("k") };
    struct bus_cursor at = { .store = { { 0xb0, 0x0b } }, .seq = 1 };
    void *ctx;

    events = fake_events(&ctx);
    events->event(ctx, "library", at, &head, bytes_of_text("nonsense"));
    added(rig, 2, "next", 2);
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "next ");
}

static void events_of_types_that_are_not_known_only_move_the_cursor(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    struct bus_head head = { .name = "library.item_burnt", .from = "library" };
    struct bus_cursor at = { .store = { { 0xb0, 0x0b } }, .seq = 7 };
    void *ctx;

    events = fake_events(&ctx);
    events->event(ctx, "library", at, &head, bytes_of_text("whatever"));
    rig_run(rig);
    rig_restart(rig);
    fake_next(FAKE_FOLLOW, "library");
    assert_int_equal(fake_next(FAKE_FOLLOW, "library")->number, 7);
}

static void the_end_of_a_job_carries_what_the_broker_knows_of_it(void **state)
{
    struct rig *rig = *state;
    char id[ID_TEXT_SIZE], expected[200];

    id_format("item", item_id(3), id);
    rig_job_end(rig, &item_bound_event, &(struct item_bound) { .pages = 12 }, item_id(77), id, 0, 1);
    rig_job_end(rig, &item_lost_event, NULL, item_id(78), id, ERR_CORRUPT, 2);
    rig_run(rig);
    snprintf(expected, sizeof(expected), "bound:12:2:%s:77 lost:corrupt:it ", id);
    assert_memory_equal(shelf(rig)->seen, expected, strlen(expected));
}

static void what_was_lost_is_told_before_anything_that_follows(void **state)
{
    struct rig *rig = *state;
    struct bus_cursor next = { .store = { { 9, 9 } }, .seq = 40 };
    const struct bus_events *events;
    void *ctx;

    added(rig, 1, "a", 1);
    rig_run(rig);
    events = fake_events(&ctx);
    shelf(rig)->event_err = ERR_UNAVAILABLE; /* the owner cannot be asked just now */
    events->lost(ctx, "library", next);
    added(rig, 1, "b", 41);
    rig_run(rig);
    assert_string_equal(shelf(rig)->seen, "a ");
    shelf(rig)->event_err = 0;
    rig_advance(rig, 10000);
    assert_string_equal(shelf(rig)->seen, "a LOST b ");
    assert_int_equal(shelf(rig)->losts, 1);
    events->caught_up(ctx, "library", next);
    rig_run(rig);
    assert_int_equal(shelf(rig)->caught_ups, 1);
}

static uint64_t job(struct rig *rig, unsigned what, unsigned id)
{
    uint64_t lease = rig_job(rig, &bind_item_job, &(struct bind_item) { .item_id = item_id(what) }, item_id(id),
                             1);

    rig_run(rig);
    return lease;
}

static void a_job_ends_as_its_handler_says(void **state)
{
    struct rig *rig = *state;
    const struct fake_sent *sent;
    struct item_bound result;
    uint64_t lease = job(rig, 1, 1);

    sent = fake_next(FAKE_ACK, NULL);
    assert_int_equal(sent->number, lease);
    rig_read(rig, sent, &item_bound_type, &result);
    assert_int_equal(result.pages, 7);

    lease = job(rig, 2, 2);
    sent = fake_next(FAKE_NACK, NULL);
    assert_int_equal(sent->number, lease);
    assert_int_equal(sent->err, ERR_IO);
    assert_false(sent->flag);
    assert_string_equal(sent->text, "the glue is dry");

    job(rig, 3, 3);
    sent = fake_next(FAKE_NACK, NULL);
    assert_true(sent->flag && sent->ms == 1234 && sent->err == ERR_WAIT);
    assert_string_equal(sent->text, "no glue yet");

    job(rig, 4, 4);
    sent = fake_next(FAKE_TERM, NULL);
    assert_int_equal(sent->err, ERR_CORRUPT);
    assert_string_equal(sent->text, "torn");

    job(rig, 9, 9); /* neither a result nor anything else */
    sent = fake_next(FAKE_NACK, NULL);
    assert_int_equal(sent->err, ERR_INTERNAL);
}

static void a_job_that_does_not_fit_its_schema_is_dead_at_once(void **state)
{
    struct rig *rig = *state;
    struct bus_head head = { .name = "library.bind_item", .from = "library", .attempt = 1 };
    uint64_t lease = fake_job(&head, bytes_of_text("?"), 1000);
    const struct fake_sent *sent;

    rig_run(rig);
    sent = fake_next(FAKE_TERM, NULL);
    assert_int_equal(sent->number, lease);
    assert_int_equal(sent->err, ERR_INVALID);
}

static void a_job_done_before_a_crash_is_not_done_again(void **state)
{
    struct rig *rig = *state;
    struct item_bound first, again;

    job(rig, 1, 1);
    rig_read(rig, fake_next(FAKE_ACK, NULL), &item_bound_type, &first);
    rig_restart(rig); /* the acknowledgement was lost with the process */
    job(rig, 1, 1);
    rig_read(rig, fake_next(FAKE_ACK, NULL), &item_bound_type, &again);
    assert_int_equal(again.pages, first.pages);
    assert_string_equal(shelf(rig)->seen, "");
}

struct finish {
    unsigned pages;
};

static int finish(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct finish *how = ctx;

    if (err < 0)
        return err;
    return done_bind_item(t, &(struct item_bound) { .pages = how->pages });
}

static void a_job_that_is_kept_stays_leased_until_it_is_answered(void **state)
{
    struct rig *rig = *state;
    struct item_bound result;
    uint64_t lease = job(rig, 5, 5);
    const struct fake_sent *sent;

    assert_null(fake_next(FAKE_ACK, NULL));
    for (int i = 0; i < 12; i++)
        rig_advance(rig, 5000); /* a minute, of a lease of 20 s */
    assert_true(fake_count(FAKE_EXTEND, NULL) >= 5);
    sent = fake_next(FAKE_EXTEND, NULL);
    assert_true(sent->number == lease && sent->ms == 20000);
    assert_int_equal(
        actor_resume(rig_actor(rig), shelf(rig)->kept, 0, finish, &(struct finish) { 99 }, sizeof(struct finish)),
        0);
    rig_run(rig);
    rig_read(rig, fake_next(FAKE_ACK, NULL), &item_bound_type, &result);
    assert_int_equal(result.pages, 99);
    assert_int_equal(actor_resume(rig_actor(rig), shelf(rig)->kept, 0, finish, NULL, 0), ERR_GONE);
}

static void a_lease_that_is_lost_is_told_and_its_answer_dropped(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    uint64_t lease = job(rig, 5, 5);
    void *ctx;

    events = fake_events(&ctx);
    events->lease_lost(ctx, lease, ERR_LEASE_LOST);
    assert_int_equal(shelf(rig)->gones, 1);
    assert_int_equal(actor_resume(rig_actor(rig), shelf(rig)->kept, 0, finish, NULL, 0), ERR_GONE);
    rig_run(rig);
    assert_int_equal(fake_count(FAKE_ACK, NULL), 0);
}

static void jobs_in_hand_go_back_uncounted_when_the_process_must_stop(void **state)
{
    struct rig *rig = *state;
    uint64_t lease = job(rig, 5, 5);
    const struct fake_sent *sent;

    actor_stop(rig_actor(rig));
    rig_run(rig);
    assert_non_null(rig_actor(rig)); /* it has a while to finish */
    rig_advance(rig, 10000);
    assert_null(rig_actor(rig));
    assert_int_equal(rig_exit_status(rig), 0);
    sent = fake_next(FAKE_NACK, NULL);
    assert_true(sent && sent->number == lease && sent->flag && sent->err == ERR_INTERRUPTED);
}

static void a_question_to_another_actor_is_answered_in_a_turn_of_its_own(void **state)
{
    struct rig *rig = *state;
    struct put_back ask = { .slot = {
                                .item = { .id = item_id(1), .title = "x", .kind = KIND_BOOK, .pages = 1 } } };
    struct item item = { .id = item_id(1), .title = "found", .kind = KIND_MAP, .pages = 3 };
    uint64_t cid = rig_call(rig, &put_back_call, &ask, (struct rig_ask) { .from = "library", .token = "" });
    const struct fake_sent *asked;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &put_back_call, NULL), 1);
    asked = fake_next(FAKE_CALL, "library.get_item");
    rig_answer(rig, asked, &get_item_call, 0, &item);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &put_back_call, NULL), 0);
    assert_string_equal(shelf(rig)->seen, "found ");

    cid = rig_call(rig, &put_back_call, &ask, (struct rig_ask) { .from = "library" });
    rig_run(rig);
    rig_answer(rig, fake_next(FAKE_CALL, "library.get_item"), &get_item_call, ERR_NOT_FOUND, NULL);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &put_back_call, NULL), ERR_EXISTS);
    assert_string_equal(rig_problem(rig, cid).detail, "the library says no");
}

static void a_value_is_watched_until_it_expires(void **state)
{
    struct rig *rig = *state;

    assert_non_null(fake_next(FAKE_WATCH, "library.stock"));
    rig_value(rig, &stock_value, "all", &(struct stock) { .items = 12 });
    rig_run(rig);
    assert_int_equal(shelf(rig)->stock, 12);
    rig_value(rig, &stock_value, "all", NULL);
    rig_run(rig);
    assert_int_equal(shelf(rig)->stock, 0);
    assert_int_equal(shelf(rig)->values, 2);
}

static void a_session_that_comes_back_runs_up_again_and_nothing_twice(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(shelf(rig)->ups, 1);
    fake_down(ERR_UNAVAILABLE);
    fake_up(true, 64, (struct id) { { 0xb0, 0x0b } });
    rig_run(rig);
    assert_int_equal(shelf(rig)->ups, 2);
    assert_int_equal(fake_count(FAKE_FOLLOW, NULL), 1);
    assert_int_equal(fake_count(FAKE_OFFER, NULL), 1);
}

static void who_is_refused_by_the_broker_ends_and_says_why(void **state)
{
    struct rig *rig = *state;

    fake_down(ERR_FORBIDDEN);
    rig_run(rig);
    assert_null(rig_actor(rig));
    assert_int_equal(rig_exit_status(rig), 78);
}

/* Whatever call of the store fails, the event is handled, or handled after a restart; its cursor never lies. */
static void events_survive_any_store_failure(void **state)
{
    struct rig *rig = *state;
    uint64_t seq = 0;

    for (unsigned n = 1;; n++) {
        bool struck;

        added(rig, 1, "e", ++seq);
        store_fault_arm(n, STORE_FAULT_COMMITTED);
        rig_run(rig);
        struck = store_fault_arm(1, STORE_FAULT_LOST);
        store_fault_disarm();
        rig_restart(rig);
        assert_non_null(rig_actor(rig));
        for (const struct fake_sent *follow; (follow = fake_next(FAKE_FOLLOW, "library"));)
            assert_true(follow->number == seq || follow->number == seq - 1);
        added(rig, 1, "e", seq);
        added(rig, 1, "e", seq);
        rig_run(rig);
        assert_true(strcmp(shelf(rig)->seen, "e ") == 0 || *shelf(rig)->seen == 0);
        fake_forget();
        if (!struck)
            break;
        assert_true(n < 200);
    }
    assert_true(seq > 5);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(events_are_handled_in_order_and_once),
        T(an_event_that_fails_is_tried_again_before_what_follows_it),
        T(an_event_that_never_works_is_put_aside_and_holds_back_its_key_alone),
        T(what_was_put_aside_is_shown_and_handled_in_its_order),
        T(the_end_of_a_job_that_was_put_aside_is_whole_when_it_is_handled),
        T(an_event_that_does_not_fit_its_schema_is_put_aside_at_once),
        T(events_of_types_that_are_not_known_only_move_the_cursor),
        T(the_end_of_a_job_carries_what_the_broker_knows_of_it),
        T(what_was_lost_is_told_before_anything_that_follows),
        T(a_job_ends_as_its_handler_says),
        T(a_job_that_does_not_fit_its_schema_is_dead_at_once),
        T(a_job_done_before_a_crash_is_not_done_again),
        T(a_job_that_is_kept_stays_leased_until_it_is_answered),
        T(a_lease_that_is_lost_is_told_and_its_answer_dropped),
        T(jobs_in_hand_go_back_uncounted_when_the_process_must_stop),
        T(a_question_to_another_actor_is_answered_in_a_turn_of_its_own),
        T(a_value_is_watched_until_it_expires),
        T(a_session_that_comes_back_runs_up_again_and_nothing_twice),
        T(who_is_refused_by_the_broker_ends_and_says_why),
        T(events_survive_any_store_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

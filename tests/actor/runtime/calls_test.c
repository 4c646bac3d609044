/* Calls: rights, commits, answers, repetition, continuations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "data/migrate/migrate.h"
#include "data/store/outbox.h"
#include "data/store/table.h"
#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"
#include "tests/harness/rig.h"

static int begin(void **state)
{
    return rig_open(state, &library_actor, NULL);
}

static uint64_t create(struct rig *rig, const char *title, struct rig_ask ask)
{
    return rig_call(rig, &create_item_call, &(struct create_item) { .title = title, .kind = KIND_BOOK }, ask);
}

static int created(struct rig *rig, const char *title, struct rig_ask ask, struct item *item)
{
    uint64_t cid = create(rig, title, ask);

    rig_run(rig);
    return rig_reply(rig, cid, &create_item_call, item);
}

static uint64_t items(struct rig *rig)
{
    struct store_txn *txn;
    uint64_t n = 0;

    assert_int_equal(store_begin_read(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(table_count(txn, &item_table, &n), 0);
    store_abort(&txn);
    return n;
}

static void a_record_its_event_its_job_and_its_answer_are_one(void **state)
{
    struct rig *rig = *state;
    struct item item, again;
    struct item_added event;
    struct bind_item job;
    const struct fake_sent *put;
    uint64_t cid;

    assert_int_equal(created(rig, "Atlas", rig_person(rig, 1, ROLE_CREATOR), &item), 0);
    assert_string_equal(item.title, "Atlas");
    assert_int_equal(item.rev, 1);
    assert_int_equal(item.added, RIG_EPOCH);
    rig_read(rig, fake_next(FAKE_APPEND, "library.item_added"), &item_added_type, &event);
    assert_true(id_equal(event.item.id, item.id));
    put = fake_next(FAKE_PUT, "library.bind_item");
    rig_read(rig, put, &bind_item_type, &job);
    assert_true(id_equal(job.item_id, item.id));
    assert_int_equal(put->priority, 9);
    assert_false(id_is_zero(put->job));
    assert_string_equal(put->ordering, id_format("item", item.id, arena_alloc(rig_arena(rig), ID_TEXT_SIZE)));

    cid = rig_call(rig, &get_item_call, &(struct get_item) { .id = item.id }, (struct rig_ask) { 0 });
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &get_item_call, &again), 0);
    assert_string_equal(again.title, "Atlas");
}

static void a_handler_that_fails_is_undone_alone(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    uint64_t good = create(rig, "good", who), bad = create(rig, "fails", who), fine = create(rig, "fine", who);
    struct problem problem;

    rig_run(rig); /* all three in one commit */
    assert_int_equal(rig_reply(rig, good, &create_item_call, NULL), 0);
    assert_int_equal(rig_reply(rig, bad, &create_item_call, NULL), ERR_PRECONDITION);
    assert_int_equal(rig_reply(rig, fine, &create_item_call, NULL), 0);
    problem = rig_problem(rig, bad);
    assert_int_equal(problem.errors_n, 1);
    assert_string_equal(problem.errors[0].field, "title");
    assert_string_equal(problem.errors[0].message, "is one that fails");
    assert_int_equal(items(rig), 2);
    assert_int_equal(fake_count(FAKE_APPEND, NULL), 2);
    assert_int_equal(fake_count(FAKE_PUT, NULL), 2);
}

static void a_request_that_does_not_fit_names_the_field(void **state)
{
    struct rig *rig = *state;
    struct bus_head head = { .name = "library.create_item",
                             .from = "front",
                             .subject = rig_token(rig, rig_user(1), ROLE_CREATOR) };
    uint64_t cid = fake_request(&head, bytes_of("\x81\x02\x01", 3), 0); /* a kind and no title */
    struct problem problem;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &create_item_call, NULL), ERR_INVALID);
    problem = rig_problem(rig, cid);
    assert_string_equal(problem.errors[0].field, "title");
    assert_string_equal(problem.errors[0].message, "is required");
}

static void what_nobody_serves_is_unsupported(void **state)
{
    struct rig *rig = *state;
    struct bus_head head = { .name = "library.burn", .from = "cli" };
    uint64_t unknown = fake_request(&head, (struct bytes) { 0 }, 0);

    rig_run(rig);
    assert_int_equal(rig_reply(rig, unknown, &create_item_call, NULL), ERR_UNSUPPORTED);
}

static void roles_are_checked_by_the_owner(void **state)
{
    struct rig *rig = *state;
    const struct {
        const char *from;
        enum role role;
        int create, drop;
    } rows[] = {
        { "front", 0, ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED },
        { "catalog", 0, ERR_UNAUTHENTICATED, ERR_UNAUTHENTICATED }, /* neither call is for actors */
        { "front", ROLE_VIEWER, 0, ERR_FORBIDDEN }, /* create_item is for owners too: the handler looks */
        { "front", ROLE_MODERATOR, 0, ERR_FORBIDDEN },
        { "front", ROLE_ADMIN, 0, ERR_NOT_FOUND },
        { "cli", 0, 0, ERR_NOT_FOUND }, /* the operator */
    };
    char title[10];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig_ask ask = { .from = rows[i].from };
        uint64_t cid;

        if (rows[i].role)
            ask.token = rig_token(rig, rig_user(1), rows[i].role);
        snprintf(title, sizeof(title), "t%zu", i);
        assert_int_equal(created(rig, title, ask, NULL), rows[i].create);
        cid = rig_call(rig, &drop_item_call, &(struct drop_item) { .id = rig_user(9) }, ask);
        rig_run(rig);
        assert_int_equal(rig_reply(rig, cid, &drop_item_call, NULL), rows[i].drop);
    }
}

static int found(struct rig *rig, struct rig_ask ask)
{
    struct find_items_reply reply;
    uint64_t cid = rig_call(rig, &find_items_call, &(struct find_items) { .q = "a", .limit = 1 }, ask);
    int r;

    rig_run(rig);
    r = rig_reply(rig, cid, &find_items_call, &reply);
    return r < 0 ? r : (int)reply.items_n;
}

/* The shelf has the routes: what it passes on is a person's, also when nobody knows whose. */
static void what_actors_may_a_person_may_not_through_the_front(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(created(rig, "a", rig_person(rig, 1, ROLE_CREATOR), NULL), 0);
    assert_int_equal(found(rig, (struct rig_ask) { .from = "catalog" }), 1);
    assert_int_equal(found(rig, (struct rig_ask) { .from = "shelf" }), ERR_UNAUTHENTICATED);
    assert_int_equal(found(rig, (struct rig_ask) { .from = "shelf", .token = "" }), ERR_UNAUTHENTICATED);
    assert_int_equal(
        found(rig, (struct rig_ask) { .from = "shelf", .token = rig_token(rig, rig_user(1), ROLE_VIEWER) }), 1);
}

static void a_store_that_is_nearly_full_takes_no_new_work_but_lets_go(void **state)
{
    struct rig *rig = rig_new_sized(&library_actor, NULL, (size_t)1 << 20);
    struct rig_ask who = rig_person(rig, 1, ROLE_ADMIN);
    struct item first;
    char title[16];
    uint64_t cid;
    int r = created(rig, "first", who, &first);

    assert_int_equal(r, 0);
    for (int i = 0; r == 0; i++) {
        snprintf(title, sizeof(title), "%d", i);
        r = created(rig, title, who, NULL);
        if (i % 50 == 0) {
            rig_confirm(rig);
            rig_advance(rig, 5000);
            who = rig_person(rig, 1, ROLE_ADMIN);
        }
        assert_true(i < 100000);
    }
    assert_int_equal(r, ERR_STORE_FULL);
    assert_non_null(rig_actor(rig));
    cid = rig_call(rig, &drop_item_call, &(struct drop_item) { .id = first.id }, who);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &drop_item_call, NULL), 0);
    assert_int_equal(found(rig, (struct rig_ask) { .from = "catalog" }), 0);
    rig_free(&rig);
}

static void a_token_that_is_forged_expired_or_revoked_is_refused(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR), other = rig_person(rig, 2, ROLE_CREATOR);
    char *forged = arena_strdup(rig_arena(rig), who.token), session[ID_TEXT_SIZE], user[ID_TEXT_SIZE];

    forged[strlen(forged) - 3] ^= 1;
    assert_int_equal(created(rig, "a", who, NULL), 0);
    assert_int_equal(created(rig, "b", (struct rig_ask) { .token = forged }, NULL), ERR_UNAUTHENTICATED);
    assert_int_equal(created(rig, "c", (struct rig_ask) { .token = "x.y.z" }, NULL), ERR_UNAUTHENTICATED);

    /* the session ends: at once, although the token was verified a moment ago */
    rig_value(rig, &revoked_value, id_format("session", rig_user(1), session),
              &(struct revoked) { .session_id = rig_user(1) });
    assert_int_equal(created(rig, "d", who, NULL), ERR_UNAUTHENTICATED);
    assert_int_equal(created(rig, "e", other, NULL), 0);
    rig_value(rig, &revoked_value, id_format("session", rig_user(1), session), NULL);
    assert_int_equal(created(rig, "f", who, NULL), 0);
    /* all of a user's tokens below an epoch end */
    rig_value(rig, &revoked_value, id_format("user", rig_user(2), user),
              &(struct revoked) { .user_id = rig_user(2), .epoch = 1 });
    assert_int_equal(created(rig, "g", other, NULL), ERR_UNAUTHENTICATED);

    rig_advance(rig, 700000);
    assert_int_equal(created(rig, "h", who, NULL), ERR_UNAUTHENTICATED);
}

static void a_request_whose_time_ran_out_is_not_begun(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    uint64_t cid;

    who.deadline_ms = 100;
    cid = create(rig, "late", who);
    rig_advance(rig, 101);
    assert_int_equal(rig_reply(rig, cid, &create_item_call, NULL), ERR_EXPIRED);
    assert_int_equal(items(rig), 0);
}

static void a_request_that_nobody_waits_for_is_not_begun(void **state)
{
    struct rig *rig = *state;
    uint64_t cid = create(rig, "gone", rig_person(rig, 1, ROLE_CREATOR));
    const struct bus_events *events;
    void *ctx;

    events = fake_events(&ctx);
    events->cancel(ctx, cid);
    rig_run(rig);
    assert_int_equal(items(rig), 0);
    assert_null(fake_answer(cid));
}

static void the_same_key_asked_twice_does_it_once(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR), other = rig_person(rig, 2, ROLE_CREATOR);
    struct item first, again;

    who.key = other.key = "key-1";
    assert_int_equal(created(rig, "once", who, &first), 0);
    assert_int_equal(created(rig, "once", who, &again), 0);
    assert_true(id_equal(first.id, again.id));
    rig_restart(rig);
    who.token = rig_token(rig, rig_user(1), ROLE_CREATOR);
    assert_int_equal(created(rig, "once", who, &again), 0);
    assert_true(id_equal(first.id, again.id));
    assert_int_equal(items(rig), 1);

    assert_int_equal(created(rig, "twice", who, NULL), ERR_CONFLICT); /* the key, for something else */
    assert_int_equal(created(rig, "hers", other, &again), 0);         /* the key, of somebody else */
    assert_int_equal(items(rig), 2);

    rig_advance(rig, INT64_C(24) * 3600 * 1000 + 1); /* it is forgotten: the title is taken, and that is said */
    who.token = rig_token(rig, rig_user(1), ROLE_CREATOR);
    assert_int_equal(created(rig, "once", who, NULL), ERR_CONFLICT);
    assert_int_equal(created(rig, "new", who, NULL), 0);
}

static void a_failure_is_not_kept_under_its_key(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);

    who.key = "key-2";
    assert_int_equal(created(rig, "fails", who, NULL), ERR_PRECONDITION);
    assert_int_equal(created(rig, "fails", who, NULL), ERR_PRECONDITION);
    assert_int_equal(((struct library *)actor_self(rig_actor(rig)))->runs, 2);
}

static void work_in_the_pool_comes_back_in_a_turn_of_its_own(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    struct item item, again;

    who.key = "key-3";
    assert_int_equal(created(rig, "pool", who, &item), 0);
    assert_int_equal(item.pages, 42);
    assert_int_equal(created(rig, "pool", who, &again), 0); /* kept by the turn that answered */
    assert_true(id_equal(item.id, again.id));
    who.key = NULL;
    assert_int_equal(created(rig, "poolbad", who, NULL), ERR_IO);
    assert_int_equal(items(rig), 1);
}

static void who_asked_is_answered_without_the_work_that_goes_on(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));
    uint64_t cid = create(rig, "beside", rig_person(rig, 1, ROLE_CREATOR));

    while (rig_reply(rig, cid, &create_item_call, NULL) == 1)
        assert_true(actor_step(rig_actor(rig)));
    assert_int_equal(library->besides, 0);
    rig_run(rig);
    assert_int_equal(library->besides, 1);
    assert_int_equal(items(rig), 1);
}

static void more_work_than_may_wait_is_busy_also_within_one_batch(void **state)
{
    static const char *const two[] = { "library.pool_waiting=2", NULL };
    struct rig *rig = rig_new(&library_actor, two);
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    uint64_t cids[5];
    unsigned busy = 0;
    char title[16];

    for (int i = 0; i < 5; i++) {
        snprintf(title, sizeof(title), "pool%d", i);
        cids[i] = create(rig, title, who);
    }
    rig_run(rig);
    for (int i = 0; i < 5; i++)
        busy += rig_reply(rig, cids[i], &create_item_call, NULL) == ERR_BUSY;
    assert_int_equal(busy, 3);
    assert_int_equal(items(rig), 2);
    assert_int_equal(created(rig, "pool9", who, NULL), 0);
    rig_free(&rig);
}

static void a_timer_answers_when_its_time_has_come(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    uint64_t cid, twin;

    who.key = "key-4";
    cid = create(rig, "timer", who);
    rig_run(rig);
    rig_advance(rig, 4999);
    assert_int_equal(rig_reply(rig, cid, &create_item_call, NULL), 1);
    twin = create(rig, "timer", who); /* the same request while the first is under way */
    rig_run(rig);
    assert_int_equal(rig_reply(rig, twin, &create_item_call, NULL), ERR_BUSY);
    rig_advance(rig, 1);
    assert_int_equal(rig_reply(rig, cid, &create_item_call, NULL), 0);
}

static void a_handler_that_forgets_its_answer_is_found_out(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(created(rig, "silent", rig_person(rig, 1, ROLE_CREATOR), NULL), ERR_INTERNAL);
}

static void answers_wait_while_the_bus_is_full_and_keep_their_order(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    uint64_t first = create(rig, "1", who), second = create(rig, "2", who);

    fake_busy(6);
    assert_true(actor_step(rig_actor(rig)));
    assert_null(fake_answer(first));
    assert_null(fake_answer(second));
    for (int i = 0; i < 4; i++)
        rig_advance(rig, 1000);
    assert_non_null(fake_answer(first));
    assert_non_null(fake_answer(second));
    assert_true(fake_answer(first) < fake_answer(second));
    assert_int_equal(fake_count(FAKE_APPEND, NULL), 2);
}

static void above_its_slots_it_is_busy(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
    uint64_t last = 0;
    char title[16];

    for (int i = 0; i < 129; i++) { /* 64 slots, and as many again may be on their way */
        snprintf(title, sizeof(title), "%d", i);
        last = create(rig, title, who);
    }
    assert_int_equal(rig_reply(rig, last, &create_item_call, NULL), ERR_BUSY);
    rig_run(rig);
    assert_int_equal(items(rig), 128);
}

/* Whatever call of the store fails: an answer, or an exit that a restart settles; never half a record, never two. */
static void create_survives_any_store_failure(void **state)
{
    enum store_fault kinds[] = { STORE_FAULT_LOST, STORE_FAULT_COMMITTED };
    struct rig *rig = *state;
    unsigned struck_n = 0;

    for (size_t k = 0; k < 2; k++) {
        for (unsigned n = 1;; n++) {
            struct rig_ask who = rig_person(rig, 1, ROLE_CREATOR);
            char key[32], title[16];
            struct item first, again;
            uint64_t cid, before = items(rig);
            bool struck;
            int r;

            snprintf(key, sizeof(key), "key-%zu-%u", k, n);
            snprintf(title, sizeof(title), "%zu-%u", k, n);
            who.key = key;
            cid = create(rig, title, who);
            store_fault_arm(n, kinds[k]);
            rig_run(rig);
            struck = store_fault_arm(1, kinds[k]);
            store_fault_disarm();
            r = fake_answer(cid) ? rig_reply(rig, cid, &create_item_call, &first) : 1;
            if (!rig_actor(rig))
                assert_int_equal(rig_exit_status(rig), 75);
            else
                assert_int_not_equal(r, 1);
            rig_restart(rig);
            assert_non_null(rig_actor(rig));
            assert_true(items(rig) <= before + 1);
            assert_true(r != 0 || items(rig) == before + 1);
            who.token = rig_token(rig, rig_user(1), ROLE_CREATOR);
            assert_int_equal(created(rig, title, who, &again), 0); /* the same key again: done once, all told */
            assert_true(r != 0 || id_equal(first.id, again.id));
            assert_int_equal(items(rig), before + 1);
            rig_confirm(rig);
            assert_true(n < 500);
            if (!struck)
                break; /* the last run met no fault */
            struck_n++;
        }
    }
    assert_true(struck_n > 20);
}

/* The same actor in a later version of its program, whose items are of version 2. */
static void what_an_earlier_program_wrote_is_copied_and_written_anew(void **state)
{
    static struct actor_def def;
    static struct actor_schema schema;
    static struct table_def later;
    static const struct table_def *tables[] = { &later, &loan_table };
    struct rig *rig;
    struct store_txn *txn;
    char title[16], path[256];
    bool done = false;
    uint64_t n = 0;

    def = library_actor;
    schema = library_schema;
    rig = rig_new(&def, NULL);
    for (int i = 0; i < 600; i++) {
        snprintf(title, sizeof(title), "%d", i);
        assert_int_equal(created(rig, title, rig_person(rig, 1, ROLE_CREATOR), NULL), 0);
        if (i % 50 == 0)
            rig_confirm(rig);
    }
    later = item_table;
    later.version = 2;
    schema.tables = tables;
    def.schema = &schema;
    rig_restart(rig);
    assert_non_null(rig_actor(rig));
    snprintf(path, sizeof(path), "%s/library/before-item-2/data.mdb", actor_state_dir(rig_actor(rig)));
    assert_int_equal(access(path, R_OK), 0);
    for (int i = 0; i < 5; i++)
        rig_advance(rig, 50); /* 256 rows a time */
    assert_int_equal(store_begin_write(actor_store(rig_actor(rig)), &txn), 0);
    assert_int_equal(migrate_sweep(txn, &later, 1, &done), 0);
    assert_int_equal(table_count(txn, &later, &n), 0);
    store_abort(&txn);
    assert_true(done);
    assert_int_equal(n, 600);
    schema.tables = library_schema.tables; /* and the earlier program again: it must not touch them */
    rig_restart(rig);
    assert_null(rig_actor(rig));
    rig_free(&rig);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(a_record_its_event_its_job_and_its_answer_are_one),
        T(a_handler_that_fails_is_undone_alone),
        T(a_request_that_does_not_fit_names_the_field),
        T(what_nobody_serves_is_unsupported),
        T(roles_are_checked_by_the_owner),
        T(what_actors_may_a_person_may_not_through_the_front),
        cmocka_unit_test(a_store_that_is_nearly_full_takes_no_new_work_but_lets_go),
        T(a_token_that_is_forged_expired_or_revoked_is_refused),
        T(a_request_whose_time_ran_out_is_not_begun),
        T(a_request_that_nobody_waits_for_is_not_begun),
        T(the_same_key_asked_twice_does_it_once),
        T(a_failure_is_not_kept_under_its_key),
        T(work_in_the_pool_comes_back_in_a_turn_of_its_own),
        T(who_asked_is_answered_without_the_work_that_goes_on),
        cmocka_unit_test(more_work_than_may_wait_is_busy_also_within_one_batch),
        T(a_timer_answers_when_its_time_has_come),
        T(a_handler_that_forgets_its_answer_is_found_out),
        T(answers_wait_while_the_bus_is_full_and_keep_their_order),
        T(above_its_slots_it_is_busy),
        T(create_survives_any_store_failure),
        cmocka_unit_test(what_an_earlier_program_wrote_is_copied_and_written_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

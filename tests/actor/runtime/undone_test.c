/* What is undone: clocks, what a turn remembered, and what waits while the disk is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "data/store/env.h"
#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"
#include "tests/harness/rig.h"

static int begin(void **state)
{
    return rig_open(state, &library_actor, NULL);
}

static int end(void **state)
{
    store_fault_full(STORE_FAULT_ROOM);
    return rig_close(state);
}

static uint64_t create(struct rig *rig, const char *title)
{
    return rig_call(rig, &create_item_call, &(struct create_item) { .title = title, .kind = KIND_BOOK },
                    rig_person(rig, 1, ROLE_CREATOR));
}

static int created(struct rig *rig, const char *title)
{
    uint64_t cid = create(rig, title);

    rig_run(rig);
    return rig_reply(rig, cid, &create_item_call, NULL);
}

static void a_clock_that_winds_itself_up_does_not_stop_when_one_turn_fails(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));

    rig_advance(rig, 60000);
    assert_int_equal(library->ticks, 1);
    library->tick_err = ERR_STORE_FULL;
    rig_advance(rig, 60000); /* fails, and what it wound up is undone with it */
    assert_int_equal(library->ticks, 2);
    rig_advance(rig, 1000);
    rig_advance(rig, 2000);
    assert_int_equal(library->ticks, 4);
    library->tick_err = 0;
    rig_advance(rig, 4000);
    assert_int_equal(library->ticks, 5);
    rig_advance(rig, 59999);
    assert_int_equal(library->ticks, 5);
    rig_advance(rig, 1);
    assert_int_equal(library->ticks, 6);
}

static void what_a_clock_asks_for_and_fails_is_begun_again_once_and_not_once_for_each_tick(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));
    unsigned before;

    library->part_err = ERR_STORE_FULL;
    for (unsigned minute = 0; minute < 20; minute++)
        rig_advance(rig, 60000);
    before = library->parts;
    rig_advance(rig, 60000);
    assert_in_range(library->parts - before, 1, 2);
    library->part_err = 0;
    rig_advance(rig, 600000);
    before = library->parts;
    rig_advance(rig, 60000);
    assert_int_equal(library->parts, before + 1);
}

static void what_a_turn_remembered_is_taken_back_when_it_comes_to_nothing(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));

    assert_int_equal(created(rig, "a"), 0);
    assert_int_equal(library->adding, 1);
    assert_int_equal(created(rig, "fails"), ERR_PRECONDITION);
    assert_int_equal(library->adding, 1);
    store_fault_full(STORE_FAULT_NO_COMMIT);
    assert_int_equal(created(rig, "b"), ERR_STORE_FULL);
    store_fault_full(STORE_FAULT_ROOM);
    assert_int_equal(library->adding, 1);
}

static void a_field_that_a_turn_changed_twice_is_as_it_was_before_it(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));

    assert_int_equal(created(rig, "a"), 0);
    assert_string_equal(library->newest, "a");
    assert_int_equal(created(rig, "stumbles"), ERR_PRECONDITION);
    assert_string_equal(library->newest, "a");
}

/* These, in turns of one commit. */
static void create_three(struct rig *rig, const char *const titles[3], uint64_t cids[3])
{
    struct library *library = actor_self(rig_actor(rig));
    unsigned before = library->runs;

    for (size_t i = 0; i < 3; i++)
        cids[i] = create(rig, titles[i]);
    actor_step(rig_actor(rig));
    assert_int_equal(library->runs, before + 3);
    rig_run(rig);
}

static void a_turn_that_fails_puts_a_field_back_to_what_the_one_before_it_made_it(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));
    uint64_t cids[3];

    create_three(rig, (const char *const[]) { "a", "b", "stumbles" }, cids);
    assert_int_equal(rig_reply(rig, cids[1], &create_item_call, NULL), 0);
    assert_int_equal(rig_reply(rig, cids[2], &create_item_call, NULL), ERR_PRECONDITION);
    assert_string_equal(library->newest, "b");
    create_three(rig, (const char *const[]) { "c", "stumbles", "d" }, cids);
    assert_int_equal(rig_reply(rig, cids[1], &create_item_call, NULL), ERR_PRECONDITION);
    assert_string_equal(library->newest, "d");
}

static void a_field_that_several_turns_changed_is_as_it_was_before_all_of_them(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));
    uint64_t cids[3];

    assert_int_equal(created(rig, "a"), 0);
    store_fault_full(STORE_FAULT_NO_COMMIT);
    create_three(rig, (const char *const[]) { "b", "stumbles", "c" }, cids);
    store_fault_full(STORE_FAULT_ROOM);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rig_reply(rig, cids[i], &create_item_call, NULL), ERR_STORE_FULL);
    assert_string_equal(library->newest, "a");
    assert_int_equal(library->adding, 1);
}

/* Its confirmed messages leave the outbox with the next commit, and no commit takes place. */
static void while_the_disk_is_full_it_waits(void **state)
{
    struct rig *rig = *state;
    const struct bus_events *events;
    const struct fake_sent *sent;
    void *ctx;

    assert_int_equal(created(rig, "a"), 0);
    events = fake_events(&ctx);
    while ((sent = fake_next(FAKE_PUT, NULL)) || (sent = fake_next(FAKE_APPEND, NULL)))
        events->durable_ok(ctx, sent->number, false);
    store_fault_full(STORE_FAULT_NO_COMMIT);
    rig_advance(rig, 1000); /* ends */
    rig_advance(rig, 1000);
    store_fault_full(STORE_FAULT_ROOM);
    rig_advance(rig, 1000);
    assert_int_equal(created(rig, "b"), 0);
}

static void what_was_done_on_the_pool_is_told_when_there_is_room_again(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));
    uint64_t cid = create(rig, "beside");

    while (rig_reply(rig, cid, &create_item_call, NULL) == 1)
        assert_true(actor_step(rig_actor(rig)));
    store_fault_full(STORE_FAULT_NO_BEGIN);
    rig_run(rig);
    rig_advance(rig, 1000);
    assert_int_equal(library->besides, 0);
    store_fault_full(STORE_FAULT_ROOM);
    rig_advance(rig, 2000);
    assert_int_equal(library->besides, 1);
    rig_advance(rig, 10000);
    assert_int_equal(library->besides, 1);
}

/* The last of them is under way when the actor ends. */
static void memory_that_was_for_the_pool_is_freed_where_no_continuation_has_it(void **state)
{
    struct rig *rig = *state;
    struct library *library = actor_self(rig_actor(rig));
    uint64_t cid;

    assert_int_equal(created(rig, "owns"), 0);
    assert_int_equal(library->owned, 1);
    assert_int_equal(library->dropped, 0);
    assert_int_equal(created(rig, "ownsbad"), ERR_PRECONDITION);
    assert_int_equal(library->dropped, 1);
    store_fault_full(STORE_FAULT_NO_COMMIT);
    assert_int_equal(created(rig, "owns too"), ERR_STORE_FULL);
    assert_int_equal(library->dropped, 2);
    store_fault_full(STORE_FAULT_ROOM);
    cid = create(rig, "owns too");
    assert_true(actor_step(rig_actor(rig)));
    store_fault_full(STORE_FAULT_NO_BEGIN); /* and its continuation has no turn */
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &create_item_call, NULL), ERR_STORE_FULL);
    assert_int_equal(library->dropped, 3);
    store_fault_full(STORE_FAULT_ROOM);
    rig_advance(rig, 10000);
    assert_int_equal(library->owned, 1);
    create(rig, "owns too");
    assert_true(actor_step(rig_actor(rig)));
    assert_int_equal(library->dropped, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_clock_that_winds_itself_up_does_not_stop_when_one_turn_fails),
        T(what_a_clock_asks_for_and_fails_is_begun_again_once_and_not_once_for_each_tick),
        T(what_a_turn_remembered_is_taken_back_when_it_comes_to_nothing),
        T(a_field_that_a_turn_changed_twice_is_as_it_was_before_it),
        T(a_turn_that_fails_puts_a_field_back_to_what_the_one_before_it_made_it),
        T(a_field_that_several_turns_changed_is_as_it_was_before_all_of_them),
        T(while_the_disk_is_full_it_waits),
        T(what_was_done_on_the_pool_is_told_when_there_is_room_again),
        T(memory_that_was_for_the_pool_is_freed_where_no_continuation_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

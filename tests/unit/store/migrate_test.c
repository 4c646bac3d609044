/* migrate_test - a store of an earlier program: the copy before, the upgrade when read, the sweep behind. */
#include "tests/unit/store/fixture.h"

#include "data/migrate/migrate.h"
#include "schemas/wire/arena.h"

struct item {
    struct id id;
    uint64_t rev;
    uint64_t size; /* version 1: in kilobytes; version 2: in bytes */
    uint64_t colour;
};

#define FIELD(n, k, m)                                                         \
    {                                                                          \
        .number = n, .kind = k, .name = #m, .offset = offsetof(struct item, m) \
    }
static const struct wire_field item_fields[] = { FIELD(1, WIRE_ID, id), FIELD(2, WIRE_UINT, rev),
                                                 FIELD(3, WIRE_UINT, size), FIELD(4, WIRE_UINT, colour) };
static const struct wire_type item_type = { "item", sizeof(struct item), item_fields, 4, 32 };
static const struct table_key by_id[] = { { WIRE_ID, offsetof(struct item, id) } };
static const struct table_key by_colour[] = { { WIRE_UINT, offsetof(struct item, colour) } };
static const struct table_index indexes[] = { { .name = "by_colour", .keys = by_colour, .keys_n = 1 } };

static int upgrade(uint16_t from, struct bytes packed, struct arena *arena, void *ret)
{
    struct item *item = ret;
    int r = wire_unpack(&item_type, packed, arena, ret, NULL);

    item->size *= 1000;
    return r;
}

#define TABLE(v, n, up)                                                                                           \
    {                                                                                                             \
        .name = "item", .number = 9, .version = v, .type = &item_type, .size = sizeof(struct item),               \
        .keys = by_id, .keys_n = 1, .indexes = indexes, .indexes_n = n, .rev_offset = offsetof(struct item, rev), \
        .upgrade = up                                                                                             \
    }
static const struct table_def first = TABLE(1, 0, NULL), second = TABLE(2, 1, upgrade); /* which adds an index */

static struct arena *arena;

static int setup(void **state)
{
    arena = arena_new();
    return fixture_setup(state);
}

static int teardown(void **state)
{
    arena_free(&arena);
    return fixture_teardown(state);
}

/* Starts as a program does: the copy of before goes into the fixture's directory. */
static char *start(struct fixture *f, const struct table_def *def)
{
    char *backup = NULL;

    store_close(&f->store);
    fixture_open(f);
    assert_int_equal(migrate_prepare(f->store, &def, 1, f->dir, &backup), 0);
    assert_int_equal(table_open(f->store, &def, 1), 0);
    return backup;
}

static struct id id_of(unsigned n)
{
    return (struct id) { .b = { 1, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } };
}

static void fill(struct fixture *f, unsigned n)
{
    struct store_txn *txn;

    assert_int_equal(store_begin_write(f->store, &txn), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(table_put(txn, &first, &(struct item) { .id = id_of(i), .size = i, .colour = i % 3 }), 0);
    assert_int_equal(store_commit(&txn), 0);
}

static bool sweep(struct fixture *f, unsigned limit)
{
    struct store_txn *txn;
    bool done;

    assert_int_equal(store_begin_write(f->store, &txn), 0);
    assert_int_equal(migrate_sweep(txn, &second, limit, &done), 0);
    assert_int_equal(store_commit(&txn), 0);
    return done;
}

static unsigned count_colour(struct fixture *f, uint64_t colour)
{
    struct table_walk walk;
    struct store_txn *txn;
    struct item item;
    unsigned n = 0;

    assert_int_equal(store_begin_read(f->store, &txn), 0);
    assert_int_equal(table_walk_start(&walk, txn, &second, 0, &(struct item) { .colour = colour }, 1, TABLE_UP,
                                      (struct bytes) { 0 }),
                     0);
    while (table_walk_next(&walk, arena, &item) > 0)
        n++;
    table_walk_end(&walk);
    store_abort(&txn);
    return n;
}

static void a_new_store_needs_no_copy(void **state)
{
    assert_null(start(*state, &first));
    assert_null(start(*state, &first));
}

static void before_a_table_rises_the_store_is_copied_once(void **state)
{
    struct fixture *f = *state;
    char *backup, *again;

    assert_null(start(f, &first));
    fill(f, 10);
    backup = start(f, &second);
    assert_non_null(backup);
    assert_null(again = start(f, &second)); /* it has risen */
    store_close(&f->store);
    strcpy(f->store_dir, backup); /* the way back: the first program opens the copy */
    assert_null(start(f, &first));
    free(backup);
}

static void a_program_of_before_refuses_what_a_later_one_wrote(void **state)
{
    struct fixture *f = *state;
    const struct table_def *def = &first;
    char *backup;

    start(f, &first);
    fill(f, 1);
    free(start(f, &second));
    store_close(&f->store);
    fixture_open(f);
    assert_int_equal(migrate_prepare(f->store, &def, 1, f->dir, &backup), ERR_VERSION);
    assert_int_equal(table_open(f->store, &def, 1), ERR_VERSION);
}

static void records_are_right_at_once_and_indexes_after_the_sweep(void **state)
{
    const struct table_def *def = &second;
    struct fixture *f = *state;
    struct store_report report;
    struct store_txn *txn;
    struct item item;
    unsigned turns = 1;

    start(f, &first);
    fill(f, 100);
    free(start(f, &second));
    assert_int_equal(store_begin_read(f->store, &txn), 0);
    assert_int_equal(table_get(txn, &second, arena, &(struct item) { .id = id_of(7) }, &item), 0);
    assert_int_equal(item.size, 7000);
    store_abort(&txn);
    assert_int_equal(count_colour(f, 0), 0);
    while (!sweep(f, 9)) {
        turns++;
        if (turns == 5)
            start(f, &second); /* killed, and on from where it was */
    }
    assert_in_range(turns, 11, 13);
    assert_true(sweep(f, 9)); /* and for ever */
    assert_int_equal(count_colour(f, 0), 34);
    assert_int_equal(table_verify(f->store, &def, 1, &report), 0);
    assert_int_equal(report.bad_rows, 0);
    assert_int_equal(store_begin_read(f->store, &txn), 0);
    assert_int_equal(table_get(txn, &second, arena, &(struct item) { .id = id_of(7) }, &item), 0);
    assert_int_equal(item.size, 7000); /* upgraded once, not twice */
    assert_int_equal(item.rev, 1);     /* nothing about it changed */
    store_abort(&txn);
}

static void an_old_record_can_be_put_and_deleted_before_the_sweep(void **state)
{
    const struct table_def *def = &second;
    struct fixture *f = *state;
    struct store_report report;
    struct store_txn *txn;
    struct item item = { .id = id_of(1), .size = 5, .colour = 2 };

    start(f, &first);
    fill(f, 3);
    free(start(f, &second));
    assert_int_equal(store_begin_write(f->store, &txn), 0);
    assert_int_equal(table_put(txn, &second, &item), 0);
    assert_int_equal(item.rev, 2);
    assert_int_equal(table_del(txn, &second, &(struct item) { .id = id_of(2) }), 0);
    assert_int_equal(store_commit(&txn), 0);
    assert_true(sweep(f, 100));
    assert_int_equal(count_colour(f, 2), 1);
    assert_int_equal(count_colour(f, 0), 1);
    assert_int_equal(table_verify(f->store, &def, 1, &report), 0);
    assert_int_equal(report.bad_rows, 0);
}

#define with_arena(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_arena(a_new_store_needs_no_copy),
        with_arena(before_a_table_rises_the_store_is_copied_once),
        with_arena(a_program_of_before_refuses_what_a_later_one_wrote),
        with_arena(records_are_right_at_once_and_indexes_after_the_sweep),
        with_arena(an_old_record_can_be_put_and_deleted_before_the_sweep),
    };

    return cmocka_run_group_tests_name("store_migrate", tests, NULL, NULL);
}

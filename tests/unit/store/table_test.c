/* table_test - records, indexes, walks, revisions, upgrades, and what a flipped bit is. */
#include "tests/unit/store/fixture.h"

#include <sodium.h>

#include "data/store/envelope.h"
#include "data/store/table.h"
#include "schemas/wire/arena.h"

/* A table as the schema compiler would emit it. */
enum colour { COLOUR_RED = 1, COLOUR_BLUE = 2 };
static const struct wire_name colour_names[] = { { "red", 1 }, { "blue", 2 } };
static const struct wire_enum colour_enum = { "colour", colour_names, 2 };

struct thing {
    struct id id;
    uint64_t rev;
    const char *name;
    enum colour colour;
    int64_t height;
    int64_t at;
    struct id group;
};

#define FIELD(n, k, m, ...)                                                                  \
    {                                                                                        \
        .number = n, .kind = k, .name = #m, .offset = offsetof(struct thing, m), __VA_ARGS__ \
    }
static const struct wire_field thing_fields[] = {
    FIELD(1, WIRE_ID, id, .prefix = "thing"),           FIELD(2, WIRE_UINT, rev),   FIELD(3, WIRE_TEXT, name),
    FIELD(4, WIRE_ENUM, colour, .names = &colour_enum), FIELD(5, WIRE_INT, height), FIELD(6, WIRE_TIME, at),
    FIELD(7, WIRE_ID, group, .prefix = "group"),
};
static const struct wire_type thing_type = { "thing", sizeof(struct thing), thing_fields, 7, 64 };

enum { BY_NAME, BY_COLOUR, BY_HEIGHT, BY_GROUP };
static const struct table_key by_id[] = { { WIRE_ID, offsetof(struct thing, id) } };
static const struct table_key by_name[] = { { WIRE_TEXT, offsetof(struct thing, name) } };
static const struct table_key by_colour[] = { { WIRE_ENUM, offsetof(struct thing, colour) },
                                              { WIRE_TIME, offsetof(struct thing, at) } };
static const struct table_key by_height[] = { { WIRE_INT, offsetof(struct thing, height) } };
static const struct table_key by_group[] = { { WIRE_ID, offsetof(struct thing, group) } };
static const struct table_index thing_indexes[] = {
    [BY_NAME] = { .name = "by_name", .keys = by_name, .keys_n = 1, .unique = true },
    [BY_COLOUR] = { .name = "by_colour", .keys = by_colour, .keys_n = 2 },
    [BY_HEIGHT] = { .name = "by_height", .keys = by_height, .keys_n = 1 },
    [BY_GROUP] = { .name = "by_group", .keys = by_group, .keys_n = 1, .sparse = true },
};

#define THING_TABLE(v, up)                                                                             \
    {                                                                                                  \
        .name = "thing", .number = 7, .version = v, .type = &thing_type, .size = sizeof(struct thing), \
        .keys = by_id, .keys_n = 1, .indexes = thing_indexes, .indexes_n = 4,                          \
        .rev_offset = offsetof(struct thing, rev), .upgrade = up                                       \
    }
static const struct table_def thing_table = THING_TABLE(3, NULL);

struct tables {
    struct fixture *f;
    struct arena *arena;
    struct store_txn *txn;
};

static int setup(void **state)
{
    struct tables *t = calloc(1, sizeof(*t));
    void *f;

    if (fixture_setup(&f))
        return -1;
    t->f = f;
    t->arena = arena_new();
    *state = t;
    return table_open(t->f->store, (const struct table_def *[]) { &thing_table }, 1);
}

static int teardown(void **state)
{
    struct tables *t = *state;
    void *f = t->f;

    store_abort(&t->txn);
    arena_free(&t->arena);
    free(t);
    return fixture_teardown(&f);
}

static void begin(struct tables *t)
{
    assert_int_equal(store_begin_write(t->f->store, &t->txn), 0);
}

static void commit(struct tables *t)
{
    assert_int_equal(store_commit(&t->txn), 0);
}

static struct id id_of(unsigned n)
{
    struct id id = { .b = { [15] = (uint8_t)n, [14] = 1 } };

    return id;
}

static struct thing make(unsigned n, const char *name, enum colour colour, int64_t at)
{
    return (struct thing) { .id = id_of(n), .name = name, .colour = colour, .at = at, .height = (int64_t)n - 3 };
}

static void put(struct tables *t, struct thing thing)
{
    begin(t);
    assert_int_equal(table_put(t->txn, &thing_table, &thing), 0);
    commit(t);
}

static void put_five(struct tables *t)
{
    put(t, make(1, "one", COLOUR_RED, 500));
    put(t, make(2, "two", COLOUR_BLUE, 400));
    put(t, make(3, "three", COLOUR_RED, 300));
    put(t, make(4, "four", COLOUR_RED, 200));
    put(t, make(5, "five", COLOUR_BLUE, 100));
}

/* The last bytes of the ids that a walk gives, as text. */
static const char *walk(struct tables *t, int index, const struct thing *prefix, size_t n, enum table_order order)
{
    static char seen[64];
    struct table_walk w;
    struct thing thing;
    int r = table_walk_start(&w, t->txn, &thing_table, index, prefix, n, order, (struct bytes) { 0 });

    *seen = 0;
    while (r == 0 && (r = table_walk_next(&w, t->arena, &thing)) > 0) {
        snprintf(seen + strlen(seen), 4, "%u", thing.id.b[15]);
        r = 0;
    }
    table_walk_end(&w);
    assert_int_equal(r, 0);
    return seen;
}

static void a_record_comes_back_as_it_was(void **state)
{
    struct tables *t = *state;
    struct thing in = make(9, "nine", COLOUR_BLUE, 1234), out;

    in.group = id_of(77);
    put(t, in);
    begin(t);
    assert_int_equal(table_get(t->txn, &thing_table, t->arena, &in, &out), 0);
    store_abort(&t->txn);
    assert_string_equal(out.name, "nine"); /* from the arena: the transaction is over */
    assert_int_equal(out.colour, COLOUR_BLUE);
    assert_int_equal(out.height, 6);
    assert_int_equal(out.at, 1234);
    assert_true(id_equal(out.group, id_of(77)));
    assert_int_equal(out.rev, 1);
}

static void each_put_counts_the_revision(void **state)
{
    struct tables *t = *state;
    struct thing thing = make(1, "one", COLOUR_RED, 1);

    begin(t);
    assert_int_equal(table_put_new(t->txn, &thing_table, &thing), 0);
    assert_int_equal(thing.rev, 1);
    thing.rev = 90; /* what a caller says of it does not matter */
    assert_int_equal(table_put(t->txn, &thing_table, &thing), 0);
    assert_int_equal(thing.rev, 2);
    assert_int_equal(table_put_new(t->txn, &thing_table, &thing), ERR_EXISTS);
    assert_int_equal(thing.rev, 2);
    commit(t);
}

static void a_deleted_record_is_gone_from_all_indexes(void **state)
{
    struct tables *t = *state;
    struct thing key = { .id = id_of(3) }, out;

    put_five(t);
    begin(t);
    assert_int_equal(table_del(t->txn, &thing_table, &key), 0);
    assert_int_equal(table_del(t->txn, &thing_table, &key), ERR_NOT_FOUND);
    assert_int_equal(table_get(t->txn, &thing_table, t->arena, &key, &out), ERR_NOT_FOUND);
    assert_string_equal(walk(t, BY_NAME, NULL, 0, TABLE_UP), "5412");
    assert_string_equal(walk(t, BY_HEIGHT, NULL, 0, TABLE_UP), "1245");
    commit(t);
}

static void an_index_follows_the_record(void **state)
{
    struct tables *t = *state;
    struct thing out;

    put_five(t);
    put(t, make(1, "zero", COLOUR_BLUE, 50));
    begin(t);
    assert_int_equal(
        table_find(t->txn, &thing_table, BY_NAME, &(struct thing) { .name = "one" }, 1, t->arena, &out),
        ERR_NOT_FOUND);
    assert_int_equal(
        table_find(t->txn, &thing_table, BY_NAME, &(struct thing) { .name = "zero" }, 1, t->arena, &out), 0);
    assert_int_equal(out.id.b[15], 1);
    assert_string_equal(walk(t, BY_COLOUR, &(struct thing) { .colour = COLOUR_BLUE }, 1, TABLE_UP), "152");
    commit(t);
}

static void walks_give_value_order_both_ways(void **state)
{
    struct tables *t = *state;

    put_five(t);
    begin(t);
    assert_string_equal(walk(t, TABLE_PRIMARY, NULL, 0, TABLE_UP), "12345");
    assert_string_equal(walk(t, TABLE_PRIMARY, NULL, 0, TABLE_DOWN), "54321");
    assert_string_equal(walk(t, BY_NAME, NULL, 0, TABLE_UP), "54132");   /* five four one three two */
    assert_string_equal(walk(t, BY_HEIGHT, NULL, 0, TABLE_UP), "12345"); /* -2 .. 2: negative ones come first */
    assert_string_equal(walk(t, BY_COLOUR, &(struct thing) { .colour = COLOUR_RED }, 1, TABLE_UP), "431");
    assert_string_equal(walk(t, BY_COLOUR, &(struct thing) { .colour = COLOUR_RED }, 1, TABLE_DOWN), "134");
    assert_string_equal(walk(t, BY_COLOUR, &(struct thing) { .colour = COLOUR_BLUE }, 1, TABLE_DOWN), "25");
    assert_string_equal(walk(t, BY_COLOUR, &(struct thing) { .colour = 3 }, 1, TABLE_DOWN), "");
    commit(t);
}

static void a_prefix_of_a_text_is_not_the_text(void **state)
{
    struct tables *t = *state;

    put(t, make(1, "on", COLOUR_RED, 1));
    put(t, make(2, "one", COLOUR_RED, 1));
    begin(t);
    assert_string_equal(walk(t, BY_NAME, &(struct thing) { .name = "on" }, 1, TABLE_UP), "1");
    commit(t);
}

static void a_sparse_index_skips_what_is_absent(void **state)
{
    struct tables *t = *state;
    struct thing thing = make(2, "two", COLOUR_RED, 1);

    put(t, make(1, "one", COLOUR_RED, 1));
    thing.group = id_of(8);
    put(t, thing);
    begin(t);
    assert_string_equal(walk(t, BY_GROUP, NULL, 0, TABLE_UP), "2");
    thing.group = ID_NONE;
    assert_int_equal(table_put(t->txn, &thing_table, &thing), 0);
    assert_string_equal(walk(t, BY_GROUP, NULL, 0, TABLE_UP), "");
    commit(t);
}

static void a_unique_index_refuses_a_second_one_and_writes_nothing(void **state)
{
    struct tables *t = *state;
    struct thing twin = make(2, "one", COLOUR_RED, 1), out;

    put(t, make(1, "one", COLOUR_RED, 1));
    begin(t);
    assert_int_equal(table_put(t->txn, &thing_table, &twin), ERR_EXISTS);
    assert_int_equal(twin.rev, 0);
    assert_int_equal(table_get(t->txn, &thing_table, t->arena, &twin, &out), ERR_NOT_FOUND);
    twin = make(1, "one", COLOUR_BLUE, 2); /* itself again is no other one */
    assert_int_equal(table_put(t->txn, &thing_table, &twin), 0);
    commit(t);
}

static void a_walk_goes_on_from_a_cursor_in_another_transaction(void **state)
{
    struct tables *t = *state;
    struct table_walk w;
    struct thing thing;
    uint8_t kept[STORE_KEY_MAX];
    struct bytes after;

    put_five(t);
    begin(t);
    assert_int_equal(table_walk_start(&w, t->txn, &thing_table, BY_COLOUR,
                                      &(struct thing) { .colour = COLOUR_RED }, 1, TABLE_DOWN,
                                      (struct bytes) { 0 }),
                     0);
    assert_int_equal(table_walk_next(&w, t->arena, &thing), 1);
    assert_int_equal(thing.id.b[15], 1);
    after = table_walk_at(&w);
    memcpy(kept, after.data, after.len);
    after.data = kept;
    table_walk_end(&w);
    commit(t);
    begin(t);
    assert_int_equal(table_del(t->txn, &thing_table, &thing), 0); /* where the cursor stood */
    assert_int_equal(table_walk_start(&w, t->txn, &thing_table, BY_COLOUR,
                                      &(struct thing) { .colour = COLOUR_RED }, 1, TABLE_DOWN, after),
                     0);
    assert_int_equal(table_walk_next(&w, t->arena, &thing), 1);
    assert_int_equal(thing.id.b[15], 3);
    table_walk_end(&w);
    assert_int_equal(table_walk_start(&w, t->txn, &thing_table, BY_COLOUR,
                                      &(struct thing) { .colour = COLOUR_BLUE }, 1, TABLE_DOWN, after),
                     ERR_INVALID);
    table_walk_end(&w);
    commit(t);
}

static void records_may_be_deleted_while_walking(void **state)
{
    struct tables *t = *state;
    struct table_walk w;
    struct thing thing;
    unsigned n = 0;
    int r;

    put_five(t);
    begin(t);
    assert_int_equal(table_walk_start(&w, t->txn, &thing_table, BY_NAME, NULL, 0, TABLE_UP, (struct bytes) { 0 }),
                     0);
    while ((r = table_walk_next(&w, t->arena, &thing)) > 0) {
        assert_int_equal(table_del(t->txn, &thing_table, &thing), 0);
        n++;
    }
    table_walk_end(&w);
    assert_int_equal(r, 0);
    assert_int_equal(n, 5);
    assert_string_equal(walk(t, TABLE_PRIMARY, NULL, 0, TABLE_UP), "");
    commit(t);
}

static void an_index_entry_that_is_too_long_is_refused_before_anything_is_written(void **state)
{
    struct tables *t = *state;
    char name[600];
    struct thing thing = make(1, name, COLOUR_RED, 1), out;

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    begin(t);
    assert_int_equal(table_put(t->txn, &thing_table, &thing), ERR_TOO_LARGE);
    assert_int_equal(table_get(t->txn, &thing_table, t->arena, &thing, &out), ERR_NOT_FOUND);
    commit(t);
}

static int upgrade_from_two(uint16_t from, struct bytes packed, struct arena *arena, void *ret)
{
    struct thing *thing = ret;
    int r = wire_unpack(&thing_type, packed, arena, ret, NULL);

    if (from < 3)
        thing->name = arena_printf(arena, "upgraded %s", thing->name);
    return r;
}

static void open_with(struct tables *t, const struct table_def *def, int expected)
{
    store_close(&t->f->store);
    fixture_open(t->f);
    assert_int_equal(table_open(t->f->store, &def, 1), expected);
}

static void an_earlier_version_is_upgraded_when_read_and_a_later_one_refused(void **state)
{
    static const struct table_def older = THING_TABLE(2, NULL), newer = THING_TABLE(4, upgrade_from_two);
    struct tables *t = *state;
    struct thing thing = make(1, "one", COLOUR_RED, 1), out;

    open_with(t, &thing_table, 0);
    put(t, thing);
    open_with(t, &older, ERR_VERSION);
    open_with(t, &newer, 0);
    begin(t);
    assert_int_equal(table_get(t->txn, &newer, t->arena, &thing, &out), 0);
    assert_string_equal(out.name, "one"); /* version 3 needs no change, version 2 would */
    store_abort(&t->txn);
    open_with(t, &thing_table, ERR_VERSION);
}

static void a_value_of_an_old_version_runs_through_the_upgrade(void **state)
{
    static const struct table_def first = { .name = "old",
                                            .number = 8,
                                            .version = 2,
                                            .type = &thing_type,
                                            .size = sizeof(struct thing),
                                            .keys = by_id,
                                            .keys_n = 1,
                                            .rev_offset = TABLE_NO_REV };
    static const struct table_def second = { .name = "old",
                                             .number = 8,
                                             .version = 3,
                                             .type = &thing_type,
                                             .size = sizeof(struct thing),
                                             .keys = by_id,
                                             .keys_n = 1,
                                             .rev_offset = TABLE_NO_REV,
                                             .upgrade = upgrade_from_two };
    struct tables *t = *state;
    struct thing thing = make(1, "one", COLOUR_RED, 1), out;

    open_with(t, &first, 0);
    begin(t);
    assert_int_equal(table_put(t->txn, &first, &thing), 0);
    commit(t);
    open_with(t, &second, 0);
    begin(t);
    assert_int_equal(table_get(t->txn, &second, t->arena, &thing, &out), 0);
    assert_string_equal(out.name, "upgraded one");
    commit(t);
}

/* Flips every bit of a stored value in turn, through the raw level. */
static void every_flipped_bit_of_a_value_is_found(void **state)
{
    struct tables *t = *state;
    struct thing thing = make(1, "one", COLOUR_RED, 1), out;
    struct bytes key = bytes_of(thing.id.b, 16), view;
    struct store_report report;
    struct store_db *db;
    uint8_t good[512], bad[512];
    size_t len;

    put(t, thing);
    assert_int_equal(store_db(t->f->store, "thing", &db), 0);
    begin(t);
    assert_int_equal(store_get(t->txn, db, key, &view), 0);
    len = view.len;
    assert_in_range(len, ENVELOPE_SIZE + 1, sizeof(good));
    memcpy(good, view.data, len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        memcpy(bad, good, len);
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(store_put(t->txn, db, key, bytes_of(bad, len)), 0);
        assert_int_equal(table_get(t->txn, &thing_table, t->arena, &thing, &out), ERR_CORRUPT);
    }
    commit(t);
    assert_int_equal(store_verify(t->f->store, &report), 0);
    assert_int_equal(report.bad_rows, 1);
    assert_int_equal(strncmp(report.first_bad, "thing 0000", 10), 0);
}

static void a_value_under_another_key_or_cut_short_is_found(void **state)
{
    struct tables *t = *state;
    struct thing thing = make(1, "one", COLOUR_RED, 1), out;
    struct id other = id_of(2);
    struct bytes view;
    struct store_db *db;
    uint8_t good[512];
    size_t len;

    put(t, thing);
    assert_int_equal(store_db(t->f->store, "thing", &db), 0);
    begin(t);
    assert_int_equal(store_get(t->txn, db, bytes_of(thing.id.b, 16), &view), 0);
    len = view.len;
    memcpy(good, view.data, len);
    assert_int_equal(store_put(t->txn, db, bytes_of(other.b, 16), bytes_of(good, len)), 0);
    thing.id = other;
    assert_int_equal(table_get(t->txn, &thing_table, t->arena, &thing, &out), ERR_CORRUPT);
    for (size_t n = 0; n < len; n++) {
        assert_int_equal(store_put(t->txn, db, bytes_of(other.b, 16), bytes_of(good, n)), 0);
        assert_int_equal(table_get(t->txn, &thing_table, t->arena, &thing, &out), ERR_CORRUPT);
    }
    commit(t);
}

static void scrubbing_finds_rows_and_entries_that_do_not_name_each_other(void **state)
{
    const struct table_def *defs[] = { &thing_table };
    struct tables *t = *state;
    struct store_report report;
    struct store_db *names;
    struct store_cursor *c;
    struct bytes key, view;
    uint8_t ghost[64];

    put_five(t);
    assert_int_equal(table_verify(t->f->store, defs, 1, &report), 0);
    assert_int_equal(report.bad_rows, 0);
    assert_int_equal(report.rows, 5 * 4); /* the rows and three full indexes; the fourth is sparse */
    assert_int_equal(store_db(t->f->store, "thing.by_name", &names), 0);
    begin(t);
    assert_int_equal(store_cursor_open(t->txn, names, &c), 0);
    assert_int_equal(store_cursor_first(c, &key, &view), 0);
    memcpy(ghost, key.data, key.len);
    ghost[0] = 'g';
    assert_int_equal(store_cursor_del(c), 0);
    store_cursor_close(&c);
    assert_int_equal(store_put(t->txn, names, bytes_of(ghost, 5 + 16), bytes_of("", 0)), 0);
    commit(t);
    assert_int_equal(table_verify(t->f->store, defs, 1, &report), 0);
    assert_int_equal(report.bad_rows, 2); /* one without its entry, one entry without its row */
}

static int put_twice(struct tables *t, struct thing a, struct thing b)
{
    int r = store_begin_write(t->f->store, &t->txn);

    if (r == 0)
        r = table_put(t->txn, &thing_table, &a);
    if (r == 0)
        r = table_put(t->txn, &thing_table, &b);
    if (r == 0)
        return store_commit(&t->txn);
    store_abort(&t->txn);
    return r;
}

static void whichever_call_fails_rows_and_indexes_agree(void **state)
{
    const struct table_def *def = &thing_table;
    struct tables *t = *state;
    struct store_report report;
    unsigned n, seen = 0;

    put_five(t);
    for (n = 1; store_fault_arm(n, n % 2 ? STORE_FAULT_LOST : STORE_FAULT_COMMITTED); n++) {
        int r = put_twice(t, make(1, "new", COLOUR_BLUE, n), make(6, "six", COLOUR_RED, n));

        if (r == 0)
            break;
        seen++;
        if (r == ERR_OUTCOME_UNKNOWN)
            open_with(t, def, 0);
        assert_int_equal(table_verify(t->f->store, &def, 1, &report), 0);
        assert_int_equal(report.bad_rows, 0);
    }
    store_fault_disarm();
    assert_int_equal(n, seen + 1);
    assert_true(seen > 10);
    assert_int_equal(table_verify(t->f->store, &def, 1, &report), 0);
    assert_int_equal(report.bad_rows, 0);
}

#define with_tables(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_tables(a_record_comes_back_as_it_was),
        with_tables(each_put_counts_the_revision),
        with_tables(a_deleted_record_is_gone_from_all_indexes),
        with_tables(an_index_follows_the_record),
        with_tables(walks_give_value_order_both_ways),
        with_tables(a_prefix_of_a_text_is_not_the_text),
        with_tables(a_sparse_index_skips_what_is_absent),
        with_tables(a_unique_index_refuses_a_second_one_and_writes_nothing),
        with_tables(a_walk_goes_on_from_a_cursor_in_another_transaction),
        with_tables(records_may_be_deleted_while_walking),
        with_tables(an_index_entry_that_is_too_long_is_refused_before_anything_is_written),
        with_tables(an_earlier_version_is_upgraded_when_read_and_a_later_one_refused),
        with_tables(a_value_of_an_old_version_runs_through_the_upgrade),
        with_tables(every_flipped_bit_of_a_value_is_found),
        with_tables(a_value_under_another_key_or_cut_short_is_found),
        with_tables(scrubbing_finds_rows_and_entries_that_do_not_name_each_other),
        with_tables(whichever_call_fails_rows_and_indexes_agree),
    };

    return cmocka_run_group_tests_name("store_table", tests, NULL, NULL);
}

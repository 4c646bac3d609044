/* generation - see generation.h */
#include "actors/index/generation.h"

#include "gen/errors.h"

int generations_read(struct store_txn *txn, struct arena *arena, struct generations *ret)
{
    struct table_walk walk;
    struct index_generation one;
    int r;

    *ret = (struct generations) { .serving.number = 0 };
    r = table_walk_start(&walk, txn, &index_generation_table, TABLE_PRIMARY, NULL, 0, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && (r = table_walk_next(&walk, arena, &one)) > 0) {
        if (one.state == GENERATION_STATE_SERVING)
            ret->serving = one;
        else if (one.state == GENERATION_STATE_BUILDING)
            ret->building = one;
        r = 0;
    }
    table_walk_end(&walk);
    return r;
}

const struct index_generation *generations_answering(const struct generations *all)
{
    if (all->serving.number)
        return &all->serving;
    return all->building.number ? &all->building : NULL;
}

static int generation_retire(struct store_txn *txn, struct index_generation *one)
{
    if (!one->number)
        return 0;
    one->state = GENERATION_STATE_DROPPING;
    return index_generation_put(txn, one);
}

/* Numbers are never used twice while rows of the old one may be left. */
static int generation_next(struct store_txn *txn, struct arena *arena, uint64_t *ret)
{
    struct index_generation last = { .number = 0 };
    struct table_walk walk;
    int r = table_walk_start(&walk, txn, &index_generation_table, TABLE_PRIMARY, NULL, 0, TABLE_DOWN,
                             (struct bytes) { 0 });

    if (r == 0)
        r = table_walk_next(&walk, arena, &last);
    table_walk_end(&walk);
    *ret = last.number + 1;
    return r < 0 ? r : 0;
}

int generation_begin(struct store_txn *txn, struct arena *arena, int64_t now, struct index_generation *ret)
{
    struct generations all;
    int r = generations_read(txn, arena, &all);

    *ret = (struct index_generation) {
        .state = GENERATION_STATE_BUILDING,
        .analysis = WORDS_ANALYSIS,
        .started_at = now,
    };
    if (r == 0)
        r = generation_next(txn, arena, &ret->number);
    if (r == 0)
        r = generation_retire(txn, &all.building);
    return r < 0 ? r : index_generation_put(txn, ret);
}

int generation_switch(struct store_txn *txn, struct arena *arena, struct generations *all)
{
    int r = generation_retire(txn, &all->serving);

    if (r < 0)
        return r;
    all->serving = all->building;
    all->building = (struct index_generation) { .number = 0 };
    all->serving.state = GENERATION_STATE_SERVING;
    return index_generation_put(txn, &all->serving);
}

/* Deletes up to *rows rows of one table that belong to a generation; a record begins with its generation's
 * number, which is all of it that is filled in for the walk. */
static int generation_drop_table(struct store_txn *txn, struct arena *arena, const struct table_def *table,
                                 uint64_t number, unsigned *rows)
{
    void *row = arena_alloc(arena, table->size);
    struct arena *scratch = arena_new(); /* a row may be large, and there are many */
    struct table_walk walk;
    int r;

    *(uint64_t *)((char *)row + table->keys[0].offset) = number;
    r = table_walk_start(&walk, txn, table, TABLE_PRIMARY, row, 1, TABLE_UP, (struct bytes) { 0 });
    while (r == 0 && *rows > 0 && (r = table_walk_next(&walk, scratch, row)) > 0) {
        r = table_del(txn, table, row);
        arena_reset(scratch);
        (*rows)--;
    }
    table_walk_end(&walk);
    arena_free(&scratch);
    return r;
}

/* All that a generation is made of; tombstones go as soon as it serves. */
static const struct table_def *const generation_tables[] = {
    &index_posting_table,  &index_word_table,     &index_suggestion_table, &index_text_table,
    &index_document_table, &index_language_table, &index_tombstone_table,  NULL,
};

static int generation_drop_one(struct store_txn *txn, struct arena *arena, const struct index_generation *one,
                               unsigned *rows)
{
    int r = 0;

    for (size_t i = 0; r == 0 && *rows > 0 && generation_tables[i]; i++)
        r = generation_drop_table(txn, arena, generation_tables[i], one->number, rows);
    if (r == 0 && *rows > 0)
        r = index_generation_del(txn, one->number);
    return r;
}

static int generation_find_dropping(struct store_txn *txn, struct arena *arena, struct index_generation *ret)
{
    struct table_walk walk;
    int r = table_walk_start(&walk, txn, &index_generation_table, TABLE_PRIMARY, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, arena, ret)) > 0) {
        if (ret->state == GENERATION_STATE_DROPPING)
            break;
        r = 0;
    }
    table_walk_end(&walk);
    return r;
}

int generation_drop(struct store_txn *txn, struct arena *arena, unsigned rows)
{
    struct generations all;
    struct index_generation one = { .number = 0 };
    int r = generations_read(txn, arena, &all);

    if (r == 0 && all.serving.number)
        r = generation_drop_table(txn, arena, &index_tombstone_table, all.serving.number, &rows);
    while (r == 0 && rows > 0) {
        r = generation_find_dropping(txn, arena, &one);
        if (r <= 0)
            return r;
        r = generation_drop_one(txn, arena, &one, &rows);
    }
    return r < 0 ? r : 1;
}

/* scrub - every record and every index entry, read and compared with each other. */
#include <sodium.h>
#include <string.h>

#include "data/store/open_table.h"
#include "gen/errors.h"
#include "schemas/wire/arena.h"

#define SCRUB_SLICE 1024

static void scrub_note(struct store_report *report, const char *table, const char *index, struct bytes key)
{
    char hex[65];

    if (report->bad_rows++)
        return;
    sodium_bin2hex(hex, sizeof(hex), key.data, key.len < 32 ? key.len : 32);
    snprintf(report->first_bad, sizeof(report->first_bad), "%.40s%s%.40s %s", table, index ? "." : "",
             index ? index : "", hex);
}

/* Every index that should name this record does. */
static int scrub_check_entries(struct store_txn *txn, const struct table_open *open, const void *record)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < open->def->indexes_n; i++) {
        struct bytes view;
        struct key entry;

        r = key_of_index(open->def, &open->def->indexes[i], record, &entry);
        if (r == 1)
            r = store_get(txn, open->indexes[i], key_bytes(&entry), &view);
        if (r == ERR_NOT_FOUND)
            r = ERR_CORRUPT;
    }
    return r;
}

/* What is wrong with one row is noted; 0 unless the walk has to end. */
static int scrub_row(struct table_walk *walk, const struct table_open *open, int r, const void *record,
                     struct store_report *report)
{
    report->rows++;
    report->bytes += walk->at_n;
    if (r > 0 && !walk->index)
        r = scrub_check_entries(walk->txn, open, record);
    if (r == ERR_CORRUPT || r == ERR_VERSION) {
        scrub_note(report, open->def->name, walk->index ? walk->index->name : NULL, table_walk_at(walk));
        r = 0;
    }
    return r < 0 ? r : 0;
}

/* Up to a slice of rows behind `at`. Answers 1 while there may be more. */
static int scrub_slice(struct store_txn *txn, const struct table_open *open, int index, struct key *at,
                       struct store_report *report)
{
    struct arena *arena = arena_new();
    struct table_walk walk;
    int r = table_walk_start(&walk, txn, open->def, index, NULL, 0, TABLE_UP, key_bytes(at));

    for (unsigned n = 0; r == 0; n++) {
        void *record = arena_alloc(arena, open->def->size);

        if (n == SCRUB_SLICE) {
            at->n = walk.at_n;
            memcpy(at->b, walk.at, walk.at_n);
            r = 1;
            break;
        }
        r = table_walk_next(&walk, arena, record);
        if (r == 0)
            break;
        r = scrub_row(&walk, open, r, record, report);
        arena_reset(arena);
    }
    table_walk_end(&walk);
    arena_free(&arena);
    return r;
}

static int scrub_walk(struct store *store, const struct table_open *open, int index, struct store_report *report)
{
    struct key at = { .n = 0 };
    struct store_txn *txn;
    int r = 1;

    while (r > 0) {
        r = store_begin_read(store, &txn);
        if (r < 0)
            return r;
        r = scrub_slice(txn, open, index, &at, report);
        store_abort(&txn);
    }
    return r;
}

int table_verify(struct store *store, const struct table_def *const *defs, size_t defs_n, struct store_report *ret)
{
    *ret = (struct store_report) { 0 };
    for (size_t i = 0; i < defs_n; i++) {
        const struct table_open *open = table_opened(store, defs[i]);
        int r = open ? 0 : ERR_INVALID;

        for (int index = TABLE_PRIMARY; r == 0 && index < (int)defs[i]->indexes_n; index++) {
            r = scrub_walk(store, open, index, ret);
            ret->dbs++;
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* migrate - see migrate.h. In the store's own facts: table:NAME (number and highest version ever written,
 * by table.c) and sweep:NAME (version, then the key that the sweep stands at; the version alone: swept). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/migrate/migrate.h"
#include "gen/errors.h"

static struct bytes migrate_name(char *to, size_t size, const char *what, const struct table_def *def)
{
    snprintf(to, size, "%s:%s", what, def->name);
    return bytes_of_text(to);
}

/* The version that the store says a table has: 0 when it was never opened. */
static int migrate_stored(struct store_txn *txn, const struct table_def *def, uint16_t *ret)
{
    char name[160];
    struct bytes view;
    int r = store_fact_get(txn, migrate_name(name, sizeof(name), "table", def), &view);

    *ret = 0;
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r == 0 && view.len != 4)
        return ERR_CORRUPT;
    if (r == 0)
        *ret = (uint16_t)(((const uint8_t *)view.data)[2] << 8 | ((const uint8_t *)view.data)[3]);
    return r;
}

/* Names the copy after the first table that rises: "before-video_row-2". */
static int migrate_needs_backup(struct store *store, const struct table_def *const *defs, size_t defs_n,
                                const struct table_def **ret)
{
    struct store_txn *txn;
    int r = store_begin_read(store, &txn);

    *ret = NULL;
    if (r < 0)
        return r;
    for (size_t i = 0; r == 0 && i < defs_n; i++) {
        uint16_t stored;

        r = migrate_stored(txn, defs[i], &stored);
        if (r == 0 && stored > defs[i]->version)
            r = ERR_VERSION;
        if (r == 0 && stored && stored < defs[i]->version && !*ret)
            *ret = defs[i];
    }
    store_abort(&txn);
    return r;
}

int migrate_prepare(struct store *store, const struct table_def *const *defs, size_t defs_n, const char *dir,
                    char **ret_backup)
{
    const struct table_def *rises;
    char *path;
    int r = migrate_needs_backup(store, defs, defs_n, &rises);

    *ret_backup = NULL;
    if (r < 0 || !rises)
        return r;
    if (asprintf(&path, "%s/before-%s-%u", dir, rises->name, rises->version) < 0)
        abort();
    r = store_backup(store, path);
    if (r == ERR_EXISTS) /* made by a start that was killed before it wrote anything: it is the same */
        r = 0;
    if (r < 0)
        free(path);
    else
        *ret_backup = path;
    return r;
}

/* Where the sweep of this version stands. */
static int migrate_place(struct store_txn *txn, const struct table_def *def, uint8_t at[STORE_KEY_MAX],
                         size_t *ret_at_n, bool *ret_done)
{
    char name[160];
    struct bytes view;
    const uint8_t *p;
    int r = store_fact_get(txn, migrate_name(name, sizeof(name), "sweep", def), &view);

    *ret_at_n = 0;
    *ret_done = false;
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r < 0 || view.len < 2 || view.len > 2 + STORE_KEY_MAX)
        return r < 0 ? r : ERR_CORRUPT;
    p = view.data;
    if ((p[0] << 8 | p[1]) != def->version) /* of an earlier sweep */
        return 0;
    *ret_at_n = view.len - 2;
    memcpy(at, p + 2, *ret_at_n);
    *ret_done = *ret_at_n == 0;
    return 0;
}

static int migrate_keep_place(struct store_txn *txn, const struct table_def *def, struct bytes at)
{
    char name[160];
    uint8_t fact[2 + STORE_KEY_MAX] = { (uint8_t)(def->version >> 8), (uint8_t)def->version };

    if (at.len)
        memcpy(fact + 2, at.data, at.len);
    return store_fact_put(txn, migrate_name(name, sizeof(name), "sweep", def), bytes_of(fact, 2 + at.len));
}

/* A row is rewritten as it was read: its revision stays, for nothing about it has changed. */
static int migrate_rows(struct store_txn *txn, const struct table_def *def, struct table_walk *walk,
                        unsigned limit)
{
    struct arena *arena = arena_new();
    int r = 1;

    for (unsigned n = 0; r > 0 && n < limit; n++) {
        void *record = arena_alloc(arena, def->size);

        r = table_walk_next(walk, arena, record);
        if (r > 0) {
            int w = table_rewrite(txn, def, record);

            r = w < 0 ? w : 1;
        }
        arena_reset(arena);
    }
    arena_free(&arena);
    return r;
}

int migrate_sweep(struct store_txn *txn, const struct table_def *def, unsigned limit, bool *ret_done)
{
    uint8_t at[STORE_KEY_MAX];
    struct table_walk walk;
    size_t at_n;
    int r = migrate_place(txn, def, at, &at_n, ret_done);

    if (r < 0 || *ret_done)
        return r;
    r = table_walk_start(&walk, txn, def, TABLE_PRIMARY, NULL, 0, TABLE_UP, bytes_of(at, at_n));
    if (r == 0)
        r = migrate_rows(txn, def, &walk, limit);
    if (r >= 0) {
        *ret_done = r == 0;
        r = migrate_keep_place(txn, def, *ret_done ? bytes_of(NULL, 0) : table_walk_at(&walk));
    }
    table_walk_end(&walk);
    return r;
}

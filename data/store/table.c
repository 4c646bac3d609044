/* table - records in and out, and their indexes kept in step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/store/open_table.h"
#include "gen/errors.h"
#include "schemas/wire/arena.h"

const struct table_open *table_opened(const struct store *store, const struct table_def *def)
{
    for (size_t i = 0; i < store->tables_n; i++)
        if (store->tables[i].def == def)
            return &store->tables[i];
    return NULL;
}

/* The highest version that any program wrote this table with, kept in $meta: an earlier program refuses to
 * start. */
static int table_check_version(struct store *store, const struct table_def *def)
{
    char name[128];
    uint8_t now[4] = { (uint8_t)(def->number >> 8), (uint8_t)def->number, (uint8_t)(def->version >> 8),
                       (uint8_t)def->version };
    struct bytes key, view = { 0 };
    struct store_txn *txn;
    int r;

    snprintf(name, sizeof(name), "table:%s", def->name);
    key = (struct bytes) { .data = name, .len = strlen(name) };
    r = store_begin_write(store, &txn);
    if (r < 0)
        return r;
    r = store_fact_get(txn, key, &view);
    if (r == 0 && (view.len != sizeof(now) || memcmp(view.data, now, 2) != 0))
        r = ERR_CORRUPT;
    else if (r == 0 && memcmp(view.data, now, sizeof(now)) > 0)
        r = ERR_VERSION;
    else if (r == ERR_NOT_FOUND || (r == 0 && memcmp(view.data, now, sizeof(now)) < 0))
        r = store_fact_put(txn, key, (struct bytes) { .data = now, .len = sizeof(now) });
    if (r == 0)
        return store_commit(&txn);
    store_abort(&txn);
    return r;
}

static int table_open_one(struct store *store, const struct table_def *def, struct table_open *ret)
{
    char name[256];
    int r = store_db(store, def->name, &ret->db);

    if (r < 0)
        return r;
    store_db_sealed(ret->db, def->number);
    ret->def = def;
    ret->indexes = calloc(def->indexes_n + 1, sizeof(*ret->indexes));
    if (!ret->indexes)
        abort();
    for (size_t i = 0; r == 0 && i < def->indexes_n; i++) {
        snprintf(name, sizeof(name), "%s.%s", def->name, def->indexes[i].name);
        r = store_db(store, name, &ret->indexes[i]);
    }
    return r < 0 ? r : table_check_version(store, def);
}

int table_open(struct store *store, const struct table_def *const *defs, size_t defs_n)
{
    struct table_open *grown = realloc(store->tables, (store->tables_n + defs_n + 1) * sizeof(*grown));
    int r = 0;

    if (!grown)
        abort();
    store->tables = grown;
    for (size_t i = 0; r == 0 && i < defs_n; i++) {
        if (table_opened(store, defs[i]))
            continue;
        grown[store->tables_n] = (struct table_open) { 0 };
        r = table_open_one(store, defs[i], &grown[store->tables_n]);
        store->tables_n++;
    }
    return r;
}

void table_close_all(struct store *store)
{
    for (size_t i = 0; i < store->tables_n; i++)
        free(store->tables[i].indexes);
    free(store->tables);
}

int table_decode(const struct store *store, const struct table_def *def, struct bytes key, struct bytes value,
                 struct arena *arena, void *ret)
{
    struct wire_error error;
    struct bytes payload;
    uint16_t version;
    int r = envelope_open(store, def->number, key, value, &version, &payload);

    if (r < 0)
        return r;
    if (version > def->version)
        return ERR_VERSION;
    payload = arena_bytes(arena, payload);
    memset(ret, 0, def->size);
    if (version < def->version && def->upgrade)
        return def->upgrade(version, payload, arena, ret);
    return wire_unpack(def->type, payload, arena, ret, &error) < 0 ? ERR_CORRUPT : 0;
}

/* The row as it lies in the store; open NULL: this table is not the store's. */
static int table_view(struct store_txn *txn, const struct table_def *def, const struct table_open *open,
                      const void *key, struct key *ret_key, struct bytes *ret_view)
{
    int r;

    if (!open)
        return ERR_INVALID;
    r = key_of(def, key, ret_key);
    return r == 0 ? store_get(txn, open->db, key_bytes(ret_key), ret_view) : r;
}

int table_get(struct store_txn *txn, const struct table_def *def, struct arena *arena, const void *key, void *ret)
{
    struct bytes view;
    struct key k;
    int r = table_view(txn, def, table_opened(txn->store, def), key, &k, &view);

    if (r < 0)
        return r;
    return table_decode(txn->store, def, key_bytes(&k), view, arena, ret);
}

/* The old and the new entry of a record in one index; has: 1, or 0 when there is none. */
struct table_move {
    struct key from, to;
    int has_from, has_to;
};

static bool table_move_is_none(const struct table_move *m)
{
    return m->has_from == m->has_to &&
           (!m->has_to || (m->from.n == m->to.n && memcmp(m->from.b, m->to.b, m->to.n) == 0));
}

/* ERR_EXISTS when another record has the same indexed fields. */
static int table_check_unique(struct store_txn *txn, struct store_db *db, const struct table_index *index,
                              const struct table_move *move)
{
    struct store_cursor *cursor;
    struct bytes primary, key, view;
    size_t fields;
    int r = key_primary(index, key_bytes(&move->to), &primary);

    if (r < 0)
        return r;
    fields = move->to.n - primary.len;
    if (move->has_from && move->from.n >= fields && memcmp(move->from.b, move->to.b, fields) == 0)
        return 0;
    r = store_cursor_open(txn, db, &cursor);
    if (r < 0)
        return r;
    r = store_cursor_seek(cursor, (struct bytes) { .data = move->to.b, .len = fields }, &key, &view);
    if (r == 0 && key.len > fields && memcmp(key.data, move->to.b, fields) == 0)
        r = ERR_EXISTS;
    else if (r == ERR_NOT_FOUND)
        r = 0;
    store_cursor_close(&cursor);
    return r;
}

static int table_plan_moves(struct store_txn *txn, const struct table_open *open, const void *old, const void *new,
                            struct table_move *moves)
{
    for (size_t i = 0; i < open->def->indexes_n; i++) {
        const struct table_index *index = &open->def->indexes[i];
        struct table_move *m = &moves[i];
        int r;

        m->has_from = old ? key_of_index(open->def, index, old, &m->from) : 0;
        m->has_to = new ? key_of_index(open->def, index, new, &m->to) : 0;
        if (m->has_from < 0 || m->has_to < 0)
            return m->has_from < 0 ? m->has_from : m->has_to;
        if (!index->unique || !m->has_to || table_move_is_none(m))
            continue;
        r = table_check_unique(txn, open->indexes[i], index, m);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A record of an earlier version may lack entries: the index may be younger than it. */
enum table_how { TABLE_REPLACE, TABLE_NEW, TABLE_REWRITE, TABLE_UPGRADE };

static int table_make_moves(struct store_txn *txn, const struct table_open *open, const struct table_move *moves,
                            enum table_how how)
{
    bool young = how == TABLE_REWRITE || how == TABLE_UPGRADE;
    int r = 0;

    for (size_t i = 0; r == 0 && i < open->def->indexes_n; i++) {
        if (table_move_is_none(&moves[i]) && !young)
            continue;
        if (moves[i].has_from)
            r = store_del(txn, open->indexes[i], key_bytes(&moves[i].from));
        if (r == ERR_NOT_FOUND) /* the record named an entry that is not there */
            r = young ? 0 : ERR_CORRUPT;
        if (r == 0 && moves[i].has_to)
            r = store_put(txn, open->indexes[i], key_bytes(&moves[i].to), (struct bytes) { .data = "", .len = 0 });
    }
    return r;
}

static struct table_move *table_new_moves(const struct table_def *def)
{
    struct table_move *moves = calloc(def->indexes_n + 1, sizeof(*moves));

    if (!moves)
        abort();
    return moves;
}

static int table_write(struct store_txn *txn, const struct table_open *open, const struct key *key,
                       const void *record)
{
    struct buf packed = { 0 }, sealed = { 0 };
    int r = wire_pack(open->def->type, record, &packed);

    if (r == 0)
        r = envelope_seal(txn->store, open->def->number, open->def->version, key_bytes(key), buf_bytes(&packed),
                          &sealed);
    if (r == 0)
        r = store_put(txn, open->db, key_bytes(key), buf_bytes(&sealed));
    buf_free(&packed);
    buf_free(&sealed);
    return r;
}

static uint64_t *table_rev(const struct table_def *def, void *record)
{
    return def->rev_offset == TABLE_NO_REV ? NULL : (uint64_t *)((char *)record + def->rev_offset);
}

/* old: the record that lies there, or NULL. All that can be refused is refused before the first write. */
static int table_replace(struct store_txn *txn, const struct table_open *open, const struct key *key, void *old,
                         void *record, enum table_how how)
{
    struct table_move *moves = table_new_moves(open->def);
    uint64_t *rev = table_rev(open->def, record), was = rev ? *rev : 0;
    int r = table_plan_moves(txn, open, old, record, moves);

    if (rev && how != TABLE_REWRITE)
        *rev = (old ? *table_rev(open->def, old) : 0) + 1;
    if (r == 0)
        r = table_write(txn, open, key, record);
    if (r == 0)
        r = table_make_moves(txn, open, moves, how);
    if (r < 0 && rev)
        *rev = was;
    free(moves);
    return r;
}

static bool table_is_older(const struct store *store, const struct table_def *def, struct bytes key,
                           struct bytes view)
{
    struct bytes payload;
    uint16_t version;

    return envelope_open(store, def->number, key, view, &version, &payload) == 0 && version < def->version;
}

static int table_put_any(struct store_txn *txn, const struct table_def *def, void *record, enum table_how how)
{
    const struct table_open *open = table_opened(txn->store, def);
    struct arena *arena;
    struct bytes view;
    struct key key;
    void *old = NULL;
    int r;

    if (!open)
        return ERR_INVALID;
    r = key_of(def, record, &key);
    if (r < 0)
        return r;
    r = store_get(txn, open->db, key_bytes(&key), &view);
    if (r == 0 && how == TABLE_NEW)
        return ERR_EXISTS;
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    arena = arena_new();
    if (r == 0) {
        old = arena_alloc(arena, def->size);
        if (how == TABLE_REPLACE && table_is_older(txn->store, def, key_bytes(&key), view))
            how = TABLE_UPGRADE;
        r = table_decode(txn->store, def, key_bytes(&key), view, arena, old);
    } else {
        r = 0;
    }
    if (r == 0)
        r = table_replace(txn, open, &key, old, record, how);
    arena_free(&arena);
    return r;
}

int table_put(struct store_txn *txn, const struct table_def *def, void *record)
{
    return table_put_any(txn, def, record, TABLE_REPLACE);
}

int table_put_new(struct store_txn *txn, const struct table_def *def, void *record)
{
    return table_put_any(txn, def, record, TABLE_NEW);
}

int table_rewrite(struct store_txn *txn, const struct table_def *def, void *record)
{
    return table_put_any(txn, def, record, TABLE_REWRITE);
}

int table_del(struct store_txn *txn, const struct table_def *def, const void *key)
{
    const struct table_open *open = table_opened(txn->store, def);
    enum table_how how = TABLE_REPLACE;
    struct table_move *moves;
    struct arena *arena;
    struct bytes view;
    struct key k;
    void *old;
    int r = table_view(txn, def, open, key, &k, &view);

    if (r < 0)
        return r;
    arena = arena_new();
    moves = table_new_moves(def);
    old = arena_alloc(arena, def->size);
    if (table_is_older(txn->store, def, key_bytes(&k), view))
        how = TABLE_UPGRADE;
    r = table_decode(txn->store, def, key_bytes(&k), view, arena, old);
    if (r == 0)
        r = table_plan_moves(txn, open, old, NULL, moves);
    if (r == 0)
        r = store_del(txn, open->db, key_bytes(&k));
    if (r == 0)
        r = table_make_moves(txn, open, moves, how);
    free(moves);
    arena_free(&arena);
    return r;
}

int table_count(struct store_txn *txn, const struct table_def *def, uint64_t *ret)
{
    const struct table_open *open = table_opened(txn->store, def);

    return open ? store_count(txn, open->db, ret) : ERR_INVALID;
}

/* walk - records in the order of a key or an index, from wherever an earlier walk stood. */
#include <string.h>

#include "data/store/open_table.h"
#include "gen/errors.h"

static bool walk_begins(struct bytes key, const uint8_t *prefix, size_t n)
{
    return key.len >= n && memcmp(key.data, prefix, n) == 0;
}

int table_walk_start(struct table_walk *walk, struct store_txn *txn, const struct table_def *def, int index,
                     const void *prefix, size_t prefix_n, enum table_order order, struct bytes after)
{
    const struct table_open *open = table_opened(txn->store, def);
    const struct table_key *keys = def->keys;
    size_t keys_n = def->keys_n;
    struct key key = { .n = 0 };
    int r;

    *walk = (struct table_walk) { .txn = txn, .def = def, .order = order };
    if (!open || index >= (int)def->indexes_n)
        return ERR_INVALID;
    if (index >= 0) {
        walk->index = &def->indexes[index];
        keys = walk->index->keys;
        keys_n = walk->index->keys_n;
    }
    if (prefix_n > keys_n)
        return ERR_INVALID;
    r = key_append(&key, keys, prefix_n, prefix);
    if (r < 0)
        return r;
    if (after.len && (after.len > STORE_KEY_MAX || !walk_begins(after, key.b, key.n)))
        return ERR_INVALID;
    memcpy(walk->prefix, key.b, key.n);
    walk->prefix_n = (uint16_t)key.n;
    if (after.len)
        memcpy(walk->at, after.data, after.len);
    walk->at_n = (uint16_t)after.len;
    return store_cursor_open(txn, index >= 0 ? open->indexes[index] : open->db, &walk->cursor);
}

/* The row before the first one at or above `bound`, or the last of all. */
static int walk_seek_below(struct table_walk *w, struct bytes bound, struct bytes *key, struct bytes *view)
{
    int r = store_cursor_seek(w->cursor, bound, key, view);

    if (r == 0)
        return store_cursor_prev(w->cursor, key, view);
    return r == ERR_NOT_FOUND ? store_cursor_last(w->cursor, key, view) : r;
}

static int walk_seek_up(struct table_walk *w, struct bytes *key, struct bytes *view)
{
    struct bytes at = { .data = w->at, .len = w->at_n };
    int r;

    if (!w->at_n)
        return store_cursor_seek(w->cursor, (struct bytes) { .data = w->prefix, .len = w->prefix_n }, key, view);
    r = store_cursor_seek(w->cursor, at, key, view);
    if (r == 0 && key->len == at.len && memcmp(key->data, at.data, at.len) == 0)
        r = store_cursor_next(w->cursor, key, view);
    return r;
}

static int walk_seek_down(struct table_walk *w, struct bytes *key, struct bytes *view)
{
    struct key bound = { .n = w->prefix_n };

    if (w->at_n)
        return walk_seek_below(w, (struct bytes) { .data = w->at, .len = w->at_n }, key, view);
    memcpy(bound.b, w->prefix, w->prefix_n);
    if (!key_after_prefix(&bound))
        return store_cursor_last(w->cursor, key, view);
    return walk_seek_below(w, key_bytes(&bound), key, view);
}

/* In a write transaction rows may have come and gone since: the place is looked up anew. */
static int walk_move(struct table_walk *w, struct bytes *key, struct bytes *view)
{
    if (w->started && !w->txn->writes)
        return w->order == TABLE_UP ? store_cursor_next(w->cursor, key, view)
                                    : store_cursor_prev(w->cursor, key, view);
    w->started = true;
    return w->order == TABLE_UP ? walk_seek_up(w, key, view) : walk_seek_down(w, key, view);
}

/* The record that an index entry names; it must name the entry, too. */
static int walk_follow(struct table_walk *w, struct bytes entry, struct arena *arena, void *ret)
{
    const struct table_open *open = table_opened(w->txn->store, w->def);
    struct bytes primary, view;
    struct key back;
    int r = key_primary(w->index, entry, &primary);

    if (r == 0)
        r = store_get(w->txn, open->db, primary, &view);
    if (r == 0)
        r = table_decode(w->txn->store, w->def, primary, view, arena, ret);
    if (r < 0)
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    r = key_of_index(w->def, w->index, ret, &back);
    if (r != 1 || back.n != entry.len || memcmp(back.b, entry.data, entry.len) != 0)
        return ERR_CORRUPT;
    return 0;
}

int table_walk_next(struct table_walk *walk, struct arena *arena, void *ret)
{
    struct bytes key, view;
    int r;

    if (!walk->cursor)
        return ERR_INVALID;
    r = walk_move(walk, &key, &view);
    if (r == ERR_NOT_FOUND || (r == 0 && !walk_begins(key, walk->prefix, walk->prefix_n)))
        return 0;
    if (r < 0)
        return r;
    if (key.len > STORE_KEY_MAX)
        return ERR_CORRUPT;
    memcpy(walk->at, key.data, key.len);
    walk->at_n = (uint16_t)key.len;
    key.data = walk->at;
    r = walk->index ? walk_follow(walk, key, arena, ret)
                    : table_decode(walk->txn->store, walk->def, key, view, arena, ret);
    return r < 0 ? r : 1;
}

struct bytes table_walk_at(const struct table_walk *walk)
{
    return (struct bytes) { .data = walk->at, .len = walk->at_n };
}

void table_walk_end(struct table_walk *walk)
{
    store_cursor_close(&walk->cursor);
}

int table_find(struct store_txn *txn, const struct table_def *def, int index, const void *prefix, size_t prefix_n,
               struct arena *arena, void *ret)
{
    struct table_walk walk;
    int r = table_walk_start(&walk, txn, def, index, prefix, prefix_n, TABLE_UP, (struct bytes) { 0 });

    if (r == 0)
        r = table_walk_next(&walk, arena, ret);
    table_walk_end(&walk);
    if (r < 0)
        return r;
    return r ? 0 : ERR_NOT_FOUND;
}

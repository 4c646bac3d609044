/* outbox - rows by seq, and the seq itself in a row of its own, so that it outlives the rows. */
#include <string.h>

#include "data/store/envelope.h"
#include "data/store/internal.h"
#include "data/store/outbox.h"
#include "data/store/pack.h"
#include "gen/errors.h"

#define OUTBOX_DB         "$outbox"
#define OUTBOX_REFUSED_DB "$refused"
#define OUTBOX_SEQ        "outbox:seq"

struct outbox_key {
    uint8_t b[8];
};

static struct outbox_key outbox_key(uint64_t seq)
{
    struct outbox_key key;

    for (int i = 7; i >= 0; i--, seq >>= 8)
        key.b[i] = (uint8_t)seq;
    return key;
}

static uint64_t outbox_key_seq(const uint8_t *b)
{
    uint64_t seq = 0;

    for (int i = 0; i < 8; i++)
        seq = seq << 8 | b[i];
    return seq;
}

static struct bytes outbox_key_bytes(const struct outbox_key *key)
{
    return (struct bytes) { .data = key->b, .len = sizeof(key->b) };
}

/* The handles are looked up by name: the list of a store's databases is short. */
static struct store_db *outbox_db(const struct store_txn *txn, const char *name)
{
    struct store_db *db = NULL;

    return store_db(txn->store, name, &db) == 0 ? db : NULL;
}

int outbox_open(struct store *store)
{
    struct store_db *db;
    int r = store_db(store, OUTBOX_DB, &db);

    if (r < 0)
        return r;
    store_db_sealed(db, ENVELOPE_OUTBOX);
    r = store_db(store, OUTBOX_REFUSED_DB, &db);
    if (r < 0)
        return r;
    store_db_sealed(db, ENVELOPE_REFUSED);
    return 0;
}

static int outbox_next_seq(struct store_txn *txn, uint64_t *ret)
{
    struct bytes name = { .data = OUTBOX_SEQ, .len = strlen(OUTBOX_SEQ) }, view;
    struct outbox_key key;
    int r = store_fact_get(txn, name, &view);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == 0 && view.len != sizeof(key.b))
        return ERR_CORRUPT;
    *ret = (r == 0 ? outbox_key_seq(view.data) : 0) + 1;
    key = outbox_key(*ret);
    return store_fact_put(txn, name, outbox_key_bytes(&key));
}

static void outbox_pack(const struct outbox_row *row, struct buf *out)
{
    buf_put_u64(out, row->kind);
    buf_put_u64(out, (uint64_t)row->at);
    pack_text(out, row->target);
    pack_bytes(out, row->head);
    pack_bytes(out, row->body);
}

static int outbox_write(struct store_txn *txn, const char *db, uint16_t type, uint64_t seq,
                        const struct buf *packed)
{
    struct outbox_key key = outbox_key(seq);
    struct buf sealed = { 0 };
    int r = envelope_seal(txn->store, type, 1, outbox_key_bytes(&key), buf_bytes(packed), &sealed);

    if (r == 0)
        r = store_put(txn, outbox_db(txn, db), outbox_key_bytes(&key), buf_bytes(&sealed));
    buf_free(&sealed);
    return r;
}

int outbox_put(struct store_txn *txn, const struct outbox_row *row, uint64_t *ret_seq)
{
    struct buf packed = { 0 };
    uint64_t seq;
    int r = outbox_next_seq(txn, &seq);

    if (r < 0)
        return r;
    outbox_pack(row, &packed);
    r = outbox_write(txn, OUTBOX_DB, ENVELOPE_OUTBOX, seq, &packed);
    buf_free(&packed);
    if (r == 0 && ret_seq)
        *ret_seq = seq;
    return r;
}

/* The first row above `after`, still packed; the reader stands at its fields, copied into the arena. */
static int outbox_find(struct store_txn *txn, struct arena *arena, const char *db, uint16_t type, uint64_t after,
                       uint64_t *ret_seq, struct pack_reader *ret)
{
    struct outbox_key from = outbox_key(after + 1);
    struct store_cursor *cursor;
    struct bytes key, view, payload;
    uint16_t version;
    uint8_t *copy;
    int r = after == UINT64_MAX ? ERR_NOT_FOUND : store_cursor_open(txn, outbox_db(txn, db), &cursor);

    if (r < 0)
        return r;
    r = store_cursor_seek(cursor, outbox_key_bytes(&from), &key, &view);
    if (r == 0)
        r = key.len == sizeof(from.b) ? envelope_open(txn->store, type, key, view, &version, &payload)
                                      : ERR_CORRUPT;
    if (r == 0 && version != 1)
        r = ERR_VERSION;
    if (r == 0) {
        copy = arena_alloc(arena, payload.len + 1);
        memcpy(copy, payload.data, payload.len);
        *ret_seq = outbox_key_seq(key.data);
        *ret = (struct pack_reader) { .at = copy, .left = payload.len, .ok = true };
    }
    store_cursor_close(&cursor);
    return r;
}

static void outbox_unpack(struct pack_reader *in, struct arena *arena, uint64_t seq, struct outbox_row *ret)
{
    ret->seq = seq;
    ret->kind = (enum outbox_kind)pack_read_u64(in);
    ret->at = (int64_t)pack_read_u64(in);
    ret->target = pack_read_text(in, arena);
    ret->head = pack_read_bytes(in, arena);
    ret->body = pack_read_bytes(in, arena);
}

int outbox_next(struct store_txn *txn, struct arena *arena, uint64_t after, struct outbox_row *ret)
{
    struct pack_reader in;
    uint64_t seq;
    int r = outbox_find(txn, arena, OUTBOX_DB, ENVELOPE_OUTBOX, after, &seq, &in);

    if (r < 0)
        return r;
    outbox_unpack(&in, arena, seq, ret);
    return in.ok && in.left == 0 ? 0 : ERR_CORRUPT;
}

static int outbox_del_row(struct store_txn *txn, const char *db, uint64_t seq)
{
    struct outbox_key key = outbox_key(seq);
    int r = store_del(txn, outbox_db(txn, db), outbox_key_bytes(&key));

    return r == ERR_NOT_FOUND ? 0 : r;
}

int outbox_del(struct store_txn *txn, uint64_t seq)
{
    return outbox_del_row(txn, OUTBOX_DB, seq);
}

int outbox_del_upto(struct store_txn *txn, uint64_t seq, unsigned limit, unsigned *ret_deleted)
{
    struct store_cursor *cursor;
    struct bytes key, view;
    unsigned n = 0;
    int r = store_cursor_open(txn, outbox_db(txn, OUTBOX_DB), &cursor);

    if (r < 0)
        return r;
    for (; n < limit; n++) {
        r = store_cursor_first(cursor, &key, &view);
        if (r < 0 || outbox_key_seq(key.data) > seq)
            break;
        r = store_cursor_del(cursor);
        if (r < 0)
            break;
    }
    store_cursor_close(&cursor);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (ret_deleted)
        *ret_deleted = n;
    return 0;
}

int outbox_count(struct store_txn *txn, uint64_t *ret)
{
    return store_count(txn, outbox_db(txn, OUTBOX_DB), ret);
}

int outbox_refuse(struct store_txn *txn, uint64_t seq, int64_t now, int err, const char *why)
{
    struct arena *arena = arena_new();
    struct outbox_row row;
    struct buf packed = { 0 };
    int r = seq ? outbox_next(txn, arena, seq - 1, &row) : ERR_NOT_FOUND;

    if (r == 0 && row.seq != seq)
        r = ERR_NOT_FOUND;
    if (r == 0) {
        buf_put_u64(&packed, (uint64_t)now);
        buf_put_u64(&packed, (uint64_t)(int64_t)err);
        pack_text(&packed, why);
        outbox_pack(&row, &packed);
        r = outbox_write(txn, OUTBOX_REFUSED_DB, ENVELOPE_REFUSED, seq, &packed);
    }
    if (r == 0)
        r = outbox_del(txn, seq);
    buf_free(&packed);
    arena_free(&arena);
    return r;
}

int outbox_refused_count(struct store_txn *txn, uint64_t *ret)
{
    return store_count(txn, outbox_db(txn, OUTBOX_REFUSED_DB), ret);
}

int outbox_refused_next(struct store_txn *txn, struct arena *arena, uint64_t after, struct outbox_refusal *ret)
{
    struct pack_reader in;
    uint64_t seq;
    int r = outbox_find(txn, arena, OUTBOX_REFUSED_DB, ENVELOPE_REFUSED, after, &seq, &in);

    if (r < 0)
        return r;
    ret->refused_at = (int64_t)pack_read_u64(&in);
    ret->err = (int)(int64_t)pack_read_u64(&in);
    ret->why = pack_read_text(&in, arena);
    outbox_unpack(&in, arena, seq, &ret->row);
    return in.ok && in.left == 0 ? 0 : ERR_CORRUPT;
}

int outbox_refused_del(struct store_txn *txn, uint64_t seq)
{
    return outbox_del_row(txn, OUTBOX_REFUSED_DB, seq);
}

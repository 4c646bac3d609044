/* inbox - cursors, replies with their expiry, parked events.
 *
 * Keys        $cursor    stream 0 broker's store id
 *             $reply     subject, method 0, hash of the client's key (which may be longer than a key here)
 *             $expiry    when, then the key of the reply: what the sweep walks
 *             $parked    stream 0 ordering key 0 seq */
#include <sodium.h>
#include <string.h>

#include "data/store/envelope.h"
#include "data/store/inbox.h"
#include "data/store/internal.h"
#include "data/store/pack.h"
#include "gen/errors.h"

static const struct {
    const char *name;
    uint16_t type;
} inbox_dbs[] = {
    { "$cursor", ENVELOPE_CURSOR },
    { "$reply", ENVELOPE_REPLY },
    { "$expiry", ENVELOPE_EXPIRY },
    { "$parked", ENVELOPE_PARKED },
};

int inbox_open(struct store *store)
{
    struct store_db *db;

    for (size_t i = 0; i < sizeof(inbox_dbs) / sizeof(inbox_dbs[0]); i++) {
        int r = store_db(store, inbox_dbs[i].name, &db);

        if (r < 0)
            return r;
        store_db_sealed(db, inbox_dbs[i].type);
    }
    return 0;
}

static struct store_db *inbox_db(const struct store_txn *txn, uint16_t type)
{
    struct store_db *db = NULL;

    for (size_t i = 0; i < sizeof(inbox_dbs) / sizeof(inbox_dbs[0]); i++)
        if (inbox_dbs[i].type == type)
            store_db(txn->store, inbox_dbs[i].name, &db);
    return db;
}

static int inbox_write(struct store_txn *txn, uint16_t type, struct bytes key, const struct buf *packed)
{
    struct buf sealed = { 0 };
    int r = envelope_seal(txn->store, type, 1, key, buf_bytes(packed), &sealed);

    if (r == 0)
        r = store_put(txn, inbox_db(txn, type), key, buf_bytes(&sealed));
    buf_free(&sealed);
    return r;
}

static int inbox_check(const struct store_txn *txn, uint16_t type, struct bytes key, struct bytes view,
                       struct pack_reader *ret)
{
    struct bytes payload;
    uint16_t version;
    int r = envelope_open(txn->store, type, key, view, &version, &payload);

    if (r == 0 && version != 1)
        r = ERR_VERSION;
    if (r == 0)
        *ret = (struct pack_reader) { .at = payload.data, .left = payload.len, .ok = true };
    return r;
}

static int inbox_read(struct store_txn *txn, uint16_t type, struct bytes key, struct pack_reader *ret)
{
    struct bytes view;
    int r = store_get(txn, inbox_db(txn, type), key, &view);

    return r < 0 ? r : inbox_check(txn, type, key, view, ret);
}

/* ---- cursors */

static void inbox_cursor_key(struct buf *key, const char *stream, struct id broker)
{
    buf_put(key, stream, strlen(stream) + 1);
    buf_put(key, broker.b, sizeof(broker.b));
}

int inbox_cursor_get(struct store_txn *txn, const char *stream, struct id broker, uint64_t *ret_seq)
{
    struct pack_reader in;
    struct buf key = { 0 };
    uint64_t seq;
    int r;

    inbox_cursor_key(&key, stream, broker);
    r = inbox_read(txn, ENVELOPE_CURSOR, buf_bytes(&key), &in);
    buf_free(&key);
    if (r < 0)
        return r;
    seq = pack_read_u64(&in);
    if (!in.ok || in.left)
        return ERR_CORRUPT;
    *ret_seq = seq;
    return 0;
}

int inbox_cursor_set(struct store_txn *txn, const char *stream, struct id broker, uint64_t seq)
{
    struct buf key = { 0 }, packed = { 0 };
    int r;

    inbox_cursor_key(&key, stream, broker);
    buf_put_u64(&packed, seq);
    r = inbox_write(txn, ENVELOPE_CURSOR, buf_bytes(&key), &packed);
    buf_free(&key);
    buf_free(&packed);
    return r;
}

/* ---- replies */

static void inbox_reply_key(struct buf *out, const struct inbox_key *key)
{
    uint8_t hash[32];

    crypto_generichash(hash, sizeof(hash), (const unsigned char *)key->key, strlen(key->key), NULL, 0);
    buf_put(out, key->subject.b, sizeof(key->subject.b));
    buf_put(out, key->method, strlen(key->method) + 1);
    buf_put(out, hash, sizeof(hash));
}

static void inbox_reply_read(struct pack_reader *in, struct arena *arena, struct inbox_reply *ret)
{
    uint64_t high, low;

    ret->expires = (int64_t)pack_read_u64(in);
    ret->result = (int)(int64_t)pack_read_u64(in);
    high = pack_read_u64(in);
    low = pack_read_u64(in);
    for (int i = 7; i >= 0; i--, high >>= 8, low >>= 8) {
        ret->request[i] = (uint8_t)high;
        ret->request[8 + i] = (uint8_t)low;
    }
    ret->body = pack_read_bytes(in, arena);
}

int inbox_reply_get(struct store_txn *txn, struct arena *arena, const struct inbox_key *key, int64_t now,
                    struct inbox_reply *ret)
{
    struct pack_reader in;
    struct buf k = { 0 };
    int r;

    inbox_reply_key(&k, key);
    r = inbox_read(txn, ENVELOPE_REPLY, buf_bytes(&k), &in);
    buf_free(&k);
    if (r < 0)
        return r;
    inbox_reply_read(&in, arena, ret);
    if (!in.ok || in.left)
        return ERR_CORRUPT;
    return ret->expires <= now ? ERR_NOT_FOUND : 0;
}

static void inbox_expiry_key(struct buf *out, int64_t expires, struct bytes reply_key)
{
    buf_put_u64(out, (uint64_t)expires);
    buf_put(out, reply_key.data, reply_key.len);
}

/* A reply that expired but was not swept may lie there: its row in $expiry must go with it. */
static int inbox_reply_forget(struct store_txn *txn, struct bytes key)
{
    struct pack_reader in;
    struct buf old = { 0 };
    int r = inbox_read(txn, ENVELOPE_REPLY, key, &in);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    inbox_expiry_key(&old, (int64_t)pack_read_u64(&in), key);
    r = store_del(txn, inbox_db(txn, ENVELOPE_EXPIRY), buf_bytes(&old));
    buf_free(&old);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int inbox_reply_put(struct store_txn *txn, const struct inbox_key *key, const struct inbox_reply *reply)
{
    struct buf k = { 0 }, packed = { 0 }, expiry = { 0 }, nothing = { 0 };
    int r;

    inbox_reply_key(&k, key);
    r = inbox_reply_forget(txn, buf_bytes(&k));
    buf_put_u64(&packed, (uint64_t)reply->expires);
    buf_put_u64(&packed, (uint64_t)(int64_t)reply->result);
    buf_put(&packed, reply->request, sizeof(reply->request));
    pack_bytes(&packed, reply->body);
    inbox_expiry_key(&expiry, reply->expires, buf_bytes(&k));
    if (r == 0)
        r = inbox_write(txn, ENVELOPE_REPLY, buf_bytes(&k), &packed);
    if (r == 0)
        r = inbox_write(txn, ENVELOPE_EXPIRY, buf_bytes(&expiry), &nothing);
    buf_free(&k);
    buf_free(&packed);
    buf_free(&expiry);
    return r;
}

/* One row of $expiry: 1 swept, 0 nothing is due. */
static int inbox_sweep_one(struct store_txn *txn, struct store_cursor *cursor, int64_t now)
{
    struct bytes key, view, reply;
    struct pack_reader in;
    int r = store_cursor_first(cursor, &key, &view);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    in = (struct pack_reader) { .at = key.data, .left = key.len, .ok = true };
    if ((int64_t)pack_read_u64(&in) > now)
        return 0;
    reply = (struct bytes) { .data = in.at, .len = in.left };
    r = in.ok ? store_del(txn, inbox_db(txn, ENVELOPE_REPLY), reply) : ERR_CORRUPT;
    if (r == 0 || r == ERR_NOT_FOUND)
        r = store_cursor_first(cursor, &key, &view);
    if (r == 0)
        r = store_cursor_del(cursor);
    return r < 0 ? r : 1;
}

int inbox_sweep(struct store_txn *txn, int64_t now, unsigned limit, unsigned *ret_deleted)
{
    struct store_cursor *cursor;
    unsigned n = 0;
    int r = store_cursor_open(txn, inbox_db(txn, ENVELOPE_EXPIRY), &cursor);

    if (r < 0)
        return r;
    while (n < limit && (r = inbox_sweep_one(txn, cursor, now)) > 0)
        n++;
    store_cursor_close(&cursor);
    if (r < 0)
        return r;
    if (ret_deleted)
        *ret_deleted = n;
    return 0;
}

/* ---- parked events */

static void inbox_parked_key(struct buf *out, const char *stream, const char *key, uint64_t seq)
{
    buf_put(out, stream, strlen(stream) + 1);
    buf_put(out, key, strlen(key) + 1);
    buf_put_u64(out, seq);
}

int inbox_park(struct store_txn *txn, const struct inbox_parked *event)
{
    struct buf key = { 0 }, packed = { 0 };
    int r;

    inbox_parked_key(&key, event->stream, event->key, event->seq);
    pack_text(&packed, event->stream);
    pack_text(&packed, event->key);
    buf_put_u64(&packed, event->seq);
    buf_put_u64(&packed, (uint64_t)event->at);
    buf_put_u64(&packed, (uint64_t)(int64_t)event->err);
    pack_text(&packed, event->why);
    pack_bytes(&packed, event->head);
    pack_bytes(&packed, event->body);
    r = inbox_write(txn, ENVELOPE_PARKED, buf_bytes(&key), &packed);
    buf_free(&key);
    buf_free(&packed);
    return r;
}

int inbox_parked_count(struct store_txn *txn, uint64_t *ret)
{
    return store_count(txn, inbox_db(txn, ENVELOPE_PARKED), ret);
}

static int inbox_parked_read(const struct store_txn *txn, struct arena *arena, struct bytes key, struct bytes view,
                             struct inbox_parked *ret)
{
    struct pack_reader in = { 0 };
    int r = inbox_check(txn, ENVELOPE_PARKED, key, view, &in);

    if (r < 0)
        return r;
    ret->stream = pack_read_text(&in, arena);
    ret->key = pack_read_text(&in, arena);
    ret->seq = pack_read_u64(&in);
    ret->at = (int64_t)pack_read_u64(&in);
    ret->err = (int)(int64_t)pack_read_u64(&in);
    ret->why = pack_read_text(&in, arena);
    ret->head = pack_read_bytes(&in, arena);
    ret->body = pack_read_bytes(&in, arena);
    return in.ok && in.left == 0 ? 0 : ERR_CORRUPT;
}

int inbox_parked_next(struct store_txn *txn, struct arena *arena, const char *stream, const char *key,
                      const struct inbox_parked *after, struct inbox_parked *ret)
{
    struct store_cursor *cursor;
    struct buf prefix = { 0 }, from = { 0 };
    struct bytes at, view;
    int r = store_cursor_open(txn, inbox_db(txn, ENVELOPE_PARKED), &cursor);

    if (r < 0)
        return r;
    if (stream)
        buf_put(&prefix, stream, strlen(stream) + 1);
    if (stream && key)
        buf_put(&prefix, key, strlen(key) + 1);
    if (after)
        inbox_parked_key(&from, after->stream, after->key, after->seq + 1);
    else if (prefix.len)
        buf_put(&from, prefix.data, prefix.len);
    r = store_cursor_seek(cursor, buf_bytes(&from), &at, &view);
    if (r == 0 && prefix.len && (at.len < prefix.len || memcmp(at.data, prefix.data, prefix.len) != 0))
        r = ERR_NOT_FOUND;
    if (r == 0)
        r = inbox_parked_read(txn, arena, at, view, ret);
    store_cursor_close(&cursor);
    buf_free(&prefix);
    buf_free(&from);
    return r;
}

int inbox_parked_del(struct store_txn *txn, const char *stream, const char *key, uint64_t seq)
{
    struct buf k = { 0 };
    int r;

    inbox_parked_key(&k, stream, key, seq);
    r = store_del(txn, inbox_db(txn, ENVELOPE_PARKED), buf_bytes(&k));
    buf_free(&k);
    return r == ERR_NOT_FOUND ? 0 : r;
}

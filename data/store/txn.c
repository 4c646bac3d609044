/* txn - transactions, raw rows and cursors. */
#include <errno.h>
#include <stdlib.h>

#include "data/store/internal.h"
#include "gen/errors.h"

int store_check_writer(const struct store *store)
{
    return atomic_load(&store->writing) && pthread_equal(store->writer, pthread_self()) ? ERR_INVALID : 0;
}

static int txn_begin(struct store *store, struct store_txn *parent, bool writes, struct store_txn **ret)
{
    struct store_txn *t;
    int rc;

    if (atomic_load(&store->broken))
        return ERR_OUTCOME_UNKNOWN;
    if (store_fault_strikes())
        return ERR_IO;
    if (writes && !parent && store_fault_is_full(STORE_FAULT_NO_BEGIN))
        return ERR_STORE_FULL;
    t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    *t = (struct store_txn) { .store = store, .parent = parent, .writes = writes };
    rc = mdb_txn_begin(store->env, parent ? parent->txn : NULL, writes ? 0 : MDB_RDONLY, &t->txn);
    if (rc) {
        free(t);
        return store_error(store, rc);
    }
    if (writes && !parent) {
        store->writer = pthread_self();
        atomic_store(&store->writing, true);
        journal_lend(t);
    }
    *ret = t;
    return 0;
}

/* LMDB lets the next writer in as soon as it has ended ours: say so before. */
static void txn_ends(struct store_txn *t)
{
    if (t->writes && !t->parent)
        atomic_store(&t->store->writing, false);
}

int store_begin_read(struct store *store, struct store_txn **ret)
{
    return txn_begin(store, NULL, false, ret);
}

int store_begin_write(struct store *store, struct store_txn **ret)
{
    int r = store_check_writer(store);

    return r < 0 ? r : txn_begin(store, NULL, true, ret);
}

int store_begin_child(struct store_txn *parent, struct store_txn **ret)
{
    if (!parent->writes)
        return ERR_INVALID;
    if (parent->store->journal)
        return ERR_UNSUPPORTED;
    return txn_begin(parent->store, parent, true, ret);
}

/* A full disk shows before the meta page is written: if LMDB still works and the last committed
 * transaction is older than the one that failed, then nothing happened. All else leaves the outcome open. */
static bool txn_is_certainly_lost(struct store *store, int rc, size_t id)
{
    MDB_envinfo info;
    MDB_txn *probe;

    if (rc == MDB_MAP_FULL || rc == MDB_BAD_TXN)
        return true;
    if (rc != ENOSPC && rc != EDQUOT)
        return false;
    if (mdb_env_info(store->env, &info) || info.me_last_txnid >= id)
        return false;
    if (mdb_txn_begin(store->env, NULL, 0, &probe))
        return false;
    mdb_txn_abort(probe);
    return true;
}

static int txn_commit(struct store_txn *t)
{
    return t->store->journal && t->writes && !t->parent ? journal_commit(t) : mdb_txn_commit(t->txn);
}

/* A child that cannot be committed is just undone; of the outermost commit nobody knows what became. */
static int txn_commit_fault(struct store_txn *t)
{
    if (t->parent) {
        mdb_txn_abort(t->txn);
        return ERR_IO;
    }
    if (store_fault_commits())
        txn_commit(t);
    else
        mdb_txn_abort(t->txn);
    atomic_store(&t->store->broken, true);
    return ERR_OUTCOME_UNKNOWN;
}

int store_commit(struct store_txn **txn)
{
    struct store_txn *t = *txn;
    struct store *store = t->store;
    size_t id = mdb_txn_id(t->txn);
    int r = 0, rc;

    *txn = NULL;
    txn_ends(t);
    if (!t->writes || t->failed) {
        mdb_txn_abort(t->txn);
        r = t->failed ? ERR_IO : 0;
    } else if (store_fault_strikes()) {
        r = txn_commit_fault(t);
    } else if (!t->parent && store_fault_is_full(STORE_FAULT_NO_COMMIT)) {
        mdb_txn_abort(t->txn);
        r = ERR_STORE_FULL;
    } else {
        rc = txn_commit(t);
        r = store_error(store, rc);
        if (rc && !t->parent && !txn_is_certainly_lost(store, rc, id)) {
            atomic_store(&store->broken, true);
            r = ERR_OUTCOME_UNKNOWN;
        }
    }
    journal_take_back(t);
    free(t);
    return r;
}

void store_abort(struct store_txn **txn)
{
    if (!*txn)
        return;
    txn_ends(*txn);
    mdb_txn_abort((*txn)->txn);
    journal_take_back(*txn);
    free(*txn);
    *txn = NULL;
}

struct store *store_of(const struct store_txn *txn)
{
    return txn->store;
}

bool store_txn_writes(const struct store_txn *txn)
{
    return txn->writes;
}

/* What a write answered. Apart from the answers that change nothing, LMDB lets a failed transaction only
 * abort. */
static int txn_wrote(struct store_txn *txn, int rc)
{
    if (rc && rc != MDB_NOTFOUND && rc != MDB_KEYEXIST && rc != MDB_BAD_VALSIZE)
        txn->failed = true;
    return store_error(txn->store, rc);
}

static int txn_may_write(struct store_txn *txn, struct bytes key)
{
    if (!txn->writes)
        return ERR_INVALID;
    if (key.len == 0)
        return ERR_INVALID;
    if (key.len > STORE_KEY_MAX)
        return ERR_TOO_LARGE;
    if (store_fault_strikes()) {
        txn->failed = true;
        return ERR_IO;
    }
    return 0;
}

int store_get(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes *ret_view)
{
    MDB_val k = store_val(key), v;
    int rc;

    if (key.len == 0 || key.len > STORE_KEY_MAX)
        return ERR_NOT_FOUND;
    if (store_fault_strikes())
        return ERR_IO;
    rc = mdb_get(txn->txn, db->dbi, &k, &v);
    if (rc)
        return store_error(txn->store, rc);
    *ret_view = store_bytes(v);
    return 0;
}

static int txn_put(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes value,
                   unsigned flags)
{
    MDB_val k = store_val(key), v = store_val(value);
    int r = txn_may_write(txn, key);

    if (r < 0)
        return r;
    r = txn_wrote(txn, mdb_put(txn->txn, db->dbi, &k, &v, flags));
    if (r == 0)
        journal_note(txn, JOURNAL_PUT, db, key, value);
    return r;
}

int store_put(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes value)
{
    return txn_put(txn, db, key, value, 0);
}

int store_put_new(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes value)
{
    return txn_put(txn, db, key, value, MDB_NOOVERWRITE);
}

int store_del(struct store_txn *txn, struct store_db *db, struct bytes key)
{
    MDB_val k = store_val(key);
    int r = txn_may_write(txn, key);

    if (r < 0)
        return r;
    r = txn_wrote(txn, mdb_del(txn->txn, db->dbi, &k, NULL));
    if (r == 0)
        journal_note(txn, JOURNAL_DEL, db, key, (struct bytes) { 0 });
    return r;
}

int store_fact_get(struct store_txn *txn, struct bytes name, struct bytes *ret_view)
{
    return store_get(txn, &txn->store->meta, name, ret_view);
}

int store_fact_put(struct store_txn *txn, struct bytes name, struct bytes value)
{
    return store_put(txn, &txn->store->meta, name, value);
}

int store_count(struct store_txn *txn, struct store_db *db, uint64_t *ret)
{
    MDB_stat stat;
    int rc;

    if (store_fault_strikes())
        return ERR_IO;
    rc = mdb_stat(txn->txn, db->dbi, &stat);
    if (rc)
        return store_error(txn->store, rc);
    *ret = stat.ms_entries;
    return 0;
}

int store_clear(struct store_txn *txn, struct store_db *db)
{
    int r = txn_may_write(txn, (struct bytes) { .data = "", .len = 1 });

    if (r < 0)
        return r;
    r = txn_wrote(txn, mdb_drop(txn->txn, db->dbi, 0));
    if (r == 0)
        journal_note(txn, JOURNAL_CLEAR, db, (struct bytes) { 0 }, (struct bytes) { 0 });
    return r;
}

int store_cursor_open(struct store_txn *txn, struct store_db *db, struct store_cursor **ret)
{
    struct store_cursor *c;
    int rc;

    if (store_fault_strikes())
        return ERR_IO;
    c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->txn = txn;
    c->db = db;
    rc = mdb_cursor_open(txn->txn, db->dbi, &c->cursor);
    if (rc) {
        free(c);
        return store_error(txn->store, rc);
    }
    *ret = c;
    return 0;
}

void store_cursor_close(struct store_cursor **cursor)
{
    if (!*cursor)
        return;
    mdb_cursor_close((*cursor)->cursor);
    free(*cursor);
    *cursor = NULL;
}

static int cursor_move(struct store_cursor *c, MDB_cursor_op op, MDB_val *k, struct bytes *ret_key,
                       struct bytes *ret_view)
{
    MDB_val v;
    int rc;

    if (store_fault_strikes())
        return ERR_IO;
    rc = mdb_cursor_get(c->cursor, k, &v, op);
    if (rc)
        return store_error(c->txn->store, rc);
    *ret_key = store_bytes(*k);
    *ret_view = store_bytes(v);
    return 0;
}

int store_cursor_seek(struct store_cursor *cursor, struct bytes from, struct bytes *ret_key,
                      struct bytes *ret_view)
{
    MDB_val k = store_val(from);

    if (from.len == 0)
        return store_cursor_first(cursor, ret_key, ret_view);
    if (from.len > STORE_KEY_MAX)
        return ERR_TOO_LARGE;
    return cursor_move(cursor, MDB_SET_RANGE, &k, ret_key, ret_view);
}

int store_cursor_first(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view)
{
    return cursor_move(cursor, MDB_FIRST, &(MDB_val) { 0 }, ret_key, ret_view);
}

int store_cursor_last(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view)
{
    return cursor_move(cursor, MDB_LAST, &(MDB_val) { 0 }, ret_key, ret_view);
}

int store_cursor_next(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view)
{
    return cursor_move(cursor, MDB_NEXT, &(MDB_val) { 0 }, ret_key, ret_view);
}

int store_cursor_prev(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view)
{
    return cursor_move(cursor, MDB_PREV, &(MDB_val) { 0 }, ret_key, ret_view);
}

int store_cursor_del(struct store_cursor *cursor)
{
    int r = txn_may_write(cursor->txn, (struct bytes) { .data = "", .len = 1 });
    MDB_val k, v;

    if (r == 0)
        r = store_error(cursor->txn->store, mdb_cursor_get(cursor->cursor, &k, &v, MDB_GET_CURRENT));
    if (r < 0)
        return r;
    journal_note(cursor->txn, JOURNAL_DEL, cursor->db, store_bytes(k), (struct bytes) { 0 });
    return txn_wrote(cursor->txn, mdb_cursor_del(cursor->cursor, 0));
}

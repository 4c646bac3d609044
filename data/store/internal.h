/* internal - what env.c, txn.c, copy.c and error.c share; nobody else includes it. */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "data/store/env.h"
#include "data/store/journal.h"

#define STORE_SIPKEY_SIZE 16

struct store_db {
    MDB_dbi dbi;
    uint16_t sealed; /* type of its envelopes, 0: raw */
    const char *name;
};

struct store {
    MDB_env *env;
    char *dir;
    int lock_fd;
    struct journal *journal; /* NULL: LMDB syncs each commit */
    struct store_db meta;
    struct id uuid;
    uint32_t epoch;
    bool fresh;
    atomic_bool broken;
    atomic_bool writing; /* a write transaction is open, on this thread: */
    pthread_t writer;
    uint8_t sipkey[STORE_SIPKEY_SIZE];
    struct store_db **dbs; /* each allocated on its own: handles stay where they are */
    size_t dbs_n;
    struct table_open *tables; /* table.c's */
    size_t tables_n;
};

struct store_txn {
    struct store *store;
    struct store_txn *parent;
    MDB_txn *txn;
    bool writes, failed; /* failed: a write went wrong, only an abort is left */
    struct buf redo;     /* with a journal: what was written */
};

struct store_cursor {
    struct store_txn *txn;
    const struct store_db *db;
    MDB_cursor *cursor;
};

/* The one map from LMDB's and the system's codes to ours; marks the store broken where its outcome is
 * unknown. */
int store_error(struct store *store, int rc);

void table_close_all(struct store *store);

/* ERR_INVALID where this thread would wait for itself. */
int store_check_writer(const struct store *store);

/* True when the armed fault strikes here. */
bool store_fault_strikes(void);
bool store_fault_commits(void); /* what the commit that was struck should really do */
bool store_fault_is_full(enum store_fault_room room);

static inline MDB_val store_val(struct bytes b)
{
    return (MDB_val) { .mv_size = b.len, .mv_data = (void *)b.data };
}

static inline struct bytes store_bytes(MDB_val v)
{
    return (struct bytes) { .data = v.mv_data, .len = v.mv_size };
}

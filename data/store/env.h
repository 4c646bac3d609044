/* env - one LMDB environment, as its one owner sees it. All that calls LMDB is in env.c, txn.c, copy.c and the journal's two.
 *
 * One process opens a store, once, and keeps it: a second open of the same directory answers ERR_BUSY.
 * Readers (any number, from any thread, each used by one thread at a time) see the snapshot of the moment
 * they began; there is one writer at a time, on one thread, and child transactions inside it that can fail
 * alone.
 *
 * Durable     store_commit answers 0 after the data and the meta page are on the disk, or with a journal what it
 *             wrote (journal.h), never before
 * Errors      one map in error.c; what a caller can meet is listed at each function. ERR_OUTCOME_UNKNOWN
 *             means that the commit may or may not have happened: the store then refuses all further work,
 *             and the process must answer nothing and exit (75), so that a restart finds out
 * Refuses     file systems that are not local (NFS, CIFS, 9p, FUSE), and overlay and tmpfs unless asked;
 *             stores of a later format; keys over 511 bytes
 * Identity    a uuid minted when the store is made, restored or copied (a copied file is noticed by its
 *             inode and birth time), and an epoch that counts opens
 * Weak spot   pages have no checksum: the values that matter carry one (envelope.h), and store_verify
 *             walks them all */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

#define STORE_KEY_MAX 511

struct store;
struct store_txn;
struct store_db;
struct store_cursor;

struct store_options {
    const char *dir;      /* made (0700) when absent; its parent must exist */
    size_t map_size;      /* bytes of address space and the bound of the file, sparse; 0: 16 GiB */
    unsigned max_dbs;     /* named databases; 0: 128 */
    unsigned max_readers; /* read transactions at a time; 0: 126 */
    bool any_filesystem;  /* tests: overlay and tmpfs are good enough */
    bool journal;         /* commits of one sync, with a checkpoint now and then (journal.h); for ever then */
    bool must_exist;      /* an empty directory is ERR_NOT_FOUND instead of a new store */
};

/* Opens or makes the store, checks its format and counts the epoch. ERR_BUSY: another process has it.
 * ERR_UNSUPPORTED: the file system. ERR_VERSION: the format of a later program. ERR_CORRUPT: not an LMDB
 * file, or its meta data do not fit, or its journal lacks something. ERR_CONFLICT: there is a journal, and it holds what
 * belongs to another data.mdb than the one that is there. ERR_IO, ERR_STORE_FULL: the disk. */
int store_open(const struct store_options *options, struct store **ret);
void store_close(struct store **store); /* no transaction may be open */

struct id store_uuid(const struct store *store);
uint32_t store_epoch(const struct store *store);
const char *store_dir(const struct store *store);
bool store_is_new(const struct store *store);    /* this open minted the uuid: new, restored or copied */
bool store_is_broken(const struct store *store); /* an outcome is unknown: exit and let a restart find out */

struct store_usage {
    uint64_t map_bytes;  /* the bound */
    uint64_t used_bytes; /* pages ever used; the file does not shrink */
    uint64_t free_bytes; /* of those, pages that are free to be used again */
    unsigned percent;    /* (used - free) of the bound: refuse new work from 85, never deletes or completions */
};
int store_usage(struct store *store, struct store_usage *ret);
int store_settle(struct store *store); /* with a journal: a checkpoint, so that all free pages can be used again */
int store_check_readers(struct store *store,
                        unsigned *ret_cleared); /* slots of dead threads; at start it is done */

/* Transactions. A view that store_get gives dies with the transaction or with its next write. The cursors
 * of a transaction are closed before it ends. A thread that would wait for its own write transaction gets
 * ERR_INVALID. */
int store_begin_read(struct store *store, struct store_txn **ret);
int store_begin_write(struct store *store, struct store_txn **ret);
int store_begin_child(struct store_txn *parent, struct store_txn **ret); /* parent rests until the child ends */
int store_commit(struct store_txn **txn); /* always consumes; ERR_STORE_FULL: nothing happened */
void store_abort(struct store_txn **txn); /* NULL is fine */
struct store *store_of(const struct store_txn *txn);
bool store_txn_writes(const struct store_txn *txn);

/* Databases are opened once, at start, outside any transaction. The handle lives as long as the store. */
int store_db(struct store *store, const char *name, struct store_db **ret);
const char *store_db_name(const struct store_db *db);
void store_db_sealed(struct store_db *db, uint16_t type); /* its values carry envelopes of this type: checked */

/* Facts of the store's own by name, beside all databases: versions, places of sweeps. "format", "uuid",
 * "epoch", "place" and "sipkey" are env.c's. */
int store_fact_get(struct store_txn *txn, struct bytes name, struct bytes *ret_view);
int store_fact_put(struct store_txn *txn, struct bytes name, struct bytes value);

/* Raw keys and values, without an envelope. ERR_NOT_FOUND, ERR_EXISTS (put_new), ERR_TOO_LARGE (the key),
 * ERR_STORE_FULL, ERR_IO, ERR_CORRUPT. */
int store_get(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes *ret_view);
int store_put(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes value);
int store_put_new(struct store_txn *txn, struct store_db *db, struct bytes key, struct bytes value);
int store_del(struct store_txn *txn, struct store_db *db, struct bytes key);
int store_count(struct store_txn *txn, struct store_db *db, uint64_t *ret);
int store_clear(struct store_txn *txn, struct store_db *db); /* deletes all rows, keeps the database */

/* Cursors. Each move answers 0 and fills key and view, or ERR_NOT_FOUND past either end. */
int store_cursor_open(struct store_txn *txn, struct store_db *db, struct store_cursor **ret);
void store_cursor_close(struct store_cursor **cursor);
int store_cursor_seek(struct store_cursor *cursor, struct bytes from, struct bytes *ret_key,
                      struct bytes *ret_view);
int store_cursor_first(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view);
int store_cursor_last(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view);
int store_cursor_next(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view);
int store_cursor_prev(struct store_cursor *cursor, struct bytes *ret_key, struct bytes *ret_view);
int store_cursor_del(struct store_cursor *cursor); /* the row it is at; next then gives the one after it */

/* Copies. store_backup copies compactly out of a read transaction into dir/data.mdb.part, reads the copy
 * back whole, and renames it; ERR_EXISTS when dir already holds a backup. A store opened from a copy mints
 * a new uuid by itself. It may run on a thread of its own while the owner works. */
int store_backup(struct store *store, const char *dir);

struct store_report {
    uint64_t dbs, rows, bytes; /* what was walked */
    uint64_t bad_rows;         /* rows whose checksum or shape is wrong */
    char first_bad[160];       /* database and key of the first one, for a person */
};
/* Walks every row of all opened databases, in slices, and checks the envelope of those that carry one.
 * What is wrong is counted in the report; an error is answered only when the walk itself could not go on. */
int store_verify(struct store *store, struct store_report *ret);

/* Fault injection, for tests: the n-th call from now on that can fail does fail (1 is the next one).
 * Answers false, and disarms, when the fault armed before never struck: the loop that counts n up is then
 * done. Process-wide. */
enum store_fault { STORE_FAULT_LOST, STORE_FAULT_COMMITTED }; /* what a failing commit really did */
bool store_fault_arm(unsigned n, enum store_fault commit);
void store_fault_disarm(void);
void store_fault_hold(bool hold); /* while held no call strikes or counts: a test looks around */
/* The disk is full: commits, or transactions that write from their beginning on, answer ERR_STORE_FULL, and nothing was done. */
enum store_fault_room { STORE_FAULT_ROOM, STORE_FAULT_NO_COMMIT, STORE_FAULT_NO_BEGIN };
void store_fault_full(enum store_fault_room room);

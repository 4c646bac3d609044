/* engine - the store behind bus_store.h, on LMDB. Private to engine.c, apply.c, reads.c, warm.c and writer.c.
 *
 * The writer's thread owns the counters and everything below `committing`; the router's thread owns the read
 * transaction; the mailboxes and the figures lie between them, under the lock. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "broker/client/hmap.h"
#include "broker/server/record.h"
#include "data/store/env.h"

enum engine_table {
    ROWS_META,
    ROWS_JOB,
    ROWS_HELD,
    ROWS_LEASE,
    ROWS_DEAD,
    ROWS_LANE,
    ROWS_EVENT,
    ROWS_CURSOR,
    ROWS_VALUE,
    ENGINE_TABLES
};

enum {
    ENGINE_BATCH_OPS = 1024,
    ENGINE_BATCH_BYTES = 4 * 1024 * 1024,
    ENGINE_PROMOTE = 256, /* held jobs per operation */
    ENGINE_PRUNE = 1000,  /* events per operation */
    ENGINE_LANES = 4096,  /* remembered */
};

STAILQ_HEAD(store_ops, store_op);

/* A queue or stream: its next sequence number, what it holds, and since when it is paused (0: it is not). */
struct target_row {
    uint64_t next;
    struct store_totals totals;
    int64_t paused_ms;
};
struct target {
    struct target_row now, committed;
    bool dirty;
};

/* Where the lane of a producer stands, as far as this process has used it: written once per commit, however many
 * messages of it that holds. */
struct lane_mark {
    struct hnode node; /* by hash of producer and target */
    STAILQ_ENTRY(lane_mark) link;
    struct id producer;
    uint32_t target, epoch;
    uint64_t seq;
    bool dirty;
};

struct bus_store {
    struct store *env;
    struct store_db *tables[ENGINE_TABLES];
    struct store_txn *reading;

    struct target *targets; /* by number */
    uint32_t targets_n;
    struct hmap lanes;
    STAILQ_HEAD(, lane_mark) dirty_lanes;
    bool full; /* nothing is added until STORE_RESUME */
    struct buf scratch, sealed;

    pthread_t thread, warmer;
    bool has_thread, has_warmer;
    pthread_mutex_t lock;
    pthread_cond_t work, cold;
    struct store_ops submitted, done;
    struct store_ops to_warm;
    struct store_ops taken; /* the router's: handed back, not looked at yet */
    bool told;              /* the router, by the eventfd */
    bool wake, stopping, dead;
    unsigned backups; /* on their way */
    int event;
    struct bus_store_counts counts;
    atomic_uint percent;
};

/* engine.c: rows in their envelopes. */
int engine_put(struct bus_store *store, struct store_txn *txn, enum engine_table table, struct bytes key,
               struct bytes payload);
int engine_get(struct bus_store *store, struct store_txn *txn, enum engine_table table, struct bytes key,
               struct bytes *ret_payload);
int engine_open_row(struct bus_store *store, enum engine_table table, struct bytes key, struct bytes value,
                    struct bytes *ret_payload);
int engine_del(struct bus_store *store, struct store_txn *txn, enum engine_table table, struct bytes key);

/* apply.c: one operation inside the writer's transaction. Negative: the transaction is lost. */
int engine_apply(struct bus_store *store, struct store_txn *txn, struct store_op *op);

/* targets.c */
int targets_load(struct bus_store *store);
struct target_row *targets_change(struct bus_store *store, uint32_t target); /* reaches the disk with the commit */
int targets_save(struct bus_store *store, struct store_txn *txn);
void targets_settle(struct bus_store *store, bool committed);

/* lanes.c */
int lanes_check(struct bus_store *store, struct store_txn *txn, struct store_op *op, uint32_t target);
int lanes_set(struct bus_store *store, struct store_txn *txn, const struct store_op *op, uint32_t target);
int lanes_save(struct bus_store *store, struct store_txn *txn);
void lanes_forget(struct bus_store *store); /* what was not committed is read again */

/* writer.c */
int engine_writer_start(struct bus_store *store);
void engine_writer_stop(struct bus_store *store);
void engine_hand_back(struct bus_store *store, struct store_ops *ops); /* under the lock; all of them */

/* warm.c: what the third thread does. */
int engine_warmer_start(struct bus_store *store);
void engine_warmer_stop(struct bus_store *store);
void engine_warm(struct bus_store *store, struct store_op *op); /* for the thread, or here where there is none */

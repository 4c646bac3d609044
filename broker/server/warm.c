/* warm - the thread that waits for the disk in place of the router.
 *
 * The store is mapped: what is read once lies in memory for every thread of the process. So this one reads the rows that the
 * router is about to read, throws them away, and says how far it came. */
#include <stdlib.h>

#include "broker/server/engine.h"
#include "gen/errors.h"

enum { WARM_PAGE = 4096 };

/* From where to read, and in which table. */
static enum engine_table warm_from(const struct store_op *op, struct record_key *ret)
{
    *ret = op->stream ? record_pair_key(op->stream, op->seq + 1) : record_behind_job(op->key);
    return op->stream ? ROWS_EVENT : ROWS_JOB;
}

/* Whether the row is one of those that were asked for. */
static bool warm_is_wanted(struct store_op *op, struct bytes key)
{
    struct job_key job;
    uint32_t stream;

    if (!op->stream)
        return record_read_job_key(key, &job) && job.queue == op->key.queue;
    return record_read_pair_key(key, &stream, &op->ret_seq) && stream == op->stream;
}

static void warm_touch(struct bytes value)
{
    const volatile uint8_t *at = value.data;

    for (size_t i = 0; i < value.len; i += WARM_PAGE)
        (void)at[i];
}

static int warm_read(struct bus_store *store, struct store_op *op)
{
    struct store_cursor *cursor = NULL;
    struct store_txn *txn = NULL;
    struct bytes key, value;
    struct record_key from;
    enum engine_table table = warm_from(op, &from);
    size_t bytes = 0;
    uint64_t last = op->seq;
    int r = store_begin_read(store->env, &txn);

    if (r == 0)
        r = store_cursor_open(txn, store->tables[table], &cursor);
    if (r == 0)
        r = store_cursor_seek(cursor, record_bytes(&from), &key, &value);
    for (unsigned n = 0; r == 0 && warm_is_wanted(op, key); n++) {
        last = op->ret_seq;
        warm_touch(value);
        bytes += value.len;
        if (n + 1 == STORE_WARM_ROWS || bytes >= STORE_WARM_BYTES)
            break;
        r = store_cursor_next(cursor, &key, &value);
    }
    op->ret_seq = last;
    store_cursor_close(&cursor);
    store_abort(&txn);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Under the lock, which it lets go meanwhile. */
static void warm_one(struct bus_store *store)
{
    struct store_ops done = STAILQ_HEAD_INITIALIZER(done);
    struct store_op *op = STAILQ_FIRST(&store->to_warm);

    STAILQ_REMOVE_HEAD(&store->to_warm, link);
    pthread_mutex_unlock(&store->lock);
    op->status = warm_read(store, op);
    STAILQ_INSERT_TAIL(&done, op, link);
    pthread_mutex_lock(&store->lock);
    engine_hand_back(store, &done);
}

static void *warm_run(void *ctx)
{
    struct bus_store *store = ctx;

    pthread_mutex_lock(&store->lock);
    while (!store->stopping) {
        if (STAILQ_EMPTY(&store->to_warm))
            pthread_cond_wait(&store->cold, &store->lock);
        else
            warm_one(store);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

int engine_warmer_start(struct bus_store *store)
{
    if (pthread_create(&store->warmer, NULL, warm_run, store) != 0)
        return ERR_NO_MEMORY;
    store->has_warmer = true;
    return 0;
}

void engine_warmer_stop(struct bus_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    STAILQ_CONCAT(&store->done, &store->to_warm); /* nobody waits for them any more */
    pthread_cond_broadcast(&store->cold);
    pthread_mutex_unlock(&store->lock);
    if (store->has_warmer)
        pthread_join(store->warmer, NULL);
    store->has_warmer = false;
}

void engine_warm(struct bus_store *store, struct store_op *op)
{
    pthread_mutex_lock(&store->lock);
    STAILQ_INSERT_TAIL(&store->to_warm, op, link);
    if (store->has_warmer)
        pthread_cond_signal(&store->cold);
    else
        warm_one(store);
    pthread_mutex_unlock(&store->lock);
}

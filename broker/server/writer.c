/* writer - the thread that commits: takes all that is waiting, applies it, commits once, hands it back.
 *
 * While a commit is on its way to the disk the next batch gathers by itself: there is no artificial delay. */
#include <stdlib.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "broker/server/engine.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

static int writer_apply(struct bus_store *store, struct store_ops *batch)
{
    struct store_txn *txn = NULL;
    struct store_op *op;
    int r = store_begin_write(store->env, &txn);

    STAILQ_FOREACH(op, batch, link)
    {
        if (r == 0)
            r = engine_apply(store, txn, op);
    }
    if (r == 0)
        r = lanes_save(store, txn);
    if (r == 0)
        r = targets_save(store, txn);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    targets_settle(store, r == 0);
    if (r < 0 || store->lanes.n > ENGINE_LANES)
        lanes_forget(store);
    return r;
}

/* A batch that does not fit is applied again without what adds. What fails beyond that is not to be talked
 * away: the router is told that the store is dead, and answers nothing. */
static int writer_commit(struct bus_store *store, struct store_ops *batch)
{
    int64_t began = clock_mono_us(), took;
    struct store_usage usage;
    struct store_op *op;
    int r = writer_apply(store, batch);

    if (r == ERR_STORE_FULL && store_settle(store->env) == 0)
        r = writer_apply(store, batch); /* with the pages that were freed since the last checkpoint */
    if (r == ERR_STORE_FULL) {
        store->full = true;
        r = writer_apply(store, batch);
    }
    if (r < 0)
        return r;
    took = clock_mono_us() - began;
    pthread_mutex_lock(&store->lock);
    histogram_add(&store->counts.commit, took);
    STAILQ_FOREACH(op, batch, link)
    store->counts.operations++;
    pthread_mutex_unlock(&store->lock);
    if ((store->counts.commit.n & 63) == 1 && store_usage(store->env, &usage) == 0)
        atomic_store(&store->percent, usage.percent);
    return 0;
}

void engine_hand_back(struct bus_store *store, struct store_ops *ops)
{
    uint64_t one = 1;

    STAILQ_CONCAT(&store->done, ops);
    store->told = true;
    if (write(store->event, &one, sizeof one) < 0) {
        /* the counter is full: it is readable already */
    }
}

/* Under the lock: moves the next batch out of what was submitted. */
static void writer_take(struct bus_store *store, struct store_ops *batch)
{
    size_t ops = 0, bytes = 0;
    struct store_op *op;

    while ((op = STAILQ_FIRST(&store->submitted)) && ops < ENGINE_BATCH_OPS && bytes < ENGINE_BATCH_BYTES) {
        STAILQ_REMOVE_HEAD(&store->submitted, link);
        STAILQ_INSERT_TAIL(batch, op, link);
        ops++;
        bytes += op->memory.len;
    }
    if (!op)
        store->wake = false;
}

/* Under the lock, which it lets go meanwhile. */
static void writer_work(struct bus_store *store)
{
    struct store_ops batch = STAILQ_HEAD_INITIALIZER(batch);
    int r;

    writer_take(store, &batch);
    if (STAILQ_EMPTY(&batch))
        return;
    pthread_mutex_unlock(&store->lock);
    r = writer_commit(store, &batch);
    pthread_mutex_lock(&store->lock);
    if (r < 0) {
        log_line(LOG_AT_ERROR, "store", "result=%s", err_name(r));
        store->dead = true;
        STAILQ_CONCAT(&store->submitted, &batch); /* freed at the end, never answered */
    }
    engine_hand_back(store, &batch);
}

static void *writer_run(void *ctx)
{
    struct bus_store *store = ctx;

    pthread_mutex_lock(&store->lock);
    while (!store->dead) {
        if (store->wake)
            writer_work(store);
        else if (store->stopping && STAILQ_EMPTY(&store->submitted))
            break;
        else if (store->stopping)
            store->wake = true;
        else
            pthread_cond_wait(&store->work, &store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

int engine_writer_start(struct bus_store *store)
{
    if (pthread_create(&store->thread, NULL, writer_run, store) != 0)
        return ERR_NO_MEMORY;
    store->has_thread = true;
    return 0;
}

static void backup_wait(struct bus_store *store);

void engine_writer_stop(struct bus_store *store)
{
    backup_wait(store);
    if (!store->has_thread) {
        bus_store_step(store);
        return;
    }
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_broadcast(&store->work);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->thread, NULL);
    store->has_thread = false;
}

struct backup {
    struct bus_store *store;
    struct store_op *op;
};

/* LMDB copies out of a read transaction: the writer goes on meanwhile. */
static void *backup_run(void *ctx)
{
    struct store_ops done = STAILQ_HEAD_INITIALIZER(done);
    struct backup *backup = ctx;
    struct bus_store *store = backup->store;

    backup->op->status = store_backup(store->env, backup->op->name);
    STAILQ_INSERT_TAIL(&done, backup->op, link);
    pthread_mutex_lock(&store->lock);
    store->backups--;
    engine_hand_back(store, &done);
    pthread_cond_broadcast(&store->work);
    pthread_mutex_unlock(&store->lock);
    free(backup);
    return NULL;
}

static void backup_start(struct bus_store *store, struct store_op *op)
{
    struct backup *backup = malloc(sizeof *backup);
    pthread_t thread;

    if (!backup)
        abort();
    *backup = (struct backup) { store, op };
    pthread_mutex_lock(&store->lock);
    store->backups++;
    pthread_mutex_unlock(&store->lock);
    if (pthread_create(&thread, NULL, backup_run, backup) != 0)
        abort();
    pthread_detach(thread);
}

static void backup_wait(struct bus_store *store)
{
    pthread_mutex_lock(&store->lock);
    while (store->backups)
        pthread_cond_wait(&store->work, &store->lock);
    pthread_mutex_unlock(&store->lock);
}

void bus_store_submit(struct bus_store *store, struct store_op *op)
{
    if (op->kind == STORE_BACKUP) {
        backup_start(store, op);
        return;
    }
    if (op->kind == STORE_WARM) {
        engine_warm(store, op);
        return;
    }
    pthread_mutex_lock(&store->lock);
    STAILQ_INSERT_TAIL(&store->submitted, op, link);
    if (!op->lazy && !store->wake) {
        store->wake = true;
        pthread_cond_broadcast(&store->work);
    }
    pthread_mutex_unlock(&store->lock);
}

void bus_store_flush(struct bus_store *store)
{
    pthread_mutex_lock(&store->lock);
    if (!STAILQ_EMPTY(&store->submitted) && !store->wake) {
        store->wake = true;
        pthread_cond_broadcast(&store->work);
    }
    pthread_mutex_unlock(&store->lock);
}

/* Taken over all at once: a lock and a read of the eventfd for each would cost more than what they hand back. */
static void done_take(struct bus_store *store)
{
    uint64_t drained;

    pthread_mutex_lock(&store->lock);
    if (store->told && read(store->event, &drained, sizeof drained) < 0) {
        /* it was drained already */
    }
    store->told = false;
    STAILQ_CONCAT(&store->taken, &store->done);
    pthread_mutex_unlock(&store->lock);
}

struct store_op *bus_store_done(struct bus_store *store)
{
    struct store_op *op;

    if (STAILQ_EMPTY(&store->taken))
        done_take(store);
    op = STAILQ_FIRST(&store->taken);
    if (op)
        STAILQ_REMOVE_HEAD(&store->taken, link);
    return op;
}

int bus_store_fd(const struct bus_store *store)
{
    return store->event;
}

bool bus_store_dead(const struct bus_store *store)
{
    struct bus_store *mine = (struct bus_store *)store;
    bool dead;

    pthread_mutex_lock(&mine->lock);
    dead = mine->dead;
    pthread_mutex_unlock(&mine->lock);
    return dead;
}

struct bus_store_counts bus_store_counts(const struct bus_store *store)
{
    struct bus_store *mine = (struct bus_store *)store;
    struct bus_store_counts counts;

    pthread_mutex_lock(&mine->lock);
    counts = mine->counts;
    pthread_mutex_unlock(&mine->lock);
    return counts;
}

unsigned bus_store_percent(const struct bus_store *store)
{
    return atomic_load(&store->percent);
}

void bus_store_step(struct bus_store *store)
{
    pthread_mutex_lock(&store->lock);
    while (!store->dead && !STAILQ_EMPTY(&store->submitted))
        writer_work(store);
    pthread_mutex_unlock(&store->lock);
}

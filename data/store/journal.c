/* journal - commits of one sync, and the checkpoints that end what they need. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/store/internal.h"
#include "gen/errors.h"

static int journal_write(int fd, const void *data, size_t len, uint64_t at)
{
    const uint8_t *from = data;

    while (len) {
        ssize_t n = pwrite(fd, from, len, (off_t)at);

        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            from += n;
            at += (uint64_t)n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Room up to `end`, as blocks that are written already: a sync of them then waits for no metadata. */
static int journal_make(struct journal *journal, unsigned file, uint64_t end)
{
    static const uint8_t zeros[16 * JOURNAL_BLOCK];
    int rc = 0;

    if (journal->made[file] < end)
        end = (end + JOURNAL_GROW - 1) / JOURNAL_GROW * JOURNAL_GROW;
    while (!rc && journal->made[file] < end) {
        rc = journal_write(journal->fds[file], zeros, sizeof(zeros), journal->made[file]);
        if (!rc)
            journal->made[file] += sizeof(zeros);
    }
    return rc;
}

/* The checkpoint that is under way: what it is of is in the file; its base says so; the one before is not needed. */
static int journal_checkpoint(struct store *store)
{
    struct journal *journal = store->journal;
    int fd = journal->fds[journal->next.generation & 1];
    int rc = fdatasync(journal->data_fd) ? errno : 0;

    if (!rc)
        rc = journal_write(fd, &journal->next, sizeof(journal->next), 0);
    if (!rc)
        rc = journal_write(fd, journal->page, journal->next.page_size, JOURNAL_BLOCK);
    if (!rc && fdatasync(fd))
        rc = errno;
    return rc;
}

static void *journal_run(void *ctx)
{
    struct store *store = ctx;
    struct journal *journal = store->journal;

    pthread_mutex_lock(&journal->lock);
    while (!journal->stopping || journal->next_pin) {
        MDB_txn *done;
        int rc;

        if (!journal->next_pin) {
            pthread_cond_wait(&journal->turned, &journal->lock);
            continue;
        }
        pthread_mutex_unlock(&journal->lock);
        rc = journal_checkpoint(store);
        pthread_mutex_lock(&journal->lock);
        done = rc ? journal->next_pin : journal->pin; /* a start goes back to the one that is kept */
        journal->pin = rc ? journal->pin : journal->next_pin;
        journal->next_pin = NULL;
        if (rc) {
            journal->failed = true;
            atomic_store(&store->broken, true);
        }
        if (done)
            mdb_txn_abort(done);
        pthread_cond_broadcast(&journal->turned);
    }
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* False: one is under way. */
static bool journal_may_turn(struct journal *journal)
{
    bool may;

    pthread_mutex_lock(&journal->lock);
    may = !journal->next_pin;
    pthread_mutex_unlock(&journal->lock);
    return may;
}

static int journal_wait(struct journal *journal)
{
    bool failed;

    pthread_mutex_lock(&journal->lock);
    while (journal->next_pin)
        pthread_cond_wait(&journal->turned, &journal->lock);
    failed = journal->failed;
    pthread_mutex_unlock(&journal->lock);
    return failed ? EIO : 0;
}

/* Between two commits: the next generation begins here. The file is synced on the other thread. */
static int journal_turn(struct store *store)
{
    struct journal *journal = store->journal;
    MDB_txn *pin;
    int rc = journal_wait(journal);

    if (!rc)
        rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &pin);
    if (rc)
        return rc;
    journal->base.txn = mdb_txn_id(pin);
    if (pread(journal->data_fd, journal->page, journal->base.page_size,
              (off_t)((journal->base.txn & 1) * journal->base.page_size)) != (ssize_t)journal->base.page_size) {
        mdb_txn_abort(pin);
        return EIO;
    }
    journal->base.generation++;
    journal->next = journal->base;
    journal->next.check = journal_base_check(&journal->next, journal->page);
    journal->at = JOURNAL_RECORDS;
    journal->commits = 0;
    pthread_mutex_lock(&journal->lock);
    journal->next_pin = pin;
    pthread_cond_broadcast(&journal->turned);
    pthread_mutex_unlock(&journal->lock);
    return 0;
}

int journal_settle(struct store *store)
{
    int rc = journal_turn(store);

    return rc ? rc : journal_wait(store->journal);
}

int store_settle(struct store *store)
{
    return store->journal ? store_error(store, journal_settle(store)) : 0;
}

/* The generation behind the two that a start may have read is a new one; its key makes every older record void. */
static int journal_first(struct store *store)
{
    static const uint8_t magic[8] = JOURNAL_MAGIC;
    struct journal *journal = store->journal;
    MDB_stat stat;
    int rc = mdb_env_stat(store->env, &stat);

    if (rc)
        return store_error(store, rc);
    free(journal->page);
    journal->page = malloc(stat.ms_psize);
    if (!journal->page)
        abort();
    memcpy(journal->base.magic, magic, sizeof(magic));
    randombytes_buf(journal->base.key, sizeof(journal->base.key));
    journal->base.page_size = stat.ms_psize;
    journal->base.generation += 2;
    return env_read_place(store, journal->base.place);
}

/* The files' names, too, are on the disk before the first commit counts on them. */
static int journal_names(const struct store *store)
{
    int fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = fd < 0 || fsync(fd) ? ERR_IO : 0;

    if (fd >= 0)
        close(fd);
    return r;
}

int journal_begin(struct store *store)
{
    struct journal *journal = store->journal;
    int r = journal_first(store);

    pthread_mutex_init(&journal->lock, NULL);
    pthread_cond_init(&journal->turned, NULL);
    if (r == 0 && pthread_create(&journal->thread, NULL, journal_run, store) != 0)
        r = ERR_NO_MEMORY;
    journal->has_thread = r == 0;
    for (unsigned i = 0; r == 0 && i < 2; i++)
        r = store_error(store, journal_make(journal, i, JOURNAL_GROW));
    if (r == 0)
        r = journal_names(store);
    if (r == 0)
        r = store_error(store, journal_settle(store));
    if (r == 0)
        r = store_error(store, mdb_env_set_flags(store->env, MDB_NOSYNC, 1));
    return r;
}

void journal_end(struct store *store)
{
    struct journal *journal = store->journal;

    if (!journal)
        return;
    if (journal->has_thread) {
        if (!atomic_load(&store->broken))
            journal_settle(store);
        pthread_mutex_lock(&journal->lock);
        journal->stopping = true;
        pthread_cond_broadcast(&journal->turned);
        pthread_mutex_unlock(&journal->lock);
        pthread_join(journal->thread, NULL);
        pthread_mutex_destroy(&journal->lock);
        pthread_cond_destroy(&journal->turned);
    }
    if (journal->pin)
        mdb_txn_abort(journal->pin);
    for (size_t i = 0; i < 2; i++)
        if (journal->fds[i] >= 0)
            close(journal->fds[i]);
    if (journal->data_fd >= 0)
        close(journal->data_fd);
    free(journal->page);
    buf_free(&journal->spare);
    free(journal);
    store->journal = NULL;
}

void journal_lend(struct store_txn *txn)
{
    struct journal *journal = txn->store->journal;

    if (!journal)
        return;
    txn->redo = journal->spare;
    journal->spare = (struct buf) { 0 };
    buf_reset(&txn->redo);
}

void journal_take_back(struct store_txn *txn)
{
    struct journal *journal = txn->store->journal;

    if (!journal || !txn->redo.data)
        return;
    buf_free(&journal->spare);
    journal->spare = txn->redo;
}

void journal_note(struct store_txn *txn, enum journal_change change, const struct store_db *db, struct bytes key,
                  struct bytes value)
{
    struct buf *redo = &txn->redo;
    size_t name = strlen(db->name);
    uint8_t *at;

    if (!txn->store->journal)
        return;
    if (!redo->len) {
        memset(buf_room(redo, sizeof(struct journal_record)), 0, sizeof(struct journal_record));
        redo->len = sizeof(struct journal_record);
    }
    at = buf_room(redo, JOURNAL_CHANGE);
    at[0] = (uint8_t)change;
    at[1] = (uint8_t)name;
    redo->len += 2;
    buf_put_u16(redo, (uint16_t)key.len);
    buf_put_u32(redo, (uint32_t)value.len);
    buf_put(redo, db->name, name);
    buf_put(redo, key.data, key.len);
    if (value.len)
        buf_put(redo, value.data, value.len);
}

/* The record, on the disk. */
static int journal_append(struct journal *journal, struct buf *redo)
{
    size_t len = redo->len, whole = journal_blocks(len);
    struct journal_record head = { .generation = journal->base.generation,
                                   .number = journal->base.number,
                                   .length = len - sizeof(head) };
    unsigned file = journal->base.generation & 1;
    int rc = journal_make(journal, file, journal->at + whole);

    if (rc)
        return rc;
    journal_check(journal->base.key, &head, offsetof(struct journal_record, check),
                  bytes_of(redo->data + sizeof(head), head.length), &head.check);
    memcpy(redo->data, &head, sizeof(head));
    memset(buf_room(redo, whole - len), 0, whole - len);
    return journal_write(journal->fds[file], redo->data, whole, journal->at);
}

/* It does not fit, or has no place on the disk: LMDB syncs it as without a journal, and a checkpoint takes it along. */
static int journal_commit_directly(struct store_txn *txn)
{
    struct store *store = txn->store;
    int rc = mdb_env_set_flags(store->env, MDB_NOSYNC, 0);

    if (rc) {
        mdb_txn_abort(txn->txn);
        return rc;
    }
    rc = mdb_txn_commit(txn->txn);
    mdb_env_set_flags(store->env, MDB_NOSYNC, 1);
    return rc ? rc : journal_settle(store);
}

/* LMDB has refused what the journal holds already. */
static int journal_void(struct journal *journal, unsigned file, uint64_t at)
{
    static const uint8_t zeros[JOURNAL_BLOCK];
    int rc = journal_write(journal->fds[file], zeros, sizeof(zeros), at);

    return rc || fdatasync(journal->fds[file]) ? EIO : 0;
}

int journal_commit(struct store_txn *txn)
{
    struct store *store = txn->store;
    struct journal *journal = store->journal;
    unsigned file = journal->base.generation & 1;
    size_t whole = journal_blocks(txn->redo.len);
    int rc;

    if (!txn->redo.len)
        return mdb_txn_commit(txn->txn);
    if (journal->at + whole > JOURNAL_MOST || journal_append(journal, &txn->redo))
        return journal_commit_directly(txn);
    if (fdatasync(journal->fds[file])) {
        mdb_txn_abort(txn->txn);
        return EIO;
    }
    rc = mdb_txn_commit(txn->txn);
    if (rc)
        return journal_void(journal, file, journal->at) ? EIO : rc;
    journal->at += whole;
    journal->base.number++;
    journal->commits++;
    if (journal->at > JOURNAL_MOST - JOURNAL_ROOM ||
        ((journal->at > JOURNAL_TURN || journal->commits >= JOURNAL_COMMITS) && journal_may_turn(journal)))
        rc = journal_turn(store);
    return rc;
}

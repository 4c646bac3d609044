/* recover - back to the last checkpoint, and what the journal says from there on. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/store/internal.h"
#include "gen/errors.h"

enum { RECOVER_GROUP = 4 * 1024 * 1024, PAGE_LEAST = 512, PAGE_MOST = 65536 };

static_assert(JOURNAL_KEY == crypto_shorthash_KEYBYTES, "SipHash's key");

void journal_check(const uint8_t key[JOURNAL_KEY], const void *head, size_t head_len, struct bytes payload,
                   uint64_t *ret)
{
    uint8_t whole[sizeof(struct journal_base) + sizeof(uint64_t)];

    memcpy(whole, head, head_len);
    crypto_shorthash(whole + head_len, payload.data, payload.len, key);
    crypto_shorthash((uint8_t *)ret, whole, head_len + sizeof(uint64_t), key);
}

uint64_t journal_base_check(const struct journal_base *base, const uint8_t *page)
{
    uint64_t check;

    journal_check(base->key, base, offsetof(struct journal_base, check), bytes_of(page, base->page_size), &check);
    return check;
}

/* The base of one file; false: it has none that is whole. *page is allocated. */
static bool recover_base(int fd, struct journal_base *ret, uint8_t **page)
{
    static const uint8_t magic[8] = JOURNAL_MAGIC;

    if (pread(fd, ret, sizeof(*ret), 0) != sizeof(*ret) || memcmp(ret->magic, magic, sizeof(magic)) != 0 ||
        ret->page_size < PAGE_LEAST || ret->page_size > PAGE_MOST)
        return false;
    *page = malloc(ret->page_size);
    if (!*page)
        abort();
    if (pread(fd, *page, ret->page_size, JOURNAL_BLOCK) == (ssize_t)ret->page_size &&
        journal_base_check(ret, *page) == ret->check)
        return true;
    free(*page);
    *page = NULL;
    return false;
}

/* The record at `at` of a file; payload is `room`'s. False: there is none with this number, or not the whole of it. */
static bool recover_record(const struct journal *journal, int fd, uint64_t at, uint64_t generation,
                           uint64_t number, struct buf *room)
{
    struct journal_record head;
    uint64_t check;

    if (pread(fd, &head, sizeof(head), (off_t)at) != sizeof(head) || head.generation != generation ||
        head.number != number || head.length > JOURNAL_MOST)
        return false;
    buf_reset(room);
    if (pread(fd, buf_room(room, head.length), head.length, (off_t)(at + sizeof(head))) != (ssize_t)head.length)
        return false;
    room->len = head.length;
    journal_check(journal->base.key, &head, offsetof(struct journal_record, check), buf_bytes(room), &check);
    return check == head.check;
}

/* Only the last record can be half written: a whole one further on means that what is missing was acknowledged. */
static bool recover_more(const struct journal *journal, int fd, uint64_t at, uint64_t generation, uint64_t number)
{
    struct buf room = { 0 };
    bool found = false;
    struct stat st;

    if (fstat(fd, &st))
        return true;
    for (; !found && at < (uint64_t)st.st_size; at += JOURNAL_BLOCK) {
        struct journal_record head;

        found = pread(fd, &head, sizeof(head), (off_t)at) == sizeof(head) && head.generation == generation &&
                head.number >= number && recover_record(journal, fd, at, generation, head.number, &room);
    }
    buf_free(&room);
    return found;
}

static uint64_t recover_number(const uint8_t *at, size_t size)
{
    uint64_t n = 0;

    for (size_t i = 0; i < size; i++)
        n = n << 8 | at[i];
    return n;
}

/* One change; false at the end or where the record does not hold what it says. */
static bool recover_change(struct bytes *rest, enum journal_change *kind, char name[256], MDB_val *key,
                           MDB_val *value)
{
    const uint8_t *at = rest->data;
    size_t name_len, whole;

    if (rest->len < JOURNAL_CHANGE)
        return false;
    *kind = at[0];
    name_len = at[1];
    key->mv_size = recover_number(at + 2, 2);
    value->mv_size = recover_number(at + 4, 4);
    whole = JOURNAL_CHANGE + name_len + key->mv_size + value->mv_size;
    if (rest->len < whole)
        return false;
    memcpy(name, at + JOURNAL_CHANGE, name_len);
    name[name_len] = 0;
    key->mv_data = (void *)(at + JOURNAL_CHANGE + name_len);
    value->mv_data = (uint8_t *)key->mv_data + key->mv_size;
    *rest = bytes_of(at + whole, rest->len - whole);
    return true;
}

static int recover_do(MDB_txn *txn, struct bytes record)
{
    enum journal_change kind;
    MDB_val key, value;
    char name[256];
    int rc = 0;

    while (!rc && recover_change(&record, &kind, name, &key, &value)) {
        MDB_dbi dbi;

        rc = mdb_dbi_open(txn, name, MDB_CREATE, &dbi);
        if (!rc && kind == JOURNAL_PUT)
            rc = mdb_put(txn, dbi, &key, &value, 0);
        else if (!rc && kind == JOURNAL_DEL)
            rc = mdb_del(txn, dbi, &key, NULL);
        else if (!rc)
            rc = mdb_drop(txn, dbi, 0);
        rc = rc == MDB_NOTFOUND ? 0 : rc;
    }
    return !rc && record.len ? MDB_CORRUPTED : rc;
}

/* As many records as make a good transaction. *at is where the next one would begin. */
static int recover_group(struct store *store, int fd, uint64_t generation, uint64_t *at)
{
    struct journal *journal = store->journal;
    struct buf room = { 0 };
    uint64_t done = 0;
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, 0, &txn);

    if (rc)
        return store_error(store, rc);
    while (!rc && done < RECOVER_GROUP &&
           recover_record(journal, fd, *at, generation, journal->base.number, &room)) {
        rc = recover_do(txn, buf_bytes(&room));
        done += room.len;
        journal->base.number++;
        *at += journal_blocks(sizeof(struct journal_record) + room.len);
    }
    buf_free(&room);
    if (rc)
        mdb_txn_abort(txn);
    else
        rc = mdb_txn_commit(txn);
    return rc ? store_error(store, rc) : done > 0;
}

static int recover_generation(struct store *store, uint64_t generation)
{
    int fd = store->journal->fds[generation & 1], r;
    uint64_t at = JOURNAL_RECORDS;

    while ((r = recover_group(store, fd, generation, &at)) > 0)
        continue;
    if (r == 0 && recover_more(store->journal, fd, at, generation, store->journal->base.number))
        r = ERR_CORRUPT;
    return r;
}

/* LMDB's file is at the checkpoint: nothing of it may be overwritten until the next one is made. */
int journal_replay(struct store *store)
{
    struct journal *journal = store->journal;
    MDB_envinfo info;
    int r;

    if (!journal || !journal->page)
        return 0;
    if (mdb_env_info(store->env, &info) || info.me_last_txnid != journal->base.txn)
        return ERR_CORRUPT;
    r = store_error(store, mdb_txn_begin(store->env, NULL, MDB_RDONLY, &journal->pin));
    if (r == 0)
        r = store_error(store, mdb_env_set_flags(store->env, MDB_NOSYNC, 1));
    if (r == 0)
        r = recover_generation(store, journal->base.generation);
    if (r == 0)
        r = recover_generation(store, journal->base.generation + 1);
    mdb_env_set_flags(store->env, MDB_NOSYNC, 0); /* the commit that counts the epoch syncs all of it */
    return r;
}

/* The meta pages are the first two; both become the one of the checkpoint. */
static int recover_meta(const struct journal *journal)
{
    size_t size = journal->base.page_size;

    for (uint64_t number = 0; number < 2; number++) {
        memcpy(journal->page, &number, sizeof(number));
        if (pwrite(journal->data_fd, journal->page, size, (off_t)(number * size)) != (ssize_t)size)
            return ERR_IO;
    }
    return fdatasync(journal->data_fd) ? ERR_IO : 0;
}

/* A journal whose data.mdb is another one: harmless when it holds nothing, else somebody has to decide. */
static int recover_stranger(struct journal *journal)
{
    uint64_t generation = journal->base.generation, number = journal->base.number;

    free(journal->page);
    journal->page = NULL;
    for (uint64_t g = generation; g < generation + 2; g++)
        if (recover_more(journal, journal->fds[g & 1], JOURNAL_RECORDS, g, number))
            return ERR_CONFLICT;
    return 0;
}

static int recover_newest(const struct store *store, struct journal *journal)
{
    uint8_t place[JOURNAL_PLACE];

    for (size_t i = 0; i < 2; i++) {
        struct journal_base base;
        uint8_t *page;

        if (!recover_base(journal->fds[i], &base, &page))
            continue;
        if (journal->page && base.generation < journal->base.generation) {
            free(page);
            continue;
        }
        free(journal->page);
        journal->base = base;
        journal->page = page;
    }
    if (!journal->page)
        return 0;
    if (env_read_place(store, place) < 0 || memcmp(place, journal->base.place, sizeof(place)) != 0)
        return recover_stranger(journal);
    return recover_meta(journal);
}

static int recover_open(const struct store *store, const char *name, int flags, int *ret)
{
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/%s", store->dir, name) >= (int)sizeof(path))
        return ERR_TOO_LARGE;
    *ret = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    return *ret < 0 ? store_error(NULL, errno) : 0;
}

/* data.mdb is made here when it is new, for its place. */
int journal_find(struct store *store, bool wanted)
{
    int create = wanted ? O_CREAT : 0, fd, r = recover_open(store, "journal.0", create, &fd);
    struct journal *journal;
    struct stat st;

    if (r == ERR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    journal = store->journal = calloc(1, sizeof(*journal));
    if (!journal)
        abort();
    *journal = (struct journal) { .fds = { fd, -1 }, .data_fd = -1 };
    r = recover_open(store, "journal.1", O_CREAT, &journal->fds[1]);
    if (r == 0)
        r = recover_open(store, "data.mdb", create, &journal->data_fd);
    if (r == ERR_NOT_FOUND)
        r = ERR_CORRUPT;
    for (size_t i = 0; r == 0 && i < 2; i++) {
        r = fstat(journal->fds[i], &st) ? ERR_IO : 0;
        journal->made[i] = r == 0 ? (uint64_t)st.st_size : 0;
    }
    return r == 0 ? recover_newest(store, journal) : r;
}

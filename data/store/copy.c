/* copy - backups, scrubbing, and how full a store is. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/store/envelope.h"
#include "data/store/internal.h"
#include "gen/errors.h"

#define COPY_SLICE 4096 /* rows walked in one read transaction, so that none pins freed pages for long */
#define COPY_PART  "data.mdb.part"
#define COPY_NAME  "data.mdb"

/* The pages that the free list names: its values are arrays of page numbers, their count first. */
static int copy_count_free(MDB_txn *txn, uint64_t *ret)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    uint64_t pages = 0;
    int rc = mdb_cursor_open(txn, 0, &cursor);

    if (rc)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        size_t n = 0;

        if (v.mv_size >= sizeof(n))
            memcpy(&n, v.mv_data, sizeof(n));
        pages += n;
    }
    mdb_cursor_close(cursor);
    *ret = pages;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

int store_usage(struct store *store, struct store_usage *ret)
{
    struct store_txn *txn;
    MDB_envinfo info;
    MDB_stat stat;
    uint64_t free_pages = 0;
    int rc, r = store_begin_read(store, &txn);

    if (r < 0)
        return r;
    rc = copy_count_free(txn->txn, &free_pages);
    store_abort(&txn);
    if (!rc)
        rc = mdb_env_info(store->env, &info);
    if (!rc)
        rc = mdb_env_stat(store->env, &stat);
    if (rc)
        return store_error(store, rc);
    *ret = (struct store_usage) {
        .map_bytes = info.me_mapsize,
        .used_bytes = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize,
        .free_bytes = free_pages * stat.ms_psize,
    };
    ret->percent = (unsigned)((ret->used_bytes - ret->free_bytes) * 100 / ret->map_bytes);
    return 0;
}

static void copy_note_bad(struct store_report *report, const struct store_db *db, MDB_val key)
{
    char hex[65];
    size_t n = key.mv_size < 32 ? key.mv_size : 32;

    if (report->bad_rows++)
        return;
    sodium_bin2hex(hex, sizeof(hex), key.mv_data, n);
    snprintf(report->first_bad, sizeof(report->first_bad), "%s %s%s", db->name, hex, n < key.mv_size ? "..." : "");
}

static void copy_check_row(const struct store *store, const struct store_db *db, MDB_val key, MDB_val value,
                           struct store_report *report)
{
    struct bytes payload;
    uint16_t version;

    report->rows++;
    report->bytes += key.mv_size + value.mv_size;
    if (db->sealed &&
        envelope_open(store, db->sealed, store_bytes(key), store_bytes(value), &version, &payload) < 0)
        copy_note_bad(report, db, key);
}

/* One slice of one database, from behind `at` (a key; empty: the beginning). Answers MDB_NOTFOUND at its
 * end. */
static int copy_check_slice(const struct store *store, const struct store_db *db, MDB_txn *txn, MDB_dbi dbi,
                            uint8_t at[STORE_KEY_MAX], size_t *at_n, struct store_report *report)
{
    MDB_cursor *cursor;
    MDB_val k = { .mv_size = *at_n, .mv_data = at }, v;
    int rc = mdb_cursor_open(txn, dbi, &cursor);

    if (rc)
        return rc;
    rc = mdb_cursor_get(cursor, &k, &v, *at_n ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && *at_n && k.mv_size == *at_n && memcmp(k.mv_data, at, *at_n) == 0)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    for (unsigned n = 0; rc == 0; n++) {
        copy_check_row(store, db, k, v, report);
        if (n == COPY_SLICE) {
            memcpy(at, k.mv_data, k.mv_size);
            *at_n = k.mv_size;
            break;
        }
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc;
}

int store_verify(struct store *store, struct store_report *ret)
{
    uint8_t at[STORE_KEY_MAX];
    struct store_txn *txn;

    *ret = (struct store_report) { .dbs = store->dbs_n };
    for (size_t i = 0; i < store->dbs_n; i++) {
        size_t at_n = 0;
        int r, rc = 0;

        while (rc == 0) {
            r = store_begin_read(store, &txn);
            if (r < 0)
                return r;
            rc = copy_check_slice(store, store->dbs[i], txn->txn, store->dbs[i]->dbi, at, &at_n, ret);
            store_abort(&txn);
        }
        if (rc != MDB_NOTFOUND)
            return store_error(store, rc);
    }
    return 0;
}

/* The handle of a database by its name: what was not opened is checked as raw. */
static struct store_db copy_find_db(const struct store *store, char *name)
{
    for (size_t i = 0; i < store->dbs_n; i++)
        if (strcmp(store->dbs[i]->name, name) == 0)
            return *store->dbs[i];
    return (struct store_db) { .name = name };
}

static int copy_check_db(const struct store *store, MDB_txn *txn, MDB_val key, struct store_report *report)
{
    char name[STORE_KEY_MAX + 1];
    uint8_t at[STORE_KEY_MAX];
    struct store_db db;
    size_t at_n = 0;
    MDB_dbi dbi;
    int rc;

    memcpy(name, key.mv_data, key.mv_size);
    name[key.mv_size] = 0;
    db = copy_find_db(store, name);
    rc = mdb_dbi_open(txn, name, 0, &dbi);
    while (!rc)
        rc = copy_check_slice(store, &db, txn, dbi, at, &at_n, report);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int copy_check_txn(const struct store *store, MDB_txn *txn, struct store_report *report)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    MDB_dbi names;
    int rc = mdb_dbi_open(txn, NULL, 0, &names);

    if (!rc)
        rc = mdb_cursor_open(txn, names, &cursor);
    if (rc)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        rc = copy_check_db(store, txn, k, report);
        if (rc)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Reads a finished copy whole, as LMDB and as rows. */
static int copy_check_file(const struct store *store, const char *path)
{
    struct store_report report = { 0 };
    MDB_txn *txn;
    MDB_env *env;
    int rc = mdb_env_create(&env);

    if (rc)
        return store_error(NULL, rc);
    rc = mdb_env_set_maxdbs(env, 1024);
    if (!rc)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
    if (!rc)
        rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (!rc) {
        rc = copy_check_txn(store, txn, &report);
        mdb_txn_abort(txn);
    }
    mdb_env_close(env);
    if (rc)
        return store_error(NULL, rc);
    return report.bad_rows ? ERR_CORRUPT : 0;
}

static int copy_write_file(struct store *store, int dir_fd)
{
    int rc, fd = openat(dir_fd, COPY_PART, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return store_error(NULL, errno);
    rc = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    if (rc == MDB_INCOMPATIBLE) { /* pages leaked once: LMDB then copies only as it stands */
        rc = ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) ? errno : mdb_env_copyfd2(store->env, fd, 0);
    }
    if (!rc && fsync(fd))
        rc = errno;
    if (close(fd) && !rc)
        rc = errno;
    return store_error(NULL, rc);
}

int store_backup(struct store *store, const char *dir)
{
    char path[4096];
    int dir_fd, r;

    if (snprintf(path, sizeof(path), "%s/" COPY_PART, dir) >= (int)sizeof(path))
        return ERR_TOO_LARGE;
    if (atomic_load(&store->broken))
        return ERR_OUTCOME_UNKNOWN;
    if (mkdir(dir, 0700) && errno != EEXIST)
        return store_error(NULL, errno);
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return store_error(NULL, errno);
    r = faccessat(dir_fd, COPY_NAME, F_OK, 0) == 0 ? ERR_EXISTS : 0;
    if (r == 0)
        r = copy_write_file(store, dir_fd);
    if (r == 0)
        r = copy_check_file(store, path);
    if (r == 0 && renameat2(dir_fd, COPY_PART, dir_fd, COPY_NAME, RENAME_NOREPLACE))
        r = store_error(NULL, errno);
    if (r == 0 && fsync(dir_fd))
        r = ERR_IO;
    if (r < 0 && r != ERR_EXISTS)
        unlinkat(dir_fd, COPY_PART, 0);
    close(dir_fd);
    return r;
}

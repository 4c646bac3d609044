/* env - opening a store: the place, the lock, the format, the identity. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "data/store/internal.h"
#include "gen/errors.h"

#define ENV_FORMAT   1
#define ENV_MAP_SIZE ((size_t)16 << 30)
#define ENV_META     "$meta"

/* linux/magic.h does not know them all */
#define ENV_CIFS_MAGIC   0xff534d42
#define ENV_SMB2_MAGIC   0xfe534d42
#define ENV_FUSE_MAGIC   0x65735546
#define ENV_CEPH_MAGIC   0x00c36400
#define ENV_GFS2_MAGIC   0x01161970
#define ENV_LUSTRE_MAGIC 0x0bd00bd0
#define ENV_VBOX_MAGIC   0x786f4256
#define ENV_GPFS_MAGIC   0x47504653

/* LMDB's locks and its meta page need a file system of this very machine, and one that keeps what it
 * synced. */
static int env_check_filesystem(int dir_fd, bool any)
{
    struct statfs fs;

    if (fstatfs(dir_fd, &fs))
        return ERR_IO;
    switch ((uint32_t)fs.f_type) {
    case OVERLAYFS_SUPER_MAGIC:
    case TMPFS_MAGIC: return any ? 0 : ERR_UNSUPPORTED;
    case NFS_SUPER_MAGIC:
    case V9FS_MAGIC:
    case AFS_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case ENV_CIFS_MAGIC:
    case ENV_SMB2_MAGIC:
    case ENV_FUSE_MAGIC:
    case ENV_CEPH_MAGIC:
    case ENV_GFS2_MAGIC:
    case ENV_LUSTRE_MAGIC:
    case ENV_VBOX_MAGIC:
    case ENV_GPFS_MAGIC: return ERR_UNSUPPORTED;
    default: return 0;
    }
}

/* The directory, made when absent and synced into its parent, and the lock that says who owns it. */
static int env_take_directory(struct store *store, const struct store_options *options)
{
    int made = mkdir(options->dir, 0700), dir_fd, r;

    if (made && errno != EEXIST)
        return store_error(NULL, errno);
    dir_fd = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return store_error(NULL, errno);
    r = env_check_filesystem(dir_fd, options->any_filesystem);
    if (r < 0)
        goto out;
    r = ERR_NOT_FOUND;
    if (options->must_exist && faccessat(dir_fd, "data.mdb", F_OK, 0))
        goto out;
    store->lock_fd = openat(dir_fd, "owner.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    r = store->lock_fd < 0 ? store_error(NULL, errno) : 0;
    if (r == 0 && flock(store->lock_fd, LOCK_EX | LOCK_NB))
        r = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
    if (r == 0 && made == 0) {
        int parent_fd = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (parent_fd < 0 || fsync(parent_fd))
            r = ERR_IO;
        if (parent_fd >= 0)
            close(parent_fd);
    }
    if (r == 0 && fsync(dir_fd))
        r = ERR_IO;
out:
    close(dir_fd);
    return r;
}

static int env_open_lmdb(struct store *store, const struct store_options *options)
{
    int rc = mdb_env_create(&store->env), cleared;

    if (rc)
        return store_error(NULL, rc);
    rc = mdb_env_set_mapsize(store->env, options->map_size ? options->map_size : ENV_MAP_SIZE);
    if (!rc)
        rc = mdb_env_set_maxdbs(store->env, (options->max_dbs ? options->max_dbs : 128) + 1);
    if (!rc && options->max_readers)
        rc = mdb_env_set_maxreaders(store->env, options->max_readers);
    if (!rc) /* no WRITEMAP, no NOLOCK; NOSYNC only with a journal: what is answered is on the disk */
        rc = mdb_env_open(store->env, options->dir, MDB_NOTLS, 0600);
    if (!rc)
        rc = mdb_reader_check(store->env, &cleared);
    return store_error(NULL, rc);
}

/* What tells this file from a copy of it: its inode and when that was born. */
int env_read_place(const struct store *store, uint8_t ret[JOURNAL_PLACE])
{
    struct statx st;
    char path[4096];
    uint64_t ino, born = 0;

    if (snprintf(path, sizeof(path), "%s/data.mdb", store->dir) >= (int)sizeof(path))
        return ERR_TOO_LARGE;
    if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st))
        return ERR_IO;
    ino = st.stx_ino;
    if (st.stx_mask & STATX_BTIME)
        born = (uint64_t)st.stx_btime.tv_sec * 1000000000u + st.stx_btime.tv_nsec;
    memcpy(ret, &ino, sizeof(ino));
    memcpy(ret + 8, &born, sizeof(born));
    return 0;
}

static int env_meta_get(MDB_txn *txn, MDB_dbi meta, const char *name, void *to, size_t len)
{
    MDB_val k = { .mv_size = strlen(name), .mv_data = (void *)name }, v;
    int rc = mdb_get(txn, meta, &k, &v);

    if (rc)
        return store_error(NULL, rc);
    if (v.mv_size != len)
        return ERR_CORRUPT;
    memcpy(to, v.mv_data, len);
    return 0;
}

static int env_meta_put(MDB_txn *txn, MDB_dbi meta, const char *name, const void *from, size_t len)
{
    MDB_val k = { .mv_size = strlen(name), .mv_data = (void *)name },
            v = { .mv_size = len, .mv_data = (void *)from };

    return store_error(NULL, mdb_put(txn, meta, &k, &v, 0));
}

static void env_mint(struct store *store)
{
    randombytes_buf(store->uuid.b, sizeof(store->uuid.b));
    store->uuid.b[6] = (store->uuid.b[6] & 0x0f) | 0x40; /* a random UUID, version 4 */
    store->uuid.b[8] = (store->uuid.b[8] & 0x3f) | 0x80;
    store->epoch = 0;
    store->fresh = true;
}

static uint32_t env_big_endian(uint32_t v)
{
    return __builtin_bswap32(v);
}

/* Reads who we are, or decides it, and counts the epoch, in the transaction that open commits. */
static int env_identify(struct store *store, MDB_txn *txn)
{
    uint32_t format = 0, epoch = 0;
    uint8_t here[JOURNAL_PLACE], there[JOURNAL_PLACE];
    int r = env_read_place(store, here);

    if (r < 0)
        return r;
    r = env_meta_get(txn, store->meta.dbi, "format", &format, sizeof(format));
    if (r == ERR_NOT_FOUND) {
        env_mint(store);
        randombytes_buf(store->sipkey, sizeof(store->sipkey));
        goto write;
    }
    if (r == 0 && env_big_endian(format) != ENV_FORMAT)
        return ERR_VERSION;
    if (r == 0)
        r = env_meta_get(txn, store->meta.dbi, "uuid", store->uuid.b, sizeof(store->uuid.b));
    if (r == 0)
        r = env_meta_get(txn, store->meta.dbi, "sipkey", store->sipkey, sizeof(store->sipkey));
    if (r == 0)
        r = env_meta_get(txn, store->meta.dbi, "epoch", &epoch, sizeof(epoch));
    if (r == 0)
        r = env_meta_get(txn, store->meta.dbi, "place", there, sizeof(there));
    if (r < 0)
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    store->epoch = env_big_endian(epoch);
    if (memcmp(here, there, sizeof(here)) != 0)
        env_mint(store);
write:
    store->epoch++;
    format = env_big_endian(ENV_FORMAT);
    epoch = env_big_endian(store->epoch);
    r = env_meta_put(txn, store->meta.dbi, "format", &format, sizeof(format));
    if (r == 0)
        r = env_meta_put(txn, store->meta.dbi, "uuid", store->uuid.b, sizeof(store->uuid.b));
    if (r == 0)
        r = env_meta_put(txn, store->meta.dbi, "sipkey", store->sipkey, sizeof(store->sipkey));
    if (r == 0)
        r = env_meta_put(txn, store->meta.dbi, "epoch", &epoch, sizeof(epoch));
    if (r == 0)
        r = env_meta_put(txn, store->meta.dbi, "place", here, sizeof(here));
    return r;
}

/* A file that is not LMDB's answers MDB_INVALID at open; one of LMDB's that is not ours has no meta
 * database. */
static int env_open_meta(struct store *store)
{
    MDB_txn *txn;
    int r, rc = mdb_txn_begin(store->env, NULL, 0, &txn);

    if (rc)
        return store_error(NULL, rc);
    rc = mdb_dbi_open(txn, ENV_META, MDB_CREATE, &store->meta.dbi);
    r = rc ? store_error(NULL, rc) : env_identify(store, txn);
    if (r < 0) {
        mdb_txn_abort(txn);
        return r;
    }
    return store_error(NULL, mdb_txn_commit(txn));
}

int store_open(const struct store_options *options, struct store **ret)
{
    struct store *store;
    int r;

    if (!options->dir || sodium_init() < 0)
        return ERR_INVALID;
    store = calloc(1, sizeof(*store));
    if (!store)
        abort();
    store->lock_fd = -1;
    store->meta.name = ENV_META;
    store->dir = strdup(options->dir);
    if (!store->dir)
        abort();
    r = env_take_directory(store, options);
    if (r == 0)
        r = journal_find(store, options->journal);
    if (r == 0)
        r = env_open_lmdb(store, options);
    if (r == 0)
        r = journal_replay(store);
    if (r == 0)
        r = env_open_meta(store);
    if (r == 0 && store->journal)
        r = journal_begin(store);
    if (r < 0) {
        store_close(&store);
        return r;
    }
    *ret = store;
    return 0;
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (!s)
        return;
    table_close_all(s);
    journal_end(s);
    if (s->env)
        mdb_env_close(s->env);
    for (size_t i = 0; i < s->dbs_n; i++) {
        free((char *)s->dbs[i]->name);
        free(s->dbs[i]);
    }
    free(s->dbs);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->dir);
    sodium_memzero(s->sipkey, sizeof(s->sipkey));
    free(s);
    *store = NULL;
}

static int env_open_db(struct store *store, const char *name, MDB_dbi *ret)
{
    MDB_txn *txn;
    int rc, r = store_check_writer(store);

    if (r < 0)
        return r;
    rc = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (rc)
        return store_error(store, rc);
    rc = mdb_dbi_open(txn, name, MDB_CREATE, ret);
    if (rc) {
        mdb_txn_abort(txn);
        return store_error(store, rc);
    }
    return store_error(store, mdb_txn_commit(txn));
}

int store_db(struct store *store, const char *name, struct store_db **ret)
{
    struct store_db *db, **grown;
    int r;

    for (size_t i = 0; i < store->dbs_n; i++) {
        if (strcmp(store->dbs[i]->name, name) == 0) {
            *ret = store->dbs[i];
            return 0;
        }
    }
    if (strcmp(name, ENV_META) == 0 || !*name)
        return ERR_INVALID;
    db = calloc(1, sizeof(*db));
    grown = realloc(store->dbs, (store->dbs_n + 1) * sizeof(*grown));
    if (!db || !grown || !(db->name = strdup(name)))
        abort();
    store->dbs = grown;
    r = env_open_db(store, name, &db->dbi);
    if (r < 0) {
        free((char *)db->name);
        free(db);
        return r;
    }
    store->dbs[store->dbs_n++] = db;
    *ret = db;
    return 0;
}

const char *store_db_name(const struct store_db *db)
{
    return db->name;
}

void store_db_sealed(struct store_db *db, uint16_t type)
{
    db->sealed = type;
}

struct id store_uuid(const struct store *store)
{
    return store->uuid;
}

uint32_t store_epoch(const struct store *store)
{
    return store->epoch;
}

const char *store_dir(const struct store *store)
{
    return store->dir;
}

bool store_is_new(const struct store *store)
{
    return store->fresh;
}

bool store_is_broken(const struct store *store)
{
    return atomic_load(&store->broken);
}

int store_check_readers(struct store *store, unsigned *ret_cleared)
{
    int cleared = 0, r = store_error(store, mdb_reader_check(store->env, &cleared));

    if (r == 0 && ret_cleared)
        *ret_cleared = (unsigned)cleared;
    return r;
}

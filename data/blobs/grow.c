/* grow - objects that are read while they are written, up to a durable frontier.
 *
 * The frontier lies in a file of two slots, 512 bytes apart, written in turn: a torn write costs one slot,
 * never the frontier that was answered before. Bytes are synced first, then the frontier that promises
 * them. Beside it stands how far SHA-256 is, which follows behind and never holds anybody up, so that whoever goes on
 * with it need not read what came before; the file stays when the object is sealed. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/blobs/internal.h"
#include "gen/errors.h"

#define GROW_SLOTS     2
#define GROW_SLOT_SIZE 512
#define GROW_SUM       8
#define GROW_BEHIND    ((uint64_t)1024 * 1024)

struct blob_grow {
    struct blob_place place;
    int fd, frontier_fd;
    atomic_int failed;     /* by whoever appends, or whoever keeps */
    uint64_t written;      /* of whoever appends */
    uint64_t begun;        /* and up to here the disk was told to begin */
    struct blob_told kept; /* of whoever keeps: the frontier */
    uint64_t noted;        /* so much of its sum is written down */
};

struct grow_slot {
    uint8_t frontier[8], sum[GROW_SUM];
    uint8_t hash[SHA256_STATE], hash_sum[GROW_SUM]; /* of both; a slot without it holds a frontier all the same */
};

static void grow_sum(const uint8_t *data, size_t len, uint8_t ret[GROW_SUM])
{
    static const uint8_t key[crypto_shorthash_KEYBYTES] = "growing frontier";

    crypto_shorthash(ret, data, len, key);
}

static void grow_hash_sum(const struct grow_slot *s, uint8_t ret[GROW_SUM])
{
    uint8_t both[sizeof(s->frontier) + sizeof(s->hash)];

    memcpy(both, s->frontier, sizeof(s->frontier));
    memcpy(both + sizeof(s->frontier), s->hash, sizeof(s->hash));
    grow_sum(both, sizeof(both), ret);
}

static bool grow_read_slot(int fd, unsigned slot, struct blob_told *ret)
{
    struct grow_slot s = { .frontier = { 0 } };
    uint8_t sum[GROW_SUM];
    ssize_t n = pread(fd, &s, sizeof(s), slot * GROW_SLOT_SIZE);
    uint64_t frontier;

    if (n < (ssize_t)offsetof(struct grow_slot, hash))
        return false;
    grow_sum(s.frontier, sizeof(s.frontier), sum);
    if (memcmp(sum, s.sum, sizeof(sum)) != 0)
        return false;
    memcpy(&frontier, s.frontier, sizeof(frontier));
    ret->size = be64toh(frontier);
    grow_hash_sum(&s, sum);
    if (n == sizeof(s) && memcmp(sum, s.hash_sum, sizeof(sum)) == 0)
        sha256_load(&ret->sum, s.hash);
    else
        sha256_init(&ret->sum);
    return true;
}

static void grow_read(int fd, struct blob_told *ret)
{
    struct blob_told slot;

    *ret = (struct blob_told) { .size = 0 };
    sha256_init(&ret->sum);
    for (unsigned i = 0; i < GROW_SLOTS; i++)
        if (grow_read_slot(fd, i, &slot) &&
            (slot.size > ret->size ||
             (slot.size == ret->size && sha256_length(&slot.sum) > sha256_length(&ret->sum))))
            *ret = slot;
}

int blob_frontier_read(int fd, uint64_t *ret)
{
    struct blob_told told;

    grow_read(fd, &told);
    *ret = told.size;
    return 0;
}

/* Over the slot that holds less: the other one stays whole. */
static int grow_write(int fd, const struct blob_told *told)
{
    struct blob_told there[GROW_SLOTS] = { { .size = 0 } };
    struct grow_slot s = { .frontier = { 0 } };
    uint64_t frontier = htobe64(told->size);
    unsigned slot;

    for (slot = 0; slot < GROW_SLOTS; slot++)
        grow_read_slot(fd, slot, &there[slot]);
    slot = there[1].size < there[0].size ? 1 : 0;
    memcpy(s.frontier, &frontier, sizeof(frontier));
    grow_sum(s.frontier, sizeof(s.frontier), s.sum);
    sha256_save(&told->sum, s.hash);
    grow_hash_sum(&s, s.hash_sum);
    if (pwrite(fd, &s, sizeof(s), slot * GROW_SLOT_SIZE) != sizeof(s))
        return ERR_IO;
    return fdatasync(fd) ? blob_errno() : 0;
}

static void grow_free(struct blob_grow **grow)
{
    struct blob_grow *g = *grow;

    if (g->fd >= 0)
        close(g->fd);
    if (g->frontier_fd >= 0)
        close(g->frontier_fd);
    blob_leave(&g->place);
    free(g);
    *grow = NULL;
}

/* Opens and locks the growing file. ERR_EXISTS when it was sealed before we had the lock. */
static int grow_lock(struct blob_grow *g)
{
    struct blob_name data = blob_companion(BLOB_GROWING, g->place.base);
    struct stat mine, there;

    if (faccessat(g->place.dir, g->place.base, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return ERR_EXISTS;
    g->fd = openat(g->place.dir, data.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (g->fd < 0)
        return blob_errno();
    if (flock(g->fd, LOCK_EX | LOCK_NB))
        return errno == EWOULDBLOCK ? ERR_LOCKED : blob_errno();
    if (fstat(g->fd, &mine))
        return blob_errno();
    if (fstatat(g->place.dir, data.s, &there, AT_SYMLINK_NOFOLLOW) || there.st_ino != mine.st_ino)
        return faccessat(g->place.dir, g->place.base, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ? ERR_EXISTS : ERR_LOCKED;
    return 0;
}

static int grow_take_up(struct blob_grow *g)
{
    struct blob_name name = blob_companion(BLOB_FRONTIER, g->place.base);
    struct stat st, frontier;
    int r = 0;

    g->frontier_fd = openat(g->place.dir, name.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (g->frontier_fd < 0 || fstat(g->fd, &st) || fstat(g->frontier_fd, &frontier))
        return blob_errno();
    grow_read(g->frontier_fd, &g->kept);
    g->begun = g->written = g->kept.size;
    g->noted = sha256_length(&g->kept.sum);
    if ((uint64_t)st.st_size < g->kept.size) /* what was promised is not there */
        r = ERR_CORRUPT;
    if (r == 0 && ftruncate(g->fd, (off_t)g->kept.size))
        r = blob_errno();
    if (r == 0 && lseek(g->fd, (off_t)g->kept.size, SEEK_SET) < 0)
        r = blob_errno();
    if (r == 0 && frontier.st_size == 0 &&
        fsync(g->place.dir)) /* where one was written, the names were made to last before */
        r = blob_errno();
    return r;
}

int file_grow(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier)
{
    struct blob_grow *g = calloc(1, sizeof(*g));
    int r;

    if (!g)
        abort();
    g->fd = g->frontier_fd = -1;
    r = blob_place(blobs, name, true, &g->place);
    if (r < 0) {
        free(g);
        return r;
    }
    r = grow_lock(g);
    if (r == 0)
        r = grow_take_up(g);
    if (r < 0) {
        grow_free(&g);
        return r;
    }
    *ret_frontier = g->kept.size;
    *ret = g;
    return 0;
}

int blob_grow_append(struct blob_grow *grow, const void *data, size_t len)
{
    int failed = atomic_load(&grow->failed), r = failed ? failed : blob_write_all(grow->fd, data, len);

    if (r < 0) { /* part of it may have been written: only the frontier counts from here on */
        atomic_store(&grow->failed, r);
        return r;
    }
    grow->written += len;
    if (grow->written - grow->begun >=
        GROW_BEHIND) { /* the disk works while more arrives; the sync then waits for little */
        sync_file_range(grow->fd, (off_t)grow->begun, (off_t)(grow->written - grow->begun), SYNC_FILE_RANGE_WRITE);
        grow->begun = grow->written;
    }
    return 0;
}

static int grow_keep(struct blob_grow *grow, uint64_t upto)
{
    struct blob_told told = { .size = upto, .sum = grow->kept.sum };
    int r = 0;

    if (fdatasync(grow->fd))
        r = blob_errno();
    if (r == 0)
        r = grow_write(grow->frontier_fd, &told);
    if (r < 0)
        atomic_store(&grow->failed, r); /* never try to sync again: the kernel may have dropped the pages */
    else
        grow->kept.size = upto, grow->noted = sha256_length(&told.sum);
    return r;
}

int blob_grow_keep(struct blob_grow *grow, uint64_t upto, uint64_t *ret_frontier)
{
    int r = atomic_load(&grow->failed);

    if (r == 0 && upto > grow->kept.size)
        r = grow_keep(grow, upto);
    if (ret_frontier)
        *ret_frontier = grow->kept.size;
    return r;
}

int blob_grow_sync(struct blob_grow *grow, uint64_t *ret_frontier)
{
    return blob_grow_keep(grow, grow->written, ret_frontier);
}

int blob_grow_sum(struct blob_grow *grow)
{
    struct blob_told *kept = &grow->kept;
    char *piece = malloc(BLOB_CHUNK);
    int r = 0;

    if (!piece)
        abort();
    while (r == 0 && sha256_length(&kept->sum) < kept->size) {
        uint64_t left = kept->size - sha256_length(&kept->sum);
        ssize_t n = pread(grow->fd, piece, left < BLOB_CHUNK ? (size_t)left : BLOB_CHUNK,
                          (off_t)sha256_length(&kept->sum));

        if (n > 0)
            sha256_update(&kept->sum, piece, (size_t)n);
        else if (n == 0 || errno != EINTR)
            r = n ? blob_errno() : ERR_CORRUPT;
    }
    free(piece);
    return r;
}

uint64_t blob_grow_summed(const struct blob_grow *grow)
{
    return sha256_length(&grow->kept.sum);
}

int blob_grow_seal(struct blob_grow **grow, struct blob_info *ret)
{
    struct blob_grow *g = *grow;
    struct blob_name data = blob_companion(BLOB_GROWING, g->place.base);
    struct blob_info info = { .size = 0 };
    int r = blob_grow_sync(g, &info.size);

    if (r == 0 && fdatasync(g->fd)) /* an empty one, too */
        r = blob_errno();
    if (r == 0 && g->noted < sha256_length(&g->kept.sum))
        r = grow_write(g->frontier_fd, &g->kept);
    if (r == 0 && renameat2(g->place.dir, data.s, g->place.dir, g->place.base, RENAME_NOREPLACE))
        r = blob_errno();
    if (r == 0 && fsync(g->place.dir))
        r = blob_errno();
    if (r < 0) {
        grow_free(grow);
        return r;
    }
    info.modified = blob_modified(g->fd);
    if (ret)
        *ret = info;
    grow_free(grow);
    return 0;
}

void blob_grow_close(struct blob_grow **grow)
{
    if (*grow)
        grow_free(grow);
}

int file_told(struct blobs *blobs, const char *name, struct blob_told *ret)
{
    struct blob_place place;
    struct blob_name companion;
    int fd, r = blob_place(blobs, name, false, &place);

    if (r < 0)
        return r;
    companion = blob_companion(BLOB_FRONTIER, place.base);
    fd = blob_openat(place.dir, companion.s, O_RDONLY, 0);
    r = fd < 0 ? blob_errno() : 0;
    if (r == 0 && faccessat(place.dir, place.base, F_OK, AT_SYMLINK_NOFOLLOW))
        r = errno == ENOENT ? ERR_WAIT : blob_errno();
    blob_leave(&place);
    if (fd < 0)
        return r;
    grow_read(fd, ret);
    close(fd);
    return r;
}

/* grow - objects that are read while they are written, up to a durable frontier.
 *
 * The frontier lies in a file of two slots, 512 bytes apart, written in turn: a torn write costs one slot,
 * never the frontier that was answered before. Bytes are synced first, then the frontier that promises
 * them. */
#include <errno.h>
#include <fcntl.h>
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
    struct blobs *blobs;
    struct blob_place place;
    int fd, frontier_fd;
    int failed;
    uint64_t written, frontier;
    uint64_t begun; /* up to here the disk was told to begin */
};

struct grow_slot {
    uint8_t frontier[8], sum[GROW_SUM];
};

static void grow_sum(const uint8_t frontier[8], uint8_t ret[GROW_SUM])
{
    static const uint8_t key[crypto_shorthash_KEYBYTES] = "growing frontier";

    crypto_shorthash(ret, frontier, 8, key);
}

static bool grow_read_slot(int fd, unsigned slot, uint64_t *ret)
{
    struct grow_slot s;
    uint8_t sum[GROW_SUM];
    uint64_t v = 0;

    if (pread(fd, &s, sizeof(s), slot * GROW_SLOT_SIZE) != sizeof(s))
        return false;
    grow_sum(s.frontier, sum);
    if (memcmp(sum, s.sum, sizeof(sum)) != 0)
        return false;
    for (int i = 0; i < 8; i++)
        v = v << 8 | s.frontier[i];
    *ret = v;
    return true;
}

int blob_frontier_read(int fd, uint64_t *ret)
{
    uint64_t best = 0, v;

    for (unsigned slot = 0; slot < GROW_SLOTS; slot++)
        if (grow_read_slot(fd, slot, &v) && v > best)
            best = v;
    *ret = best;
    return 0;
}

/* Over the slot that holds less: the other one stays whole. */
int blob_frontier_write(int fd, uint64_t frontier)
{
    struct grow_slot s;
    uint64_t v[GROW_SLOTS] = { 0 };
    unsigned slot;

    for (slot = 0; slot < GROW_SLOTS; slot++)
        grow_read_slot(fd, slot, &v[slot]);
    slot = v[1] < v[0] ? 1 : 0;
    for (int i = 7; i >= 0; i--, frontier >>= 8)
        s.frontier[i] = (uint8_t)frontier;
    grow_sum(s.frontier, s.sum);
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
    struct stat st;
    int r;

    g->frontier_fd = openat(g->place.dir, name.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (g->frontier_fd < 0 || fstat(g->fd, &st))
        return blob_errno();
    r = blob_frontier_read(g->frontier_fd, &g->frontier);
    if (r == 0 && (uint64_t)st.st_size < g->frontier) /* what was promised is not there */
        r = ERR_CORRUPT;
    if (r == 0 && ftruncate(g->fd, (off_t)g->frontier))
        r = blob_errno();
    if (r == 0 && lseek(g->fd, (off_t)g->frontier, SEEK_SET) < 0)
        r = blob_errno();
    if (r == 0 && fsync(g->place.dir))
        r = blob_errno();
    g->written = g->frontier;
    g->begun = g->frontier;
    return r;
}

int blob_grow_open(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier)
{
    struct blob_grow *g = calloc(1, sizeof(*g));
    int r;

    if (!g)
        abort();
    g->blobs = blobs;
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
    *ret_frontier = g->frontier;
    *ret = g;
    return 0;
}

int blob_grow_append(struct blob_grow *grow, const void *data, size_t len)
{
    int r = grow->failed ? grow->failed : blob_write_all(grow->fd, data, len);

    if (r < 0) { /* part of it may have been written: only the frontier counts from here on */
        grow->failed = r;
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

int blob_grow_sync(struct blob_grow *grow, uint64_t *ret_frontier)
{
    int r = grow->failed;

    if (r == 0 && grow->written > grow->frontier) {
        if (fdatasync(grow->fd))
            r = blob_errno();
        if (r == 0)
            r = blob_frontier_write(grow->frontier_fd, grow->written);
        if (r < 0)
            grow->failed = r; /* never try to sync again: the kernel may have dropped the pages */
        else
            grow->frontier = grow->written;
    }
    if (ret_frontier)
        *ret_frontier = grow->frontier;
    return r;
}

int blob_grow_seal(struct blob_grow **grow, struct blob_info *ret)
{
    struct blob_grow *g = *grow;
    struct blob_name data = blob_companion(BLOB_GROWING, g->place.base);
    struct blob_name frontier = blob_companion(BLOB_FRONTIER, g->place.base);
    struct blob_info info = { .size = 0 };
    int r = blob_grow_sync(g, &info.size);

    if (r == 0 && fdatasync(g->fd)) /* an empty one, too */
        r = blob_errno();
    if (r == 0 && renameat2(g->place.dir, data.s, g->place.dir, g->place.base, RENAME_NOREPLACE))
        r = blob_errno();
    if (r == 0 && fsync(g->place.dir))
        r = blob_errno();
    if (r < 0) {
        grow_free(grow);
        return r;
    }
    unlinkat(g->place.dir, frontier.s, 0);
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

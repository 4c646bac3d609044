/* place - the file backend: its folder, the folders in it, and what makes a new one last. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "data/blobs/internal.h"
#include "gen/errors.h"

int blob_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case EEXIST: return ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return ERR_STORE_FULL;
    case ELOOP: /* a symbolic link, where only folders and files are ours */
    case EXDEV:
    case EISDIR: return ERR_INVALID;
    case EAGAIN:
    case ENOTEMPTY:
    case EMFILE:
    case ENFILE: return ERR_BUSY;
    default: return ERR_IO;
    }
}

int blob_openat(int dir, const char *path, uint64_t flags, uint64_t mode)
{
    struct open_how how = { .flags = flags | O_CLOEXEC,
                            .mode = mode,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
    int fd;

    do
        fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || errno == EAGAIN)); /* EAGAIN: something was renamed meanwhile */
    return fd;
}

struct blob_name blob_companion(const char *prefix, const char *base)
{
    struct blob_name n;

    snprintf(n.s, sizeof(n.s), "%s%s", prefix, base);
    return n;
}

static size_t blob_known_slot(const char *folder)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a: only a place in a cache */

    for (; *folder; folder++)
        h = (h ^ (uint8_t)*folder) * 1099511628211u;
    return h % BLOB_KNOWN;
}

static bool blob_folder_known(struct file_blobs *blobs, const char *folder)
{
    size_t slot = blob_known_slot(folder);
    bool known;

    pthread_mutex_lock(&blobs->lock);
    known = blobs->known[slot] && strcmp(blobs->known[slot], folder) == 0;
    pthread_mutex_unlock(&blobs->lock);
    return known;
}

static void blob_remember_folder(struct file_blobs *blobs, const char *folder)
{
    size_t slot = blob_known_slot(folder);
    char *copy = strdup(folder);

    if (!copy)
        abort();
    pthread_mutex_lock(&blobs->lock);
    free(blobs->known[slot]);
    blobs->known[slot] = copy;
    pthread_mutex_unlock(&blobs->lock);
}

void blob_forget_folders(struct file_blobs *blobs)
{
    pthread_mutex_lock(&blobs->lock);
    for (size_t i = 0; i < BLOB_KNOWN; i++) {
        free(blobs->known[i]);
        blobs->known[i] = NULL;
    }
    pthread_mutex_unlock(&blobs->lock);
}

static int blob_sync_folder(int root, const char *folder)
{
    int fd = blob_openat(root, *folder ? folder : ".", O_RDONLY | O_DIRECTORY, 0), r = 0;

    if (fd < 0)
        return blob_errno();
    if (fsync(fd))
        r = blob_errno();
    close(fd);
    return r;
}

/* Makes each folder on the way that is not known to last, and syncs the one above it, also when somebody
 * else made it: they may not have come to that yet. */
static int blob_make_folders(struct file_blobs *blobs, const char *folder)
{
    char path[BLOB_NAME_MAX + 1], above[BLOB_NAME_MAX + 1] = "";
    const char *end = folder;
    int r = 0;

    if (blob_folder_known(blobs, folder))
        return 0;
    while (r == 0 && *end) {
        end = strchrnul(*end == '/' ? end + 1 : end, '/');
        snprintf(path, sizeof(path), "%.*s", (int)(end - folder), folder);
        if (mkdirat(blobs->root, path, 0750) && errno != EEXIST)
            r = blob_errno();
        if (r == 0)
            r = blob_sync_folder(blobs->root, above);
        snprintf(above, sizeof(above), "%s", path);
    }
    if (r == 0)
        blob_remember_folder(blobs, folder);
    return r;
}

int blob_place(struct blobs *base, const char *name, bool make, struct blob_place *ret)
{
    struct file_blobs *blobs = file_of(base);
    char folder[BLOB_NAME_MAX + 1] = "";
    const char *slash;
    int r;

    slash = strrchr(name, '/');
    if (slash)
        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
    snprintf(ret->base, sizeof(ret->base), "%s", slash ? slash + 1 : name);
    if (make && *folder) {
        r = blob_make_folders(blobs, folder);
        if (r < 0)
            return r;
    }
    ret->dir = blob_openat(blobs->root, *folder ? folder : ".", O_RDONLY | O_DIRECTORY, 0);
    if (ret->dir < 0 && errno == ENOENT && make) { /* removed since we knew it */
        blob_forget_folders(blobs);
        r = blob_make_folders(blobs, folder);
        if (r < 0)
            return r;
        ret->dir = blob_openat(blobs->root, folder, O_RDONLY | O_DIRECTORY, 0);
    }
    return ret->dir < 0 ? blob_errno() : 0;
}

void blob_leave(struct blob_place *place)
{
    close(place->dir);
}

int blob_write_all(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_errno();
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

int64_t blob_modified(int fd)
{
    struct stat st;

    if (fstat(fd, &st))
        return 0;
    return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

static void file_close(struct blobs *base)
{
    struct file_blobs *blobs = file_of(base);

    blob_forget_folders(blobs);
    pthread_mutex_destroy(&blobs->lock);
    close(blobs->root);
    free(blobs);
}

static int file_space(struct blobs *blobs, uint64_t *ret_free, uint64_t *ret_total)
{
    struct statvfs fs;

    if (fstatvfs(file_of(blobs)->root, &fs))
        return blob_errno();
    *ret_free = (uint64_t)fs.f_bavail * fs.f_frsize;
    *ret_total = (uint64_t)fs.f_blocks * fs.f_frsize;
    return 0;
}

static const struct blob_backend file_backend = {
    .close = file_close,
    .put = file_put,
    .put_new = file_put_new,
    .new = file_new,
    .write = file_write,
    .commit = file_commit,
    .abort = file_abort,
    .grow = file_grow,
    .told = file_told,
    .stat = file_stat,
    .hash = file_hash,
    .read = file_read,
    .fd = blob_open,
    .list = file_list,
    .delete = file_delete,
    .delete_tree = file_delete_tree,
    .space = file_space,
    .sweep = file_sweep,
};

int file_open(const char *path, struct blobs **ret)
{
    struct file_blobs *blobs;

    if (!*path || sodium_init() < 0)
        return ERR_INVALID;
    if (mkdir(path, 0750) && errno != EEXIST)
        return blob_errno();
    blobs = calloc(1, sizeof(*blobs));
    if (!blobs)
        abort();
    blobs->base.backend = &file_backend;
    blobs->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blobs->root < 0) {
        free(blobs);
        return blob_errno();
    }
    pthread_mutex_init(&blobs->lock, NULL);
    *ret = &blobs->base;
    return 0;
}

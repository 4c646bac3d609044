/* list - walking folders, deleting them, and clearing what a crash left. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/blobs/internal.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

/* A folder at a time, below `prefix` (empty, or ending in a slash). */
struct list_walk {
    struct blobs *blobs;
    int (*file)(struct list_walk *walk, int dir, const char *prefix, const char *base);
    int (*leave)(struct list_walk *walk, int above,
                 const char *base); /* of a folder, after all in it; may be NULL */
    blob_list_fn *fn;
    void *ctx;
    int64_t before;
    unsigned removed;
};

static int list_folder(struct list_walk *walk, int above, const char *base, const char *prefix, unsigned depth);

static int list_entry(struct list_walk *walk, int dir, const char *prefix, const char *base, unsigned depth)
{
    char below[BLOB_NAME_MAX + BLOB_BASE_MAX + 2];
    struct stat st;
    int r;

    if (strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return 0;
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : blob_errno();
    if (S_ISREG(st.st_mode))
        return walk->file(walk, dir, prefix, base);
    if (!S_ISDIR(st.st_mode) || base[0] == '.')
        return 0;
    if (depth == BLOB_PARTS_MAX || strlen(prefix) + strlen(base) + 1 > BLOB_NAME_MAX)
        return 0;
    if (snprintf(below, sizeof(below), "%s%s/", prefix, base) >= (int)sizeof(below))
        return 0;
    r = list_folder(walk, dir, base, below, depth + 1);
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r == 0 && walk->leave)
        r = walk->leave(walk, dir, base);
    return r;
}

static int list_folder(struct list_walk *walk, int above, const char *base, const char *prefix, unsigned depth)
{
    struct dirent *entry;
    int fd = blob_openat(above, base, O_RDONLY | O_DIRECTORY, 0), r = 0;
    DIR *dir;

    if (fd < 0)
        return blob_errno();
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return ERR_IO;
    }
    while (r == 0 && (errno = 0, entry = readdir(dir)) != NULL)
        r = list_entry(walk, fd, prefix, entry->d_name, depth);
    if (r == 0 && errno)
        r = blob_errno();
    closedir(dir);
    return r;
}

static int list_start(struct list_walk *walk, const char *prefix)
{
    char folder[BLOB_NAME_MAX + 2];
    size_t n = strlen(prefix);

    if (n == 0)
        return list_folder(walk, file_of(walk->blobs)->root, ".", "", 0);
    if (n > BLOB_NAME_MAX || prefix[n - 1] != '/')
        return ERR_INVALID;
    snprintf(folder, sizeof(folder), "%.*s", (int)(n - 1), prefix);
    if (!blob_name_valid(folder))
        return ERR_INVALID;
    return list_folder(walk, file_of(walk->blobs)->root, folder, prefix, 1);
}

static int list_tell(struct list_walk *walk, int dir, const char *prefix, const char *base)
{
    char name[BLOB_NAME_MAX + BLOB_BASE_MAX + 2];
    struct blob_info info;
    int r;

    if (strncmp(base, BLOB_GROWING, strlen(BLOB_GROWING)) == 0)
        base += strlen(BLOB_GROWING);
    else if (base[0] == '.')
        return 0;
    snprintf(name, sizeof(name), "%s%s", prefix, base);
    r = file_stat(walk->blobs, name, &info);
    if (r == ERR_NOT_FOUND || r == ERR_INVALID) /* deleted meanwhile, or a file that is none of ours */
        return 0;
    return r < 0 ? r : walk->fn(walk->ctx, name, &info);
}

int file_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx)
{
    struct list_walk walk = { .blobs = blobs, .file = list_tell, .fn = fn, .ctx = ctx };
    int r = list_start(&walk, prefix);

    return r == ERR_NOT_FOUND ? 0 : r;
}

static int list_unlink(struct list_walk *walk, int dir, const char *prefix, const char *base)
{
    return unlinkat(dir, base, 0) && errno != ENOENT ? blob_errno() : 0;
}

static int list_rmdir(struct list_walk *walk, int above, const char *base)
{
    return unlinkat(above, base, AT_REMOVEDIR) && errno != ENOENT ? blob_errno() : 0;
}

int file_delete_tree(struct blobs *blobs, const char *prefix)
{
    struct list_walk walk = { .blobs = blobs, .file = list_unlink, .leave = list_rmdir };
    char folder[BLOB_NAME_MAX + 2];
    struct blob_place place;
    int r = *prefix ? list_start(&walk, prefix) : ERR_INVALID; /* never all of it by mistake */

    blob_forget_folders(file_of(blobs));
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    snprintf(folder, sizeof(folder), "%.*s", (int)(strlen(prefix) - 1), prefix);
    r = blob_place(blobs, folder, false, &place);
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (unlinkat(place.dir, place.base, AT_REMOVEDIR) && errno != ENOENT)
        r = blob_errno();
    if (r == 0 && fsync(place.dir))
        r = blob_errno();
    blob_leave(&place);
    return r;
}

int file_delete(struct blobs *blobs, const char *name)
{
    static const char *const companions[] = { "", BLOB_GROWING, BLOB_FRONTIER };
    struct blob_place place;
    int r = blob_place(blobs, name, false, &place);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    for (size_t i = 0; r == 0 && i < sizeof(companions) / sizeof(companions[0]); i++) {
        struct blob_name n = blob_companion(companions[i], place.base);

        if (unlinkat(place.dir, n.s, 0) && errno != ENOENT)
            r = blob_errno();
    }
    if (r == 0 && fsync(place.dir))
        r = blob_errno();
    blob_leave(&place);
    return r;
}

static int list_sweep(struct list_walk *walk, int dir, const char *prefix, const char *base)
{
    struct stat st;

    if (strncmp(base, BLOB_TEMP, strlen(BLOB_TEMP)) != 0 || fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    if ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 > walk->before)
        return 0;
    if (unlinkat(dir, base, 0) == 0)
        walk->removed++;
    return 0;
}

int file_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed)
{
    struct list_walk walk = { .blobs = blobs, .file = list_sweep };
    int r;

    walk.before = clock_utc_ms() - older_than_ms;
    r = list_start(&walk, "");
    if (r == 0 && ret_removed)
        *ret_removed = walk.removed;
    return r;
}

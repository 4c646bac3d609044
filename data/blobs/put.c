/* put - whole objects: a temporary file, made durable, then renamed into place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/blobs/internal.h"
#include "gen/errors.h"

struct file_writer {
    struct blob_writer base;
    struct blob_place place;
    char *name;
    char temp[32];
    int fd;
    int failed; /* what went wrong first: commit answers it */
    uint64_t size;
    crypto_generichash_state hash;
};

static struct file_writer *file_writer(struct blob_writer *writer)
{
    return (struct file_writer *)writer;
}

static void file_writer_free(struct blob_writer **writer)
{
    struct file_writer *w = file_writer(*writer);

    if (w->fd >= 0)
        close(w->fd);
    blob_leave(&w->place);
    free(w->name);
    free(w);
    *writer = NULL;
}

int file_new(struct blobs *blobs, const char *name, struct blob_writer **ret)
{
    struct file_writer *w = calloc(1, sizeof(*w));
    uint64_t random;
    int r;

    if (!w)
        abort();
    w->base.blobs = blobs;
    *ret = &w->base;
    r = blob_place(blobs, name, true, &w->place);
    if (r < 0) {
        free(w);
        return r;
    }
    randombytes_buf(&random, sizeof(random));
    snprintf(w->temp, sizeof(w->temp), BLOB_TEMP "%016llx", (unsigned long long)random);
    w->name = strdup(name);
    if (!w->name)
        abort();
    w->fd = openat(w->place.dir, w->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (w->fd < 0) {
        struct blob_writer *gone = &w->base;

        r = blob_errno();
        file_writer_free(&gone);
        return r;
    }
    crypto_generichash_init(&w->hash, NULL, 0, BLOB_HASH_SIZE);
    *ret = &w->base;
    return 0;
}

int file_write(struct blob_writer *writer, const void *data, size_t len)
{
    struct file_writer *w = file_writer(writer);
    int r = w->failed ? w->failed : blob_write_all(w->fd, data, len);

    if (r < 0) {
        w->failed = r;
        return r;
    }
    crypto_generichash_update(&w->hash, data, len);
    w->size += len;
    return 0;
}

void file_abort(struct blob_writer **writer)
{
    unlinkat(file_writer(*writer)->place.dir, file_writer(*writer)->temp, 0);
    file_writer_free(writer);
}

/* Without replacing, also where the file system cannot rename so: a link fails when the name is taken. */
static int blob_rename_new(const struct file_writer *w)
{
    if (renameat2(w->place.dir, w->temp, w->place.dir, w->place.base, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return blob_errno();
    if (linkat(w->place.dir, w->temp, w->place.dir, w->place.base, 0))
        return blob_errno();
    unlinkat(w->place.dir, w->temp, 0);
    return 0;
}

/* What lies under a taken name. It may have been put by somebody whose fsync of the folder is still to
 * come, and our caller will count on it: sync it here, too. */
static int blob_describe_taken(struct file_writer *w, struct blob_info *ret)
{
    int r = fsync(w->place.dir) ? blob_errno() : 0;

    if (r == 0 && ret)
        r = file_stat(w->base.blobs, w->name, ret);
    if (r == 0 && ret && !ret->growing) {
        r = file_hash(w->base.blobs, w->name, ret->hash);
        ret->hashed = r == 0;
    }
    return r < 0 ? r : ERR_EXISTS;
}

static int blob_finish(struct blob_writer **writer, bool replace, struct blob_info *ret)
{
    struct file_writer *w = file_writer(*writer);
    struct blob_info info = { .size = w->size, .hashed = true };
    int r = w->failed;

    crypto_generichash_final(&w->hash, info.hash, BLOB_HASH_SIZE);
    if (r == 0 && w->base.expects && memcmp(info.hash, w->base.expected, BLOB_HASH_SIZE) != 0)
        r = ERR_CHECKSUM;
    if (r == 0 && fdatasync(w->fd))
        r = blob_errno();
    if (r == 0) {
        info.modified = blob_modified(w->fd);
        if (replace)
            r = renameat(w->place.dir, w->temp, w->place.dir, w->place.base) ? blob_errno() : 0;
        else
            r = blob_rename_new(w);
    }
    if (r == ERR_EXISTS)
        r = blob_describe_taken(w, ret);
    else if (r == 0)
        r = fsync(w->place.dir) ? blob_errno() : 0;
    if (r < 0) {
        file_abort(writer);
        return r;
    }
    if (ret)
        *ret = info;
    file_writer_free(writer);
    return 0;
}

int file_commit(struct blob_writer **writer, struct blob_info *ret)
{
    return blob_finish(writer, false, ret);
}

static int file_put_any(struct blobs *blobs, const char *name, struct bytes data, bool replace,
                        struct blob_info *ret)
{
    struct blob_writer *w;
    int r = file_new(blobs, name, &w);

    if (r < 0)
        return r;
    file_write(w, data.data, data.len); /* a failure is kept, and answered below */
    return blob_finish(&w, replace, ret);
}

int file_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    return file_put_any(blobs, name, data, false, ret);
}

int file_put(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    return file_put_any(blobs, name, data, true, ret);
}

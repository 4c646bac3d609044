/* read - looking at objects: whole ones, and growing ones up to their frontier. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/blobs/internal.h"
#include "gen/errors.h"

static int blob_open_whole(const struct blob_place *place, int *ret_fd, struct blob_info *ret)
{
    struct stat st;
    int fd = blob_openat(place->dir, place->base, O_RDONLY | O_NOCTTY, 0);

    if (fd < 0)
        return blob_errno();
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return S_ISDIR(st.st_mode) ? ERR_NOT_FOUND : ERR_IO;
    }
    *ret = (struct blob_info) { .size = (uint64_t)st.st_size,
                                .modified = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 };
    *ret_fd = fd;
    return 0;
}

static int blob_open_growing(const struct blob_place *place, int *ret_fd, struct blob_info *ret)
{
    struct blob_name data = blob_companion(BLOB_GROWING, place->base);
    struct blob_name name = blob_companion(BLOB_FRONTIER, place->base);
    int frontier_fd, fd = blob_openat(place->dir, data.s, O_RDONLY | O_NOCTTY, 0);

    if (fd < 0)
        return blob_errno();
    *ret = (struct blob_info) { .growing = true, .modified = blob_modified(fd) };
    frontier_fd = blob_openat(place->dir, name.s, O_RDONLY, 0);
    if (frontier_fd >= 0) {
        blob_frontier_read(frontier_fd, &ret->size);
        close(frontier_fd);
    }
    *ret_fd = fd;
    return 0;
}

/* An object that is sealed between the two looks is found by a third. */
int blob_open(struct blobs *blobs, const char *name, int *ret_fd, struct blob_info *ret)
{
    struct blob_place place;
    int r = blob_place(blobs, name, false, &place);

    if (r < 0)
        return r;
    r = blob_open_whole(&place, ret_fd, ret);
    if (r == ERR_NOT_FOUND)
        r = blob_open_growing(&place, ret_fd, ret);
    if (r == ERR_NOT_FOUND)
        r = blob_open_whole(&place, ret_fd, ret);
    blob_leave(&place);
    return r;
}

int file_stat(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    int fd, r = blob_open(blobs, name, &fd, ret);

    if (r == 0)
        close(fd);
    return r;
}

static int blob_pread(int fd, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(fd, (char *)buf + got, len - got, (off_t)(off + got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return blob_errno();
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *ret_got = got;
    return 0;
}

int file_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    struct blob_info info;
    int fd, r = blob_open(blobs, name, &fd, &info);

    if (r < 0)
        return r;
    if (off >= info.size) {
        r = info.growing ? ERR_WAIT : ERR_EOF;
    } else {
        if (len > info.size - off)
            len = (size_t)(info.size - off);
        r = blob_pread(fd, off, buf, len, ret_got);
        if (r == 0 && *ret_got < len) /* fewer bytes than its size promised */
            r = ERR_CORRUPT;
    }
    close(fd);
    return r;
}

int file_hash(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE])
{
    crypto_generichash_state state;
    struct blob_info info;
    uint64_t off = 0;
    size_t got = 1;
    char *chunk;
    int fd, r = blob_open(blobs, name, &fd, &info);

    if (r < 0)
        return r;
    if (info.growing) {
        close(fd);
        return ERR_WAIT;
    }
    chunk = malloc(BLOB_CHUNK);
    if (!chunk)
        abort();
    crypto_generichash_init(&state, NULL, 0, BLOB_HASH_SIZE);
    while (r == 0 && got) {
        r = blob_pread(fd, off, chunk, BLOB_CHUNK, &got);
        if (r == 0)
            crypto_generichash_update(&state, (unsigned char *)chunk, got);
        off += got;
    }
    if (r == 0)
        crypto_generichash_final(&state, ret, BLOB_HASH_SIZE);
    free(chunk);
    close(fd);
    return r;
}

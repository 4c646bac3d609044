/* blobs - see blobs.h: names are checked here, and the rest is the backend's. */
#include <string.h>

#include "data/blobs/internal.h"
#include "gen/errors.h"
#include "schemas/wire/buf.h"

/* [a-z0-9_.-] in parts joined by single slashes; folder: a trailing slash is asked for. */
static bool blob_name_fits(const char *name, size_t len)
{
    size_t part = 0, parts = 1;

    if (len == 0 || len > BLOB_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (c == '/') {
            if (part == 0 || ++parts > BLOB_PARTS_MAX)
                return false;
            part = 0;
            continue;
        }
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'))
            return false;
        if (part == 0 && c == '.')
            return false;
        if (++part > BLOB_BASE_MAX - 4) /* companions are longer */
            return false;
    }
    return part > 0;
}

bool blob_name_valid(const char *name)
{
    return name && blob_name_fits(name, strlen(name));
}

int blobs_open(const char *uri, struct blobs **ret)
{
    if (strncmp(uri, "file:", 5) != 0)
        return ERR_UNSUPPORTED;
    return file_open(strncmp(uri, "file://", 7) == 0 ? uri + 7 : uri + 5, ret);
}

int blobs_open_in(const char *state_dir, struct blobs **ret)
{
    struct buf uri = { 0 };
    int r;

    buf_printf(&uri, "file:%s/blobs", state_dir);
    r = blobs_open(buf_text(&uri), ret);
    buf_free(&uri);
    return r;
}

void blobs_close(struct blobs **blobs)
{
    if (!*blobs)
        return;
    (*blobs)->backend->close(*blobs);
    *blobs = NULL;
}

/* What a backend does not offer, and names that are none. */
#define OFFERED(blobs, what)         \
    do {                             \
        if (!(blobs)->backend->what) \
            return ERR_UNSUPPORTED;  \
    } while (0)
#define OFFERED_OF(blobs, what, name) \
    do {                              \
        OFFERED(blobs, what);         \
        if (!blob_name_valid(name))   \
            return ERR_INVALID;       \
    } while (0)

int blob_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    OFFERED_OF(blobs, put_new, name);
    return blobs->backend->put_new(blobs, name, data, ret);
}

int blob_put(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    OFFERED_OF(blobs, put, name);
    return blobs->backend->put(blobs, name, data, ret);
}

int blob_new(struct blobs *blobs, const char *name, struct blob_writer **ret)
{
    OFFERED_OF(blobs, new, name);
    return blobs->backend->new (blobs, name, ret);
}

int blob_write(struct blob_writer *writer, const void *data, size_t len)
{
    return writer->blobs->backend->write(writer, data, len);
}

void blob_expect(struct blob_writer *writer, const uint8_t hash[BLOB_HASH_SIZE])
{
    writer->expects = true;
    memcpy(writer->expected, hash, BLOB_HASH_SIZE);
}

void blob_date(struct blob_writer *writer, int64_t modified)
{
    writer->modified = modified;
}

int blob_commit(struct blob_writer **writer, struct blob_info *ret)
{
    return (*writer)->blobs->backend->commit(writer, ret);
}

void blob_abort(struct blob_writer **writer)
{
    if (*writer)
        (*writer)->blobs->backend->abort(writer);
}

int blob_grow_open(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier)
{
    OFFERED_OF(blobs, grow, name);
    return blobs->backend->grow(blobs, name, ret, ret_frontier);
}

int blob_told(struct blobs *blobs, const char *name, struct blob_told *ret)
{
    OFFERED_OF(blobs, told, name);
    return blobs->backend->told(blobs, name, ret);
}

int blob_stat(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    OFFERED_OF(blobs, stat, name);
    return blobs->backend->stat(blobs, name, ret);
}

int blob_hash(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE])
{
    OFFERED_OF(blobs, hash, name);
    return blobs->backend->hash(blobs, name, ret);
}

int blob_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    OFFERED_OF(blobs, read, name);
    return blobs->backend->read(blobs, name, off, buf, len, ret_got);
}

int blob_fd(struct blobs *blobs, const char *name, int *ret_fd, struct blob_info *ret)
{
    OFFERED_OF(blobs, fd, name);
    return blobs->backend->fd(blobs, name, ret_fd, ret);
}

int blob_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx)
{
    OFFERED(blobs, list);
    return blobs->backend->list(blobs, prefix, fn, ctx);
}

int blob_delete(struct blobs *blobs, const char *name)
{
    OFFERED_OF(blobs, delete, name);
    return blobs->backend->delete (blobs, name);
}

int blob_delete_tree(struct blobs *blobs, const char *prefix)
{
    OFFERED(blobs, delete_tree);
    return blobs->backend->delete_tree(blobs, prefix);
}

int blobs_space(struct blobs *blobs, uint64_t *ret_free, uint64_t *ret_total)
{
    OFFERED(blobs, space);
    return blobs->backend->space(blobs, ret_free, ret_total);
}

int blobs_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed)
{
    OFFERED(blobs, sweep);
    return blobs->backend->sweep(blobs, older_than_ms, ret_removed);
}

struct blobs_traffic blobs_traffic(struct blobs *blobs)
{
    return blobs->backend->traffic ? blobs->backend->traffic(blobs) : (struct blobs_traffic) { 0 };
}

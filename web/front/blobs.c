/* blobs - see blobs.h */
#include "web/front/blobs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "actors/runtime/blob_right/blob_right.h"
#include "gen/errors.h"
#include "web/front/file.h"
#include "web/front/http/range.h"
#include "web/front/keyring.h"

#define BLOBS_TYPE "application/octet-stream"

/* The name that follows the right, in the arena; NULL: no such name can be. */
static const char *blobs_name(struct exchange *x)
{
    const char *right = x->facts.path + strlen("/blobs/");
    const char *name = right + strcspn(right, "/");

    return *name && blob_name_valid(name + 1) ? name + 1 : NULL;
}

static void blobs_header_hash(struct exchange *x, const struct blob_info *info)
{
    char hex[2 * BLOB_HASH_SIZE + 1];

    exchange_header(x, "Blob-Size", "%" PRIu64, info->size);
    if (info->hashed)
        exchange_header(x, "Blob-Hash", "%s", sodium_bin2hex(hex, sizeof(hex), info->hash, sizeof(info->hash)));
}

/* ---- GET, HEAD */

static void blobs_outside(struct exchange *x, const struct blob_info *info)
{
    if (info->growing) {
        exchange_problem(x, ERR_WAIT, "The object has %" PRIu64 " bytes so far, and grows.", info->size);
    } else {
        exchange_header(x, "Content-Range", "bytes */%" PRIu64, info->size);
        exchange_problem(x, ERR_RANGE, "The object has %" PRIu64 " bytes.", info->size);
    }
}

/* What was asked for; the whole of it where that was no single range. */
static enum range_kind blobs_range(const struct exchange *x, uint64_t size, struct range *ret)
{
    struct range ranges[RANGE_MAX] = { { .from = 0 } };
    size_t n = 0;
    const char *header = exchange_is(x, "HEAD") ? NULL : gate_header(x->request, "Range");
    enum range_kind kind = range_parse(header, size, ranges, &n);

    *ret = ranges[0];
    return kind == RANGE_PARTS && n != 1 ? RANGE_WHOLE : kind;
}

static void blobs_send(struct exchange *x, const char *name, int fd, const struct blob_info *info)
{
    struct range range = { 0 };
    enum range_kind kind = blobs_range(x, info->size, &range);
    struct file_far far = { x->front->blobs, name };
    struct file_out file = { .fd = fd,
                             .read = fd < 0 ? file_far_read : NULL,
                             .read_ctx = &far,
                             .size = info->size,
                             .type = BLOBS_TYPE,
                             .counter = FRONT_BLOB_BYTES_SENT };

    exchange_header(x, "Blob-Size", "%" PRIu64, info->size);
    exchange_header(x, "Blob-Modified", "%" PRId64, info->modified);
    if (info->growing)
        exchange_header(x, "Blob-Growing", "1");
    if (kind == RANGE_OUTSIDE)
        blobs_outside(x, info);
    else if (kind == RANGE_PARTS)
        file_send_range(x, &file, &range);
    else
        file_send_whole(x, &file);
}

static void blobs_read(struct exchange *x, const char *name)
{
    struct blob_info info;
    int fd, r = blob_fd(x->front->blobs, name, &fd, &info);

    if (r < 0) {
        exchange_problem(x, r, r == ERR_NOT_FOUND ? "There is no such object." : "The object cannot be read now.");
        return;
    }
    blobs_send(x, name, fd, &info);
    if (fd >= 0)
        close(fd);
}

/* ---- PUT */

static bool blobs_expected(struct exchange *x, uint8_t ret[static BLOB_HASH_SIZE])
{
    const char *hex = gate_header(x->request, "Blob-Hash");
    size_t len = 0;

    return hex && strlen(hex) == (size_t)2 * BLOB_HASH_SIZE &&
           sodium_hex2bin(ret, BLOB_HASH_SIZE, hex, strlen(hex), NULL, &len, NULL) == 0 && len == BLOB_HASH_SIZE;
}

/* The body, as it comes, to the writer. */
static int blobs_take(struct exchange *x, struct blob_writer *writer)
{
    int64_t end = front_monotonic() + (int64_t)x->front->settings->blob_s * 1000;
    char *piece = malloc(EXCHANGE_PIECE);
    size_t n = 1;
    int r = 0;

    if (!piece)
        abort();
    while (r == 0 && n > 0) {
        r = exchange_read(x, piece, EXCHANGE_PIECE, &n);
        if (r == 0 && front_monotonic() > end)
            x->broken = true, r = ERR_INTERRUPTED;
        if (r == 0 && n > 0)
            r = blob_write(writer, piece, n);
        front_count(x->front, FRONT_BLOB_BYTES_TAKEN, n);
    }
    free(piece);
    return r;
}

static void blobs_put(struct exchange *x, const char *name, const uint8_t expected[static BLOB_HASH_SIZE])
{
    struct blob_writer *writer;
    struct blob_info info = { 0 };
    int r = blob_new(x->front->blobs, name, &writer);

    if (r == 0) {
        blob_expect(writer, expected);
        r = blobs_take(x, writer);
        if (r == 0)
            r = blob_commit(&writer, &info);
        else
            blob_abort(&writer);
    }
    if (r == 0 || r == ERR_EXISTS)
        blobs_header_hash(x, &info);
    if (r == 0)
        exchange_empty(x, 201);
    else if (r == ERR_EXISTS)
        exchange_problem(x, r, "An object of that name is there already, and stays.");
    else if (r == ERR_CHECKSUM)
        exchange_problem(x, r, "What came does not have the hash that was told before it.");
    else
        exchange_problem(x, r, "The object could not be put.");
}

static void blobs_put_new(struct exchange *x, const char *name)
{
    uint8_t expected[BLOB_HASH_SIZE];
    uint64_t most = x->front->settings->blob_mib << 20;

    if (x->facts.length < 0)
        exchange_problem(x, ERR_LENGTH_REQUIRED, "An object is put with its length.");
    else if ((uint64_t)x->facts.length > most)
        exchange_problem(x, ERR_TOO_LARGE, "An object may have %" PRIu64 " bytes (front.blob_mib).", most);
    else if (!blobs_expected(x, expected))
        exchange_problem(x, ERR_PRECONDITION, "Blob-Hash is the BLAKE2b-256 of the object, 64 hex digits.");
    else
        blobs_put(x, name, expected);
}

/* ---- both */

static void blobs_serve_share(struct exchange *x, const char *name)
{
    uint64_t open = atomic_fetch_add(&x->front->counters[FRONT_BLOBS_OPEN], 1);

    if (open >= x->front->settings->blobs)
        exchange_problem(x, ERR_BUSY, "%" PRIu64 " objects are on their way, as many as may be (front.blobs).",
                         open);
    else if (exchange_is(x, "PUT"))
        blobs_put_new(x, name);
    else
        blobs_read(x, name);
    front_uncount(x->front, FRONT_BLOBS_OPEN);
}

void blobs_serve(struct exchange *x, const struct router_path *path)
{
    enum blob_right_may may = exchange_is(x, "PUT") ? BLOB_RIGHT_PUT_NEW : BLOB_RIGHT_READ;
    const char *name = blobs_name(x);
    int r = name ? keyring_blob(x->front->keyring, path->segment[1], may, name, front_now()) : ERR_NOT_FOUND;

    x->what = "blobs";
    if (r == ERR_NOT_FOUND) {
        exchange_problem(x, r, "An object's address is /blobs/{right}/{name}.");
    } else if (r == ERR_UNAVAILABLE) {
        exchange_problem(x, r, "Rights to objects cannot be checked now: their keys are not known yet.");
    } else if (r < 0) {
        front_count(x->front, FRONT_BLOB_REFUSALS, 1);
        exchange_problem(x, r, "The right in this address is not one to do that with this object, or no longer.");
    } else {
        blobs_serve_share(x, name);
    }
}

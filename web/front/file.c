/* file - see file.h */
#include "web/front/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include "gen/errors.h"
#include "web/front/http/condition.h"
#include "web/front/http/gzip.h"
#include "web/front/http/range.h"

#define FILE_PIECE         ((size_t)256 * 1024)
#define FILE_BOUNDARY_SIZE 25

static void file_counted(struct exchange *x, const struct file_out *file, uint64_t n)
{
    if (file->counter != FRONT_COUNTERS)
        front_count(x->front, file->counter, n);
}

size_t file_far_read(void *ctx, void *to, size_t want, uint64_t from)
{
    const struct file_far *far = ctx;
    size_t got;

    return blob_read(far->blobs, far->name, from, to, want, &got) == 0 ? got : 0;
}

/* Up to `want` bytes; 0: they are not there any more. */
static size_t file_read(const struct file_out *file, void *to, size_t want, uint64_t from)
{
    ssize_t n;

    if (file->read)
        return file->read(file->read_ctx, to, want, from);
    do
        n = pread(file->fd, to, want, (off_t)from);
    while (n < 0 && errno == EINTR);
    return n > 0 ? (size_t)n : 0;
}

/* The bytes from..to of the file; what the file does not have any more breaks the connection, as the length
 * was told. */
static void file_copy(struct exchange *x, const struct file_out *file, uint64_t from, uint64_t to)
{
    size_t room = to - from + 1 < FILE_PIECE ? (size_t)(to - from + 1) : FILE_PIECE;
    char *piece;

    if (file->fd < 0 && !file->read) {
        exchange_write(x, (const char *)file->text.data + from, (size_t)(to - from + 1));
        file_counted(x, file, to - from + 1);
        return;
    }
    piece = malloc(room);
    if (!piece)
        abort();
    while (from <= to && !x->broken) {
        size_t n = file_read(file, piece, to - from + 1 < room ? (size_t)(to - from + 1) : room, from);

        if (n == 0) {
            x->broken = true;
            x->err = ERR_IO;
            mg_disable_connection_keep_alive(x->conn);
            break;
        }
        exchange_write(x, piece, n);
        from += n;
        file_counted(x, file, n);
    }
    free(piece);
}

static bool file_head_only(const struct exchange *x)
{
    return exchange_is(x, "HEAD");
}

void file_send_whole(struct exchange *x, const struct file_out *file)
{
    exchange_begin(x, 200, file->type, file->size);
    if (!file_head_only(x) && file->size > 0)
        file_copy(x, file, 0, file->size - 1);
}

void file_send_range(struct exchange *x, const struct file_out *file, const struct range *range)
{
    exchange_header(x, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->from, range->to,
                    file->size);
    exchange_begin(x, 206, file->type, range->to - range->from + 1);
    file_copy(x, file, range->from, range->to);
}

/* What stands before a part of multipart/byteranges. */
static size_t file_part_head(const struct file_out *file, const char *boundary, const struct range *range,
                             char *to, size_t room)
{
    int n = snprintf(to, room,
                     "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
                     "\r\n\r\n",
                     boundary, file->type, range->from, range->to, file->size);

    return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

static void file_ranges(struct exchange *x, const struct file_out *file, const struct range *ranges, size_t n)
{
    uint8_t random[(FILE_BOUNDARY_SIZE - 1) / 2];
    char boundary[FILE_BOUNDARY_SIZE], type[80], head[512], end[FILE_BOUNDARY_SIZE + 8];
    uint64_t length;

    randombytes_buf(random, sizeof(random));
    sodium_bin2hex(boundary, sizeof(boundary), random, sizeof(random));
    snprintf(type, sizeof(type), "multipart/byteranges; boundary=%s", boundary);
    length = (uint64_t)snprintf(end, sizeof(end), "\r\n--%s--\r\n", boundary);
    for (size_t i = 0; i < n; i++)
        length += file_part_head(file, boundary, &ranges[i], head, sizeof(head)) + ranges[i].to - ranges[i].from +
                  1;
    exchange_begin(x, 206, type, length);
    for (size_t i = 0; i < n && !x->broken; i++) {
        exchange_write(x, head, file_part_head(file, boundary, &ranges[i], head, sizeof(head)));
        file_copy(x, file, ranges[i].from, ranges[i].to);
    }
    exchange_write(x, end, strlen(end));
}

/* ---- gzip */

/* Whether Accept-Encoding names gzip (or *) with a weight above 0. */
static bool file_takes_gzip(const struct exchange *x)
{
    const char *p = gate_header(x->request, "Accept-Encoding");

    while (p && *p) {
        size_t name, len;
        const char *q;

        p += strspn(p, " \t,");
        len = strcspn(p, ",");
        name = strcspn(p, " \t;,");
        if ((name == 4 && strncasecmp(p, "gzip", 4) == 0) || (name == 1 && *p == '*')) {
            q = memmem(p, len, "q=", 2);
            return !q || strtod(q + 2, NULL) > 0;
        }
        p += len;
    }
    return false;
}

/* The whole file, compressed. False: it could not be read. */
static bool file_deflate(const struct file_out *file, struct buf *out)
{
    struct buf text = { 0 };
    size_t n = 1;

    while (n > 0 && text.len < file->size) {
        n = file_read(file, buf_room(&text, file->size - text.len), file->size - text.len, text.len);
        text.len += n;
    }
    if (n > 0)
        gzip_pack(buf_bytes(&text), out);
    buf_free(&text);
    return n > 0;
}

/* The tag of the compressed form: another representation, another tag. */
static const char *file_gzip_tag(struct exchange *x, const char *etag)
{
    return arena_printf(x->arena, "%.*s-gz\"", (int)strlen(etag) - 1, etag);
}

static void file_gzip(struct exchange *x, const struct file_out *file)
{
    struct bytes packed = file->packed;
    struct buf out = { 0 };

    if (file->fd >= 0) {
        if (!file_deflate(file, &out)) {
            exchange_problem(x, ERR_IO, "The file could not be read.");
            buf_free(&out);
            return;
        }
        packed = buf_bytes(&out);
    }
    exchange_header(x, "Content-Encoding", "gzip");
    exchange_send(x, 200, file->type, packed);
    file_counted(x, file, packed.len);
    buf_free(&out);
}

/* ---- all together */

static void file_unchanged(struct exchange *x, int status)
{
    if (status == 304)
        exchange_empty(x, 304);
    else
        exchange_problem(x, ERR_PRECONDITION, "It is not what the request takes it for.");
}

static void file_headers(struct exchange *x, const struct file_out *file, const char *etag, bool may_gzip)
{
    char date[CONDITION_DATE_SIZE];

    exchange_header(x, "ETag", "%s", etag);
    if (file->modified)
        exchange_header(x, "Last-Modified", "%s", condition_date(file->modified, date));
    if (may_gzip)
        exchange_header(x, "Vary", "Accept-Encoding");
    exchange_header(x, "Accept-Ranges", "bytes");
}

void file_send(struct exchange *x, const struct file_out *file)
{
    /* ranges are of GET alone: HEAD tells of the whole */
    const char *header = file_head_only(x) ? NULL : gate_header(x->request, "Range");
    bool may_gzip = file->fd < 0 ? file->packed.len > 0
                                 : file->gzip && file->size > 0 && file->size <= FILE_GZIP_MAX;
    bool gzip = may_gzip && !header && file_takes_gzip(x);
    struct condition_state state = { .etag = gzip ? file_gzip_tag(x, file->etag) : file->etag,
                                     .modified = file->modified };
    struct range ranges[RANGE_MAX];
    enum range_kind kind = RANGE_WHOLE;
    size_t n = 0;
    int status = condition_check(x->request, &state);

    file_headers(x, file, state.etag, may_gzip);
    if (status) {
        file_unchanged(x, status);
        return;
    }
    if (header && condition_range(x->request, &state))
        kind = range_parse(header, file->size, ranges, &n);
    if (kind == RANGE_OUTSIDE) {
        exchange_header(x, "Content-Range", "bytes */%" PRIu64, file->size);
        exchange_problem(x, ERR_RANGE, "The object has %" PRIu64 " bytes.", file->size);
    } else if (kind == RANGE_PARTS && n == 1) {
        file_send_range(x, file, &ranges[0]);
    } else if (kind == RANGE_PARTS) {
        file_ranges(x, file, ranges, n);
    } else if (gzip) {
        file_gzip(x, file);
    } else {
        file_send_whole(x, file);
    }
}

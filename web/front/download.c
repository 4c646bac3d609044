/* download - see download.h */
#include "web/front/download.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/isobmff/mp4.h"
#include "gen/errors.h"
#include "web/front/file.h"

#define DOWNLOAD_NAME_MOST 255
#define DOWNLOAD_INIT_MOST ((uint64_t)64 * 1024)
#define DOWNLOAD_TABLE_MOST \
    ((uint64_t)4 * 1024 * 1024) /* twelve hours of GOPs of a quarter of a second have 2.8 MB */

struct remux {
    struct exchange *x;
    const char *dir[MP4_TRACKS];
    struct mp4_track tracks[MP4_TRACKS];
    size_t tracks_n;
    struct mp4 *mp4;
    uint64_t size; /* of what makes the tag: both tables */
    int64_t modified;
    /* the segment that was read last */
    int fd; /* -1: only a far place has it, or none */
    bool there;
    char segment[BLOB_NAME_MAX + 1];
    unsigned fd_track;
    uint32_t fd_segment;
    /* the entries that were made last */
    struct mp4_part made;
    struct buf head, entries;
};

/* All of a small object, in the arena; its size counts for the tag. */
static int download_read_all(struct remux *d, const char *name, uint64_t most, struct bytes *ret)
{
    struct blob_info info;
    uint8_t *data;
    size_t got = 0;
    int r = blob_stat(d->x->front->blobs, name, &info);

    if (r == 0 && (info.size > most || info.growing))
        r = ERR_INVALID;
    if (r < 0)
        return r;
    data = arena_alloc(d->x->arena, info.size + 1);
    for (size_t at = 0; r == 0 && at < info.size; at += got)
        r = blob_read(d->x->front->blobs, name, at, data + at, info.size - at, &got);
    *ret = bytes_of(data, info.size);
    d->size += info.size;
    d->modified = info.modified > d->modified ? info.modified : d->modified;
    return r;
}

/* The rendition's folder, whose init and table are read. The name is an address's: what is none finds nothing. */
static int download_track(struct remux *d, const char *video, const char *version, const char *kind,
                          const char *leaf)
{
    struct arena *arena = d->x->arena;
    const char *dir = arena_printf(arena, "media/%s/%s/%s/%s", video, version, kind, leaf);
    const char *table = arena_printf(arena, "%s/fragments.bin", dir);
    struct mp4_track *track = &d->tracks[d->tracks_n];
    int r = blob_name_valid(table) ? 0 : ERR_NOT_FOUND;

    if (r == 0)
        r = download_read_all(d, table, DOWNLOAD_TABLE_MOST, &track->table);
    if (r == 0)
        r = download_read_all(d, arena_printf(arena, "%s/init.mp4", dir), DOWNLOAD_INIT_MOST, &track->init);
    d->dir[d->tracks_n++] = dir;
    return r;
}

/* ---- bytes */

/* The part's segment, open for reading. False: it cannot be. */
static bool download_segment(struct remux *d, const struct mp4_part *part)
{
    struct blob_info info;

    if (d->there && d->fd_track == part->track && d->fd_segment == part->fragment.segment)
        return true;
    if (d->fd >= 0)
        close(d->fd);
    snprintf(d->segment, sizeof(d->segment), "%s/%06" PRIu32 ".m4s", d->dir[part->track], part->fragment.segment);
    d->there = blob_fd(d->x->front->blobs, d->segment, &d->fd, &info) == 0;
    if (!d->there)
        d->fd = -1;
    d->fd_track = part->track;
    d->fd_segment = part->fragment.segment;
    return d->there;
}

/* So many bytes of it at most; 0: they cannot be had. */
static size_t download_from(struct remux *d, const struct mp4_part *part, void *to, size_t want, uint64_t from)
{
    struct file_far far = { d->x->front->blobs, d->segment };
    ssize_t n;

    if (!download_segment(d, part))
        return 0;
    if (d->fd < 0)
        return file_far_read(&far, to, want, from);
    n = pread(d->fd, to, want, (off_t)from);
    return n > 0 ? (size_t)n : 0;
}

/* A stretch of a table, from the head of its fragment. */
static bool download_make(struct remux *d, const struct mp4_part *part)
{
    size_t size = mp4_head_size(d->mp4, part);

    if (d->entries.len && d->made.at == part->at)
        return true;
    buf_reset(&d->head);
    buf_reset(&d->entries);
    if (download_from(d, part, buf_room(&d->head, size), size, part->fragment.offset) != size ||
        !mp4_entries(d->mp4, part, bytes_of(d->head.data, size), buf_room(&d->entries, part->len)))
        return false;
    d->entries.len = part->len;
    d->made = *part;
    return true;
}

/* As much of one part as is wanted; 0: it cannot be had. */
static size_t download_part(struct remux *d, uint8_t *to, size_t want, uint64_t from)
{
    struct mp4_part part = mp4_part_at(d->mp4, from);
    uint64_t skip = from - part.at;
    size_t n = want < part.len - skip ? want : (size_t)(part.len - skip);

    if (part.source == MP4_TEXT) {
        memcpy(to, part.text + skip, n);
        return n;
    }
    if (part.source == MP4_MEDIA)
        return download_from(d, &part, to, n, part.from + skip);
    if (!download_make(d, &part))
        return 0;
    memcpy(to, d->entries.data + skip, n);
    return n;
}

static size_t download_read(void *ctx, void *to, size_t want, uint64_t from)
{
    size_t got = 0, n = 1;

    for (; n > 0 && got < want; got += n)
        n = download_part(ctx, (uint8_t *)to + got, want - got, from + got);
    return got;
}

/* ---- the name */

static bool download_is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("!#$&+-.^_`|~", c));
}

const char *download_disposition(struct arena *arena, const char *name)
{
    struct buf out = { 0 };
    const char *ret;

    buf_put_text(&out, "attachment; filename=\"");
    for (const char *p = name; *p;
         p++) { /* one _ for a character that is not of ASCII, or means something in quotes */
        unsigned char c = (unsigned char)*p;

        if ((c & 0xc0) != 0x80)
            buf_printf(&out, "%c", c < ' ' || c >= 0x7f || strchr("\"\\%", c) ? '_' : c);
    }
    buf_put_text(&out, "\"; filename*=UTF-8''");
    for (const char *p = name; *p; p++)
        buf_printf(&out, download_is_plain((unsigned char)*p) ? "%c" : "%%%02X", (unsigned char)*p);
    ret = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return ret;
}

/* ---- the answer */

static void download_send(struct remux *d, const char *name)
{
    struct file_out file = { .fd = -1,
                             .read = download_read,
                             .read_ctx = d,
                             .size = mp4_size(d->mp4),
                             .modified = d->modified,
                             .counter = FRONT_MEDIA_BYTES };
    size_t len = strlen(name);

    file.type = len > 4 && strcmp(name + len - 4, ".m4a") == 0 ? "audio/mp4" : "video/mp4";
    file.etag = arena_printf(d->x->arena, "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 "\"", file.size, d->size,
                             (uint64_t)d->modified);
    exchange_header(d->x, "Content-Disposition", "%s", download_disposition(d->x->arena, name));
    file_send(d->x, &file);
}

static int download_open(struct remux *d, const struct router_path *path)
{
    static const char *const kinds[MP4_TRACKS] = { "v", "a" };
    const char *why;
    int r = 0;

    for (size_t i = 0; r == 0 && i < MP4_TRACKS; i++)
        if (strcmp(path->segment[5 + i], "none") != 0)
            r = download_track(d, path->segment[2], path->segment[3], kinds[i], path->segment[5 + i]);
    if (r < 0)
        return r == ERR_NOT_FOUND
                   ? exchange_problem(d->x, r, "The video has no such rendition, or not all of it yet.")
                   : exchange_problem(d->x, r, "The video's tables cannot be read now.");
    d->mp4 = mp4_open(d->tracks, d->tracks_n, &why);
    return d->mp4 ? 0 : exchange_problem(d->x, ERR_NOT_FOUND, "No file can be made of this: %s.", why);
}

void download_serve(struct exchange *x, const struct router_path *path, const struct media_grant *grant)
{
    struct remux d = { .x = x, .fd = -1 };

    x->what = "download";
    if (path->n != 8 || !*path->segment[7] || strlen(path->segment[7]) > DOWNLOAD_NAME_MOST) {
        exchange_problem(x, ERR_NOT_FOUND, "A file's address ends in dl/{pictures}/{sound}/{name}.");
        return;
    }
    if (!media_token_is_file(grant)) {
        exchange_problem(x, ERR_FORBIDDEN, "This address is for watching: ask for the video's downloads.");
        return;
    }
    if (download_open(&d, path) == 0)
        download_send(&d, path->segment[7]);
    mp4_close(&d.mp4);
    buf_free(&d.head);
    buf_free(&d.entries);
    if (d.fd >= 0)
        close(d.fd);
}

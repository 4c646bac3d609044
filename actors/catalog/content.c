/* content - see content.h */
#include "actors/catalog/content.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actors/catalog/copies.h"

enum { CONTENT_PIECE = 256 * 1024, CONTENT_SLICE = 32 * 1024 * 1024, CONTENT_HEX = 2 * SHA256_SIZE + 1 };

struct content_part {
    uint64_t length;
    char blob[200];
};

struct content_work {
    struct blobs *blobs;
    struct id video;
    struct sha256 sum;
    bool begun;
    size_t part; /* the one that is read: CONTENT_SLICE at a time, as the pool has more to do */
    uint64_t at;
    size_t parts_n;
    struct content_part parts[];
};

/* ---- the sum, on the pool */

/* What is known of the first part. */
static int content_begin(struct content_work *w)
{
    struct blob_told first;
    int r = blob_told(w->blobs, w->parts[0].blob, &first);

    if (r == ERR_NOT_FOUND || (r == 0 && first.size != w->parts[0].length)) {
        sha256_init(&first.sum);
        r = 0;
    }
    w->sum = first.sum;
    w->at = sha256_length(&first.sum);
    w->begun = r == 0;
    return r;
}

static int content_work(void *ctx)
{
    struct content_work *w = *(struct content_work **)ctx;
    char *piece = malloc(CONTENT_PIECE);
    uint64_t budget = CONTENT_SLICE;
    int r = w->begun ? 0 : content_begin(w);
    size_t n;

    if (!piece)
        abort();
    while (r == 0 && budget && w->part < w->parts_n) {
        const struct content_part *part = &w->parts[w->part];
        uint64_t left = part->length - w->at;

        if (left == 0) {
            w->part++;
            w->at = 0;
            continue;
        }
        r = blob_read(w->blobs, part->blob, w->at, piece, left < CONTENT_PIECE ? (size_t)left : CONTENT_PIECE, &n);
        if (r == 0) {
            sha256_update(&w->sum, piece, n);
            w->at += n;
            budget -= n < budget ? n : budget;
        }
    }
    free(piece);
    return r;
}

/* ---- the row */

static void content_set(struct doing *d, const uint8_t sum[static SHA256_SIZE])
{
    char *hex = arena_alloc(turn_arena(d->t), CONTENT_HEX);

    d->row.sha256 = sodium_bin2hex(hex, CONTENT_HEX, sum, SHA256_SIZE);
}

static bool content_is_wanted(const struct video_row *row)
{
    return row->upload == UPLOAD_STATE_COMPLETE && row->life == LIFE_STATE_LIVE && (!row->sha256 || !*row->sha256);
}

/* Without a gap from the first byte to the last. */
static bool content_is_whole(const struct doing *d, const struct source_part *parts, size_t n)
{
    uint64_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (parts[i].offset != at)
            return false;
        at += parts[i].length;
    }
    return n > 0 && at == d->row.declared_bytes;
}

int content_look(struct doing *d)
{
    struct source_part *parts;
    struct blob_told told;
    uint8_t sum[SHA256_SIZE];
    size_t n;
    int r = media_parts(d, &parts, &n);

    if (r < 0 || !content_is_wanted(&d->row) || n != 1 || !content_is_whole(d, parts, n) ||
        blob_told(copies_near(d->self), parts[0].blob, &told) < 0 || told.size != parts[0].length ||
        sha256_length(&told.sum) != told.size)
        return r;
    sha256_final(&told.sum, sum);
    content_set(d, sum);
    return 0;
}

static int content_done(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct content_work *w = *(struct content_work *const *)ctx;
    uint8_t sum[SHA256_SIZE];
    struct doing d;
    int r = video_load(self, t, w->video, &d);
    bool wanted = r == 0 && err == 0 && content_is_wanted(&d.row);

    if (err < 0)
        turn_log(t, "content.sum", "error=%s", err_name(err));
    if (wanted && w->part < w->parts_n && turn_pool(t, content_work, content_done, &w, sizeof(w)) == 0)
        return 0;
    if (wanted && w->part == w->parts_n) {
        sha256_final(&w->sum, sum);
        content_set(&d, sum);
        r = video_save(&d);
    }
    free(w);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int content_ask(struct catalog *self, struct turn *t, struct id video)
{
    struct content_work *w;
    struct source_part *parts;
    struct doing d;
    size_t n;
    int r = video_load(self, t, video, &d);

    if (r == 0 && content_is_wanted(&d.row))
        r = media_parts(&d, &parts, &n);
    else
        return r == ERR_NOT_FOUND ? 0 : r;
    if (r < 0 || !content_is_whole(&d, parts, n))
        return r;
    w = calloc(1, sizeof(*w) + n * sizeof(w->parts[0]));
    if (!w)
        abort();
    w->blobs = self->blobs;
    w->video = video;
    w->parts_n = n;
    for (size_t i = 0; i < n; i++) {
        w->parts[i].length = parts[i].length;
        memccpy(w->parts[i].blob, parts[i].blob, '\0', sizeof(w->parts[i].blob) - 1);
    }
    r = turn_pool(t, content_work, content_done, &w, sizeof(w));
    if (r < 0)
        free(w);
    return r == ERR_BUSY ? 0 : r;
}

/* ---- the same */

int content_same(struct turn *t, const struct video_row *row, struct id *ret)
{
    struct video_row other = { .sha256 = row->sha256, .owner_id = row->owner_id };
    struct table_walk walk;
    int r;

    *ret = ID_NONE;
    if (!row->sha256 || !*row->sha256)
        return 0;
    r = table_walk_start(&walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_CONTENT, &other, 2, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &other)) > 0) {
        r = 0;
        if (id_equal(other.id, row->id))
            break;
        if (other.life == LIFE_STATE_LIVE) {
            *ret = other.id;
            break;
        }
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

/* content - see content.h */
#include "actors/catalog/uploads/content.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actors/catalog/places/copies.h"

enum {
    CONTENT_PIECE = 256 * 1024,
    CONTENT_SLICE = 32 * 1024 * 1024,
    CONTENT_HEX = 2 * SHA256_SIZE + 1,
    CONTENT_BUSY_MS = 1000,   /* the pool is full */
    CONTENT_AGAIN_MS = 60000, /* after the first failure; twice that after the next */
    CONTENT_AGAIN_MOST_MS = 6 * 3600 * 1000,
    CONTENT_TRIES = 20,  /* about three days */
    CONTENT_AT_ONCE = 2, /* that the clock begins */
    CONTENT_PASSED = 64, /* rows that are due and under way, a tick */
};

struct content_part {
    uint64_t length;
    char blob[200];
};

struct content_work {
    LIST_ENTRY(content_work) next; /* of the catalog's */
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

static bool content_is_missing(const struct video_row *row)
{
    return row->upload == UPLOAD_STATE_COMPLETE && (!row->sha256 || !*row->sha256);
}

static bool content_is_wanted(const struct video_row *row)
{
    return content_is_missing(row) && row->life == LIFE_STATE_LIVE;
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
    struct content_row row = { .video_id = d->row.id, .due_at = turn_now(d->t) + CONTENT_AGAIN_MS };
    struct source_part *parts;
    struct blob_told told;
    uint8_t sum[SHA256_SIZE];
    size_t n;
    int r = media_parts(d, &parts, &n);

    if (r < 0 || !content_is_missing(&d->row) || !content_is_whole(d, parts, n))
        return r;
    if (n != 1 || blob_told(copies_near(d->self), parts[0].blob, &told) < 0 || told.size != parts[0].length ||
        sha256_length(&told.sum) != told.size)
        return content_row_put(turn_txn(d->t), &row);
    sha256_final(&told.sum, sum);
    content_set(d, sum);
    return 0;
}

/* ---- under way */

static struct content_work *content_under_way(const struct catalog *self, struct id video)
{
    struct content_work *w;

    LIST_FOREACH(w, &self->sums, next)
    if (id_equal(w->video, video))
        break;
    return w;
}

static void content_free(struct content_work *w)
{
    LIST_REMOVE(w, next);
    free(w);
}

static void content_give_up(void *self, const void *ctx)
{
    content_free(*(struct content_work *const *)ctx);
}

void content_close(struct catalog *self)
{
    while (!LIST_EMPTY(&self->sums))
        content_free(LIST_FIRST(&self->sums));
}

static int content_drop(struct turn *t, struct id video)
{
    int r = content_row_del(turn_txn(t), video);

    return r == ERR_NOT_FOUND ? 0 : r;
}

static int content_made(struct doing *d, struct content_work *w)
{
    uint8_t sum[SHA256_SIZE];
    int r;

    sha256_final(&w->sum, sum);
    content_set(d, sum);
    r = video_save(d);
    return r < 0 ? r : content_drop(d->t, w->video);
}

/* The clock asks for it again, until it was in vain for long. */
static int content_failed(struct turn *t, const struct content_work *w, int err)
{
    struct content_row row;
    char id[ID_TEXT_SIZE];
    int r = content_row_get(turn_txn(t), turn_arena(t), w->video, &row);

    if (r < 0)
        return r;
    row.tries++;
    turn_log(t, "content.sum", "video=%s error=%s tries=%llu", id_format("video", w->video, id), err_name(err),
             (unsigned long long)row.tries);
    if (row.tries == CONTENT_TRIES)
        return content_drop(t, w->video);
    row.due_at = sweep_later(t, row.tries, CONTENT_AGAIN_MS, CONTENT_AGAIN_MOST_MS);
    row.error = err_name(err);
    return content_row_put(turn_txn(t), &row);
}

static int content_done(void *self, struct turn *t, int err, const void *reply, const void *ctx);

/* A full pool: in a moment. */
static int content_go_on(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    int r = turn_pool(t, content_work, content_done, ctx, sizeof(struct content_work *));

    return r == ERR_BUSY ? turn_after(t, CONTENT_BUSY_MS, content_go_on, ctx, sizeof(struct content_work *)) : r;
}

static int content_done(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct content_work *w = *(struct content_work *const *)ctx;
    struct doing d;
    int r = video_load(self, t, w->video, &d);
    bool wanted = r == 0 && content_is_wanted(&d.row);

    if (wanted && err == 0 && w->part < w->parts_n) {
        turn_undone(t, content_give_up, &w, sizeof(w));
        return content_go_on(self, t, 0, NULL, ctx);
    }
    if (wanted)
        r = err < 0 ? content_failed(t, w, err) : content_made(&d, w);
    content_free(w); /* where this is undone, the clock asks again */
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int content_start(struct catalog *self, struct turn *t, struct id video, const struct source_part *parts,
                         size_t n)
{
    struct content_work *w = calloc(1, sizeof(*w) + n * sizeof(w->parts[0]));

    if (!w)
        abort();
    w->blobs = self->blobs;
    w->video = video;
    w->parts_n = n;
    for (size_t i = 0; i < n; i++) {
        w->parts[i].length = parts[i].length;
        memccpy(w->parts[i].blob, parts[i].blob, '\0', sizeof(w->parts[i].blob) - 1);
    }
    LIST_INSERT_HEAD(&self->sums, w, next);
    turn_undone(t, content_give_up, &w, sizeof(w));
    return content_go_on(self, t, 0, NULL, &w);
}

int content_ask(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    const struct id *video = ctx;
    struct content_row row;
    struct source_part *parts;
    struct doing d;
    size_t n;
    int r = content_row_get(turn_txn(t), turn_arena(t), *video, &row);

    if (r == 0)
        r = video_load(self, t, *video, &d);
    if (r < 0 || content_under_way(self, *video))
        return r == ERR_NOT_FOUND ? 0 : r;
    if (d.row.life == LIFE_STATE_TRASHED) { /* it may come back */
        row.due_at = turn_now(t) + CONTENT_AGAIN_MOST_MS;
        return content_row_put(turn_txn(t), &row);
    }
    r = media_parts(&d, &parts, &n);
    if (r < 0)
        return r;
    return content_is_wanted(&d.row) && content_is_whole(&d, parts, n) ? content_start(self, t, *video, parts, n)
                                                                       : content_drop(t, *video);
}

/* ---- the clock */

int content_tick(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct catalog *self = self_;
    struct content_work *w;
    struct table_walk walk;
    struct content_row row;
    unsigned busy = 0, n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &content_row_table, CONTENT_ROW_BY_DUE, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    LIST_FOREACH(w, &self->sums, next)
    busy++;
    while (r == 0 && busy < CONTENT_AT_ONCE && n++ < CONTENT_PASSED &&
           (r = table_walk_next(&walk, turn_arena(t), &row)) > 0 && row.due_at <= turn_now(t)) {
        r = 0;
        if (content_under_way(self, row.video_id))
            continue;
        r = turn_after(t, 0, content_ask, &row.video_id, sizeof(row.video_id));
        busy++;
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

int content_say(struct turn *t, struct id video, struct content_row *ret)
{
    int r = content_row_get(turn_txn(t), turn_arena(t), video, ret);

    return r < 0 ? r : ret->tries > 0;
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

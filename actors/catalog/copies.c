/* copies - see copies.h. One carry is under way at a time, on the pool; it is its own until it has ended. */
#include "actors/catalog/copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/catalog/carry.h"
#include "data/blobs/s3.h"
#include "data/blobs/tier.h"
#include "schemas/wire/arena.h"

enum {
    COPIES_MS = 1000,
    COPIES_AGAIN_MS = 5000, /* after the first failure; twice that after the next */
    COPIES_AGAIN_MOST_MS = 300000,
    COPIES_LOOKED_AT = 64, /* rows a tick, at the start */
    COPIES_AHEAD = 1024 * 1024,
    COPIES_LINES = 4,
    COPIES_BROUGHT_MOST = 16 * 1024 * 1024,
};

struct copies {
    struct blobs *near, *far; /* of self->blobs */
    bool s3;                  /* far is: it says what was wrong */
    char *place;
    atomic_bool stop;
    struct carry *work; /* NULL: none is under way */
    int64_t pause;      /* the place failed: nothing is asked of it until then */
    unsigned fails;
    bool tried, bringing, looked;
    struct id after; /* rows up to there have been looked at since the start */
};

struct copies_brought {
    struct blobs *near, *far;
    char name[200];
};

/* ---- open */

static struct copies *copies_new(void)
{
    struct copies *c = calloc(1, sizeof(*c));

    if (!c)
        abort();
    return c;
}

static void copies_begin(struct catalog *self, struct copies *c, struct blobs *far, const char *place)
{
    c->near = self->blobs;
    c->far = far;
    c->place = strdup(place);
    if (!c->place)
        abort();
    self->copies = c;
    self->blobs = blobs_tier(c->near, c->far);
}

void copies_over(struct catalog *self, struct blobs *far, const char *place)
{
    copies_begin(self, copies_new(), far, place);
}

int copies_open(struct catalog *self, const struct catalog_settings *settings)
{
    struct copies *c = copies_new();
    const struct blobs_s3_options how = { .connect_ms = (unsigned)settings->far_connect_ms,
                                          .quiet_s = (unsigned)settings->far_quiet_s,
                                          .patience_ms = (unsigned)settings->far_patience_s * 1000,
                                          .ahead = COPIES_AHEAD,
                                          .lines = COPIES_LINES,
                                          .part_mib = (unsigned)settings->far_part_mib,
                                          .cancel = &c->stop };
    char error[S3_SAID_MAX] = "";
    struct blobs *far;
    int r = blobs_s3_open(settings->far, &how, &far, error);

    if (r < 0) {
        fprintf(stderr, "catalog: catalog.far: %s\n", error);
        free(c);
        return r;
    }
    c->s3 = true;
    copies_begin(self, c, far, blobs_s3_place(far));
    return 0;
}

void copies_stop(struct copies *c)
{
    if (c)
        atomic_store(&c->stop, true);
}

void copies_free(struct copies **copies)
{
    if (!*copies)
        return;
    copies_stop(*copies);
    carry_free(&(*copies)->work);
    free((*copies)->place);
    free(*copies);
    *copies = NULL;
}

struct blobs *copies_near(const struct catalog *self)
{
    return self->copies ? self->copies->near : self->blobs;
}

/* ---- rows */

static int copies_row(struct turn *t, struct id video, struct copy_row *ret)
{
    int r = copy_row_get(turn_txn(t), turn_arena(t), video, ret);

    if (r == ERR_NOT_FOUND)
        *ret = (struct copy_row) { .video_id = video };
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What it has of the video alone lies in a place that is not named any more. */
static bool copies_elsewhere(const struct copies *c, const struct copy_row *row)
{
    return row->forgotten_at && row->place && strcmp(row->place, c->place) != 0;
}

/* Its original once it is whole, its media once that is. */
static bool copies_are_due(const struct copies *c, const struct video_row *video, const struct copy_row *row)
{
    if (video->upload != UPLOAD_STATE_COMPLETE || video->life == LIFE_STATE_DELETING)
        return false;
    return video->media == MEDIA_STATE_READY || !row->original || !row->place || strcmp(row->place, c->place) != 0;
}

int copies_want(struct doing *d)
{
    struct copies *c = d->self->copies;
    struct copy_row row;
    int r = c ? copies_row(d->t, d->row.id, &row) : ERR_NOT_FOUND;

    if (r < 0 || copies_elsewhere(c, &row) || !copies_are_due(c, &d->row, &row))
        return r == ERR_NOT_FOUND ? 0 : r;
    row.wants++;
    if (!row.due_at)
        row.due_at = turn_now(d->t);
    return copy_row_put(turn_txn(d->t), &row);
}

/* What lay here before there was such a place, or another one: some rows at each tick, once. */
static int copies_look(struct catalog *self, struct turn *t)
{
    struct copies *c = self->copies;
    struct doing d = { .self = self, .t = t };
    struct bytes after = id_is_zero(c->after) ? bytes_of(NULL, 0) : bytes_of(c->after.b, 16);
    struct id last = c->after;
    struct table_walk walk;
    struct copy_row row;
    unsigned n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, TABLE_PRIMARY, NULL, 0, TABLE_UP, after);

    while (r == 0 && n < COPIES_LOOKED_AT && (r = table_walk_next(&walk, turn_arena(t), &d.row)) > 0) {
        n++;
        last = d.row.id;
        r = copies_row(t, d.row.id, &row);
        if (r == 0 && (!row.place || strcmp(row.place, c->place) != 0))
            r = copies_want(&d);
    }
    table_walk_end(&walk);
    if (r < 0)
        return r;
    c->looked = n < COPIES_LOOKED_AT;
    c->after = last;
    return 0;
}

/* ---- what failed */

static int64_t copies_later(struct turn *t, uint64_t tries)
{
    int64_t ms = COPIES_AGAIN_MS;

    while (--tries && ms < COPIES_AGAIN_MOST_MS)
        ms *= 2;
    return turn_now(t) + (ms < COPIES_AGAIN_MOST_MS ? ms : COPIES_AGAIN_MOST_MS);
}

static const char *copies_said(const struct copies *c, struct turn *t, int err, const char *name)
{
    char said[S3_SAID_MAX] = "";

    if (c->s3)
        blobs_s3_said(c->far, said);
    return arena_printf(turn_arena(t), "%s%s%s%s%s%s", err_name(err), *name ? " of " : "", name, *said ? " (" : "",
                        said, *said ? ")" : "");
}

/* It is the place that fails, not one object: nothing is asked of it for a while. */
static bool copies_is_ill(int err)
{
    return err == ERR_UNAVAILABLE || err == ERR_FORBIDDEN || err == ERR_STORE_FULL || err == ERR_IO;
}

static void copies_heed(struct copies *c, struct turn *t, int err)
{
    c->fails = copies_is_ill(err) ? c->fails + 1 : 0;
    c->pause = c->fails ? copies_later(t, c->fails) : 0;
}

static int copies_failed(struct copies *c, struct turn *t, const struct carry *work, struct copy_row *row)
{
    row->tries++;
    row->error = copies_said(c, t, work->err, work->name);
    if (row->due_at)
        row->due_at = copies_later(t, row->tries);
    else
        row->forget_at = copies_later(t, row->tries);
    turn_count(t, CATALOG_COPIES_FAILED, 1);
    turn_log(t, "copies.failed", "place=\"%s\" why=\"%s\"", c->place, row->error);
    copies_heed(c, t, work->err);
    return copy_row_put(turn_txn(t), row);
}

/* ---- what was done */

static int copies_done(struct copies *c, struct turn *t, const struct carry *work, const struct video_row *video,
                       struct copy_row *row)
{
    int64_t now = turn_now(t);
    char id[ID_TEXT_SIZE];

    row->tries = 0;
    row->error = NULL;
    row->place = copies_elsewhere(c, row) ? row->place : c->place;
    row->original = !work->left;
    row->due_at = work->left ? copies_later(t, 1) : row->wants == work->wants ? 0 : now;
    copies_heed(c, t, 0);
    turn_count(t, CATALOG_OBJECTS_COPIED, work->copied);
    turn_count(t, CATALOG_BYTES_COPIED, work->bytes_copied);
    if (work->copied)
        turn_log(t, "copies.done", "video=%s objects=%u copied=%u bytes=%llu place=\"%s\"",
                 id_format("video", video->id, id), work->objects, work->copied,
                 (unsigned long long)work->bytes_copied, c->place);
    if (work->what == CARRY_ALL && !work->left) {
        row->copied_at = now;
        row->objects = work->objects;
        row->bytes = work->bytes;
        row->forget_at = now + (int64_t)catalog_settings_of(t)->keep_local_h * 3600000;
    }
    return copy_row_put(turn_txn(t), row);
}

/* What is not there after all is copied once more. */
static int copies_gone(struct copies *c, struct turn *t, const struct carry *work, struct copy_row *row)
{
    char id[ID_TEXT_SIZE];

    row->forget_at = 0;
    row->forgotten_at = work->left ? 0 : turn_now(t);
    row->tries = 0;
    row->error = NULL;
    if (work->left)
        row->due_at = turn_now(t);
    copies_heed(c, t, 0);
    turn_count(t, CATALOG_OBJECTS_FORGOTTEN, work->removed);
    turn_log(t, "copies.gone", "video=%s removed=%u bytes=%llu left=%u", id_format("video", row->video_id, id),
             work->removed, (unsigned long long)work->bytes, work->left);
    return copy_row_put(turn_txn(t), row);
}

static int copies_carried(struct catalog *self, struct turn *t, const struct carry *work)
{
    struct copies *c = self->copies;
    struct copy_row row;
    struct doing d;
    int r = video_load(self, t, work->video, &d);

    if (r == 0 && d.row.life != LIFE_STATE_DELETING)
        r = copies_row(t, work->video, &row);
    else
        return r == ERR_NOT_FOUND ? 0 : r;
    if (r < 0 || work->err == ERR_CANCELLED)
        return r;
    if (work->err < 0)
        return copies_failed(c, t, work, &row);
    return work->what == CARRY_OFF ? copies_gone(c, t, work, &row) : copies_done(c, t, work, &d.row, &row);
}

/* ---- the pool */

static int copies_slice(void *ctx)
{
    carry_slice(*(struct carry **)ctx);
    return 0;
}

static int copies_sliced(void *self, struct turn *t, int err, const void *reply, const void *ctx);

/* In a turn that ends with it. A full pool: in a moment. */
static int copies_go_on(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct catalog *self = self_;
    int r = turn_pool(t, copies_slice, copies_sliced, &self->copies->work, sizeof(self->copies->work));

    return r == ERR_BUSY ? turn_after(t, COPIES_MS, copies_go_on, NULL, 0) : r;
}

static int copies_free_turn(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;

    carry_free(&self->copies->work);
    return turn_after(t, 0, copies_tick, NULL, 0);
}

static int copies_sliced(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    int r;

    if (!self->copies->work->ended)
        return copies_go_on(self, t, 0, NULL, NULL);
    r = turn_after(t, 0, copies_free_turn, NULL, 0);
    return r < 0 ? r : copies_carried(self, t, self->copies->work);
}

static int copies_start(struct catalog *self, struct turn *t, const struct copy_row *row, enum carry_what what)
{
    struct copies *c = self->copies;
    struct carry *work = calloc(1, sizeof(*work));

    if (!work)
        abort();
    *work = (struct carry) {
        .near = c->near, .far = c->far, .what = what, .video = row->video_id, .wants = row->wants
    };
    c->work = work;
    return copies_go_on(self, t, 0, NULL, NULL);
}

/* ---- the clock */

static bool copies_is_tight(const struct copies *c, struct turn *t)
{
    uint64_t room, total;

    return blobs_space(c->near, &room, &total) == 0 && room < 2 * catalog_settings_of(t)->reserve_bytes;
}

/* 1: something is under way. */
static int copies_next(struct catalog *self, struct turn *t)
{
    struct copies *c = self->copies;
    struct copy_row row;
    struct doing d;
    enum carry_what what = CARRY_OFF;
    int r = table_find(turn_txn(t), &copy_row_table, COPY_ROW_BY_DUE, NULL, 0, turn_arena(t), &row);

    if (r == ERR_NOT_FOUND || (r == 0 && row.due_at > turn_now(t))) {
        r = table_find(turn_txn(t), &copy_row_table, COPY_ROW_BY_FORGET, NULL, 0, turn_arena(t), &row);
        if (r == 0 && (row.due_at || (row.forget_at > turn_now(t) && (row.tries || !copies_is_tight(c, t)))))
            r = ERR_NOT_FOUND;
    } else if (r == 0) {
        what = CARRY_ORIGINAL;
    }
    if (r == 0)
        r = video_load(self, t, row.video_id, &d);
    if (r == 0 && what == CARRY_ORIGINAL && d.row.media == MEDIA_STATE_READY)
        what = CARRY_ALL;
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = copies_start(self, t, &row, what);
    return r < 0 ? r : 1;
}

static int copies_tried(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct catalog *self = self_;
    struct copies *c = self->copies;

    copies_heed(c, t, err);
    if (err < 0) {
        turn_log(t, "copies.place",
                 "place=\"%s\" why=\"%s\" sentence=\"the second place cannot be used: see catalog.far\"", c->place,
                 copies_said(c, t, err, ""));
        c->tried = false;
        return 0;
    }
    turn_log(t, "copies.place", "place=\"%s\" state=there", c->place);
    return 0;
}

static int copies_try(void *ctx)
{
    struct blobs *const *far = ctx;

    return blobs_s3_try(*far);
}

/* Before anything is copied: whether it is there, and lets us in. */
static int copies_ask(struct copies *c, struct turn *t)
{
    int r = turn_pool(t, copies_try, copies_tried, &c->far, sizeof(c->far));

    if (r == 0) {
        c->tried = true;
        c->pause = turn_now(t) + COPIES_AGAIN_MOST_MS; /* until the answer */
    }
    return r == ERR_BUSY ? 0 : r;
}

int copies_tick(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    struct copies *c = self->copies;
    int r = c->looked ? 0 : copies_look(self, t);

    if (c->work && c->work->ended) /* the turn of its end was undone */
        carry_free(&c->work);
    if (r == 0 && !c->work && turn_now(t) >= c->pause)
        r = c->s3 && !c->tried ? copies_ask(c, t) : copies_next(self, t);
    return r;
}

int copies_clock(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    turn_after(t, 0, copies_tick, NULL, 0);
    return turn_after(t, COPIES_MS, copies_clock, NULL, 0);
}

bool copies_end(struct catalog *self, struct id video)
{
    struct carry *work = self->copies ? self->copies->work : NULL;

    if (!work || !id_equal(work->video, video))
        return false;
    atomic_store(&work->cancel, true);
    return true;
}

/* ---- brought back */

static int copies_fetch(void *ctx)
{
    const struct copies_brought *b = ctx;
    struct blob_info info;
    uint8_t *data;
    size_t got;
    int r = blob_stat(b->far, b->name, &info);

    if (r == 0 && info.size > COPIES_BROUGHT_MOST)
        r = ERR_TOO_LARGE;
    if (r < 0)
        return r;
    data = malloc(info.size + 1);
    if (!data)
        abort();
    for (uint64_t at = 0; r == 0 && at < info.size; at += got)
        r = blob_read(b->far, b->name, at, data + at, info.size - at, &got);
    if (r == 0)
        r = blob_put_new(b->near, b->name, bytes_of(data, info.size), NULL);
    free(data);
    return r == ERR_EXISTS ? 0 : r;
}

static int copies_fetched(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct catalog *self = self_;
    const struct copies_brought *b = ctx;

    self->copies->bringing = false;
    if (err < 0)
        turn_log(t, "copies.bring", "name=%s error=%s", b->name, err_name(err));
    return 0;
}

int copies_bring(struct catalog *self, struct turn *t, const char *name)
{
    struct copies *c = self->copies;
    struct copies_brought b = { .near = c->near, .far = c->far };
    int r;

    if (c->bringing || strlen(name) >= sizeof(b.name))
        return 0;
    strcpy(b.name, name);
    r = turn_pool(t, copies_fetch, copies_fetched, &b, sizeof(b));
    c->bringing = r == 0;
    return r == ERR_BUSY ? 0 : r;
}

/* ---- told */

int copies_say(const struct catalog *self, struct turn *t, const struct video_row *video, const char **ret_word,
               int64_t *ret_since, const char **ret_words)
{
    const struct copies *c = self->copies;
    struct copy_row row;
    int r = c ? copies_row(t, video->id, &row) : 0;

    *ret_word = NULL;
    if (!c || r < 0)
        return r;
    *ret_since = row.forgotten_at ? row.forgotten_at : row.copied_at;
    if (row.forgotten_at) {
        *ret_word = "far";
        *ret_words = arena_printf(turn_arena(t), "original and segments lie in %s alone", row.place);
        if (copies_elsewhere(c, &row))
            *ret_words = arena_printf(
                turn_arena(t),
                "%s, and catalog.far names %s: name that place again, or an address of it as before", *ret_words,
                c->place);
    } else if (row.copied_at) {
        *ret_word = "both";
        *ret_words = arena_printf(turn_arena(t), "%llu objects, %llu bytes, lie here and in %s",
                                  (unsigned long long)row.objects, (unsigned long long)row.bytes, row.place);
    } else {
        *ret_word = row.original ? "original" : "near";
        *ret_words = arena_printf(turn_arena(t), "%s; %s is the second place",
                                  row.original ? "the original is copied, the rest when all of it is ready"
                                               : "all of it lies here",
                                  c->place);
    }
    if (row.due_at && row.copied_at)
        *ret_words = arena_printf(turn_arena(t), "%s; what changed since is to be copied", *ret_words);
    if (row.error)
        *ret_words = arena_printf(turn_arena(t), "%s; copying failed %llu times: %s", *ret_words,
                                  (unsigned long long)row.tries, row.error);
    return 0;
}

/* copies - see copies.h. A carry is its own, on the pool, until it has ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/catalog/places/copies_internal.h"
#include "schemas/wire/arena.h"

enum {
    COPIES_MS = 1000,
    COPIES_AGAIN_MS = 5000, /* after the first failure; twice that after the next */
    COPIES_AGAIN_MOST_MS = 300000,
    COPIES_LOOKED_AT = 64, /* rows a tick, at the start */
    COPIES_PASSED = 64,    /* rows that are due and under way, or of a place that is away, a tick */
};

/* ---- rows */

int copies_row(struct turn *t, struct id video, struct copy_row *ret)
{
    int r = copy_row_get(turn_txn(t), turn_arena(t), video, ret);

    if (r == ERR_NOT_FOUND)
        *ret = (struct copy_row) { .video_id = video };
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* What it has of the video alone lies in a place that is not named any more. */
bool copies_elsewhere(const struct copies *c, const struct copy_row *row)
{
    return (row->forgotten_at || row->came_there) && row->place && strcmp(row->place, c->far.name) != 0;
}

/* Its original once it is whole, its media once that is. */
static bool copies_are_due(const struct copies *c, const struct video_row *video, const struct copy_row *row)
{
    if (video->upload != UPLOAD_STATE_COMPLETE || video->life == LIFE_STATE_DELETING)
        return false;
    return video->media == MEDIA_STATE_READY || !row->original || !row->place ||
           strcmp(row->place, c->far.name) != 0;
}

int copies_want(struct doing *d)
{
    struct copies *c = d->self->copies;
    struct copy_row row;
    int r = c ? copies_row(d->t, d->row.id, &row) : ERR_NOT_FOUND;

    if (r < 0 || (copies_elsewhere(c, &row) && !copies_before(c, row.place)) || !copies_are_due(c, &d->row, &row))
        return r == ERR_NOT_FOUND ? 0 : r;
    row.wants++;
    row.leaving = false; /* what changed is copied first */
    if (!row.due_at)
        row.due_at = turn_now(d->t);
    return copy_row_put(turn_txn(d->t), &row);
}

int copies_stray(struct catalog *self, struct turn *t, struct id video)
{
    struct copy_row row;
    int r = self->copies ? copies_row(t, video, &row) : 0;

    if (!self->copies || r < 0 || !row.forgotten_at || row.forget_at)
        return r;
    row.forget_at = turn_now(t);
    return copy_row_put(turn_txn(t), &row);
}

int copies_came_there(struct doing *d, const char *place)
{
    struct copy_row row;
    int r = copies_row(d->t, d->row.id, &row);

    row.place = place;
    row.original = row.came_there = true;
    return r < 0 ? r : copy_row_put(turn_txn(d->t), &row);
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
        if (r == 0 && (!row.place || strcmp(row.place, c->far.name) != 0))
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
    return sweep_later(t, tries, COPIES_AGAIN_MS, COPIES_AGAIN_MOST_MS);
}

/* These a store gives without a word that would be kept. */
static bool copies_is_plain(int err)
{
    return err == ERR_NOT_FOUND || err == ERR_EXISTS || err == ERR_EOF || err == ERR_GONE;
}

/* by: whose answer it is; NULL: nobody's. */
static const char *copies_said(struct turn *t, int err, struct blobs *by, const char *name)
{
    char said[S3_SAID_MAX] = "";

    if (by && blobs_s3_has(by) && !copies_is_plain(err))
        blobs_s3_said(by, said);
    return arena_printf(turn_arena(t), "%s%s%s%s%s%s", err_name(err), *name ? " of " : "", name, *said ? " (" : "",
                        said, *said ? ")" : "");
}

/* What that store is called: the one before, where it is that one; else the present one. */
static const char *copies_name(const struct copies *c, const struct blobs *by)
{
    for (unsigned i = 0; i < c->before_n; i++)
        if (c->before[i].blobs == by)
            return c->before[i].name;
    return by == c->near ? "the local disk" : c->far.name;
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
    row->error = copies_said(t, work->err, work->by, work->name);
    if (row->due_at)
        row->due_at = copies_later(t, row->tries);
    else
        row->forget_at = copies_later(t, row->tries);
    turn_count(t, CATALOG_COPIES_FAILED, 1);
    turn_log(t, "copies.failed", "place=\"%s\" why=\"%s\"", copies_name(c, work->by), row->error);
    copies_heed(c, t, work->err);
    return copy_row_put(turn_txn(t), row);
}

/* ---- what was done */

/* Its place from now on; the one before is let go of when all is here. */
static void copies_settle(struct copies *c, struct copy_row *row)
{
    if (row->place && strcmp(row->place, c->far.name) != 0 && copies_before(c, row->place))
        row->leaves = row->place;
    row->place = c->far.name;
}

static int copies_done(struct copies *c, struct turn *t, const struct carry *work, const struct video_row *video,
                       struct copy_row *row)
{
    int64_t now = turn_now(t);
    char id[ID_TEXT_SIZE];

    row->tries = 0;
    row->error = NULL;
    if (work->what == CARRY_LARGE ? !work->left : !copies_elsewhere(c, row))
        copies_settle(c, row);
    row->original = !work->left;
    row->due_at = work->left                                               ? copies_later(t, 1)
                  : row->wants != work->wants || work->what == CARRY_LARGE ? now
                                                                           : 0;
    copies_heed(c, t, 0);
    turn_count(t, CATALOG_OBJECTS_COPIED, work->copied);
    turn_count(t, CATALOG_BYTES_COPIED, work->bytes_copied);
    if (work->copied)
        turn_log(t, "copies.done", "video=%s objects=%u copied=%u bytes=%llu place=\"%s\"",
                 id_format("video", video->id, id), work->objects, work->copied,
                 (unsigned long long)work->bytes_copied, c->far.name);
    if (work->what == CARRY_ALL && !work->left) {
        row->copied_at = now;
        row->objects = work->objects;
        row->bytes = work->bytes;
        row->forget_at = now + (int64_t)catalog_settings_of(t)->keep_local_h * 3600000;
        row->leaving = !row->due_at && copies_before(c, row->leaves);
        if (row->leaving)
            row->due_at = now;
    }
    return copy_row_put(turn_txn(t), row);
}

/* The place before has nothing of it any more. What changed meanwhile is still to be copied. */
static int copies_left(struct copies *c, struct turn *t, const struct carry *work, struct copy_row *row)
{
    char id[ID_TEXT_SIZE];

    turn_log(t, "copies.moved", "video=%s from=\"%s\" to=\"%s\" removed=%u", id_format("video", row->video_id, id),
             row->leaves, c->far.name, work->removed);
    row->due_at = row->leaving && row->wants == work->wants ? 0 : turn_now(t);
    row->leaves = NULL;
    row->leaving = false;
    row->tries = 0;
    row->error = NULL;
    copies_heed(c, t, 0);
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
    switch (work->what) {
    case CARRY_OFF: return copies_gone(c, t, work, &row);
    case CARRY_AWAY: return copies_left(c, t, work, &row);
    default: return copies_done(c, t, work, &d.row, &row);
    }
}

/* ---- the pool */

static int copies_slice(void *ctx)
{
    carry_slice(*(struct carry **)ctx);
    return 0;
}

static int copies_sliced(void *self, struct turn *t, int err, const void *reply, const void *ctx);

/* It goes nowhere: the clock makes its place free, and its row is due still. Not where copies_go_on is a timer of its own: that is
 * begun again. */
static void copies_lost(void *self, const void *ctx)
{
    (*(struct carry *const *)ctx)->over = true;
}

/* In a turn that ends with it. A full pool: in a moment. */
static int copies_go_on(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    int r = turn_pool(t, copies_slice, copies_sliced, ctx, sizeof(struct carry *));

    return r == ERR_BUSY ? turn_after(t, COPIES_MS, copies_go_on, ctx, sizeof(struct carry *)) : r;
}

/* Who deletes its video waits for that. */
static void copies_free_place(struct carry **place, struct turn *t)
{
    if (atomic_load(&(*place)->cancel))
        sweep_ask(t);
    carry_free(place);
}

static int copies_free_turn(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct carry *work = *(struct carry *const *)ctx;
    struct catalog *self = self_;

    for (unsigned i = 0; i < COPIES_CARRIES; i++)
        if (self->copies->work[i] == work && work->over)
            copies_free_place(&self->copies->work[i], t);
    return turn_after(t, 0, copies_tick, NULL, 0);
}

static int copies_sliced(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct carry *work = *(struct carry *const *)ctx;
    struct catalog *self = self_;
    int r;

    if (!work->ended) {
        turn_undone(t, copies_lost, ctx, sizeof(work));
        return copies_go_on(self, t, 0, NULL, ctx);
    }
    work->over = true;
    r = turn_after(t, 0, copies_free_turn, ctx, sizeof(work));
    return r < 0 ? r : copies_carried(self, t, work);
}

static int copies_start(struct catalog *self, struct turn *t, unsigned at, const struct copy_row *row,
                        enum carry_what what)
{
    struct copies *c = self->copies;
    struct carry *work = calloc(1, sizeof(*work));

    if (!work)
        abort();
    *work = (struct carry) {
        .from = c->near, .to = c->far.blobs, .what = what, .video = row->video_id, .wants = row->wants
    };
    if (what == CARRY_LARGE)
        work->from = copies_before(c, row->place)->blobs;
    else if (what == CARRY_AWAY)
        work->from = copies_before(c, row->leaves)->blobs;
    c->work[at] = work;
    turn_undone(t, copies_lost, &work, sizeof(work));
    return copies_go_on(self, t, 0, NULL, &work);
}

/* ---- the clock */

static bool copies_is_tight(const struct copies *c, struct turn *t)
{
    uint64_t room, total;

    return blobs_space(c->near, &room, &total) == 0 && room < 2 * catalog_settings_of(t)->reserve_bytes;
}

static struct carry *copies_under_way(const struct copies *c, struct id video)
{
    for (unsigned i = 0; i < COPIES_CARRIES; i++)
        if (c->work[i] && id_equal(c->work[i]->video, video))
            return c->work[i];
    return NULL;
}

/* What is to be done next with a video that is due. false: nothing can be. */
static bool copies_what(const struct copies *c, const struct video_row *video, const struct copy_row *row,
                        enum carry_what *ret)
{
    if (copies_elsewhere(c, row)) {
        *ret = CARRY_LARGE;
        return copies_before(c, row->place) != NULL;
    }
    if (row->leaving && copies_before(c, row->leaves))
        *ret = CARRY_AWAY;
    else
        *ret = video->media == MEDIA_STATE_READY ? CARRY_ALL : CARRY_ORIGINAL;
    return true;
}

/* The first row whose time has come and that nobody is at. 1, 0 when there is none, or an error. */
static int copies_find(struct catalog *self, struct turn *t, bool due, struct copy_row *ret,
                       enum carry_what *ret_what)
{
    const struct copies *c = self->copies;
    bool tight = !due && copies_is_tight(c, t);
    struct table_walk walk;
    struct doing d;
    unsigned n = 0;
    bool found = false, away = false;
    int r = table_walk_start(&walk, turn_txn(t), &copy_row_table, due ? COPY_ROW_BY_DUE : COPY_ROW_BY_FORGET, NULL,
                             0, TABLE_UP, (struct bytes) { 0 });

    while (r == 0 && !found && !away && n++ < COPIES_PASSED &&
           (r = table_walk_next(&walk, turn_arena(t), ret)) > 0) {
        r = 0;
        if ((due ? ret->due_at : ret->forget_at) > turn_now(t) && (due || ret->tries || !tight))
            break;
        if (copies_under_way(c, ret->video_id) || (!due && (ret->due_at || copies_elsewhere(c, ret))))
            continue;
        r = video_load(self, t, ret->video_id, &d);
        if (r == 0 && d.row.life == LIFE_STATE_DELETING) /* its end waits for nothing of ours */
            continue;
        *ret_what = CARRY_OFF;
        found = r == 0 && (!due || copies_what(c, &d.row, ret, ret_what));
        away = r == 0 && !found;
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    table_walk_end(&walk);
    if (r == 0 && away) { /* the place that it would be moved from is not named any more */
        ret->due_at = 0;
        r = copy_row_put(turn_txn(t), ret);
    }
    return r < 0 ? r : found;
}

/* One more, where as many as may be are not under way; the next one in a turn of its own. */
static int copies_next(struct catalog *self, struct turn *t)
{
    unsigned most = (unsigned)catalog_settings_of(t)->far_carries, i = 0;
    enum carry_what what;
    struct copy_row row;
    int r;

    while (i < most && i < COPIES_CARRIES && self->copies->work[i])
        i++;
    if (i == most || i == COPIES_CARRIES)
        return 0;
    r = copies_find(self, t, true, &row, &what);
    if (r == 0)
        r = copies_find(self, t, false, &row, &what);
    if (r <= 0)
        return r;
    turn_after(t, 0, copies_tick, NULL, 0);
    return copies_start(self, t, i, &row, what);
}

static int copies_tried(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct catalog *self = self_;
    struct copies *c = self->copies;

    copies_heed(c, t, err);
    if (err < 0) {
        turn_log(t, "copies.place",
                 "place=\"%s\" why=\"%s\" sentence=\"the second place cannot be used: see catalog.far\"",
                 c->far.name, copies_said(t, err, c->far.blobs, ""));
        c->tried = false;
        return 0;
    }
    turn_log(t, "copies.place", "place=\"%s\" state=there", c->far.name);
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
    int r = turn_pool(t, copies_try, copies_tried, &c->far.blobs, sizeof(c->far.blobs));

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

    for (unsigned i = 0; i < COPIES_CARRIES; i++)
        if (c->work[i] && c->work[i]->over) /* the turn of its end was undone */
            copies_free_place(&c->work[i], t);
    if (r == 0 && turn_now(t) >= c->pause)
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
    struct carry *work = self->copies ? copies_under_way(self->copies, video) : NULL;

    if (!work)
        return false;
    atomic_store(&work->cancel, true);
    return true;
}

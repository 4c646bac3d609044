/* sweep - what the clock does: dates that came, uploads that stand still, trash that is old, and the end
 * of videos.
 *
 * A deleted video's files go first, then its rows a few at a time, the video's own row last: a process
 * that dies in between finds it deleting, and begins again. A tombstone stays for an hour, for files of
 * runs that ended later. */
#include <stdio.h>
#include <string.h>

#include "actors/catalog/uploads/content.h"
#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/import.h"
#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "data/store/outbox.h"
#include "gen/common.h"
#include "schemas/wire/arena.h"

enum {
    SWEEP_TOMB_MS = 3600000,
    SWEEP_TEMP_MS = 3600000,
    SWEEP_AGAIN_MS = 10000, /* files that could not be deleted; others have their turn before */
    SWEEP_WALKED = 1024,    /* rows that are due, looked at in a turn */
    SWEEP_DELETING = 8,     /* of them, that are asked to be deleted: the first ones may be copied just now */
};

/* ---- the end of a video */

struct sweep_files {
    struct blobs *blobs;
    struct id id;
    bool tomb; /* the rows are gone already */
};

static int sweep_delete_files(void *ctx)
{
    const struct sweep_files *f = ctx;
    char id[ID_TEXT_SIZE], name[ID_TEXT_SIZE + 8];
    int r;

    id_format("video", f->id, id);
    snprintf(name, sizeof(name), "raw/%s/", id);
    r = blob_delete_tree(f->blobs, name);
    snprintf(name, sizeof(name), "media/%s/", id);
    return r < 0 ? r : blob_delete_tree(f->blobs, name);
}

/* Deletes rows of one table whose first key field is the video, as far as the budget goes. */
static int sweep_table(struct turn *t, const struct table_def *def, const void *prefix, unsigned *budget)
{
    struct table_walk walk;
    void *row = arena_alloc(turn_arena(t), def->size);
    int r = table_walk_start(&walk, turn_txn(t), def, TABLE_PRIMARY, prefix, 1, TABLE_UP, (struct bytes) { 0 });

    while (r == 0 && *budget && (r = table_walk_next(&walk, turn_arena(t), row)) > 0) {
        r = table_del(turn_txn(t), def, row);
        --*budget;
    }
    table_walk_end(&walk);
    return r;
}

static int sweep_uploads(struct catalog *self, struct turn *t, struct id video, unsigned *budget)
{
    struct upload upload = { .video_id = video };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &upload_table, UPLOAD_BY_VIDEO, &upload, 1, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && *budget && (r = table_walk_next(&walk, turn_arena(t), &upload)) > 0) {
        r = upload_forget(self, t, &upload);
        --*budget;
    }
    table_walk_end(&walk);
    return r;
}

/* 0 and a budget that is left: nothing of the video is there any more but its own row. */
static int sweep_rows(struct catalog *self, struct turn *t, struct id video, unsigned *budget)
{
    struct original_part part = { .video_id = video };
    struct version_row version = { .video_id = video };
    struct track_row track = { .video_id = video };
    struct run_row run = { .video_id = video };
    struct rendition_row rendition = { .video_id = video };
    struct segment_row segment = { .video_id = video };
    struct mark_row mark = { .video_id = video };
    struct damage_row damage = { .video_id = video };
    struct copy_row copy = { .video_id = video };
    struct import_row import = { .video_id = video };
    struct virus_row virus = { .video_id = video };
    struct content_row content = { .video_id = video };
    const struct {
        const struct table_def *def;
        const void *prefix;
    } all[] = { { &original_part_table, &part },      { &version_row_table, &version },
                { &track_row_table, &track },         { &run_row_table, &run },
                { &rendition_row_table, &rendition }, { &segment_row_table, &segment },
                { &mark_row_table, &mark },           { &damage_row_table, &damage },
                { &copy_row_table, &copy },           { &import_row_table, &import },
                { &virus_row_table, &virus },         { &content_row_table, &content } };
    int r = sweep_uploads(self, t, video, budget);

    for (size_t i = 0; r == 0 && i < sizeof(all) / sizeof(all[0]); i++)
        r = sweep_table(t, all[i].def, all[i].prefix, budget);
    return r;
}

static int sweep_finish(struct catalog *self, struct turn *t, struct id video)
{
    struct tombstone tomb = { .id = video, .due_at = turn_now(t) + SWEEP_TOMB_MS };
    int r = video_row_del(turn_txn(t), video);

    if (r == ERR_NOT_FOUND)
        r = 0;
    return r < 0 ? r : tombstone_put(turn_txn(t), &tomb);
}

/* Its files are still there: it is tried again when others had their turn. */
static int sweep_put_off(struct turn *t, const struct sweep_files *f)
{
    struct tombstone tomb = { .id = f->id, .due_at = turn_now(t) + SWEEP_AGAIN_MS };
    struct video_row row;
    int r;

    if (f->tomb)
        return tombstone_put(turn_txn(t), &tomb);
    r = video_row_get(turn_txn(t), turn_arena(t), f->id, &row);
    row.due_at = tomb.due_at;
    return r < 0 ? (r == ERR_NOT_FOUND ? 0 : r) : video_row_put(turn_txn(t), &row);
}

static void sweep_take(struct catalog *self, struct turn *t, struct id video)
{
    turn_remember(t, &self->deleting, sizeof(self->deleting));
    self->deleting = video;
}

static int sweep_some_rows(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    const struct sweep_files *f = ctx;
    unsigned budget = CATALOG_DELETES_A_TURN;
    int r;

    self->deleting = ID_NONE; /* whatever becomes of this turn: the clock comes by again for what it was */
    if (err < 0) {
        turn_log(t, "sweep.files", "error=%s", err_name(err));
        r = sweep_put_off(t, f);
    } else if (f->tomb) {
        r = tombstone_del(turn_txn(t), f->id);
    } else {
        r = sweep_rows(self, t, f->id, &budget);
        if (r == 0 && !budget) {
            sweep_take(self, t, f->id);
            return turn_after(t, 0, sweep_some_rows, f, sizeof(*f));
        }
        if (r == 0)
            r = sweep_finish(self, t, f->id);
    }
    return r < 0 ? r : sweep_ask(t); /* the next one that waits to be deleted */
}

/* Those of one video at a time, however slow a place may be: the pool has more to do. */
static int sweep_begin(struct catalog *self, struct turn *t, struct id video, bool tomb)
{
    struct sweep_files files = { .blobs = self->blobs, .id = video, .tomb = tomb };
    int r;

    if (!id_is_zero(self->deleting) || copies_end(self, video)) /* who ends asks again */
        return 0;
    r = turn_pool(t, sweep_delete_files, sweep_some_rows, &files, sizeof(files));
    if (r < 0)
        return r == ERR_BUSY ? 0 : r;
    sweep_take(self, t, video);
    return 0;
}

static int sweep_delete(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    return sweep_begin(self, t, *(const struct id *)ctx, false);
}

static int sweep_tombs(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct tombstone tomb;
    int r = table_find(turn_txn(t), &tombstone_table, TOMBSTONE_BY_DUE, NULL, 0, turn_arena(t), &tomb);

    if (r < 0 || tomb.due_at > turn_now(t))
        return r == ERR_NOT_FOUND ? 0 : r;
    return sweep_begin(self, t, tomb.id, true);
}

/* ---- what is due */

/* The date came: out with it, or, where its media is not there yet, as soon as that is. */
static int sweep_date(struct doing *d)
{
    int r;

    d->row.publish_at = 0;
    r = step_take(d, STEP_RELEASE, release_is_allowed(d) ? ON_ALLOWED : ON_NO_DATE);
    return r < 0 ? r : video_save(d);
}

static int sweep_video(struct catalog *self, struct turn *t, struct id id)
{
    struct doing d;
    int r = video_load(self, t, id, &d);

    if (r < 0)
        return r;
    if (d.row.life == LIFE_STATE_TRASHED) {
        r = step_take(&d, STEP_LIFE, ON_DELETE);
        if (r == 0)
            r = import_stop(&d); /* one that was tried again there */
        if (r == 0)
            r = video_save(&d);
    }
    if (r == 0 && d.row.life == LIFE_STATE_DELETING)
        return turn_after(t, 0, sweep_delete, &id, sizeof(id));
    return r < 0 ? r : sweep_date(&d);
}

/* One is deleted at a time, and may take long: dates do not wait for all those that are to follow it. */
static int sweep_due(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct video_row row;
    unsigned n = 0, walked = 0, deleting = 0;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_DUE, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && n < CATALOG_SWEEPS_A_TICK && walked++ < SWEEP_WALKED &&
           (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        r = 0;
        if (row.due_at > turn_now(t))
            break;
        if (row.life == LIFE_STATE_DELETING && deleting++ >= SWEEP_DELETING)
            continue;
        n += row.life != LIFE_STATE_DELETING;
        r = sweep_video(self, t, row.id);
    }
    table_walk_end(&walk);
    return r;
}

/* Nothing came for too long. The video keeps what is playable of it. */
static int sweep_expire(struct catalog *self, struct turn *t, const struct upload *upload)
{
    struct doing d;
    int r = upload_forget(self, t, upload);

    if (r < 0 || id_is_zero(upload->video_id) || upload->partial)
        return r;
    r = video_load(self, t, upload->video_id, &d);
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = step_take(&d, STEP_UPLOAD, ON_IDLE);
    if (r == ERR_CONFLICT)
        return 0;
    return r < 0 ? r : video_save(&d);
}

/* Of that upload alone: no room for what came, or its video is past it. What was written of it by then is so. */
static bool sweep_is_its_own(int r)
{
    return r == ERR_QUOTA_EXCEEDED || r == ERR_STORE_FULL || r == ERR_CONFLICT || r == ERR_NOT_FOUND;
}

/* Open uploads, those that stand still longest first: what their objects hold counts, told or not. One that cannot be gone
 * on with is in no other's way, and expires like any other. */
static int sweep_open_uploads(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct upload upload, seen;
    unsigned n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &upload_table, UPLOAD_BY_END, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && n++ < CATALOG_SWEEPS_A_TICK && (r = table_walk_next(&walk, turn_arena(t), &upload)) > 0) {
        seen = upload;
        r = upload_look(self, t, &seen);
        r = sweep_is_its_own(r) ? 0 : r;
        if (r == 0 && upload.expires_at <= turn_now(t))
            r = sweep_expire(self, t, &upload);
        r = r < 0 ? r : 0;
    }
    table_walk_end(&walk);
    return r;
}

/* ---- what the bus refused for good */

static int sweep_refused_job(struct catalog *self, struct turn *t, const struct outbox_refusal *refusal)
{
    struct outbox_head head;
    const char *why = arena_printf(turn_arena(t), "the bus refused the job (%s)", err_name(refusal->err));

    if (outbox_head_unpack(refusal->row.head, turn_arena(t), &head, NULL) < 0)
        return 0;
    if (strcmp(refusal->row.target, "transcode.probe") == 0)
        return catalog_on_probe_dead(self, t, &(struct probe_dead) { .job_id = head.job, .reason = why });
    if (strcmp(refusal->row.target, "fetcher.import") == 0)
        return catalog_on_import_dead(self, t, &(struct import_dead) { .job_id = head.job, .reason = why });
    if (strcmp(refusal->row.target, "fetcher.scan_original") == 0)
        return catalog_on_original_scan_dead(self, t,
                                             &(struct original_scan_dead) { .job_id = head.job, .reason = why });
    return catalog_on_run_dead(self, t, &(struct run_dead) { .job_id = head.job, .reason = why });
}

/* A job that never came to be fails its video like one that was given up: nobody else will. Refused events
 * stay where an operator sees them. */
static int sweep_refused(struct catalog *self, struct turn *t)
{
    struct outbox_refusal refusal = { .row.seq = 0 };
    unsigned n = 0;
    int r = 0;

    while (r == 0 && n < CATALOG_SWEEPS_A_TICK &&
           (r = outbox_refused_next(turn_txn(t), turn_arena(t), refusal.row.seq, &refusal)) == 0) {
        if (refusal.row.kind != OUTBOX_JOB)
            continue;
        n++;
        r = sweep_refused_job(self, t, &refusal);
        if (r == 0)
            r = outbox_refused_del(turn_txn(t), refusal.row.seq);
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* ---- what a crash left */

static int sweep_temps(void *ctx)
{
    struct blobs *const *blobs = ctx;

    return blobs_sweep(*blobs, SWEEP_TEMP_MS, NULL);
}

static int sweep_temps_done(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    if (err < 0)
        turn_log(t, "sweep.temps", "error=%s", err_name(err));
    return 0;
}

static int sweep_temps_turn(void *self_, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct catalog *self = self_;
    int r;

    if (self->swept_at && turn_now(t) - self->swept_at < SWEEP_TEMP_MS)
        return 0;
    r = turn_pool(t, sweep_temps, sweep_temps_done, &self->blobs, sizeof(self->blobs));
    if (r == 0)
        self->swept_at = turn_now(t);
    return r == ERR_BUSY ? 0 : r;
}

static int sweep_uploads_turn(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    return sweep_open_uploads(self, t);
}

static int sweep_due_turn(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    int r = sweep_due(self, t);

    return r < 0 ? r : turn_after(t, 0, sweep_tombs, NULL, 0);
}

static int sweep_refused_turn(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    return sweep_refused(self, t);
}

static int sweep_runs_turn(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    int r = runs_fill(self, t);

    return r < 0 ? r : playlist_ask(t);
}

/* Each in a turn of its own: one that fails is undone alone, and the clock goes on. */
int catalog_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    turn_after(t, 0, sweep_uploads_turn, NULL, 0);
    turn_after(t, 0, sweep_due_turn, NULL, 0);
    turn_after(t, 0, sweep_refused_turn, NULL, 0);
    turn_after(t, 0, sweep_runs_turn, NULL, 0);
    turn_after(t, 0, sweep_temps_turn, NULL, 0);
    turn_after(t, 0, content_tick, NULL, 0);
    return turn_after(t, (uint32_t)catalog_settings_of(t)->tick_ms, catalog_tick, NULL, 0);
}

int64_t sweep_later(const struct turn *t, uint64_t tries, int64_t first_ms, int64_t most_ms)
{
    int64_t ms = first_ms;

    while (--tries && ms < most_ms)
        ms *= 2;
    return turn_now(t) + (ms < most_ms ? ms : most_ms);
}

int sweep_ask(struct turn *t)
{
    return turn_after(t, 0, sweep_due_turn, NULL, 0);
}

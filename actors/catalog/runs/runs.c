/* runs - the window: which runs are on the bus, and which comes next.
 *
 * A run is written down when it is released. Per track they are released in order; what is not released
 * yet follows from the plan. Over all videos at most `window` are under way (share.c says whose turn it is);
 * but the first seconds of a preview and of its sounds wait for no window and for no worker, so that a video
 * is watchable in seconds. */
#include <string.h>

#include "actors/catalog/runs/board_parts.h"
#include "actors/catalog/runs/bytes_there.h"
#include "actors/catalog/runs/jobs.h"
#include "actors/catalog/runs/sample.h"
#include "actors/catalog/runs/share.h"
#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "broker/client/bus.h"
#include "schemas/wire/arena.h"

enum {
    RUNS_FIRST_PRIORITY = 255,
    RUNS_NEXT_PRIORITY = BUS_URGENT,
    RUNS_NEXT = 4, /* runs of a track that are urgent: 24 seconds, to be played while the others are made */
    RUNS_WATCHED_PRIORITY = PLAN_PREVIEW_PRIORITY + 10,
    RUNS_POSTER_PRIORITY = 150,
    RUNS_AHEAD = 2
};

int runs_track(struct doing *d, size_t track, struct track_row *ret)
{
    int r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, track, ret);

    if (r != ERR_NOT_FOUND)
        return r;
    *ret = (struct track_row) { .video_id = d->row.id, .version = d->row.version, .track = track };
    return 0;
}

/* Preview and sounds are a class of their own: the whole film is watchable after a sixth of the work. */
enum runs_class { RUNS_AHEAD_CLASS, RUNS_REST_CLASS, RUNS_EXTRA_CLASS };

static enum runs_class runs_class(const struct plan *plan, size_t track)
{
    if (plan->tracks[track].kind == PLAN_EXTRA)
        return RUNS_EXTRA_CLASS;
    return plan_is_ahead(plan, track) ? RUNS_AHEAD_CLASS : RUNS_REST_CLASS;
}

static uint8_t runs_priority(const struct plan *plan, size_t track, uint32_t run)
{
    enum plan_kind kind = plan->tracks[track].kind;

    if (kind == PLAN_POSTER)
        return run == 1 ? RUNS_POSTER_PRIORITY : RUNS_NEXT_PRIORITY; /* somebody waits for one that he chose */
    if (kind == PLAN_EXTRA)
        return PLAN_EXTRA_PRIORITY;
    if (runs_class(plan, track) != RUNS_AHEAD_CLASS)
        return PLAN_BULK_PRIORITY;
    if (run <= RUNS_NEXT)
        return run == 1 ? RUNS_FIRST_PRIORITY : RUNS_NEXT_PRIORITY;
    return kind == PLAN_FULL ? PLAN_BULK_PRIORITY : PLAN_PREVIEW_PRIORITY;
}

/* ERR_UNSUPPORTED and a reason: no such job can be put. */
static int runs_put(struct doing *d, const struct version_row *version, const struct plan *plan, size_t track,
                    uint32_t run, struct id *ret_job)
{
    uint8_t priority = runs_priority(plan, track, run);
    bool ahead = version->watched && plan_is_ahead(plan, track) && priority < RUNS_WATCHED_PRIORITY;
    struct job_options options = { .priority = ahead ? RUNS_WATCHED_PRIORITY : priority };
    struct encode_run job;
    int r = plan_run(plan, track, run, turn_arena(d->t), &job);

    d->reason = NULL;
    if (r < 0)
        return r;
    if (job.kind == RUN_KIND_POSTER && run > 1) {
        job.at_ms = d->row.poster_at_ms;
        job.exact = true;
    }
    job.video_id = d->row.id;
    job.version = d->row.version;
    job.run = RUN_NUMBER(track, run);
    job.prefix = media_prefix(d->t, &d->row);
    job.length = d->row.declared_bytes;
    job.complete = d->row.upload == UPLOAD_STATE_COMPLETE;
    r = job.kind == RUN_KIND_BOARD ? board_parts(d, plan, &job) : media_parts(d, &job.parts, &job.parts_n);
    if (r == 0 && !job.complete)
        r = bytes_marks(d, &job);
    if (r < 0)
        return r;
    d->reason = jobs_wrong(d->t, &encode_run_type, &job);
    return d->reason ? ERR_UNSUPPORTED : put_encode_run(d->t, &job, &options, ret_job);
}

/* ---- what one video has wrong must not undo a turn that is about others as well */

/* Whether it lies with the video: its plan, its rows, its objects. */
static bool runs_is_its_own(int r)
{
    return r == ERR_UNSUPPORTED || r == ERR_NOT_FOUND || r == ERR_CORRUPT;
}

static int runs_save(struct doing *d)
{
    int r;

    d->fill = false; /* who fills goes on */
    r = video_save(d);
    d->events = 0;
    d->dirty = false;
    return r;
}

/* Nothing of it can be made. */
static int runs_give_up(struct doing *d, int err)
{
    int r;

    turn_log(d->t, "runs.given_up", "error=%s", err_name(err));
    d->reason = arena_printf(turn_arena(d->t), "What was planned of it cannot be read any more (%s).",
                             err_name(err));
    r = step_take(d, STEP_MEDIA, ON_RUN_DEAD);
    return r == ERR_CONFLICT ? 0 : r < 0 ? r : runs_save(d);
}

/* One run of it cannot be put. */
static int runs_never_put(struct doing *d, struct version_row *version, struct plan *plan, struct run_row *run,
                          int err)
{
    const char *why = d->reason              ? d->reason
                      : err == ERR_NOT_FOUND ? "what it is made of is not there"
                                             : err_name(err);

    turn_log(d->t, "runs.never_put", "run=%llu why=%.300s", (unsigned long long)run->number, why);
    return commit_dead(d, version, plan, run, 0, why);
}

/* 1: it is on its way; 0: it cannot be put, and its video is told. */
static int runs_release(struct doing *d, struct version_row *version, struct plan *plan, struct track_row *track)
{
    uint32_t run = (uint32_t)track->released + 1;
    struct run_row row = {
        .video_id = d->row.id,
        .version = d->row.version,
        .number = RUN_NUMBER(track->track, run),
        .state = RUN_STATE_RELEASED,
        .open_at = turn_now(d->t),
    };
    int put = runs_put(d, version, plan, track->track, run, &row.job_id), r = put;

    track->released = run;
    if (runs_is_its_own(put)) {
        r = track_row_put(turn_txn(d->t), track);
        if (r == 0)
            r = runs_never_put(d, version, plan, &row, put);
        return r < 0 ? r : runs_save(d);
    }
    if (r == 0)
        r = run_row_put(turn_txn(d->t), &row);
    if (r == 0)
        r = share_spend(d->t, d->row.owner_id, plan_run_work(plan, track->track, run));
    if (r < 0)
        return r;
    turn_count(d->t, CATALOG_RUNS_RELEASED, 1);
    r = track_row_put(turn_txn(d->t), track);
    return r < 0 ? r : 1;
}

int runs_poster(struct doing *d, const struct version_row *version, const struct plan *plan, size_t track,
                uint32_t run)
{
    struct run_row row = {
        .video_id = d->row.id,
        .version = d->row.version,
        .number = RUN_NUMBER(track, run),
        .state = RUN_STATE_RELEASED,
        .open_at = turn_now(d->t),
    };
    int r = runs_put(d, version, plan, track, run, &row.job_id);

    if (r == ERR_UNSUPPORTED)
        return turn_fail(d->t, r, NULL, "the picture of that moment cannot be asked for: %s", d->reason);
    return r < 0 ? r : run_row_put(turn_txn(d->t), &row);
}

/* Whether a track has a run that may go now: 1 or 0. Without an end it stays a little ahead of what is
 * done. */
static int runs_may_release(struct doing *d, const struct version_row *version, const struct plan *plan,
                            const struct track_row *track)
{
    uint32_t total = plan_runs(plan, track->track), run = (uint32_t)track->released + 1;

    if (track->ended)
        return 0;
    if (total ? run > total : track->released >= track->done_upto + RUNS_AHEAD)
        return 0;
    if (plan->tracks[track->track].kind == PLAN_BOARD)
        return board_may_begin(d, plan);
    if (sample_is_awaited(version, plan, track->track))
        return 0;
    if (d->row.upload == UPLOAD_STATE_COMPLETE)
        return 1;
    if (plan->tracks[track->track].kind == PLAN_TEXT) /* it walks all of the file */
        return 0;
    return bytes_there(d, version, plan, track->track, run);
}

/* Where in time the next run of a track begins; what is earliest goes first. */
static uint64_t runs_place(const struct plan *plan, size_t track, uint32_t run)
{
    const struct plan_track *what = &plan->tracks[track];

    if (what->kind == PLAN_POSTER || what->kind == PLAN_TEXT || what->kind == PLAN_BOARD ||
        what->kind == PLAN_SAMPLE)
        return 0;
    struct grid_span segments = grid_run_segments(&plan->grid, run, plan_pace(plan, track));
    return segments.count ? grid_segment_gops(&plan->grid, (uint32_t)segments.first).first : UINT64_MAX;
}

/* What of a version waits. */
struct runs_left {
    bool urgent, ahead, rest, extra;
};

/* The track whose next run is the most urgent one: 1, or 0 when none may go. */
static int runs_choose(struct doing *d, const struct version_row *version, const struct plan *plan,
                       struct track_row *ret, struct runs_left *ret_left)
{
    uint64_t best_place = 0;
    enum runs_class best_class = RUNS_AHEAD_CLASS;
    int found = 0;

    *ret_left = (struct runs_left) { .urgent = false };
    for (size_t i = 0; i < plan->tracks_n; i++) {
        struct track_row track;
        uint32_t total = plan_runs(plan, i);
        int r = runs_track(d, i, &track);

        if (r < 0)
            return r;
        if (track.ended || (total && track.released >= total))
            continue;
        uint64_t place = runs_place(plan, i, (uint32_t)track.released + 1);
        enum runs_class class = runs_class(plan, i);
        ret_left->urgent |= runs_priority(plan, i, (uint32_t)track.released + 1) >= BUS_URGENT;
        ret_left->ahead |= class == RUNS_AHEAD_CLASS;
        ret_left->rest |= class == RUNS_REST_CLASS;
        ret_left->extra |= class == RUNS_EXTRA_CLASS;
        r = runs_may_release(d, version, plan, &track);
        if (r < 0)
            return r;
        if (r && (!found || class < best_class || (class == best_class && place < best_place))) {
            *ret = track;
            best_place = place;
            best_class = class;
            found = 1;
        }
    }
    return found;
}

/* The version's row as its tracks stand. */
static int runs_want(struct doing *d, struct version_row *version, struct runs_left left)
{
    enum share_stage ahead = version->watched ? SHARE_WATCHED : SHARE_AHEAD;
    enum share_stage stage = left.ahead ? ahead : left.rest ? SHARE_REST : left.extra ? SHARE_EXTRA : SHARE_NONE;
    int r;

    if (!left.urgent)
        version->urgent_at = 0;
    r = share_want(d->t, version, d->row.owner_id, stage);
    return r < 0 ? r : version_row_put(turn_txn(d->t), version);
}

int runs_begin(struct doing *d, struct version_row *version)
{
    version->urgent_at = turn_now(d->t);
    d->fill = true;
    return runs_want(d, version, (struct runs_left) { .urgent = true, .ahead = true });
}

int runs_watched(struct doing *d, struct version_row *version)
{
    if (version->watched || version->stage != SHARE_AHEAD)
        return 0;
    version->watched = true;
    return runs_want(d, version, (struct runs_left) { .urgent = version->urgent_at != 0, .ahead = true });
}

/* How many are under way, up to `most`. */
static int runs_count_open(struct turn *t, uint64_t most, uint64_t *ret)
{
    struct table_walk walk;
    struct run_row row;
    uint64_t n = 0;
    int r = table_walk_start(&walk, turn_txn(t), &run_row_table, RUN_ROW_BY_OPEN, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && n < most && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        n++;
        r = 0;
    }
    table_walk_end(&walk);
    *ret = n;
    return r;
}

/* It is being made, or being made once more in another codec. */
static bool runs_is_made(const struct doing *d, const struct version_row *version)
{
    return d->row.media == MEDIA_STATE_PROCESSING || (d->row.media == MEDIA_STATE_READY && version->extras_n);
}

int runs_extra(struct doing *d, struct version_row *version)
{
    d->fill = true;
    return runs_want(d, version, (struct runs_left) { .extra = true });
}

/* 1: the version's video may be worked on; 0: not now, or never again. */
static int runs_load(struct catalog *self, struct turn *t, struct version_row *version, struct doing *d,
                     struct plan *plan)
{
    int r = video_load(self, t, version->video_id, d);

    if (r == ERR_NOT_FOUND || (r == 0 && d->row.version != version->version)) {
        version->urgent_at = 0;
        r = share_want(t, version, version->owner_id, SHARE_NONE);
        return r < 0 ? r : version_row_put(turn_txn(t), version);
    }
    if (r < 0 || d->row.life != LIFE_STATE_LIVE || !runs_is_made(d, version))
        return r;
    r = media_load_plan(d, version, plan);
    if (runs_is_its_own(r))
        return runs_give_up(d, r);
    return r < 0 ? r : 1;
}

/* Like runs_choose; before a film's ladder begins, moments of it are looked at. */
static int runs_choose_or_look(struct doing *d, struct version_row *version, struct plan *plan,
                               struct track_row *ret, struct runs_left *ret_left)
{
    int found = runs_choose(d, version, plan, ret, ret_left);
    int added = found > 0 && plan->tracks[ret->track].kind == PLAN_FULL ? sample_begin(d, version, plan) : 0;

    if (added <= 0)
        return added < 0 ? added : found;
    d->dirty = true;
    added = runs_save(d);
    return added < 0 ? added : runs_choose(d, version, plan, ret, ret_left);
}

/* One run of one video. 1: released; 0: nothing of it may go now. */
static int runs_serve(struct catalog *self, struct turn *t, struct version_row *version)
{
    struct runs_left left;
    struct track_row track;
    struct doing d;
    struct plan plan;
    int r = runs_load(self, t, version, &d, &plan), found, released;

    if (r <= 0)
        return r;
    do {
        found = runs_choose_or_look(&d, version, &plan, &track, &left);
        if (found < 0)
            return runs_is_its_own(found) ? runs_give_up(&d, found) : found;
        released = found ? runs_release(&d, version, &plan, &track) : 0;
    } while (found && released == 0 && runs_is_made(&d, version));
    if (released < 0)
        return released;
    /* what was released may have been the last of its kind: what is left shows the next time */
    r = runs_want(&d, version, left);
    return r < 0 ? r : released;
}

/* All of a video's first seconds that may go. */
static int runs_hurry(struct catalog *self, struct turn *t, struct version_row *version)
{
    struct doing d;
    struct plan plan;
    bool left = false;
    int r = runs_load(self, t, version, &d, &plan);

    if (r <= 0)
        return r;
    r = 0;
    for (size_t i = 0; r == 0 && i < plan.tracks_n; i++) {
        struct track_row track;

        r = runs_track(&d, i, &track);
        while (r == 0 && d.row.media == MEDIA_STATE_PROCESSING &&
               runs_priority(&plan, i, (uint32_t)track.released + 1) >= BUS_URGENT) {
            uint32_t total = plan_runs(&plan, i);

            if (track.ended || (total && track.released >= total))
                break;
            r = runs_may_release(&d, version, &plan, &track);
            left |= r == 0;
            if (r <= 0)
                break;
            r = runs_release(&d, version, &plan, &track);
            r = r < 0 ? r : 0;
        }
    }
    if (runs_is_its_own(r))
        return runs_give_up(&d, r);
    if (r < 0 || (left && d.row.media == MEDIA_STATE_PROCESSING))
        return r;
    version->urgent_at = 0;
    return version_row_put(turn_txn(t), version);
}

static int runs_hurry_all(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct version_row version;
    int r = table_walk_start(&walk, turn_txn(t), &version_row_table, VERSION_ROW_BY_URGENT, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &version)) > 0)
        r = runs_hurry(self, t, &version);
    table_walk_end(&walk);
    return r;
}

int runs_fill(struct catalog *self, struct turn *t)
{
    uint64_t window = catalog_settings_of(t)->window, open = 0;
    int r = runs_hurry_all(self, t);

    if (r == 0)
        r = runs_count_open(t, window, &open);
    for (; r == 0 && open < window; open++) {
        r = share_next(self, t, runs_serve);
        if (r <= 0)
            return r;
        r = 0;
    }
    return r;
}

/* The same run as another job. What the job before made is found by its names, and wins if it was first. */
static int runs_put_again(struct doing *d, struct version_row *version, struct plan *plan, struct run_row *row)
{
    int r = runs_put(d, version, plan, RUN_TRACK(row->number), RUN_OF_TRACK(row->number), &row->job_id);

    if (r == ERR_NOT_FOUND) { /* the end was found before it since: nothing is left to do for it */
        row->state = RUN_STATE_DONE;
        row->open_at = 0;
        r = 0;
    }
    if (runs_is_its_own(r))
        return runs_never_put(d, version, plan, row, r);
    return r < 0 ? r : run_row_put(turn_txn(d->t), row);
}

static int runs_ask_video(struct doing *d, struct run_row *row)
{
    struct version_row version;
    struct plan plan;
    int r = media_load_plan(d, &version, &plan);

    if (runs_is_its_own(r))
        return runs_give_up(d, r);
    if (r == 0)
        r = runs_put_again(d, &version, &plan, row);
    return r < 0 || row->open_at ? r : runs_save(d);
}

/* The ends of jobs are lost: whatever is under way is asked for again. */
int runs_ask_again(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct run_row row;
    int r = table_walk_start(&walk, turn_txn(t), &run_row_table, RUN_ROW_BY_OPEN, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        struct doing d;

        r = video_load(self, t, row.video_id, &d);
        if (r == 0)
            r = d.row.version == row.version ? runs_ask_video(&d, &row) : commit_close(t, &row);
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    table_walk_end(&walk);
    return r;
}

/* Failed runs go again as they were; the runs after them go on in their turn. */
int media_retry_runs(struct doing *d)
{
    struct run_row row = { .video_id = d->row.id, .version = d->row.version };
    struct version_row version;
    struct table_walk walk;
    struct plan plan;
    int r = media_load_plan(d, &version, &plan);

    if (r < 0)
        return r;
    r = table_walk_start(&walk, turn_txn(d->t), &run_row_table, TABLE_PRIMARY, &row, 2, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        r = 0;
        if (row.state != RUN_STATE_FAILED)
            continue;
        row.state = RUN_STATE_RELEASED;
        row.failed_at = row.ended_at = 0;
        row.open_at = turn_now(d->t);
        r = runs_put_again(d, &version, &plan, &row);
    }
    table_walk_end(&walk);
    if (r == 0)
        r = runs_want(d, &version, (struct runs_left) { .ahead = true });
    if (d->row.media == MEDIA_STATE_FAILED)
        return r;
    d->row.reason = NULL;
    d->fill = true;
    d->events |= DOING_CHANGED;
    return r;
}

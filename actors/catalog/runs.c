/* runs - the window: which runs are on the bus, and which comes next.
 *
 * A run is written down when it is released. Per track they are released in order; what is not released
 * yet follows from the plan. Over all videos at most `window` are under way, and the video that was served
 * last waits longest; the first runs of a preview and of its sounds go ahead of everything, so that a
 * video is watchable in seconds. */
#include <string.h>

#include "actors/catalog/bytes_there.h"
#include "actors/catalog/step.h"
#include "actors/catalog/step_do.h"
#include "schemas/wire/arena.h"

enum { RUNS_FIRST_PRIORITY = 255, RUNS_POSTER_PRIORITY = 150, RUNS_AHEAD = 2 };

static int runs_load_track(struct doing *d, size_t track, struct track_row *ret)
{
    int r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, track, ret);

    if (r != ERR_NOT_FOUND)
        return r;
    *ret = (struct track_row) { .video_id = d->row.id, .version = d->row.version, .track = track };
    return 0;
}

static uint8_t runs_priority(const struct plan *plan, size_t track, uint32_t run)
{
    switch (plan->tracks[track].kind) {
    case PLAN_POSTER: return RUNS_POSTER_PRIORITY;
    case PLAN_COPY: return PLAN_BULK_PRIORITY;
    case PLAN_FULL: return track == 0 && run == 1 ? RUNS_FIRST_PRIORITY : PLAN_BULK_PRIORITY;
    default: return run == 1 ? RUNS_FIRST_PRIORITY : PLAN_PREVIEW_PRIORITY;
    }
}

static int runs_put(struct doing *d, const struct plan *plan, size_t track, uint32_t run, struct id *ret_job)
{
    struct job_options options = { .priority = runs_priority(plan, track, run) };
    struct encode_run job;
    int r = plan_run(plan, track, run, turn_arena(d->t), &job);

    if (r < 0)
        return r;
    job.video_id = d->row.id;
    job.version = d->row.version;
    job.run = RUN_NUMBER(track, run);
    job.prefix = media_prefix(d->t, &d->row);
    job.length = d->row.declared_bytes;
    job.complete = d->row.upload == UPLOAD_STATE_COMPLETE;
    r = media_parts(d, &job.parts, &job.parts_n);
    return r < 0 ? r : put_encode_run(d->t, &job, &options, ret_job);
}

static int runs_release(struct doing *d, const struct plan *plan, struct track_row *track)
{
    uint32_t run = (uint32_t)track->released + 1;
    struct run_row row = {
        .video_id = d->row.id,
        .version = d->row.version,
        .number = RUN_NUMBER(track->track, run),
        .state = RUN_STATE_RELEASED,
        .open_at = turn_now(d->t),
    };
    int r = runs_put(d, plan, track->track, run, &row.job_id);

    if (r == 0)
        r = run_row_put(turn_txn(d->t), &row);
    if (r < 0)
        return r;
    track->released = run;
    turn_count(d->t, CATALOG_RUNS_RELEASED, 1);
    return track_row_put(turn_txn(d->t), track);
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
    if (d->row.upload == UPLOAD_STATE_COMPLETE)
        return 1;
    return bytes_there(d, version, plan, track->track, run);
}

/* Where in time the next run of a track begins; what is earliest goes first. */
static uint64_t runs_place(const struct plan *plan, size_t track, uint32_t run)
{
    const struct plan_track *what = &plan->tracks[track];

    if (what->kind == PLAN_POSTER)
        return 0;
    struct grid_span segments = grid_run_segments(&plan->grid, run, plan_run_gops(plan, track));
    return segments.count ? grid_segment_gops(&plan->grid, (uint32_t)segments.first).first : UINT64_MAX;
}

/* Preview and sounds are a class of their own: the whole film is watchable after a sixth of the work. */
static unsigned runs_class(const struct plan *plan, size_t track)
{
    enum plan_kind kind = plan->tracks[track].kind;

    return (kind == PLAN_FULL && track > 0) || kind == PLAN_COPY ? 1 : 0;
}

/* The track whose next run is the most urgent one: 1, or 0 when none may go; *ret_left: some will, later. */
static int runs_choose(struct doing *d, const struct version_row *version, const struct plan *plan,
                       struct track_row *ret, bool *ret_left)
{
    uint64_t best_place = 0;
    unsigned best_class = 0;
    int found = 0;

    *ret_left = false;
    for (size_t i = 0; i < plan->tracks_n; i++) {
        struct track_row track;
        uint32_t total = plan_runs(plan, i);
        int r = runs_load_track(d, i, &track);

        if (r < 0)
            return r;
        *ret_left |= !track.ended && (total == 0 || track.released < total);
        r = runs_may_release(d, version, plan, &track);
        if (r < 0)
            return r;
        uint64_t place = runs_place(plan, i, (uint32_t)track.released + 1);
        unsigned class = runs_class(plan, i);
        if (r && (!found || class < best_class || (class == best_class && place < best_place))) {
            *ret = track;
            best_place = place;
            best_class = class;
            found = 1;
        }
    }
    return found;
}

/* The probe is done: the first seconds go at once, the rest takes its turn. */
int runs_begin(struct doing *d, struct version_row *version, const struct plan *plan)
{
    int r = 0;

    version->wants_at = turn_now(d->t);
    r = version_row_put(turn_txn(d->t), version);
    for (size_t i = 0; r == 0 && i < plan->tracks_n; i++) {
        bool first = i == 0 || plan->tracks[i].kind == PLAN_AUDIO;
        struct track_row track;

        r = runs_load_track(d, i, &track);
        if (r == 0 && first && track.released == 0)
            r = runs_release(d, plan, &track);
    }
    d->fill = true;
    return r;
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

/* One run of one video. 1: released; 0: nothing of it may go now. The video goes to the end of the queue,
 * that is to `place`. */
static int runs_serve(struct catalog *self, struct turn *t, struct version_row *version, int64_t place)
{
    struct track_row track;
    struct doing d;
    struct plan plan;
    bool left = true;
    int r = video_load(self, t, version->video_id, &d), found = 0;

    if (r == ERR_NOT_FOUND || (r == 0 && d.row.version != version->version)) {
        version->wants_at = 0;
        return version_row_put(turn_txn(t), version);
    }
    if (r < 0 || d.row.life != LIFE_STATE_LIVE || d.row.media != MEDIA_STATE_PROCESSING)
        return r;
    r = media_load_plan(&d, version, &plan);
    if (r == 0)
        found = runs_choose(&d, version, &plan, &track, &left);
    if (r < 0 || found < 0)
        return r < 0 ? r : found;
    if (found)
        r = runs_release(&d, &plan, &track);
    if (r < 0 || (!found && left))
        return r;
    version->wants_at = left ? place : 0;
    r = version_row_put(turn_txn(t), version);
    return r < 0 ? r : found;
}

/* Where the queue ends now. */
static int runs_end(struct turn *t, int64_t *ret)
{
    struct table_walk walk;
    struct version_row version;
    int r = table_walk_start(&walk, turn_txn(t), &version_row_table, VERSION_ROW_BY_WANTS, NULL, 0, TABLE_DOWN,
                             (struct bytes) { 0 });

    if (r == 0)
        r = table_walk_next(&walk, turn_arena(t), &version);
    table_walk_end(&walk);
    *ret = r > 0 ? version.wants_at : 0;
    return r < 0 ? r : 0;
}

/* Once round the queue. Answers how many were released, or an error. */
static int runs_round(struct catalog *self, struct turn *t, uint64_t room)
{
    struct table_walk walk;
    struct version_row version;
    int64_t last, place;
    int released = 0, r = runs_end(t, &last);

    if (r < 0)
        return r;
    place = last < turn_now(t) ? turn_now(t) : last + 1;
    r = table_walk_start(&walk, turn_txn(t), &version_row_table, VERSION_ROW_BY_WANTS, NULL, 0, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && (uint64_t)released < room && (r = table_walk_next(&walk, turn_arena(t), &version)) > 0) {
        r = 0;
        if (version.wants_at > last) /* served in this round */
            break;
        r = runs_serve(self, t, &version, place++);
        if (r < 0)
            break;
        released += r;
        r = 0;
    }
    table_walk_end(&walk);
    return r < 0 ? r : released;
}

int runs_fill(struct catalog *self, struct turn *t)
{
    uint64_t window = catalog_settings_of(t)->window, open;
    int r = runs_count_open(t, window, &open);

    while (r == 0 && open < window) {
        int released = runs_round(self, t, window - open);

        if (released <= 0)
            return released;
        open += (uint64_t)released;
    }
    return r;
}

/* The same run as another job. What the job before made is found by its names, and wins if it was first. */
static int runs_put_again(struct doing *d, const struct plan *plan, struct run_row *row)
{
    int r = runs_put(d, plan, RUN_TRACK(row->number), RUN_OF_TRACK(row->number), &row->job_id);

    if (r == ERR_NOT_FOUND) { /* the end was found before it since: nothing is left to do for it */
        row->state = RUN_STATE_DONE;
        row->open_at = 0;
        r = 0;
    }
    return r < 0 ? r : run_row_put(turn_txn(d->t), row);
}

/* The ends of jobs are lost: whatever is under way is asked for again. */
int runs_ask_again(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct run_row row;
    int r = table_walk_start(&walk, turn_txn(t), &run_row_table, RUN_ROW_BY_OPEN, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        struct version_row version;
        struct plan plan;
        struct doing d;

        r = video_load(self, t, row.video_id, &d);
        if (r == 0 && d.row.version == row.version)
            r = media_load_plan(&d, &version, &plan);
        if (r == 0 && d.row.version == row.version)
            r = runs_put_again(&d, &plan, &row);
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
        r = runs_put_again(d, &plan, &row);
    }
    table_walk_end(&walk);
    version.wants_at = turn_now(d->t);
    if (r == 0)
        r = version_row_put(turn_txn(d->t), &version);
    d->row.reason = NULL;
    d->fill = true;
    d->events |= DOING_CHANGED;
    return r;
}

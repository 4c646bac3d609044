/* commit - what a run made becomes rows: the first committed result of a run wins, any other is dropped. */
#include <string.h>

#include "actors/catalog/places/copies.h"
#include "actors/catalog/runs/extra.h"
#include "actors/catalog/runs/sample.h"
#include "actors/catalog/runs/share.h"
#include "actors/catalog/step.h"
#include "schemas/wire/arena.h"

enum { COMMIT_PACE_MS = 2000 };

/* Dropped in silence: a video that is gone, a version of before. */
static int commit_load(struct catalog *self, struct turn *t, const struct run_row *run, struct doing *ret)
{
    int r = video_load(self, t, run->video_id, ret);

    if (r == 0 && (ret->row.version != run->version || ret->row.life == LIFE_STATE_DELETING))
        r = ERR_NOT_FOUND;
    return r;
}

int commit_close(struct turn *t, struct run_row *run)
{
    run->state = RUN_STATE_DONE;
    run->job_id = ID_NONE;
    run->open_at = run->failed_at = 0;
    run->ended_at = turn_now(t);
    return run_row_put(turn_txn(t), run);
}

static int commit_segment(struct doing *d, const char *dir, const struct made_segment *made)
{
    struct segment_row row = {
        .video_id = d->row.id,
        .version = d->row.version,
        .dir = dir,
        .number = made->number,
        .size = made->size,
        .hash = made->hash,
        .frames = made->frames,
        .start = made->start,
        .duration = made->duration,
        .gops = made->gops,
        .gops_n = made->gops_n,
    };
    int r = segment_row_put_new(turn_txn(d->t), &row);

    return r == ERR_EXISTS ? 0 : r;
}

/* Counts on from the segments that are there without a gap. */
static int commit_count_on(struct doing *d, struct rendition_row *row)
{
    struct segment_row segment;
    int r;

    while ((r = segment_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, row->dir,
                                row->segments + 1, &segment)) == 0) {
        row->segments++;
        row->until = segment.start + segment.duration;
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int commit_rendition(struct doing *d, const struct made_rendition *made)
{
    struct rendition_row row;
    int r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, made->dir, &row);

    if (r == ERR_NOT_FOUND) {
        r = 0;
        row = (struct rendition_row) {
            .video_id = d->row.id,
            .version = d->row.version,
            .dir = made->dir,
            .init_size = made->init.size,
            .init_hash = made->init.hash,
            .codec = made->codec,
            .timescale = made->timescale,
            .width = made->width,
            .height = made->height,
        };
    } else if (r == 0 && made->segments_n && !bytes_equal(row.init_hash, made->init.hash)) {
        return turn_fail(d->t, ERR_CONFLICT, NULL, "%s: initialisation differs between runs", made->dir);
    }
    for (size_t i = 0; r == 0 && i < made->segments_n; i++)
        r = commit_segment(d, made->dir, &made->segments[i]);
    if (r == 0)
        r = commit_count_on(d, &row);
    return r < 0 ? r : rendition_row_put(turn_txn(d->t), &row);
}

/* A text lies in one file: what is kept of it is its size, which players are told. */
static int commit_text(struct doing *d, const struct made_text *made)
{
    struct rendition_row row = { .video_id = d->row.id,
                                 .version = d->row.version,
                                 .dir = made->dir,
                                 .init_size = made->object.size,
                                 .init_hash = made->object.hash,
                                 .codec = "wvtt",
                                 .timescale = 1000 };

    return rendition_row_put(turn_txn(d->t), &row);
}

/* What is no picture and no sound: a video without it is a video. */
static bool commit_can_do_without(const struct plan *plan, uint64_t number)
{
    size_t track = RUN_TRACK(number);
    enum plan_kind kind = track < plan->tracks_n ? plan->tracks[track].kind : PLAN_FULL;

    return kind == PLAN_POSTER || kind == PLAN_TEXT || kind == PLAN_BOARD || kind == PLAN_SAMPLE;
}

/* What is counted of a video until it is ready. */
static bool commit_counts(const struct plan *plan, uint64_t number)
{
    return RUN_TRACK(number) >= plan->tracks_n || plan->tracks[RUN_TRACK(number)].kind != PLAN_EXTRA;
}

/* A run says where its track ends. The picture's end, or that of the first sound when there is no picture,
 * is the video's; the plan then has a length, and all that follows is padded to it. */
static int commit_end(struct doing *d, const struct run_done *done, struct version_row *version, struct plan *plan)
{
    const struct plan_track *track = &plan->tracks[RUN_TRACK(done->run)];
    uint64_t frames = done->end;

    if (!done->has_end || plan->grid.frames || commit_can_do_without(plan, done->run))
        return 0;
    if (track->kind == PLAN_AUDIO) {
        uint64_t samples = done->end * GRID_AAC_FRAME, grid_frame = 2 * PLAN_RATE;

        if (plan->has_video)
            return 0;
        frames = (samples + grid_frame - 1) / grid_frame;
    }
    version->frames = frames ? frames : 1;
    plan_end(plan, version->frames);
    d->row.duration_ms = grid_ms(&plan->grid, version->frames);
    if (track->kind == PLAN_AUDIO)
        d->row.duration_ms = done->end * GRID_AAC_FRAME * 1000 / PLAN_RATE;
    d->row.runs_total = 0;
    for (size_t i = 0; i < plan->tracks_n; i++)
        d->row.runs_total += plan_runs(plan, i);
    d->events |= DOING_CHANGED;
    return version_row_put(turn_txn(d->t), version);
}

/* A sound may end before the picture, where the length was not proven: what is there of it is all. */
static int commit_track(struct doing *d, size_t track, bool ended)
{
    struct track_row row;
    struct run_row run;
    int r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, track, &row);

    if (r < 0)
        return r;
    while ((r = run_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version,
                            RUN_NUMBER(track, row.done_upto + 1), &run)) == 0 &&
           run.state == RUN_STATE_DONE)
        row.done_upto++;
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    row.ended |= ended;
    return track_row_put(turn_txn(d->t), &row);
}

static int commit_run(struct doing *d, const struct plan *plan, struct run_row *run, const struct run_done *done)
{
    run->state = RUN_STATE_DONE;
    run->job_id = ID_NONE;
    run->open_at = 0;
    run->failed_at = 0;
    run->ended_at = turn_now(d->t);
    run->attempts = done->attempts;
    run->damaged = done->damaged;
    run->cpu_ms = done->cpu_ms;
    run->levels = done->levels;
    run->has_peak = done->has_peak;
    run->peak = done->peak;
    run->reason = done->damaged && done->warnings_n ? done->warnings[0] : NULL; /* where */
    d->row.runs_done += commit_counts(plan, run->number);
    d->row.damaged |= done->damaged > 0;
    d->row.has_poster |= done->kind == RUN_KIND_POSTER && done->images_n > 0;
    turn_count(d->t, CATALOG_RUNS_DONE, 1);
    return run_row_put(turn_txn(d->t), run);
}

/* Only what the plan asked of this track may come back. */
static bool commit_is_planned(const struct plan *plan, const struct run_done *done)
{
    if (RUN_TRACK(done->run) >= plan->tracks_n)
        return false;
    if (sample_is(plan, done->run))
        return true; /* sample.c looks at it more closely */
    for (size_t i = 0; i < done->renditions_n; i++) {
        const char *dir = done->renditions[i].dir;
        bool found = false;

        for (size_t k = 0; dir && k < plan->ladder.all_n; k++)
            found |= strcmp(plan->ladder.rungs[k].dir, dir) == 0;
        for (size_t k = 0; dir && k < plan->audio_n; k++)
            found |= strcmp(plan->audio[k].dir, dir) == 0;
        if (!found)
            return false;
    }
    for (size_t i = 0; i < done->texts_n; i++) {
        bool found = false;

        for (size_t k = 0; done->texts[i].dir && k < plan->texts_n; k++)
            found |= strcmp(plan->texts[k].dir, done->texts[i].dir) == 0;
        if (!found)
            return false;
    }
    return true;
}

/* Of a copy that was given up meanwhile nothing is kept; its track is over when all of its runs are. */
static bool commit_is_wanted(const struct plan *plan, uint64_t run)
{
    return RUN_TRACK(run) >= plan->tracks_n || plan->tracks[RUN_TRACK(run)].kind != PLAN_GIVEN_UP;
}

static int commit_unwanted(struct doing *d, struct run_row *run)
{
    int r = commit_close(d->t, run);

    d->row.runs_done += d->row.media != MEDIA_STATE_READY; /* of a codec that was given up none was counted */
    return r < 0 ? r : commit_track(d, RUN_TRACK(run->number), true);
}

/* The source's packets cannot be shown as they are: the rung is encoded, by a track that the plan has from now on. */
static int commit_give_up_copy(struct doing *d, struct version_row *version, struct plan *plan,
                               struct run_row *run)
{
    struct track_row track;
    int r;

    plan_encode_top(plan);
    version->no_copy = true;
    r = share_want(d->t, version, d->row.owner_id, SHARE_REST);
    if (r == 0)
        r = version_row_put(turn_txn(d->t), version);
    if (r == 0)
        r = commit_unwanted(d, run);
    if (r == 0)
        r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, RUN_TRACK(run->number),
                          &track);
    d->row.runs_total = r == 0 ? track.released : 0;
    for (size_t i = 0; r == 0 && i < plan->tracks_n; i++)
        d->row.runs_total += plan_runs(plan, i);
    d->dirty = true;
    return r;
}

/* A ladder in another codec is not made after all; what was made of it lies there until the video is deleted. */
static int commit_give_up_extra(struct doing *d, struct version_row *version, struct plan *plan,
                                struct run_row *run, const char *reason)
{
    int r = extra_give_up(d, version, plan, RUN_TRACK(run->number), reason);

    run->state = RUN_STATE_DONE;
    run->failed_at = 0;
    if (r == 0)
        r = run_row_put(turn_txn(d->t), run);
    return r < 0 ? r : commit_track(d, RUN_TRACK(run->number), true);
}

/* How long the rest takes at the pace so far; nothing is said of a beginning too short to tell. */
static void commit_estimate(struct doing *d, const struct plan *plan, uint64_t run)
{
    int64_t took = turn_now(d->t) - d->row.media_since;
    uint64_t total = plan_work(plan);

    if (!commit_counts(plan, run))
        return;
    d->row.work_done += plan_run_work(plan, RUN_TRACK(run), RUN_OF_TRACK(run));
    d->row.left_ms = 0;
    if (took >= COMMIT_PACE_MS && total > d->row.work_done)
        d->row.left_ms = (uint64_t)((double)(total - d->row.work_done) / (double)d->row.work_done * (double)took);
}

/* Where runs that come later may begin to read; of no use once all is there. */
static int commit_marks(struct doing *d, const struct run_done *done)
{
    int r = 0;

    for (size_t i = 0; r == 0 && d->row.upload != UPLOAD_STATE_COMPLETE && i < done->marks_n; i++) {
        struct mark_row row = { .video_id = d->row.id,
                                .version = d->row.version,
                                .time_us = done->marks[i].time_us,
                                .offset = done->marks[i].offset };

        r = mark_row_put(turn_txn(d->t), &row);
    }
    return r;
}

static int commit_result(struct doing *d, struct run_row *run, const struct run_done *done)
{
    struct version_row version;
    struct plan plan;
    int r = media_load_plan(d, &version, &plan);
    bool sample = r == 0 && sample_is(&plan, done->run);

    if (r == 0 && !commit_is_wanted(&plan, done->run))
        return d->dirty = d->row.media != MEDIA_STATE_READY, commit_unwanted(d, run);
    if (r == 0 && !commit_is_planned(&plan, done))
        return turn_fail(d->t, ERR_INVALID, NULL, "run %llu made what was not planned",
                         (unsigned long long)done->run);
    if (r == 0 && poster_is_chosen(&plan, done->run))
        return poster_made(d, run, done);
    d->dirty = commit_counts(&plan, done->run);
    if (r == 0 && sample)
        r = sample_made(d, &version, &plan, done);
    for (size_t i = 0; r == 0 && !sample && i < done->renditions_n; i++)
        r = commit_rendition(d, &done->renditions[i]);
    for (size_t i = 0; r == 0 && i < done->texts_n; i++)
        r = commit_text(d, &done->texts[i]);
    if (r == 0 && done->kind == RUN_KIND_BOARD) {
        for (size_t i = 0; i < done->images_n; i++)
            version.board_bytes += done->images[i].object.size;
        r = version_row_put(turn_txn(d->t), &version);
    }
    if (r == 0)
        r = commit_run(d, &plan, run, done);
    if (r == 0)
        r = commit_marks(d, done);
    if (r == 0)
        r = commit_track(d, RUN_TRACK(done->run), done->has_end && done->kind == RUN_KIND_AUDIO);
    if (r == 0)
        r = commit_end(d, done, &version, &plan);
    if (r == 0 && sample)
        r = sample_settle(d, &version, &plan, RUN_TRACK(done->run));
    if (r == 0)
        commit_estimate(d, &plan, done->run);
    if (r < 0 || commit_counts(&plan, done->run))
        return r;
    r = extra_is_whole(d, &plan, RUN_TRACK(done->run));
    d->dirty |= r > 0;
    return r < 0 ? r : 0;
}

/* A dead run that an operator put again may be the last one that stood in the way. */
static int commit_recover(struct doing *d)
{
    struct run_row row = { .video_id = d->row.id, .version = d->row.version };
    struct table_walk walk;
    bool failed = false;
    int r;

    if (d->row.media != MEDIA_STATE_FAILED)
        return 0;
    r = table_walk_start(&walk, turn_txn(d->t), &run_row_table, TABLE_PRIMARY, &row, 2, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && !failed && (r = table_walk_next(&walk, turn_arena(d->t), &row)) > 0) {
        failed = row.state == RUN_STATE_FAILED;
        r = 0;
    }
    table_walk_end(&walk);
    return r < 0 || failed ? r : step_take(d, STEP_MEDIA, ON_RECOVERED);
}

int catalog_on_run_done(struct catalog *self, struct turn *t, const struct run_done *done)
{
    struct run_row run;
    struct doing d;
    int r = run_row_get(turn_txn(t), turn_arena(t), done->video_id, done->version, done->run, &run);

    if (r == 0 && run.state == RUN_STATE_DONE)
        return copies_stray(self, t, done->video_id);
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = commit_load(self, t, &run, &d);
    if (r < 0)
        return r == ERR_NOT_FOUND ? commit_close(t, &run) : r;
    r = commit_result(&d, &run, done);
    if (r == 0)
        r = commit_recover(&d);
    d.fill = true;
    return r < 0 ? r : video_save(&d);
}

static const char *commit_run_name(const struct plan *plan, uint64_t number)
{
    size_t track = RUN_TRACK(number);

    if (track >= plan->tracks_n)
        return "a run";
    switch (plan->tracks[track].kind) {
    case PLAN_AUDIO: return "a piece of the sound";
    case PLAN_POSTER: return "the poster";
    case PLAN_TEXT: return "the subtitles";
    case PLAN_BOARD: return "the storyboard";
    case PLAN_SAMPLE: return "a moment";
    default: return "a piece of the picture";
    }
}

/* Only pictures and sounds fail it. */
int commit_dead(struct doing *d, struct version_row *version, struct plan *plan, struct run_row *run,
                uint64_t attempts, const char *reason)
{
    int r;

    run->state = RUN_STATE_FAILED;
    run->job_id = ID_NONE;
    run->open_at = 0;
    run->ended_at = run->failed_at = turn_now(d->t);
    run->attempts = attempts;
    run->reason = reason;
    turn_count(d->t, CATALOG_RUNS_DEAD, 1);
    reason = reason ? reason : "no reason was given";
    if (RUN_TRACK(run->number) < plan->tracks_n && plan->tracks[RUN_TRACK(run->number)].kind == PLAN_COPY) {
        turn_log(d->t, "copy.given_up", "why=%.300s", reason);
        return commit_give_up_copy(d, version, plan, run);
    }
    if (!commit_counts(plan, run->number))
        return commit_give_up_extra(d, version, plan, run, reason);
    if (!commit_is_wanted(plan, run->number)) {
        d->dirty = d->row.media != MEDIA_STATE_READY;
        return commit_unwanted(d, run);
    }
    if (commit_can_do_without(plan, run->number) && !poster_is_chosen(plan, run->number)) {
        run->state = RUN_STATE_DONE;
        d->row.runs_done++;
        d->dirty = true;
    }
    r = run_row_put(turn_txn(d->t), run);
    if (r == 0 && run->state == RUN_STATE_DONE) {
        r = commit_track(d, RUN_TRACK(run->number), false);
        return r == 0 && sample_is(plan, run->number) ? sample_settle(d, version, plan, RUN_TRACK(run->number))
                                                      : r;
    }
    d->reason = attempts ? arena_printf(turn_arena(d->t), "Encoding %s failed %llu times: %.300s",
                                        commit_run_name(plan, run->number), (unsigned long long)attempts, reason)
                         : arena_printf(turn_arena(d->t), "Encoding %s cannot begin: %.300s",
                                        commit_run_name(plan, run->number), reason);
    if (r == 0 && !poster_is_chosen(plan, run->number))
        r = step_take(d, STEP_MEDIA, ON_RUN_DEAD);
    return r == ERR_CONFLICT ? 0 : r;
}

int catalog_on_run_dead(struct catalog *self, struct turn *t, const struct run_dead *dead)
{
    struct version_row version;
    struct run_row run;
    struct plan plan;
    struct doing d;
    int r = table_find(turn_txn(t), &run_row_table, RUN_ROW_BY_JOB, &(struct run_row) { .job_id = dead->job_id },
                       1, turn_arena(t), &run);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    r = commit_load(self, t, &run, &d);
    if (r == 0)
        r = media_load_plan(&d, &version, &plan);
    if (r < 0)
        return r == ERR_NOT_FOUND ? commit_close(t, &run) : r;
    d.fill = true;
    r = commit_dead(&d, &version, &plan, &run, dead->attempts, dead->reason);
    return r < 0 ? r : video_save(&d);
}

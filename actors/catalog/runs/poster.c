/* poster - the picture of a moment that somebody chose, in place of the one that the plan did.
 *
 * It is a run of the poster's track behind the first, beside the window, and its objects have names of their own: addresses of the poster
 * before stay good, and show what they showed. */
#include "actors/catalog/step.h"

static int poster_track(const struct plan *plan, size_t *ret)
{
    for (*ret = 0; *ret < plan->tracks_n; ++*ret)
        if (plan->tracks[*ret].kind == PLAN_POSTER)
            return 0;
    return ERR_NOT_FOUND;
}

static int poster_ask(struct doing *d, uint64_t at_ms)
{
    struct version_row version;
    struct plan plan;
    size_t track;
    int r = media_load_plan(d, &version, &plan);

    if (r < 0)
        return r;
    if (poster_track(&plan, &track) < 0)
        return turn_fail(d->t, ERR_CONFLICT, NULL, "it has no pictures");
    if (d->row.poster_asked >= catalog_settings_of(d->t)->posters)
        return turn_fail(d->t, ERR_CONFLICT, NULL, "it has had %llu posters, as many as a video may have",
                         (unsigned long long)d->row.poster_asked);
    d->row.poster_asked = d->row.poster_asked ? d->row.poster_asked + 1 : 2;
    d->row.poster_at_ms = at_ms;
    return runs_poster(d, &version, &plan, track, (uint32_t)d->row.poster_asked);
}

int catalog_choose_poster(struct catalog *self, struct turn *t, const struct choose_poster *ask,
                          struct video *reply)
{
    struct doing d;
    int r = video_load_own(self, t, ask->id, &d);

    if (r < 0)
        return r;
    if (d.row.media != MEDIA_STATE_READY)
        return turn_fail(t, ERR_CONFLICT, NULL, "it is still being made");
    if (ask->at_ms >= d.row.duration_ms)
        return turn_fail(t, ERR_INVALID, "at_ms", "is behind the video's end, at %llu",
                         (unsigned long long)d.row.duration_ms);
    r = poster_ask(&d, ask->at_ms);
    if (r == 0)
        r = video_save(&d);
    if (r == 0)
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

bool poster_is_chosen(const struct plan *plan, uint64_t run)
{
    return RUN_TRACK(run) < plan->tracks_n && plan->tracks[RUN_TRACK(run)].kind == PLAN_POSTER &&
           RUN_OF_TRACK(run) > 1;
}

/* Of several on their way the one that was asked for last stays. */
int poster_made(struct doing *d, struct run_row *run, const struct run_done *done)
{
    run->state = RUN_STATE_DONE;
    run->job_id = ID_NONE;
    run->open_at = run->failed_at = 0;
    run->ended_at = turn_now(d->t);
    run->attempts = done->attempts;
    run->cpu_ms = done->cpu_ms;
    if (done->images_n && RUN_OF_TRACK(run->number) > d->row.poster) {
        d->row.poster = RUN_OF_TRACK(run->number);
        d->row.has_poster = true;
        d->events |= DOING_CHANGED;
    }
    turn_count(d->t, CATALOG_RUNS_DONE, 1);
    return run_row_put(turn_txn(d->t), run);
}

#include "actors/catalog/runs/sample.h"

#include <string.h>

#include "actors/catalog/media/title.h"
#include "schemas/wire/arena.h"

/* Whether nothing of the ladder was released. */
static int sample_is_early(struct doing *d, const struct plan *plan)
{
    for (size_t i = 0; i < plan->tracks_n; i++) {
        struct track_row track;
        int r = plan->tracks[i].kind == PLAN_FULL ? runs_track(d, i, &track) : 0;

        if (r < 0 || (plan->tracks[i].kind == PLAN_FULL && track.released))
            return r;
    }
    return 1;
}

int sample_begin(struct doing *d, struct version_row *version, struct plan *plan)
{
    uint64_t from_s = catalog_settings_of(d->t)->sample_from_s;
    int r;

    if (version->samples || version->no_copy || version->extras_n || d->row.upload != UPLOAD_STATE_COMPLETE ||
        !from_s || d->row.duration_ms < from_s * 1000 || !plan_samples(plan))
        return 0;
    r = sample_is_early(d, plan);
    if (r <= 0)
        return r;
    version->samples = plan_samples(plan);
    plan_sample(plan, (uint32_t)version->samples);
    d->row.runs_total += version->samples;
    r = version_row_put(turn_txn(d->t), version);
    return r < 0 ? r : 1;
}

bool sample_is_awaited(const struct version_row *version, const struct plan *plan, size_t track)
{
    return version->samples && !version->sampled_at && plan->tracks[track].kind == PLAN_FULL;
}

bool sample_is(const struct plan *plan, uint64_t run)
{
    return RUN_TRACK(run) < plan->tracks_n && plan->tracks[RUN_TRACK(run)].kind == PLAN_SAMPLE;
}

/* The rung that a moment's folder stands for; rungs_n: none of them. */
static size_t sample_rung(const struct plan *plan, const char *dir)
{
    size_t i = 0;

    while (i < plan->ladder.rungs_n && (!dir || !*dir || strcmp(plan->ladder.rungs[i].dir + 1, dir + 1) != 0))
        i++;
    return i;
}

int sample_made(struct doing *d, struct version_row *version, const struct plan *plan, const struct run_done *done)
{
    size_t n = plan->ladder.rungs_n;
    struct sampled_rung *all = arena_alloc_n(turn_arena(d->t), n, sizeof(*all));

    for (size_t i = 0; i < version->sampled_n && i < n; i++)
        all[i] = version->sampled[i];
    for (size_t i = 0; i < done->renditions_n; i++) {
        const struct made_rendition *made = &done->renditions[i];
        size_t rung = sample_rung(plan, made->dir);
        uint64_t bytes = 0, ticks = 0;

        if (rung == n || !made->timescale)
            return turn_fail(d->t, ERR_INVALID, NULL, "run %llu looked at what was not planned",
                             (unsigned long long)done->run);
        for (size_t k = 0; k < made->segments_n; k++) {
            bytes += made->segments[k].size;
            ticks += made->segments[k].duration;
        }
        uint64_t ms = ticks * 1000 / made->timescale, kbps = ms ? bytes * 8 / ms : 0;
        all[rung].bytes += bytes;
        all[rung].ms += ms;
        all[rung].most_kbps = kbps > all[rung].most_kbps ? kbps : all[rung].most_kbps;
    }
    version->sampled = all;
    version->sampled_n = n;
    return version_row_put(turn_txn(d->t), version);
}

static void sample_decide(struct doing *d, struct version_row *version, const struct plan *plan)
{
    struct title_rung rungs[LADDER_MOST];
    size_t at[LADDER_MOST], n = 0;

    for (size_t i = 0; i < version->sampled_n; i++) {
        const struct sampled_rung *from = &version->sampled[i];

        if (!from->ms)
            continue;
        rungs[n] = (struct title_rung) { .kbps = (double)from->bytes * 8 / (double)from->ms,
                                         .most_kbps = (double)from->most_kbps,
                                         .cap_kbps = plan->ladder.rungs[i].maxrate_kbps,
                                         .keep = n == 0 || i == plan->ladder.preview ||
                                                 i == plan->ladder.rungs_n - 1 };
        at[n++] = i;
    }
    title_decide(rungs, n);
    for (size_t i = 0; i < n; i++) {
        struct sampled_rung *to = &version->sampled[at[i]];

        to->cap_kbps = rungs[i].cap_kbps;
        to->left_out = rungs[i].left_out;
        turn_log(d->t, "title", "rung=%s kbps=%.0f most=%llu cap=%llu left_out=%d", plan->ladder.rungs[at[i]].dir,
                 rungs[i].kbps, (unsigned long long)to->most_kbps, (unsigned long long)to->cap_kbps, to->left_out);
    }
}

int sample_settle(struct doing *d, struct version_row *version, const struct plan *plan, size_t track)
{
    struct track_row row;
    int r = runs_track(d, track, &row);

    if (r < 0 || version->sampled_at || row.done_upto < version->samples)
        return r;
    sample_decide(d, version, plan);
    version->sampled_at = turn_now(d->t);
    return version_row_put(turn_txn(d->t), version);
}

void sample_plan(const struct version_row *version, struct plan *plan)
{
    for (size_t i = 0; version->sampled_at && i < version->sampled_n && i < plan->ladder.rungs_n; i++) {
        if (version->sampled[i].left_out)
            plan_leave_out(plan, i);
        if (version->sampled[i].cap_kbps)
            plan->ladder.rungs[i].maxrate_kbps = (uint32_t)version->sampled[i].cap_kbps;
    }
}

#include <string.h>

#include "actors/catalog/runs/loud.h"
#include "schemas/wire/arena.h"

static size_t loud_track(const struct plan *plan, const char *dir)
{
    size_t i = 0;

    while (i < plan->tracks_n &&
           (plan->tracks[i].kind != PLAN_AUDIO || strcmp(plan->audio[plan->tracks[i].audio].dir, dir) != 0))
        i++;
    return i;
}

/* What all runs told, in order. ERR_NOT_FOUND: one of them told nothing. */
static int loud_collect(struct doing *d, size_t track, struct buf *levels, double *ret_peak)
{
    struct track_row row;
    int r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, track, &row);

    *ret_peak = -1000;
    for (uint32_t i = 1; r == 0 && i <= row.done_upto; i++) {
        struct run_row run;

        r = run_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, RUN_NUMBER(track, i), &run);
        if (r == 0 && !run.has_peak)
            r = ERR_NOT_FOUND;
        if (r < 0)
            break;
        buf_put(levels, run.levels.data, run.levels.len);
        *ret_peak = run.peak > *ret_peak ? run.peak : *ret_peak;
    }
    return r;
}

static int loud_keep(struct doing *d, size_t track, struct rendition_row *row, struct loudness *ret)
{
    struct buf levels = { 0 };
    int r = loud_collect(d, track, &levels, &ret->peak);

    row->measured = r == 0 && loudness_measure(buf_bytes(&levels), ret);
    buf_free(&levels);
    if (!row->measured)
        return r == ERR_NOT_FOUND ? 0 : r;
    row->loudness = ret->program;
    row->loudness_range = ret->range;
    row->peak = ret->peak;
    return rendition_row_put(turn_txn(d->t), row);
}

int loud_measure(struct doing *d, const struct plan *plan, const char *dir, struct loudness *ret)
{
    struct rendition_row row;
    size_t track = loud_track(plan, dir);
    int r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, dir, &row);

    if (r == 0 && track < plan->tracks_n && !row.measured)
        r = loud_keep(d, track, &row, ret);
    if (r < 0 || !row.measured)
        return r;
    *ret = (struct loudness) { row.loudness, row.loudness_range, row.peak };
    return 1;
}

int loud_show(struct doing *d, const char *dir, struct playable_track *ret)
{
    struct rendition_row row;
    int r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, dir, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    ret->has_loudness = ret->has_peak = row.measured;
    ret->loudness = row.loudness;
    ret->peak = row.peak;
    return 1;
}

/* board_parts - see board_parts.h. */
#include "actors/catalog/runs/board_parts.h"

#include "actors/catalog/media/board.h"
#include "actors/catalog/runs/playset.h"

static size_t board_rung(const struct plan *plan)
{
    return plan->ladder.rungs_n - 1;
}

int board_may_begin(struct doing *d, const struct plan *plan)
{
    struct track_row row;
    int r;

    if (!plan->grid.frames)
        return 0;
    for (size_t i = 0; i < plan->tracks_n; i++) {
        if (!(plan->tracks[i].rungs >> board_rung(plan) & 1))
            continue;
        r = track_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, i, &row);
        if (r < 0)
            return r == ERR_NOT_FOUND ? 0 : r;
        return row.done_upto >= plan_runs(plan, i);
    }
    return 0;
}

static void board_add(struct encode_run *job, const char *blob, uint64_t from, uint64_t length)
{
    job->parts[job->parts_n++] = (struct source_part) {
        .offset = job->length, .length = length, .blob = blob, .from = from
    };
    job->length += length;
}

/* The fragment that is shown when each tile begins. */
static void board_tiles(struct doing *d, const struct board *board, const struct iframe_track *track,
                        uint32_t fps_div, const char *folder, struct encode_run *job)
{
    uint64_t begins = 0;
    uint32_t tile = 0;

    for (size_t i = 0; i < track->gops_n && tile < board->count; i++) {
        const struct iframe_gop *gop = &track->gops[i];
        uint64_t ends = begins + (uint64_t)gop->frames * fps_div;

        for (; tile < board->count && tile * board->interval < ends; tile++)
            board_add(job, arena_printf(turn_arena(d->t), "%s/%06u.m4s", folder, gop->segment), gop->offset,
                      gop->size);
        begins = ends;
    }
}

int board_parts(struct doing *d, const struct plan *plan, struct encode_run *job)
{
    const struct ladder_rung *rung = &plan->ladder.rungs[board_rung(plan)];
    const char *folder = arena_printf(turn_arena(d->t), "%s/%s", media_prefix(d->t, &d->row), rung->dir);
    struct hls_rendition video = { .dir = rung->dir };
    struct iframe_track track = { .video = &video };
    struct rendition_row row;
    struct board board;
    int r = rendition_row_get(turn_txn(d->t), turn_arena(d->t), d->row.id, d->row.version, rung->dir, &row);

    if (r < 0 || !board_plan(plan, &board))
        return r < 0 ? r : ERR_NOT_FOUND;
    video.segments_n = row.segments;
    r = playset_gops(d, &track);
    if (r < 0)
        return r;
    job->parts = arena_alloc_n(turn_arena(d->t), board.count + 1, sizeof(*job->parts));
    job->length = 0;
    job->complete = true;
    board_add(job, arena_printf(turn_arena(d->t), "%s/init.mp4", folder), 0, row.init_size);
    board_tiles(d, &board, &track, rung->fps_div ? rung->fps_div : 1, folder, job);
    return 0;
}

#include "actors/catalog/grid.h"

enum { FIRST_SHORT = 3 };

static const uint32_t first_runs[] = { 1, 2, 3, 6, 12 }; /* GOPs */
enum { FIRST_RUNS = sizeof(first_runs) / sizeof(first_runs[0]) };

uint64_t grid_frames(uint32_t num, uint32_t den, uint64_t duration_ms)
{
    uint64_t frames = (duration_ms * num + (uint64_t)den * 500) / ((uint64_t)den * 1000);
    return frames ? frames : 1;
}

uint64_t grid_ms(const struct grid *grid, uint64_t frames)
{
    return frames * grid->den * 1000 / grid->num;
}

uint32_t grid_gops_long(const struct grid *grid)
{
    return 6ull * grid->gop * grid->den <= 13ull * grid->num ? 3 : 1;
}

struct grid_span grid_segment_gops(const struct grid *grid, uint32_t segment)
{
    uint32_t count = grid_gops_long(grid);
    if (segment <= FIRST_SHORT)
        return (struct grid_span) { segment - 1, 1 };
    return (struct grid_span) { FIRST_SHORT + (uint64_t)(segment - FIRST_SHORT - 1) * count, count };
}

struct grid_span grid_segment_frames(const struct grid *grid, uint32_t segment)
{
    struct grid_span gops = grid_segment_gops(grid, segment);
    struct grid_span span = { gops.first * grid->gop, gops.count * grid->gop };
    if (grid->frames && span.first + span.count > grid->frames)
        span.count = span.first < grid->frames ? grid->frames - span.first : 0;
    return span;
}

/* GOPs of a run, whatever the end. */
static struct grid_span grid_run_gops(uint32_t run, uint32_t most_gops)
{
    uint64_t first = 0;
    for (uint32_t i = 0; i < FIRST_RUNS; i++) {
        uint32_t count = first_runs[i] < most_gops ? first_runs[i] : most_gops;
        if (i == run - 1)
            return (struct grid_span) { first, count };
        first += count;
    }
    return (struct grid_span) { first + (uint64_t)(run - FIRST_RUNS - 1) * most_gops, most_gops };
}

/* The segment that begins with this GOP. Runs are whole segments, so there is one. */
static uint32_t grid_segment_at(const struct grid *grid, uint64_t gop)
{
    return gop < FIRST_SHORT ? (uint32_t)gop + 1
                             : FIRST_SHORT + 1 + (uint32_t)((gop - FIRST_SHORT) / grid_gops_long(grid));
}

uint32_t grid_segments(const struct grid *grid)
{
    if (!grid->frames)
        return 0;
    uint64_t gops = (grid->frames + grid->gop - 1) / grid->gop;
    return grid_segment_at(grid, gops - 1);
}

struct grid_span grid_run_segments(const struct grid *grid, uint32_t run, uint32_t most_gops)
{
    struct grid_span gops = grid_run_gops(run, most_gops);
    uint32_t first = grid_segment_at(grid, gops.first), behind = grid_segment_at(grid, gops.first + gops.count);
    uint32_t last = grid_segments(grid);
    if (grid->frames && behind > last + 1)
        behind = first <= last ? last + 1 : first;
    return (struct grid_span) { first, behind - first };
}

uint32_t grid_runs(const struct grid *grid, uint32_t most_gops)
{
    uint64_t gops = grid->frames ? (grid->frames + grid->gop - 1) / grid->gop : 0;
    uint32_t runs = 0;
    while (gops) {
        struct grid_span span = grid_run_gops(runs + 1, most_gops);
        if (runs >= FIRST_RUNS)
            return runs + (uint32_t)((gops + most_gops - 1) / most_gops);
        gops -= span.count < gops ? span.count : gops;
        runs++;
    }
    return runs;
}

/* The first AAC frame that begins at or after the grid's frame n. */
static uint64_t grid_audio_at(const struct grid *grid, uint32_t rate, uint64_t n)
{
    /* 128 bits: 12 h at 60000/1001 times 48000 leaves 64. */
    unsigned __int128 samples = (unsigned __int128)n * grid->den * rate;
    unsigned __int128 unit = (unsigned __int128)grid->num * GRID_AAC_FRAME;
    return (uint64_t)((samples + unit - 1) / unit);
}

struct grid_span grid_audio_frames(const struct grid *grid, uint32_t rate, uint32_t segment)
{
    struct grid_span video = grid_segment_frames(grid, segment);
    uint64_t first = grid_audio_at(grid, rate, video.first);
    if (!video.count)
        return (struct grid_span) { first, 0 };
    return (struct grid_span) { first, grid_audio_at(grid, rate, video.first + video.count) - first };
}

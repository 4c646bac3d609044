#include "actors/catalog/media/grid.h"

enum { FIRST_SHORT = 3, TAPER_PARTS = 4, TAPER_SEGMENTS = 2 };

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

static uint64_t grid_gops(const struct grid *grid)
{
    return (grid->frames + grid->gop - 1) / grid->gop;
}

/* The most that a run takes of so many GOPs that are left. */
static uint64_t grid_taper(const struct grid *grid, uint64_t left)
{
    uint64_t unit = grid_gops_long(grid), most = left / TAPER_PARTS / unit * unit;
    return most > TAPER_SEGMENTS * unit ? most : TAPER_SEGMENTS * unit;
}

/* GOPs of the n-th run, which begins with the GOP `first`, whatever the end; 0: all of it lies behind that. */
static uint64_t grid_run_length(const struct grid *grid, uint32_t n, uint64_t first, struct grid_pace pace)
{
    uint64_t count = n <= FIRST_RUNS && first_runs[n - 1] < pace.most ? first_runs[n - 1] : pace.most;
    if (!grid->frames)
        return count;
    if (first >= grid_gops(grid))
        return 0;
    uint64_t most = pace.tapers ? grid_taper(grid, grid_gops(grid) - first) : count;
    return count < most ? count : most;
}

static struct grid_span grid_run_gops(const struct grid *grid, uint32_t run, struct grid_pace pace)
{
    struct grid_span span = { 0, grid_run_length(grid, 1, 0, pace) };
    for (uint32_t n = 2; n <= run && span.count; n++) {
        span.first += span.count;
        span.count = grid_run_length(grid, n, span.first, pace);
    }
    return span;
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
    return grid_segment_at(grid, grid_gops(grid) - 1);
}

struct grid_span grid_run_segments(const struct grid *grid, uint32_t run, struct grid_pace pace)
{
    struct grid_span gops = grid_run_gops(grid, run, pace);
    uint32_t first = grid_segment_at(grid, gops.first), behind = grid_segment_at(grid, gops.first + gops.count);
    uint32_t last = grid_segments(grid);
    if (grid->frames && behind > last + 1)
        behind = first <= last ? last + 1 : first;
    return (struct grid_span) { first, behind - first };
}

uint32_t grid_runs(const struct grid *grid, struct grid_pace pace)
{
    uint64_t first = 0, count;
    uint32_t runs = 0;
    if (!grid->frames)
        return 0;
    while ((count = grid_run_length(grid, runs + 1, first, pace))) {
        first += count;
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

/* grid - where frames, GOPs, segments and runs lie on the timeline. Pure arithmetic on integers: any process that is
 * given the same rate gets the same boundaries, so that runs encoded anywhere fit together.
 *
 * A frame n of the grid is shown at n * den / num seconds. A GOP is `gop` frames, about 2 s, or as long as those of
 * a source that is copied: up to 6 s. A segment is 3 GOPs where these fit into 6.5 s, else 1; the first three are 1 GOP each,
 * for a fast start. A run is whole segments: 1, 2, 3, 6, 12 GOPs, then `most` GOPs each
 * (a multiple of 3). Runs that taper take no more than a quarter of what is left, but two segments at least: so many hosts that
 * share a video end at about the same time (guided self-scheduling: Polychronopoulos, Kuck, IEEE Transactions on Computers
 * C-36(12), 1987). Segments and runs are numbered from 1, frames and GOPs from 0.
 * Sound follows the picture: a segment ends with the first AAC frame that begins at or after the picture's boundary, so
 * that the error stays under one AAC frame and never adds up.
 * Sound alone uses a grid of one frame of 2 s (num 1, den 2, gop 1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    GRID_VIDEO_RUN_GOPS = 15, /* about 30 s: decode waste at its start stays under 2 % */
    GRID_LIGHT_RUN_GOPS =
        60, /* about 2 min, of what is made hundreds of times faster than it plays: sounds, copies */
    GRID_HEAVY_RUN_GOPS =
        6, /* about 12 s, of what takes several times as long: who comes meanwhile waits for one run to end */
    GRID_AAC_FRAME = 1024, /* samples */
};

struct grid {
    uint32_t num, den; /* frames of the grid a second: num/den */
    uint32_t gop;      /* frames in a GOP */
    uint64_t frames;   /* in all; 0: not known yet, the grid has no end */
};

struct grid_span {
    uint64_t first, count;
};

/* How long the runs of a track are. */
struct grid_pace {
    uint32_t most; /* GOPs of the longest */
    bool
        tapers; /* towards the end, which has to be known from the beginning: else the runs would not stay what they were */
};

/* Frames that a duration takes, to the nearest; at least 1. */
uint64_t grid_frames(uint32_t num, uint32_t den, uint64_t duration_ms);
uint64_t grid_ms(const struct grid *grid, uint64_t frames);

/* GOPs of a segment, whatever the end. */
struct grid_span grid_segment_gops(const struct grid *grid, uint32_t segment);
/* Of a segment that is not among the first: 3 or 1. */
uint32_t grid_gops_long(const struct grid *grid);
/* Frames of a segment, cut at the end; count 0: it lies behind the end. */
struct grid_span grid_segment_frames(const struct grid *grid, uint32_t segment);
/* Segments of a run, cut at the end; count 0: the run lies behind the end. */
struct grid_span grid_run_segments(const struct grid *grid, uint32_t run, struct grid_pace pace);
/* How many there are; 0 while the end is not known. */
uint32_t grid_segments(const struct grid *grid);
uint32_t grid_runs(const struct grid *grid, struct grid_pace pace);

/* AAC frames of a segment at `rate` samples a second. */
struct grid_span grid_audio_frames(const struct grid *grid, uint32_t rate, uint32_t segment);

/* extent - how long each track lasts and where keyframes lie, from an index when the file has one, else by walking
 * every packet of a file that is small enough. */
#pragma once

#include <stdint.h>

#include "actors/transcode/worker/input.h"
#include "gen/transcode.h"
#include "schemas/wire/buf.h"

#define EXTENT_SCAN_MOST (512ull << 20) /* a complete file up to this size is walked when it has no index */

struct extent {
    enum duration_proof proof;
    int64_t end[INPUT_MAX_TRACKS]; /* in each track's time base from the origin; 0: unknown */
    bool cut_off;                  /* the index names bytes beyond the file's end */
    struct buf rows;               /* PREFIX/index.bin, of the picture track */
    uint64_t rows_n;
};

/* picture: the track whose keyframes are listed, or -1. Moves the reading position. */
void extent_find(struct extent *extent, struct input *in, int picture);

/* grid - which picture of the source is shown in which frame of the output: arithmetic on integers, no state.
 *
 * Output frame n has the time n * den / num. It shows the latest source picture whose time is no later than that plus
 * half a frame; so a source picture first shows in the frame that grid_first names, until the next one's first. Any
 * worker that decodes the same pictures therefore makes the same frames, wherever it began to decode. */
#pragma once

#include <libavutil/rational.h>
#include <stdint.h>

struct grid {
    int64_t num, den; /* frames in a second */
};

/* The first frame that shows a picture of this time; may be negative. Times beyond a century are cut there. */
int64_t grid_first(const struct grid *grid, int64_t time, AVRational base);

/* The time of frame n in a time base, rounded down. */
int64_t grid_time(const struct grid *grid, int64_t frame, AVRational base);

/* Frames of a track whose last picture begins at time and lasts duration (0: one frame). */
int64_t grid_end(const struct grid *grid, int64_t time, int64_t duration, AVRational base);

/* loudness - how loud a sound is as a whole, from how loud each tenth of a second is: EBU R 128 (ITU-R BS.1770-4) and EBU
 * Tech 3342; and the box that says so in an init, for players that make all films equally loud. Pure.
 *
 * A sound is known whole when its last run is done, long after its init was handed out; and an init never changes. So
 * what is final has an init of its own, the first one with one box more. */
#pragma once

#include <stdbool.h>

#include "schemas/wire/buf.h"

#define LOUDNESS_INIT "init-loud.mp4"

struct loudness {
    double program; /* LUFS */
    double range;   /* LU */
    double peak;    /* dB of full scale, true peak */
};

/* `levels` as runs told them, in order: schemas/transcode.toml. False when nothing of it is loud enough, or it is shorter than
 * the 0.4 s that a measurement takes. The peak is the caller's. */
bool loudness_measure(struct bytes levels, struct loudness *ret);

/* An init of ours with `ludt` in its track (ISO/IEC 14496-12, 12.2.7; values as in ISO/IEC 23003-4). -1: it is none of ours. */
int loudness_into_init(struct bytes init, const struct loudness *loudness, struct buf *out);

/* loudness - how loud a sound is, a tenth of a second at a time: the pieces that ITU-R BS.1770-4 and EBU R 128 gate and add up.
 *
 * Pieces lie on the track's own time line, whoever measures: one is told by the run that it ends in, and begins in what that
 * run encodes before its first frame. So the pieces of all runs follow each other without a gap, and are those of one
 * long measurement. The gating needs all of them: actors/catalog/media/loudness.c. */
#pragma once

#include <stdint.h>

#include "schemas/wire/buf.h"

enum {
    LOUDNESS_CHANNELS = 6,
    LOUDNESS_TAPS = 12,
    LOUDNESS_BLOCK = 1024, /* samples at a time, at most */
    LOUDNESS_FLOOR = 120,  /* a level is hundredths of a LU above so many below full scale */
};

struct loudness_channel {
    double shelf[2], pass[2];                      /* states of the two filters */
    float samples[LOUDNESS_TAPS + LOUDNESS_BLOCK]; /* the last ones of the block before, then the block */
};

struct loudness {
    int rate, channels;
    int64_t at, first; /* the next sample of the track; the run's first one */
    double shelf[5], pass[5];
    float between[3][LOUDNESS_TAPS]; /* what gives the three points between two samples */
    double energy;                   /* of the piece so far */
    double peak;                     /* of the run, full scale 1 */
    struct loudness_channel channel[LOUDNESS_CHANNELS];
    struct buf levels; /* u16 each, big-endian; 0: silence */
};

/* Measuring begins at sample `begin`, half a second before `first` where there is so much. */
void loudness_open(struct loudness *l, int rate, int channels, int64_t begin, int64_t first);
void loudness_take(struct loudness *l, float *const *planes, int n);
/* The true peak in dB of full scale, -120 for silence. */
double loudness_peak(const struct loudness *l);
void loudness_close(struct loudness *l);

/* avc - what a sequence parameter set says of its pictures (ITU-T H.264 7.3.2.1.1), read from a stranger's bytes.
 *
 * Knows the plain kind that every player shows, and refuses the rest: Main or High profile, 4:2:0 in 8 bits, progressive
 * frames, no scaling lists, no counting of pictures by cycles. Pure: no allocation, no state, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/transcode/media/coding.h"

struct avc_picture {
    unsigned profile, level;   /* 77 or 100; level times ten */
    unsigned width, height;    /* cropped */
    unsigned sar_num, sar_den; /* 1:1 when it says nothing */
    bool full_range;
    unsigned primaries, transfer, matrix; /* of ITU-T H.273; 2 when it says nothing */
};

/* sps: a NAL unit with its head, as it lies in an avcC. 0, or -1 when it is broken or of another kind. */
int avc_read_sps(const uint8_t *sps, size_t len, struct avc_picture *ret);

/* What may be shown as it is: level 4.2 at most, square samples, limited range, BT.709 or, of pictures as large as the
 * table in MEDIA.md says, nothing about it. */
bool avc_is_plain(const struct avc_picture *picture);

extern const struct coding avc_coding; /* SPS and PPS, each behind a u32 length; SEI among them is left out */

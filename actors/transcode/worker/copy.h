/* copy - whether a picture track may be shown as it is: its packets, in our own boxes, beside rungs that are encoded.
 *
 * The probe judges by what it has without reading the media: the parameter sets and the sample table of an ISO file.
 * Each run that copies then proves it of every packet that it takes (copy_run.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actors/transcode/worker/input.h"
#include "schemas/wire/buf.h"

struct copy_terms {
    uint64_t gop;    /* pictures between keyframes; 0: it cannot be copied */
    uint64_t frames; /* in all */
    uint64_t kbps;   /* the highest rate of six seconds */
};

/* Of a track with pictures at that rate. */
struct copy_terms copy_judge(struct input *in, unsigned track, AVRational fps);

/* The one SPS and the one PPS of the track, each behind a u32 length: what cmaf_init takes. False: it has others, or of
 * another kind than is copied. */
bool copy_config(const AVStream *stream, struct buf *ret);

/* cmaf - writes the boxes of our media: an init per rendition, a fragment (moof + mdat) per GOP.
 *
 * CMAF as cmf2 wants it: one track, one traf with one trun of version 1 (offsets of presentation may be negative),
 * tfdt from 0, defaults in tfhd, no edit list, no index, no box that depends on when or where it was written. The same
 * run gives the same bytes; inits of all runs of a rendition are equal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/transcode/media/coding.h"

struct cmaf_track {
    bool video;
    uint32_t timescale;
    uint32_t sample_duration; /* of every sample */
    unsigned width, height;   /* video */
    unsigned channels;        /* audio */
    enum picture_codec codec; /* video; 0: H.264 */
    const uint8_t *config;    /* video: as coding.h has it; audio: AudioSpecificConfig */
    size_t config_len;
    uint32_t average_bps; /* audio: told in esds; 0 when unknown */
};

struct cmaf_sample {
    const uint8_t *data;
    size_t len;
    int32_t offset; /* presentation minus decode time, in timescale units */
    bool sync;
};

/* 0, or -1 when config makes no sense. */
int cmaf_init(const struct cmaf_track *track, struct buf *out);

/* One fragment: samples that decode from time on, each sample_duration long; sequence counts fragments from 1. */
void cmaf_fragment(const struct cmaf_track *track, uint32_t sequence, uint64_t time,
                   const struct cmaf_sample *samples, size_t n, struct buf *out);

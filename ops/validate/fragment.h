/* fragment - what a media segment holds: its movie fragments, their times, and how their samples begin.
 *
 * Weak spot: nothing is decoded. That a segment decodes alone is judged by its first NAL units and by parameter sets
 * that lie in the init; of AV1 and VP9 by what the sample flags say. */
#pragma once

#include "ops/validate/track.h"
#include "schemas/wire/arena.h"

struct fragment {
    uint64_t offset;                     /* of its moof in the segment */
    uint64_t time;                       /* tfdt */
    uint64_t duration;                   /* of all samples, in the track's timescale */
    uint64_t first_end;                  /* where its first sample ends, in the segment */
    int64_t first_offset;                /* presentation minus decode time of the first sample */
    int64_t earliest;                    /* presentation */
    uint32_t samples, shortest, longest; /* durations of samples */
    uint32_t id;                         /* the track's */
    unsigned trafs, truns;
    bool has_time, base_is_moof, starts_with_sync, first_sample_whole;
    uint32_t pictures_in_first; /* slices that begin a picture in the first sample */
};

struct segment {
    const char *fault, *fault_box; /* the bytes are no segment: why */
    const struct fragment *fragments;
    size_t fragments_n;
    uint64_t size, time, duration;
    int64_t earliest;
    uint32_t shortest, longest;
    bool sets_in_samples;  /* SPS or PPS beside the pictures */
    bool transport_stream; /* MPEG-TS: not looked into */
    uint64_t longest_gop;  /* between sync samples, in the track's timescale */
};

/* Cut: the bytes are a range that ends behind the first sample, as I-frame playlists have them. */
void segment_parse(struct arena *arena, struct bytes bytes, const struct track *track, bool cut,
                   struct segment *ret);

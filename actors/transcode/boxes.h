/* boxes - the parent's own reading of what a worker made, before anything of it is kept.
 *
 * Knows exactly the boxes that cmaf.c writes and refuses everything else: other boxes, other versions, sizes that do
 * not add up, a fragment that is not where the one before it ended, a GOP that does not begin with a picture that is decoded
 * by itself, and what a sample of its codec must not hold (coding.h). An init must be, byte for byte, what cmaf.c makes of its own configuration. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actors/transcode/media/cmaf.h"
#include "schemas/wire/bytes.h"

#define BOXES_GOPS 64

struct boxes_gop {
    uint64_t offset;       /* of its moof in the segment */
    uint64_t iframe_bytes; /* from there to the end of its first sample */
    uint32_t samples;
};

struct boxes_segment {
    uint64_t start; /* decode time of its first sample */
    uint64_t samples;
    struct boxes_gop gops[BOXES_GOPS];
    unsigned n;
};

/* Checks an init against the track as planned (config is not read) and writes the codec's name for a playlist
 * ("avc1.64001f", "mp4a.40.2") into codec. 0, or -1 with a sentence in why. */
int boxes_check_init(struct bytes init, const struct cmaf_track *planned, char codec[CODEC_NAME_MOST],
                     const char **why);

/* Of an init that passed, whose parameter sets are a stranger's: what they say of the pictures is what was planned, and
 * what every player shows (avc.h). 0, or -1 with a sentence in why. */
int boxes_check_copied(struct bytes init, const struct cmaf_track *planned, const char **why);

/* Checks a segment that must begin at start, with GOPs of gop samples of which only the last may be shorter (audio: one
 * fragment of any length). 0, or -1 with a sentence in why. */
int boxes_check_segment(struct bytes segment, const struct cmaf_track *planned, uint64_t start, uint32_t gop,
                        struct boxes_segment *ret, const char **why);

/* A JPEG of that size: markers in place, nothing behind its end. 0, or -1 with a sentence in why. */
int boxes_check_jpeg(struct bytes image, unsigned width, unsigned height, const char **why);

/* track - what an init segment says: one track, its decoder configuration, its shape (ISO/IEC 14496-12, 14496-15).
 *
 * Strictly bounded, and forgiving of what it does not know: what a rule asks about is kept as it was found, for the rule
 * to judge. Weak spot: the parameter sets of H.264 are read; of HEVC, AV1 and VP9 only what the configuration record
 * says, so that their colour and their fields are not compared with the pictures. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/bytes.h"

enum track_kind { TRACK_NONE, TRACK_VIDEO, TRACK_AUDIO, TRACK_TEXT };
enum track_codec { CODEC_OTHER, CODEC_AVC, CODEC_HEVC, CODEC_AV1, CODEC_VP9, CODEC_AAC };

struct colour {
    bool told;
    unsigned primaries, transfer, matrix;
    bool full;
};

struct track {
    const char *fault; /* the bytes are no init segment: why; the rest is not filled */
    const char *fault_box;
    char brands[128]; /* major and compatible ones, each with a space behind it */
    unsigned tracks, extends;
    enum track_kind kind;
    enum track_codec codec;
    char entry[5]; /* avc1, mp4a */
    char name[64]; /* as CODECS has it: avc1.64001f; "" when it is not understood */
    uint32_t id, timescale;
    uint64_t movie_duration, track_duration;
    bool has_samples; /* a sample table that is not empty */
    bool has_edits;
    bool outside; /* a data reference to another file */
    bool turned;  /* a matrix that is not the identity */
    bool encrypted;
    char scheme[5];
    unsigned crypt_blocks, skip_blocks;
    bool has_loudness;
    /* Defaults of the track extends box. */
    uint32_t default_duration, default_size, default_flags;
    /* Pictures. */
    unsigned width, height; /* of the sample entry */
    unsigned profile, level, length_size;
    unsigned parameter_sets;
    bool interlaced, has_aspect, has_colour_box;
    uint32_t aspect_h, aspect_v;
    struct colour colour, vui;          /* of the box; of the parameter set */
    unsigned coded_width, coded_height; /* of the parameter set, cropped; 0: not known */
    /* Sound. */
    unsigned channels, rate, object_type;
};

void track_parse(struct bytes init, struct track *ret);
bool track_has_brand(const struct track *track, const char *brand);

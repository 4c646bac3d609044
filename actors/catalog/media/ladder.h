/* ladder - which renditions a picture gets. A pure function of what was probed.
 *
 * A rung's number is its short side, so that 1080x1920 is "1080p" too. Never upscaled; even sizes; square pixels; the
 * aspect of the source in every rung. A source between two rungs gets one of its own size; one that is hardly larger
 * than a rung takes that rung's place. Rates are snapped to the standard ones, 60 at most; from 48 a second on, rungs of
 * 480 and less get every second frame, so that a GOP lasts as long in all of them.
 * The top rung is the source's own packets where they may be shown as they are: it then has the source's size and rate,
 * its rate of bits stays under the rung's cap, and all rungs have its GOPs: as many of them as come closest to 2 s, of 6 s at most.
 * Caps, factors and presets: MEDIA.md. Levels: ITU-T H.264 table A-1 (the smallest that holds the rung). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen/transcode.h"

enum {
    LADDER_MOST = 8,              /* of one codec */
    LADDER_ALL = 3 * LADDER_MOST, /* of all of them */
    LADDER_TOP = 1080,
    LADDER_GOP_S = 6,
};

struct ladder_source {
    uint32_t width, height;    /* displayed: square pixels, upright */
    uint32_t fps_num, fps_den; /* 0: not known */
    bool interlaced;
    uint32_t copy_gop, copy_kbps; /* as probed; 0: it has to be encoded */
};

struct ladder_rung {
    char dir[24]; /* v/h264-720, v/source-720 */
    uint32_t width, height;
    uint32_t fps_div;
    double crf;
    uint32_t maxrate_kbps; /* and the size of the rate buffer: MEDIA, fact 3 */
    uint32_t level;        /* times ten */
    const char *preset;
    uint32_t copy_gop; /* frames of the grid between the source's keyframes; 0: encoded */
    enum picture_codec codec;
};

struct ladder {
    struct ladder_rung
        rungs[LADDER_ALL]; /* those of H.264, largest first; then those of other codecs, in the same order */
    size_t rungs_n;        /* of H.264 */
    size_t all_n;
    size_t preview;    /* the rung that is made ahead of the others */
    uint32_t left_out; /* rungs that this film does not need: a bit for each */
    uint32_t fps_num, fps_den, gop;
    bool deinterlace; /* a picture per frame; otherwise, of an interlaced source, per field */
    bool double_rate; /* a picture per field */
};

/* Every source with a picture gets at least one rung. */
void ladder_plan(const struct ladder_source *source, struct ladder *ret);

/* The top rung is encoded after all. */
void ladder_encode_top(struct ladder *ladder);

/* Once more all rungs, in another codec. Answers which they are: a bit for each. */
uint32_t ladder_add_codec(struct ladder *ladder, enum picture_codec codec);

/* The rate of the output grid for a measured one; 30 when it is not known. */
void ladder_snap(uint32_t num, uint32_t den, uint32_t *ret_num, uint32_t *ret_den);

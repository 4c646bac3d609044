/* coder - the encoders of pictures, and how each is told to make runs that fit together: a row for each codec.
 *
 * Whatever the codec: closed GOPs of a fixed length, no pictures by scene cuts, no rate controller with a memory, one thread
 * (SVT-AV1 has many that take turns), one layer of time, and the same bytes for the same pictures. */
#pragma once

#include <libavcodec/avcodec.h>

#include "gen/transcode.h"

struct coder {
    enum picture_codec codec;
    const char *library; /* as libavcodec calls it */
    const char *name;    /* as people do */
    const char *preset;  /* where the run names none */
    struct {
        const char *name, *value;
    } options[4];
    bool tells_level;   /* it is told the run's level */
    bool has_delimiter; /* its packets begin with what a container leaves out: av1_delimiter */
};

const struct coder *coder_of(enum picture_codec codec);

/* Sets the codec's own options; size, rate and colour are set already. Ends the process when one is not taken. */
void coder_configure(const struct coder *coder, const struct run_rendition *rendition, AVCodecContext *c);

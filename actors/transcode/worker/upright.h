/* upright - how a decoded picture is meant to be seen: square samples, turned. */
#pragma once

#include <libavformat/avformat.h>
#include <stdbool.h>

struct upright {
    int width, height; /* in square samples, turned */
    int rotation;      /* degrees clockwise that turn it: 0, 90, 180, 270 */
    bool mirrored;
    AVRational sar; /* of the decoded picture; 1:1 when the file says nothing or nonsense */
};

/* From the decoded size, its sample aspect ratio (0 when unknown) and the track's display matrix. */
struct upright upright_of(const AVStream *stream, int width, int height, AVRational sar);

const int32_t *upright_matrix(const AVStream *stream); /* NULL: none */

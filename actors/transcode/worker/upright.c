#include "actors/transcode/worker/upright.h"

#include <string.h>

#include "actors/transcode/worker/picture.h"

#define ASPECT_MOST 8 /* a sample 8 times as wide as high is nonsense */

const int32_t *upright_matrix(const AVStream *stream)
{
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);

    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
}

static AVRational sane_sar(const AVStream *stream, AVRational sar)
{
    if (stream->sample_aspect_ratio.num > 0 && stream->sample_aspect_ratio.den > 0)
        sar = stream->sample_aspect_ratio; /* the container's word counts, as players take it */
    if (sar.num <= 0 || sar.den <= 0 || sar.num / ASPECT_MOST >= sar.den || sar.den / ASPECT_MOST >= sar.num)
        return (AVRational) { 1, 1 };
    return sar;
}

struct upright upright_of(const AVStream *stream, int width, int height, AVRational sar)
{
    struct upright u = { .sar = sane_sar(stream, sar) };
    bool swaps;
    const char *turn = picture_turn_filters(upright_matrix(stream), &swaps);

    u.width = (int)av_rescale(width, u.sar.num, u.sar.den);
    u.height = height;
    if (u.width < 1)
        u.width = 1;
    if (swaps) {
        int w = u.width;

        u.width = u.height;
        u.height = w;
    }
    u.mirrored = strstr(turn, "_flip") || strcmp(turn, "hflip,") == 0 || strcmp(turn, "vflip,") == 0;
    if (swaps)
        u.rotation = strstr(turn, "cclock") ? 270 : 90;
    else if (strcmp(turn, "hflip,vflip,") == 0 || strcmp(turn, "vflip,") == 0)
        u.rotation = 180;
    return u;
}

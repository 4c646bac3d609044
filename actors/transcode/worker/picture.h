/* picture - brings decoded pictures to the shape that encoders want: upright, square samples, yuv420p of 8 bits,
 * BT.709, limited range; once, at the largest size, and from there down the ladder.
 *
 * A picture that has that shape already is passed on by reference. HDR (PQ, HLG) is tone-mapped in floating point
 * after scaling down; other matrices and ranges are converted by zimg. Size, format or colour may change within a
 * file: the filters are then built anew. What a file says nothing of is taken as BT.709 from 720 lines up, as BT.601
 * below, and as limited range. */
#pragma once

#include <libavcodec/avcodec.h>
#include <libavutil/frame.h>
#include <stdbool.h>

#define PICTURE_SIZES 8

struct picture_size {
    int width, height;
};

struct picture;

/* Sizes from the largest to the smallest. turn: the track's display matrix, or NULL. */
struct picture *picture_new(const struct picture_size *sizes, unsigned n, const int32_t *turn, int threads);
void picture_free(struct picture **picture);

/* A new frame of each of the first n sizes into out, each the caller's. 0, or a negative AVERROR and none. */
int picture_make(struct picture *picture, AVFrame *source, AVFrame **out, unsigned n);

/* The transfer function is PQ or HLG. */
bool picture_is_hdr(enum AVColorTransferCharacteristic transfer);

/* The filters that turn a picture upright by a display matrix, "" when none is needed; swaps: width and height do. */
const char *picture_turn_filters(const int32_t *turn, bool *ret_swaps);

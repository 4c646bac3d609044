/* decode - the pictures of one track from some moment on, in order of presentation, deinterlaced when asked.
 *
 * Begins far enough before the moment that the first picture given is shown at or before it: seeks to a keyframe, and
 * further back when what follows cannot be decoded (open GOPs), at last from the file's start. Damaged packets are
 * counted and passed over. */
#pragma once

#include <libavfilter/avfilter.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/transcode/worker/grid.h"
#include "actors/transcode/worker/input.h"

enum decode_fields { DECODE_PROGRESSIVE, DECODE_PER_FRAME, DECODE_PER_FIELD };

struct decode {
    struct input *in;
    unsigned track;
    struct grid grid;
    int64_t first; /* the frame of the grid that must be covered */
    enum decode_fields fields;
    int threads;
    bool patient;
    uint64_t still; /* GOPs from `first` on whose packets are passed over, a bit each */
    int64_t gop;
    /* its own */
    AVCodecContext *codec;
    AVPacket *packet;
    AVFilterGraph *graph; /* the deinterlacer, built for what comes */
    AVFilterContext *graph_in, *graph_out;
    int graph_width, graph_height, graph_format;
    AVRational base; /* of the times given */
    unsigned tries;  /* how often it went back */
    bool from_start; /* nothing lies before the first packet */
    bool drained, flushed, confirmed;
    uint64_t skip_packets; /* of the track, where reading began at the start but decoding later */
    bool sought;           /* what comes before the next keyframe refers to what was not read */
    bool until_key;        /* pictures were left out: what refers to them is, too */
    uint64_t damaged;
    int64_t last_time,
        left_out; /* left_out: the latest time of a packet that was passed over; INT64_MIN: none was */
};

/* 0, or negative with a sentence for a person in why. */
int decode_open(struct decode *d, char *why, size_t why_len);
void decode_close(struct decode *d);

/* The next picture and its time from the origin in d->base; the frame's duration is in pkt_duration, 0 when unknown.
 * 0; AVERROR_EOF at the end; another negative when nothing more can come. */
int decode_next(struct decode *d, AVFrame *frame, int64_t *ret_time);

/* sound - the samples of one track on the output's sample grid: decoded, resampled, down-mixed, gaps filled.
 *
 * Sample n of the output is at n / rate seconds from the origin whatever moment reading began at: source samples are
 * placed by their times (worker/placing.h), and the resampler starts where both grids meet. Times of containers that count
 * in milliseconds are snapped to the codec's frame length first. Overlaps are cut, gaps become silence. */
#pragma once

#include <libavutil/audio_fifo.h>
#include <libswresample/swresample.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/transcode/worker/input.h"
#include "actors/transcode/worker/placing.h"

struct sound {
    struct input *in;
    unsigned track;
    int rate, channels; /* of the output */
    int64_t first;      /* the first sample wanted */
    bool patient;
    /* its own */
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frames[PLACING_AHEAD]; /* decoded and not yet fed, the next one first; and when each begins */
    struct placing_frame times[PLACING_AHEAD];
    unsigned frames_n;
    struct SwrContext *swr;
    AVAudioFifo *fifo;
    int source_rate, source_format, source_channels;
    int opus_length;  /* source samples of a packet, as its container says */
    int64_t at;       /* the next source sample to feed, on the source's grid from the origin */
    int64_t skip;     /* output samples still to drop before first */
    int64_t gap, cut; /* of the next frame: source samples of silence before it, and of it already fed */
    bool placed, running, held, drained, from_start, ended;
    unsigned tries;
    uint64_t early, due; /* packets passed over as much too early, and others */
    int64_t reach;       /* source samples: where the latest sound seen ends */
    uint64_t damaged;
};

int sound_open(struct sound *s, char *why, size_t why_len);
void sound_close(struct sound *s);

/* Up to n samples into planes of floats; what the source does not reach is silence. Answers how many are real: fewer
 * than n only at the end of the source; negative: AVERROR_EXIT, or nothing could be decoded at all. */
int sound_take(struct sound *s, float **planes, int n);

/* After the source ended: output samples of the whole track, as far as they were seen. */
int64_t sound_end(const struct sound *s);

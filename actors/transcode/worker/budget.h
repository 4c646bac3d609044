/* budget - how many bits libavcodec's AAC encoder may use for a frame, so that it does not spoil it.
 *
 * Its fast search for quantizers makes them finer until the bits that it has are spent. Where few lines hold all of the sound (a loud
 * tone), they are never spent: the largest line passes the largest number that AAC has, 8191, and is cut, which is heard as
 * distortion 11 dB below the tone. So it gets no more than such lines need at 1023, that is 60 dB. All else needs more than it
 * has anyhow, and is as it was. */
#pragma once

#include <libavutil/tx.h>
#include <stdint.h>

enum { BUDGET_CHANNELS = 2, BUDGET_FRAME = 1024 };

struct budget {
    int rate, channels;
    AVTXContext *transform;
    av_tx_fn run;
    float window[2 * BUDGET_FRAME];
    float last[BUDGET_CHANNELS]
              [2 * BUDGET_FRAME]; /* the two frames before the one that is sent: they are encoded now */
};

/* Negative: no memory. */
int budget_open(struct budget *b, int rate, int channels);
/* Takes the next frame, before it is sent: bits a second (AVCodecContext.bit_rate) for the one that is encoded then, up to `most`. */
int64_t budget_take(struct budget *b, float *const *planes, int64_t most);
void budget_close(struct budget *b);

/* encode - one rendition of a video run: pictures of the grid in, an init and whole segments out.
 *
 * The contract that makes runs of different workers join without a seam: closed GOPs of a fixed length, an IDR at each,
 * no scene cuts, explicit rate, shape and colour, and one build of the encoder (coder.h). Decode times are counted, not taken from the encoder: sample i of the rendition decodes at i * duration,
 * presentation is relative to that and may come before. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "actors/transcode/worker/queue.h"
#include "gen/transcode.h"

struct encoder {
    /* set by the run before encoder_open */
    const struct encode_run *run;
    const struct run_rendition *rendition;
    unsigned slot;
    void (*progress)(void *ctx);
    void *progress_ctx;
    /* its own */
    struct queue queue;
    pthread_t thread;
    _Atomic uint64_t frames; /* of the rendition, encoded */
    struct encoder_state *state;
};

/* Opens the encoder and sends the init. Ends the process when the parameters are impossible. */
void encoder_open(struct encoder *encoder);

/* The body of the thread: takes pictures until the queue ends, sends segments, and the last one even if it is short. */
void *encoder_main(void *encoder);

void encoder_close(struct encoder *encoder);

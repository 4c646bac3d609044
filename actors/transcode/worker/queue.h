/* queue - a bounded queue of pictures between two threads of the pipeline. One puts, one takes. */
#pragma once

#include <libavutil/frame.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define QUEUE_MOST 8

/* A picture and the frames of the grid it is shown in: first, first + 1, ... */
struct shown {
    AVFrame *picture;
    int64_t first, count;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct shown items[QUEUE_MOST];
    unsigned head, count, most;
    bool ended;
};

void queue_init(struct queue *queue, unsigned most);
void queue_destroy(struct queue *queue);
void queue_put(struct queue *queue, struct shown item);  /* waits while full; the picture is the queue's */
void queue_end(struct queue *queue);                     /* nothing more will be put */
bool queue_take(struct queue *queue, struct shown *ret); /* waits while empty; false at the end */

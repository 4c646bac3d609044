#include "actors/transcode/worker/queue.h"

void queue_init(struct queue *queue, unsigned most)
{
    *queue = (struct queue) { .most = most < QUEUE_MOST ? most : QUEUE_MOST };
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
}

void queue_destroy(struct queue *queue)
{
    while (queue->count) {
        av_frame_free(&queue->items[queue->head].picture);
        queue->head = (queue->head + 1) % QUEUE_MOST;
        queue->count--;
    }
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->changed);
}

void queue_put(struct queue *queue, struct shown item)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->most)
        pthread_cond_wait(&queue->changed, &queue->lock);
    queue->items[(queue->head + queue->count++) % QUEUE_MOST] = item;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void queue_end(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->ended = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

bool queue_take(struct queue *queue, struct shown *ret)
{
    bool got = false;

    pthread_mutex_lock(&queue->lock);
    while (!queue->count && !queue->ended)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (queue->count) {
        *ret = queue->items[queue->head];
        queue->head = (queue->head + 1) % QUEUE_MOST;
        queue->count--;
        got = true;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return got;
}

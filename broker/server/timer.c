#include "broker/server/timer.h"

#include <stdlib.h>

static void heap_place(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct timers *timers, struct timer *timer)
{
    size_t at = timer->place;

    for (; at > 1 && timers->heap[at / 2]->at_ms > timer->at_ms; at /= 2)
        heap_place(timers, at, timers->heap[at / 2]);
    heap_place(timers, at, timer);
}

static void heap_down(struct timers *timers, struct timer *timer)
{
    size_t at = timer->place;

    for (size_t child; (child = 2 * at) <= timers->n; at = child) {
        if (child < timers->n && timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms)
            child++;
        if (timers->heap[child]->at_ms >= timer->at_ms)
            break;
        heap_place(timers, at, timers->heap[child]);
    }
    heap_place(timers, at, timer);
}

void timer_set(struct timers *timers, struct timer *timer, int64_t at_ms)
{
    timer->at_ms = at_ms;
    if (!timer->place) {
        if (timers->n + 1 >= timers->cap) {
            timers->cap = timers->cap ? 2 * timers->cap : 64;
            timers->heap = realloc(timers->heap, timers->cap * sizeof *timers->heap);
            if (!timers->heap)
                abort();
        }
        heap_place(timers, ++timers->n, timer);
    }
    heap_up(timers, timer);
    heap_down(timers, timer);
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    struct timer *last;

    if (!timer->place)
        return;
    last = timers->heap[timers->n--];
    if (last != timer) {
        heap_place(timers, timer->place, last);
        heap_up(timers, last);
        heap_down(timers, last);
    }
    timer->place = 0;
}

void timers_run(struct timers *timers, int64_t now_ms, void *ctx, unsigned limit)
{
    while (timers->n && timers->heap[1]->at_ms <= now_ms && limit--) {
        struct timer *timer = timers->heap[1];

        timer_stop(timers, timer);
        timer->fire(ctx, timer);
    }
}

int64_t timers_next(const struct timers *timers)
{
    return timers->n ? timers->heap[1]->at_ms : -1;
}

void timers_free(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers) { 0 };
}

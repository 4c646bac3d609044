/* timer - what has to happen later: a heap of intrusive timers on a clock that never jumps. Resolution: 1 ms. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t at_ms;
    size_t place; /* in the heap, from 1; 0: not armed */
    void (*fire)(void *ctx, struct timer *timer);
};

struct timers {
    struct timer **heap; /* heap[0] is not used */
    size_t n, cap;
};

void timer_set(struct timers *timers, struct timer *timer, int64_t at_ms); /* arms, or moves */
void timer_stop(struct timers *timers, struct timer *timer);
/* Fires what is due, at most `limit`; a timer is not armed when it fires. */
void timers_run(struct timers *timers, int64_t now_ms, void *ctx, unsigned limit);
int64_t timers_next(const struct timers *timers); /* -1: none */
void timers_free(struct timers *timers);

/* clock - the two clocks of this machine: one that never jumps, for what lasts and what is due, and the time of day.
 *
 * Programs read them here; what runs in a turn takes the turn's time (turn_now), so that it can be simulated. */
#pragma once

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t clock_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static inline int64_t clock_mono_us(void)
{
    return clock_mono_ns() / 1000;
}

static inline int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* Milliseconds UTC since 1970; may jump. */
static inline int64_t clock_utc_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

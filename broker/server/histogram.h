/* histogram - how long things took: counts in buckets whose width grows with the value.
 *
 * Eight buckets to each doubling, from 1 us to an hour and more, in two kilobytes and for ever: a quantile read from it
 * is at most an eighth too high. Adding costs one increment. What is longer than the last bucket counts there.
 *
 * Threads    none of its own: whoever shares one shares it under a lock. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 240 }; /* up to 2^32 us, 71 minutes */

struct histogram {
    uint64_t n, max_us, buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t us); /* below zero, as after a clock was set: zero */
/* The value that this part (0 to 1) of all are at or below: the end of its bucket, and never above the largest one.
 * 0 when nothing was added. */
uint64_t histogram_quantile(const struct histogram *h, double part);
/* The largest value that a bucket counts. */
uint64_t histogram_upto(unsigned bucket);

#include "broker/server/histogram.h"

enum { SUB_BITS = 3, SUBS = 1 << SUB_BITS };

/* Below 16 us each value has a bucket of its own; above, the leading bit and the three behind it choose one. */
static unsigned bucket_of(uint64_t us)
{
    unsigned shift, bucket;

    if (us < 2 * SUBS)
        return (unsigned)us;
    shift = 63 - (unsigned)__builtin_clzll(us) - SUB_BITS;
    bucket = shift * SUBS + (unsigned)(us >> shift);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_upto(unsigned bucket)
{
    unsigned shift = bucket < 2 * SUBS ? 0 : bucket / SUBS - 1;

    return ((uint64_t)(bucket - shift * SUBS) << shift) + (1ull << shift) - 1;
}

void histogram_add(struct histogram *h, int64_t us)
{
    uint64_t value = us > 0 ? (uint64_t)us : 0;

    h->n++;
    h->buckets[bucket_of(value)]++;
    if (value > h->max_us)
        h->max_us = value;
}

uint64_t histogram_quantile(const struct histogram *h, double part)
{
    uint64_t rank = (uint64_t)(part * (double)h->n + 0.999999), seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && h->n; i++) {
        uint64_t upto = histogram_upto(i);

        seen += h->buckets[i];
        if (seen >= rank && seen > 0)
            return i + 1 == HISTOGRAM_BUCKETS || upto > h->max_us ? h->max_us : upto;
    }
    return 0;
}

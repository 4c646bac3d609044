#include "actors/transcode/worker/placing.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* The middle of what lies within a tick of the median: of times that were rounded to ticks, nearer than any of them. */
static int64_t level(int64_t *offsets, unsigned n, int tick)
{
    int64_t median, low, high;

    qsort(offsets, n, sizeof(*offsets), by_size);
    median = low = high = offsets[n / 2];
    for (unsigned i = 0; i < n; i++)
        if (llabs(offsets[i] - median) <= tick) {
            low = offsets[i] < low ? offsets[i] : low;
            high = offsets[i];
        }
    return low + (high - low) / 2;
}

static bool is_plain(const struct placing_frame *frame, int64_t due, bool going, int rate)
{
    return going &&
           (frame->at == PLACING_UNKNOWN || llabs(frame->at - due) <= placing_samples(rate, PLACING_JITTER_MS));
}

bool placing_needs_more(const struct placing_frame *frames, unsigned n, int64_t due, bool going, int rate)
{
    int64_t seen = 0;

    if (n >= (going ? PLACING_STAY : PLACING_AHEAD) || is_plain(frames, due, going, rate))
        return false;
    for (unsigned i = 0; i < n; i++)
        seen += frames[i].length;
    return seen < placing_samples(rate, PLACING_WITHIN_MS);
}

int64_t placing_offset(const struct placing_frame *frames, unsigned n, int64_t due, bool going, int rate, int tick)
{
    int64_t offsets[PLACING_AHEAD], told;
    unsigned found = 0, together = 0, back = 0;

    if (!n || is_plain(frames, due, going, rate))
        return 0;
    for (unsigned i = 0; i < n && i < (going ? PLACING_STAY : PLACING_AHEAD); due += frames[i++].length)
        if (frames[i].at != PLACING_UNKNOWN) {
            offsets[found] = frames[i].at - due;
            back += llabs(offsets[found++]) <= placing_samples(rate, PLACING_JITTER_MS);
        }
    if (!found || (going && 2 * back >= found))
        return 0;
    while (together < found && llabs(offsets[together] - offsets[0]) <= placing_samples(rate, PLACING_GAP_MS))
        together++; /* what lies behind a gap says nothing about this one */
    told = level(offsets, together, tick);
    return going && llabs(told) <= placing_samples(rate, PLACING_JITTER_MS) ? 0 : told;
}

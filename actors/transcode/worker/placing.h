/* placing - where decoded sound goes when its times do not follow each other as its samples do: arithmetic, no state.
 *
 * A frame says when it begins; its samples say when the next one should. Frames whose times disagree by no more than
 * PLACING_JITTER_MS belong together, and so do those whose times soon come back: one block of Vorbis after a change of its
 * size may claim to be 10 ms off. Times that lie apart and stay there are taken at their word, where they begin to. So
 * reading that begins anywhere a little before a sample puts it where reading from the start does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PLACING_AHEAD     48   /* frames looked at where reading begins, the one to be placed among them */
#define PLACING_STAY      16   /* and where times lie apart: so many tell whether they stay there */
#define PLACING_WITHIN_MS 1000 /* and no more than that, however long they are */
#define PLACING_JITTER_MS 2    /* that times are off without a meaning */
#define PLACING_GAP_MS    20   /* beyond it frames do not belong together */

#define PLACING_UNKNOWN INT64_MIN /* a frame that does not say when it begins */

struct placing_frame {
    int64_t at; /* in samples, where it says that it begins */
    int length; /* in samples */
};

static inline int64_t placing_samples(int rate, int64_t ms)
{
    return ms * rate / 1000;
}

/* How many samples after `due`, where the sound before it ends, the first of the frames is to begin; negative: before it.
 * `going`: there is sound before it. `tick`: samples in a unit of the frames' times, rounded up. */
int64_t placing_offset(const struct placing_frame *frames, unsigned n, int64_t due, bool going, int rate,
                       int tick);

/* Whether the first of the frames can be placed only with more of those that follow it. */
bool placing_needs_more(const struct placing_frame *frames, unsigned n, int64_t due, bool going, int rate);

/* measure - numbers about a track from the times of its frames, and words from a file made safe to pass on. */
#pragma once

#include <libavutil/rational.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/arena.h"

#define MEASURE_TIMES 240

/* Presentation times of the first frames, in any order. */
struct measure_times {
    int64_t at[MEASURE_TIMES];
    unsigned n;
};

struct measured_rate {
    AVRational fps; /* 0/1: too few frames to say */
    bool variable;  /* more than a tenth of the distances differ from the median by more than a fifth */
};

/* The rate of frames with these times: by what is claimed, by their mean and by their median distance, whichever is a
 * standard rate first, as long as it agrees with the median. Sorts the times. */
struct measured_rate measure_rate(struct measure_times *times, AVRational base, AVRational claimed);

/* Well-formed UTF-8 of at most max characters: what is not is dropped, with controls and changes of direction. */
const char *measure_text(struct arena *arena, const char *text, size_t max);

/* A language tag as BCP 47 or ISO 639-2 write it, or "und". */
const char *measure_language(struct arena *arena, const char *text);

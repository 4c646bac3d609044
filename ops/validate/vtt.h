/* vtt - WebVTT as HLS serves it: the head, X-TIMESTAMP-MAP, and the times of cues. The text of cues is not judged. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/arena.h"

struct vtt_cue {
    int64_t from, to; /* ms, as written */
    const char *text; /* the first line below its times */
};

struct vtt {
    const char *fault;
    unsigned fault_line;
    bool has_map;
    int64_t offset; /* ms to add to the times: where MPEGTS of the map is, less LOCAL */
    const struct vtt_cue *cues;
    size_t cues_n;
};

void vtt_parse(struct arena *arena, struct bytes text, struct vtt *ret);

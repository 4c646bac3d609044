/* short_run - the run that the parent of a worker is tested with: two segments of one GOP of 10 frames, one rendition. */
#pragma once

#include "actors/transcode/attend.h"

struct short_run {
    struct run_segment segments[2];
    struct run_rendition rendition;
    struct source_part source;
    char dir[40]; /* of the rendition: "v/" and the part that the worker plays */
    struct encode_run run;
};

/* Refers to itself: it must stay where it is. */
void short_run_init(struct short_run *ret, const char *part);

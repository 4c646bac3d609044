/* publish - what a worker sent, checked against the plan and put into the store under names that follow from the job.
 *
 * A name that is taken keeps what lies there: runs are repeatable, the first result wins. An init must then be equal;
 * of a segment what lies there is read, checked like the worker's own and reported in its place. */
#pragma once

#include "actors/transcode/boxes.h"
#include "data/blobs/blobs.h"
#include "gen/transcode.h"

#define PUBLISH_RENDITIONS 8

struct publish_rendition {
    struct cmaf_track track;
    uint32_t gop;   /* samples; audio: unlimited */
    uint64_t next;  /* decode time that the next segment begins at, in samples of the rendition */
    size_t segment; /* index of the next in the plan */
    bool has_init;
};

struct publish {
    struct blobs *blobs;
    const struct encode_run *run;
    struct arena *arena;
    struct run_done *done;
    struct publish_rendition renditions[PUBLISH_RENDITIONS];
    size_t text; /* slot of the first text that may come next */
    uint64_t bytes, frames;
    char why[300]; /* what was wrong, after an answer other than 0 */
    int error;     /* and what the store answered, when that was it */
};

/* The plan itself is checked: 0, or -1 with why. done becomes the frame that results are filled into. */
int publish_open(struct publish *p, struct blobs *blobs, const struct encode_run *run, struct arena *arena,
                 struct run_done *done);

/* 0, or -1 with why: the worker lied or the store failed. */
int publish_init(struct publish *p, unsigned slot, struct bytes init);
int publish_segment(struct publish *p, unsigned slot, uint32_t number, struct bytes segment);
int publish_text(struct publish *p, unsigned slot, uint32_t cues, struct bytes file);
int publish_image(struct publish *p, unsigned slot, unsigned width, unsigned height, struct bytes image);

/* Whether all that was planned is there, given the end that the worker reported (has_end, end). */
int publish_complete(struct publish *p, bool has_end, uint64_t end);

/* The most bytes that all outputs of the run may have, and the CPU seconds that it may take. */
uint64_t publish_bytes_allowed(const struct encode_run *run);
unsigned publish_cpu_allowed(const struct encode_run *run);
uint64_t publish_frames_planned(const struct encode_run *run);

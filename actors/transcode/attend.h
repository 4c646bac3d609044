/* attend - one worker's life as its parent sees it: start it, hand over the job, answer its reads from the store,
 * check every output and put it into the store, end it when it is silent, late or lies.
 *
 * Blocks until the worker is gone: for a thread of a pool. Nothing is shared between two calls.
 * Trusts     nothing that a worker sends: types, lengths, order, numbers, bytes and totals are checked (control.c,
 *            boxes.c, publish.c)
 * Ends it    after stall_ms without any progress, time spent waiting for bytes not counted; after wait_ms of waiting;
 *            when the plan's bytes of output are used up; when a caller's cancel turns true
 * Retries   from the third attempt on a worker that died or hung over pictures is followed by others, which leave the GOPs
 *            it was at undecoded, until one comes through; the result says where the picture stands still */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "data/blobs/blobs.h"
#include "gen/transcode.h"

struct attend_progress {
    uint64_t done, total; /* frames of the run */
    bool waiting;
    int64_t wall_ms;
};

struct attend {
    struct blobs *blobs;
    const char *program; /* kinobus-worker */
    unsigned threads;    /* cores to plan for */
    unsigned attempt;    /* from 1 */
    uint64_t still;      /* GOPs of a run of pictures not to decode, a bit each; 0 to begin with */
    unsigned stall_ms, wait_ms;
    unsigned nice;             /* 0 to 19: how much lower than this process's its priority is */
    bool degraded;             /* a kernel without Landlock will do */
    bool copies_come;          /* an original that is not there is still to be copied: another try, and not gone */
    bool keep_stderr;          /* for tests of a sanitizer's build */
    const atomic_bool *cancel; /* NULL: never */
    void (*progress)(void *ctx,
                     const struct attend_progress *progress); /* NULL: nobody asks; twice a second at most */
    void (*log)(void *ctx, int level, const char *text);      /* enum control_log; NULL: dropped */
    void *ctx;
};

enum attend_end {
    ATTEND_DONE,    /* the result is filled */
    ATTEND_WAIT,    /* bytes at offset are missing: try again when they are there */
    ATTEND_REFUSED, /* it can never be done */
    ATTEND_GONE,    /* the original was deleted */
    ATTEND_CANCELLED,
    ATTEND_FAILED,  /* the worker died, was ended or lied: another try may help */
    ATTEND_NO_JAIL, /* this host cannot jail a worker: nothing to do with the job */
};

struct attend_outcome {
    enum attend_end end;
    uint64_t offset;  /* ATTEND_WAIT */
    char reason[600]; /* unless done: a sentence */
    int error;        /* ATTEND_FAILED: what the store answered, when that was why; else 0 */
    bool killed;      /* the worker had to be ended */
    unsigned landlock_abi;
    int64_t wall_ms;
    uint64_t bytes_made, frames_made; /* over all renditions */
};

/* The results lie in the arena. */
void attend_probe(const struct attend *how, const struct probe *job, struct arena *arena, struct probe_done *ret,
                  struct attend_outcome *outcome);
void attend_run(const struct attend *how, const struct encode_run *job, struct arena *arena, struct run_done *ret,
                struct attend_outcome *outcome);

/* One worker's try at a run, as attend_run (still.c) makes them. Answers how many frames all renditions had when the worker
 * died or hung; UINT64_MAX: it did neither. */
uint64_t attend_try(const struct attend *how, const struct encode_run *job, struct arena *arena,
                    struct run_done *ret, struct attend_outcome *outcome);

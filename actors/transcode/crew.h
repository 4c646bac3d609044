/* crew - the workers that are at work: a thread for each job, which attends its worker and hands the end back to the
 * loop. Everything here but the threads' own work is called from the loop. */
#pragma once

#include "actors/transcode/attend.h"
#include "data/blobs/blobs.h"

#define CREW_WHY_MAX 500

struct crew;

/* The blobs by a network: for a host that does not see their disk, or where not all lies on it. The first place is written to
 * and asked first, the second for what that has not (data/blobs/tier.h). */
struct crew_store {
    const char *places
        [2]; /* file:FOLDER, http(s)://FRONT (data/blobs/http.h), s3://... (s3.h); NULL: there is no second */
    unsigned connect_ms, quiet_s, patience_ms, part_mib;
    size_t ahead;
    const struct lend_reply *lent; /* for a front: what the catalog lent for the job; NULL: nothing is needed */
};

struct crew_job { /* one of them */
    const struct probe *probe;
    const struct encode_run *run;
};

/* A job that ended. What it points to is its own; the job is a copy. */
struct crew_result {
    uint64_t kept; /* what crew_start was given */
    struct crew_job job;
    struct attend_outcome outcome;
    struct blobs_traffic traffic; /* with a store of its own */
    struct probe_done probed;     /* outcome.end is ATTEND_DONE: the answer */
    struct run_done made;
};

struct crew_note { /* how far a run has come */
    uint64_t kept;
    struct run_progress progress;
};

struct crew_events {
    void (*ended)(void *ctx, struct crew_result *result); /* crew_forget it when done with it */
    void (*note)(void *ctx, const struct crew_note *note);
};

int crew_open(const struct crew_events *events, void *ctx, struct crew **ret);
void crew_close(struct crew **crew); /* cancels all that is at work and waits for it; tells of none */

/* Starts on a copy of the job. store: how->blobs is NULL, and the job has a handle of its own, which ends with it. */
int crew_start(struct crew *crew, const struct attend *how, const struct crew_store *store, struct crew_job job,
               uint64_t kept);
void crew_cancel(struct crew *crew, uint64_t kept);
void crew_forget(struct crew_result *result);

int crew_fd(const struct crew *crew); /* readable when there is something to collect */
void crew_collect(struct crew *crew); /* calls the events */

/* Whether it can be opened: what is wrong with it in a sentence, or 0. Nothing is asked of it. */
int crew_try(const struct crew_store *store, char why[CREW_WHY_MAX]);

const char *crew_end_name(enum attend_end end);

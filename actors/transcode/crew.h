/* crew - the workers that are at work: a thread for each job, which attends its worker and hands the end back to the
 * loop. Everything here but the threads' own work is called from the loop. */
#pragma once

#include "actors/transcode/attend.h"
#include "data/blobs/http.h"

struct crew;

/* The blobs by a front, for a host that does not see their disk (data/blobs/http.h). */
struct crew_front {
    struct blobs_http_options how;
    const struct lend_reply *lent; /* what the catalog lent for the job */
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
    struct blobs_http_traffic traffic; /* with a front */
    struct probe_done probed;          /* outcome.end is ATTEND_DONE: the answer */
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

/* Starts on a copy of the job. front: how->blobs is NULL, and the job has a handle of its own, over what was lent for it. */
int crew_start(struct crew *crew, const struct attend *how, const struct crew_front *front, struct crew_job job,
               uint64_t kept);
void crew_cancel(struct crew *crew, uint64_t kept);
void crew_forget(struct crew_result *result);

int crew_fd(const struct crew *crew); /* readable when there is something to collect */
void crew_collect(struct crew *crew); /* calls the events */

const char *crew_end_name(enum attend_end end);

/* transfer - an original from a URL into its growing object: as many GETs as that takes. It blocks, and belongs on a thread
 * of its own.
 *
 * It goes on where the object's durable frontier is. Where the server proved by ETag or Last-Modified which file it was, the
 * rest is asked for (Range with If-Range); else, and where it sends the whole file all the same, what comes is held against
 * what is there, byte by byte, and appended from there on. If it is another file by then it begins anew in another object, as
 * often as the catalog allows. Bytes become durable every TRANSFER_STEP bytes or TRANSFER_STEP_MS, and the catalog is told; when
 * none come it is told so every TRANSFER_HEARTBEAT_MS, and may answer that nobody waits for it any more.
 *
 * Refuses    what is larger than allowed, encoded, a page instead of a file, empty, breaks off at the same byte again and
 *            again, is sent too slowly or takes too long; answers that are errors */
#pragma once

#include <limits.h>

#include "actors/fetcher/get.h"
#include "data/blobs/blobs.h"
#include "gen/catalog.h"

enum {
    TRANSFER_STEP = 8 * 1024 * 1024,
    TRANSFER_STEP_MS = 1000,
    TRANSFER_HEARTBEAT_MS = 5000,
    TRANSFER_REASON = 300,
};

/* How the catalog is told. Each waits for its answer: 0, or what it refused with; what may work later is tried again by
 * answered and complete. */
struct transfer_catalog {
    int (*answered)(void *ctx, struct import_answered *told, struct import_order *order);
    int (*advanced)(void *ctx, const struct import_order *order, uint64_t offset);
    int (*complete)(void *ctx, const struct import_order *order, uint64_t length);
    void *ctx;
};

struct transfer_how {
    struct blobs *blobs;
    struct guard guard;
    char ca_file[PATH_MAX]; /* as get.h's */
    unsigned connect_s, redirects, slow_s, tries;
    uint64_t slow_bytes;
    const atomic_bool *cancel;
    struct transfer_catalog catalog;
};

enum transfer_end {
    TRANSFER_STORED,
    TRANSFER_REFUSED, /* for good: reason is for a person */
    TRANSFER_GONE,    /* nobody waits for it any more */
    TRANSFER_LATER,
    TRANSFER_CANCELLED,
};

struct transfer_result {
    enum transfer_end end;
    int error;       /* of TRANSFER_LATER */
    bool moved;      /* some of it came */
    uint64_t bytes;  /* that came */
    unsigned denied; /* connections that were not made, and the last of them */
    char denied_at[GET_ADDRESS];
    char reason[TRANSFER_REASON];
};

/* order may be changed by catalog.answered. */
void transfer_run(const struct transfer_how *how, struct import_order *order, struct transfer_result *ret);

/* carry - a video's objects from one place to another, or off the first where both have them: a slice at a time, on the pool. One
 * of the places is the local disk, or a store that was the second place before.
 *
 * Copies are verified: the store compares what is sent with its SHA-256, and what lies there in the end has the size that it has
 * here. What was copied before is found by its size and time, or by its hash. Nothing is removed here but what was found there
 * in the same moment; of all that, only originals and segments: what is small stays, and playlists are replaced there. */
#pragma once

#include <stdatomic.h>

#include <sodium.h>

#include "data/blobs/blobs.h"
#include "gen/errors.h"
#include "schemas/wire/id.h"

enum carry_what {
    CARRY_ORIGINAL, /* copy it */
    CARRY_ALL,      /* copy it, and all media */
    CARRY_LARGE,    /* copy originals and segments */
    CARRY_OFF,      /* remove originals and segments that both have */
    CARRY_AWAY,     /* remove all that both have: what is small may have changed since */
};

struct carry {
    struct blobs *from, *to; /* borrowed */
    enum carry_what what;
    struct id video;
    uint64_t wants; /* the caller's, and: its end was heard of */
    bool over;
    atomic_bool cancel;
    /* what came of it */
    bool ended;
    int err;
    struct blobs *by;                        /* whose answer that is; NULL: it was found out here */
    char name[BLOB_NAME_MAX + 1];            /* of which object */
    unsigned objects, copied, removed, left; /* left: they still grow, or the places differ */
    uint64_t bytes, bytes_copied;
    /* how far it is */
    bool listed;
    char **names;
    size_t names_n, at;
    struct blob_writer *writer;
    struct blob_info info; /* of what is being written */
    uint64_t off;
};

void carry_slice(struct carry *c);
void carry_free(struct carry **c); /* gives up what is being written */

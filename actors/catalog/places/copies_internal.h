/* copies_internal - see copies.h: copies_open.c opens the places, copies.c says what is carried when, copies_tell.c brings back what
 * is needed here, and tells where a video lies. */
#pragma once

#include "actors/catalog/places/carry.h"
#include "actors/catalog/places/copies.h"
#include "data/blobs/s3_direct.h"

enum {
    COPIES_BEFORE = BLOBS_S3_PLACES - 1, /* places that are only read any more */
    COPIES_CARRIES = 8,                  /* at a time, at most: catalog.far_carries */
};

struct copies_place {
    struct blobs *blobs; /* of self->blobs */
    char *name;
};

struct copies {
    struct blobs *near; /* of self->blobs */
    struct copies_place far, before[COPIES_BEFORE];
    unsigned before_n;
    bool s3; /* far is, and was opened here: it is asked once whether it is there, and says what was wrong */
    atomic_bool stop;
    struct carry *work[COPIES_CARRIES]; /* NULL: a free one */
    int64_t pause;                      /* the place failed: nothing is asked of it until then */
    unsigned fails;
    bool tried, bringing, looked;
    struct id after; /* rows up to there have been looked at since the start */
};

int copies_row(struct turn *t, struct id video, struct copy_row *ret); /* an empty one, where there is none */
/* What it has of the video alone lies in a place that is not the present one. */
bool copies_elsewhere(const struct copies *c, const struct copy_row *row);
/* One of those that were it before; NULL: it is not named any more. */
const struct copies_place *copies_before(const struct copies *c, const char *name);

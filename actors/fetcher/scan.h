/* scan - one try to have clamd look at an original, wherever that lies. It blocks, and belongs on a thread of the pool.
 *
 * What it needs and what came of it is one flat block of bytes, that can be copied and thrown away by whoever has it. The
 * original is read a piece at a time, and sent as one stream, `most` bytes of it at most. Where clamd takes no stream of that
 * length, half of it is sent, and so on: how much it takes nobody else can know. */
#pragma once

#include <stdint.h>

#include "actors/fetcher/clamd.h"
#include "data/blobs/blobs.h"
#include "schemas/wire/buf.h"
#include "schemas/wire/id.h"

enum { SCAN_SAID = 400 };

enum scan_end {
    SCAN_CLEAN,
    SCAN_PARTIAL, /* nothing was found in `looked` bytes, or in so many as nobody knows (0); said: why not in all */
    SCAN_INFECTED,    /* said: what it is called */
    SCAN_UNSCANNABLE, /* said: why */
    SCAN_GONE,        /* the original does not lie there */
};

struct scan_part {
    uint64_t from, length; /* where in the object, and how much of it */
    char blob[201];
};

struct scan_try {
    struct blobs *blobs; /* borrowed */
    struct clamd_place place;
    unsigned timeout_s;
    uint64_t most;
    struct id video;

    enum scan_end end;
    uint64_t looked;
    char said[SCAN_SAID]; /* of an error as well */

    size_t parts_n;
    struct scan_part parts[]; /* in the original's order */
};

/* An empty buf becomes a block with this head, and then with parts. ERR_INVALID: no name of an object. */
void scan_make(struct buf *block, const struct scan_try *head);
int scan_add(struct buf *block, uint64_t from, uint64_t length, const char *blob);

/* 0: it has an end. ERR_UNAVAILABLE: clamd cannot be asked, or says nothing of use; errors of the store. Thread-safe. */
int scan_run(struct scan_try *scan);

/* compare - objects held against what they should be, a slice at a time: on the pool, with blobs and nothing else.
 *
 * An object that was put whole should have the size and the BLAKE2b hash that its record says; one that has grown the size, and
 * SHA-256 as it stands beside it, or as the video's row has it where it is the whole original. What cannot be told because the
 * disk fails counts as unreadable. Of what only a second place has, size and hash are compared as that tells them, and nothing is
 * read, as reading it all would be paid for; while it cannot be reached, nothing is found. */
#pragma once

#include <sodium.h>

#include "data/blobs/blobs.h"
#include "gen/catalog.h"

enum { COMPARE_MOST = 64 }; /* objects at a time */

struct compare_item {
    char name[200];
    char dir[64];    /* of a rendition; empty: it is a part of the original */
    uint64_t number; /* of a segment; 0: an initialisation. Of a part its place */
    uint64_t size;
    bool hashed; /* want is there */
    uint8_t want[BLOB_HASH_SIZE];
    enum damage found; /* 0: it is whole, or its turn has not come */
};

struct compare {
    struct blobs *blobs;
    size_t n, at;   /* items[at .. n) are still to be looked at */
    uint64_t off;   /* of items[at] so much was read */
    bool far;       /* only the second place has it */
    bool unreached; /* which cannot be asked */
    crypto_generichash_state hash;
    struct sha256 sum;
    struct blob_told told;
    uint64_t read; /* by the last slice */
    struct compare_item items[COMPARE_MOST];
};

/* Goes on until so many bytes were read or nothing is left. */
void compare_slice(struct compare *c, uint64_t bytes);

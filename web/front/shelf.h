/* shelf - small texts that many ask for at once, playlists mostly: kept in memory for a moment, also compressed.
 *
 * What is taken from it is at most SHELF_FRESH_MS old; the store is not looked at meanwhile. Its size is bounded
 * (front.shelf_kib); what is put on it takes the place of what would be in its way. Any thread. */
#pragma once

#include <stdint.h>

#include "schemas/wire/bytes.h"

enum {
    SHELF_FRESH_MS = 1000,
    SHELF_TEXT_MAX = 64 * 1024, /* larger ones are not kept */
    SHELF_SLOTS = 1024,
};

struct shelf;

/* Never changed once it is there; whoever holds one gives it back. */
struct shelf_text {
    char *name;
    struct bytes plain, packed; /* packed: by gzip; empty as the text is */
    int64_t modified;           /* ms UTC */
    int64_t until_ms;           /* monotonic */
    unsigned held;              /* the shelf's own business */
};

struct shelf *shelf_new(uint64_t bytes_max);
void shelf_free(struct shelf **shelf); /* nothing may be held any more */

/* NULL: not there, or not fresh. */
struct shelf_text *shelf_take(struct shelf *shelf, const char *name, int64_t now_ms);
/* Puts it there, compressed too, and takes it. plain is copied. */
struct shelf_text *shelf_put(struct shelf *shelf, const char *name, struct bytes plain, int64_t modified,
                             int64_t now_ms);
void shelf_give_back(struct shelf *shelf, struct shelf_text **text);

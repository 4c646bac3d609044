/* direct_work - what direct.c has done by the store, on the pool: its own until it has ended. */
#pragma once

#include "actors/catalog/catalog.h"
#include "data/blobs/s3_direct.h"

enum { DIRECT_NUMBERS = 100, DIRECT_WHY = 300 };

struct direct_part_there {
    uint64_t size;                                /* as the store says; 0: it has none */
    char told[BLOBS_S3_TAG], there[BLOBS_S3_TAG]; /* ETags without their quotes; "": none */
};

struct direct_work {
    struct blobs *store; /* borrowed */
    struct id id;        /* of the upload */
    char name[200];
    char *store_id; /* NULL: none yet */
    uint64_t length, part_size;
    uint64_t numbers[DIRECT_NUMBERS]; /* to be signed */
    size_t numbers_n;
    unsigned after, most, next; /* a page of the list */
    struct blobs_s3_part *there;
    size_t there_n;
    struct direct_part_there *parts; /* of one that is to end */
    unsigned parts_n, told;
    char why[DIRECT_WHY]; /* what is wrong with the client's own; "": nothing, or the store failed */
};

/* Bytes of a part, counted from 1: all have part_size but the last, which has what is left of length. */
uint64_t direct_size(uint64_t length, uint64_t part_size, uint64_t number);

struct direct_work *direct_work_new(struct blobs *store, const struct upload *upload);
void direct_work_free(struct direct_work *w);
struct direct_part_there *direct_parts_new(unsigned n);
bool direct_tag(const char *etag, char ret[BLOBS_S3_TAG]); /* false: it is none */

/* TURN_LATER, or an error, and it is free. */
int direct_pool(struct turn *t, struct direct_work *w, pool_work *work, turn_then *then);
pool_work direct_begin, direct_list, direct_end;

/* What the store, or the look at its parts, came to: for whoever asked, and for the log. */
int direct_refused(struct turn *t, const struct direct_work *w, int err);

/* The upload that the store has begun for this is not needed: another one is used. It is free; what stays there is swept. */
void direct_leave(struct turn *t, struct direct_work *w);
/* Nor is this, as the upload was given up meanwhile: TURN_LATER, and whoever asked is told. whole: the parts were joined. */
int direct_clear(struct turn *t, struct direct_work *w, bool whole);

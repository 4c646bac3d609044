/* lists - videos in a list of somebody's own, newest first, as far as they may still see them.
 *
 * A list is a row of the table in lists.c: whose records it walks, by which index. A page ends where it is full, or where it has
 * passed over LISTS_LOOKED_AT videos that are gone or have turned private; in both cases it says how to go on. */
#pragma once

#include "actors/playback/actor.h"

enum { LISTS_LOOKED_AT = 500 };

enum lists_kind {
    LISTS_BEGUN, /* and not finished */
    LISTS_SEEN,  /* finished or not */
    LISTS_KEPT,  /* to be watched later */
};

/* In the turn's arena. */
struct lists_page {
    struct watching *items;
    size_t items_n;
    const char *next; /* cursor; NULL: this is the last page */
};

/* Of the caller, who must be known; else, and where the cursor is not one of ours, turn_fail() has said so. */
int lists_page(struct turn *t, enum lists_kind kind, const char *cursor, uint64_t limit, struct lists_page *ret);

/* ERR_UNAUTHENTICATED, said to the caller, unless they are known. */
int lists_need_person(struct turn *t);

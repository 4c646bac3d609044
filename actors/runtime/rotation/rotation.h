/* rotation - the keys that an actor seals with (sealed.h), changed from time to time.
 *
 * They are rows of a table of its own, by their number. The newest is made use of. One that was followed by another is kept, and told
 * to those who verify, as long as what was made with it may be good; then it goes, and so do those before it. */
#pragma once

#include "actors/runtime/sealed/sealed.h"
#include "actors/runtime/turn.h"
#include "data/store/table.h"

enum { ROTATION_KEYS = 4 }; /* at most */

#define ROTATION_DAY_MS (24 * 3600 * INT64_C(1000))

/* Such a row, by whatever name the actor's schema has it. */
struct rotation_key {
    uint64_t kid;
    struct bytes key;
    int64_t created_at;
};

#define ROTATION_FITS(record)                                                                            \
    _Static_assert(sizeof(struct record) == sizeof(struct rotation_key) &&                               \
                       offsetof(struct record, kid) == offsetof(struct rotation_key, kid) &&             \
                       offsetof(struct record, key) == offsetof(struct rotation_key, key) &&             \
                       offsetof(struct record, created_at) == offsetof(struct rotation_key, created_at), \
                   #record " is no key of rotation.h")

struct rotation {
    const struct table_def *table;
    int64_t every_ms; /* a new one is made */
    int64_t good_ms;  /* the longest that what is made with one is good */
};

/* Those that there are, the newest first, at most so many. */
int rotation_keys(struct turn *t, const struct table_def *table, size_t most, struct rotation_key *ret,
                  size_t *ret_n);

/* Makes a key where one is due, deletes those that are over, and answers the rest, to be told. 1: one was made. */
int rotation_tend(struct turn *t, const struct rotation *how, struct rotation_key ret[static ROTATION_KEYS],
                  size_t *ret_n);

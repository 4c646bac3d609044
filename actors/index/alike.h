/* alike - the words of an index that count as a word of a query: itself, its stems in the languages of the
 * index, where it may go on the words that begin with it, and where there are none of these the words it may
 * be meant for.
 *
 * Rows are read up to a bound that the whole search shares: behind it nothing is found, and `cut` says so. */
#pragma once

#include "actors/index/query.h"
#include "actors/index/stem.h"
#include "data/store/table.h"
#include "gen/index.h"

enum {
    ALIKE_LANGUAGES = 8,     /* in which a query is stemmed: those of most documents */
    ALIKE_CONTINUED = 50,    /* words that a beginning stands for: in the order of letters */
    ALIKE_MEANT = 5,         /* words that a slip may have been meant for: those with fewest slips */
    ALIKE_MEANT_ROWS = 1000, /* that are looked at for it */
    ALIKE_MOST = 1 + ALIKE_LANGUAGES + ALIKE_CONTINUED,
};

/* What a search reads, and how much more it may. */
struct reading {
    struct store_txn *txn;
    struct arena *arena, *scratch; /* scratch: of one row */
    struct stems *stems;
    uint64_t generation;
    uint64_t most, rows; /* the bound, and what was read */
    bool cut;            /* the bound was met */
};

/* False: the bound is met. Else a row may be read; what the one before left in scratch is gone. */
bool reading_one(struct reading *reading);

struct alike {
    const char *word;
    double worth; /* beside the word itself, 1 */
};

struct alikes {
    struct alike list[ALIKE_MOST];
    size_t n;
    uint64_t documents; /* that hold one of them, at most */
};

int alikes_find(struct reading *reading, const struct query_word *asked, struct alikes *ret);

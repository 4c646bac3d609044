/* finder - the documents that hold every word of a query, best first.
 *
 * Each word of the query is a group of words that count as it (alike.h). The group that fewest documents
 * hold is walked, newest documents first; the others are looked up. All rows read are counted, and none is
 * read above the bound: what lies beyond is not found, and the answer says so.
 *
 * Weak spot: how many documents hold a word counts those that the caller may not see, which shifts scores a
 * little. */
#pragma once

#include "actors/index/generation.h"
#include "actors/index/query.h"

struct finder_options {
    struct store_txn *txn;
    struct arena *arena;
    struct stems *stems;
    const struct index_generation *generation;
    struct id viewer;             /* finds what is his own as well; zero: nobody known */
    uint64_t rows;                /* the bound */
    size_t most;                  /* hits wanted */
    const struct rank_hit *place; /* where the page before ended; NULL: the first page */
};

struct finder_result {
    struct ranking ranking;
    uint64_t total; /* documents that fit, of those looked at */
    uint64_t rows;  /* read */
    bool cut;       /* the bound was met */
};

int finder_run(const struct finder_options *options, const struct query *query, struct finder_result *ret);

/* rank - how well a document fits a query, and which of many fit best.
 *
 * BM25F: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), section
 * 3.5. A word's count in each field is divided by the field's length relative to the mean, weighted, added
 * up, and saturated once:
 *
 *     tf = sum over fields of  weight * count / (1 - b + b * length / mean length)
 *     score = sum over words of  idf * tf * (k1 + 1) / (k1 + tf),   idf = ln(1 + (N - n + 0.5) / (n + 0.5))
 *
 * The idf is the one of Lucene, which never gets negative. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/arena.h"
#include "schemas/wire/id.h"

enum rank_field { RANK_TITLE, RANK_TAGS, RANK_PEOPLE, RANK_DESCRIPTION, RANK_FIELDS };

struct rank_lengths {
    double of[RANK_FIELDS];
};

double rank_idf(uint64_t documents, uint64_t holding);

/* Of one word, without its idf: between 0 and k1 + 1. */
double rank_word(const uint32_t counts[static RANK_FIELDS], const struct rank_lengths *document,
                 const struct rank_lengths *mean);

/* The best `most` that lie behind a place in the order: by falling score, then newest first. */
struct rank_hit {
    double score;
    struct id id;
};

struct ranking {
    struct rank_hit *best;
    size_t n, most;
    bool more; /* something was left over */
    bool behind;
    struct rank_hit place;
};

/* place NULL: from the first on. */
void ranking_init(struct ranking *ranking, struct arena *arena, size_t most, const struct rank_hit *place);
void ranking_add(struct ranking *ranking, const struct rank_hit *hit);

/* A place as text and back, for cursors. False: not one of ours. */
enum { RANK_PLACE_SIZE = 24 };
void rank_place_write(const struct rank_hit *hit, uint8_t to[static RANK_PLACE_SIZE]);
bool rank_place_read(const void *from, size_t len, struct rank_hit *ret);

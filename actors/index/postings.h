/* postings - a document in the store, and everything that leads to it, kept in step.
 *
 * What a change costs follows from what changed: the words of the text before are made again and compared
 * with the new ones, and only rows that differ are touched. A rev older than the stored one changes nothing. */
#pragma once

#include "actors/index/generation.h"

struct video;

/* Whether others than its owner may find a video: public, published, and there is something to watch. */
bool postings_found(const struct video *video);

/* Adds or changes a document; a video that is not live is taken out. 1: done, 0: as new a one was there. */
int postings_put(struct store_txn *txn, struct arena *arena, struct stems *stems,
                 struct index_generation *generation, const struct video *video);

/* Takes a document out; in a growing generation, for good up to this rev. 1: done, 0: a newer one is there. */
int postings_del(struct store_txn *txn, struct arena *arena, struct stems *stems,
                 struct index_generation *generation, struct id video, uint64_t rev);

/* generation - which indexes there are: one serves, one may be growing, others are being taken down.
 *
 * Events go to the one that serves and the one that grows, so that the growing one is as new as the other on
 * the day they change places. */
#pragma once

#include "actors/index/document.h"
#include "data/store/table.h"

struct generations {
    struct index_generation serving, building; /* number 0: there is none */
};

int generations_read(struct store_txn *txn, struct arena *arena, struct generations *ret);

/* The one that answers searches: the serving one, or, before there ever was one, the one that grows. NULL:
 * none. */
const struct index_generation *generations_answering(const struct generations *all);

/* Begins a new one. A generation that was growing goes down first. */
int generation_begin(struct store_txn *txn, struct arena *arena, int64_t now, struct index_generation *ret);

/* The growing one serves from now on; the one before goes down. */
int generation_switch(struct store_txn *txn, struct arena *arena, struct generations *all);

/* Deletes up to `rows` rows of generations that go down, and then themselves. 1: there is more to do. */
int generation_drop(struct store_txn *txn, struct arena *arena, unsigned rows);

/* outbox - what an owner has decided to tell the bus, in the commit that decided it.
 *
 * A row is put in the transaction of the state it belongs to; after the commit the runtime sends rows in
 * the order of seq and deletes them once the broker has them. A seq is never used twice, also when the
 * outbox ran empty; gaps (a turn that rolled back) are normal. A row that the broker refuses for good is
 * moved aside with the reason, where an operator sees it: nothing decided is dropped in silence. */
#pragma once

#include <stdint.h>

#include "data/store/env.h"
#include "schemas/wire/arena.h"

enum outbox_kind { OUTBOX_JOB = 1, OUTBOX_EVENT = 2 };

struct outbox_row {
    uint64_t seq; /* given by outbox_put */
    enum outbox_kind kind;
    const char *target; /* queue or stream */
    int64_t at;         /* ms UTC of the turn */
    struct bytes head;  /* the runtime's own packing of head fields */
    struct bytes body;
};

struct outbox_refusal {
    struct outbox_row row;
    int64_t refused_at;
    int err;
    const char *why;
};

int outbox_open(struct store *store); /* at start, once */

int outbox_put(struct store_txn *txn, const struct outbox_row *row, uint64_t *ret_seq);
int outbox_count(struct store_txn *txn, uint64_t *ret);

/* The first row with a seq above `after`: ERR_NOT_FOUND when there is none. What it gives borrows from the
 * arena. */
int outbox_next(struct store_txn *txn, struct arena *arena, uint64_t after, struct outbox_row *ret);
int outbox_del(struct store_txn *txn, uint64_t seq); /* 0 too when it was gone */
int outbox_del_upto(struct store_txn *txn, uint64_t seq, unsigned limit, unsigned *ret_deleted);

int outbox_refuse(struct store_txn *txn, uint64_t seq, int64_t now, int err, const char *why);
int outbox_refused_count(struct store_txn *txn, uint64_t *ret);
int outbox_refused_next(struct store_txn *txn, struct arena *arena, uint64_t after, struct outbox_refusal *ret);
int outbox_refused_del(struct store_txn *txn, uint64_t seq);

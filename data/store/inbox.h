/* inbox - what marks an incoming message as handled, in the commit of its effects.
 *
 * Events     one cursor per stream, with the id of the broker's store it counts in: after the broker lost
 *            its disk the cursor of the old store is not found, and the group starts anew
 * Calls      the reply to a call with an idempotency key, by (subject, method, key), until it expires; the
 *            hash of the request tells a repeat from another request under the same key
 * Parked     an event that failed for good, kept with its reason; later events of its ordering key wait
 *            behind it */
#pragma once

#include <stdint.h>

#include "data/store/env.h"
#include "schemas/wire/arena.h"

int inbox_open(struct store *store); /* at start, once */

int inbox_cursor_get(struct store_txn *txn, const char *stream, struct id broker, uint64_t *ret_seq);
int inbox_cursor_set(struct store_txn *txn, const char *stream, struct id broker, uint64_t seq);

struct inbox_reply {
    int result;          /* 0, or the error that was answered */
    int64_t expires;     /* ms UTC */
    uint8_t request[16]; /* hash of the request's body */
    struct bytes body;   /* the packed reply, or the packed problem */
};

struct inbox_key {
    struct id subject;  /* the account */
    const char *method; /* "catalog.create_video" */
    const char *key;    /* as the client chose it, at most 255 bytes */
};

/* ERR_NOT_FOUND: never seen, or expired. */
int inbox_reply_get(struct store_txn *txn, struct arena *arena, const struct inbox_key *key, int64_t now,
                    struct inbox_reply *ret);
int inbox_reply_put(struct store_txn *txn, const struct inbox_key *key, const struct inbox_reply *reply);
int inbox_sweep(struct store_txn *txn, int64_t now, unsigned limit, unsigned *ret_deleted); /* expired replies */

struct inbox_parked {
    const char *stream, *key; /* key: the event's ordering key */
    uint64_t seq;
    int64_t at; /* when it was parked */
    int err;
    const char *why;
    struct bytes head, body;
};

int inbox_park(struct store_txn *txn, const struct inbox_parked *event);
int inbox_parked_count(struct store_txn *txn, uint64_t *ret);
/* The first event parked under this stream and key (both NULL: any) behind `after`; ERR_NOT_FOUND. A `key`
 * that has one holds back what comes after it. */
int inbox_parked_next(struct store_txn *txn, struct arena *arena, const char *stream, const char *key,
                      const struct inbox_parked *after, struct inbox_parked *ret);
int inbox_parked_del(struct store_txn *txn, const char *stream, const char *key, uint64_t seq);

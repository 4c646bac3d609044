/* ratelimit - token buckets in bounded memory, for any number of clients.
 *
 * A bucket is found by a keyed hash of what is limited (a class of requests) and of whom (an address, an
 * account), in a set of four. Where all four are taken, the one closest to full makes room: what is forgotten
 * is then the least. Any thread may call. Weak spot: who floods the table with addresses can make single
 * buckets forgotten; the bound on memory is worth more. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ratelimit;

struct rate {
    uint32_t per_hour; /* tokens that grow back */
    uint32_t burst;    /* a full bucket */
};

struct rate_state {
    uint32_t remaining;     /* whole tokens left */
    uint32_t retry_after_s; /* until one is there; 0 when one is left */
};

struct ratelimit *ratelimit_new(size_t buckets, const uint8_t key[static 16]); /* rounded up to a power of two */
void ratelimit_free(struct ratelimit **limits);

/* Takes one token. False: none was left. now_ms: a clock that never jumps. */
bool ratelimit_take(struct ratelimit *limits, unsigned what, const void *who, size_t who_len, struct rate rate,
                    int64_t now_ms, struct rate_state *ret);

/* For what is only known when it has been used: whether a token is left, and then so many taken, more than are left if
 * need be; the debt grows back first. */
bool ratelimit_has(struct ratelimit *limits, unsigned what, const void *who, size_t who_len, struct rate rate,
                   int64_t now_ms, struct rate_state *ret);
void ratelimit_spend(struct ratelimit *limits, unsigned what, const void *who, size_t who_len, struct rate rate,
                     int64_t now_ms, uint32_t tokens);

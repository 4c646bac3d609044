/* ratelimit - see ratelimit.h */
#include "web/front/http/ratelimit.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#define RATELIMIT_WAYS    4
#define RATELIMIT_WHO_MAX 64

struct rate_bucket {
    uint64_t tag;  /* of class and who; 0: empty */
    int64_t at_ms; /* when level was true */
    double level;  /* tokens */
    struct rate rate;
};

struct ratelimit {
    pthread_mutex_t lock;
    uint8_t key[crypto_shorthash_KEYBYTES];
    size_t sets;
    struct rate_bucket *buckets;
};

struct ratelimit *ratelimit_new(size_t buckets, const uint8_t key[static 16])
{
    struct ratelimit *limits = calloc(1, sizeof(*limits));

    if (!limits)
        abort();
    limits->sets = 1;
    while (limits->sets * RATELIMIT_WAYS < buckets)
        limits->sets *= 2;
    limits->buckets = calloc(limits->sets * RATELIMIT_WAYS, sizeof(*limits->buckets));
    if (!limits->buckets)
        abort();
    memcpy(limits->key, key, sizeof(limits->key));
    pthread_mutex_init(&limits->lock, NULL);
    return limits;
}

void ratelimit_free(struct ratelimit **limits)
{
    if (!*limits)
        return;
    pthread_mutex_destroy(&(*limits)->lock);
    free((*limits)->buckets);
    free(*limits);
    *limits = NULL;
}

static uint64_t ratelimit_tag(const struct ratelimit *limits, unsigned what, const void *who, size_t who_len)
{
    uint8_t text[sizeof(what) + RATELIMIT_WHO_MAX], hash[crypto_shorthash_BYTES];
    uint64_t tag;

    who_len = who_len < RATELIMIT_WHO_MAX ? who_len : RATELIMIT_WHO_MAX;
    memcpy(text, &what, sizeof(what));
    memcpy(text + sizeof(what), who, who_len);
    crypto_shorthash(hash, text, sizeof(what) + who_len, limits->key);
    memcpy(&tag, hash, sizeof(tag));
    return tag ? tag : 1;
}

static double ratelimit_level(const struct rate_bucket *bucket, int64_t now_ms)
{
    int64_t passed = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
    double level = bucket->level + (double)passed * bucket->rate.per_hour / 3600000.0;

    return level < bucket->rate.burst ? level : bucket->rate.burst;
}

/* The bucket of this tag: its own, an empty one, or the one closest to full, emptied. */
static struct rate_bucket *ratelimit_find(struct ratelimit *limits, uint64_t tag, struct rate rate, int64_t now_ms)
{
    struct rate_bucket *set = limits->buckets + (tag >> 32) % limits->sets * RATELIMIT_WAYS, *best = set;
    double best_part = -1;

    for (struct rate_bucket *b = set; b < set + RATELIMIT_WAYS; b++) {
        double part = b->tag == 0 ? 2 : ratelimit_level(b, now_ms) / b->rate.burst;

        if (b->tag == tag) {
            b->level = ratelimit_level(b, now_ms);
            b->at_ms = now_ms > b->at_ms ? now_ms : b->at_ms;
            b->rate = rate;
            return b;
        }
        if (part > best_part)
            best = b, best_part = part;
    }
    *best = (struct rate_bucket) { .tag = tag, .at_ms = now_ms, .level = rate.burst, .rate = rate };
    return best;
}

/* least: there must be so much. taken: then so much goes, and ret tells what is left. */
static bool ratelimit_turn(struct ratelimit *limits, uint64_t tag, struct rate rate, int64_t now_ms, double least,
                           double taken, struct rate_state *ret)
{
    struct rate_bucket *bucket;
    bool ok;

    pthread_mutex_lock(&limits->lock);
    bucket = ratelimit_find(limits, tag, rate, now_ms);
    ok = bucket->level >= least;
    if (ok)
        bucket->level -= taken;
    ret->remaining = bucket->level > 0 ? (uint32_t)bucket->level : 0;
    ret->retry_after_s = bucket->level >= 1 ? 0 : (uint32_t)((1 - bucket->level) * 3600 / rate.per_hour) + 1;
    pthread_mutex_unlock(&limits->lock);
    return ok;
}

bool ratelimit_take(struct ratelimit *limits, unsigned what, const void *who, size_t who_len, struct rate rate,
                    int64_t now_ms, struct rate_state *ret)
{
    return ratelimit_turn(limits, ratelimit_tag(limits, what, who, who_len), rate, now_ms, 1, 1, ret);
}

bool ratelimit_has(struct ratelimit *limits, unsigned what, const void *who, size_t who_len, struct rate rate,
                   int64_t now_ms, struct rate_state *ret)
{
    return ratelimit_turn(limits, ratelimit_tag(limits, what, who, who_len), rate, now_ms, 1, 0, ret);
}

void ratelimit_spend(struct ratelimit *limits, unsigned what, const void *who, size_t who_len, struct rate rate,
                     int64_t now_ms, uint32_t tokens)
{
    struct rate_state left;

    ratelimit_turn(limits, ratelimit_tag(limits, what, who, who_len), rate, now_ms, -INFINITY, tokens, &left);
}

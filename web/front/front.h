/* front - the public side: HTTP in, one bus call per request, media files, uploads and server-sent events
 * out.
 *
 * Serves     the routes of gen/routes.h; by hand: uploads, media, the stream redirect, events, health,
 *            metrics and the web app's files
 *            (schemas/front.toml)
 * Keeps      nothing on disk but the bytes of uploads, which go straight to the blobs
 * Trusts     an access token or a session only once auth has said so; a media token once its MAC fits; an
 *            address in X-Forwarded-For only from the edge that knows the secret
 * When busy  answers 503 with Retry-After: too many calls in hand, uploads or listeners; 429 above the rates
 * Threads    civetweb's workers (one per connection) and the bus thread (link.h). What they share is behind
 *            the lock of its own module; a struct exchange belongs to one worker
 * Weak spot  civetweb gives each connection a thread: slow clients are a proxy's to keep away */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <civetweb.h>

#include "data/blobs/blobs.h"
#include "gen/front.h"
#include "schemas/wire/id.h"
#include "web/front/http/ratelimit.h"

struct hub;
struct keyring;
struct link;
struct peers;
struct sessions;
struct share;
struct shelf;
struct tallies;
struct uploads;

struct front {
    const struct front_settings *_Atomic settings; /* the bus may bring others; an older pointer stays good */
    bool secure;                                   /* public_url is https: */
    int web_dir;                                   /* descriptor of the web app's folder; -1: none */
    struct id instance;

    struct blobs *blobs;
    struct link *link;
    struct hub *hub;
    struct keyring *keyring;   /* what tokens are verified with */
    struct sessions *sessions; /* cookies exchanged a moment ago */
    struct peers *peers;       /* who is on the bus */
    struct tallies *tallies;   /* what others have counted */
    struct uploads *uploads;   /* uploads whose bytes flow */
    struct shelf *shelf;       /* playlists that were asked for a moment ago */
    struct share *share;       /* who is being sent how many media files */
    struct ratelimit *limits;
    struct mg_context *http;

    atomic_bool draining;
    _Atomic uint64_t counters[FRONT_COUNTERS];
};

static inline void front_count(struct front *front, enum front_counter counter, uint64_t n)
{
    atomic_fetch_add_explicit(&front->counters[counter], n, memory_order_relaxed);
}

/* Whoever waits for it to become 0 sees what was done before. */
static inline void front_uncount(struct front *front, enum front_counter gauge)
{
    atomic_fetch_sub_explicit(&front->counters[gauge], 1, memory_order_release);
}

int64_t front_now(void);       /* ms UTC */
int64_t front_monotonic(void); /* ms of a clock that never jumps */

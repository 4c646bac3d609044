/* link - the front's place on the bus: one thread owns the connection, any thread may call through it.
 *
 * A worker thread hands its call over, waits for the answer, and has it in its own memory. What arrives
 * unasked (values that are watched, events that are followed) is told to link_events on the bus thread, which
 * must not wait there.
 *
 * Refuses    ERR_BUSY above LINK_CALLS calls in hand, ERR_UNAVAILABLE while the session is down for longer
 *            than LINK_DOWN_MS: who asks over HTTP is not to wait for a broker that is gone
 * Weak spot  a call whose connection broke ends with ERR_WORKER_LOST; nobody knows what became of it.
 *            link_retry asks again where asking twice is harmless */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/client/bus.h"
#include "schemas/wire/buf.h"

enum {
    LINK_CALLS = 256,    /* in hand at a time */
    LINK_DOWN_MS = 3000, /* how long a call waits for a session that is coming back */
};

struct link;

struct link_events {
    void (*value)(void *ctx, const char *name, const char *key, struct bytes body);
    void (*event)(void *ctx, const struct bus_head *head, struct bytes body);
    void (*tick)(void *ctx, int64_t now_ms); /* now and then, at least every second */
    void (*down)(void *ctx);                 /* what was watched is not known any more, until it is told again */
    void (*end)(void *ctx, int err);         /* the bus does not want us: stop at once */
};

struct link_options {
    struct bus_options bus;
    const char *const *watch; /* values */
    size_t watch_n;
    const char *const *follow; /* events, from now on, for as long as we live */
    size_t follow_n;
};

/* Starts the thread. */
int link_new(const struct link_options *options, const struct link_events *events, void *ctx,
             struct link **ret_link);
/* Calls under way end with ERR_INTERRUPTED. */
void link_close(struct link **link);
bool link_is_up(const struct link *link);

struct link_call {
    const char *target; /* "catalog.get_video" */
    struct bus_trace trace;
    const char *subject;     /* access token, NULL: none */
    const char *idempotency; /* NULL: none */
    struct bytes body;
    uint32_t deadline_ms;
};

/* Waits for the answer: 0 and the reply, or a negative error and the packed struct problem (may be empty). */
int link_call(struct link *link, const struct link_call *call, struct buf *ret_reply);
/* The same, again for so long while the answer is one that may change by itself. Only what may be asked
 * twice. */
int link_retry(struct link *link, const struct link_call *call, unsigned again_ms, struct buf *ret_reply);

/* Sets a value of our own from any thread; lost when the session is down. */
void link_set(struct link *link, const char *name, const char *key, struct bytes body, uint32_t ttl_ms);

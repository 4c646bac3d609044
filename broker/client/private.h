/* private - what the files of the bus client share. Not for anybody else. */
#pragma once

#include <sys/queue.h>

#include "broker/client/bus.h"
#include "broker/client/curve.h"
#include "broker/client/frame.h"
#include "broker/client/hmap.h"

enum {
    BUS_HANDLES = 4096,      /* names one process may use */
    BUS_PENDING = 1024,      /* calls that wait for a session */
    BUS_FOLLOW_CREDIT = 256, /* events delivered and not yet handled, per stream */
    BUS_TAP_CREDIT = 1024,
    BUS_BATCH = 256,          /* messages per bus_process() */
    BUS_GREET_MS = 5000,      /* from connect to WELCOME */
    BUS_SWEEP_MS = 250,       /* how often deadlines of calls are looked at */
    BUS_CALL_SLACK_MS = 1000, /* the broker answers a deadline first, when it lives */
    BUS_STUCK_MS = 10,        /* until what the broker did not take is tried again */
};

enum bus_state { BUS_RESTING, BUS_CONNECTING, BUS_GREETING, BUS_UP, BUS_ENDED };

/* A name in use, numbered by us; the number lives as long as the process. */
struct bus_handle {
    struct hnode node; /* by hash of verb and name */
    uint32_t number;
    enum frame_verb verb;
    char *name;
    bool open;       /* said to the broker in this session */
    int refused;     /* what the broker answered */
    unsigned amount; /* slots of an offer, credit of a take */
    unsigned spare;  /* of a take: leases beyond its credit, for urgent jobs alone */
    bool active, single;
    struct bus_follow *follow;
};

struct bus_follow {
    char *names, *group;
    struct bus_cursor at;             /* what was delivered last */
    uint64_t open[BUS_FOLLOW_CREDIT]; /* delivered, not yet handled: a ring */
    unsigned first, n;
};

/* A call of ours. The packed frame is kept until it leaves. */
struct bus_out {
    struct hnode node;         /* by cid */
    TAILQ_ENTRY(bus_out) link; /* in `pending` while it has not left */
    struct bus_handle *handle;
    int64_t deadline;
    bool sent;
    struct buf a, b;
};

/* A call of somebody else's, to be answered here. */
struct bus_in {
    struct hnode node;      /* by our own number */
    struct hnode by_theirs; /* by the broker's */
};

struct bus_lease {
    struct hnode node;      /* by our own number */
    struct hnode by_theirs; /* by the broker's lease id */
    struct bus_handle *handle;
    uint64_t seq;
    uint16_t attempt;
    uint8_t priority;
    bool settling; /* the frame below is on its way */
    struct buf a, b;
};

/* Durable messages that left in one frame, until the broker has answered for all of them. */
struct bus_batch {
    struct hnode node; /* by cid */
    unsigned n;
    uint64_t seqs[FRAME_BATCH_ITEMS];
};

struct bus {
    struct bus_events events;
    void *ctx;
    char *endpoint, *name, *version;
    struct buf secret;
    char server_key[CURVE_KEY + 1]; /* empty: not over tcp */
    struct curve_pair pair;
    struct id instance, store;
    uint32_t epoch;

    void *zmq, *socket, *monitor;
    int epoll;
    enum bus_state state;
    bool busy, dead; /* inside bus_process(); closed meanwhile */
    int64_t now, retry_at, greet_by, heard_at, said_at, ping_at, sweep_at;
    unsigned tries, connections; /* since the last welcome; ever */
    uint64_t random;
    uint32_t heartbeat_ms;
    struct bus_welcome welcome;

    struct bus_handle *handles[BUS_HANDLES];
    uint32_t handles_n;
    struct hmap by_name;
    struct hmap out, in, in_theirs, leases, leases_theirs;
    TAILQ_HEAD(, bus_out) pending;
    unsigned pending_n;
    uint64_t next_cid, next_in, next_lease;
    unsigned unconfirmed;         /* durable messages on their way */
    struct bus_handle *gathering; /* whose durable messages lie in `gathered`, not sent yet; NULL: none */
    struct bus_batch *batch;
    struct buf gathered;
    struct hmap batches;
    uint64_t next_batch;

    struct frame_row row;    /* what was said and has not left */
    bool stuck;              /* the broker does not take it */
    bool unsure;             /* there may be messages that the descriptor does not tell of */
    bool monitor_begun;      /* an event was taken, and nothing said yet that there is no other */
    struct buf scratch;      /* the frame being built */
    char strings[12 * 1024]; /* NUL-terminated copies for one callback */
    size_t strings_n;
    char *tap_filter;
    unsigned tap_sample, tap_seen;
    bool tap_headers;
};

/* handle.c */
int bus_handle_of(struct bus *bus, enum frame_verb verb, const char *name, struct bus_handle **ret);
struct bus_handle *bus_handle_at(const struct bus *bus, uint32_t number);
int bus_handle_open(struct bus *bus, struct bus_handle *handle); /* says it once per session */
void bus_handles_declare(struct bus *bus);                       /* after WELCOME */
void bus_handles_free(struct bus *bus);

/* head.c: between the public head and the one on the wire. */
int bus_head_out(const struct bus_head *head, uint8_t trace[FRAME_TRACE], struct frame_head *ret);
void bus_head_in(struct bus *bus, const struct frame *frame, const struct frame_head *in, struct bus_head *ret);
const char *bus_string(struct bus *bus, struct bytes text); /* NULL when absent */

/* stream.c: sends what was gathered. Everything else that is sent lets it leave first. */
void bus_gathered_leave(struct bus *bus);
void bus_gathered_drop(struct bus *bus); /* with all that is unconfirmed: the session is gone */

/* link.c */
int bus_send(struct bus *bus, const struct frame *frame, const struct frame_head *head, struct bytes body);
int bus_send_packed(struct bus *bus, const struct buf *a, const struct buf *b);
void bus_link_down(struct bus *bus, int err);

/* One for each command that the broker says. */
void bus_on_answer(struct bus *bus, const struct frame *f, struct bytes body);
void bus_on_request(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body);
void bus_on_cancel(struct bus *bus, const struct frame *f);
void bus_on_job(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body);
void bus_on_lease_lost(struct bus *bus, const struct frame *f);
void bus_on_settled(struct bus *bus, const struct frame *f);
void bus_on_durable(struct bus *bus, const struct frame *f, struct bytes body);
void bus_on_event(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body);
void bus_on_lost(struct bus *bus, const struct frame *f);
void bus_on_tail(struct bus *bus, const struct frame *f);
void bus_on_value(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body);
void bus_on_error(struct bus *bus, const struct frame *f, const struct frame_head *h);
void bus_on_tapped(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body);

/* What each part does when a session begins, ends, or time passes. */
void bus_calls_resume(struct bus *bus);
void bus_calls_down(struct bus *bus);
void bus_calls_sweep(struct bus *bus);
void bus_calls_free(struct bus *bus);
void bus_leases_drop(struct bus *bus); /* the store is another one */
void bus_leases_resume(struct bus *bus);
void bus_leases_free(struct bus *bus);
void bus_follow_subscribe(struct bus *bus, struct bus_handle *handle);
void bus_tap_declare(struct bus *bus);

/* bus - one process's connection to the broker: calls, jobs, events, values and taps.
 *
 * Gives      calls out and in, jobs taken under a lease, durable messages put in lane order, events
 *            followed from a cursor, values set and watched, and taps for whoever looks
 * Owned by   the loop of the process: no thread, no lock, and no function here waits. The loop polls
 *            bus_fd() for reading, at most bus_timeout_ms() long, and then calls bus_process()
 * Borrows    every string, head and body it hands to a callback: they die when the callback returns
 * Reconnects by itself, with a jittered delay of 0.1 to 5 s, and resumes: what was offered, taken,
 *            followed, watched or tapped is declared again, leases are shown to the broker, unconfirmed
 *            acknowledgements are sent again. Two things are the caller's: calls under way end with
 *            ERR_WORKER_LOST (nobody knows what became of them), and durable messages that were not
 *            confirmed are put again, in order, from up(): a repetition is recognised and answered ok
 * Refuses    with ERR_BUSY what is above the broker's window or the socket's bound: nothing is queued
 *            without a limit, and nothing refused was sent
 * From another host it speaks CURVE alone: a tcp endpoint without keys is refused, and so is a broker that does not
 *            hold the secret of `server_key`
 * Weak spot  a callback must not free the bus; bus_close() inside one is deferred to its end
 *
 * Names are dotted words. The first one is the service, the stream or the owner: the call
 * `catalog.create_video` goes to who offers `catalog`, the event `catalog.video_ready` lies in the
 * stream `catalog`. Errors are those of schemas/errors.toml, negative. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/bytes.h"
#include "schemas/wire/id.h"

struct bus;

enum {
    BUS_CALL_MAX = 1024 * 1024,  /* body of a call or a reply */
    BUS_DURABLE_MAX = 64 * 1024, /* body of a job, an event, a value or a result */
    BUS_URGENT = 240,            /* priority of a job from which on it is urgent */
    BUS_NAME_MAX = 200,          /* a name, with its dots */
    BUS_KEY_MAX = 255,           /* an ordering key, a value's key */
};

struct bus_trace { /* W3C trace context; all zero: none */
    uint8_t trace[16];
    uint8_t span[8];
    uint8_t flags;
};

/* What travels beside a body. Outgoing: zero what does not apply. */
struct bus_head {
    struct bus_trace trace;
    const char *subject;     /* access token of the person who asks, NULL: none */
    struct bytes key;        /* ordering key of a job or an event; shown by `why` */
    const char *idempotency; /* of a call, NULL: none */
    struct id job;           /* a job's id; on a done or dead event, the job that ended */
    uint8_t priority;        /* of a job: 255 first, 0 last; from BUS_URGENT on it has room of its own */
    uint32_t delay_ms;       /* of a job: not before so long from now */
    uint32_t ttl_ms;         /* of a job: dead when not done by then; 0: never */
    /* Incoming only: the broker sets them. */
    const char *name;     /* full name: call, queue, event type */
    const char *from;     /* role of the sender, proved to the broker */
    uint32_t attempt;     /* of a job, from 1; on done and dead, how many it took */
    int64_t time_ms;      /* when the broker had it, ms UTC */
    bool redelivered;     /* somebody may have worked on it before */
    int err;              /* on a dead event: why the job died (ERR_*), else 0 */
    const char *err_text; /* on a dead event: what the last worker said of it, or NULL */
};

/* A place in a stream. Sequence numbers mean something in one broker store only. */
struct bus_cursor {
    struct id store; /* id of the broker's store, all zero: none yet */
    uint64_t seq;    /* last event handled; 0: from the beginning */
};

struct bus_welcome {
    struct id store;      /* of the broker; other than before: every cursor is void */
    uint32_t incarnation; /* counts the broker's starts */
    bool resumed;         /* false on the first connection of this process */
    uint32_t window;      /* durable messages that may be unconfirmed at a time */
};

struct bus_tapped {
    enum bus_tap_kind {
        BUS_TAP_CALL,
        BUS_TAP_REPLY,
        BUS_TAP_ERROR,
        BUS_TAP_CANCEL,
        BUS_TAP_PUT,
        BUS_TAP_JOB,
        BUS_TAP_ACK,
        BUS_TAP_NACK,
        BUS_TAP_DEAD,
        BUS_TAP_APPEND,
        BUS_TAP_EVENT,
        BUS_TAP_VALUE,
        BUS_TAP_SESSION,
        BUS_TAP_DROPPED, /* no message: so many did not fit, after the one before and before the next */
    } kind;
    const char *from, *to;       /* roles; "-": the broker itself */
    const struct bus_head *head; /* name, key, trace, attempt, time_ms */
    uint64_t seq;                /* of a job or an event, else the call's number */
    size_t size;                 /* of the whole body */
    struct bytes body;           /* empty when only headers were asked for */
    int64_t latency_us;          /* of what ends something: since it began; else -1 */
    int err;                     /* 0, or what went wrong */
    uint64_t dropped;            /* BUS_TAP_DROPPED: messages that this tap missed */
};

struct bus_events {
    /* The session is up, for the first time or again. Now put again what durable_ok() has not named. */
    void (*up)(void *ctx, const struct bus_welcome *welcome);
    /* The session is lost; err says why. The bus reconnects, unless err is ERR_FORBIDDEN (secret, key or
     * name refused) or ERR_CONFLICT (another process opened this store after us: stop at once); these two are
     * said even when there was no session yet. */
    void (*down)(void *ctx, int err);
    /* The broker refused a name: verb is "call", "offer", "take", ... Calls also end with the error. */
    void (*refused)(void *ctx, const char *verb, const char *name, int err);

    /* The answer to bus_call(): err 0 and a reply, or an error and its problem document (may be empty). */
    void (*reply)(void *ctx, uint64_t cid, int err, struct bytes body);
    /* A call for a service offered here. Answer it once, with bus_reply() or bus_reply_error(). */
    void (*request)(void *ctx, uint64_t cid, const struct bus_head *head, struct bytes body, uint32_t deadline_ms);
    /* Nobody waits for this call's answer any more. Answering it is harmless. */
    void (*cancel)(void *ctx, uint64_t cid);

    /* A job, leased until it is acknowledged, given back or lease_ms have passed without bus_extend(). */
    void (*job)(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body, uint32_t lease_ms);
    /* The lease ended without us: stop working, keep nothing. */
    void (*lease_lost)(void *ctx, uint64_t lease, int err);
    /* What bus_ack(), bus_nack() or bus_term() asked is committed (0) or came too late (ERR_LEASE_LOST). */
    void (*settled)(void *ctx, uint64_t lease, int err);

    /* bus_put() and bus_append(): committed and synced by the broker, or refused. After a refusal that
     * err_retryable() names, later messages of the same name are refused until this one is put again. */
    void (*durable_ok)(void *ctx, uint64_t seq, bool duplicate);
    void (*durable_refused)(void *ctx, uint64_t seq, int err);

    void (*event)(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                  struct bytes body);
    /* Events between our cursor and `next` are gone, or the broker's store is another one: rescan the
     * owner. Delivery goes on after `next`. */
    void (*lost)(void *ctx, const char *stream, struct bus_cursor next);
    /* All that was in the stream when we began to follow is delivered. Once per bus_follow() and session. */
    void (*caught_up)(void *ctx, const char *stream, struct bus_cursor at);

    /* A watched value; body.data NULL: it expired or was removed. What exists comes first, then changes. */
    void (*value)(void *ctx, const char *name, const char *key, struct bytes body);
    /* bus_set() failed: the ACL, the size, or the store. Success is silent. */
    void (*set_failed)(void *ctx, const char *name, const char *key, int err);

    void (*tap)(void *ctx, const struct bus_tapped *tapped);

    /* The n-th try in a row to get a session failed, and the next one follows by itself. */
    void (*unreachable)(void *ctx, unsigned tries);
};

struct bus_options {
    const char *endpoint; /* ipc:///path/bus.sock, tcp://host:port */
    const char *name;     /* the role, as in the ACL */
    struct bytes secret;  /* of the role; copied. Over ipc */
    const char *server_key,
        *secret_key;     /* over tcp: the broker's public key, our own secret one (curve.h); copied */
    struct id instance;  /* this process, all zero: chosen at random; shown by `peers` */
    struct id store;     /* of an owner: its store, that makes it a producer; else all zero */
    uint32_t epoch;      /* of an owner: how often this store was opened */
    const char *version; /* shown by `peers`, NULL: none */
};

/* Callbacks that are NULL are not called. The first connection is made by bus_process(). */
int bus_new(const struct bus_options *options, const struct bus_events *events, void *ctx, struct bus **ret_bus);
/* Says goodbye and lets what was sent leave (up to linger_ms). */
void bus_close(struct bus **bus, unsigned linger_ms);
/* The descriptor may change in bus_process(), when a connection is replaced: ask each time. */
int bus_fd(const struct bus *bus);
int bus_timeout_ms(const struct bus *bus, int64_t now_ms);
/* now_ms: of CLOCK_MONOTONIC. Returns after a bounded number of messages;
 * bus_timeout_ms() is then 0 while more are waiting. Call it after sending, too: what was said since leaves with it, in
 * one message, and ZeroMQ's descriptor is edge-triggered. */
void bus_process(struct bus *bus, int64_t now_ms);
/* What was said leaves, in one message, and nothing is received: for who has no more to say and will wait next. */
void bus_flush(struct bus *bus);
bool bus_is_up(const struct bus *bus);

/* Calls out. The body is copied. A call made while the session is down leaves when it is up again. */
int bus_call(struct bus *bus, const char *target, const struct bus_head *head, struct bytes body,
             uint32_t deadline_ms, uint64_t *ret_cid);
void bus_cancel(struct bus *bus, uint64_t cid); /* no reply follows */

/* Calls in. The broker sends at most `slots` calls at a time; 0: none for now, as when draining. */
int bus_offer(struct bus *bus, const char *service, unsigned slots, bool single);
int bus_reply(struct bus *bus, uint64_t cid, struct bytes body);
int bus_reply_error(struct bus *bus, uint64_t cid, int err, struct bytes problem);

/* Jobs in. At most `credit` leases of this queue at a time; 0: no more for now. Jobs of a priority from BUS_URGENT on do
 * not wait for one of these to end: they may take `spare` leases more. Of such jobs there are max(credit, spare) at a time. */
int bus_take(struct bus *bus, const char *queue, unsigned credit, unsigned spare);
int bus_ack(struct bus *bus, uint64_t lease, struct bytes result); /* the result is the done event's body */
/* Give it back: not again before delay_ms (0: the queue's backoff). wait: no attempt is counted. */
int bus_nack(struct bus *bus, uint64_t lease, uint32_t delay_ms, bool wait, int err, const char *text);
int bus_term(struct bus *bus, uint64_t lease, int err, const char *text); /* dead at once */
int bus_extend(struct bus *bus, uint64_t lease, uint32_t lease_ms);

/* Durable out, for owners. seq: the outbox row's number, rising. head->job must be set for a job. Messages of one
 * name that are put one after the other leave in one frame, with the next bus_process() or whatever else is sent. */
int bus_put(struct bus *bus, const char *queue, uint64_t seq, const struct bus_head *head, struct bytes body);
int bus_append(struct bus *bus, const char *event, uint64_t seq, const struct bus_head *head, struct bytes body);

/* Events in. names: which types, separated by commas; NULL: all that the ACL lets us see. group NULL:
 * no cursor is kept for us. from.store zero: the group's own cursor, else the beginning; from.seq
 * BUS_FROM_END: only what comes from now on. */
#define BUS_FROM_END UINT64_MAX
int bus_follow(struct bus *bus, const char *stream, const char *names, const char *group, struct bus_cursor from);
int bus_unfollow(struct bus *bus, const char *stream);
/* Handled up to here: returns credit, and moves the group's cursor. Call it for every event or batch. */
int bus_cursor(struct bus *bus, const char *stream, uint64_t seq);

/* Values: the last one wins. ttl_ms 0: kept on disk; else in the broker's memory only, until then.
 * body.data NULL: removes it. */
int bus_set(struct bus *bus, const char *name, const char *key, struct bytes body, uint32_t ttl_ms);
int bus_watch(struct bus *bus, const char *name);

/* See everything that matches. filter: terms separated by spaces, all must hold: a name pattern
 * (`catalog.*`, `>`), from=ROLE, to=ROLE, actor=ROLE (either), trace=HEX, kind=call, error=ERROR; of several of
 * a kind one must hold; `!` before a term: it must not hold. sample: one in so many. At most one tap per bus; filter NULL ends it. */
int bus_tap(struct bus *bus, const char *filter, unsigned sample, bool headers_only);

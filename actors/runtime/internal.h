/* internal - what the files of the runtime share.
 *
 * A message waits in the queue; a batch of messages is run, each in a turn; what a turn wants done (effects) is held
 * until the commit and then released. A request is a call or a job that somebody waits for; continuations hold on to
 * it, so that the one that answers can be another turn than the one that was asked. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "actors/runtime/actor.h"
#include "actors/runtime/log.h"
#include "actors/runtime/settings.h"
#include "actors/runtime/step.h"
#include "actors/runtime/turn.h"
#include "broker/client/bus.h"
#include "data/store/env.h"
#include "gen/common.h"
#include "gen/counters.h"

enum {
    BATCH_MESSAGES = 128, /* turns of one commit */
    EVENT_TRIES = 4,      /* then it is parked */
    REPLY_KEPT_MS = 24 * 3600 * 1000,
    PEOPLE_CACHE = 256,
    PEOPLE_FRESH_MS = 30000,
    DRAIN_MS = 10000,
    COUNTS_MS = 5000,
    COUNTS_TTL_MS = 15000,
    CONFIG_MS = 60000,
    CONFIG_TTL_MS = 180000,
    MIGRATE_ROWS = 256, /* rewritten in one transaction */
    MIGRATE_MS = 50,
    MIGRATE_AGAIN_MS = 60000,
    USAGE_MS = 5000,
    USAGE_ALARM = 60, /* percent of the store */
    USAGE_FULL = 85,  /* new work is refused; what ends or deletes things is not */
};

/* What travelled beside a body, copied. */
struct head {
    struct bus_trace trace;
    struct id job;
    uint32_t attempt;
    uint8_t priority;
    int64_t time_ms;
    int err;
    const char *subject, *key, *idempotency, *name, *from,
        *err_text; /* "" but for subject and idempotency: NULL */
};
struct head *head_copy(const struct bus_head *from); /* one block: free() */

struct request {
    unsigned refs;
    LIST_ENTRY(request) in_hand;
    bool ended;                    /* answered, or nobody waits any more */
    bool lost;                     /* nobody waits any more */
    const struct serve_def *serve; /* a call, */
    const void *handlers;          /* whose: the actor's, or the runtime's own */
    const struct take_def *take;   /* or a job */
    uint64_t handle;               /* cid or lease */
    struct head *head;
    struct subject subject;
    int64_t began, deadline; /* mono ms; deadline 0: none */
    uint32_t lease_ms;
    int64_t extend_at;
    unsigned later;   /* continuations under way that may answer it */
    uint64_t kept;    /* what turn_keep gave; 0: not kept */
    uint8_t hash[16]; /* of the body */
};
struct request *request_ref(struct request *request); /* NULL is fine */
void request_unref(struct request **request);

struct message;
STAILQ_HEAD(messages, message);

struct stream {
    const char *name;
    struct bus_cursor at;      /* committed */
    struct bus_cursor reached; /* by the turns of this batch, not committed yet */
    int64_t blocked_until;     /* mono ms; 0: not blocked */
    unsigned tries;
    struct messages held; /* behind an event that is tried again */
};

enum message_kind {
    MESSAGE_CALL,
    MESSAGE_JOB,
    MESSAGE_EVENT,
    MESSAGE_LOST,
    MESSAGE_CAUGHT_UP,
    MESSAGE_VALUE,
    MESSAGE_SETTING,
    MESSAGE_UP,
    MESSAGE_THEN,
};

struct message {
    STAILQ_ENTRY(message) next;
    enum message_kind kind;
    struct request *request; /* a reference, NULL: nobody waits */
    struct head *head;       /* of an event; else NULL */
    struct bus_trace trace;
    const struct follow_def *follow;
    const struct watch_def *watch;
    struct stream *stream;
    struct bus_cursor at;
    char *name; /* key of a value, name of a setting */
    void *body; /* NULL: a value that expired */
    size_t body_len;
    turn_then *then;
    pool_let_go *drop;            /* of its ctx, as long as it was not handed to `then`; NULL: it owns nothing */
    const struct call_def *asked; /* of a continuation after turn_ask */
    void *ctx;
    size_t ctx_len;
    int err;
    bool timer; /* a continuation of turn_after() */
    unsigned tries;
};
struct message *message_new(enum message_kind kind, struct bytes body);
/* A continuation, with a copy of ctx. request: whose answer it may be, NULL: nobody's. */
struct message *message_then(turn_then *then, struct request *request, const void *ctx, size_t ctx_len);
void message_free(struct message **message);

enum effect_kind { EFFECT_ASK, EFFECT_POOL, EFFECT_TIMER, EFFECT_SET, EFFECT_UNDO };

struct effect {
    STAILQ_ENTRY(effect) next;
    enum effect_kind kind;
    struct message *then; /* the continuation, ready but for its answer */
    const struct call_def *call;
    const struct value_def *value;
    pool_work *work;
    turn_undo *undo; /* its ctx is the body */
    uint32_t ms;
    struct bytes body, key; /* in the arena of the batch */
    bool remove;
};
STAILQ_HEAD(effects, effect);

enum settle { SETTLE_NONE, SETTLE_NACK, SETTLE_TERM };

struct turn {
    struct actor *actor;
    struct message *message;
    struct request *request; /* the message's */
    struct store_txn *txn;
    struct arena *arena;
    bool writes;
    bool begun; /* its handler was called */
    int64_t now;
    struct bus_trace trace;
    int result;
    struct problem problem;
    bool replied;
    struct bytes reply; /* packed */
    struct effects effects;
    unsigned puts;  /* outbox rows */
    unsigned later; /* continuations registered for the request */
    bool parked, repeated, held;
    enum settle settle;
    uint32_t settle_delay;
    bool settle_wait;
    int settle_err;
    const char *settle_text;
};

/* What waits for the answer of another actor. */
struct asked {
    LIST_ENTRY(asked) next;
    uint64_t cid;
    struct message *then;
};

struct timer {
    LIST_ENTRY(timer) next;
    int64_t due; /* mono ms */
    struct message *then;
};

struct poll_entry {
    int fd, events;
    actor_io *io;
    void *ctx;
};

/* What could not leave because the bus was full, in order. */
struct unsent {
    STAILQ_ENTRY(unsent) next;
    enum { UNSENT_REPLY, UNSENT_ERROR, UNSENT_ACK, UNSENT_NACK, UNSENT_TERM, UNSENT_SET } kind;
    uint64_t handle;
    int err;
    uint32_t ms;
    bool flag; /* NACK: wait; SET: remove */
    char *name, *key;
    void *body;
    size_t body_len;
};

struct pool;
struct people;
struct relay;

struct actor {
    const struct actor_def *def;
    const struct actor_schema *schema;
    struct world world;
    void *self;
    char *state_dir;
    char instance[ID_TEXT_SIZE];
    unsigned jobs, threads; /* what actor_capacity() said; 0: the settings count */
    unsigned spare;
    struct settings *settings;
    struct store *store;
    struct bus *bus;
    bool up;
    struct bus_welcome welcome;
    struct stream *streams;
    size_t streams_n;
    struct messages queue;
    LIST_HEAD(, request) requests;
    unsigned in_hand;
    uint64_t next_kept;
    unsigned pool_planned; /* work that the turns of this batch want done */
    LIST_HEAD(, asked) asked;
    LIST_HEAD(, timer) timers;
    STAILQ_HEAD(, unsent) unsent;
    struct pool *pool;
    struct people *people;
    struct relay *relay;
    struct arena *arena; /* of the batch */
    struct poll_entry *polls;
    size_t polls_n;
    uint64_t *counts[2]; /* of the runtime, of the actor */
    int64_t counts_at, config_at, sweep_at, usage_at;
    size_t swept;       /* tables whose rows are all of this version; the sweep is at the next */
    int64_t migrate_at; /* mono ms: its next piece */
    unsigned usage;     /* percent of the store */
    uint64_t parked;    /* events put aside: while there are any, their keys are looked up */
    int64_t draining;   /* mono ms when it began; 0: not */
    int exit_status;    /* -1: it runs */
};

int64_t actor_mono(const struct actor *actor);
void actor_fatal(struct actor *actor, int status, const char *why, int err);
static inline void count(struct actor *actor, enum counters_counter counter, uint64_t n)
{
    actor->counts[0][counter] += n;
}

/* inbound.c: the bus's callbacks, that queue messages */
extern const struct serve_def backup_serve; /* NAME.backup, for every owner */
extern const struct bus_events inbound_events;
void inbound_up(struct actor *actor); /* what is offered, taken, followed and watched, on the first connection */
void inbound_drain(struct actor *actor);
void queue_put(struct actor *actor, struct message *message);

/* request.c */
struct request *request_new(struct actor *actor, const struct bus_head *head, uint64_t handle, struct bytes body);
void request_lose(struct actor *actor, struct request *request);
void request_end(struct actor *actor, struct request *request);
struct request *request_by_handle(struct actor *actor, bool job, uint64_t handle);
struct request *request_by_kept(struct actor *actor, uint64_t kept);
void request_extend(struct actor *actor); /* leases that would run out */

/* people.c: who asks */
struct people *people_new(void);
void people_free(struct people **people);
void people_value(struct actor *actor, const char *name, const char *key,
                  struct bytes body); /* auth.keys, auth.revoked */
int people_check(struct actor *actor, const struct head *head, struct subject *ret);
int people_allow(const struct call_def *call, const struct subject *subject);
bool people_has_role(const struct subject *subject, enum role least);

/* run.c: one message in its turn, inside a transaction or without one */
void turn_run(struct turn *t);
bool turn_is_read(const struct message *message);
int turn_park(struct turn *t);      /* instead of running it */
int turn_run_event(struct turn *t); /* the handler alone: no cursor */

/* stuck.c: what the runtime serves for every actor: what is stuck, and how to go on */
const struct serve_def *stuck_serve(const struct actor *actor, const char *name, const void **ret_handlers);

/* batch.c */
bool batch_run(struct actor *actor);
void batch_look_at_usage(struct actor *actor); /* of the store, now and then */

/* release.c: what leaves after the commit */
void release_turn(struct actor *actor, struct turn *t);
void release_message(struct actor *actor, struct message *message);
void release_drop(struct turn *t); /* of a turn that is undone: nothing leaves */
void unsent_flush(struct actor *actor);
void unsent_free(struct actor *actor);
void send_error(struct actor *actor, uint64_t cid, int err, const struct problem *problem);

/* relay.c: the outbox */
struct relay *relay_new(void);
void relay_free(struct relay **relay);
int relay_open(struct actor *actor);
void relay_up(struct actor *actor);
void relay_pump(struct actor *actor);
void relay_ok(struct actor *actor, uint64_t seq);
void relay_refused(struct actor *actor, uint64_t seq, int err);
bool relay_has_marks(const struct actor *actor);
int relay_tidy(struct actor *actor, struct store_txn *txn); /* rows that were confirmed or refused leave */
void relay_tidied(struct actor *actor, bool committed);
void relay_added(struct actor *actor, unsigned rows);
bool relay_is_full(const struct actor *actor);
int64_t relay_due(const struct actor *actor); /* mono ms; INT64_MAX: nothing */

/* pool.c */
int pool_new(unsigned threads, bool inline_, struct pool **ret);
void pool_free(struct pool **pool);
int pool_fd(const struct pool *pool);
unsigned pool_waiting(const struct pool *pool);
void pool_submit(struct pool *pool, pool_work *work, struct message *then);
struct message *pool_done(struct pool *pool); /* NULL: no more; its err is what the work answered */

/* timer.c */
void timer_add(struct actor *actor, int64_t due, struct message *then);
void timer_run(struct actor *actor);
int64_t timer_due(const struct actor *actor);

/* counts.c */
void counts_publish(struct actor *actor);
void settings_publish(struct actor *actor);

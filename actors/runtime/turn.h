/* turn - what a handler has: a transaction, an arena, the time, who asks, and ways to tell others.
 *
 * A handler answers 0 (what it wrote stays, the reply leaves after the commit), an error (all is undone; turn_fail says
 * more about it), or TURN_LATER: it asked others, used the pool, set a timer or kept the request, and a continuation
 * answers for it. Continuations run in turns of their own and must check their preconditions again; they answer the same
 * way: 0 after reply_NAME() (or where there is nothing to reply), an error, or TURN_LATER for one that follows.
 *
 * What is begun by a handler that answers 0 goes on by itself: nobody waits for it, and turn_subject() knows nobody.
 *
 * Time, ids and randomness come from the turn alone, so that the same handlers run under a simulator. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gen/auth.h"
#include "gen/common.h"
#include "schemas/wire/actor.h"

struct turn;
struct actor;
struct store_txn;

#define TURN_LATER 1

/* Who asks, as the access token proves, or as the broker knows the sender. */
struct subject {
    bool known; /* a person, by a token that was verified */
    struct id user_id, session_id;
    enum role role; /* 0 when not known */
    uint64_t epoch;
    int64_t expires_at;
    const char *from; /* the role of the process that sent it: "front", "catalog", ... */
    bool is_operator; /* the operator's command line: may do what an admin may */
};

struct actor *turn_actor(struct turn *t);
struct store_txn *turn_txn(struct turn *t); /* a snapshot in calls that only read; NULL without a store */
struct arena *turn_arena(struct turn *t);   /* dies with the turn */
int64_t turn_now(const struct turn *t);     /* ms UTC, the same all through the turn */
struct id turn_id(struct turn *t);          /* a new UUIDv7 */
void turn_random(struct turn *t, void *to, size_t len);
const void *turn_settings(const struct turn *t); /* struct NAME_settings */
void turn_count(struct turn *t, unsigned counter, uint64_t n);

const struct subject *turn_subject(const struct turn *t);
bool turn_has_role(const struct turn *t, enum role least); /* a person of that role or above, or the operator */
/* Whether the person asking has what this one owns in hand: owns it, or is a moderator or above, or the operator. */
bool turn_may_manage(const struct turn *t, struct id owner_id);
/* Of a call that allows "owner": 0 when the person asking is this one, or has a role that the call allows by itself;
 * else ERR_FORBIDDEN, ERR_UNAUTHENTICATED. */
int turn_require_owner(struct turn *t, struct id owner_id);

/* Answers err, and says what is wrong: of which field of the request (NULL: of the whole). */
int turn_fail(struct turn *t, int err, const char *field, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Answers err, for these rules say so: the first one decided. Borrows them. */
int turn_refuse(struct turn *t, int err, struct refusal *refusals, size_t n);
int turn_retry_after(struct turn *t, int err, uint32_t ms); /* answers err, and when to try again */

/* In a continuation that is told of an error: the sentence that came with it from who was asked; "": none did. */
const char *turn_told(struct turn *t);

/* Continuations. What leaves, leaves after the commit; ctx is copied. ERR_BUSY: too much is under way. */
typedef int pool_work(void *ctx); /* on a thread of the pool; may change ctx, touches nothing else */
int turn_pool(struct turn *t, pool_work *work, turn_then *then, const void *ctx, size_t ctx_len);
/* The same with a ctx that leads to memory of its own: `drop` frees that, and touches nothing else, where the continuation never
 * comes: the turn came to nothing, who asked was told of an error instead, or the process ends. On an error it is the caller's. */
typedef void pool_let_go(void *ctx);
int turn_pool_or(struct turn *t, pool_work *work, turn_then *then, pool_let_go *drop, const void *ctx,
                 size_t ctx_len);
/* A timer. When its turn fails and nobody waits for an answer, it is begun again: a second later, then less often. */
int turn_after(struct turn *t, uint32_t ms, turn_then *then, const void *ctx, size_t ctx_len);
/* What a handler remembers beside its transaction, that something is under way for instance: `undo` takes it back when the turn
 * comes to nothing, by its own failure or that of the commit. ctx is copied. What came last is taken back first, in a turn and
 * in the turns of a commit. */
typedef void turn_undo(void *self, const void *ctx);
void turn_undone(struct turn *t, turn_undo *undo, const void *ctx, size_t ctx_len);
/* Of a field that is then to be as it was: remembered before it is changed. It belongs to the actor, for all of its life. */
void turn_remember(struct turn *t, void *field, size_t len);
/* Keeps the call or job for actor_resume(). A kept job stays leased (the runtime extends it) until a turn ends it. */
uint64_t turn_keep(struct turn *t);

/* Of a job or the end of one. */
struct id turn_job(const struct turn *t);    /* its id; zero: the turn is of something else */
uint32_t turn_attempt(const struct turn *t); /* from 1 */
uint8_t turn_priority(const struct turn *t); /* of a job; from BUS_URGENT on it has room of its own */
uint32_t turn_lease_ms(const struct turn *t);
/* Give the job back (wait: no attempt is counted) or up, instead of a reply: then return 0. An error that a handler answers does the same as
 * turn_nack(t, 0, false, err, detail), or turn_term for ERR_INVALID, ERR_MALFORMED and ERR_UNSUPPORTED. */
int turn_nack(struct turn *t, uint32_t delay_ms, bool wait, int err, const char *text); /* wait: uncounted */
int turn_term(struct turn *t, int err, const char *text);                               /* dead at once */

const char *turn_value_key(const struct turn *t); /* of a watched value */
const char *turn_key(const struct turn *t);       /* ordering key of an event or job, "" when none */
int64_t turn_sent_at(const struct turn *t);       /* when the broker had the message */

/* A line in the log, with the actor, the request and the trace: turn_log(t, "video.stuck", "video=%s since=%d", ...) */
void turn_log(struct turn *t, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));

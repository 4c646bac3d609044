/* actor - a process that owns its records and talks only in messages; this is what every one of them stands in.
 *
 * An actor is a schema (schemas/NAME.toml), a table of handlers, and its records. actor_main() does the rest, always in
 * the same order: settings, store, migration, rights, bus, loop, drain, close.
 *
 * A turn is a transaction. The loop takes the messages that are waiting, up to a bound. Calls that only read run first,
 * on a fresh snapshot. Writers each run in a child transaction of one commit: a handler that fails rolls back alone.
 * What marks a message as handled, what it changed and what it tells others are in that commit; replies,
 * acknowledgements, questions and durable messages leave after it. When the commit fails nothing is answered and the
 * process exits (75): the outcome is unknown, and a restart finds out.
 *
 * Serves     beside the calls of its schema NAME.parked, unpark, refused, resend and backup, for the operator
 * Sets       metrics.NAME (counters, every 5 s), config.NAME (its settings); watches settings.NAME
 * Trusts     the role of a sender, which it proved to the broker; of a person, the access token that travels with the
 *            call, once verified (token.h). No other field of a message
 * When busy  answers ERR_BUSY above its slots, when the outbox is full, or when the pool is
 * Weak spot  timers, questions under way and work in the pool die with the process: what must survive is a record, and
 *            up() looks for what was left undone */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/actor.h"

struct actor;
struct store;

struct actor_def {
    const char *name;
    const struct actor_schema *schema;
    const void *handlers; /* struct NAME_handlers */
    size_t self_size;     /* of struct NAME: zeroed memory for the life of the process */
    bool stateless;       /* no store: it may call, take jobs and set values */

    /* All may be NULL. open: the store is open, the bus is not; an error ends the process. */
    int (*open)(void *self, struct actor *actor);
    void (*close)(void *self);
    /* The session is up, for the first time or again: a writing turn before any other. */
    int (*up)(void *self, struct turn *t);
    /* Events of this stream are gone, or the broker lost its store: bring yourself up to date from their owner. A
     * writing turn; the cursor moves on in the same commit. */
    int (*lost)(void *self, struct turn *t, const char *stream);
    /* All that was in the stream at the start has been handled. */
    int (*caught_up)(void *self, struct turn *t, const char *stream);
    /* A setting was changed on the bus; turn_settings() has it. */
    void (*changed)(void *self, struct turn *t, const char *setting); /* "OWNER.SETTING" */
    /* Nobody waits any more for what turn_keep() kept: the caller gave up, or the lease ended. Stop, keep nothing;
     * actor_resume() of it does nothing from now on. */
    void (*gone)(void *self, struct actor *actor, uint64_t kept);
};

/* The whole program: kinobus-NAME --state DIR [--config FILE] [--secret-fd N] [--bus ENDPOINT] [--set NAME=VALUE]...
 * [--any-filesystem] (the store may lie on an overlay or in memory: good enough for a try, not for data).
 * On another host than the broker's: kinobus-NAME --join FILE [--state DIR]; DIR is /var/lib/kinobus when not said.
 * Answers the exit status: 0 told to stop, 64 wrong arguments or settings, 75 try again, 78 it can never work so. */
int actor_main(const struct actor_def *def, int argc, char **argv);

/* For open() and for what runs beside the turns. */
struct store *actor_store(struct actor *actor);                      /* NULL: stateless */
const char *actor_state_dir(const struct actor *actor);              /* where blobs and keys lie */
const void *actor_settings(const struct actor *actor);               /* struct NAME_settings as it stands */
int64_t actor_now(const struct actor *actor);                        /* ms UTC; in a turn use turn_now() */
void actor_count(struct actor *actor, unsigned counter, uint64_t n); /* enum NAME_counter */
void actor_gauge(struct actor *actor, unsigned counter, uint64_t value);
void actor_stop(struct actor *actor); /* drain and end */
/* From open(): how many jobs of each queue are in hand at a time, how many more if these are urgent, and threads of the
 * pool, instead of the settings `jobs` and `pool_threads`. */
void actor_capacity(struct actor *actor, unsigned jobs, unsigned spare, unsigned threads);

/* Watches a descriptor from the loop: poll(2) events, 0 to look away, -1 to forget it. One callback per descriptor. */
typedef void actor_io(void *self, struct actor *actor, int fd, short events, void *ctx);
int actor_poll(struct actor *actor, int fd, int events, actor_io *io, void *ctx);

/* Begins a turn of its own, from a descriptor's callback. kept: what turn_keep() gave, so that the turn can answer that
 * call or job; 0: none. ctx is copied. Does nothing (and answers ERR_GONE) when nobody waits for `kept` any more. */
int actor_resume(struct actor *actor, uint64_t kept, int err, turn_then *then, const void *ctx, size_t ctx_len);

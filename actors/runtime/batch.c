/* batch - the messages that wait, each in its turn: reads on one snapshot, writers in one commit. */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "data/migrate/migrate.h"
#include "data/store/inbox.h"
#include "gen/errors.h"

#define BATCH_SWEEP_MS 60000
#define BATCH_SLOW_MS  100
#define BATCH_AGAIN_MS 100 /* of an event that failed; four times as long each time */

/* A new span of the message's trace, or a trace of its own. */
static struct bus_trace batch_trace(struct actor *actor, const struct message *message)
{
    static const uint8_t none[16];
    struct bus_trace trace = message->trace;

    if (memcmp(trace.trace, none, sizeof(none)) == 0)
        actor->world.random(actor->world.ctx, trace.trace, sizeof(trace.trace));
    actor->world.random(actor->world.ctx, trace.span, sizeof(trace.span));
    return trace;
}

static struct turn *batch_turn(struct actor *actor, struct message *message)
{
    struct turn *t = arena_alloc(actor->arena, sizeof(*t));

    t->actor = actor;
    t->message = message;
    t->request = message->request;
    t->arena = actor->arena;
    t->now = actor_now(actor);
    t->trace = batch_trace(actor, message);
    STAILQ_INIT(&t->effects);
    if (message->kind == MESSAGE_THEN && t->request && t->request->ended && !t->request->lost)
        t->request = NULL; /* it was answered: what goes on, goes on by itself */
    return t;
}

static void batch_run_turn(struct turn *t)
{
    int64_t began = actor_mono(t->actor), took;

    t->begun = true;
    if (t->message->kind == MESSAGE_THEN && t->request && t->request->later)
        t->request->later--;
    turn_run(t);
    took = actor_mono(t->actor) - began;
    if (took < BATCH_SLOW_MS)
        return;
    count(t->actor, COUNTERS_SLOW_TURNS, 1);
    log_line(LOG_AT_WARNING, "slow-turn", "kind=%d name=%s took=%lldms", t->message->kind,
             t->request         ? t->request->head->name
             : t->message->head ? t->message->head->name
                                : "-",
             (long long)took);
}

/* ---- events keep their order: what failed is tried again, and what follows in its stream waits */

static bool batch_is_blocked(const struct message *message)
{
    return message->stream && (message->stream->blocked_until || !STAILQ_EMPTY(&message->stream->held));
}

static void batch_block(struct turn *t)
{
    struct stream *stream = t->message->stream;

    if (!stream->blocked_until) {
        stream->blocked_until = actor_mono(t->actor) + (BATCH_AGAIN_MS << (2 * (stream->tries % EVENT_TRIES)));
        stream->tries++;
    }
    STAILQ_INSERT_HEAD(&stream->held, t->message, next);
    t->held = true;
}

/* Streams whose pause is over: what was held goes to the head of the queue, in its order. */
static void batch_unblock(struct actor *actor)
{
    int64_t now = actor_mono(actor);

    for (size_t i = 0; i < actor->streams_n; i++) {
        struct stream *stream = &actor->streams[i];

        if (!stream->blocked_until || stream->blocked_until > now)
            continue;
        stream->blocked_until = 0;
        STAILQ_CONCAT(&stream->held, &actor->queue);
        STAILQ_CONCAT(&actor->queue, &stream->held);
    }
}

static bool batch_is_final(int err)
{
    return err == ERR_INVALID || err == ERR_MALFORMED || err == ERR_UNSUPPORTED || err == ERR_VERSION;
}

/* An event that failed. parent: the transaction of the batch, NULL: none. */
static void batch_event_failed(struct turn *t, struct store_txn *parent)
{
    struct message *m = t->message;
    int err = t->result, r;

    log_line(LOG_AT_WARNING, "event-failed", "name=%s stream=%s seq=%llu try=%u result=%s detail=\"%s\"",
             m->head->name, m->stream->name, (unsigned long long)m->at.seq, m->stream->tries + 1, err_name(err),
             t->problem.detail ? t->problem.detail : "");
    if (!batch_is_final(err) && m->stream->tries + 1 < EVENT_TRIES) {
        batch_block(t);
        return;
    }
    if (!parent) {
        t->result = 0;
        return;
    }
    r = store_begin_child(parent, &t->txn);
    if (r == 0)
        r = turn_park(t);
    if (r == 0)
        r = store_commit(&t->txn);
    store_abort(&t->txn);
    if (r < 0)
        batch_block(t);
    else
        t->result = 0;
}

/* The owner's state could not be read anew: again in a moment, and no event of the stream before that. */
static void batch_lost_failed(struct turn *t)
{
    log_line(LOG_AT_ERROR, "lost-failed", "stream=%s result=%s detail=\"%s\"", t->message->stream->name,
             err_name(t->result), t->problem.detail ? t->problem.detail : "");
    batch_block(t);
}

/* ---- batches */

/* Takes up to a bound of what waits, and parts the reads from the rest. */
static void batch_take(struct actor *actor, struct messages *reads, struct messages *writes)
{
    struct message *message;

    STAILQ_INIT(reads);
    STAILQ_INIT(writes);
    for (unsigned n = 0; n < BATCH_MESSAGES && (message = STAILQ_FIRST(&actor->queue)); n++) {
        STAILQ_REMOVE_HEAD(&actor->queue, next);
        if (message->kind == MESSAGE_CALL && message->request->lost)
            message_free(&message);
        else if (turn_is_read(message))
            STAILQ_INSERT_TAIL(reads, message, next);
        else
            STAILQ_INSERT_TAIL(writes, message, next);
    }
}

static void batch_read(struct actor *actor, struct messages *reads)
{
    struct store_txn *txn = NULL;
    struct message *message;
    int r = actor->store && !STAILQ_EMPTY(reads) ? store_begin_read(actor->store, &txn) : 0;

    while ((message = STAILQ_FIRST(reads))) {
        struct turn *t = batch_turn(actor, message);

        STAILQ_REMOVE_HEAD(reads, next);
        t->txn = txn;
        if (r < 0)
            t->result = r;
        else
            batch_run_turn(t);
        if (t->result < 0)
            release_drop(t);
        release_turn(actor, t);
        release_message(actor, message);
    }
    store_abort(&txn);
}

/* One writer in a child transaction: it fails alone. */
static void batch_write_turn(struct turn *t, struct store_txn *parent)
{
    int r = parent ? store_begin_child(parent, &t->txn) : 0;

    t->writes = parent != NULL;
    if (r < 0)
        t->result = r;
    else
        batch_run_turn(t);
    if (t->txn && t->result >= 0) {
        r = store_commit(&t->txn);
        if (r < 0)
            t->result = r;
    }
    store_abort(&t->txn);
    if (t->result < 0) {
        release_drop(t);
        if (t->message->kind == MESSAGE_EVENT)
            batch_event_failed(t, parent);
        else if (t->message->kind == MESSAGE_LOST)
            batch_lost_failed(t);
    }
    if (t->result >= 0 && !t->repeated && (t->message->kind == MESSAGE_EVENT || t->message->kind == MESSAGE_LOST))
        t->message->stream->reached = t->message->at;
}

static bool batch_migrates(const struct actor *actor)
{
    return actor->store && actor->swept < actor->schema->tables_n && actor->migrate_at <= actor_mono(actor);
}

/* Rows that an earlier program wrote are written anew, a few at a time. That it fails is not the others' fault. */
static void batch_migrate(struct actor *actor, struct store_txn *parent)
{
    const struct table_def *def = actor->schema->tables[actor->swept];
    struct store_txn *txn = NULL;
    bool done = false;
    int r = store_begin_child(parent, &txn);

    if (r == 0)
        r = migrate_sweep(txn, def, MIGRATE_ROWS, &done);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    actor->migrate_at = actor_mono(actor) + (r < 0 ? MIGRATE_AGAIN_MS : done ? 0 : MIGRATE_MS);
    if (r < 0)
        log_line(LOG_AT_WARNING, "migrate", "table=%s result=%s", def->name, err_name(r));
    else
        actor->swept += done;
}

static int batch_housekeeping(struct actor *actor, struct store_txn *txn)
{
    unsigned deleted;
    int r = relay_tidy(actor, txn);

    if (r == 0 && batch_migrates(actor))
        batch_migrate(actor, txn);
    if (r == 0 && actor->sweep_at <= actor_mono(actor)) {
        actor->sweep_at = actor_mono(actor) + BATCH_SWEEP_MS;
        r = inbox_sweep(txn, actor_now(actor), 256, &deleted);
    }
    return r;
}

/* The commit failed with nothing done: everybody hears so, events wait. */
static void batch_undone(struct turn **turns, size_t n, int err)
{
    while (n--) { /* backwards: what is put back stays in order, and so do undos */
        struct turn *t = turns[n];

        if (t->held)
            continue;
        release_drop(t);
        t->result = err;
        t->replied = t->parked = false;
        t->settle = SETTLE_NONE;
        t->puts = 0;
        if (t->message->stream)
            batch_block(t);
    }
}

static void batch_write(struct actor *actor, struct messages *writes)
{
    struct turn *turns[BATCH_MESSAGES];
    struct store_txn *txn = NULL;
    struct message *message;
    size_t n = 0;
    int r = actor->store ? store_begin_write(actor->store, &txn) : 0;

    if (r == 0 && txn)
        r = batch_housekeeping(actor, txn);
    for (size_t i = 0; i < actor->streams_n; i++)
        actor->streams[i].reached = actor->streams[i].at;
    while ((message = STAILQ_FIRST(writes))) {
        STAILQ_REMOVE_HEAD(writes, next);
        if (batch_is_blocked(message)) {
            STAILQ_INSERT_TAIL(&message->stream->held, message, next);
            continue;
        }
        turns[n] = batch_turn(actor, message);
        if (r == 0)
            batch_write_turn(turns[n], txn);
        n++;
    }
    if (txn && r == 0) {
        r = store_commit(&txn);
        if (r == 0)
            count(actor, COUNTERS_COMMITS, 1);
    }
    store_abort(&txn);
    if (actor->store && store_is_broken(actor->store))
        r = ERR_OUTCOME_UNKNOWN;
    if (r < 0 && r != ERR_STORE_FULL && r != ERR_BUSY)
        actor_fatal(actor, 75, "a commit failed, and a restart must find out what became of it", r);
    relay_tidied(actor, r == 0);
    if (r < 0)
        batch_undone(turns, n, r);
    for (size_t i = 0; i < n; i++) {
        struct turn *t = turns[i];

        if (actor->exit_status < 0 && !t->held)
            release_turn(actor, t);
        else
            release_drop(t);
        if (!t->held)
            release_message(actor, t->message);
    }
}

void batch_look_at_usage(struct actor *actor)
{
    struct store_usage usage;
    unsigned before = actor->usage;

    if (!actor->store || actor->usage_at > actor_mono(actor) || store_usage(actor->store, &usage) < 0)
        return;
    actor->usage_at = actor_mono(actor) + USAGE_MS;
    actor->usage = usage.percent;
    if ((before < USAGE_ALARM) != (usage.percent < USAGE_ALARM) ||
        (before < USAGE_FULL) != (usage.percent < USAGE_FULL))
        log_line(LOG_AT_WARNING, "store", "used=%u%% alarm_at=%d%% refuses_at=%d%%", usage.percent, USAGE_ALARM,
                 USAGE_FULL);
}

bool batch_run(struct actor *actor)
{
    struct messages reads, writes;
    bool any;

    batch_unblock(actor);
    any = !STAILQ_EMPTY(&actor->queue);
    batch_take(actor, &reads, &writes);
    batch_read(actor, &reads);
    if (!STAILQ_EMPTY(&writes) || batch_migrates(actor) ||
        (relay_has_marks(actor) && relay_due(actor) <= actor_mono(actor)))
        batch_write(actor, &writes);
    arena_reset(actor->arena);
    actor->pool_planned = 0; /* what was planned waits in the pool now, or was undone */
    return any;
}

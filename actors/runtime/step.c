/* step - one round of an actor, and what open() and descriptors' callbacks may ask. */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "gen/errors.h"

int64_t actor_now(const struct actor *actor)
{
    return actor->world.utc_ms(actor->world.ctx);
}

int64_t actor_mono(const struct actor *actor)
{
    return actor->world.mono_ms(actor->world.ctx);
}

struct store *actor_store(struct actor *actor)
{
    return actor->store;
}

const char *actor_state_dir(const struct actor *actor)
{
    return actor->state_dir;
}

const void *actor_settings(const struct actor *actor)
{
    return settings_own(actor->settings);
}

void *actor_self(struct actor *actor)
{
    return actor->self;
}

void actor_count(struct actor *actor, unsigned counter, uint64_t n)
{
    if (counter < actor->schema->counters_n)
        actor->counts[1][counter] += n;
}

void actor_gauge(struct actor *actor, unsigned counter, uint64_t value)
{
    if (counter < actor->schema->counters_n)
        actor->counts[1][counter] = value;
}

void actor_capacity(struct actor *actor, unsigned jobs, unsigned spare, unsigned threads)
{
    actor->jobs = jobs;
    actor->spare = spare;
    actor->threads = threads;
}

int actor_exit_status(const struct actor *actor)
{
    return actor->exit_status;
}

void actor_fatal(struct actor *actor, int status, const char *why, int err)
{
    if (actor->exit_status < 0)
        actor->exit_status = status;
    log_line(LOG_AT_ERROR, "fatal", "status=%d result=%s detail=\"%s\"", status, err_name(err), why);
}

void actor_stop(struct actor *actor)
{
    if (actor->draining)
        return;
    actor->draining = actor_mono(actor);
    log_line(LOG_AT_INFO, "stopping", "in_hand=%u", actor->in_hand);
    inbound_drain(actor);
}

/* A job that is not done when the process must end goes back, without an attempt counted. */
static void step_give_back(struct actor *actor)
{
    struct request *request, *next;

    for (request = LIST_FIRST(&actor->requests); request; request = next) {
        next = LIST_NEXT(request, in_hand);
        if (!request->take)
            continue;
        bus_nack(actor->bus, request->handle, 0, true, ERR_INTERRUPTED, "the worker was stopped");
        request_lose(actor, request);
    }
}

static void step_drain(struct actor *actor)
{
    bool late = actor_mono(actor) - actor->draining >= DRAIN_MS;

    if (actor->exit_status >= 0 || (!late && (actor->in_hand || !STAILQ_EMPTY(&actor->queue))))
        return;
    step_give_back(actor);
    actor->exit_status = 0;
}

bool actor_step(struct actor *actor)
{
    struct message *done;
    bool any = false;

    if (actor->exit_status >= 0)
        return false;
    bus_process(actor->bus, actor_mono(actor));
    while ((done = pool_done(actor->pool))) {
        queue_put(actor, done);
        any = true;
    }
    timer_run(actor);
    unsent_flush(actor);
    any |= batch_run(actor);
    relay_pump(actor);
    request_extend(actor);
    batch_look_at_usage(actor);
    counts_publish(actor);
    settings_publish(actor);
    if (actor->draining)
        step_drain(actor);
    bus_flush(actor->bus);
    return any || !STAILQ_EMPTY(&actor->queue);
}

static void step_sooner(int64_t *due, int64_t other)
{
    if (other < *due)
        *due = other;
}

int actor_wait_ms(const struct actor *actor)
{
    int64_t now = actor_mono(actor), due = now + 1000;
    const struct request *request;
    int bus = bus_timeout_ms(actor->bus, now);

    if (!STAILQ_EMPTY(&actor->queue))
        return 0;
    if (bus >= 0)
        step_sooner(&due, now + bus);
    if (!STAILQ_EMPTY(&actor->unsent))
        step_sooner(&due, now + 10);
    step_sooner(&due, timer_due(actor));
    step_sooner(&due, relay_due(actor));
    if (actor->store && actor->swept < actor->schema->tables_n)
        step_sooner(&due, actor->migrate_at);
    for (size_t i = 0; i < actor->streams_n; i++)
        if (actor->streams[i].blocked_until)
            step_sooner(&due, actor->streams[i].blocked_until);
    LIST_FOREACH(request, &actor->requests, in_hand)
    if (request->take && request->lease_ms)
        step_sooner(&due, request->extend_at);
    return due <= now ? 0 : (int)(due - now);
}

int actor_poll(struct actor *actor, int fd, int events, actor_io *io, void *ctx)
{
    struct poll_entry *grown;
    size_t i = 0;

    while (i < actor->polls_n && actor->polls[i].fd != fd)
        i++;
    if (events < 0) {
        if (i == actor->polls_n)
            return ERR_NOT_FOUND;
        actor->polls[i] = actor->polls[--actor->polls_n];
        return 0;
    }
    if (i == actor->polls_n) {
        grown = realloc(actor->polls, (i + 1) * sizeof(*grown));
        if (!grown)
            abort();
        actor->polls = grown;
        actor->polls_n++;
    }
    actor->polls[i] = (struct poll_entry) { .fd = fd, .events = events, .io = io, .ctx = ctx };
    return 0;
}

int actor_resume(struct actor *actor, uint64_t kept, int err, turn_then *then, const void *ctx, size_t ctx_len)
{
    struct request *request = kept ? request_by_kept(actor, kept) : NULL;
    struct message *message;

    if (kept && !request)
        return ERR_GONE;
    message = message_then(then, request, ctx, ctx_len);
    message->err = err;
    if (request)
        message->trace = request->head->trace;
    queue_put(actor, message);
    return 0;
}

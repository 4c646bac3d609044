/* inbound - what the bus calls: each message is copied and queued; nothing is handled here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "actors/runtime/ready/ready.h"
#include "data/store/inbox.h"
#include "gen/errors.h"

static void inbound_up_(void *ctx, const struct bus_welcome *welcome)
{
    struct actor *actor = ctx;
    bool first = !welcome->resumed;

    actor->up = true;
    actor->welcome = *welcome;
    if (first) {
        inbound_up(actor);
        ready_tell();
    }
    relay_up(actor);
    if (actor->def->up)
        queue_put(actor, message_new(MESSAGE_UP, (struct bytes) { 0 }));
    log_line(LOG_AT_INFO, welcome->resumed ? "connected" : "ready", "incarnation=%u", welcome->incarnation);
}

static void inbound_down(void *ctx, int err)
{
    struct actor *actor = ctx;

    if (actor->up)
        log_line(LOG_AT_WARNING, "disconnected", "result=%s", err_name(err));
    actor->up = false;
    if (err == ERR_FORBIDDEN)
        actor_fatal(actor, 78, "the broker refused name, secret or key", err);
    else if (err == ERR_CONFLICT)
        actor_fatal(actor, 75, "another process opened this store after us", err);
}

static void inbound_refused(void *ctx, const char *verb, const char *name, int err)
{
    log_line(LOG_AT_ERROR, "refused", "verb=%s name=%s result=%s", verb, name, err_name(err));
}

static const struct serve_def *inbound_serve(const struct actor *actor, const char *name)
{
    for (size_t i = 0; name && i < actor->schema->serves_n; i++)
        if (strcmp(actor->schema->serves[i].call->name, name) == 0)
            return &actor->schema->serves[i];
    /* What the runtime serves for every owner. */
    size_t len = strlen(actor->schema->name);
    bool mine = name && strncmp(name, actor->schema->name, len) == 0 && strcmp(name + len, ".backup") == 0;
    return mine && actor->store ? &backup_serve : NULL;
}

static void inbound_request(void *ctx, uint64_t cid, const struct bus_head *head, struct bytes body,
                            uint32_t deadline_ms)
{
    struct actor *actor = ctx;
    const void *handlers = actor->def->handlers;
    const struct serve_def *serve = inbound_serve(actor, head->name);
    struct message *message;

    if (!serve && head->name)
        serve = stuck_serve(actor, head->name, &handlers);
    if (!serve || !serve->served(handlers)) {
        send_error(actor, cid, ERR_UNSUPPORTED, NULL);
        return;
    }
    if (actor->in_hand >= 2 * settings_common(actor->settings)->slots || actor->draining) {
        count(actor, COUNTERS_CALLS_BUSY, 1);
        send_error(actor, cid, ERR_BUSY, NULL);
        return;
    }
    message = message_new(MESSAGE_CALL, body);
    message->request = request_new(actor, head, cid, body);
    message->request->serve = serve;
    message->request->handlers = handlers;
    message->request->deadline = deadline_ms ? message->request->began + deadline_ms : 0;
    message->trace = head->trace;
    queue_put(actor, message);
}

static void inbound_cancel(void *ctx, uint64_t cid)
{
    struct actor *actor = ctx;
    struct request *request = request_by_handle(actor, false, cid);

    if (request)
        request_lose(actor, request);
}

static void inbound_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct actor *actor = ctx;
    struct asked *asked;
    struct message *then;

    LIST_FOREACH(asked, &actor->asked, next)
    if (asked->cid == cid)
        break;
    if (!asked)
        return;
    then = asked->then;
    LIST_REMOVE(asked, next);
    free(asked);
    then->err = err;
    if (err < 0)
        count(actor, COUNTERS_ASK_ERRORS, 1);
    if (body.len) {
        then->body = malloc(body.len);
        if (!then->body)
            abort();
        memcpy(then->body, body.data, body.len);
        then->body_len = body.len;
    }
    queue_put(actor, then);
}

static void inbound_job(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body,
                        uint32_t lease_ms)
{
    struct actor *actor = ctx;
    const struct take_def *take = NULL;
    struct message *message;

    for (size_t i = 0; i < actor->schema->takes_n; i++)
        if (head->name && strcmp(actor->schema->takes[i].job->name, head->name) == 0)
            take = &actor->schema->takes[i];
    if (!take) {
        bus_nack(actor->bus, lease, 1000, true, ERR_UNSUPPORTED, "this queue was not taken here");
        return;
    }
    message = message_new(MESSAGE_JOB, body);
    message->request = request_new(actor, head, lease, body);
    message->request->take = take;
    message->request->lease_ms = lease_ms;
    message->request->extend_at = message->request->began + lease_ms / 3;
    message->trace = head->trace;
    queue_put(actor, message);
}

static void inbound_lease_lost(void *ctx, uint64_t lease, int err)
{
    struct actor *actor = ctx;
    struct request *request = request_by_handle(actor, true, lease);

    log_line(LOG_AT_WARNING, "lease-lost", "result=%s", err_name(err));
    if (request)
        request_lose(actor, request);
}

static void inbound_settled(void *ctx, uint64_t lease, int err)
{
    if (err < 0)
        log_line(LOG_AT_WARNING, "settled-late", "result=%s", err_name(err));
}

static void inbound_durable_ok(void *ctx, uint64_t seq, bool duplicate)
{
    relay_ok(ctx, seq);
}

static void inbound_durable_refused(void *ctx, uint64_t seq, int err)
{
    relay_refused(ctx, seq, err);
}

static struct stream *inbound_stream(struct actor *actor, const char *name)
{
    for (size_t i = 0; i < actor->streams_n; i++)
        if (strcmp(actor->streams[i].name, name) == 0)
            return &actor->streams[i];
    return NULL;
}

static void inbound_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                          struct bytes body)
{
    struct actor *actor = ctx;
    struct message *message = message_new(MESSAGE_EVENT, body);

    message->stream = inbound_stream(actor, stream);
    if (!message->stream) {
        message_free(&message);
        return;
    }
    message->at = at;
    message->head = head_copy(head);
    message->trace = head->trace;
    for (size_t i = 0; i < actor->schema->follows_n; i++)
        if (head->name && strcmp(actor->schema->follows[i].event->name, head->name) == 0)
            message->follow = &actor->schema->follows[i];
    queue_put(actor, message); /* one that nobody here knows only moves the cursor */
}

static void inbound_place(struct actor *actor, enum message_kind kind, const char *stream, struct bus_cursor at)
{
    struct message *message = message_new(kind, (struct bytes) { 0 });

    message->stream = inbound_stream(actor, stream);
    message->at = at;
    if (message->stream)
        queue_put(actor, message);
    else
        message_free(&message);
}

static void inbound_lost(void *ctx, const char *stream, struct bus_cursor next)
{
    log_line(LOG_AT_WARNING, "lost", "stream=%s next=%llu", stream, (unsigned long long)next.seq);
    inbound_place(ctx, MESSAGE_LOST, stream, next);
}

static void inbound_caught_up(void *ctx, const char *stream, struct bus_cursor at)
{
    struct actor *actor = ctx;

    if (actor->def->caught_up)
        inbound_place(actor, MESSAGE_CAUGHT_UP, stream, at);
}

static void inbound_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct actor *actor = ctx;
    struct message *message;
    bool setting = strncmp(name, "settings.", 9) == 0;
    const struct watch_def *watch = NULL;
    char full[256];

    people_value(actor, name, key, body);
    for (size_t i = 0; i < actor->schema->watches_n; i++)
        if (strcmp(actor->schema->watches[i].value->name, name) == 0)
            watch = &actor->schema->watches[i];
    if (setting)
        setting = snprintf(full, sizeof(full), "%s.%s", name + 9, key ? key : "") < (int)sizeof(full) &&
                  settings_concerns(actor->settings, full);
    if (!watch && !setting)
        return;
    message = message_new(setting ? MESSAGE_SETTING : MESSAGE_VALUE, body);
    message->watch = watch;
    message->name = strdup(setting ? full : key ? key : "");
    queue_put(actor, message);
}

static void inbound_set_failed(void *ctx, const char *name, const char *key, int err)
{
    log_line(LOG_AT_ERROR, "set-failed", "name=%s result=%s", name, err_name(err));
}

/* Said less and less often: an hour's silence of the broker is a dozen lines. */
static void inbound_unreachable(void *ctx, unsigned tries)
{
    if (tries >= 4 && (tries & (tries - 1)) == 0)
        log_line(LOG_AT_WARNING, "unreachable",
                 "tries=%u sentence=\"no broker answers: it is away, the network is, or its key is another one\"",
                 tries);
}

const struct bus_events inbound_events = {
    .up = inbound_up_,
    .down = inbound_down,
    .refused = inbound_refused,
    .reply = inbound_reply,
    .request = inbound_request,
    .cancel = inbound_cancel,
    .job = inbound_job,
    .lease_lost = inbound_lease_lost,
    .settled = inbound_settled,
    .durable_ok = inbound_durable_ok,
    .durable_refused = inbound_durable_refused,
    .event = inbound_event,
    .lost = inbound_lost,
    .caught_up = inbound_caught_up,
    .value = inbound_value,
    .set_failed = inbound_set_failed,
    .unreachable = inbound_unreachable,
};

/* The types of one stream that are followed, separated by commas. */
static char *inbound_types(const struct actor *actor, const struct stream *stream, struct arena *arena)
{
    size_t len = strlen(stream->name);
    char *types = NULL;

    for (size_t i = 0; i < actor->schema->follows_n; i++) {
        const char *name = actor->schema->follows[i].event->name;

        if (strncmp(name, stream->name, len) == 0 && name[len] == '.')
            types = types ? arena_printf(arena, "%s,%s", types, name) : arena_strdup(arena, name);
    }
    return types;
}

static void inbound_follow(struct actor *actor, struct arena *arena)
{
    struct store_txn *txn = NULL;
    int r = actor->store ? store_begin_read(actor->store, &txn) : 0;

    for (size_t i = 0; r == 0 && i < actor->streams_n; i++) {
        struct stream *stream = &actor->streams[i];

        if (txn) {
            stream->at.store = actor->welcome.store;
            r = inbox_cursor_get(txn, stream->name, actor->welcome.store, &stream->at.seq);
            if (r == ERR_NOT_FOUND)
                r = 0;
        }
        if (r == 0)
            r = bus_follow(actor->bus, stream->name, inbound_types(actor, stream, arena), actor->def->name,
                           stream->at);
    }
    store_abort(&txn);
    if (r < 0)
        actor_fatal(actor, 75, "its streams cannot be followed", r);
}

void inbound_up(struct actor *actor)
{
    const struct actor_schema *schema = actor->schema;
    const struct common_settings *common = settings_common(actor->settings);
    struct arena *arena = arena_new();

    bus_watch(actor->bus, arena_printf(arena, "settings.%s", schema->name));
    for (size_t i = 0; i < schema->shared_n; i++)
        bus_watch(actor->bus,
                  arena_printf(arena, "settings.%.*s", (int)strcspn(schema->shared[i], "."), schema->shared[i]));
    if (schema->people) {
        bus_watch(actor->bus, "auth.keys");
        bus_watch(actor->bus, "auth.revoked");
    }
    for (size_t i = 0; i < schema->watches_n; i++) {
        const char *name = schema->watches[i].value->name;

        if (!schema->people || (strcmp(name, "auth.keys") != 0 && strcmp(name, "auth.revoked") != 0))
            bus_watch(actor->bus, name);
    }
    inbound_follow(actor, arena);
    if (schema->serves_n)
        bus_offer(actor->bus, schema->name, (unsigned)common->slots, schema->single);
    for (size_t i = 0; i < schema->takes_n; i++)
        bus_take(actor->bus, schema->takes[i].job->name, actor->jobs ? actor->jobs : (unsigned)common->jobs,
                 actor->spare);
    arena_free(&arena);
}

void inbound_drain(struct actor *actor)
{
    if (actor->schema->serves_n)
        bus_offer(actor->bus, actor->schema->name, 0, actor->schema->single);
    for (size_t i = 0; i < actor->schema->takes_n; i++)
        bus_take(actor->bus, actor->schema->takes[i].job->name, 0, 0);
    for (size_t i = 0; i < actor->streams_n; i++)
        bus_unfollow(actor->bus, actor->streams[i].name);
}

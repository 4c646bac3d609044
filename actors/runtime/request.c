/* request - calls and jobs in hand, and the messages that wait. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "gen/errors.h"

static void *must(void *memory)
{
    if (!memory) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return memory;
}

/* Appends a copy of the text to the block; NULL stays NULL. */
static const char *head_text(char **at, const char *text, size_t len)
{
    char *copy = *at;

    if (!text)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = 0;
    *at += len + 1;
    return copy;
}

struct head *head_copy(const struct bus_head *from)
{
    const char *texts[] = { from->subject, from->idempotency, from->name ? from->name : "",
                            from->from ? from->from : "", from->err_text ? from->err_text : "" };
    size_t size = sizeof(struct head) + from->key.len + 1;
    struct head *head;
    char *at;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        size += texts[i] ? strlen(texts[i]) + 1 : 0;
    head = must(malloc(size));
    at = (char *)(head + 1);
    *head = (struct head) { .trace = from->trace,
                            .job = from->job,
                            .attempt = from->attempt,
                            .priority = from->priority,
                            .time_ms = from->time_ms,
                            .err = from->err };
    head->key = head_text(&at, from->key.data ? from->key.data : "", from->key.len);
    head->subject = texts[0] ? head_text(&at, texts[0], strlen(texts[0])) : NULL;
    head->idempotency = texts[1] ? head_text(&at, texts[1], strlen(texts[1])) : NULL;
    head->name = head_text(&at, texts[2], strlen(texts[2]));
    head->from = head_text(&at, texts[3], strlen(texts[3]));
    head->err_text = head_text(&at, texts[4], strlen(texts[4]));
    return head;
}

struct request *request_ref(struct request *request)
{
    if (request)
        request->refs++;
    return request;
}

void request_unref(struct request **request)
{
    struct request *r = *request;

    *request = NULL;
    if (!r || --r->refs)
        return;
    free(r->head);
    free(r);
}

/* The list of what is in hand has a reference of its own, until the request ends. */
struct request *request_new(struct actor *actor, const struct bus_head *head, uint64_t handle, struct bytes body)
{
    struct request *request = must(calloc(1, sizeof(*request)));

    request->refs = 2;
    request->handle = handle;
    request->head = head_copy(head);
    request->began = actor_mono(actor);
    crypto_generichash(request->hash, sizeof(request->hash), body.data, body.len, NULL, 0);
    LIST_INSERT_HEAD(&actor->requests, request, in_hand);
    actor->in_hand++;
    return request;
}

void request_end(struct actor *actor, struct request *request)
{
    if (request->ended)
        return;
    request->ended = true;
    LIST_REMOVE(request, in_hand);
    actor->in_hand--;
    request_unref(&request);
}

void request_lose(struct actor *actor, struct request *request)
{
    uint64_t kept = request->kept;

    request->lost = true;
    request_end(actor, request);
    if (kept && actor->def->gone)
        actor->def->gone(actor->self, actor, kept);
}

struct request *request_by_handle(struct actor *actor, bool job, uint64_t handle)
{
    struct request *request;

    LIST_FOREACH(request, &actor->requests, in_hand)
    if (request->handle == handle && (request->take != NULL) == job)
        return request;
    return NULL;
}

struct request *request_by_kept(struct actor *actor, uint64_t kept)
{
    struct request *request;

    LIST_FOREACH(request, &actor->requests, in_hand)
    if (request->kept == kept)
        return request;
    return NULL;
}

void request_extend(struct actor *actor)
{
    int64_t now = actor_mono(actor);
    struct request *request;

    LIST_FOREACH(request, &actor->requests, in_hand)
    {
        if (!request->take || !request->lease_ms || request->extend_at > now)
            continue;
        if (bus_extend(actor->bus, request->handle, request->lease_ms) == 0)
            request->extend_at = now + request->lease_ms / 3;
        else
            request->extend_at = now + 200;
    }
}

struct message *message_new(enum message_kind kind, struct bytes body)
{
    struct message *message = must(calloc(1, sizeof(*message)));

    message->kind = kind;
    if (body.data || body.len) {
        message->body = must(malloc(body.len ? body.len : 1));
        if (body.len)
            memcpy(message->body, body.data, body.len);
        message->body_len = body.len;
    }
    return message;
}

struct message *message_then(turn_then *then, struct request *request, const void *ctx, size_t ctx_len)
{
    struct message *message = message_new(MESSAGE_THEN, (struct bytes) { 0 });

    message->then = then;
    message->request = request_ref(request);
    message->ctx = must(malloc(ctx_len ? ctx_len : 1));
    if (ctx_len)
        memcpy(message->ctx, ctx, ctx_len);
    message->ctx_len = ctx_len;
    return message;
}

void message_free(struct message **message)
{
    struct message *m = *message;

    *message = NULL;
    if (!m)
        return;
    request_unref(&m->request);
    if (m->ctx && m->drop)
        m->drop(m->ctx);
    if (m->ctx)
        sodium_memzero(m->ctx, m->ctx_len); /* passwords go to the pool in it */
    free(m->head);
    free(m->name);
    free(m->body);
    free(m->ctx);
    free(m);
}

void queue_put(struct actor *actor, struct message *message)
{
    STAILQ_INSERT_TAIL(&actor->queue, message, next);
}

/* release - what leaves after the commit: answers, questions, work for the pool, timers, values. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "gen/errors.h"

#define RELEASE_AGAIN_MS 1000

/* ---- what the bus has no room for waits here, in order; each request waits at most once, so it is bounded */

static int unsent_try(struct actor *actor, const struct unsent *u)
{
    struct bytes body = bytes_of(u->body, u->body_len);

    switch (u->kind) {
    case UNSENT_REPLY: return bus_reply(actor->bus, u->handle, body);
    case UNSENT_ERROR: return bus_reply_error(actor->bus, u->handle, u->err, body);
    case UNSENT_ACK: return bus_ack(actor->bus, u->handle, body);
    case UNSENT_NACK: return bus_nack(actor->bus, u->handle, u->ms, u->flag, u->err, u->body);
    case UNSENT_TERM: return bus_term(actor->bus, u->handle, u->err, u->body);
    case UNSENT_SET: return bus_set(actor->bus, u->name, u->key, u->flag ? bytes_of(NULL, 0) : body, u->ms);
    }
    return ERR_INTERNAL;
}

static void unsent_drop(struct unsent *u)
{
    free(u->name);
    free(u->key);
    free(u->body);
    free(u);
}

void unsent_free(struct actor *actor)
{
    struct unsent *u;

    while ((u = STAILQ_FIRST(&actor->unsent))) {
        STAILQ_REMOVE_HEAD(&actor->unsent, next);
        unsent_drop(u);
    }
}

void unsent_flush(struct actor *actor)
{
    struct unsent *u;

    while ((u = STAILQ_FIRST(&actor->unsent))) {
        int r = unsent_try(actor, u);

        if (r == ERR_BUSY)
            return;
        if (r < 0) /* who asked is gone, or the session that asked is */
            log_line(LOG_AT_WARNING, "unsent", "kind=%d result=%s", u->kind, err_name(r));
        STAILQ_REMOVE_HEAD(&actor->unsent, next);
        unsent_drop(u);
    }
}

static void *unsent_copy(const void *from, size_t len)
{
    char *copy = malloc(len + 1);

    if (!copy)
        abort();
    if (len)
        memcpy(copy, from, len);
    copy[len] = 0;
    return copy;
}

/* Sends, or keeps it to be sent. body: of a NACK or TERM its text. */
static void unsent_put(struct actor *actor, struct unsent how, struct bytes body, const char *name,
                       const char *key)
{
    struct unsent *u = malloc(sizeof(*u));

    if (!u)
        abort();
    *u = how;
    u->body = body.data ? unsent_copy(body.data, body.len) : NULL;
    u->body_len = body.len;
    u->name = name ? strdup(name) : NULL;
    u->key = key ? strdup(key) : NULL;
    STAILQ_INSERT_TAIL(&actor->unsent, u, next);
    unsent_flush(actor);
}

void send_error(struct actor *actor, uint64_t cid, int err, const struct problem *problem)
{
    struct buf buf = { 0 };

    if (problem && problem_pack(problem, &buf) < 0)
        buf_reset(&buf);
    unsent_put(actor, (struct unsent) { .kind = UNSENT_ERROR, .handle = cid, .err = err }, buf_bytes(&buf), NULL,
               NULL);
    buf_free(&buf);
}

/* ---- answers */

static void release_call(struct actor *actor, struct turn *t)
{
    struct request *request = t->request;

    count(actor, COUNTERS_CALLS, 1);
    if (t->result < 0) {
        count(actor, COUNTERS_CALL_ERRORS, 1);
        send_error(actor, request->handle, t->result, &t->problem);
        return;
    }
    unsent_put(actor, (struct unsent) { .kind = UNSENT_REPLY, .handle = request->handle }, t->reply, NULL, NULL);
}

static void release_job(struct actor *actor, struct turn *t)
{
    struct unsent how = { .kind = UNSENT_ACK,
                          .handle = t->request->handle,
                          .ms = t->settle_delay,
                          .flag = t->settle_wait,
                          .err = t->settle_err };
    const char *text = t->settle_text ? t->settle_text : "";

    if (t->settle == SETTLE_NONE && t->result >= 0) {
        unsent_put(actor, how, t->reply, NULL, NULL);
        return;
    }
    count(actor, COUNTERS_JOB_ERRORS, 1);
    how.kind = t->settle == SETTLE_TERM ? UNSENT_TERM : UNSENT_NACK;
    if (t->settle == SETTLE_NONE) {
        bool final = t->result == ERR_INVALID || t->result == ERR_MALFORMED || t->result == ERR_UNSUPPORTED;

        how.kind = final ? UNSENT_TERM : UNSENT_NACK;
        how.err = t->result;
        text = t->problem.detail ? t->problem.detail : err_title(t->result);
    }
    unsent_put(actor, how, bytes_of_text(text), NULL, NULL);
}

static void release_log(const struct turn *t)
{
    const struct request *request = t->request;
    char trace[33], user[ID_TEXT_SIZE] = "-", quoted[400] = "";
    long long took = actor_mono(t->actor) - request->began;
    int err = t->settle == SETTLE_NONE ? t->result : t->settle_err;
    const char *detail = t->problem.detail;

    for (int i = 0; i < 16; i++)
        snprintf(trace + 2 * i, 3, "%02x", t->trace.trace[i]);
    if (request->subject.known)
        id_format("user", request->subject.user_id, user);
    if (request->serve)
        log_line(LOG_AT_INFO, "call", "call=%s from=%s user=%s result=%s took=%lldms trace=%s%s%s%s",
                 request->head->name, request->head->from, user, err_name(err), took, trace,
                 t->repeated ? " repeated=yes" : "", err < 0 && detail ? " detail=" : "",
                 err < 0 && detail ? log_quote(detail, quoted, sizeof(quoted)) : "");
    else
        log_line(LOG_AT_INFO, "job", "job=%s attempt=%u result=%s took=%lldms trace=%s%s%s",
                 request->take->job->name, request->head->attempt, err_name(err), took, trace,
                 t->settle_text ? " detail=" : "",
                 t->settle_text ? log_quote(t->settle_text, quoted, sizeof(quoted)) : "");
}

static void release_request(struct actor *actor, struct turn *t)
{
    struct request *request = t->request;

    if (!request || request->ended)
        return;
    if (t->result == TURN_LATER && t->settle == SETTLE_NONE) {
        request->later += t->later;
        return;
    }
    if (request->serve)
        release_call(actor, t);
    else
        release_job(actor, t);
    release_log(t);
    request_end(actor, request);
}

/* ---- effects */

static void release_ask(struct actor *actor, struct turn *t, struct effect *e)
{
    struct bus_head head = { .trace = t->trace, .subject = t->request ? t->request->head->subject : NULL };
    struct asked *asked = malloc(sizeof(*asked));
    int r;

    if (!asked)
        abort();
    count(actor, COUNTERS_ASKS, 1);
    asked->then = e->then;
    r = bus_call(actor->bus, e->call->name, &head, e->body, e->call->deadline_ms, &asked->cid);
    if (r < 0) {
        count(actor, COUNTERS_ASK_ERRORS, 1);
        e->then->err = r;
        queue_put(actor, e->then);
        free(asked);
        return;
    }
    LIST_INSERT_HEAD(&actor->asked, asked, next);
}

static void release_effect(struct actor *actor, struct turn *t, struct effect *e)
{
    struct unsent set;

    switch (e->kind) {
    case EFFECT_ASK: release_ask(actor, t, e); break;
    case EFFECT_POOL:
        count(actor, COUNTERS_POOL_JOBS, 1);
        pool_submit(actor->pool, e->work, e->then);
        break;
    case EFFECT_TIMER: timer_add(actor, actor_mono(actor) + e->ms, e->then); break;
    case EFFECT_UNDO: break; /* it was not */
    case EFFECT_SET:
        set = (struct unsent) { .kind = UNSENT_SET, .flag = e->remove, .ms = e->value->ttl_ms };
        unsent_put(actor, set, e->body, e->value->name, e->key.data);
        break;
    }
}

void release_drop(struct turn *t)
{
    struct effect *e;

    STAILQ_FOREACH(e, &t->effects, next)
    {
        if (e->kind == EFFECT_UNDO)
            e->undo(t->actor->self, e->body.data);
        message_free(&e->then);
    }
    STAILQ_INIT(&t->effects);
    t->later = 0;
    t->puts = 0;
}

static void release_event(struct actor *actor, struct turn *t)
{
    struct message *m = t->message;

    if (m->kind == MESSAGE_CAUGHT_UP || t->result < 0)
        return;
    if (t->parked) {
        count(actor, COUNTERS_EVENTS_PARKED, 1);
        log_line(LOG_AT_ERROR, "event-parked", "name=%s key=%s seq=%llu", m->head->name, m->head->key,
                 (unsigned long long)m->at.seq);
    }
    if (m->kind == MESSAGE_LOST || !t->repeated)
        m->stream->at = m->at;
    m->stream->tries = 0;
    bus_cursor(actor->bus, m->stream->name, m->at.seq);
}

/* Whether the same waits already to be begun again: a clock that goes on asks for it anew with each of its ticks. */
static bool release_is_again(const struct actor *actor, const struct message *m)
{
    const struct timer *timer;

    LIST_FOREACH(timer, &actor->timers, next)
    {
        const struct message *other = timer->then;

        if (other->tries && m->timer && other->timer && other->then == m->then && other->ctx_len == m->ctx_len &&
            memcmp(other->ctx, m->ctx, m->ctx_len) == 0)
            return true;
    }
    return false;
}

/* A turn that nobody waits for failed, and was undone. What the passing of time began is begun again: a clock that an
 * actor winds up in its own timer must not stop because the disk was full once. So is what was never begun, as there was
 * no transaction: what was done on the pool, or answered, is told in the end. */
static void release_failed(struct actor *actor, struct turn *t)
{
    struct message *m = t->message, *again;
    unsigned shift = m->tries < 6 ? m->tries : 6;

    log_line(LOG_AT_ERROR, "turn-failed", "kind=%d result=%s detail=\"%s\"", m->kind, err_name(t->result),
             t->problem.detail ? t->problem.detail : "");
    if ((m->kind != MESSAGE_UP && !m->timer && (m->kind != MESSAGE_THEN || t->begun)) ||
        release_is_again(actor, m))
        return;
    again = message_new(m->kind, (struct bytes) { 0 });
    again->then = m->then;
    again->timer = m->timer;
    again->tries = m->tries + 1;
    again->trace = m->trace;
    again->asked = m->asked;
    again->err = m->err;
    again->drop = m->drop;
    again->ctx = m->ctx; /* moves, as the answer does */
    again->ctx_len = m->ctx_len;
    again->body = m->body;
    again->body_len = m->body_len;
    m->ctx = m->body = NULL;
    timer_add(actor, actor_mono(actor) + (RELEASE_AGAIN_MS << shift), again);
}

void release_turn(struct actor *actor, struct turn *t)
{
    struct effect *e, *next;

    release_request(actor, t);
    for (e = STAILQ_FIRST(&t->effects); e; e = next) {
        next = STAILQ_NEXT(e, next);
        release_effect(actor, t, e);
    }
    STAILQ_INIT(&t->effects);
    relay_added(actor, t->puts);
    if (t->message->stream)
        release_event(actor, t);
    if (t->result < 0 && !t->request)
        release_failed(actor, t);
}

void release_message(struct actor *actor, struct message *message)
{
    message_free(&message);
}

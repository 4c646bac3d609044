/* run - one message in its turn: unpack, rights, repetition, handler, answer. */
#include <stdio.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "data/store/inbox.h"
#include "gen/errors.h"

bool turn_is_read(const struct message *message)
{
    return message->request && message->request->serve && !message->request->serve->call->writes;
}

static int run_unpack(struct turn *t, const struct wire_type *type, void **ret)
{
    struct wire_error err;
    int r;

    *ret = arena_alloc(t->arena, type->size);
    r = wire_unpack(type, bytes_of(t->message->body ? t->message->body : "", t->message->body_len), t->arena, *ret,
                    &err);
    if (r < 0)
        turn_fail(t, r, *err.path ? err.path : NULL, "%s", err.sentence);
    return r;
}

/* ---- repetition: the same idempotency key by the same person, the same job after a crash */

/* False: nothing tells a repetition of this request. */
static bool run_key(const struct turn *t, struct inbox_key *ret)
{
    const struct request *request = t->request;

    if (!t->actor->store || !t->writes || !request)
        return false;
    if (request->take) {
        *ret = (struct inbox_key) { .subject = request->head->job,
                                    .method = request->take->job->name,
                                    .key = "job" };
        return !id_is_zero(request->head->job);
    }
    /* Two people who are not known would share their keys: only who is known has any, and actors that call. */
    *ret = (struct inbox_key) { .subject = request->subject.user_id,
                                .method = request->serve->call->name,
                                .key = request->head->idempotency };
    return ret->key && *ret->key &&
           (request->subject.known || request->subject.is_operator ||
            (request->serve->call->allow & ALLOW_ACTORS));
}

/* 1: it was done before, and the answer is there. */
static int run_repeated(struct turn *t)
{
    struct inbox_key key;
    struct inbox_reply kept;
    struct request *other;
    int r;

    if (!run_key(t, &key))
        return 0;
    if (strlen(key.key) > BUS_KEY_MAX)
        return turn_fail(t, ERR_INVALID, NULL, "the idempotency key is longer than %d bytes", BUS_KEY_MAX);
    r = inbox_reply_get(t->txn, t->arena, &key, t->now, &kept);
    if (r == 0 && t->request->serve && memcmp(kept.request, t->request->hash, sizeof(kept.request)) != 0)
        return turn_fail(t, ERR_CONFLICT, NULL, "this idempotency key was used for another request");
    if (r == 0) {
        t->reply = kept.body;
        t->replied = t->repeated = true;
        count(t->actor, COUNTERS_CALLS_REPEATED, 1);
        return 1;
    }
    LIST_FOREACH(other, &t->actor->requests, in_hand)
    if (other != t->request && (other->later || other->kept) && other->serve == t->request->serve &&
        other->head->idempotency && id_equal(other->subject.user_id, key.subject) &&
        strcmp(other->head->idempotency, key.key) == 0)
        return turn_fail(t, ERR_BUSY, NULL, "the same request is being worked on");
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int run_keep_reply(struct turn *t)
{
    struct inbox_key key;
    struct inbox_reply kept = { .expires = t->now + REPLY_KEPT_MS, .body = t->reply };

    if (!run_key(t, &key) || t->repeated)
        return 0;
    memcpy(kept.request, t->request->hash, sizeof(kept.request));
    return inbox_reply_put(t->txn, &key, &kept);
}

/* ---- the end of a handler */

/* What a handler or a continuation answered for the request it works on. */
static int run_answered(struct turn *t, int r)
{
    struct request *request = t->request;
    const struct wire_type *type;

    if (r < 0 || !request)
        return r < 0 ? r : 0;
    type = request->serve ? request->serve->call->reply : request->take->job->result;
    if (t->replied || t->settle != SETTLE_NONE || (r == 0 && !type))
        return t->settle == SETTLE_NONE ? run_keep_reply(t) : 0;
    if (r == TURN_LATER && (t->later || request->later || request->kept))
        return TURN_LATER;
    log_line(LOG_AT_ERROR, "no-answer",
             "name=%s detail=\"the handler neither answered nor left it to another turn\"", request->head->name);
    return ERR_INTERNAL;
}

/* New work needs room: in the store, and on the way to the broker. What ends or deletes things is let through. */
static int run_room(struct turn *t, const struct call_def *call)
{
    bool new_work = t->writes && !call->frees && (call->allow & ~(unsigned)ALLOW_ACTORS);

    if (new_work && t->actor->usage >= USAGE_FULL)
        return turn_fail(t, ERR_STORE_FULL, NULL, "the store is %u%% full", t->actor->usage);
    if (!t->writes || !relay_is_full(t->actor))
        return 0;
    count(t->actor, COUNTERS_CALLS_BUSY, 1);
    return turn_fail(t, ERR_BUSY, NULL, "too many messages wait for the broker");
}

static int run_call(struct turn *t)
{
    const struct serve_def *serve = t->request->serve;
    const struct call_def *call = serve->call;
    void *ask, *reply = call->reply ? arena_alloc(t->arena, call->reply->size) : NULL;
    int r;

    if (t->request->deadline && actor_mono(t->actor) > t->request->deadline)
        return ERR_EXPIRED;
    r = people_check(t->actor, t->request->head, &t->request->subject);
    if (r == 0)
        r = people_allow(call, &t->request->subject);
    if (r == 0)
        r = run_room(t, call);
    if (r == 0)
        r = run_unpack(t, call->request, &ask);
    if (r == 0)
        r = run_repeated(t);
    if (r)
        return r < 0 ? r : 0;
    r = serve->run(t->request->handlers, t->actor->self, t, ask, reply);
    if (r == 0 && reply && !t->replied)
        r = turn_reply(t, reply);
    return run_answered(t, r);
}

static int run_job(struct turn *t)
{
    const struct take_def *take = t->request->take;
    void *job;
    int r;

    t->request->subject = (struct subject) { .from = t->request->head->from };
    count(t->actor, COUNTERS_JOBS, 1);
    r = run_unpack(t, take->job->request, &job);
    if (r == 0)
        r = run_repeated(t);
    if (r)
        return r < 0 ? r : 0;
    r = take->run(t->actor->def->handlers, t->actor->self, t, job);
    return run_answered(t, r);
}

/* Field by field what the broker tells of a job that ended. */
static void run_fill_end(const struct turn *t, const struct event_def *event, void *body)
{
    const struct head *head = t->message->head;
    const struct wire_field *f;

    if (event->origin == EVENT_OWN)
        return;
    for (size_t i = 0; i < event->type->fields_n; i++) {
        f = &event->type->fields[i];
        if (f->number == 1)
            *(struct id *)((char *)body + f->offset) = head->job;
        else if (f->number == 2)
            *(uint64_t *)((char *)body + f->offset) = head->attempt;
        else if (f->number == 3 && event->origin == EVENT_DEAD)
            *(uint64_t *)((char *)body + f->offset) = (uint64_t) - (int64_t)head->err;
        else if (f->number == 4 && event->origin == EVENT_DEAD)
            *(const char **)((char *)body + f->offset) = arena_strdup(t->arena, head->err_text);
        else if (f == event->key && f->number == 5 && f->kind == WIRE_ID)
            id_parse(f->prefix, head->key, (struct id *)((char *)body + f->offset));
        else if (f == event->key && f->number == 5 && f->kind == WIRE_TEXT)
            *(const char **)((char *)body + f->offset) = arena_strdup(t->arena, head->key);
    }
}

/* Whether an event of this key was put aside: then it waits behind it. */
static bool run_held_back(struct turn *t)
{
    struct inbox_parked parked;
    const char *key = t->message->head->key;

    return t->actor->parked && *key &&
           inbox_parked_next(t->txn, t->arena, t->message->stream->name, key, NULL, &parked) == 0;
}

int turn_run_event(struct turn *t)
{
    const struct message *m = t->message;
    const struct event_def *event = m->follow->event;
    void *body;
    int r = 0;

    if (event->origin == EVENT_DEAD || (event->origin == EVENT_DONE && m->body_len == 0))
        body = arena_alloc(t->arena, event->type->size); /* the broker's own: all of it is in the head */
    else
        r = run_unpack(t, event->type, &body);
    if (r < 0)
        return r;
    run_fill_end(t, event, body);
    return m->follow->run(t->actor->def->handlers, t->actor->self, t, body);
}

static int run_event(struct turn *t)
{
    struct message *m = t->message;
    int r = 0;

    if (id_equal(m->at.store, m->stream->reached.store) && m->at.seq <= m->stream->reached.seq) {
        count(t->actor, COUNTERS_EVENTS_OLD, 1);
        t->repeated = true;
        return 0;
    }
    if (m->follow && t->txn && run_held_back(t))
        return turn_park(t);
    if (m->follow)
        r = turn_run_event(t);
    if (r >= 0)
        count(t->actor, COUNTERS_EVENTS, 1);
    if (r >= 0 && t->txn)
        r = inbox_cursor_set(t->txn, m->stream->name, m->at.store, m->at.seq);
    return r < 0 ? r : 0;
}

int turn_park(struct turn *t)
{
    struct message *m = t->message;
    struct buf head = { 0 };
    struct outbox_head kept = { .key = m->head->key,
                                .job = m->head->job,
                                .name = m->head->name,
                                .attempts = m->head->attempt,
                                .error = (uint64_t) - (int64_t)m->head->err,
                                .reason = m->head->err_text };
    struct inbox_parked parked = { .stream = m->stream->name,
                                   .key = m->head->key,
                                   .seq = m->at.seq,
                                   .at = t->now,
                                   .err = t->result < 0 ? t->result : ERR_AGAIN,
                                   .body = bytes_of(m->body, m->body_len),
                                   .why = t->problem.detail ? t->problem.detail : err_title(t->result) };
    int r;

    if (!t->txn)
        return 0; /* the broker keeps the cursor, and nobody can keep the event */
    r = outbox_head_pack(&kept, &head);
    parked.head = buf_bytes(&head);
    if (r == 0)
        r = inbox_park(t->txn, &parked);
    if (r == 0)
        r = inbox_cursor_set(t->txn, m->stream->name, m->at.store, m->at.seq);
    buf_free(&head);
    t->parked = r == 0;
    t->actor->parked++; /* too many, when it comes to nothing: then a key is looked up in vain */
    return r;
}

static int run_lost(struct turn *t)
{
    struct message *m = t->message;
    int r = t->actor->def->lost ? t->actor->def->lost(t->actor->self, t, m->stream->name) : 0;

    if (r >= 0 && t->txn)
        r = inbox_cursor_set(t->txn, m->stream->name, m->at.store, m->at.seq);
    return r < 0 ? r : 0;
}

static int run_value(struct turn *t)
{
    const struct watch_def *watch = t->message->watch;
    void *value = NULL;
    int r = t->message->body ? run_unpack(t, watch->value->type, &value) : 0;

    if (r == 0)
        watch->run(t->actor->def->handlers, t->actor->self, t, value);
    return r;
}

static int run_setting(struct turn *t)
{
    struct actor *actor = t->actor;
    struct setting_text *setting = NULL;
    char error[256], quoted[160];
    void *value = NULL;
    int r = t->message->body ? run_unpack(t, &setting_text_type, &value) : 0;

    setting = value;
    if (r == 0)
        r = settings_from_bus(actor->settings, t->message->name, setting ? setting->text : NULL, error);
    if (r < 0) {
        log_line(LOG_AT_WARNING, "setting", "name=%s result=%s detail=\"%s\"",
                 log_quote(t->message->name, quoted, sizeof(quoted)), err_name(r), error);
        return 0;
    }
    actor->config_at = 0;
    log_set_level((enum log_at)settings_common(actor->settings)->log);
    log_line(LOG_AT_INFO, "setting", "name=%s source=%s", t->message->name,
             settings_source(actor->settings, t->message->name));
    if (actor->def->changed)
        actor->def->changed(actor->self, t, t->message->name);
    return 0;
}

/* A continuation: the answer of another actor, the end of work in the pool, a timer, or actor_resume(). */
static int run_then(struct turn *t)
{
    struct message *m = t->message;
    void *reply = NULL;
    struct bytes raw = bytes_of(m->body ? m->body : "", m->body_len);
    int r;

    if (t->request && t->request->take && t->request->lost)
        return 0; /* the job has gone to somebody else */
    if (m->asked && m->err == 0 && !m->asked->request)
        reply = &raw;
    if (m->asked && m->err == 0 && m->asked->reply) {
        r = run_unpack(t, m->asked->reply, &reply);
        if (r < 0) {
            m->err = ERR_INTERNAL; /* what another actor answered does not fit its schema */
            m->body_len = 0;
            t->problem = (struct problem) { 0 };
            reply = NULL;
        }
    }
    m->drop = NULL; /* what it leads to is the continuation's from now on */
    r = m->then(t->actor->self, t, m->err, reply, m->ctx);
    return run_answered(t, r);
}

void turn_run(struct turn *t)
{
    switch (t->message->kind) {
    case MESSAGE_CALL: t->result = run_call(t); break;
    case MESSAGE_JOB: t->result = run_job(t); break;
    case MESSAGE_EVENT: t->result = run_event(t); break;
    case MESSAGE_LOST: t->result = run_lost(t); break;
    case MESSAGE_CAUGHT_UP:
        t->result = t->actor->def->caught_up(t->actor->self, t, t->message->stream->name);
        break;
    case MESSAGE_VALUE: t->result = run_value(t); break;
    case MESSAGE_SETTING: t->result = run_setting(t); break;
    case MESSAGE_UP: t->result = t->actor->def->up(t->actor->self, t); break;
    case MESSAGE_THEN: t->result = run_then(t); break;
    }
    count(t->actor, COUNTERS_TURNS, 1);
}

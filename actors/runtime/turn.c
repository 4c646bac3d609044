/* turn - what a handler can ask of its turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "data/store/outbox.h"
#include "gen/errors.h"

struct actor *turn_actor(struct turn *t)
{
    return t->actor;
}

struct store_txn *turn_txn(struct turn *t)
{
    return t->txn;
}

struct arena *turn_arena(struct turn *t)
{
    return t->arena;
}

int64_t turn_now(const struct turn *t)
{
    return t->now;
}

void turn_random(struct turn *t, void *to, size_t len)
{
    t->actor->world.random(t->actor->world.ctx, to, len);
}

struct id turn_id(struct turn *t)
{
    uint8_t random[10];

    turn_random(t, random, sizeof(random));
    return id_make(t->now, random);
}

const void *turn_settings(const struct turn *t)
{
    return settings_own(t->actor->settings);
}

void turn_count(struct turn *t, unsigned counter, uint64_t n)
{
    actor_count(t->actor, counter, n);
}

/* ---- who asks */

static const struct subject nobody = { .from = "" };

const struct subject *turn_subject(const struct turn *t)
{
    return t->request ? &t->request->subject : &nobody;
}

bool turn_has_role(const struct turn *t, enum role least)
{
    return people_has_role(turn_subject(t), least);
}

bool turn_may_manage(const struct turn *t, struct id owner_id)
{
    const struct subject *subject = turn_subject(t);

    return (subject->known && id_equal(subject->user_id, owner_id)) || turn_has_role(t, ROLE_MODERATOR);
}

int turn_require_owner(struct turn *t, struct id owner_id)
{
    const struct subject *subject = turn_subject(t);
    const struct call_def *call = t->request && t->request->serve ? t->request->serve->call : NULL;
    struct call_def without;

    if (subject->known && !id_is_zero(owner_id) && id_equal(subject->user_id, owner_id))
        return 0;
    if (!call)
        return turn_fail(t, ERR_FORBIDDEN, NULL, "only who owns it may do that");
    without = *call;
    without.allow &= ~(unsigned)(ALLOW_OWNER | ALLOW_ANYONE);
    if (people_allow(&without, subject) == 0)
        return 0;
    if (!subject->known)
        return turn_fail(t, ERR_UNAUTHENTICATED, NULL, "say who you are");
    return turn_fail(t, ERR_FORBIDDEN, NULL, "only who owns it may do that");
}

/* ---- what went wrong */

int turn_fail(struct turn *t, int err, const char *field, const char *format, ...)
{
    struct problem *p = &t->problem;
    struct problem_field *grown;
    const char *text;
    va_list args;

    va_start(args, format);
    text = arena_vprintf(t->arena, format, args);
    va_end(args);
    if (strlen(text) > 400) /* the schema's bound is of characters; this one is of bytes, and below it */
        text = "";
    if (!field) {
        p->detail = text;
        return err;
    }
    if (p->errors_n >= 32 || strlen(field) > 200)
        return err;
    grown = arena_alloc_n(t->arena, p->errors_n + 1, sizeof(*grown));
    if (p->errors_n)
        memcpy(grown, p->errors, p->errors_n * sizeof(*grown));
    grown[p->errors_n++] = (struct problem_field) { .field = arena_strdup(t->arena, field), .message = text };
    p->errors = grown;
    if (!p->detail)
        p->detail = arena_printf(t->arena, "%s: %s", field, text);
    return err;
}

int turn_refuse(struct turn *t, int err, struct refusal *refusals, size_t n)
{
    t->problem.detail = refusals[0].sentence;
    t->problem.refusals = refusals;
    t->problem.refusals_n = n;
    return err;
}

const char *turn_told(struct turn *t)
{
    const struct message *m = t->message;
    struct problem problem = { 0 };
    struct wire_error err;

    if (!m->asked || m->err >= 0 || !m->body_len ||
        problem_unpack(bytes_of(m->body, m->body_len), t->arena, &problem, &err) < 0)
        return "";
    return problem.detail ? problem.detail : "";
}

int turn_retry_after(struct turn *t, int err, uint32_t ms)
{
    t->problem.retry_after_ms = ms;
    return err;
}

void turn_log(struct turn *t, const char *what, const char *format, ...)
{
    char trace[33] = "";
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vprintf(t->arena, format, args);
    va_end(args);
    for (int i = 0; i < 16; i++)
        snprintf(trace + 2 * i, 3, "%02x", t->trace.trace[i]);
    log_line(LOG_AT_INFO, what, "%s trace=%s", text, trace);
}

/* ---- what leaves after the commit */

static struct effect *turn_effect(struct turn *t, enum effect_kind kind)
{
    struct effect *effect = arena_alloc(t->arena, sizeof(*effect));

    effect->kind = kind;
    if (kind == EFFECT_UNDO) /* the last is the first to be undone */
        STAILQ_INSERT_HEAD(&t->effects, effect, next);
    else
        STAILQ_INSERT_TAIL(&t->effects, effect, next);
    return effect;
}

/* The message that will carry the answer to a continuation. */
static struct message *turn_then_message(struct turn *t, turn_then *then, const void *ctx, size_t ctx_len)
{
    struct request *request = t->request && !t->request->ended ? t->request : NULL;
    struct message *message = message_then(then, request, ctx, ctx_len);

    message->trace = t->trace;
    t->later++;
    return message;
}

static int turn_pack(struct turn *t, const struct wire_type *type, const void *body, struct bytes *ret)
{
    struct wire_error err = { 0 };
    struct buf buf = { 0 };
    int r = wire_pack_err(type, body, &buf, &err);

    if (r == 0)
        *ret = arena_bytes(t->arena, buf_bytes(&buf));
    else
        log_line(LOG_AT_ERROR, "unsendable", "type=%s field=%s detail=\"%s\"", type->name, err.path, err.sentence);
    buf_free(&buf);
    return r < 0 ? ERR_INTERNAL : 0; /* our own mistake, not that of who asked */
}

int turn_ask(struct turn *t, const struct call_def *call, const void *body, turn_then *then, const void *ctx,
             size_t ctx_len)
{
    struct bytes packed;
    struct effect *effect;
    int r = 0;

    if (call->request)
        r = turn_pack(t, call->request, body, &packed);
    else
        packed = arena_bytes(t->arena, *(const struct bytes *)body);
    if (r < 0)
        return r;
    effect = turn_effect(t, EFFECT_ASK);
    effect->call = call;
    effect->body = packed;
    effect->then = turn_then_message(t, then, ctx, ctx_len);
    effect->then->asked = call;
    return 0;
}

int turn_pool(struct turn *t, pool_work *work, turn_then *then, const void *ctx, size_t ctx_len)
{
    return turn_pool_or(t, work, then, NULL, ctx, ctx_len);
}

int turn_pool_or(struct turn *t, pool_work *work, turn_then *then, pool_let_go *drop, const void *ctx,
                 size_t ctx_len)
{
    struct effect *effect;

    if (pool_waiting(t->actor->pool) + t->actor->pool_planned >= settings_common(t->actor->settings)->pool_waiting)
        return turn_fail(t, ERR_BUSY, NULL, "too much is waiting to be worked on");
    t->actor->pool_planned++;
    effect = turn_effect(t, EFFECT_POOL);
    effect->work = work;
    effect->then = turn_then_message(t, then, ctx, ctx_len);
    effect->then->drop = drop;
    return 0;
}

int turn_after(struct turn *t, uint32_t ms, turn_then *then, const void *ctx, size_t ctx_len)
{
    struct effect *effect = turn_effect(t, EFFECT_TIMER);

    effect->ms = ms;
    effect->then = turn_then_message(t, then, ctx, ctx_len);
    effect->then->timer = true;
    return 0;
}

void turn_undone(struct turn *t, turn_undo *undo, const void *ctx, size_t ctx_len)
{
    struct effect *effect = turn_effect(t, EFFECT_UNDO);

    effect->undo = undo;
    effect->body = ctx_len ? bytes_of(arena_copy(t->arena, ctx, ctx_len), ctx_len) : (struct bytes) { 0 };
}

struct turn_was {
    void *field;
    struct bytes bytes; /* in the arena of the batch */
};

static void turn_put_back(void *self, const void *ctx)
{
    const struct turn_was *was = ctx;

    memcpy(was->field, was->bytes.data, was->bytes.len);
}

void turn_remember(struct turn *t, void *field, size_t len)
{
    struct turn_was was = { .field = field, .bytes = bytes_of(arena_copy(t->arena, field, len), len) };

    turn_undone(t, turn_put_back, &was, sizeof(was));
}

uint64_t turn_keep(struct turn *t)
{
    if (!t->request)
        return 0;
    if (!t->request->kept)
        t->request->kept = ++t->actor->next_kept;
    return t->request->kept;
}

int turn_set(struct turn *t, const struct value_def *value, const char *key, const void *body)
{
    struct bytes packed = { 0 };
    struct effect *effect;
    int r = body ? turn_pack(t, value->type, body, &packed) : 0;

    if (r < 0)
        return r;
    effect = turn_effect(t, EFFECT_SET);
    effect->value = value;
    effect->key = bytes_of_text(arena_strdup(t->arena, key ? key : ""));
    effect->body = packed;
    effect->remove = !body;
    return 0;
}

/* ---- durable messages: rows of the outbox, in the same commit */

/* The ordering key as text: ids as TypeIDs. */
static const char *turn_key_text(struct turn *t, const struct wire_field *key, const void *body)
{
    char text[ID_TEXT_SIZE];
    const void *at = key ? (const char *)body + key->offset : NULL;

    if (!key)
        return NULL;
    if (key->kind == WIRE_ID)
        return arena_strdup(t->arena, id_format(key->prefix, *(const struct id *)at, text));
    return *(const char *const *)at;
}

static int turn_outbox(struct turn *t, struct outbox_row *row, struct outbox_head *head)
{
    uint8_t trace[25];
    struct buf buf = { 0 };
    uint64_t seq;
    int r;

    if (!t->writes || !t->txn) {
        log_line(LOG_AT_ERROR, "unsendable", "target=%s detail=\"only a turn that writes to a store can\"",
                 row->target);
        return ERR_INTERNAL;
    }
    memcpy(trace, t->trace.trace, 16);
    turn_random(t, trace + 16, 8);
    trace[24] = t->trace.flags;
    head->trace = bytes_of(trace, sizeof(trace));
    if (head->key && strlen(head->key) > BUS_KEY_MAX)
        return turn_fail(t, ERR_TOO_LARGE, NULL, "the key of a durable message is too long");
    if (row->body.len > BUS_DURABLE_MAX)
        return turn_fail(t, ERR_TOO_LARGE, NULL, "a durable message is larger than %d bytes", BUS_DURABLE_MAX);
    r = outbox_head_pack(head, &buf);
    row->head = buf_bytes(&buf);
    row->at = t->now;
    if (r == 0)
        r = outbox_put(t->txn, row, &seq);
    buf_free(&buf);
    if (r == 0)
        t->puts++;
    return r;
}

int turn_emit(struct turn *t, const struct event_def *event, const void *body)
{
    struct outbox_row row = { .kind = OUTBOX_EVENT, .target = event->name };
    struct outbox_head head = { .key = turn_key_text(t, event->key, body) };
    int r = turn_pack(t, event->type, body, &row.body);

    return r < 0 ? r : turn_outbox(t, &row, &head);
}

int turn_put(struct turn *t, const struct job_def *job, const void *body, const struct job_options *options,
             struct id *ret_job)
{
    struct outbox_row row = { .kind = OUTBOX_JOB, .target = job->name };
    struct outbox_head head = { .key = turn_key_text(t, job->key, body), .job = turn_id(t) };
    int r = turn_pack(t, job->request, body, &row.body);

    if (options) {
        head.priority = options->priority;
        head.delay_ms = options->delay_ms;
        head.ttl_ms = options->ttl_ms;
    }
    if (r == 0)
        r = turn_outbox(t, &row, &head);
    if (r == 0 && ret_job)
        *ret_job = head.job;
    return r;
}

/* ---- the answer */

int turn_reply(struct turn *t, const void *body)
{
    const struct wire_type *type = NULL;
    int r;

    if (!t->request)
        return ERR_GONE;
    type = t->request->serve ? t->request->serve->call->reply : t->request->take->job->result;
    if (!type)
        return ERR_INTERNAL;
    r = turn_pack(t, type, body, &t->reply);
    t->replied = r == 0;
    return r;
}

static int turn_settle(struct turn *t, enum settle settle, uint32_t delay_ms, bool wait, int err, const char *text)
{
    if (!t->request || !t->request->take)
        return ERR_INTERNAL;
    t->settle = settle;
    t->settle_delay = delay_ms;
    t->settle_wait = wait;
    t->settle_err = err;
    t->settle_text = arena_strdup(t->arena, text ? text : "");
    return 0;
}

int turn_nack(struct turn *t, uint32_t delay_ms, bool wait, int err, const char *text)
{
    return turn_settle(t, SETTLE_NACK, delay_ms, wait, err, text);
}

int turn_term(struct turn *t, int err, const char *text)
{
    return turn_settle(t, SETTLE_TERM, 0, false, err, text);
}

/* ---- what the message was */

static const struct head *turn_head(const struct turn *t)
{
    static const struct head none = { .key = "", .name = "", .from = "", .err_text = "" };

    return t->request ? t->request->head : t->message->head ? t->message->head : &none;
}

struct id turn_job(const struct turn *t)
{
    return turn_head(t)->job;
}

uint32_t turn_attempt(const struct turn *t)
{
    return turn_head(t)->attempt;
}

uint8_t turn_priority(const struct turn *t)
{
    return turn_head(t)->priority;
}

uint32_t turn_lease_ms(const struct turn *t)
{
    return t->request ? t->request->lease_ms : 0;
}

const char *turn_value_key(const struct turn *t)
{
    return t->message->name ? t->message->name : "";
}

const char *turn_key(const struct turn *t)
{
    return turn_head(t)->key;
}

int64_t turn_sent_at(const struct turn *t)
{
    return turn_head(t)->time_ms;
}

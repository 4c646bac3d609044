/* stuck - what did not go on by itself, and how an operator makes it go on: events that were put aside because their
 * handler failed for good, and messages that the broker refused. Served by every actor, under its own name. */
#include <stdio.h>
#include <string.h>

#include "actors/runtime/internal.h"
#include "data/store/inbox.h"
#include "data/store/outbox.h"
#include "gen/errors.h"

static int stuck_store(struct turn *t)
{
    return t->txn ? 0 : turn_fail(t, ERR_UNSUPPORTED, NULL, "this actor keeps nothing");
}

static int stuck_on_parked(struct common *self, struct turn *t, const struct parked *ask,
                           struct parked_reply *reply)
{
    struct inbox_parked at, after;
    struct outbox_head head;
    int r = stuck_store(t);

    reply->items = arena_alloc_n(t->arena, ask->limit, sizeof(*reply->items));
    while (r == 0 && reply->items_n < ask->limit) {
        r = inbox_parked_next(t->txn, t->arena, NULL, NULL, reply->items_n ? &after : NULL, &at);
        if (r < 0)
            break;
        head = (struct outbox_head) { 0 };
        outbox_head_unpack(at.head, t->arena, &head, NULL);
        reply->items[reply->items_n++] = (struct parked_event) { .stream = at.stream,
                                                                 .seq = at.seq,
                                                                 .name = head.name,
                                                                 .key = at.key,
                                                                 .at = at.at,
                                                                 .error = err_slug(at.err),
                                                                 .reason = at.why };
        after = at;
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int stuck_find_parked(struct turn *t, const char *stream, uint64_t seq, struct inbox_parked *ret)
{
    struct inbox_parked after;
    int r = inbox_parked_next(t->txn, t->arena, stream, NULL, NULL, ret);

    while (r == 0 && ret->seq != seq) {
        after = *ret;
        r = inbox_parked_next(t->txn, t->arena, stream, NULL, &after, ret);
    }
    return r;
}

/* The handler of the event, in the turn of this call, as if the event had come just now. */
static int stuck_handle(struct turn *t, const struct inbox_parked *parked)
{
    const struct actor_schema *schema = t->actor->schema;
    struct message *call = t->message, event = { .kind = MESSAGE_EVENT };
    struct outbox_head saved = { 0 };
    struct head head;
    int r = outbox_head_unpack(parked->head, t->arena, &saved, NULL);

    if (r < 0)
        return r;
    for (size_t i = 0; i < schema->follows_n; i++)
        if (saved.name && strcmp(schema->follows[i].event->name, saved.name) == 0)
            event.follow = &schema->follows[i];
    if (!event.follow)
        return 0; /* nobody here follows it any more */
    head = (struct head) { .job = saved.job,
                           .attempt = (uint32_t)saved.attempts,
                           .key = parked->key,
                           .name = saved.name,
                           .err = saved.error ? err_from_code(saved.error) : 0,
                           .from = "",
                           .err_text = saved.reason ? saved.reason : "" };
    event.head = &head;
    event.body = (void *)parked->body.data;
    event.body_len = parked->body.len;
    t->message = &event;
    r = turn_run_event(t);
    t->message = call;
    return r;
}

static int stuck_on_unpark(struct common *self, struct turn *t, const struct unpark *ask)
{
    struct inbox_parked parked, first;
    int r = stuck_store(t);

    if (r == 0)
        r = stuck_find_parked(t, ask->stream, ask->seq, &parked);
    if (r < 0)
        return r;
    r = inbox_parked_next(t->txn, t->arena, parked.stream, parked.key, NULL, &first);
    if (r == 0 && first.seq != parked.seq && !ask->drop)
        return turn_fail(t, ERR_CONFLICT, "seq", "waits behind %llu, which has the same key",
                         (unsigned long long)first.seq);
    if (r == 0 && !ask->drop)
        r = stuck_handle(t, &parked);
    return r < 0 ? r : inbox_parked_del(t->txn, parked.stream, parked.key, parked.seq);
}

static int stuck_on_refused(struct common *self, struct turn *t, const struct refused *ask,
                            struct refused_reply *reply)
{
    struct outbox_refusal at = { 0 };
    int r = stuck_store(t);

    reply->items = arena_alloc_n(t->arena, ask->limit, sizeof(*reply->items));
    while (r == 0 && reply->items_n < ask->limit) {
        r = outbox_refused_next(t->txn, t->arena, at.row.seq, &at);
        if (r == 0)
            reply->items[reply->items_n++] = (struct refused_message) { .seq = at.row.seq,
                                                                        .target = at.row.target,
                                                                        .at = at.refused_at,
                                                                        .error = err_slug(at.err),
                                                                        .reason = at.why };
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int stuck_on_resend(struct common *self, struct turn *t, const struct resend *ask)
{
    struct outbox_refusal at;
    uint64_t seq;
    int r = stuck_store(t);

    if (r == 0)
        r = outbox_refused_next(t->txn, t->arena, ask->seq - 1, &at);
    if (r < 0 || at.row.seq != ask->seq)
        return r < 0 ? r : ERR_NOT_FOUND;
    if (!ask->drop) {
        r = outbox_put(t->txn, &at.row, &seq); /* under a new seq: the old one is used up */
        if (r < 0)
            return r;
        t->puts++;
    }
    return outbox_refused_del(t->txn, ask->seq);
}

static const struct common_handlers stuck_handlers = {
    .parked = stuck_on_parked,
    .unpark = stuck_on_unpark,
    .refused = stuck_on_refused,
    .resend = stuck_on_resend,
};

const struct serve_def *stuck_serve(const struct actor *actor, const char *name, const void **ret_handlers)
{
    size_t len = strlen(actor->schema->name), common = strlen(common_schema.name);

    if (strncmp(name, actor->schema->name, len) != 0 || name[len] != '.')
        return NULL;
    for (size_t i = 0; i < common_schema.serves_n; i++)
        if (strcmp(common_schema.serves[i].call->name + common, name + len) == 0) {
            *ret_handlers = &stuck_handlers;
            return &common_schema.serves[i];
        }
    return NULL;
}

/* stream - events: appended once, read by every follower at its own pace, always from the store.
 *
 * A live follower and one that was away for a day take the same path, but that what lies far behind is brought into memory
 * first. What a follower may not see, or did not ask for, is passed over here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "broker/server/broker.h"
#include "gen/errors.h"

enum {
    STREAM_BATCH = 256,
    STREAM_NEAR = 4096, /* events before the end: written a moment ago */
};

void stream_on_append(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_APPEND);

    if (handle)
        stream_append(b, s, handle, m);
}

void stream_append(struct broker *b, struct session *s, struct handle *handle, const struct message *m)
{
    struct store_op *op;

    if (!durable_admit(b, s, handle, m))
        return;
    op = durable_op(b, s, m, STORE_APPEND, handle->name, 0);
    op->stream = handle->stream->id;
    broker_submit(b, op);
}

static bool stream_is_over(const struct stream *stream)
{
    return stream->keep_bytes && stream->bytes > stream->keep_bytes;
}

/* A bounded number of events go: stream_pruned() asks for the rest. */
static void stream_prune_one(struct broker *b, struct stream *stream)
{
    struct store_op *op;

    if (stream->pruning)
        return;
    stream->pruning = true;
    op = store_op_new(STORE_PRUNE);
    op->lazy = true;
    op->stream = stream->id;
    op->now_ms = b->wall_ms;
    op->due_ms = b->wall_ms - stream->keep_ms;
    op->keep_bytes = stream->keep_bytes;
    broker_submit(b, op);
}

static void stream_press(struct broker *b, struct stream *stream)
{
    if (stream->pressed)
        return;
    stream->pressed = true;
    TAILQ_INSERT_TAIL(&b->pressed_streams, stream, press_link);
}

void stream_grown(struct broker *b, const struct store_op *op)
{
    struct stream *stream = HMAP_MAYBE(hmap_find(&b->stream_ids, op->stream), struct stream, by_id);

    if (!stream)
        return;
    if (op->ret_seq > stream->last)
        stream->last = op->ret_seq;
    stream->bytes = op->ret_bytes;
    stream->appends++;
    if (stream_is_over(stream))
        stream_prune_one(b, stream);
    b->counters[BROKER_APPENDS]++;
    stream_press(b, stream);
}

void stream_append_done(struct broker *b, struct store_op *op)
{
    struct session *s = session_of(b, op->session);
    struct frame_head head;

    if (b->taps_n && frame_parse_head(op->record.head, &head) == 0)
        TAP(b, .kind = BUS_TAP_APPEND, .from = s ? s->role : "-", .to = "-", .name = head.name,
            .head = op->record.head, .body = op->record.body, .seq = op->ret_seq,
            .latency_us = b->now_us - op->began_us, .err = op->status);
    if (op->status == 0)
        stream_grown(b, op);
    durable_answer(b, op);
}

static struct group *stream_group(struct stream *stream, struct bytes name)
{
    struct group *group;

    LIST_FOREACH(group, &stream->groups, link)
    {
        if (bytes_equal(bytes_of_text(group->name), name))
            return group;
    }
    group = calloc(1, sizeof *group);
    if (!group)
        abort();
    group->name = names_copy(name);
    LIST_INSERT_HEAD(&stream->groups, group, link);
    return group;
}

/* Groups are of a role: nobody moves the cursor of somebody else. */
static struct group *stream_group_of(struct stream *stream, const struct session *s, struct bytes name)
{
    char full[BUS_NAME_MAX + 70];
    int len;

    if (!name.len)
        return NULL;
    len = snprintf(full, sizeof full, "%s:%.*s", s->role, (int)name.len, (const char *)name.data);
    return stream_group(stream, bytes_of(full, (size_t)len));
}

static void stream_say_lost(struct broker *b, struct follower *f)
{
    struct frame frame = { .command = FRAME_LOST, .handle = f->handle, .seq = f->at };

    send_frame(b, f->session, &frame, NULL, (struct bytes) { 0 });
}

/* Where reading begins: a cursor of this store, the group's own, the end, or the oldest there is. Events that a
 * cursor needs and that are gone, or a cursor of another store, are LOST. */
static void stream_place(struct broker *b, struct follower *f, const struct message *m)
{
    struct stream *stream = f->stream;
    struct id store = frame_id(m->head.store);
    bool other = !id_is_zero(store) && !id_equal(store, b->store_id);

    if (m->frame.seq == UINT64_MAX) {
        f->at = stream->last;
        return;
    }
    f->at = id_is_zero(store) && f->group ? f->group->seq : m->frame.seq;
    if (!other && f->at <= stream->last && f->at + 1 >= stream->first)
        return;
    if (!other && f->at == 0) { /* from the beginning, as far as there is one */
        f->at = stream->first - 1;
        return;
    }
    f->at = stream->first - 1;
    stream_say_lost(b, f);
}

void stream_on_sub(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_FOLLOW);
    struct follower *f;

    if (!handle)
        return;
    if (handle->follower)
        stream_follower_gone(b, handle->follower);
    if (m->frame.command == FRAME_UNSUB)
        return;
    f = calloc(1, sizeof *f);
    if (!f)
        abort();
    f->session = s;
    f->stream = handle->stream;
    f->handle = m->frame.handle;
    f->credit = m->frame.code;
    f->group = stream_group_of(f->stream, s, m->head.group);
    f->names = m->head.filter.len ? names_copy(m->head.filter) : NULL;
    handle->follower = f;
    TAILQ_INSERT_TAIL(&f->stream->followers, f, link);
    stream_place(b, f, m);
    f->handled = f->at;
    stream_press(b, f->stream);
}

/* As far as the slowest follower of the group that is here: who takes over from any of them misses nothing. Who has
 * handled all it got, and is not interested in what came since, holds nobody back. Who left does not count. */
static void stream_move_group(const struct stream *stream, struct group *group)
{
    const struct follower *f;
    uint64_t lowest = UINT64_MAX;

    TAILQ_FOREACH(f, &stream->followers, link)
    {
        uint64_t has = f->handled >= f->given && f->handled < f->at ? f->at : f->handled;

        if (f->group == group && has < lowest)
            lowest = has;
    }
    if (lowest == UINT64_MAX || lowest <= group->seq)
        return;
    group->seq = lowest;
    group->dirty = true;
}

/* What was given is counted in a few pieces: exactly enough, and a follower costs the same however much it has. */
static void stream_gave(const struct broker *b, struct follower *f, uint64_t seq, size_t size)
{
    struct piece *last = f->pieces_n ? &f->pieces[f->pieces_n - 1] : NULL;

    if (!last || (last->bytes >= b->settings->credit_bytes / BROKER_PIECES && f->pieces_n < BROKER_PIECES)) {
        last = &f->pieces[f->pieces_n++];
        last->bytes = 0;
    }
    last->last = f->given = seq;
    last->bytes += size;
    f->bytes += size;
}

static void stream_handled(struct follower *f)
{
    unsigned n = 0;

    for (; n < f->pieces_n && f->pieces[n].last <= f->handled; n++)
        f->bytes -= f->pieces[n].bytes;
    f->pieces_n -= n;
    memmove(f->pieces, f->pieces + n, f->pieces_n * sizeof *f->pieces);
}

static bool stream_has_credit(const struct broker *b, const struct follower *f)
{
    return f->credit && f->bytes < b->settings->credit_bytes && !f->session->lost;
}

void stream_on_cursor(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_FOLLOW);
    struct follower *f = handle ? handle->follower : NULL;

    if (!f)
        return;
    f->credit += m->frame.code;
    if (f->credit > b->settings->credit)
        f->credit = (unsigned)b->settings->credit;
    if (m->frame.seq > f->handled && m->frame.seq <= f->stream->last)
        f->handled = m->frame.seq;
    stream_handled(f);
    if (f->group)
        stream_move_group(f->stream, f->group);
    stream_press(b, f->stream);
}

void stream_follower_gone(struct broker *b, struct follower *f)
{
    struct session *s = f->session;

    (void)b;
    for (uint32_t i = 0; i < s->handles_n; i++) {
        if (s->handles[i].follower == f)
            s->handles[i].follower = NULL;
    }
    TAILQ_REMOVE(&f->stream->followers, f, link);
    free(f->names);
    free(f);
}

static bool stream_wanted(const char *names, struct bytes name)
{
    while (names) {
        const char *end = strchr(names, ',');

        if (bytes_equal(bytes_of(names, end ? (size_t)(end - names) : strlen(names)), name))
            return true;
        names = end ? end + 1 : NULL;
    }
    return false;
}

static void stream_deliver(struct broker *b, struct follower *f, uint64_t seq, const struct event_record *event)
{
    struct frame frame = { .command = FRAME_EVT, .handle = f->handle, .seq = seq };
    struct frame_head head;

    if (frame_parse_head(event->head, &head) < 0 || (f->names && !stream_wanted(f->names, head.name)) ||
        !policy_allows(&b->policy, f->session->role, VERB_FOLLOW, head.name))
        return;
    f->credit--;
    stream_gave(b, f, seq, event->head.len + event->body.len);
    b->counters[BROKER_EVENTS]++;
    TAP(b, .kind = BUS_TAP_EVENT, .from = "-", .to = f->session->role, .name = head.name, .head = event->head,
        .body = event->body, .seq = seq, .latency_us = (b->wall_ms - event->time_ms) * 1000);
    send_raw(b, f->session, &frame, event->head, event->body);
}

static void stream_warm(struct broker *b, struct follower *f)
{
    struct store_op *op = store_op_new(STORE_WARM);

    op->session = f->session->serial;
    op->handle = f->handle;
    op->stream = f->stream->id;
    op->seq = f->warm > f->at ? f->warm : f->at;
    f->warming = true;
    broker_submit(b, op);
}

void stream_warmed(struct broker *b, const struct store_op *op)
{
    const struct session *s = session_of(b, op->session);
    struct follower *f = s && op->handle < s->handles_n ? s->handles[op->handle].follower : NULL;

    if (!f)
        return;
    f->warming = false;
    f->warm = op->ret_seq > op->seq ? op->ret_seq
                                    : f->stream->last; /* nothing there: the reading itself says why */
    stream_press(b, f->stream);
}

/* Whether what it reads next lies in memory, as far as anybody knows. The next stretch is asked for while half of this one is
 * still to be read. */
static bool stream_may_read(struct broker *b, struct follower *f)
{
    if (f->stream->last - f->at <= STREAM_NEAR)
        return true;
    if (!f->warming && f->warm < f->at + STORE_WARM_ROWS / 2)
        stream_warm(b, f);
    return f->at < f->warm;
}

/* True: there is more for this follower, and it has credit. */
static bool stream_feed(struct broker *b, struct follower *f)
{
    struct event_record event;
    uint64_t seq;

    for (unsigned n = 0;
         n < STREAM_BATCH && stream_has_credit(b, f) && f->at < f->stream->last && stream_may_read(b, f); n++) {
        int r = bus_store_event(b->store, f->stream->id, f->at + 1, &seq, &event);

        if (r == ERR_NOT_FOUND || (r == 0 && seq > f->stream->last)) {
            f->at = f->stream->last; /* pruned away; what is later is of a commit not handed back yet */
            break;
        }
        if (r < 0) {
            log_line(LOG_AT_ERROR, "stream", "name=%s after=%llu result=%s", f->stream->name,
                     (unsigned long long)f->at, err_name(r));
            f->credit = 0; /* it stands still: an event is never skipped in silence */
            break;
        }
        f->at = seq;
        stream_deliver(b, f, seq, &event);
    }
    if (f->at == f->stream->last && !f->tail_said && !f->session->lost) {
        f->tail_said = true;
        send_frame(b, f->session, &(struct frame) { .command = FRAME_TAIL, .handle = f->handle, .seq = f->at },
                   NULL, (struct bytes) { 0 });
    }
    return stream_has_credit(b, f) && f->at < f->stream->last && stream_may_read(b, f);
}

void stream_run(struct broker *b)
{
    struct stream *stream, *last = TAILQ_LAST(&b->pressed_streams, pressed_stream_list);

    while ((stream = TAILQ_FIRST(&b->pressed_streams))) {
        struct follower *f;
        bool more = false;

        TAILQ_REMOVE(&b->pressed_streams, stream, press_link);
        stream->pressed = false;
        if (bus_store_read_begin(b->store) < 0)
            return;
        TAILQ_FOREACH(f, &stream->followers, link)
        more |= stream_feed(b, f);
        if (more)
            stream_press(b, stream);
        if (stream == last)
            break;
    }
}

void stream_flush_cursors(struct broker *b)
{
    for (struct hnode *node = hmap_first(&b->streams); node; node = hmap_next(&b->streams, node)) {
        struct stream *stream = HMAP_OF(node, struct stream, node);
        struct group *group;

        LIST_FOREACH(group, &stream->groups, link)
        {
            struct store_op *op;

            if (!group->dirty)
                continue;
            group->dirty = false;
            op = store_op_new(STORE_CURSOR);
            op->lazy = true;
            op->stream = stream->id;
            op->seq = group->seq;
            op->now_ms = b->wall_ms;
            op->name = names_copy(bytes_of_text(group->name));
            broker_submit(b, op);
        }
    }
}

/* Once a minute: what is older than each stream keeps. */
void stream_prune(struct broker *b)
{
    struct event_record oldest;
    uint64_t seq;

    for (struct hnode *node = hmap_first(&b->streams); node; node = hmap_next(&b->streams, node)) {
        struct stream *stream = HMAP_OF(node, struct stream, node);

        if (bus_store_read_begin(b->store) == 0 && bus_store_event(b->store, stream->id, 0, &seq, &oldest) == 0 &&
            (oldest.time_ms < b->wall_ms - stream->keep_ms || stream_is_over(stream)))
            stream_prune_one(b, stream);
    }
}

void stream_pruned(struct broker *b, struct store_op *op)
{
    struct stream *stream = HMAP_MAYBE(hmap_find(&b->stream_ids, op->stream), struct stream, by_id);
    struct follower *f;

    if (!stream)
        return;
    stream->pruning = false;
    if (op->seq < stream->first)
        return;
    stream->bytes = op->ret_bytes;
    stream->first = op->seq + 1;
    TAILQ_FOREACH(f, &stream->followers, link)
    {
        if (f->at + 1 >= stream->first)
            continue;
        f->at = stream->first - 1;
        stream_say_lost(b, f);
    }
    if (op->more)
        stream_prune_one(b, stream);
}

static int stream_load_cursor(void *ctx, uint32_t id, struct bytes name, uint64_t seq)
{
    struct broker *b = ctx;
    struct stream *stream = HMAP_MAYBE(hmap_find(&b->stream_ids, id), struct stream, by_id);

    if (stream)
        stream_group(stream, name)->seq = seq;
    return 0;
}

int stream_load(struct broker *b)
{
    for (struct hnode *node = hmap_first(&b->streams); node; node = hmap_next(&b->streams, node)) {
        struct stream *stream = HMAP_OF(node, struct stream, node);
        int r = bus_store_stream_bounds(b->store, stream->id, &stream->first, &stream->last);

        if (r < 0)
            return r;
        stream->bytes = bus_store_totals(b->store, stream->id).bytes;
    }
    return bus_store_cursors(b->store, stream_load_cursor, b);
}

/* value - the last word on a name and a key: settings, presence, progress. Watchers get what there is, then
 * changes.
 *
 * A value with a time to live is in memory only; one without is committed first and shown then. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

static uint64_t value_hash(struct bytes name, struct bytes key)
{
    return hmap_hash(hmap_hash(HMAP_SEED, name), key);
}

static struct value *value_find(const struct broker *b, struct bytes name, struct bytes key)
{
    uint64_t hash = value_hash(name, key);
    struct hnode *node;

    for (node = hmap_find(&b->values, hash); node; node = hmap_next_same(node->next, hash)) {
        struct value *value = HMAP_OF(node, struct value, node);

        if (bytes_equal(bytes_of_text(value->name), name) && bytes_equal(bytes_of_text(value->key), key))
            return value;
    }
    return NULL;
}

static void value_say(struct broker *b, const struct watcher *watcher, const struct value *value, bool gone)
{
    struct frame frame = { .command = FRAME_VAL, .handle = watcher->handle, .flags = gone ? FRAME_GONE : 0 };
    struct frame_head head = { .name = bytes_of_text(value->name),
                               .key = bytes_of_text(value->key),
                               .from = bytes_of_text(value->from),
                               .time_ms = (uint64_t)value->time_ms };

    send_frame(b, watcher->session, &frame, &head, gone ? bytes_of(NULL, 0) : buf_bytes(&value->body));
}

static void value_show(struct broker *b, const struct value *value, bool gone)
{
    struct watcher *watcher;

    b->counters[BROKER_VALUES]++;
    TAILQ_FOREACH(watcher, &b->watchers, link)
    {
        if (strcmp(watcher->name, value->name) == 0)
            value_say(b, watcher, value, gone);
    }
    if (b->taps_n) {
        struct frame_head head = { .key = bytes_of_text(value->key) };
        struct buf packed = { 0 };

        frame_build_head(&packed, &head);
        TAP(b, .kind = BUS_TAP_VALUE, .from = value->from, .to = "-", .name = bytes_of_text(value->name),
            .head = buf_bytes(&packed), .body = gone ? bytes_of(NULL, 0) : buf_bytes(&value->body),
            .latency_us = -1);
        buf_free(&packed);
    }
}

static void value_drop(struct broker *b, struct value *value)
{
    b->values_bytes -= value->body.len;
    hmap_del(&b->values, &value->node);
    timer_stop(&b->timers, &value->timer);
    buf_free(&value->body);
    free(value->name);
    free(value->key);
    free(value->from);
    free(value);
}

static void value_remove(struct broker *b, struct value *value)
{
    value_show(b, value, true);
    value_drop(b, value);
}

static void value_expire(void *ctx, struct timer *timer)
{
    value_remove(ctx, HMAP_OF(timer, struct value, timer));
}

static struct value *value_new(struct broker *b, struct bytes name, struct bytes key)
{
    struct value *value = calloc(1, sizeof *value);

    if (!value)
        abort();
    value->name = names_copy(name);
    value->key = names_copy(key);
    value->timer.fire = value_expire;
    hmap_add(&b->values, &value->node, value_hash(name, key));
    return value;
}

/* ttl_ms -1: until it is removed, but not on disk; 0: lasting. A body without data removes. */
void value_set(struct broker *b, const char *name, struct bytes key, struct bytes body, const char *from,
               int64_t ttl_ms)
{
    struct value *value = value_find(b, bytes_of_text(name), key);

    if (strcmp(name, "settings.broker") == 0)
        shown_setting(b, key, body);
    if (!body.data) {
        if (value)
            value_remove(b, value);
        return;
    }
    if (!value)
        value = value_new(b, bytes_of_text(name), key);
    free(value->from);
    value->from = names_copy(bytes_of_text(from));
    value->time_ms = b->wall_ms;
    value->lasting = ttl_ms == 0;
    b->values_bytes += body.len - value->body.len;
    buf_reset(&value->body);
    buf_put(&value->body, body.data, body.len);
    buf_room(&value->body, 1); /* data is set, also when the body is empty */
    if (ttl_ms > 0)
        timer_set(&b->timers, &value->timer, b->now_ms + ttl_ms);
    else
        timer_stop(&b->timers, &value->timer);
    value_show(b, value, false);
}

static int value_check(struct broker *b, const struct message *m)
{
    if (m->body.len > BUS_DURABLE_MAX)
        return ERR_TOO_LARGE;
    if (m->head.key.len && memchr(m->head.key.data, 0, m->head.key.len))
        return ERR_MALFORMED;
    if (b->values.n >= b->settings->values || b->values_bytes + m->body.len > b->settings->values_bytes)
        return ERR_BUSY;
    if (!m->frame.ms && bus_store_percent(b->store) >= b->settings->full_percent)
        return ERR_STORE_FULL;
    return 0;
}

static void value_refuse(struct broker *b, struct session *s, uint32_t handle, const char *name, struct bytes key,
                         int err)
{
    struct frame frame = { .command = FRAME_ERROR, .code = err_to_bus(err), .handle = handle };
    struct frame_head head = { .topic = bytes_of_text(name), .key = key.data ? key : bytes_of_text("") };

    b->counters[BROKER_REFUSED]++;
    send_frame(b, s, &frame, &head, (struct bytes) { 0 });
}

/* To the disk first. shown: it is in memory already, and only what lay on the disk has to go. */
static void value_commit(struct broker *b, const struct session *s, const struct handle *handle,
                         const struct message *m, struct bytes body, bool shown)
{
    struct store_op *op = store_op_new(STORE_SET);

    store_op_record(op, &(struct job_record) { .head = m->head.key, .body = body });
    op->name = names_copy(bytes_of_text(handle->name));
    op->from = names_copy(bytes_of_text(s->role));
    op->session = s->serial;
    op->handle = m->frame.handle;
    op->now_ms = b->wall_ms;
    op->cid = shown;
    broker_submit(b, op);
}

void value_on_set(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_SET);
    bool gone = m->frame.flags & FRAME_GONE, lasted;
    struct bytes body = gone ? bytes_of(NULL, 0) : bytes_of(m->body.data ? m->body.data : "", m->body.len);
    struct value *known;
    int err;

    if (!handle)
        return;
    err = value_check(b, m);
    if (err && !gone) {
        value_refuse(b, s, m->frame.handle, handle->name, m->head.key, err);
        return;
    }
    known = value_find(b, bytes_of_text(handle->name), m->head.key);
    lasted = known && known->lasting;
    if (!m->frame.ms && !(gone && !lasted)) {
        value_commit(b, s, handle, m, body, false);
        return;
    }
    value_set(b, handle->name, m->head.key, body, s->role, m->frame.ms);
    if (lasted)
        value_commit(b, s, handle, m, (struct bytes) { 0 }, true);
}

void value_set_done(struct broker *b, struct store_op *op)
{
    struct session *s = session_of(b, op->session);

    if (op->status == ERR_STORE_FULL)
        b->blocked++;
    if (op->status == 0 && !op->cid)
        value_set(b, op->name, op->record.head, op->record.body, op->from, 0);
    else if (op->status && s)
        value_refuse(b, s, op->handle, op->name, op->record.head, op->status);
}

void value_on_watch(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_WATCH);
    struct watcher *watcher;

    if (!handle || handle->watcher)
        return;
    watcher = calloc(1, sizeof *watcher);
    if (!watcher)
        abort();
    watcher->session = s;
    watcher->handle = m->frame.handle;
    watcher->name = handle->name;
    handle->watcher = watcher;
    TAILQ_INSERT_TAIL(&b->watchers, watcher, link);
    for (struct hnode *node = hmap_first(&b->values); node; node = hmap_next(&b->values, node)) {
        const struct value *value = HMAP_OF(node, struct value, node);

        if (strcmp(value->name, watcher->name) == 0)
            value_say(b, watcher, value, false);
    }
}

void value_watcher_gone(struct broker *b, struct watcher *watcher)
{
    struct session *s = watcher->session;

    for (uint32_t i = 0; i < s->handles_n; i++) {
        if (s->handles[i].watcher == watcher)
            s->handles[i].watcher = NULL;
    }
    TAILQ_REMOVE(&b->watchers, watcher, link);
    free(watcher);
}

static int value_load_one(void *ctx, struct bytes name, struct bytes key, struct bytes body)
{
    struct broker *b = ctx;
    struct value *value = value_new(b, name, key);

    if (strcmp(value->name, "settings.broker") == 0)
        shown_setting(b, key, body);
    value->from = names_copy(bytes_of_text("-"));
    value->lasting = true;
    b->values_bytes += body.len;
    buf_put(&value->body, body.data, body.len);
    buf_room(&value->body, 1);
    return 0;
}

int value_load(struct broker *b)
{
    return bus_store_values(b->store, value_load_one, b);
}

void value_free_all(struct broker *b)
{
    struct hnode *node;

    while ((node = hmap_first(&b->values)))
        value_drop(b, HMAP_OF(node, struct value, node));
    hmap_free(&b->values);
}

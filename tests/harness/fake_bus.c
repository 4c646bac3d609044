#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "tests/harness/fake_bus.h"

struct bus {
    struct bus_events events;
    void *ctx;
    struct bus_options options;
};

static struct {
    struct bus *bus;
    struct fake_sent *sent;
    size_t sent_n;
    uint64_t last; /* cid or lease given */
    unsigned busy;
} fake;

static void *fake_must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

static char *fake_text(const char *text)
{
    return text ? fake_must(strdup(text)) : NULL;
}

static struct fake_sent *fake_note(enum fake_kind kind, const char *name, uint64_t number, struct bytes body)
{
    struct fake_sent *sent;

    fake.sent = fake_must(realloc(fake.sent, (fake.sent_n + 1) * sizeof(*fake.sent)));
    sent = &fake.sent[fake.sent_n++];
    *sent = (struct fake_sent) { .kind = kind, .name = fake_text(name), .number = number, .body_len = body.len };
    sent->body = fake_must(malloc(body.len + 1));
    if (body.len)
        memcpy(sent->body, body.data, body.len);
    ((char *)sent->body)[body.len] = 0;
    return sent;
}

void fake_forget(void)
{
    for (size_t i = 0; i < fake.sent_n; i++) {
        struct fake_sent *s = &fake.sent[i];

        free(s->name);
        free(s->key);
        free(s->subject);
        free(s->ordering);
        free(s->text);
        free(s->body);
    }
    free(fake.sent);
    fake.sent = NULL;
    fake.sent_n = 0;
}

static int fake_refuses(void)
{
    if (!fake.busy)
        return 0;
    fake.busy--;
    return ERR_BUSY;
}

void fake_busy(unsigned calls)
{
    fake.busy = calls;
}

struct bus *fake_bus(void)
{
    return fake.bus;
}

const struct bus_options *fake_options(void)
{
    return &fake.bus->options;
}

const struct bus_events *fake_events(void **ret_ctx)
{
    *ret_ctx = fake.bus->ctx;
    return &fake.bus->events;
}

void fake_up(bool resumed, unsigned window, struct id store)
{
    struct bus_welcome welcome = { .store = store, .incarnation = 1, .resumed = resumed, .window = window };

    fake.bus->events.up(fake.bus->ctx, &welcome);
}

void fake_down(int err)
{
    fake.bus->events.down(fake.bus->ctx, err);
}

uint64_t fake_request(const struct bus_head *head, struct bytes body, uint32_t deadline_ms)
{
    uint64_t cid = ++fake.last;

    fake.bus->events.request(fake.bus->ctx, cid, head, body, deadline_ms);
    return cid;
}

uint64_t fake_job(const struct bus_head *head, struct bytes body, uint32_t lease_ms)
{
    uint64_t lease = ++fake.last;

    fake.bus->events.job(fake.bus->ctx, lease, head, body, lease_ms);
    return lease;
}

const struct fake_sent *fake_next(enum fake_kind kind, const char *name)
{
    for (size_t i = 0; i < fake.sent_n; i++) {
        struct fake_sent *s = &fake.sent[i];

        if (s->kind == kind && !s->seen && (!name || (s->name && strcmp(s->name, name) == 0))) {
            s->seen = true;
            return s;
        }
    }
    return NULL;
}

const struct fake_sent *fake_answer(uint64_t cid)
{
    for (size_t i = 0; i < fake.sent_n; i++)
        if ((fake.sent[i].kind == FAKE_REPLY || fake.sent[i].kind == FAKE_ERROR) && fake.sent[i].number == cid)
            return &fake.sent[i];
    return NULL;
}

unsigned fake_count(enum fake_kind kind, const char *name)
{
    unsigned n = 0;

    for (size_t i = 0; i < fake.sent_n; i++)
        n += fake.sent[i].kind == kind && (!name || (fake.sent[i].name && strcmp(fake.sent[i].name, name) == 0));
    return n;
}

/* ---- broker/client/bus.h */

int bus_new(const struct bus_options *options, const struct bus_events *events, void *ctx, struct bus **ret_bus)
{
    struct bus *bus = fake_must(calloc(1, sizeof(*bus)));

    bus->events = *events;
    bus->ctx = ctx;
    bus->options = *options;
    fake.bus = *ret_bus = bus;
    return 0;
}

void bus_close(struct bus **bus, unsigned linger_ms)
{
    free(*bus);
    *bus = fake.bus = NULL;
}

int bus_fd(const struct bus *bus)
{
    return -1;
}

int bus_timeout_ms(const struct bus *bus, int64_t now_ms)
{
    return 1000;
}

void bus_process(struct bus *bus, int64_t now_ms)
{
}

void bus_flush(struct bus *bus)
{
}

bool bus_is_up(const struct bus *bus)
{
    return true;
}

static void fake_head(struct fake_sent *sent, const struct bus_head *head)
{
    sent->subject = fake_text(head->subject);
    sent->trace = head->trace;
    sent->job = head->job;
    sent->priority = head->priority;
    sent->ms = head->delay_ms;
    sent->ordering = fake_must(strndup(head->key.data ? head->key.data : "", head->key.len));
}

int bus_call(struct bus *bus, const char *target, const struct bus_head *head, struct bytes body,
             uint32_t deadline_ms, uint64_t *ret_cid)
{
    if (fake_refuses())
        return ERR_BUSY;
    *ret_cid = ++fake.last;
    fake_head(fake_note(FAKE_CALL, target, *ret_cid, body), head);
    return 0;
}

void bus_cancel(struct bus *bus, uint64_t cid)
{
}

int bus_offer(struct bus *bus, const char *service, unsigned slots, bool single)
{
    fake_note(FAKE_OFFER, service, slots, (struct bytes) { 0 })->flag = single;
    return 0;
}

int bus_reply(struct bus *bus, uint64_t cid, struct bytes body)
{
    if (fake_refuses())
        return ERR_BUSY;
    fake_note(FAKE_REPLY, NULL, cid, body);
    return 0;
}

int bus_reply_error(struct bus *bus, uint64_t cid, int err, struct bytes problem)
{
    if (fake_refuses())
        return ERR_BUSY;
    fake_note(FAKE_ERROR, NULL, cid, problem)->err = err;
    return 0;
}

int bus_take(struct bus *bus, const char *queue, unsigned credit, unsigned spare)
{
    fake_note(FAKE_TAKE, queue, credit, (struct bytes) { 0 });
    return 0;
}

int bus_ack(struct bus *bus, uint64_t lease, struct bytes result)
{
    fake_note(FAKE_ACK, NULL, lease, result);
    return 0;
}

int bus_nack(struct bus *bus, uint64_t lease, uint32_t delay_ms, bool wait, int err, const char *text)
{
    struct fake_sent *sent = fake_note(FAKE_NACK, NULL, lease, (struct bytes) { 0 });

    sent->ms = delay_ms;
    sent->flag = wait;
    sent->err = err;
    sent->text = fake_text(text);
    return 0;
}

int bus_term(struct bus *bus, uint64_t lease, int err, const char *text)
{
    struct fake_sent *sent = fake_note(FAKE_TERM, NULL, lease, (struct bytes) { 0 });

    sent->err = err;
    sent->text = fake_text(text);
    return 0;
}

int bus_extend(struct bus *bus, uint64_t lease, uint32_t lease_ms)
{
    fake_note(FAKE_EXTEND, NULL, lease, (struct bytes) { 0 })->ms = lease_ms;
    return 0;
}

int bus_put(struct bus *bus, const char *queue, uint64_t seq, const struct bus_head *head, struct bytes body)
{
    if (fake_refuses())
        return ERR_BUSY;
    fake_head(fake_note(FAKE_PUT, queue, seq, body), head);
    return 0;
}

int bus_append(struct bus *bus, const char *event, uint64_t seq, const struct bus_head *head, struct bytes body)
{
    if (fake_refuses())
        return ERR_BUSY;
    fake_head(fake_note(FAKE_APPEND, event, seq, body), head);
    return 0;
}

int bus_follow(struct bus *bus, const char *stream, const char *names, const char *group, struct bus_cursor from)
{
    struct fake_sent *sent = fake_note(FAKE_FOLLOW, stream, from.seq, (struct bytes) { 0 });

    sent->key = fake_text(names);
    sent->text = fake_text(group);
    sent->job = from.store;
    return 0;
}

int bus_unfollow(struct bus *bus, const char *stream)
{
    return 0;
}

int bus_cursor(struct bus *bus, const char *stream, uint64_t seq)
{
    fake_note(FAKE_CURSOR, stream, seq, (struct bytes) { 0 });
    return 0;
}

int bus_set(struct bus *bus, const char *name, const char *key, struct bytes body, uint32_t ttl_ms)
{
    struct fake_sent *sent;

    if (fake_refuses())
        return ERR_BUSY;
    sent = fake_note(FAKE_SET, name, 0, body);
    sent->key = fake_text(key);
    sent->ms = ttl_ms;
    sent->flag = !body.data;
    return 0;
}

int bus_watch(struct bus *bus, const char *name)
{
    fake_note(FAKE_WATCH, name, 0, (struct bytes) { 0 });
    return 0;
}

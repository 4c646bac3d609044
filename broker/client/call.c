/* call - calls out, calls in. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

static void out_free(struct bus *bus, struct bus_out *out)
{
    hmap_del(&bus->out, &out->node);
    if (!out->sent) {
        TAILQ_REMOVE(&bus->pending, out, link);
        bus->pending_n--;
    }
    buf_free(&out->a);
    buf_free(&out->b);
    free(out);
}

static void out_finish(struct bus *bus, struct bus_out *out, int err, struct bytes body)
{
    uint64_t cid = out->node.key;

    out_free(bus, out);
    if (bus->events.reply)
        bus->events.reply(bus->ctx, cid, err, body);
}

/* The deadline counts from the call on, however long it waited here; ms lies at offset 24 of the prefix. */
static void out_set_ms(struct bus_out *out, int64_t now)
{
    uint32_t ms = out->deadline > now ? (uint32_t)(out->deadline - now) : 1;

    for (int i = 0; i < 4; i++)
        out->a.data[24 + i] = (uint8_t)(ms >> (24 - 8 * i));
}

static int out_send(struct bus *bus, struct bus_out *out)
{
    int r = bus_handle_open(bus, out->handle);

    if (r < 0)
        return r;
    out_set_ms(out, bus->now);
    r = bus_send_packed(bus, &out->a, &out->b);
    if (r < 0)
        return r;
    TAILQ_REMOVE(&bus->pending, out, link);
    bus->pending_n--;
    out->sent = true;
    buf_free(&out->a);
    buf_free(&out->b);
    return 0;
}

/* A call may be made long after bus_process() was told the time. */
static void out_clock(struct bus *bus)
{
    int64_t ms = clock_mono_ms();

    if (ms > bus->now)
        bus->now = ms;
}

static struct bus_out *out_new(struct bus *bus, struct bus_handle *handle, const struct frame_head *head,
                               struct bytes body, uint32_t deadline_ms)
{
    struct bus_out *out = calloc(1, sizeof *out);
    struct frame frame = { .command = FRAME_REQ, .handle = handle->number, .cid = ++bus->next_cid };
    bool in_first;

    if (!out)
        abort();
    out_clock(bus);
    out->handle = handle;
    out->deadline = bus->now + deadline_ms;
    frame_build(&out->a, &frame, head, body, &in_first);
    if (!in_first)
        buf_put(&out->b, body.data, body.len);
    if (!bus->out.n)
        bus->sweep_at = bus->now + BUS_SWEEP_MS;
    hmap_add(&bus->out, &out->node, frame.cid);
    TAILQ_INSERT_TAIL(&bus->pending, out, link);
    bus->pending_n++;
    return out;
}

int bus_call(struct bus *bus, const char *target, const struct bus_head *head, struct bytes body,
             uint32_t deadline_ms, uint64_t *ret_cid)
{
    uint8_t trace[FRAME_TRACE];
    struct frame_head packed;
    struct bus_handle *handle;
    struct bus_out *out;
    int r;

    if (body.len > BUS_CALL_MAX)
        return ERR_TOO_LARGE;
    r = bus_head_out(head, trace, &packed);
    if (r < 0)
        return r;
    r = bus_handle_of(bus, VERB_CALL, target, &handle);
    if (r < 0)
        return r;
    if (bus->pending_n >= BUS_PENDING)
        return ERR_BUSY;
    out = out_new(bus, handle, &packed, body, deadline_ms);
    if (bus->state == BUS_UP) {
        r = out_send(bus, out);
        if (r < 0) {
            out_free(bus, out);
            return r;
        }
    }
    *ret_cid = out->node.key;
    return 0;
}

void bus_cancel(struct bus *bus, uint64_t cid)
{
    struct bus_out *out = HMAP_MAYBE(hmap_find(&bus->out, cid), struct bus_out, node);

    if (!out)
        return;
    if (out->sent)
        bus_send(bus, &(struct frame) { .command = FRAME_CANCEL, .cid = cid }, NULL, (struct bytes) { 0 });
    out_free(bus, out);
}

void bus_on_answer(struct bus *bus, const struct frame *f, struct bytes body)
{
    struct bus_out *out = HMAP_MAYBE(hmap_find(&bus->out, f->cid), struct bus_out, node);

    if (out)
        out_finish(bus, out, err_from_bus(f->code), body);
}

void bus_calls_resume(struct bus *bus)
{
    struct bus_out *out, *next;

    for (out = TAILQ_FIRST(&bus->pending); out && bus->state == BUS_UP; out = next) {
        int r;

        next = TAILQ_NEXT(out, link);
        r = out_send(bus, out);
        if (r < 0 && r != ERR_BUSY)
            out_finish(bus, out, r, (struct bytes) { 0 });
    }
}

static void in_free(struct bus *bus, struct bus_in *in)
{
    hmap_del(&bus->in, &in->node);
    hmap_del(&bus->in_theirs, &in->by_theirs);
    free(in);
}

/* What was asked and left: nobody knows what became of it. What was asked of us: nobody can hear the answer. */
void bus_calls_down(struct bus *bus)
{
    uint64_t last = bus->next_cid;
    struct hnode *node, *next;

    for (node = hmap_first(&bus->out); node; node = next) {
        struct bus_out *out = HMAP_OF(node, struct bus_out, node);

        next = hmap_next(&bus->out, node);
        if (!out->sent || node->key > last) /* a callback may have called again */
            continue;
        out_finish(bus, out, ERR_WORKER_LOST, (struct bytes) { 0 });
        next = hmap_first(&bus->out); /* the callback may have changed the table */
    }
    while ((node = hmap_first(&bus->in))) {
        uint64_t cid = node->key;

        in_free(bus, HMAP_OF(node, struct bus_in, node));
        if (bus->events.cancel)
            bus->events.cancel(bus->ctx, cid);
    }
}

void bus_calls_sweep(struct bus *bus)
{
    struct hnode *node, *next;

    if (!bus->out.n || bus->now < bus->sweep_at)
        return;
    bus->sweep_at = bus->now + BUS_SWEEP_MS;
    for (node = hmap_first(&bus->out); node; node = next) {
        struct bus_out *out = HMAP_OF(node, struct bus_out, node);
        int64_t slack = out->sent ? BUS_CALL_SLACK_MS : 0;

        next = hmap_next(&bus->out, node);
        if (bus->now < out->deadline + slack)
            continue;
        out_finish(bus, out, ERR_TIMEOUT, (struct bytes) { 0 });
        next = hmap_first(&bus->out);
    }
}

void bus_calls_free(struct bus *bus)
{
    struct hnode *node;

    while ((node = hmap_first(&bus->out)))
        out_free(bus, HMAP_OF(node, struct bus_out, node));
    while ((node = hmap_first(&bus->in)))
        in_free(bus, HMAP_OF(node, struct bus_in, node));
    hmap_free(&bus->out);
    hmap_free(&bus->in);
    hmap_free(&bus->in_theirs);
}

void bus_on_request(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body)
{
    struct bus_in *in = calloc(1, sizeof *in);
    struct bus_head head;

    if (!in)
        abort();
    hmap_add(&bus->in, &in->node, ++bus->next_in);
    hmap_add(&bus->in_theirs, &in->by_theirs, f->cid);
    bus_head_in(bus, f, h, &head);
    if (bus->events.request)
        bus->events.request(bus->ctx, bus->next_in, &head, body, f->ms);
    else
        bus_reply_error(bus, bus->next_in, ERR_UNSUPPORTED, (struct bytes) { 0 });
}

void bus_on_cancel(struct bus *bus, const struct frame *f)
{
    struct bus_in *in = HMAP_MAYBE(hmap_find(&bus->in_theirs, f->cid), struct bus_in, by_theirs);
    uint64_t cid;

    if (!in)
        return;
    cid = in->node.key;
    in_free(bus, in);
    if (bus->events.cancel)
        bus->events.cancel(bus->ctx, cid);
}

static int in_answer(struct bus *bus, uint64_t cid, uint8_t command, int err, struct bytes body)
{
    struct bus_in *in = HMAP_MAYBE(hmap_find(&bus->in, cid), struct bus_in, node);
    struct frame frame = { .command = command, .code = err_to_bus(err) };
    int r;

    if (!in)
        return ERR_GONE; /* cancelled, or of a session that is over */
    if (body.len > BUS_CALL_MAX)
        return ERR_TOO_LARGE;
    frame.cid = in->by_theirs.key;
    r = bus_send(bus, &frame, NULL, body);
    if (r == 0)
        in_free(bus, in);
    return r;
}

int bus_reply(struct bus *bus, uint64_t cid, struct bytes body)
{
    return in_answer(bus, cid, FRAME_REP, 0, body);
}

int bus_reply_error(struct bus *bus, uint64_t cid, int err, struct bytes problem)
{
    return in_answer(bus, cid, FRAME_ERR, err ? err : ERR_INTERNAL, problem);
}

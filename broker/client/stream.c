/* stream - durable messages out, events in. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"

static int durable_send(struct bus *bus, enum frame_verb verb, const char *name, uint64_t seq,
                        const struct bus_head *head, struct bytes body)
{
    struct frame frame = { .command = verb == VERB_PUT ? FRAME_PUT : FRAME_APPEND, .seq = seq };
    uint8_t trace[FRAME_TRACE];
    struct frame_head packed;
    struct bus_handle *handle;
    int r;

    if (!frame_of_id(&bus->store).data)
        return ERR_UNSUPPORTED; /* only an owner of a store is a producer */
    if (body.len > BUS_DURABLE_MAX)
        return ERR_TOO_LARGE;
    if (bus->state != BUS_UP)
        return ERR_UNAVAILABLE;
    if (bus->unconfirmed >= bus->welcome.window)
        return ERR_BUSY;
    r = bus_head_out(head, trace, &packed);
    if (r < 0)
        return r;
    r = bus_handle_of(bus, verb, name, &handle);
    if (r < 0)
        return r;
    r = bus_handle_open(bus, handle);
    if (r < 0)
        return r;
    frame.handle = handle->number;
    r = bus_send(bus, &frame, &packed, body);
    if (r == 0)
        bus->unconfirmed++;
    return r;
}

int bus_put(struct bus *bus, const char *queue, uint64_t seq, const struct bus_head *head, struct bytes body)
{
    return durable_send(bus, VERB_PUT, queue, seq, head, body);
}

int bus_append(struct bus *bus, const char *event, uint64_t seq, const struct bus_head *head, struct bytes body)
{
    return durable_send(bus, VERB_APPEND, event, seq, head, body);
}

void bus_on_durable(struct bus *bus, const struct frame *f)
{
    int err = err_from_bus(f->code);

    if (bus->unconfirmed)
        bus->unconfirmed--;
    if (f->code == 208 || err == 0) {
        if (bus->events.durable_ok)
            bus->events.durable_ok(bus->ctx, f->seq, f->code == 208);
    } else if (bus->events.durable_refused) {
        bus->events.durable_refused(bus->ctx, f->seq, err);
    }
}

/* From where it left off; what was delivered and not handled yet still uses credit. */
void bus_follow_subscribe(struct bus *bus, struct bus_handle *handle)
{
    struct bus_follow *follow = handle->follow;
    struct frame frame = { .command = FRAME_SUB,
                           .handle = handle->number,
                           .seq = follow->at.seq,
                           .code = (uint16_t)(BUS_FOLLOW_CREDIT - follow->n) };
    struct frame_head head = { .store = frame_of_id(&follow->at.store),
                               .group = bytes_of_text(follow->group),
                               .filter = bytes_of_text(follow->names) };

    bus_send(bus, &frame, &head, (struct bytes) { 0 });
}

static struct bus_follow *follow_at(const struct bus *bus, uint32_t number, struct bus_handle **ret)
{
    *ret = bus_handle_at(bus, number);
    return *ret && (*ret)->active ? (*ret)->follow : NULL;
}

void bus_on_event(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body)
{
    struct bus_handle *handle;
    struct bus_follow *follow = follow_at(bus, f->handle, &handle);
    struct bus_head head;

    if (!follow)
        return;
    if (follow->n == BUS_FOLLOW_CREDIT) { /* more than we gave credit for */
        bus_link_down(bus, ERR_MALFORMED);
        return;
    }
    follow->at = (struct bus_cursor) { bus->welcome.store, f->seq };
    follow->open[(follow->first + follow->n++) % BUS_FOLLOW_CREDIT] = f->seq;
    bus_head_in(bus, f, h, &head);
    if (bus->events.event)
        bus->events.event(bus->ctx, handle->name, follow->at, &head, body);
}

int bus_cursor(struct bus *bus, const char *stream, uint64_t seq)
{
    struct frame frame = { .command = FRAME_CURSOR, .seq = seq };
    struct bus_handle *handle;
    struct bus_follow *follow;
    int r = bus_handle_of(bus, VERB_FOLLOW, stream, &handle);

    if (r < 0)
        return r;
    follow = handle->follow;
    if (!follow)
        return ERR_NOT_FOUND;
    while (follow->n && follow->open[follow->first] <= seq) {
        follow->first = (follow->first + 1) % BUS_FOLLOW_CREDIT;
        follow->n--;
        frame.code++;
    }
    frame.handle = handle->number;
    return bus->state == BUS_UP ? bus_send(bus, &frame, NULL, (struct bytes) { 0 }) : 0;
}

void bus_on_lost(struct bus *bus, const struct frame *f)
{
    struct bus_handle *handle;
    struct bus_follow *follow = follow_at(bus, f->handle, &handle);

    if (!follow)
        return;
    follow->at = (struct bus_cursor) { bus->welcome.store, f->seq };
    if (bus->events.lost)
        bus->events.lost(bus->ctx, handle->name, follow->at);
}

void bus_on_tail(struct bus *bus, const struct frame *f)
{
    struct bus_handle *handle;
    struct bus_follow *follow = follow_at(bus, f->handle, &handle);

    if (!follow)
        return;
    follow->at = (struct bus_cursor) { bus->welcome.store, f->seq };
    if (bus->events.caught_up)
        bus->events.caught_up(bus->ctx, handle->name, follow->at);
}

/* value - values set and watched, taps, and what the broker says of names it refuses. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"

int bus_set(struct bus *bus, const char *name, const char *key, struct bytes body, uint32_t ttl_ms)
{
    struct frame frame = { .command = FRAME_SET, .ms = ttl_ms, .flags = body.data ? 0 : FRAME_GONE };
    struct frame_head head = { .key = bytes_of_text(key ? key : "") };
    struct bus_handle *handle;
    int r;

    if (head.key.len > BUS_KEY_MAX)
        return ERR_INVALID;
    if (body.len > BUS_DURABLE_MAX)
        return ERR_TOO_LARGE;
    if (bus->state != BUS_UP)
        return ERR_UNAVAILABLE;
    r = bus_handle_of(bus, VERB_SET, name, &handle);
    if (r < 0)
        return r;
    r = bus_handle_open(bus, handle);
    if (r < 0)
        return r;
    frame.handle = handle->number;
    return bus_send(bus, &frame, &head, body);
}

void bus_on_value(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body)
{
    struct bus_handle *handle = bus_handle_at(bus, f->handle);
    const char *name, *key;

    if (!handle || !bus->events.value)
        return;
    bus->strings_n = 0;
    name = bus_string(bus, h->name); /* a watched pattern has many */
    key = bus_string(bus, h->key);
    if (f->flags & FRAME_GONE)
        body = (struct bytes) { 0 };
    else if (!body.data)
        body.data = "";
    bus->events.value(bus->ctx, name ? name : handle->name, key ? key : "", body);
}

/* About the whole session while it is greeted, else about one name or one value. */
void bus_on_error(struct bus *bus, const struct frame *f, const struct frame_head *h)
{
    int err = err_from_bus(f->code);
    struct bus_handle *handle = bus_handle_at(bus, f->handle);

    if (bus->state == BUS_GREETING || err == ERR_NO_SESSION || !handle || !h->topic.data) {
        bus_link_down(bus, err == ERR_NO_SESSION ? ERR_UNAVAILABLE : err);
        return;
    }
    if (handle->verb == VERB_SET && h->key.data) {
        bus->strings_n = 0;
        if (bus->events.set_failed)
            bus->events.set_failed(bus->ctx, handle->name, bus_string(bus, h->key), err);
        return;
    }
    handle->refused = err;
    if (bus->events.refused)
        bus->events.refused(bus->ctx, frame_verb_name(handle->verb), handle->name, err);
}

int bus_tap(struct bus *bus, const char *filter, unsigned sample, bool headers_only)
{
    struct bus_handle *handle;
    char *copy = NULL;
    int r = bus_handle_of(bus, VERB_TAP, ">", &handle);

    if (r < 0)
        return r;
    if (filter && strlen(filter) > 4096)
        return ERR_INVALID;
    if (filter && !(copy = strdup(filter)))
        abort();
    free(bus->tap_filter);
    bus->tap_filter = copy;
    bus->tap_sample = sample;
    bus->tap_headers = headers_only;
    if (bus->state == BUS_UP)
        bus_tap_declare(bus);
    return handle->refused;
}

/* code 0 ends the tap; else it is the credit. */
void bus_tap_declare(struct bus *bus)
{
    struct frame frame = { .command = FRAME_TAP, .ms = bus->tap_sample };
    struct frame_head head = { .filter = bytes_of_text(bus->tap_filter) };
    struct bus_handle *handle;

    if (bus_handle_of(bus, VERB_TAP, ">", &handle) < 0)
        return;
    if (!bus->tap_filter && !handle->open)
        return;
    if (bus_handle_open(bus, handle) < 0)
        return;
    frame.handle = handle->number;
    frame.code = bus->tap_filter ? BUS_TAP_CREDIT : 0;
    frame.flags = bus->tap_headers ? FRAME_HEADERS : 0;
    bus->tap_seen = 0;
    bus_send(bus, &frame, &head, (struct bytes) { 0 });
}

void bus_on_tapped(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body)
{
    struct bus_head head;
    struct bus_tapped tapped;

    if (++bus->tap_seen == BUS_TAP_CREDIT / 4) {
        bus->tap_seen = 0;
        bus_send(bus, &(struct frame) { .command = FRAME_CREDIT, .handle = f->handle, .code = BUS_TAP_CREDIT / 4 },
                 NULL, (struct bytes) { 0 });
    }
    if (!bus->events.tap)
        return;
    bus_head_in(bus, f, h, &head);
    tapped = (struct bus_tapped) {
        .kind = (enum bus_tap_kind)f->code,
        .from = head.from,
        .to = bus_string(bus, h->to),
        .head = &head,
        .seq = f->seq,
        .size = (size_t)h->size,
        .body = body,
        .latency_us = h->latency_us ? (int64_t)h->latency_us - 1 : -1,
        .err = head.err,
        .dropped = h->dropped,
    };
    bus->events.tap(bus->ctx, &tapped);
}

/* job - jobs under a lease. What ends one is kept until the broker has committed it, and said again after a
 * reconnect: work that was done is not lost because the broker was away. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"

static struct bus_lease *lease_find(const struct bus *bus, uint64_t number)
{
    return HMAP_MAYBE(hmap_find(&bus->leases, number), struct bus_lease, node);
}

static struct bus_lease *lease_theirs(const struct bus *bus, uint64_t id)
{
    return HMAP_MAYBE(hmap_find(&bus->leases_theirs, id), struct bus_lease, by_theirs);
}

static void lease_free(struct bus *bus, struct bus_lease *lease)
{
    hmap_del(&bus->leases, &lease->node);
    hmap_del(&bus->leases_theirs, &lease->by_theirs);
    buf_free(&lease->a);
    buf_free(&lease->b);
    free(lease);
}

void bus_on_job(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body)
{
    struct bus_handle *handle = bus_handle_at(bus, f->handle);
    struct bus_lease *lease = lease_theirs(bus, f->cid);
    struct bus_head head;

    if (!handle || lease)
        return;
    lease = calloc(1, sizeof *lease);
    if (!lease)
        abort();
    lease->handle = handle;
    lease->seq = f->seq;
    lease->attempt = f->code;
    lease->priority = (uint8_t)h->priority;
    hmap_add(&bus->leases, &lease->node, ++bus->next_lease);
    hmap_add(&bus->leases_theirs, &lease->by_theirs, f->cid);
    bus_head_in(bus, f, h, &head);
    head.name = handle->name;
    head.attempt = f->code;
    if (bus->events.job)
        bus->events.job(bus->ctx, bus->next_lease, &head, body, f->ms);
}

static int lease_settle(struct bus *bus, uint64_t number, struct frame frame, const struct frame_head *head,
                        struct bytes body)
{
    struct bus_lease *lease = lease_find(bus, number);
    bool in_first;
    int r;

    if (!lease || lease->settling)
        return ERR_LEASE_LOST;
    if (body.len > BUS_DURABLE_MAX)
        return ERR_TOO_LARGE;
    frame.cid = lease->by_theirs.key;
    frame.seq = lease->seq;
    frame.handle = lease->handle->number;
    frame_build(&lease->a, &frame, head, body, &in_first);
    if (!in_first)
        buf_put(&lease->b, body.data, body.len);
    lease->settling = true;
    r = bus->state == BUS_UP ? bus_send_packed(bus, &lease->a, &lease->b) : 0;
    if (r == ERR_BUSY)
        bus_link_down(bus, ERR_BUSY); /* a stuck broker; it is said again after the reconnect */
    return 0;
}

int bus_ack(struct bus *bus, uint64_t lease, struct bytes result)
{
    return lease_settle(bus, lease, (struct frame) { .command = FRAME_ACK }, NULL, result);
}

static void lease_error(struct frame_head *head, int err, const char *text)
{
    *head = (struct frame_head) { .error = (uint64_t)-err, .text = bytes_of_text(text) };
    if (head->text.len > 2048)
        head->text.len = 2048;
}

int bus_nack(struct bus *bus, uint64_t lease, uint32_t delay_ms, bool wait, int err, const char *text)
{
    struct frame frame = { .command = FRAME_NACK, .ms = delay_ms, .flags = wait ? FRAME_WAIT : 0 };
    struct frame_head head;

    lease_error(&head, err, text);
    return lease_settle(bus, lease, frame, &head, (struct bytes) { 0 });
}

int bus_term(struct bus *bus, uint64_t lease, int err, const char *text)
{
    struct frame_head head;

    lease_error(&head, err, text);
    return lease_settle(bus, lease, (struct frame) { .command = FRAME_TERM }, &head, (struct bytes) { 0 });
}

int bus_extend(struct bus *bus, uint64_t number, uint32_t lease_ms)
{
    struct bus_lease *lease = lease_find(bus, number);
    struct frame frame = { .command = FRAME_EXTEND, .ms = lease_ms };

    if (!lease || lease->settling)
        return ERR_LEASE_LOST;
    frame.cid = lease->by_theirs.key;
    frame.handle = lease->handle->number;
    return bus_send(bus, &frame, NULL, (struct bytes) { 0 });
}

void bus_on_settled(struct bus *bus, const struct frame *f)
{
    struct bus_lease *lease = lease_theirs(bus, f->cid);
    uint64_t number;

    if (!lease)
        return;
    number = lease->node.key;
    lease_free(bus, lease);
    if (bus->events.settled)
        bus->events.settled(bus->ctx, number, err_from_bus(f->code));
}

/* What was said of its end is answered all the same: it may have been in time yet. */
void bus_on_lease_lost(struct bus *bus, const struct frame *f)
{
    struct bus_lease *lease = lease_theirs(bus, f->cid);
    int err = err_from_bus(f->code);
    uint64_t number;

    if (!lease || lease->settling)
        return;
    number = lease->node.key;
    lease_free(bus, lease);
    if (bus->events.lease_lost)
        bus->events.lease_lost(bus->ctx, number, err ? err : ERR_LEASE_LOST);
}

/* The broker lost its disk: the places of these jobs are those of other jobs now. */
void bus_leases_drop(struct bus *bus)
{
    struct hnode *node;

    while ((node = hmap_first(&bus->leases))) {
        struct bus_lease *lease = HMAP_OF(node, struct bus_lease, node);
        uint64_t number = lease->node.key;
        bool settling = lease->settling;

        lease_free(bus, lease);
        if (settling && bus->events.settled)
            bus->events.settled(bus->ctx, number, ERR_LEASE_LOST);
        else if (!settling && bus->events.lease_lost)
            bus->events.lease_lost(bus->ctx, number, ERR_LEASE_LOST);
    }
}

/* Shows every lease to the broker, and says again how it ended where it has. */
void bus_leases_resume(struct bus *bus)
{
    struct hnode *node;

    for (node = hmap_first(&bus->leases); node && bus->state == BUS_UP; node = hmap_next(&bus->leases, node)) {
        struct bus_lease *lease = HMAP_OF(node, struct bus_lease, node);
        struct frame frame = { .command = FRAME_RESUME,
                               .cid = lease->by_theirs.key,
                               .seq = lease->seq,
                               .code = lease->attempt,
                               .handle = lease->handle->number };
        struct frame_head head = { .priority = lease->priority };

        if (bus_handle_open(bus, lease->handle) < 0)
            continue;
        bus_send(bus, &frame, &head, (struct bytes) { 0 });
        if (lease->settling)
            bus_send_packed(bus, &lease->a, &lease->b);
    }
}

void bus_leases_free(struct bus *bus)
{
    struct hnode *node;

    while ((node = hmap_first(&bus->leases)))
        lease_free(bus, HMAP_OF(node, struct bus_lease, node));
    hmap_free(&bus->leases);
    hmap_free(&bus->leases_theirs);
}

/* stream - durable messages out, events in. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"

/* One message leaves as itself; several as a batch, which is remembered until the broker answers for it. A broker that
 * does not take it is stuck: the caller puts everything again when the session is back. */
void bus_gathered_leave(struct bus *bus)
{
    struct bus_handle *handle = bus->gathering;
    struct bytes body = buf_bytes(&bus->gathered), rest = body;
    struct bus_batch *batch = bus->batch;
    struct frame_item item = { 0 };
    struct frame frame;
    struct buf second;
    bool in_first;

    if (!handle)
        return;
    bus->gathering = NULL;
    frame_next_item(&rest, &item);
    frame = (struct frame) { .command = handle->verb == VERB_PUT ? FRAME_PUT : FRAME_APPEND,
                             .handle = handle->number,
                             .seq = item.seq };
    if (batch->n > 1) {
        frame.command = handle->verb == VERB_PUT ? FRAME_PUTB : FRAME_APPENDB;
        frame.code = (uint16_t)batch->n;
        frame.cid = ++bus->next_batch;
        hmap_add(&bus->batches, &batch->node, frame.cid);
        bus->batch = NULL;
        item = (struct frame_item) { .body = body };
    }
    bus->scratch.len = 0;
    frame_build_raw(&bus->scratch, &frame, item.head, item.body, &in_first);
    second = (struct buf) { (uint8_t *)item.body.data, in_first ? 0 : item.body.len, 0 };
    if (bus_send_packed(bus, &bus->scratch, &second) == ERR_BUSY)
        bus_link_down(bus, ERR_BUSY);
    buf_reset(&bus->gathered);
}

void bus_gathered_drop(struct bus *bus)
{
    struct hnode *node;

    bus->unconfirmed = 0;
    bus->gathering = NULL;
    buf_reset(&bus->gathered);
    free(bus->batch);
    bus->batch = NULL;
    while ((node = hmap_first(&bus->batches))) {
        hmap_del(&bus->batches, node);
        free(HMAP_OF(node, struct bus_batch, node));
    }
    hmap_free(&bus->batches);
}

/* Only a row of one handle with rising numbers is a batch: a lane keeps its order over all the names of a stream. */
static bool durable_fits(const struct bus *bus, const struct bus_handle *handle, uint64_t seq, struct bytes body)
{
    const struct bus_batch *batch = bus->batch;

    return bus->gathering == handle && batch->n < FRAME_BATCH_ITEMS && seq > batch->seqs[batch->n - 1] &&
           bus->gathered.len + FRAME_ITEM + UINT16_MAX + body.len <= FRAME_BATCH_BYTES;
}

static void durable_gather(struct bus *bus, struct bus_handle *handle, uint64_t seq,
                           const struct frame_head *packed, struct bytes body)
{
    struct buf *head = &bus->scratch;

    if (bus->gathering && !durable_fits(bus, handle, seq, body))
        bus_gathered_leave(bus);
    if (bus->state != BUS_UP)
        return; /* the broker did not take what was gathered: nothing is kept for the next session */
    if (!bus->batch && !(bus->batch = malloc(sizeof *bus->batch)))
        abort();
    if (!bus->gathering)
        bus->batch->n = 0;
    bus->gathering = handle;
    bus->batch->seqs[bus->batch->n++] = seq;
    head->len = 0;
    frame_build_head(head, packed);
    frame_put_item(&bus->gathered, &(struct frame_item) { seq, buf_bytes(head), body });
    bus->unconfirmed++;
}

static int durable_send(struct bus *bus, enum frame_verb verb, const char *name, uint64_t seq,
                        const struct bus_head *head, struct bytes body)
{
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
    durable_gather(bus, handle, seq, &packed, body);
    return bus->state == BUS_UP ? 0 : ERR_UNAVAILABLE;
}

int bus_put(struct bus *bus, const char *queue, uint64_t seq, const struct bus_head *head, struct bytes body)
{
    return durable_send(bus, VERB_PUT, queue, seq, head, body);
}

int bus_append(struct bus *bus, const char *event, uint64_t seq, const struct bus_head *head, struct bytes body)
{
    return durable_send(bus, VERB_APPEND, event, seq, head, body);
}

static void durable_verdict(struct bus *bus, uint64_t seq, uint16_t code)
{
    int err = err_from_bus(code);

    if (bus->unconfirmed)
        bus->unconfirmed--;
    if (code == 208 || err == 0) {
        if (bus->events.durable_ok)
            bus->events.durable_ok(bus->ctx, seq, code == 208);
    } else if (bus->events.durable_refused) {
        bus->events.durable_refused(bus->ctx, seq, err);
    }
}

static uint16_t durable_code(struct bytes named, uint64_t of, uint16_t all)
{
    uint16_t code;
    uint64_t seq;

    while (frame_next_verdict(&named, &seq, &code)) {
        if (seq == of)
            return code;
    }
    return all;
}

/* The frame's code holds for all but those that the body names. A callback may end the session: then the caller puts
 * again what it has heard nothing of. */
static void durable_batch(struct bus *bus, const struct bus_batch *batch, uint16_t all, struct bytes named)
{
    for (unsigned i = 0; i < batch->n && bus->state == BUS_UP; i++)
        durable_verdict(bus, batch->seqs[i], durable_code(named, batch->seqs[i], all));
}

void bus_on_durable(struct bus *bus, const struct frame *f, struct bytes body)
{
    struct bus_batch *batch;

    if (!(f->flags & FRAME_BATCH)) {
        durable_verdict(bus, f->seq, f->code);
        return;
    }
    batch = HMAP_MAYBE(hmap_find(&bus->batches, f->cid), struct bus_batch, node);
    if (!batch)
        return;
    hmap_del(&bus->batches, &batch->node);
    durable_batch(bus, batch, f->code, body);
    free(batch);
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

/* durable - what puts and appends have in common: windows, lanes, room, and the answer after the commit.
 *
 * A lane (one producer, one queue or stream) stays in order: when a message is refused for a reason that
 * passes, the later ones of the lane are refused too, until it has been sent again. */
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

static int durable_check(struct broker *b, const struct session *s, const struct handle *handle,
                         const struct message *m)
{
    if (id_is_zero(s->store))
        return ERR_FORBIDDEN; /* only an owner of a store is a producer */
    if (m->body.len > BUS_DURABLE_MAX)
        return ERR_TOO_LARGE;
    if (handle->verb == VERB_PUT && id_is_zero(frame_id(m->head.job)))
        return ERR_MALFORMED;
    if (handle->refused_from && m->frame.seq > handle->refused_from)
        return ERR_AGAIN;
    if (s->unconfirmed >= BROKER_WINDOW)
        return ERR_RATE_LIMITED;
    if (b->blocked || bus_store_counts(b->store).percent >= BROKER_FULL_PERCENT)
        return ERR_STORE_FULL;
    if (handle->queue && handle->queue->ready + handle->queue->held >= handle->queue->policy.max)
        return ERR_STORE_FULL;
    return 0;
}

static void durable_say(struct broker *b, struct session *s, uint32_t handle, uint64_t seq, uint64_t cid, int err)
{
    struct frame frame = {
        .command = FRAME_OK, .code = err_to_bus(err), .handle = handle, .seq = seq, .cid = cid
    };

    send_frame(b, s, &frame, NULL, (struct bytes) { 0 });
}

bool durable_admit(struct broker *b, struct session *s, struct handle *handle, const struct message *m)
{
    int err = durable_check(b, s, handle, m);

    if (!err) {
        handle->refused_from = 0;
        s->unconfirmed++;
        b->adding++;
        return true;
    }
    b->figures.refused++;
    if (err_retryable(err) && !handle->refused_from)
        handle->refused_from = m->frame.seq;
    durable_say(b, s, m->frame.handle, m->frame.seq, 0, err);
    return false;
}

struct store_op *durable_op(struct broker *b, struct session *s, const struct message *m, enum store_kind kind,
                            const char *name, int64_t expires_ms)
{
    struct store_op *op = store_op_new(kind);
    struct frame_head head = {
        .name = bytes_of_text(name),
        .from = bytes_of_text(s->role),
        .key = m->head.key,
        .trace = m->head.trace,
        .job = m->head.job,
        .time_ms = (uint64_t)b->wall_ms,
        .priority = m->head.priority,
        .ttl_ms = m->head.ttl_ms,
    };
    struct buf packed = { 0 };

    frame_build_head(&packed, &head);
    store_op_record(op, &(struct job_record) { .time_ms = b->wall_ms,
                                               .expires_ms = expires_ms,
                                               .job = frame_id(m->head.job),
                                               .head = buf_bytes(&packed),
                                               .body = m->body });
    buf_free(&packed);
    op->session = s->serial;
    op->handle = m->frame.handle;
    op->began_us = b->now_us;
    op->now_ms = b->wall_ms;
    op->producer = s->store;
    op->epoch = s->epoch;
    op->producer_seq = m->frame.seq;
    return op;
}

/* After the commit. A refusal by the writer closes the lane before anything later can pass. */
void durable_answer(struct broker *b, struct store_op *op)
{
    struct session *s = session_of(b, op->session);
    struct handle *handle = s && op->handle < s->handles_n ? &s->handles[op->handle] : NULL;

    b->adding--;
    if (op->status == ERR_DUPLICATE)
        b->figures.duplicates++;
    if (op->status == ERR_STORE_FULL)
        b->blocked++;
    if (!s)
        return;
    if (s->unconfirmed)
        s->unconfirmed--;
    if (op->status && err_retryable(op->status) && handle &&
        (!handle->refused_from || op->producer_seq < handle->refused_from))
        handle->refused_from = op->producer_seq;
    durable_say(b, s, op->handle, op->producer_seq, op->ret_seq, op->status);
}

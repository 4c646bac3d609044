/* send - what sessions are told. It is gathered while the router works, and leaves at the end of its turn in one message
 * for each, or when there is enough of it; what is large leaves by itself, behind it. A session that does not take it is
 * lost. */
#include <errno.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

void session_mark_lost(struct broker *b, struct session *session, int err)
{
    if (session->lost)
        return;
    session->lost = true;
    session->lost_err = err;
    TAILQ_INSERT_TAIL(&b->lost, session, lost_link);
}

/* With credit on both sides a full pipe is a peer that is stuck: it is treated like one that is gone. */
static bool send_part(struct broker *b, struct session *to, const void *data, size_t len, int flags)
{
    struct transport *t = &b->transports[to->route.transport];

    t->unsure = true;
    if (zmq_send(t->socket, data, len, flags | ZMQ_DONTWAIT) >= 0)
        return true;
    session_mark_lost(b, to, ERR_UNAVAILABLE);
    return false;
}

static bool send_start(struct broker *b, struct session *to)
{
    if (to->lost)
        return false;
    to->messages_out++;
    b->counters[BROKER_MESSAGES_OUT]++;
    return true;
}

static void send_parts(struct broker *b, struct session *to, struct bytes a, struct bytes second)
{
    if (b->no_socket) {
        b->outgoing(b, to, a, second);
        return;
    }
    if (!send_part(b, to, to->route.id, sizeof to->route.id, ZMQ_SNDMORE) ||
        !send_part(b, to, a.data, a.len, second.len ? ZMQ_SNDMORE : 0))
        return;
    if (second.len)
        send_part(b, to, second.data, second.len, 0);
}

/* The buffer goes back: a peer that is told nothing holds none. */
void send_row(struct broker *b, struct session *to)
{
    if (!to->row.n)
        return;
    TAILQ_REMOVE(&b->hearing, to, row_link);
    send_parts(b, to, frame_row_message(&to->row), bytes_of(NULL, 0));
    frame_row_reset(&to->row);
    if (b->spares_n < BROKER_SPARES)
        b->spares[b->spares_n++] = to->row.buf;
    else
        buf_free(&to->row.buf);
    to->row.buf = (struct buf) { 0 };
}

void send_into(struct broker *b, struct session *to, struct frame_row *row, const struct frame *frame,
               struct bytes head, struct bytes body)
{
    if (send_start(b, to))
        frame_row_add_raw(row, frame, head, body);
}

void send_out(struct broker *b, struct session *to, struct frame_row *row)
{
    if (row->n && !to->lost)
        send_parts(b, to, frame_row_message(row), bytes_of(NULL, 0));
    frame_row_reset(row);
}

void send_rows(struct broker *b)
{
    struct session *to;

    while ((to = TAILQ_FIRST(&b->hearing)))
        send_row(b, to);
}

/* NULL: this one leaves by itself. */
static struct frame_row *send_gather(struct broker *b, struct session *to, struct bytes body)
{
    if (frame_row_full(&to->row) || body.len > FRAME_INLINE)
        send_row(b, to);
    if (b->no_socket || !to->serial || body.len > FRAME_INLINE)
        return NULL;
    if (!to->row.n) {
        TAILQ_INSERT_TAIL(&b->hearing, to, row_link);
        if (b->spares_n)
            to->row.buf = b->spares[--b->spares_n];
    }
    return &to->row;
}

void send_raw(struct broker *b, struct session *to, const struct frame *frame, struct bytes head,
              struct bytes body)
{
    struct frame_row *row;
    bool in_first;

    if (!send_start(b, to))
        return;
    row = send_gather(b, to, body);
    if (row) {
        frame_row_add_raw(row, frame, head, body);
        return;
    }
    buf_reset(&b->frame);
    frame_build_raw(&b->frame, frame, head, body, &in_first);
    send_parts(b, to, buf_bytes(&b->frame), in_first ? bytes_of(NULL, 0) : body);
}

void send_frame(struct broker *b, struct session *to, const struct frame *frame, const struct frame_head *head,
                struct bytes body)
{
    buf_reset(&b->head);
    if (head)
        frame_build_head(&b->head, head);
    send_raw(b, to, frame, buf_bytes(&b->head), body);
}

/* Hands the body on without a copy; it is consumed. */
void send_large(struct broker *b, struct session *to, const struct frame *frame, struct bytes head,
                zmq_msg_t *body)
{
    struct bytes view = { zmq_msg_data(body), zmq_msg_size(body) };
    bool in_first;

    if (b->no_socket || view.len <= FRAME_INLINE) {
        send_raw(b, to, frame, head, view);
        return;
    }
    if (!send_start(b, to))
        return;
    send_row(b, to);
    buf_reset(&b->frame);
    frame_build_raw(&b->frame, frame, head, view, &in_first);
    if (send_part(b, to, to->route.id, sizeof to->route.id, ZMQ_SNDMORE) &&
        send_part(b, to, b->frame.data, b->frame.len, ZMQ_SNDMORE) &&
        zmq_msg_send(body, b->transports[to->route.transport].socket, ZMQ_DONTWAIT) < 0)
        session_mark_lost(b, to, ERR_UNAVAILABLE);
}

void send_error(struct broker *b, struct session *to, uint32_t handle, struct bytes topic, int err)
{
    struct frame frame = { .command = FRAME_ERROR, .code = err_to_bus(err), .handle = handle };
    struct frame_head head = { .topic = topic };

    b->counters[BROKER_REFUSED]++;
    send_frame(b, to, &frame, &head, (struct bytes) { 0 });
}

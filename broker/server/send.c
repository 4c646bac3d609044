/* send - one message to one session. A session that does not take it is lost. */
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
    if (zmq_send(b->transports[to->route.transport].socket, data, len, flags | ZMQ_DONTWAIT) >= 0)
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

void send_frame(struct broker *b, struct session *to, const struct frame *frame, const struct frame_head *head,
                struct bytes body)
{
    bool in_first;

    if (!send_start(b, to))
        return;
    buf_reset(&b->frame);
    frame_build(&b->frame, frame, head, body, &in_first);
    send_parts(b, to, buf_bytes(&b->frame), in_first ? bytes_of(NULL, 0) : body);
}

void send_raw(struct broker *b, struct session *to, const struct frame *frame, struct bytes head,
              struct bytes body)
{
    bool in_first;

    if (!send_start(b, to))
        return;
    buf_reset(&b->frame);
    frame_build_raw(&b->frame, frame, head, body, &in_first);
    send_parts(b, to, buf_bytes(&b->frame), in_first ? bytes_of(NULL, 0) : body);
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

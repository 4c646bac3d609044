/* durable - what puts and appends have in common: windows, lanes, room, and the answer after the commit.
 *
 * A lane (one producer, one queue or stream) stays in order: when a message is refused for a reason that
 * passes, the later ones of the lane are refused too, until it has been sent again. */
#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "broker/server/broker.h"
#include "gen/errors.h"

enum {
    DURABLE_HEAD = 192, /* bytes of most heads */
    DURABLE_TELL_MS = 1000,
};

/* Messages that came in one frame, until each has its verdict. */
struct batch {
    uint64_t session, cid;
    uint32_t handle;
    unsigned left;
    struct buf verdicts; /* of those that are not simply committed */
};

/* Why there is no room for a message: how much there is, how much there may be of it, and what to do. */
struct refusal {
    uint64_t has, may;
    const char *of, *bound;
};

static int durable_refuse(struct refusal *why, int err, uint64_t has, uint64_t may, const char *of,
                          const char *bound)
{
    *why = (struct refusal) { .has = has, .may = may, .of = of, .bound = bound };
    return err;
}

uint64_t durable_stored(const struct session *s)
{
    const struct lane *lane;
    uint64_t n = 0;

    LIST_FOREACH(lane, &s->lanes, link)
    n += *lane->stored;
    return n;
}

static int durable_room(struct broker *b, struct session *s, const struct handle *handle, const struct message *m,
                        struct refusal *why)
{
    const struct broker_settings *may = b->settings;
    const struct queue *queue = handle->queue;
    uint64_t jobs = queue ? queue->ready + queue->held : 0, percent = bus_store_percent(b->store), stored;

    if (s->unconfirmed >= may->window)
        return durable_refuse(why, ERR_RATE_LIMITED, s->unconfirmed, may->window, "messages on their way",
                              "broker.window");
    if (s->in_flight + m->body.len > may->in_flight_bytes)
        return durable_refuse(why, ERR_RATE_LIMITED, s->in_flight + m->body.len, may->in_flight_bytes,
                              "bytes on their way", "broker.in_flight_bytes");
    if (!session_within_quota(b, s))
        return durable_refuse(why, ERR_RATE_LIMITED, may->peer_per_s, may->peer_per_s, "messages in a second",
                              "broker.peer_per_s");
    if (b->blocked || percent >= may->full_percent)
        return durable_refuse(why, ERR_STORE_FULL, percent, may->full_percent, "percent of the store",
                              "broker.full_percent, or a larger --map-size");
    if (queue && jobs >= queue->policy.max)
        return durable_refuse(why, ERR_STORE_FULL, jobs, queue->policy.max, "jobs in the queue",
                              "max of the queue's schema");
    stored = durable_stored(s) + s->in_flight + m->body.len;
    if (stored > may->peer_stored_bytes)
        return durable_refuse(why, ERR_STORE_FULL, stored, may->peer_stored_bytes,
                              "bytes in its queues and streams",
                              "broker.peer_stored_bytes; dead jobs count, and kinobus dead drop frees them");
    return 0;
}

/* A line a second for each peer. */
static void durable_tell(const struct broker *b, struct session *s, const struct handle *handle, int err,
                         const struct refusal *why)
{
    if (!why->of || (s->told_ms && b->now_ms - s->told_ms < DURABLE_TELL_MS))
        return;
    s->told_ms = b->now_ms;
    log_line(LOG_AT_WARNING, "no-room", "role=%s name=%s result=%s has=%llu may=%llu of=\"%s\" bound=\"%s\"",
             s->role, handle->name, err_name(err), (unsigned long long)why->has, (unsigned long long)why->may,
             why->of, why->bound);
}

static int durable_check(struct broker *b, struct session *s, const struct handle *handle, const struct message *m,
                         struct refusal *why)
{
    if (id_is_zero(s->store))
        return ERR_FORBIDDEN; /* only an owner of a store is a producer */
    if (m->body.len > BUS_DURABLE_MAX)
        return ERR_TOO_LARGE;
    if (handle->verb == VERB_PUT && id_is_zero(frame_id(m->head.job)))
        return ERR_MALFORMED;
    if (handle->lane->refused_from && m->frame.seq > handle->lane->refused_from)
        return ERR_AGAIN;
    return durable_room(b, s, handle, m, why);
}

static void durable_say(struct broker *b, struct session *s, uint32_t handle, uint64_t seq, uint64_t cid, int err)
{
    struct frame frame = {
        .command = FRAME_OK, .code = err_to_bus(err), .handle = handle, .seq = seq, .cid = cid
    };

    send_frame(b, s, &frame, NULL, (struct bytes) { 0 });
}

static void batch_verdict(struct batch *batch, uint64_t seq, int err)
{
    batch->left--;
    if (err)
        frame_put_verdict(&batch->verdicts, seq, err_to_bus(err));
}

/* The answer to a batch leaves when the last of its messages has its verdict. */
static void batch_answer(struct broker *b, struct batch *batch)
{
    struct session *s = session_of(b, batch->session);
    struct frame frame = { .command = FRAME_OK,
                           .flags = FRAME_BATCH,
                           .code = err_to_bus(0),
                           .handle = batch->handle,
                           .cid = batch->cid };

    if (batch->left)
        return;
    if (s)
        send_frame(b, s, &frame, NULL, buf_bytes(&batch->verdicts));
    buf_free(&batch->verdicts);
    free(batch);
}

bool durable_admit(struct broker *b, struct session *s, struct handle *handle, const struct message *m)
{
    struct lane *lane = handle->lane;
    struct refusal why = { 0 };
    int err = durable_check(b, s, handle, m, &why);

    if (!err) {
        if (lane->refused_from == m->frame.seq)
            lane->refused_from = 0; /* not by an earlier one, said again: the refused one would be left behind */
        s->unconfirmed++;
        b->adding++;
        return true;
    }
    b->counters[BROKER_REFUSED]++;
    durable_tell(b, s, handle, err, &why);
    if (err_retryable(err) && !lane->refused_from)
        lane->refused_from = m->frame.seq;
    if (m->batch)
        batch_verdict(m->batch, m->frame.seq, err);
    else
        durable_say(b, s, m->frame.handle, m->frame.seq, 0, err);
    return false;
}

bool durable_is_batch(const struct message *m)
{
    return m->frame.command == FRAME_PUTB || m->frame.command == FRAME_APPENDB;
}

/* Each message of a batch is admitted, or refused, as if it had come alone; all that are admitted go to the store
 * together, and one answer tells of all. A batch that is not what it says ends the session. */
void durable_on_batch(struct broker *b, struct session *s, struct message *m)
{
    bool put = m->frame.command == FRAME_PUTB;
    struct handle *handle = names_handle(b, s, m, put ? VERB_PUT : VERB_APPEND);
    struct message one = { .frame = { .handle = m->frame.handle } };
    struct bytes rest = m->body;
    struct frame_item item;
    struct batch *batch;
    unsigned n = 0;

    if (!handle)
        return;
    batch = calloc(1, sizeof *batch);
    if (!batch)
        abort();
    *batch = (struct batch) {
        .session = s->serial, .cid = m->frame.cid, .handle = m->frame.handle, .left = 1 + m->frame.code
    };
    one.batch = batch;
    for (; n < m->frame.code && m->frame.code <= FRAME_BATCH_ITEMS && frame_next_item(&rest, &item); n++) {
        if (item.seq <= one.frame.seq || frame_parse_head(item.head, &one.head) < 0)
            break;
        one.frame.seq = item.seq;
        one.head_raw = item.head;
        one.body = item.body;
        if (put)
            job_put(b, s, handle, &one);
        else
            stream_append(b, s, handle, &one);
    }
    if (n == 0 || n < m->frame.code || rest.len) {
        batch->left -= m->frame.code - n;
        session_mark_lost(b, s, ERR_MALFORMED);
    }
    batch->left--;
    batch_answer(b, batch);
    bus_store_flush(b->store);
}

struct lane *durable_lane(struct session *s, uint32_t target, const uint64_t *stored)
{
    struct lane *lane;

    LIST_FOREACH(lane, &s->lanes, link)
    {
        if (lane->target == target)
            return lane;
    }
    lane = calloc(1, sizeof *lane);
    if (!lane)
        abort();
    lane->target = target;
    lane->stored = stored;
    LIST_INSERT_HEAD(&s->lanes, lane, link);
    return lane;
}

void durable_lanes_free(struct session *s)
{
    struct lane *lane;

    while ((lane = LIST_FIRST(&s->lanes))) {
        LIST_REMOVE(lane, link);
        free(lane);
    }
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
    size_t len;

    buf_room(&op->memory, DURABLE_HEAD + m->body.len);
    frame_build_head(&op->memory, &head);
    len = op->memory.len;
    buf_put(&op->memory, m->body.data, m->body.len);
    op->record = (struct job_record) { .time_ms = b->wall_ms,
                                       .expires_ms = expires_ms,
                                       .job = frame_id(m->head.job),
                                       .head = bytes_of(op->memory.data, len),
                                       .body = bytes_of(op->memory.data + len, m->body.len) };
    s->in_flight += op->memory.len;
    op->session = s->serial;
    op->handle = m->frame.handle;
    op->began_us = b->now_us;
    op->now_ms = b->wall_ms;
    op->producer = s->store;
    op->epoch = s->epoch;
    op->producer_seq = m->frame.seq;
    op->ctx = m->batch;
    op->lazy = m->batch != NULL; /* the whole batch is one commit */
    return op;
}

/* After the commit. A refusal by the writer closes the lane before anything later can pass. */
void durable_answer(struct broker *b, struct store_op *op)
{
    struct session *s = session_of(b, op->session);
    struct handle *handle = s && op->handle < s->handles_n ? &s->handles[op->handle] : NULL;
    struct lane *lane = handle ? handle->lane : NULL;

    b->adding--;
    if (op->status == ERR_DUPLICATE)
        b->counters[BROKER_DUPLICATES]++;
    if (op->status == ERR_STORE_FULL)
        b->blocked++;
    if (s && s->unconfirmed) {
        s->unconfirmed--;
        s->in_flight -= op->memory.len;
    }
    if (op->status && err_retryable(op->status) && lane &&
        (!lane->refused_from || op->producer_seq < lane->refused_from))
        lane->refused_from = op->producer_seq;
    if (op->ctx) {
        batch_verdict(op->ctx, op->producer_seq, op->status);
        batch_answer(b, op->ctx);
    } else if (s) {
        durable_say(b, s, op->handle, op->producer_seq, op->ret_seq, op->status);
    }
}

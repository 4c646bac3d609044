/* job - what producers and workers say of jobs, and what follows from its commit. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

enum { JOB_EXTEND_MAX_MS = 3600 * 1000 };

void job_on_put(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_PUT);

    if (handle)
        job_put(b, s, handle, m);
}

void job_put(struct broker *b, struct session *s, struct handle *handle, const struct message *m)
{
    struct store_op *op;
    int64_t expires;

    if (!durable_admit(b, s, handle, m))
        return;
    expires = m->head.ttl_ms ? b->wall_ms + (int64_t)(m->head.ttl_ms & UINT32_MAX) : 0;
    op = durable_op(b, s, m, STORE_PUT, handle->queue->name, expires);
    op->key = (struct job_key) { handle->queue->id, (uint8_t)(m->head.priority & 255), 0 };
    op->due_ms = m->head.delay_ms ? b->wall_ms + (int64_t)(m->head.delay_ms & UINT32_MAX) : 0;
    broker_submit(b, op);
}

static struct queue *job_queue(const struct broker *b, uint32_t id)
{
    return HMAP_MAYBE(hmap_find(&b->queue_ids, id), struct queue, by_id);
}

void job_put_done(struct broker *b, struct store_op *op)
{
    struct session *s = session_of(b, op->session);
    struct queue *queue = job_queue(b, op->key.queue);

    TAP(b, .kind = BUS_TAP_PUT, .from = s ? s->role : "-", .to = "-", .name = bytes_of_text(queue->name),
        .head = op->record.head, .body = op->record.body, .seq = op->ret_seq,
        .latency_us = b->now_us - op->began_us, .err = op->status);
    if (op->status == 0) {
        b->counters[BROKER_PUTS]++;
        queue->puts++;
        queue->bytes += op->record.head.len + op->record.body.len;
        if (op->held) {
            queue->held++;
            queue_held_until(b, op->due_ms);
        } else {
            queue_add(b, queue, op->key);
        }
    }
    durable_answer(b, op);
}

static void job_answer(struct broker *b, struct session *s, uint64_t lease, int err)
{
    struct frame frame = { .command = FRAME_ACK, .code = err_to_bus(err), .cid = lease };

    send_frame(b, s, &frame, NULL, (struct bytes) { 0 });
}

/* The lease that this session holds, or an answer that it does not. */
static struct lease *job_lease(struct broker *b, struct session *s, const struct message *m)
{
    struct lease *lease = HMAP_MAYBE(hmap_find(&b->leases, m->frame.cid), struct lease, node);

    if (lease && lease->session == s && lease->state == LEASE_HELD)
        return lease;
    if (!lease || lease->session != s)
        job_answer(b, s, m->frame.cid, ERR_LEASE_LOST);
    return NULL;
}

static struct store_op *job_ack_op(struct broker *b, const struct session *s, const struct message *m,
                                   const struct queue *queue, struct job_key key)
{
    struct store_op *op = store_op_new(STORE_ACK);

    store_op_record(op, &(struct job_record) { .body = m->body });
    op->key = key;
    op->session = s->serial;
    op->cid = m->frame.cid;
    op->now_ms = b->wall_ms;
    if (queue->policy.done) {
        op->from = names_copy(bytes_of_text(s->role));
        op->stream = queue->done_stream;
        op->name = names_copy(bytes_of_text(queue->policy.done));
    }
    return op;
}

/* True: the lease ran out, and nobody else has the job yet: the store decides. */
static bool job_ack_late(struct broker *b, const struct session *s, const struct message *m)
{
    struct late *late = HMAP_MAYBE(hmap_find(&b->lates, m->frame.cid), struct late, node);
    struct hnode *taken = late ? hmap_find(&late->queue->leases, late->key.seq) : NULL;
    struct store_op *op;

    if (!late || !id_equal(late->instance, s->instance) || m->body.len > BUS_DURABLE_MAX ||
        (taken && HMAP_OF(taken, struct lease, by_seq)->node.key != m->frame.cid))
        return false;
    op = job_ack_op(b, s, m, late->queue, late->key);
    op->late = true;
    op->due_ms = late->due_ms;
    op->record.attempts = late->attempts;
    broker_submit(b, op);
    lease_late_free(b, late);
    return true;
}

void job_on_ack(struct broker *b, struct session *s, struct message *m)
{
    struct lease *lease = job_ack_late(b, s, m) ? NULL : job_lease(b, s, m);
    struct store_op *op;

    if (!lease)
        return;
    if (m->body.len > BUS_DURABLE_MAX) {
        lease_kill(b, lease, ERR_TOO_LARGE, bytes_of_text("its result is larger than a durable message may be"));
        return;
    }
    op = job_ack_op(b, s, m, lease->queue, lease->key);
    op->began_us = lease->began_us;
    op->job_bytes = lease->size;
    op->ctx = lease;
    lease_settle(b, lease);
    broker_submit(b, op);
}

/* NACK and TERM. */
void job_on_nack(struct broker *b, struct session *s, struct message *m)
{
    struct lease *lease = job_lease(b, s, m);
    int err = m->head.error ? err_from_code(m->head.error) : ERR_INTERNAL;
    bool wait = m->frame.flags & FRAME_WAIT;

    if (!lease)
        return;
    if (m->frame.command == FRAME_TERM) {
        lease->attempts++;
        lease_kill(b, lease, err, m->head.text);
    } else {
        lease_fail(b, lease, err == ERR_WORKER_LOST ? ERR_INTERNAL : err, m->head.text,
                   m->frame.ms || wait ? (int64_t)m->frame.ms : -1, !wait);
    }
}

void job_on_extend(struct broker *b, struct session *s, struct message *m)
{
    struct lease *lease = HMAP_MAYBE(hmap_find(&b->leases, m->frame.cid), struct lease, node);
    uint32_t ms = m->frame.ms < JOB_EXTEND_MAX_MS ? m->frame.ms : JOB_EXTEND_MAX_MS;

    if (!lease || lease->session != s) {
        send_frame(b, s,
                   &(struct frame) {
                       .command = FRAME_LEASE_LOST, .cid = m->frame.cid, .code = err_to_bus(ERR_LEASE_LOST) },
                   NULL, (struct bytes) { 0 });
    } else if (lease->state == LEASE_HELD) {
        timer_set(&b->timers, &lease->timer, b->now_ms + (ms ? ms : lease->queue->policy.lease_ms));
    }
}

static struct taker *job_taker(struct broker *b, struct session *s, struct handle *handle, uint32_t number)
{
    struct taker *taker = handle->taker;

    if (taker)
        return taker;
    taker = calloc(1, sizeof *taker);
    if (!taker)
        abort();
    taker->session = s;
    taker->queue = handle->queue;
    taker->handle = number;
    TAILQ_INSERT_TAIL(&handle->queue->takers, taker, link);
    handle->taker = taker;
    session_announce(b, s, false);
    return taker;
}

/* A worker shows the leases it has before it gives credit: what it did not show, it never got. */
static void job_unknown_leases(struct broker *b, struct queue *queue, const struct session *s)
{
    for (struct hnode *node = hmap_first(&queue->leases); node; node = hmap_next(&queue->leases, node)) {
        struct lease *lease = HMAP_OF(node, struct lease, by_seq);

        if (lease->state == LEASE_ORPHAN && id_equal(lease->instance, s->instance))
            lease_fail(b, lease, ERR_INTERRUPTED, bytes_of_text("its worker never got it"), 0, false);
    }
}

void job_on_credit(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_TAKE);
    struct taker *taker;

    if (!handle)
        return;
    if (!handle->taker || !handle->taker->credit)
        job_unknown_leases(b, handle->queue, s);
    taker = job_taker(b, s, handle, m->frame.handle);
    taker->credit = m->frame.code;
    taker->spare = m->frame.ms;
    queue_press(b, handle->queue);
}

/* A lease goes by the number that its worker says: one that was given, and is nobody else's. */
static bool job_number_ok(const struct broker *b, uint64_t number, const struct lease *mine)
{
    const struct lease *lease = HMAP_MAYBE(hmap_find(&b->leases, number), struct lease, node);

    return (!lease || lease == mine) && number <= ((uint64_t)b->incarnation << 32 | b->next_lease);
}

/* A worker shows a lease that it had before a connection, or the broker, was lost. It gets it back when the job is
 * there, at the same attempt, and nobody else has it. */
static struct lease *job_find_again(struct broker *b, struct session *s, struct queue *queue,
                                    const struct message *m)
{
    struct hnode *node = hmap_find(&queue->leases, m->frame.seq);
    struct lease *lease = HMAP_MAYBE(node, struct lease, by_seq);
    struct job_key key = { queue->id, 0, m->frame.seq };
    struct job_record record;

    if (lease)
        return lease->state == LEASE_ORPHAN && id_equal(lease->instance, s->instance) &&
                       lease->attempts + 1 == m->frame.code && job_number_ok(b, m->frame.cid, lease)
                   ? lease
                   : NULL;
    if (!job_number_ok(b, m->frame.cid, NULL) || bus_store_read_begin(b->store) < 0)
        return NULL;
    key.priority = (uint8_t)(m->head.priority & 255);
    if (bus_store_job(b->store, key, &record) < 0 || record.attempts + 1 != m->frame.code)
        return NULL;
    return lease_new(b, queue, key, &record);
}

void job_on_resume(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_TAKE);
    struct lease *lease = handle ? job_find_again(b, s, handle->queue, m) : NULL;

    if (!handle)
        return;
    if (!lease) {
        send_frame(b, s,
                   &(struct frame) {
                       .command = FRAME_LEASE_LOST, .cid = m->frame.cid, .code = err_to_bus(ERR_LEASE_LOST) },
                   NULL, (struct bytes) { 0 });
        return;
    }
    hmap_del(&b->leases, &lease->node); /* it goes by the number that its worker knows */
    hmap_add(&b->leases, &lease->node, m->frame.cid);
    b->counters[BROKER_LEASES_RESUMED]++;
    lease_give(b, lease, job_taker(b, s, handle, m->frame.handle));
}

static void job_tap_end(struct broker *b, const struct store_op *op, const struct lease *lease,
                        const struct session *s)
{
    static const uint8_t kinds[STORE_KINDS] = {
        [STORE_ACK] = BUS_TAP_ACK, [STORE_RETRY] = BUS_TAP_NACK, [STORE_DEAD] = BUS_TAP_DEAD
    };

    TAP(b, .kind = kinds[op->kind], .from = s ? s->role : "-", .to = "-",
        .name = bytes_of_text(lease->queue->name), .head = buf_bytes(&lease->head),
        .body = op->kind == STORE_ACK ? op->record.body : (struct bytes) { 0 }, .seq = lease->key.seq,
        .latency_us = b->now_us - lease->began_us, .err = op->status ? op->status : op->record.err,
        .attempt = lease->attempts + (op->kind == STORE_ACK));
}

/* A job whose lease had run out ended well all the same, or had gone on. */
static void job_settled_late(struct broker *b, const struct store_op *op)
{
    struct queue *queue = job_queue(b, op->key.queue);
    struct session *s = session_of(b, op->session);

    if (s)
        job_answer(b, s, op->cid, op->status);
    if (op->status || !queue)
        return;
    *(op->held ? &queue->held : &queue->ready) -= 1;
    queue->bytes -= op->job_bytes;
    queue->acks++;
    b->counters[BROKER_ACKS]++;
    b->counters[BROKER_LATE_ACKS]++;
    if (op->stream)
        stream_grown(b, op);
}

/* A lease's end is on the disk. */
void job_settled(struct broker *b, struct store_op *op)
{
    struct lease *lease = op->ctx;
    struct queue *queue;
    struct session *s;

    if (!lease) {
        job_settled_late(b, op);
        return;
    }
    queue = lease->queue;
    s = lease->session;
    job_tap_end(b, op, lease, session_of(b, op->session));
    if (op->session) /* a worker had it */
        histogram_add(&queue->run, b->now_us - op->began_us);
    if (s)
        job_answer(b, s, lease->node.key, op->status);
    lease_free(b, lease);
    if (op->status == 0) {
        queue->ready -= queue->ready > 0;
        queue->bytes -= op->job_bytes;
        queue->acks += op->kind == STORE_ACK && !op->record.err;
        queue->withdrawn += op->kind == STORE_ACK && op->record.err;
        queue->retries += op->kind == STORE_RETRY;
        queue->deads += op->kind == STORE_DEAD;
        queue->dead += op->kind == STORE_DEAD;
        b->counters[BROKER_ACKS] += op->kind == STORE_ACK && !op->record.err;
        b->counters[BROKER_RETRIES] += op->kind == STORE_RETRY;
        b->counters[BROKER_DEADS] += op->kind == STORE_DEAD;
        if (op->kind == STORE_RETRY && op->held) {
            queue->held++;
            queue_held_until(b, op->due_ms);
        } else if (op->kind == STORE_RETRY) {
            queue_add(b, queue, op->key);
        } else if (op->stream) {
            stream_grown(b, op);
        }
    }
    queue_press(b, queue);
}

/* lease - a job in somebody's hands: given, extended, lost, found again, ended.
 *
 * Only its end is written before it counts. That it was given is written when it has lasted until the next tick
 * (lazy_ms): a job that is done before never has a lease row on the disk. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"
#include "schemas/wire/plant.h"

static uint64_t lease_random(struct broker *b)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return b->random;
}

/* min(cap, base * 2^(n-1)) times 0.5 to 1.5, so that what failed together does not come back together. */
static int64_t lease_backoff(struct broker *b, const struct policy_queue *policy, unsigned attempt)
{
    unsigned shift = attempt > 1 ? attempt - 1 : 0;
    uint64_t delay = shift < 31 ? (uint64_t)policy->backoff_from_ms << shift : policy->backoff_to_ms;

    if (delay > policy->backoff_to_ms)
        delay = policy->backoff_to_ms;
    return (int64_t)(delay / 2 + (delay ? lease_random(b) % (delay + 1) : 0));
}

void lease_late_free(struct broker *b, struct late *late)
{
    timer_stop(&b->timers, &late->timer);
    hmap_del(&b->lates, &late->node);
    free(late);
}

static void lease_too_late(void *ctx, struct timer *timer)
{
    lease_late_free(ctx, HMAP_OF(timer, struct late, timer));
}

static void lease_hand_back(const struct lease *lease)
{
    lease->taker->used--;
    lease->taker->urgent -= lease->key.priority >= BUS_URGENT;
    lease->taker->bytes -= lease->size;
}

static void lease_let_go(struct lease *lease);

/* A worker that was slow may be done: until somebody else gets the job, its result is as good. */
static void lease_run_out(struct broker *b, struct lease *lease)
{
    struct late *late = calloc(1, sizeof *late);

    if (!late)
        abort();
    late->due_ms = lease_fail(b, lease, ERR_TIMEOUT, bytes_of_text("the lease ran out"), -1, true);
    late->queue = lease->queue;
    late->key = lease->key;
    late->instance = lease->instance;
    late->attempts = lease->attempts;
    late->timer.fire = lease_too_late;
    hmap_add(&b->lates, &late->node, lease->node.key);
    timer_set(&b->timers, &late->timer, b->now_ms + (int64_t)b->settings->grace_ms);
    lease_let_go(lease);
}

static void lease_expire(void *ctx, struct timer *timer)
{
    struct lease *lease = HMAP_OF(timer, struct lease, timer);
    struct broker *b = ctx;
    bool orphan = lease->state == LEASE_ORPHAN;

    b->counters[BROKER_LEASES_LOST]++;
    if (lease->session)
        send_frame(b, lease->session,
                   &(struct frame) {
                       .command = FRAME_LEASE_LOST, .cid = lease->node.key, .code = err_to_bus(ERR_TIMEOUT) },
                   NULL, (struct bytes) { 0 });
    if (orphan)
        lease_fail(b, lease, ERR_WORKER_LOST, bytes_of_text("its worker did not come back"), 0, false);
    else
        lease_run_out(b, lease);
}

static void lease_not_fresh(struct broker *b, struct lease *lease)
{
    if (lease->fresh)
        TAILQ_REMOVE(&b->fresh_leases, lease, fresh_link);
    lease->fresh = false;
}

struct lease *lease_new(struct broker *b, struct queue *queue, struct job_key key, const struct job_record *record)
{
    struct lease *lease = calloc(1, sizeof *lease);

    if (!lease)
        abort();
    lease->queue = queue;
    lease->key = key;
    lease->attempts = record->attempts;
    lease->lost = record->lost;
    lease->job = record->job;
    lease->size = record->head.len + record->body.len;
    lease->began_us = b->now_us;
    lease->since_ms = b->wall_ms;
    lease->timer.fire = lease_expire;
    buf_put(&lease->head, record->head.data, record->head.len);
    hmap_add(&b->leases, &lease->node, (uint64_t)b->incarnation << 32 | ++b->next_lease);
    hmap_add(&queue->leases, &lease->by_seq, key.seq);
    return lease;
}

/* A lease that has lasted is written with the next commit there is; nobody waits for it. */
void lease_note(struct broker *b)
{
    struct lease *lease;

    while ((lease = TAILQ_FIRST(&b->fresh_leases))) {
        struct store_op *op;

        lease_not_fresh(b, lease);
        if (lease->state != LEASE_HELD)
            continue;
        op = store_op_new(STORE_LEASE);
        op->lazy = true;
        op->key = lease->key;
        op->record.attempts = lease->attempts;
        op->instance = lease->instance;
        broker_submit(b, op);
    }
}

static void lease_let_go(struct lease *lease)
{
    if (lease->taker && !lease->returned)
        lease_hand_back(lease);
    else if (lease->taker)
        lease->taker->settling--;
    if (lease->session)
        LIST_REMOVE(lease, link);
    lease->taker = NULL;
    lease->session = NULL;
}

void lease_free(struct broker *b, struct lease *lease)
{
    lease_let_go(lease);
    lease_not_fresh(b, lease);
    timer_stop(&b->timers, &lease->timer);
    hmap_del(&b->leases, &lease->node);
    hmap_del(&lease->queue->leases, &lease->by_seq);
    buf_free(&lease->head);
    free(lease);
}

void lease_give(struct broker *b, struct lease *lease, struct taker *taker)
{
    lease->state = LEASE_HELD;
    lease->taker = taker;
    lease->session = taker->session;
    lease->instance = taker->session->instance;
    taker->used++;
    taker->urgent += lease->key.priority >= BUS_URGENT;
    taker->bytes += lease->size;
    LIST_INSERT_HEAD(&taker->session->leases, lease, link);
    if (!lease->fresh)
        TAILQ_INSERT_TAIL(&b->fresh_leases, lease, fresh_link);
    lease->fresh = true;
    timer_set(&b->timers, &lease->timer, b->now_ms + lease->queue->policy.lease_ms);
}

/* Whoever had it may have the next one: a commit takes longer than many a job. */
void lease_settle(struct broker *b, struct lease *lease)
{
    lease->state = LEASE_SETTLING;
    timer_stop(&b->timers, &lease->timer);
    if (!lease->taker || lease->returned)
        return;
    lease->returned = true;
    lease_hand_back(lease);
    lease->taker->settling++;
    queue_press(b, lease->queue);
}

static struct store_op *lease_op(struct broker *b, struct lease *lease, enum store_kind kind, int err,
                                 struct bytes text)
{
    struct store_op *op = store_op_new(kind);

    store_op_record(
        op, &(struct job_record) { .attempts = lease->attempts, .lost = lease->lost, .err = err, .text = text });
    op->key = lease->key;
    op->began_us = lease->began_us;
    op->now_ms = b->wall_ms;
    op->ctx = lease;
    op->from = names_copy(bytes_of_text(lease->session ? lease->session->role : "-"));
    op->session = lease->session ? lease->session->serial : 0;
    op->cid = lease->node.key;
    lease_settle(b, lease);
    return op;
}

void lease_kill(struct broker *b, struct lease *lease, int err, struct bytes text)
{
    struct store_op *op = lease_op(b, lease, STORE_DEAD, err, text);

    if (lease->queue->policy.dead) {
        op->stream = lease->queue->dead_stream;
        op->name = names_copy(bytes_of_text(lease->queue->policy.dead));
    }
    broker_submit(b, op);
}

/* Its producer does not want it any more: it is deleted, without an event. A worker that has it hears so. */
void lease_withdraw(struct broker *b, struct lease *lease)
{
    struct frame lost = { .command = FRAME_LEASE_LOST, .cid = lease->node.key, .code = err_to_bus(ERR_CANCELLED) };
    struct store_op *op;

    if (lease->session)
        send_frame(b, lease->session, &lost, NULL, (struct bytes) { 0 });
    lease_let_go(lease);
    op = lease_op(b, lease, STORE_ACK, ERR_CANCELLED, bytes_of_text("withdrawn"));
    op->job_bytes = lease->size;
    broker_submit(b, op);
}

/* The lease ended without an end of the job: it is tried again, unless it was tried often enough.
 * delay_ms -1: the queue's backoff. counted: it was an attempt; else a worker was lost or asked to wait. Until when it
 * is held; 0: it is not. */
int64_t lease_fail(struct broker *b, struct lease *lease, int err, struct bytes text, int64_t delay_ms,
                   bool counted)
{
    const struct policy_queue *policy = &lease->queue->policy;
    struct store_op *op;

    if (counted)
        lease->attempts++;
    else if (err == ERR_WORKER_LOST)
        lease->lost++;
    if (lease->attempts >= policy->attempts || lease->lost >= b->settings->lost_max) {
        lease_kill(b, lease, err, text);
        return 0;
    }
    if (delay_ms < 0)
        delay_ms = lease_backoff(b, policy, lease->attempts);
    op = lease_op(b, lease, STORE_RETRY, err, text);
    delay_ms = op->due_ms = delay_ms ? b->wall_ms + delay_ms : 0;
    broker_submit(b, op);
    return delay_ms;
}

/* What settles goes on; what is held waits for the process to come back, unless the process is gone. */
void lease_session_gone(struct broker *b, struct session *s)
{
    struct lease *lease, *next;

    for (lease = LIST_FIRST(&s->leases); lease; lease = next) {
        next = LIST_NEXT(lease, link);
        PLANT(lease->attempts > 0 && lease->state == LEASE_HELD && !s->goodbye);
        if (lease->state == LEASE_SETTLING) {
            lease_let_go(lease);
        } else if (s->dying || s->goodbye) {
            b->counters[BROKER_LEASES_LOST]++;
            lease_fail(b, lease, s->goodbye ? ERR_INTERRUPTED : ERR_WORKER_LOST,
                       bytes_of_text(s->goodbye ? "its worker left" : "its worker died"), 0, false);
            lease_let_go(lease);
        } else {
            lease_let_go(lease);
            lease->state = LEASE_ORPHAN;
            timer_set(&b->timers, &lease->timer, b->now_ms + (int64_t)b->settings->grace_ms);
        }
    }
}

static int lease_load_one(void *ctx, const struct store_lease *row)
{
    struct broker *b = ctx;
    struct hnode *node = hmap_find(&b->queue_ids, row->key.queue);
    struct job_record record;
    struct lease *lease;
    int r;

    if (!node)
        return 0; /* a queue that the policy no longer has */
    r = bus_store_job(b->store, row->key, &record);
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    lease = lease_new(b, HMAP_OF(node, struct queue, by_id), row->key, &record);
    lease->instance = row->instance;
    lease->state = LEASE_ORPHAN;
    timer_set(&b->timers, &lease->timer, b->now_ms + (int64_t)b->settings->grace_ms);
    return 0;
}

int lease_load(struct broker *b)
{
    return bus_store_leases(b->store, lease_load_one, b);
}

/* queue - which job is next, and who gets it.
 *
 * The store's key order is the order of delivery. A window of the next jobs lies in memory; it is refilled by
 * one range read, and jobs under a lease are skipped. The window may name a job twice, or one that is gone:
 * what counts is the lease table and the store, which are asked before a job leaves. What lies behind the window is brought
 * into memory while the window is used up: the router does not wait for the disk. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

enum {
    QUEUE_BATCH = 256,
    QUEUE_SETTLING = 2048, /* ends of one worker that are not committed: more jobs wait for them */
};

/* -1, 0, 1 in the order of delivery. */
static int queue_compare(struct job_key a, struct job_key b)
{
    if (a.priority != b.priority)
        return a.priority > b.priority ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

static bool queue_leased(const struct queue *queue, uint64_t seq)
{
    return hmap_find(&queue->leases, seq) != NULL;
}

void queue_press(struct broker *b, struct queue *queue)
{
    if (queue->pressed)
        return;
    queue->pressed = true;
    TAILQ_INSERT_TAIL(&b->pressed_queues, queue, press_link);
}

/* Keeps the window sorted; most jobs belong at its end. */
static void window_insert(struct queue *queue, struct job_key key)
{
    size_t at = queue->first + queue->n;

    if (at == BROKER_READY) {
        memmove(queue->window, queue->window + queue->first, queue->n * sizeof *queue->window);
        queue->first = 0;
        at = queue->n;
    }
    while (at > queue->first && queue_compare(key, queue->window[at - 1]) < 0)
        at--;
    memmove(queue->window + at + 1, queue->window + at, (queue->first + queue->n - at) * sizeof *queue->window);
    queue->window[at] = key;
    queue->n++;
}

void queue_add(struct broker *b, struct queue *queue, struct job_key key)
{
    struct job_key last = queue->n ? queue->window[queue->first + queue->n - 1] : key;

    queue->ready++;
    if (queue->n == BROKER_READY) {
        queue->whole = false;
        if (queue_compare(key, last) < 0)
            queue->n--; /* the last one is found again by the next refill */
    }
    if (queue->n < BROKER_READY && (queue->whole || (queue->n && queue_compare(key, last) < 0)))
        window_insert(queue, key);
    queue_press(b, queue);
}

static void window_warm(struct broker *b, struct queue *queue, struct job_key behind)
{
    struct store_op *op = store_op_new(STORE_WARM);

    op->key = behind;
    queue->warming = true;
    broker_submit(b, op);
}

void queue_warmed(struct broker *b, const struct store_op *op)
{
    struct queue *queue = HMAP_MAYBE(hmap_find(&b->queue_ids, op->key.queue), struct queue, by_id);

    if (!queue)
        return;
    queue->warming = false;
    queue->warm = true;
    queue_press(b, queue);
}

static bool window_may_refill(struct broker *b, struct queue *queue)
{
    bool may = queue->warm || queue->ready <= BROKER_READY;

    if (!may && !queue->warming)
        window_warm(b, queue, (struct job_key) { .queue = queue->id });
    return may;
}

static int window_refill(struct broker *b, struct queue *queue)
{
    struct job_key at = { queue->id, 255, 0 };
    int r = bus_store_read_begin(b->store);

    queue->first = queue->n = 0;
    queue->whole = false;
    while (r == 0 && queue->n < BROKER_READY && !queue->whole) {
        struct job_key *keys = queue->window + queue->n;
        size_t room = BROKER_READY - queue->n, n = 0;

        r = bus_store_next_jobs(b->store, queue->id, at, keys, room, &n);
        queue->whole = r == 0 && n < room;
        for (size_t i = 0; r == 0 && i < n; i++) {
            at = keys[i];
            if (!queue_leased(queue, at.seq))
                queue->window[queue->n++] = at;
        }
    }
    queue->warm = false;
    if (r == 0 && !queue->whole && !queue->warming)
        window_warm(b, queue, at);
    return r;
}

static bool window_take(struct broker *b, struct queue *queue, struct job_key *ret)
{
    for (;;) {
        while (queue->n) {
            *ret = queue->window[queue->first++];
            queue->n--;
            if (!queue_leased(queue, ret->seq))
                return true;
        }
        queue->first = 0;
        if (queue->whole || !window_may_refill(b, queue) || window_refill(b, queue) < 0 || queue->n == 0)
            return false;
    }
}

/* How many more jobs a worker may be given. Those that are urgent have room beside the others, but not beside each other:
 * more of them at a time would only make the first one late. */
static unsigned queue_room(const struct broker *b, const struct taker *taker, bool urgent)
{
    unsigned most = taker->credit + (urgent && taker->credit ? taker->spare : 0);

    if (urgent && taker->urgent >= (taker->credit > taker->spare ? taker->credit : taker->spare))
        return 0;
    if (taker->session->lost || taker->settling >= QUEUE_SETTLING || taker->used >= most)
        return 0;
    if (!urgent && taker->bytes >= b->settings->credit_bytes)
        return 0;
    return most - taker->used;
}

static struct taker *queue_choose(const struct broker *b, struct queue *queue, bool urgent)
{
    struct taker *taker, *best = NULL;
    unsigned room = 0;

    TAILQ_FOREACH(taker, &queue->takers, link)
    {
        if (queue_room(b, taker, urgent) > room) {
            best = taker;
            room = queue_room(b, taker, urgent);
        }
    }
    if (best) {
        TAILQ_REMOVE(&queue->takers, best, link);
        TAILQ_INSERT_TAIL(&queue->takers, best, link);
    }
    return best;
}

static void queue_deliver(struct broker *b, struct queue *queue, struct taker *taker, struct job_key key,
                          const struct job_record *record)
{
    struct lease *lease = lease_new(b, queue, key, record);
    struct frame frame = {
        .command = FRAME_JOB,
        .handle = taker->handle,
        .cid = lease->node.key,
        .seq = key.seq,
        .code = (uint16_t)(record->attempts + 1),
        .ms = queue->policy.lease_ms,
        .flags = record->attempts || record->lost ? FRAME_REDELIVERED : 0,
    };

    if (record->expires_ms && record->expires_ms <= b->wall_ms) {
        lease_kill(b, lease, ERR_EXPIRED, bytes_of_text("its time to live ran out"));
        return;
    }
    lease_give(b, lease, taker);
    b->counters[BROKER_JOBS]++;
    if (!record->attempts && !record->lost)
        histogram_add(&queue->wait, (b->wall_ms - record->time_ms) * 1000);
    TAP(b, .kind = BUS_TAP_JOB, .from = "-", .to = taker->session->role, .name = bytes_of_text(queue->name),
        .head = record->head, .body = record->body, .seq = key.seq,
        .latency_us = (b->wall_ms - record->time_ms) * 1000, .attempt = record->attempts + 1u);
    send_raw(b, taker->session, &frame, record->head, record->body);
}

static void queue_dispatch(struct broker *b, struct queue *queue)
{
    struct job_record record;
    struct taker *taker;
    struct job_key key;

    if (queue->paused_ms)
        return;
    for (unsigned n = 0; queue_choose(b, queue, true) && window_take(b, queue, &key); n++) {
        taker = queue_choose(b, queue, key.priority >= BUS_URGENT);
        if (n == QUEUE_BATCH || !taker) {
            window_insert(queue, key);
            if (taker)
                queue_press(b, queue);
            return;
        }
        if (bus_store_read_begin(b->store) < 0)
            return;
        if (bus_store_job(b->store, key, &record) == 0)
            queue_deliver(b, queue, taker, key, &record);
    }
}

void queue_run(struct broker *b)
{
    struct queue *queue, *last = TAILQ_LAST(&b->pressed_queues, pressed_queue_list);

    while ((queue = TAILQ_FIRST(&b->pressed_queues))) {
        TAILQ_REMOVE(&b->pressed_queues, queue, press_link);
        queue->pressed = false;
        queue_dispatch(b, queue);
        if (queue == last)
            break;
    }
}

void queue_taker_gone(struct broker *b, struct taker *taker)
{
    struct session *s = taker->session;
    struct lease *lease;

    (void)b;
    LIST_FOREACH(lease, &s->leases, link)
    {
        if (lease->taker == taker)
            lease->taker = NULL;
    }
    for (uint32_t i = 0; i < s->handles_n; i++) {
        if (s->handles[i].taker == taker)
            s->handles[i].taker = NULL;
    }
    TAILQ_REMOVE(&taker->queue->takers, taker, link);
    free(taker);
}

static void queue_promote_tick(void *ctx, struct timer *timer)
{
    (void)timer;
    queue_promote(ctx);
}

/* A held job is due then. The store counts in wall-clock time, which may jump: the router looks once a second,
 * too. */
void queue_held_until(struct broker *b, int64_t due_ms)
{
    int64_t in = due_ms > b->wall_ms ? due_ms - b->wall_ms : 0;

    if (b->next_due_ms && b->next_due_ms <= due_ms)
        return;
    b->next_due_ms = due_ms;
    b->promote.fire = queue_promote_tick;
    timer_set(&b->timers, &b->promote, b->now_ms + in);
}

void queue_promote(struct broker *b)
{
    struct store_op *op;

    if (b->promoting || !b->next_due_ms || b->next_due_ms > b->wall_ms)
        return;
    op = store_op_new(STORE_PROMOTE);
    op->now_ms = b->wall_ms;
    b->promoting = true;
    broker_submit(b, op);
}

void queue_promoted(struct broker *b, struct store_op *op)
{
    b->promoting = false;
    b->next_due_ms = 0;
    for (size_t i = 0; i < op->promoted_n; i++) {
        struct queue *queue = HMAP_MAYBE(hmap_find(&b->queue_ids, op->promoted[i].queue), struct queue, by_id);

        if (!queue)
            continue;
        queue->held -= queue->held > 0;
        queue_add(b, queue, op->promoted[i]);
    }
    if (op->next_due_ms)
        queue_held_until(b, op->next_due_ms);
}

/* A slice of every queue at a time: the sweep comes round. */
static void queue_sweep_one(struct broker *b, struct queue *queue)
{
    struct job_record record;
    int r = 0;

    for (unsigned n = 0; r == 0 && n < QUEUE_BATCH; n++) {
        struct job_key at = queue->swept;

        r = bus_store_next_job(b->store, queue->id, at, &at);
        if (r == 0)
            queue->swept = at;
        if (r == 0 && !queue_leased(queue, at.seq) && bus_store_job(b->store, at, &record) == 0 &&
            record.expires_ms && record.expires_ms <= b->wall_ms)
            lease_kill(b, lease_new(b, queue, at, &record), ERR_EXPIRED,
                       bytes_of_text("nobody took it in its time"));
    }
    if (r < 0)
        queue->swept = (struct job_key) { 0 };
}

void queue_sweep(struct broker *b)
{
    if (bus_store_read_begin(b->store) < 0)
        return;
    for (struct hnode *node = hmap_first(&b->queues); node; node = hmap_next(&b->queues, node))
        queue_sweep_one(b, HMAP_OF(node, struct queue, node));
}

int queue_load(struct broker *b)
{
    int64_t due;
    int r = bus_store_next_due(b->store, &due);

    for (struct hnode *node = hmap_first(&b->queues); node; node = hmap_next(&b->queues, node)) {
        struct queue *queue = HMAP_OF(node, struct queue, node);
        struct store_totals totals = bus_store_totals(b->store, queue->id);

        queue->ready = totals.ready;
        queue->held = totals.held;
        queue->dead = totals.dead;
        queue->bytes = totals.bytes;
        queue->paused_ms = bus_store_paused_ms(b->store, queue->id);
    }
    if (r == 0)
        queue_held_until(b, due);
    return r == ERR_NOT_FOUND ? 0 : r;
}

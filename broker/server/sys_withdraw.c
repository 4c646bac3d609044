/* sys_withdraw - jobs that whoever put them does not want any more: those of one ordering key.
 *
 * A withdrawn job is deleted and leaves no event: nobody waits for it. A worker that has it is told that its lease is lost.
 * A job that is held is counted and stays until it is due: who asks comes back then. */
#include "broker/server/sys.h"
#include "gen/errors.h"

enum { WITHDRAW_MOST = 1000, WITHDRAW_SCAN = 10000 /* ready jobs looked at in a queue */ };

struct withdrawal {
    struct broker *b;
    const struct sys_ask *ask;
    struct lease *leases[WITHDRAW_MOST];
    size_t n;
    uint64_t held;
    int64_t due_ms; /* of the first one that is held */
};

/* Only its own: the broker has written who put it into its head. */
static bool withdraw_is_meant(const struct withdrawal *w, struct bytes packed)
{
    struct frame_head head;

    return frame_parse_head(packed, &head) == 0 && bytes_equal(head.key, w->ask->key) &&
           bytes_equal(head.from, bytes_of_text(w->ask->session->role));
}

static void withdraw_leased(struct withdrawal *w)
{
    for (struct hnode *node = hmap_first(&w->b->leases); node && w->n < WITHDRAW_MOST;
         node = hmap_next(&w->b->leases, node)) {
        struct lease *lease = HMAP_OF(node, struct lease, node);

        if (lease->state != LEASE_SETTLING && withdraw_is_meant(w, buf_bytes(&lease->head)))
            w->leases[w->n++] = lease;
    }
}

static int withdraw_ready(struct withdrawal *w, struct queue *queue)
{
    struct job_key at = { queue->id, 255, 0 };
    struct job_record record;
    int r = 0;

    for (unsigned n = 0; r == 0 && n < WITHDRAW_SCAN && w->n < WITHDRAW_MOST; n++) {
        r = bus_store_next_job(w->b->store, queue->id, at, &at);
        if (r == 0 && !hmap_find(&queue->leases, at.seq)) {
            r = bus_store_job(w->b->store, at, &record);
            if (r == 0 && withdraw_is_meant(w, record.head))
                w->leases[w->n++] = lease_new(w->b, queue, at, &record);
        }
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int withdraw_held(void *ctx, const struct held_job *job)
{
    struct withdrawal *w = ctx;

    if (!withdraw_is_meant(w, job->record.head))
        return 0;
    if (w->held++ == 0)
        w->due_ms = job->due_ms;
    return 0;
}

int sys_withdraw(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    struct withdrawal w = { .b = b, .ask = ask };
    int r = ask->key.len ? 0 : ERR_INVALID;

    if (r == 0)
        withdraw_leased(&w);
    for (struct hnode *node = hmap_first(&b->queues); r == 0 && node; node = hmap_next(&b->queues, node)) {
        struct queue *queue = HMAP_OF(node, struct queue, node);

        if (policy_allows(&b->policy, ask->session->role, VERB_PUT, bytes_of_text(queue->name)))
            r = withdraw_ready(&w, queue);
    }
    if (r == 0)
        r = bus_store_held(b->store, withdraw_held, &w);
    for (size_t i = 0; i < w.n; i++)
        lease_withdraw(b, w.leases[i]);
    if (r < 0)
        return r;
    mp_put_map(out, 3);
    sys_pair_uint(out, "withdrawn", w.n);
    sys_pair_uint(out, "held", w.held);
    sys_pair_int(out, "due_ms", w.due_ms);
    return 0;
}

#include "broker/server/sys.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "gen/errors.h"

enum { SYS_CHANGES = 1000 };

void sys_pair_uint(struct buf *out, const char *name, uint64_t n)
{
    mp_put_str(out, name);
    mp_put_uint(out, n);
}

void sys_pair_int(struct buf *out, const char *name, int64_t n)
{
    mp_put_str(out, name);
    mp_put_int(out, n);
}

void sys_pair_text(struct buf *out, const char *name, struct bytes text)
{
    mp_put_str(out, name);
    mp_put_text(out, text);
}

void sys_pair_id(struct buf *out, const char *name, struct id id)
{
    char text[ID_TEXT_SIZE];

    sys_pair_text(out, name, bytes_of_text(id_format(NULL, id, text)));
}

void sys_pair_bool(struct buf *out, const char *name, bool on)
{
    mp_put_str(out, name);
    mp_put_bool(out, on);
}

void sys_pair_trace(struct buf *out, const char *name, struct bytes trace)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = trace.data;
    char text[33] = "";

    for (size_t i = 0; i < 32 && trace.len == FRAME_TRACE; i++)
        text[i] = digits[i % 2 ? at[i / 2] & 15 : at[i / 2] >> 4];
    sys_pair_text(out, name, bytes_of_text(text));
}

void sys_pair_histogram(struct buf *out, const char *name, const struct histogram *h, bool buckets)
{
    uint32_t used = 0;

    mp_put_str(out, name);
    mp_put_map(out, buckets ? 6 : 5);
    sys_pair_uint(out, "n", h->n);
    sys_pair_uint(out, "p50_us", histogram_quantile(h, 0.5));
    sys_pair_uint(out, "p90_us", histogram_quantile(h, 0.9));
    sys_pair_uint(out, "p99_us", histogram_quantile(h, 0.99));
    sys_pair_uint(out, "max_us", h->max_us);
    for (unsigned i = 0; buckets && i < HISTOGRAM_BUCKETS; i++)
        used += h->buckets[i] > 0;
    if (!buckets)
        return;
    mp_put_str(out, "buckets");
    mp_put_array(out, 2 * used);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!h->buckets[i])
            continue;
        mp_put_uint(out, histogram_upto(i));
        mp_put_uint(out, h->buckets[i]);
    }
}

static bool key_is_text(struct bytes key)
{
    const uint8_t *at = key.data;

    for (size_t i = 0; i < key.len; i++) {
        if (at[i] < 0x20 || at[i] > 0x7e)
            return false;
    }
    return true;
}

void sys_pair_key(struct buf *out, const char *name, struct bytes key)
{
    if (key.len == 16 && !key_is_text(key))
        sys_pair_id(out, name, frame_id(key));
    else if (key_is_text(key))
        sys_pair_text(out, name, key);
    else {
        mp_put_str(out, name);
        mp_put_bytes(out, key);
    }
}

static void sys_ask_pair(struct sys_ask *ask, struct bytes name, struct mp *mp)
{
    const struct {
        const char *name;
        struct bytes *text;
        uint64_t *number;
        bool *given;
    } members[] = {
        { "queue", &ask->queue, NULL, NULL },     { "key", &ask->key, NULL, NULL },
        { "name", &ask->name, NULL, NULL },       { "dir", &ask->dir, NULL, NULL },
        { "filter", &ask->filter, NULL, NULL },   { "role", &ask->role, NULL, NULL },
        { "verb", &ask->verb, NULL, NULL },       { "seq", NULL, &ask->seq, &ask->has_seq },
        { "limit", NULL, &ask->limit, NULL },     { "since_ms", NULL, &ask->since_ms, NULL },
        { "all", NULL, NULL, &ask->all },         { "back", NULL, NULL, &ask->back },
        { "buckets", NULL, NULL, &ask->buckets },
    };
    struct mp was = *mp;
    bool on = !mp_end(mp) && *mp->at == 0xc3;

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!bytes_equal(name, bytes_of_text(members[i].name)))
            continue;
        if (members[i].text)
            mp_get_data(mp, members[i].text);
        else if (members[i].number && mp_get_uint(mp, members[i].number) && members[i].given)
            *members[i].given = true;
        else if (!members[i].number)
            *members[i].given = on;
    }
    if (mp->at == was.at && !mp_skip(mp)) /* unknown, or of another kind */
        mp->at = mp->end;
}

static int sys_parse(struct bytes body, struct sys_ask *ask)
{
    struct mp mp = mp_of(body);
    struct bytes name;
    uint32_t n;

    ask->limit = 100;
    if (body.len == 0)
        return 0;
    if (!mp_get_map(&mp, &n))
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < n && !mp_end(&mp); i++) {
        if (!mp_get_data(&mp, &name))
            return ERR_MALFORMED;
        sys_ask_pair(ask, name, &mp);
    }
    return mp_end(&mp) ? 0 : ERR_MALFORMED;
}

/* One operation on a dead job. Whose answer it carries is told by its session; `of` is how many were changed then. */
static void sys_dead_submit(struct broker *b, const struct sys_ask *ask, enum store_kind kind, struct job_key key,
                            uint64_t of)
{
    struct store_op *op = store_op_new(kind);

    op->key = key;
    op->session = of ? ask->session->serial : 0;
    op->cid = ask->cid;
    op->seq = of;
    op->now_ms = b->wall_ms;
    broker_submit(b, op);
}

struct sys_dead {
    uint32_t queue;
    struct job_key keys[SYS_CHANGES];
    size_t n;
};

static int sys_dead_collect(void *ctx, const struct held_job *job)
{
    struct sys_dead *dead = ctx;

    if (job->key.queue == dead->queue)
        dead->keys[dead->n++] = job->key;
    return dead->n == SYS_CHANGES;
}

/* Requeues or drops one dead job, or all of a queue (a thousand at a time): the last one's commit is the answer. */
static int sys_change_dead(struct broker *b, const struct sys_ask *ask, enum store_kind kind)
{
    struct queue *queue = names_queue(b, ask->queue);
    struct sys_dead dead = { .queue = queue ? queue->id : 0 };
    int r;

    if (!queue)
        return ERR_NOT_FOUND;
    if (!ask->all && !ask->has_seq)
        return ERR_INVALID;
    if (!ask->all) {
        sys_dead_submit(b, ask, kind, (struct job_key) { queue->id, 0, ask->seq }, 1);
        return 0;
    }
    r = bus_store_dead_jobs(b->store, sys_dead_collect, &dead);
    if (r < 0)
        return r;
    for (size_t i = 0; i < dead.n; i++)
        sys_dead_submit(b, ask, kind, dead.keys[i], i + 1 == dead.n ? dead.n : 0);
    return dead.n ? 0 : ERR_NOT_FOUND;
}

/* Nothing is given from a queue that is paused; what is said of it otherwise is as ever. */
static int sys_pause(struct broker *b, const struct sys_ask *ask, int64_t since_ms)
{
    struct queue *queue = names_queue(b, ask->queue);
    struct store_op *op;

    if (!queue)
        return ERR_NOT_FOUND;
    op = store_op_new(STORE_PAUSE);
    op->key.queue = queue->id;
    op->due_ms = since_ms;
    op->session = ask->session->serial;
    op->cid = ask->cid;
    op->from = names_copy(bytes_of_text(ask->session->role));
    broker_submit(b, op);
    return 0;
}

static int sys_change_paused(struct broker *b, const struct sys_ask *ask, enum store_kind kind)
{
    (void)kind;
    return sys_pause(b, ask, b->wall_ms);
}

static int sys_change_resumed(struct broker *b, const struct sys_ask *ask, enum store_kind kind)
{
    (void)kind;
    return sys_pause(b, ask, 0);
}

static int sys_backup(struct broker *b, const struct sys_ask *ask, enum store_kind kind)
{
    struct store_op *op;

    if (!ask->dir.len)
        return ERR_INVALID;
    if (!bus_store_can(b->store, kind))
        return ERR_UNSUPPORTED;
    op = store_op_new(kind);
    op->name = names_copy(ask->dir);
    op->session = ask->session->serial;
    op->cid = ask->cid;
    broker_submit(b, op);
    return 0;
}

static const struct sys_service {
    const char *name;
    sys_serve *serve;
    int (*change)(struct broker *b, const struct sys_ask *ask,
                  enum store_kind kind); /* answered when it is done */
    enum store_kind kind;
} services[] = {
    { "$sys.queues", sys_queues, NULL, 0 },
    { "$sys.peers", sys_peers, NULL, 0 },
    { "$sys.services", sys_services, NULL, 0 },
    { "$sys.streams", sys_streams, NULL, 0 },
    { "$sys.stats", sys_stats, NULL, 0 },
    { "$sys.values", sys_values, NULL, 0 },
    { "$sys.events", sys_events, NULL, 0 },
    { "$sys.acl", sys_acl, NULL, 0 },
    { "$sys.why", sys_why, NULL, 0 },
    { "$sys.withdraw", sys_withdraw, NULL, 0 },
    { "$sys.dead.ls", sys_dead_ls, NULL, 0 },
    { "$sys.dead.show", sys_dead_show, NULL, 0 },
    { "$sys.dead.requeue", NULL, sys_change_dead, STORE_REQUEUE },
    { "$sys.dead.drop", NULL, sys_change_dead, STORE_DROP },
    { "$sys.queue.pause", NULL, sys_change_paused, STORE_PAUSE },
    { "$sys.queue.resume", NULL, sys_change_resumed, STORE_PAUSE },
    { "$sys.backup", NULL, sys_backup, STORE_BACKUP },
};

static void sys_answer(struct broker *b, struct session *s, uint64_t cid, int err, struct bytes body)
{
    struct frame frame = { .command = err ? FRAME_ERR : FRAME_REP, .code = err_to_bus(err), .cid = cid };

    send_frame(b, s, &frame, NULL, body);
}

void sys_call(struct broker *b, struct session *s, const char *name, struct message *m)
{
    struct sys_ask ask = { .session = s, .cid = m->frame.cid };
    const struct sys_service *service = NULL;
    struct buf out = { 0 };
    int r = sys_parse(m->body, &ask);

    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i].name, name) == 0)
            service = &services[i];
    }
    if (!service)
        r = ERR_UNKNOWN_NAME;
    if (r == 0)
        r = bus_store_read_begin(b->store);
    if (r == 0)
        r = service->serve ? service->serve(b, &ask, &out) : service->change(b, &ask, service->kind);
    if (r < 0 || service->serve) /* else when it is done */
        sys_answer(b, s, ask.cid, r, buf_bytes(&out));
    buf_free(&out);
}

static void sys_paused(struct broker *b, struct store_op *op)
{
    struct queue *queue = HMAP_MAYBE(hmap_find(&b->queue_ids, op->key.queue), struct queue, by_id);

    op->seq = op->changed;
    if (!queue || !op->changed)
        return;
    queue->paused_ms = op->due_ms;
    log_line(LOG_AT_INFO, op->due_ms ? "paused" : "resumed", "queue=%s by=%s", queue->name, op->from);
    queue_press(b, queue);
}

static void sys_requeued(struct broker *b, const struct store_op *op)
{
    struct queue *queue = HMAP_MAYBE(hmap_find(&b->queue_ids, op->key.queue), struct queue, by_id);

    if (op->status || !queue)
        return;
    queue->dead -= queue->dead > 0;
    queue->bytes -= op->job_bytes;
    if (op->kind == STORE_REQUEUE)
        queue_add(b, queue, op->key);
}

/* A dead job or a queue was changed, or a backup is there. */
void sys_done(struct broker *b, struct store_op *op)
{
    struct session *s = session_of(b, op->session);
    struct buf out = { 0 };

    if (op->kind == STORE_PAUSE)
        sys_paused(b, op);
    else if (op->kind != STORE_BACKUP)
        sys_requeued(b, op);
    if (!s)
        return;
    mp_put_map(&out, 1);
    sys_pair_uint(&out, op->kind == STORE_BACKUP ? "copied" : "changed", op->kind == STORE_BACKUP ? 1 : op->seq);
    sys_answer(b, s, op->cid, op->status, op->status ? bytes_of(NULL, 0) : buf_bytes(&out));
    buf_free(&out);
}

/* sys_jobs - single jobs: why one does not end, and the dead ones. */
#include <string.h>

#include "broker/server/filter.h"
#include "broker/server/sys.h"
#include "gen/errors.h"

enum { SYS_SCAN = 10000 }; /* ready jobs looked at for one question */

struct sys_jobs {
    struct broker *b;
    const struct sys_ask *ask;
    struct buf rows;
    uint32_t n;
    const char *state;
    struct filter filter;
    size_t at_body; /* of a single one */
};

static const struct queue *jobs_queue(const struct broker *b, uint32_t id)
{
    return HMAP_MAYBE(hmap_find(&b->queue_ids, id), struct queue, by_id);
}

/* at_ms: since when it is leased or its queue paused, until when it is held, when it died. */
static void jobs_row(struct sys_jobs *jobs, const char *state, struct job_key key, const struct job_record *record,
                     int64_t at_ms, const char *worker)
{
    const struct queue *queue = jobs_queue(jobs->b, key.queue);
    struct frame_head head;

    if (!queue || jobs->n >= jobs->ask->limit || frame_parse_head(record->head, &head) < 0)
        return;
    jobs->n++;
    mp_put_map(&jobs->rows, 15);
    sys_pair_text(&jobs->rows, "queue", bytes_of_text(queue->name));
    sys_pair_uint(&jobs->rows, "seq", key.seq);
    sys_pair_text(&jobs->rows, "state", bytes_of_text(state));
    sys_pair_uint(&jobs->rows, "priority", key.priority);
    sys_pair_key(&jobs->rows, "key", head.key);
    sys_pair_id(&jobs->rows, "job", record->job);
    sys_pair_trace(&jobs->rows, "trace", head.trace);
    sys_pair_uint(&jobs->rows, "attempts", record->attempts);
    sys_pair_uint(&jobs->rows, "attempts_max", queue->policy.attempts);
    sys_pair_uint(&jobs->rows, "lost", record->lost);
    sys_pair_int(&jobs->rows, "put_ms", record->time_ms);
    sys_pair_int(&jobs->rows, "at_ms", at_ms);
    sys_pair_text(&jobs->rows, "worker", bytes_of_text(worker));
    sys_pair_text(&jobs->rows, "error", bytes_of_text(record->err ? err_slug(record->err) : ""));
    sys_pair_text(&jobs->rows, "text", record->text);
}

static bool jobs_key_is(const struct sys_jobs *jobs, struct bytes packed)
{
    struct frame_head head;

    return frame_parse_head(packed, &head) == 0 &&
           (!jobs->ask->key.len || bytes_equal(head.key, jobs->ask->key)) &&
           (!jobs->ask->queue.len || bytes_equal(head.name, jobs->ask->queue)) &&
           filter_wants_stored(&jobs->filter, BUS_TAP_PUT, &head);
}

static int jobs_stored(void *ctx, const struct held_job *job)
{
    struct sys_jobs *jobs = ctx;

    if (jobs_key_is(jobs, job->record.head) && (!jobs->ask->has_seq || jobs->ask->seq == job->key.seq))
        jobs_row(jobs, jobs->state, job->key, &job->record, job->due_ms, "");
    return jobs->n < jobs->ask->limit ? 0 : 1;
}

static void jobs_leased(struct sys_jobs *jobs)
{
    static const char *const states[] = { "waiting for its worker", "leased", "settling" };
    struct job_record record;

    for (struct hnode *node = hmap_first(&jobs->b->leases); node; node = hmap_next(&jobs->b->leases, node)) {
        const struct lease *lease = HMAP_OF(node, struct lease, node);

        if (jobs_key_is(jobs, buf_bytes(&lease->head)) && bus_store_job(jobs->b->store, lease->key, &record) == 0)
            jobs_row(jobs, states[lease->state], lease->key, &record, lease->since_ms,
                     lease->session ? lease->session->role : "");
    }
}

static int jobs_ready(struct sys_jobs *jobs, const struct queue *queue)
{
    struct job_key at = { queue->id, 255, 0 };
    struct job_record record;
    int r = 0;

    for (unsigned n = 0; r == 0 && n < SYS_SCAN && jobs->n < jobs->ask->limit; n++) {
        r = bus_store_next_job(jobs->b->store, queue->id, at, &at);
        if (r == 0 && !hmap_find(&queue->leases, at.seq)) {
            r = bus_store_job(jobs->b->store, at, &record);
            if (r == 0 && jobs_key_is(jobs, record.head))
                jobs_row(jobs, queue->paused_ms ? "paused" : "ready", at, &record, queue->paused_ms, "");
        }
    }
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int jobs_begin(struct sys_jobs *jobs)
{
    if (jobs->ask->queue.len && !names_queue(jobs->b, jobs->ask->queue))
        return ERR_NOT_FOUND;
    return filter_parse(&jobs->filter, jobs->ask->filter);
}

static int jobs_finish(struct sys_jobs *jobs, int r, struct buf *out)
{
    filter_free(&jobs->filter);
    if (r >= 0) {
        mp_put_array(out, jobs->n);
        buf_put(out, jobs->rows.data, jobs->rows.len);
    }
    buf_free(&jobs->rows);
    return r < 0 ? r : 0;
}

int sys_why(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    struct sys_jobs jobs = { .b = b, .ask = ask, .state = "held" };
    int r = jobs_begin(&jobs);

    if (r == 0)
        jobs_leased(&jobs);
    if (r == 0)
        r = bus_store_held(b->store, jobs_stored, &jobs);
    for (struct hnode *node = hmap_first(&b->queues); r >= 0 && node; node = hmap_next(&b->queues, node))
        r = jobs_ready(&jobs, HMAP_OF(node, struct queue, node));
    jobs.state = "dead";
    if (r >= 0)
        r = bus_store_dead_jobs(b->store, jobs_stored, &jobs);
    return jobs_finish(&jobs, r, out);
}

int sys_dead_ls(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    struct sys_jobs jobs = { .b = b, .ask = ask, .state = "dead" };

    int r = jobs_begin(&jobs);

    if (r == 0)
        r = bus_store_dead_jobs(b->store, jobs_stored, &jobs);
    return jobs_finish(&jobs, r, out);
}

static int dead_body(void *ctx, const struct held_job *job)
{
    struct sys_jobs *jobs = ctx;

    if (job->key.seq != jobs->ask->seq || !jobs_key_is(jobs, job->record.head))
        return 0;
    jobs_row(jobs, "dead", job->key, &job->record, job->due_ms, "");
    jobs->at_body = jobs->rows.len;
    mp_put_map(&jobs->rows, 2);
    sys_pair_text(&jobs->rows, "name", jobs->ask->queue);
    mp_put_str(&jobs->rows, "body");
    mp_put_bytes(&jobs->rows, job->record.body);
    return 1;
}

/* One dead job, and its body: for who may tap its queue. */
int sys_dead_show(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    struct sys_jobs jobs = { .b = b, .ask = ask };
    int r = ask->has_seq ? jobs_begin(&jobs) : ERR_INVALID;

    if (r == 0 && !policy_allows(&b->policy, ask->session->role, VERB_TAP, ask->queue))
        r = ERR_FORBIDDEN;
    if (r == 0)
        r = bus_store_dead_jobs(b->store, dead_body, &jobs);
    if (r >= 0 && jobs.n == 0)
        r = ERR_NOT_FOUND;
    if (r >= 0) {
        mp_put_map(out, 2);
        mp_put_str(out, "job");
        buf_put(out, jobs.rows.data, jobs.at_body);
        mp_put_str(out, "message");
        buf_put(out, jobs.rows.data + jobs.at_body, jobs.rows.len - jobs.at_body);
    }
    filter_free(&jobs.filter);
    buf_free(&jobs.rows);
    return r < 0 ? r : 0;
}

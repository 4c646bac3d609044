/* sys_list - what there is: queues, peers, services, streams, values, figures. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/sys.h"
#include "gen/errors.h"

enum { OLDEST_SCAN = 1024 }; /* leased jobs passed over, to find one that waits */

/* When the oldest of the ready jobs was put; 0: none. They lie in order of age within each priority. */
static int64_t queue_oldest_ms(const struct broker *b, const struct queue *queue)
{
    struct job_key at = { queue->id, 255, 0 };
    struct job_record record;
    int64_t oldest = 0;

    for (unsigned n = 0; n < OLDEST_SCAN && bus_store_next_job(b->store, queue->id, at, &at) == 0; n++) {
        if (hmap_find(&queue->leases, at.seq))
            continue;
        if (bus_store_job(b->store, at, &record) == 0 && (!oldest || record.time_ms < oldest))
            oldest = record.time_ms;
        at.seq = UINT64_MAX - 1; /* the next priority */
    }
    return oldest;
}

/* A queue that is paused never says 0, also when the clock was set back. */
static int64_t queue_paused_for(const struct broker *b, const struct queue *queue)
{
    return b->wall_ms > queue->paused_ms ? b->wall_ms - queue->paused_ms : 1;
}

static void queue_policy(const struct policy_queue *policy, struct buf *out)
{
    sys_pair_uint(out, "lease_ms", policy->lease_ms);
    sys_pair_uint(out, "attempts", policy->attempts);
    sys_pair_uint(out, "backoff_from_ms", policy->backoff_from_ms);
    sys_pair_uint(out, "backoff_to_ms", policy->backoff_to_ms);
    sys_pair_uint(out, "max", policy->max);
    sys_pair_text(out, "done_event", bytes_of_text(policy->done));
    sys_pair_text(out, "dead_event", bytes_of_text(policy->dead));
}

static void queue_workers(const struct queue *queue, uint32_t n, struct buf *out)
{
    const struct taker *taker;

    mp_put_str(out, "workers");
    mp_put_array(out, n);
    TAILQ_FOREACH(taker, &queue->takers, link)
    {
        mp_put_map(out, 6);
        sys_pair_text(out, "role", bytes_of_text(taker->session->role));
        sys_pair_uint(out, "pid", taker->session->pid);
        sys_pair_uint(out, "credit", taker->credit);
        sys_pair_uint(out, "spare", taker->spare);
        sys_pair_uint(out, "used", taker->used);
        sys_pair_uint(out, "bytes", taker->bytes);
    }
}

int sys_queues(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    mp_put_array(out, (uint32_t)b->queues.n);
    for (struct hnode *node = hmap_first(&b->queues); node; node = hmap_next(&b->queues, node)) {
        const struct queue *queue = HMAP_OF(node, struct queue, node);
        const struct taker *taker;
        int64_t oldest = queue_oldest_ms(b, queue);
        uint32_t takers = 0;
        uint64_t credit = 0;

        TAILQ_FOREACH(taker, &queue->takers, link)
        {
            takers++;
            credit += taker->credit;
        }
        mp_put_map(out, 23);
        sys_pair_text(out, "name", bytes_of_text(queue->name));
        sys_pair_uint(out, "ready",
                      queue->ready - (queue->leases.n < queue->ready ? queue->leases.n : queue->ready));
        sys_pair_uint(out, "leased", queue->leases.n);
        sys_pair_uint(out, "held", queue->held);
        sys_pair_uint(out, "dead", queue->dead);
        sys_pair_uint(out, "takers", takers);
        sys_pair_uint(out, "credit", credit);
        sys_pair_uint(out, "puts", queue->puts);
        sys_pair_uint(out, "acks", queue->acks);
        sys_pair_uint(out, "retries", queue->retries);
        sys_pair_uint(out, "deads", queue->deads);
        sys_pair_int(out, "oldest_ms", oldest ? b->wall_ms - oldest : 0);
        sys_pair_int(out, "paused_ms", queue->paused_ms ? queue_paused_for(b, queue) : 0);
        sys_pair_histogram(out, "wait", &queue->wait, ask->buckets);
        sys_pair_histogram(out, "run", &queue->run, ask->buckets);
        queue_policy(&queue->policy, out);
        queue_workers(queue, takers, out);
    }
    return 0;
}

static void peer_names(const struct session *s, struct buf *out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->handles_n; i++)
        n += s->handles[i].name != NULL;
    mp_put_str(out, "names");
    mp_put_array(out, n);
    for (uint32_t i = 0; i < s->handles_n; i++) {
        const struct handle *handle = &s->handles[i];

        if (!handle->name)
            continue;
        mp_put_map(out, 3);
        sys_pair_text(out, "verb", bytes_of_text(frame_verb_name(handle->verb)));
        sys_pair_text(out, "name", bytes_of_text(handle->name));
        sys_pair_text(out, "refused", bytes_of_text(handle->err ? err_slug(handle->err) : ""));
    }
}

int sys_peers(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    const struct session *s;
    uint32_t n = 0;

    (void)ask;
    TAILQ_FOREACH(s, &b->all, link)
    n++;
    mp_put_array(out, n);
    TAILQ_FOREACH(s, &b->all, link)
    {
        uint32_t offers = 0, takes = 0;

        for (uint32_t i = 0; i < s->handles_n; i++) {
            offers += s->handles[i].offer != NULL;
            takes += s->handles[i].taker != NULL;
        }
        mp_put_map(out, 17);
        sys_pair_text(out, "role", bytes_of_text(s->role));
        sys_pair_text(out, "name",
                      bytes_of_text(s->name ? s->name : "")); /* of another host: what its key is called */
        sys_pair_text(out, "address", bytes_of_text(s->address ? s->address : "local"));
        sys_pair_id(out, "instance", s->instance);
        sys_pair_uint(out, "pid", s->pid);
        sys_pair_uint(out, "uid", s->uid);
        sys_pair_text(out, "version", bytes_of_text(s->version));
        sys_pair_uint(out, "since_ms", (uint64_t)s->since_ms);
        sys_pair_uint(out, "epoch", s->epoch);
        sys_pair_uint(out, "offers", offers);
        sys_pair_uint(out, "takes", takes);
        sys_pair_uint(out, "unconfirmed", s->unconfirmed);
        sys_pair_uint(out, "stored_bytes", durable_stored(s));
        sys_pair_uint(out, "messages_in", s->messages_in);
        sys_pair_uint(out, "messages_out", s->messages_out);
        sys_pair_int(out, "silent_ms", b->now_ms - s->heard_ms);
        peer_names(s, out);
    }
    return 0;
}

int sys_services(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    mp_put_array(out, (uint32_t)b->services.n);
    for (struct hnode *node = hmap_first(&b->services); node; node = hmap_next(&b->services, node)) {
        const struct service *service = HMAP_OF(node, struct service, node);
        const struct offer *offer;
        uint32_t n = 0;
        uint64_t used = 0;

        TAILQ_FOREACH(offer, &service->offers, link)
        {
            n++;
            used += offer->used;
        }
        mp_put_map(out, 7);
        sys_pair_text(out, "name", bytes_of_text(service->name));
        sys_pair_uint(out, "calls", service->calls);
        sys_pair_uint(out, "errors", service->errors);
        sys_pair_uint(out, "waiting", service->waiting_n);
        sys_pair_uint(out, "in_flight", used);
        sys_pair_histogram(out, "latency", &service->latency, ask->buckets);
        mp_put_str(out, "offers");
        mp_put_array(out, n);
        TAILQ_FOREACH(offer, &service->offers, link)
        {
            mp_put_map(out, 4);
            sys_pair_text(out, "role", bytes_of_text(offer->session->role));
            sys_pair_uint(out, "pid", offer->session->pid);
            sys_pair_uint(out, "slots", offer->slots);
            sys_pair_uint(out, "used", offer->used);
        }
    }
    return 0;
}

static void sys_stream_groups(const struct stream *stream, struct buf *out)
{
    const struct group *group;
    uint32_t n = 0;

    LIST_FOREACH(group, &stream->groups, link)
    n++;
    mp_put_str(out, "groups");
    mp_put_array(out, n);
    LIST_FOREACH(group, &stream->groups, link)
    {
        mp_put_map(out, 3);
        sys_pair_text(out, "name", bytes_of_text(group->name));
        sys_pair_uint(out, "at", group->seq);
        sys_pair_uint(out, "behind", stream->last - group->seq);
    }
}

/* How old the event at this place is, or the next one; 0: none. */
static int64_t stream_age_ms(const struct broker *b, const struct stream *stream, uint64_t from)
{
    struct event_record event;
    uint64_t seq;

    if (bus_store_event(b->store, stream->id, from, &seq, &event) < 0 || event.time_ms > b->wall_ms)
        return 0;
    return b->wall_ms - event.time_ms;
}

int sys_streams(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    (void)ask;
    mp_put_array(out, (uint32_t)b->streams.n);
    for (struct hnode *node = hmap_first(&b->streams); node; node = hmap_next(&b->streams, node)) {
        const struct stream *stream = HMAP_OF(node, struct stream, node);
        const struct follower *f;
        uint32_t n = 0;

        TAILQ_FOREACH(f, &stream->followers, link)
        n++;
        mp_put_map(out, 9);
        sys_pair_text(out, "name", bytes_of_text(stream->name));
        sys_pair_uint(out, "first", stream->first);
        sys_pair_uint(out, "last", stream->last);
        sys_pair_uint(out, "appends", stream->appends);
        sys_pair_int(out, "oldest_ms", stream_age_ms(b, stream, stream->first));
        sys_pair_int(out, "newest_ms", stream_age_ms(b, stream, stream->last));
        sys_pair_int(out, "keep_ms", stream->keep_ms);
        sys_stream_groups(stream, out);
        mp_put_str(out, "followers");
        mp_put_array(out, n);
        TAILQ_FOREACH(f, &stream->followers, link)
        {
            mp_put_map(out, 5);
            sys_pair_text(out, "role", bytes_of_text(f->session->role));
            sys_pair_uint(out, "at", f->at);
            sys_pair_uint(out, "behind", stream->last - f->at);
            sys_pair_uint(out, "credit", f->credit);
            sys_pair_uint(out, "bytes", f->bytes);
        }
    }
    return 0;
}

static bool values_wanted(const struct sys_ask *ask, const char *pattern, const struct value *value)
{
    return (!*pattern || policy_match(pattern, bytes_of_text(value->name))) &&
           (!ask->key.len || bytes_equal(ask->key, bytes_of_text(value->key)));
}

/* name: a pattern; the body as it is, for the schema to decode. */
int sys_values(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    char *pattern = names_copy(ask->name);
    struct buf rows = { 0 };
    uint32_t n = 0;

    for (struct hnode *node = hmap_first(&b->values); node && n < ask->limit; node = hmap_next(&b->values, node)) {
        const struct value *value = HMAP_OF(node, struct value, node);

        if (!values_wanted(ask, pattern, value))
            continue;
        if (rows.len + value->body.len > BUS_CALL_MAX - 4096)
            break;
        n++;
        mp_put_map(&rows, 6);
        sys_pair_text(&rows, "name", bytes_of_text(value->name));
        sys_pair_text(&rows, "key", bytes_of_text(value->key));
        sys_pair_text(&rows, "from", bytes_of_text(value->from));
        sys_pair_uint(&rows, "time_ms", (uint64_t)value->time_ms);
        mp_put_str(&rows, "lasting");
        mp_put_bool(&rows, value->lasting);
        mp_put_str(&rows, "body");
        mp_put_bytes(&rows, buf_bytes(&value->body));
    }
    mp_put_array(out, n);
    buf_put(out, rows.data, rows.len);
    buf_free(&rows);
    free(pattern);
    return 0;
}

int sys_stats(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    struct bus_store_counts store = bus_store_counts(b->store);

    shown_count(b);
    mp_put_map(out, BROKER_COUNTERS + 4);
    sys_pair_id(out, "store", b->store_id);
    sys_pair_histogram(out, "commit", &store.commit, ask->buckets);
    sys_pair_uint(out, "uptime_ms", (uint64_t)(b->now_ms - b->started_ms));
    sys_pair_uint(out, "incarnation", b->incarnation);
    for (unsigned i = 0; i < BROKER_COUNTERS; i++)
        sys_pair_uint(out, broker_counters[i].name, b->counters[i]);
    return 0;
}

static bool acl_knows(const struct policy *policy, const char *role)
{
    for (size_t i = 0; i < policy->rules_n; i++) {
        if (policy->rules[i].role && strcmp(policy->rules[i].role, role) == 0)
            return true;
    }
    return false;
}

/* Which row decides whether this role may say this. rule: "" when none does. */
int sys_acl(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    char *role = names_copy(ask->role);
    enum frame_verb verb = frame_verb_of(ask->verb);
    const struct policy_rule *rule = verb ? policy_decides(&b->policy, role, verb, ask->name) : NULL;
    struct buf text = { 0 };
    bool known = acl_knows(&b->policy, role);

    free(role);
    if (!verb || !frame_name_ok(ask->name))
        return ERR_INVALID;
    if (!known)
        return ERR_NOT_FOUND;
    if (rule)
        buf_printf(&text, "%s %s %s %s", rule->deny ? "deny" : "allow", rule->role ? rule->role : "*",
                   frame_verb_name(rule->verb), rule->pattern);
    mp_put_map(out, 2);
    sys_pair_bool(out, "allowed", rule && !rule->deny);
    sys_pair_text(out, "rule", buf_bytes(&text));
    buf_free(&text);
    return 0;
}

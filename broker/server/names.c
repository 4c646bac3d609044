/* names - services, queues and streams, and the handles by which sessions speak of them. The policy is asked once,
 * when a name is opened. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

static uint64_t names_hash(struct bytes name)
{
    return hmap_hash(HMAP_SEED, name);
}

char *names_copy(struct bytes text)
{
    char *copy = strndup(text.len ? text.data : "", text.len);

    if (!copy)
        abort();
    return copy;
}

struct service *names_service(struct broker *b, struct bytes name)
{
    uint64_t hash = names_hash(name);
    struct service *service;
    struct hnode *node;

    for (node = hmap_find(&b->services, hash); node; node = hmap_next_same(node->next, hash)) {
        service = HMAP_OF(node, struct service, node);
        if (bytes_equal(bytes_of_text(service->name), name))
            return service;
    }
    service = calloc(1, sizeof *service);
    if (!service)
        abort();
    service->name = names_copy(name);
    service->single = policy_single(&b->policy, name);
    TAILQ_INIT(&service->offers);
    TAILQ_INIT(&service->waiting);
    hmap_add(&b->services, &service->node, hash);
    return service;
}

struct queue *names_queue(const struct broker *b, struct bytes name)
{
    uint64_t hash = names_hash(name);
    struct hnode *node;

    for (node = hmap_find(&b->queues, hash); node; node = hmap_next_same(node->next, hash)) {
        struct queue *queue = HMAP_OF(node, struct queue, node);

        if (bytes_equal(bytes_of_text(queue->name), name))
            return queue;
    }
    return NULL;
}

struct stream *names_stream(const struct broker *b, struct bytes name)
{
    uint64_t hash = names_hash(name);
    struct hnode *node;

    for (node = hmap_find(&b->streams, hash); node; node = hmap_next_same(node->next, hash)) {
        struct stream *stream = HMAP_OF(node, struct stream, node);

        if (bytes_equal(bytes_of_text(stream->name), name))
            return stream;
    }
    return NULL;
}

static int names_add_stream(struct broker *b, struct bytes name, int64_t keep_ms, uint64_t keep_bytes)
{
    struct stream *stream = names_stream(b, name);
    int r;

    if (!stream) {
        stream = calloc(1, sizeof *stream);
        if (!stream)
            abort();
        stream->name = names_copy(name);
        TAILQ_INIT(&stream->followers);
        LIST_INIT(&stream->groups);
        r = bus_store_define(b->store, TARGET_STREAM, stream->name, &stream->id);
        if (r < 0) {
            free(stream->name);
            free(stream);
            return r;
        }
        hmap_add(&b->streams, &stream->node, names_hash(name));
        hmap_add(&b->stream_ids, &stream->by_id, stream->id);
    }
    stream->keep_ms = keep_ms;
    stream->keep_bytes = keep_bytes;
    return 0;
}

static int names_add_queue(struct broker *b, const struct policy_queue *policy)
{
    struct queue *queue = calloc(1, sizeof *queue);
    int r;

    if (!queue)
        abort();
    queue->policy = *policy;
    queue->name = names_copy(bytes_of_text(policy->name));
    TAILQ_INIT(&queue->takers);
    r = bus_store_define(b->store, TARGET_QUEUE, queue->name, &queue->id);
    if (r < 0) {
        free(queue->name);
        free(queue);
        return r;
    }
    hmap_add(&b->queues, &queue->node, names_hash(bytes_of_text(queue->name)));
    hmap_add(&b->queue_ids, &queue->by_id, queue->id);
    if (policy->done)
        queue->done_stream = names_stream(b, frame_name_first(bytes_of_text(policy->done)))->id;
    if (policy->dead)
        queue->dead_stream = names_stream(b, frame_name_first(bytes_of_text(policy->dead)))->id;
    return 0;
}

/* A stream exists because a row names it, because somebody may append to it, or because a job ends in it. */
static int names_load_streams(struct broker *b)
{
    const struct policy *policy = &b->policy;
    const int64_t keep = INT64_C(7) * 24 * 3600 * 1000;
    int r = 0;

    for (size_t i = 0; r == 0 && i < policy->rules_n; i++) {
        if (policy->rules[i].verb == VERB_APPEND && !policy->rules[i].deny &&
            strchr(policy->rules[i].pattern, '.'))
            r = names_add_stream(b, frame_name_first(bytes_of_text(policy->rules[i].pattern)), keep, 0);
    }
    for (size_t i = 0; r == 0 && i < policy->queues_n; i++) {
        if (policy->queues[i].done)
            r = names_add_stream(b, frame_name_first(bytes_of_text(policy->queues[i].done)), keep, 0);
        if (r == 0 && policy->queues[i].dead)
            r = names_add_stream(b, frame_name_first(bytes_of_text(policy->queues[i].dead)), keep, 0);
    }
    for (size_t i = 0; r == 0 && i < policy->streams_n; i++)
        r = names_add_stream(b, bytes_of_text(policy->streams[i].name), policy->streams[i].keep_ms,
                             policy->streams[i].keep_bytes);
    return r;
}

int names_load(struct broker *b)
{
    int r = names_load_streams(b);

    for (size_t i = 0; r == 0 && i < b->policy.queues_n; i++)
        r = names_add_queue(b, &b->policy.queues[i]);
    return r;
}

void names_free(struct broker *b)
{
    struct hnode *node;

    while ((node = hmap_first(&b->services))) {
        struct service *service = HMAP_OF(node, struct service, node);

        hmap_del(&b->services, node);
        free(service->name);
        free(service);
    }
    while ((node = hmap_first(&b->queues))) {
        struct queue *queue = HMAP_OF(node, struct queue, node);

        hmap_del(&b->queues, node);
        for (struct hnode *lease; (lease = hmap_first(&queue->leases));)
            lease_free(b, HMAP_OF(lease, struct lease, by_seq));
        hmap_free(&queue->leases);
        free(queue->name);
        free(queue);
    }
    while ((node = hmap_first(&b->streams))) {
        struct stream *stream = HMAP_OF(node, struct stream, node);
        struct group *group;

        hmap_del(&b->streams, node);
        while ((group = LIST_FIRST(&stream->groups))) {
            LIST_REMOVE(group, link);
            free(group->name);
            free(group);
        }
        free(stream->name);
        free(stream);
    }
    hmap_free(&b->services);
    hmap_free(&b->queues);
    hmap_free(&b->queue_ids);
    hmap_free(&b->streams);
    hmap_free(&b->stream_ids);
}

static bool names_reserved(enum frame_verb verb, struct bytes name)
{
    bool sys = name.len && ((const char *)name.data)[0] == '$';

    return sys && verb != VERB_CALL && verb != VERB_WATCH;
}

static int names_bind(struct broker *b, struct session *s, struct handle *handle, struct bytes name)
{
    enum frame_verb verb = handle->verb;
    struct bytes first = frame_name_first(name);

    if (verb == VERB_TAP ? !bytes_equal(name, bytes_of_text(">")) : !frame_name_ok(name))
        return ERR_MALFORMED;
    if (names_reserved(verb, name))
        return ERR_FORBIDDEN;
    if (verb == VERB_FOLLOW ? !policy_follows(&b->policy, s->role, name)
                            : !policy_allows(&b->policy, s->role, verb, name))
        return ERR_FORBIDDEN;
    if ((verb == VERB_CALL && !bytes_equal(first, bytes_of_text("$sys"))) || verb == VERB_OFFER)
        handle->service = names_service(b, verb == VERB_CALL ? first : name);
    handle->reads = verb == VERB_CALL && policy_reads(&b->policy, name);
    if (verb == VERB_PUT || verb == VERB_TAKE)
        handle->queue = names_queue(b, name);
    if (verb == VERB_APPEND || verb == VERB_FOLLOW)
        handle->stream = names_stream(b, verb == VERB_APPEND ? first : name);
    if (((verb == VERB_PUT || verb == VERB_TAKE) && !handle->queue) ||
        ((verb == VERB_APPEND || verb == VERB_FOLLOW) && !handle->stream))
        return ERR_UNKNOWN_NAME;
    if (verb == VERB_PUT || verb == VERB_APPEND)
        handle->lane = verb == VERB_PUT ? durable_lane(s, handle->queue->id, &handle->queue->bytes)
                                        : durable_lane(s, handle->stream->id, &handle->stream->bytes);
    return 0;
}

static struct handle *names_slot(const struct broker *b, struct session *s, uint32_t number)
{
    uint32_t max = (uint32_t)b->settings->handles;

    if (number >= max)
        return NULL;
    if (number >= s->handles_n) {
        uint32_t n = number < 8 ? 8 : 2 * number;

        n = n > max ? max : n;
        s->handles = realloc(s->handles, n * sizeof *s->handles);
        if (!s->handles)
            abort();
        memset(s->handles + s->handles_n, 0, (n - s->handles_n) * sizeof *s->handles);
        s->handles_n = n;
    }
    return &s->handles[number];
}

void names_open(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_slot(b, s, m->frame.handle);

    if (!handle || m->frame.code == 0 || m->frame.code >= VERB_END) {
        send_error(b, s, m->frame.handle, m->head.topic, ERR_MALFORMED);
        return;
    }
    names_close(b, s, handle);
    handle->verb = (enum frame_verb)m->frame.code;
    handle->name = names_copy(m->head.topic);
    handle->err = names_bind(b, s, handle, m->head.topic);
    if (handle->err)
        send_error(b, s, m->frame.handle, m->head.topic.data ? m->head.topic : bytes_of_text("?"), handle->err);
}

void names_close(struct broker *b, struct session *s, struct handle *handle)
{
    (void)s;
    if (handle->offer)
        call_offer_gone(b, handle->offer);
    if (handle->taker)
        queue_taker_gone(b, handle->taker);
    if (handle->follower)
        stream_follower_gone(b, handle->follower);
    if (handle->watcher)
        value_watcher_gone(b, handle->watcher);
    free(handle->name);
    *handle = (struct handle) { 0 };
}

struct handle *names_handle(struct broker *b, struct session *s, const struct message *m, enum frame_verb verb)
{
    struct handle *handle = m->frame.handle < s->handles_n ? &s->handles[m->frame.handle] : NULL;
    struct frame answer = { .handle = m->frame.handle, .cid = m->frame.cid, .seq = m->frame.seq };
    int err = !handle || !handle->name || handle->verb != verb ? ERR_UNKNOWN_NAME : handle->err;

    if (!err)
        return handle;
    answer.code = err_to_bus(err);
    b->counters[BROKER_REFUSED]++;
    if (verb == VERB_CALL)
        answer.command = FRAME_ERR;
    else if (verb == VERB_PUT || verb == VERB_APPEND) {
        answer.command = FRAME_OK;
        answer.flags = durable_is_batch(m) ? FRAME_BATCH : 0;
    } else if (!handle || !handle->name)
        answer.command = FRAME_ERROR;
    else
        return NULL; /* it was told when it opened the name */
    send_frame(b, s, &answer, &(struct frame_head) { .topic = bytes_of_text("?") }, (struct bytes) { 0 });
    return NULL;
}

#include "tests/fuzz/bus/sound.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                       \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "%s:%d: it must hold that %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                          \
        }                                                                                     \
    } while (0)

/* The only one with its key. */
static bool alone(const struct hmap *map, const struct hnode *node)
{
    struct hnode *found = hmap_find(map, node->key);

    return found == node && !hmap_next_same(found->next, node->key);
}

static void sound_calls(const struct broker *b, const struct session *s)
{
    const struct waits *waits;
    const struct call *call;
    unsigned n = 0;

    TAILQ_FOREACH(call, &s->asked, link)
    {
        MUST(call->asker == s && alone(&b->calls, &call->node));
        MUST(!call->offer || call->offer->service == call->service);
        n++;
    }
    MUST(n == s->asked_n && n <= b->settings->calls_under_way);
    LIST_FOREACH(waits, &s->waits, link)
    {
        unsigned waiting = 0;

        TAILQ_FOREACH(call, &waits->service->waiting, at)
        waiting += call->asker == s;
        MUST(waits->n && waits->n == waiting);
    }
}

static void sound_session(const struct broker *b, const struct session *s)
{
    const struct lease *lease;

    MUST(alone(&b->sessions, &s->node) && alone(&b->serials, &s->by_serial));
    MUST(s->unconfirmed <= b->settings->window && s->in_flight <= 2 * b->settings->in_flight_bytes);
    sound_calls(b, s);
    LIST_FOREACH(lease, &s->leases, link)
    {
        MUST(lease->session == s && lease->state != LEASE_ORPHAN && id_equal(lease->instance, s->instance));
        MUST(!lease->taker || (lease->taker->session == s && lease->taker->queue == lease->queue));
    }
    for (uint32_t i = 0; i < s->handles_n; i++) {
        const struct handle *handle = &s->handles[i];

        MUST(!handle->offer || (handle->name && handle->offer->session == s && handle->offer->handle == i));
        MUST(!handle->taker || (handle->name && handle->taker->session == s && handle->taker->handle == i));
        MUST(!handle->follower || (handle->name && handle->follower->session == s));
        MUST(!handle->watcher || (handle->name && handle->watcher->session == s));
    }
}

static size_t sound_service(const struct service *service)
{
    const struct offer *offer;
    const struct call *call;
    size_t n = 0, given = 0;

    TAILQ_FOREACH(call, &service->waiting, at)
    {
        MUST(!call->offer && call->service == service && (!call->given || call->reads));
        n++;
    }
    MUST(n == service->waiting_n);
    TAILQ_FOREACH(offer, &service->offers, link)
    {
        unsigned used = 0;

        TAILQ_FOREACH(call, &offer->calls, at)
        {
            MUST(call->offer == offer);
            used++;
        }
        MUST(used == offer->used);
        MUST(n == 0 || used >= offer->slots || offer->session->lost); /* nobody waits for a free hand */
        given += used;
    }
    return n + given;
}

/* A job is in one pair of hands, and a lease goes by a number of its own. */
static size_t sound_queue(const struct broker *b, const struct queue *queue)
{
    const struct taker *taker;
    size_t n = 0;

    for (struct hnode *node = hmap_first(&queue->leases); node; node = hmap_next(&queue->leases, node)) {
        const struct lease *lease = HMAP_OF(node, struct lease, by_seq);

        MUST(alone(&queue->leases, node) && alone(&b->leases, &lease->node));
        MUST(lease->queue == queue && lease->key.seq == node->key);
        MUST(lease->state != LEASE_ORPHAN || (!lease->session && !lease->taker));
        MUST(lease->state != LEASE_HELD || lease->session);
        n++;
    }
    TAILQ_FOREACH(taker, &queue->takers, link)
    {
        const struct lease *lease;
        unsigned used = 0, settling = 0;
        uint64_t bytes = 0;

        LIST_FOREACH(lease, &taker->session->leases, link)
        {
            bytes += lease->taker == taker && !lease->returned ? lease->size : 0;
            used += lease->taker == taker && !lease->returned;
            settling += lease->taker == taker && lease->returned;
        }
        MUST(used == taker->used && settling == taker->settling && bytes == taker->bytes);
    }
    MUST(queue->first + queue->n <= BROKER_READY);
    return n;
}

/* What a follower has is counted in pieces that rise. */
static void sound_stream(const struct stream *stream)
{
    const struct follower *f;

    TAILQ_FOREACH(f, &stream->followers, link)
    {
        uint64_t bytes = 0;

        MUST(f->pieces_n <= BROKER_PIECES);
        for (unsigned i = 0; i < f->pieces_n; i++) {
            bytes += f->pieces[i].bytes;
            MUST(f->pieces[i].last > (i ? f->pieces[i - 1].last : f->handled) && f->pieces[i].last <= f->given);
        }
        MUST(bytes == f->bytes);
    }
}

void sound_now(const struct broker *b)
{
    const struct session *s;
    const struct tap *tap;
    size_t leases = 0, calls = 0, values = 0;
    unsigned taps = 0;

    TAILQ_FOREACH(s, &b->all, link)
    {
        sound_session(b, s);
    }
    for (struct hnode *node = hmap_first(&b->services); node; node = hmap_next(&b->services, node))
        calls += sound_service(HMAP_OF(node, struct service, node));
    for (struct hnode *node = hmap_first(&b->queues); node; node = hmap_next(&b->queues, node))
        leases += sound_queue(b, HMAP_OF(node, struct queue, node));
    for (struct hnode *node = hmap_first(&b->streams); node; node = hmap_next(&b->streams, node))
        sound_stream(HMAP_OF(node, struct stream, node));
    for (struct hnode *node = hmap_first(&b->values); node; node = hmap_next(&b->values, node))
        values += HMAP_OF(node, struct value, node)->body.len;
    LIST_FOREACH(tap, &b->taps, link)
    {
        MUST(tap->session->tap == tap);
        taps++;
    }
    MUST(calls == b->calls.n && calls == b->asked.n);
    MUST(leases == b->leases.n);
    MUST(values == b->values_bytes);
    MUST(taps == b->taps_n);
}

void sound_committed(const struct broker *b)
{
    const struct session *s;

    sound_now(b);
    MUST(b->adding == 0);
    TAILQ_FOREACH(s, &b->all, link)
    {
        MUST(s->unconfirmed == 0 && s->in_flight == 0);
    }
    for (struct hnode *node = hmap_first(&b->queues); node; node = hmap_next(&b->queues, node)) {
        const struct queue *queue = HMAP_OF(node, struct queue, node);
        struct store_totals totals = bus_store_totals(b->store, queue->id);

        MUST(totals.ready == queue->ready && totals.held == queue->held && totals.dead == queue->dead);
        MUST(totals.bytes == queue->bytes && bus_store_paused_ms(b->store, queue->id) == queue->paused_ms);
    }
    for (struct hnode *node = hmap_first(&b->streams); node; node = hmap_next(&b->streams, node)) {
        const struct stream *stream = HMAP_OF(node, struct stream, node);

        MUST(bus_store_totals(b->store, stream->id).bytes == stream->bytes);
    }
}

/* call - requests to services: who answers, until when, and what becomes of them when either side is lost. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

enum { CALL_DEFAULT_MS = 30000, CALL_MAX_MS = 3600 * 1000 };

static uint64_t call_asker_key(const struct session *s, uint64_t cid)
{
    return s->serial * 0x9e3779b97f4a7c15u ^ cid;
}

static struct call *call_of_asker(const struct broker *b, const struct session *s, uint64_t cid)
{
    uint64_t key = call_asker_key(s, cid);
    struct hnode *node;

    for (node = hmap_find(&b->asked, key); node; node = hmap_next_same(node->next, key)) {
        struct call *call = HMAP_OF(node, struct call, by_asker);

        if (call->asker == s && call->cid == cid)
            return call;
    }
    return NULL;
}

static struct waits *call_waits(const struct session *s, const struct service *service)
{
    struct waits *waits;

    LIST_FOREACH(waits, &s->waits, link)
    {
        if (waits->service == service)
            return waits;
    }
    return NULL;
}

static void call_wait(struct call *call)
{
    struct waits *waits = call_waits(call->asker, call->service);

    if (!waits) {
        waits = calloc(1, sizeof *waits);
        if (!waits)
            abort();
        waits->service = call->service;
        LIST_INSERT_HEAD(&call->asker->waits, waits, link);
    }
    waits->n++;
    call->waits = waits;
    TAILQ_INSERT_TAIL(&call->service->waiting, call, at);
    call->service->waiting_n++;
}

static void call_waited(struct call *call)
{
    TAILQ_REMOVE(&call->service->waiting, call, at);
    call->service->waiting_n--;
    if (--call->waits->n)
        return;
    LIST_REMOVE(call->waits, link);
    free(call->waits);
}

/* However many somebody asks, there is room left for who comes next. */
static bool call_may_wait(const struct broker *b, const struct session *s, const struct service *service)
{
    const struct waits *waits = call_waits(s, service);
    uint64_t room = b->settings->calls_waiting, n = waits ? waits->n : 0;

    return service->waiting_n < room && n * 100 < (room - service->waiting_n) * b->settings->calls_waiting_share;
}

static void call_free(struct broker *b, struct call *call)
{
    if (call->offer) {
        TAILQ_REMOVE(&call->offer->calls, call, at);
        call->offer->used--;
    } else {
        call_waited(call);
    }
    TAILQ_REMOVE(&call->asker->asked, call, link);
    call->asker->asked_n--;
    hmap_del(&b->calls, &call->node);
    hmap_del(&b->asked, &call->by_asker);
    timer_stop(&b->timers, &call->timer);
    if (call->has_large)
        zmq_msg_close(&call->large);
    buf_free(&call->head);
    buf_free(&call->small);
    free(call->name);
    free(call);
}

static void call_answer(struct broker *b, struct session *to, uint64_t cid, int err, const struct message *m)
{
    struct frame frame = { .command = err ? FRAME_ERR : FRAME_REP, .code = err_to_bus(err), .cid = cid };

    if (m && m->large)
        send_large(b, to, &frame, (struct bytes) { 0 }, m->large);
    else
        send_raw(b, to, &frame, (struct bytes) { 0 }, m ? m->body : (struct bytes) { 0 });
}

/* The broker's own end of a call: the asker is told, and so is the worker when it has begun. */
static void call_end(struct broker *b, struct call *call, int err, bool tell_worker)
{
    if (call->offer && tell_worker)
        send_frame(b, call->offer->session, &(struct frame) { .command = FRAME_CANCEL, .cid = call->node.key },
                   NULL, (struct bytes) { 0 });
    if (err) {
        call->service->errors++;
        b->counters[BROKER_CALL_ERRORS]++;
        if (call->offer)
            histogram_add(&call->service->latency, b->now_us - call->began_us);
        call_answer(b, call->asker, call->cid, err, NULL);
    }
    TAP(b, .kind = err ? BUS_TAP_ERROR : BUS_TAP_CANCEL, .from = err ? "-" : call->asker->role,
        .to = err ? call->asker->role : "-", .name = bytes_of_text(call->name), .head = buf_bytes(&call->head),
        .seq = call->cid, .latency_us = b->now_us - call->began_us, .err = err);
    call_free(b, call);
}

static struct offer *call_choose(struct service *service)
{
    struct offer *offer, *best = NULL;

    TAILQ_FOREACH(offer, &service->offers, link)
    {
        if (offer->used < offer->slots && !offer->session->lost &&
            (!best || offer->slots - offer->used > best->slots - best->used))
            best = offer;
    }
    if (best) { /* the next of equals comes first the next time */
        TAILQ_REMOVE(&service->offers, best, link);
        TAILQ_INSERT_TAIL(&service->offers, best, link);
    }
    return best;
}

/* The call is on no list: it goes to this offer. */
static void call_give(struct broker *b, struct call *call, struct offer *offer)
{
    struct frame frame = { .command = FRAME_REQ,
                           .cid = call->node.key,
                           .handle = offer->handle,
                           .ms = (uint32_t)(call->deadline_ms > b->now_ms ? call->deadline_ms - b->now_ms : 1) };

    call->offer = offer;
    if (call->given++) /* while it waited for another worker its time was that of a process to come back */
        timer_set(&b->timers, &call->timer, call->deadline_ms);
    offer->used++;
    TAILQ_INSERT_TAIL(&offer->calls, call, at);
    TAP(b, .kind = BUS_TAP_CALL, .from = call->asker->role, .to = offer->session->role,
        .name = bytes_of_text(call->name), .head = buf_bytes(&call->head), .seq = call->cid, .latency_us = -1,
        .body = call->has_large ? bytes_of(zmq_msg_data(&call->large), zmq_msg_size(&call->large))
                                : buf_bytes(&call->small));
    if (call->has_large) {
        send_large(b, offer->session, &frame, buf_bytes(&call->head), &call->large);
        zmq_msg_close(&call->large);
        call->has_large = false;
    } else {
        send_raw(b, offer->session, &frame, buf_bytes(&call->head), buf_bytes(&call->small));
    }
    if (!call->reads)
        buf_free(&call->small);
}

static void call_run(struct broker *b, struct service *service)
{
    struct call *call;
    struct offer *offer;

    while ((call = TAILQ_FIRST(&service->waiting)) && (offer = call_choose(service))) {
        call_waited(call);
        call_give(b, call, offer);
    }
}

/* Whoever has not answered in time has its hand free again: the next one is given to it. */
static void call_expire(void *ctx, struct timer *timer)
{
    struct call *call = HMAP_OF(timer, struct call, timer);
    struct service *service = call->service;
    struct broker *b = ctx;

    b->counters[BROKER_TIMEOUTS]++;
    call_end(b, call, call->offer ? ERR_TIMEOUT : call->given ? ERR_WORKER_LOST : ERR_EXPIRED, true);
    call_run(b, service);
}

static struct call *call_new(struct broker *b, struct session *s, struct handle *handle, struct message *m)
{
    struct call *call = calloc(1, sizeof *call);
    uint32_t ms = m->frame.ms ? m->frame.ms : CALL_DEFAULT_MS;
    struct frame_head head = {
        .name = bytes_of_text(handle->name),
        .from = bytes_of_text(s->role),
        .key = m->head.key,
        .trace = m->head.trace,
        .idempotency = m->head.idempotency,
        .subject = m->head.subject,
        .time_ms = (uint64_t)b->wall_ms,
    };

    if (!call)
        abort();
    call->asker = s;
    call->cid = m->frame.cid;
    call->service = handle->service;
    call->name = names_copy(bytes_of_text(handle->name));
    call->began_us = b->now_us;
    call->deadline_ms = b->now_ms + (ms > CALL_MAX_MS ? CALL_MAX_MS : ms);
    call->timer.fire = call_expire;
    call->reads = handle->reads && !m->large;
    frame_build_head(&call->head, &head);
    if (m->large) {
        zmq_msg_init(&call->large);
        zmq_msg_move(&call->large, m->large);
        call->has_large = true;
    } else {
        buf_put(&call->small, m->body.data, m->body.len);
    }
    hmap_add(&b->calls, &call->node, ++b->next_call);
    hmap_add(&b->asked, &call->by_asker, call_asker_key(s, call->cid));
    TAILQ_INSERT_TAIL(&s->asked, call, link);
    s->asked_n++;
    timer_set(&b->timers, &call->timer, call->deadline_ms);
    return call;
}

static int call_refuse(struct broker *b, struct session *s, const struct service *service, const struct message *m)
{
    if (call_of_asker(b, s, m->frame.cid))
        return ERR_MALFORMED;
    if (m->body.len > BUS_CALL_MAX)
        return ERR_TOO_LARGE;
    if (s->asked_n >= b->settings->calls_under_way || !session_within_quota(b, s))
        return ERR_RATE_LIMITED;
    if (TAILQ_EMPTY(&service->offers) && !b->in_grace)
        return ERR_UNAVAILABLE; /* after a restart its processes are on their way back */
    if (!call_may_wait(b, s, service))
        return ERR_BUSY;
    return 0;
}

void call_on_req(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_CALL);
    struct service *service;
    int err;

    if (!handle)
        return;
    b->counters[BROKER_CALLS]++;
    if (strncmp(handle->name, "$sys.", 5) == 0) {
        sys_call(b, s, handle->name, m);
        return;
    }
    service = handle->service;
    service->calls++;
    err = call_refuse(b, s, service, m);
    if (err) {
        b->counters[BROKER_NO_WORKER] += err == ERR_UNAVAILABLE;
        b->counters[BROKER_CALL_ERRORS]++;
        service->errors++;
        TAP(b, .kind = BUS_TAP_ERROR, .from = "-", .to = s->role, .name = bytes_of_text(handle->name),
            .head = m->head_raw, .seq = m->frame.cid, .latency_us = 0, .err = err);
        call_answer(b, s, m->frame.cid, err, NULL);
        return;
    }
    call_wait(call_new(b, s, handle, m));
    call_run(b, service);
}

void call_on_answer(struct broker *b, struct session *s, struct message *m)
{
    struct call *call = HMAP_MAYBE(hmap_find(&b->calls, m->frame.cid), struct call, node);
    int err = m->frame.command == FRAME_ERR ? err_from_bus(m->frame.code) : 0;
    struct service *service;

    if (!call || !call->offer || call->offer->session != s) {
        b->counters[BROKER_LATE_REPLIES]++;
        return;
    }
    if (m->frame.command == FRAME_ERR && !err)
        err = ERR_INTERNAL;
    service = call->service;
    service->errors += err != 0;
    b->counters[BROKER_REPLIES]++;
    histogram_add(&service->latency, b->now_us - call->began_us);
    TAP(b, .kind = err ? BUS_TAP_ERROR : BUS_TAP_REPLY, .from = s->role, .to = call->asker->role,
        .name = bytes_of_text(call->name), .head = buf_bytes(&call->head), .body = m->body, .seq = call->cid,
        .latency_us = b->now_us - call->began_us, .err = err);
    call_answer(b, call->asker, call->cid, err, m);
    call_free(b, call);
    call_run(b, service);
}

void call_on_cancel(struct broker *b, struct session *s, struct message *m)
{
    struct call *call = call_of_asker(b, s, m->frame.cid);
    struct service *service = call ? call->service : NULL;

    if (!call)
        return;
    call_end(b, call, 0, true);
    call_run(b, service);
}

void call_on_offer(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_OFFER);
    struct service *service = handle ? handle->service : NULL;
    struct offer *offer = handle ? handle->offer : NULL, *other;

    if (!handle)
        return;
    service->single |= (m->frame.flags & FRAME_SINGLE) != 0;
    other = TAILQ_FIRST(&service->offers);
    if (!offer && service->single && other) {
        handle->err = ERR_CONFLICT;
        send_error(b, s, m->frame.handle, bytes_of_text(handle->name), ERR_CONFLICT);
        return;
    }
    if (!offer) {
        offer = calloc(1, sizeof *offer);
        if (!offer)
            abort();
        offer->session = s;
        offer->service = service;
        offer->handle = m->frame.handle;
        TAILQ_INIT(&offer->calls);
        TAILQ_INSERT_TAIL(&service->offers, offer, link);
        handle->offer = offer;
        session_announce(b, s, false);
    }
    offer->slots = m->frame.code;
    call_run(b, service);
}

/* Its worker was lost. What changes nothing goes to another, and waits for one as long as a process takes to come back. */
static void call_again(struct broker *b, struct call *call)
{
    int64_t back_ms = b->now_ms + (int64_t)b->settings->grace_ms;

    TAILQ_REMOVE(&call->offer->calls, call, at);
    call->offer->used--;
    call->offer = NULL;
    b->counters[BROKER_CALLS_AGAIN]++;
    call_wait(call);
    timer_set(&b->timers, &call->timer, back_ms < call->deadline_ms ? back_ms : call->deadline_ms);
}

/* Nobody offers the service: those who asked meanwhile are told so. */
static void call_end_waiting(struct broker *b, const struct service *service)
{
    struct call *call = TAILQ_FIRST(&service->waiting), *next;

    for (; call && TAILQ_EMPTY(&service->offers); call = next) {
        next = TAILQ_NEXT(call, at);
        if (call->given)
            continue;
        b->counters[BROKER_NO_WORKER]++;
        call_end(b, call, ERR_UNAVAILABLE, false);
    }
}

void call_offer_gone(struct broker *b, struct offer *offer)
{
    struct service *service = offer->service;
    struct session *s = offer->session;
    struct call *call;

    while ((call = TAILQ_FIRST(&offer->calls))) {
        b->counters[BROKER_WORKERS_LOST]++;
        if (call->reads && call->given < b->settings->call_workers)
            call_again(b, call);
        else
            call_end(b, call, ERR_WORKER_LOST, false);
    }
    TAILQ_REMOVE(&service->offers, offer, link);
    for (uint32_t i = 0; i < s->handles_n; i++) {
        if (s->handles[i].offer == offer)
            s->handles[i].offer = NULL;
    }
    free(offer);
    if (!b->in_grace)
        call_end_waiting(b, service);
    call_run(b, service);
}

/* Whoever was on its way back after a restart is there by now. */
void call_grace_over(struct broker *b)
{
    for (struct hnode *node = hmap_first(&b->services); node; node = hmap_next(&b->services, node))
        call_end_waiting(b, HMAP_OF(node, struct service, node));
}

void call_asker_gone(struct broker *b, struct session *s)
{
    struct call *call;

    while ((call = TAILQ_FIRST(&s->asked))) {
        struct service *service = call->service;

        call_end(b, call, 0, true);
        call_run(b, service);
    }
}

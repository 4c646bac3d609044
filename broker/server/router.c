/* router - the loop of the broker: messages in, what the store handed back, timers, then deliveries. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "actors/runtime/settings.h"
#include "broker/server/broker.h"
#include "gen/errors.h"
#include "gen/policy.h"
#include "schemas/wire/clock.h"

enum { ROUTER_BATCH = 512, ROUTER_FDS = 5, ROUTER_PRUNE_MS = 60000, ROUTER_STRANGER_MS = 10 };

void broker_clock(struct broker *b)
{
    b->now_us = clock_mono_us();
    b->now_ms = b->now_us / 1000;
    b->wall_ms = clock_utc_ms();
}

static void on_bye(struct broker *b, struct session *s, struct message *m)
{
    (void)m;
    s->goodbye = true;
    session_mark_lost(b, s, 0);
}

static void on_ping(struct broker *b, struct session *s, struct message *m)
{
    send_frame(b, s, &(struct frame) { .command = FRAME_PONG, .cid = m->frame.cid }, NULL, (struct bytes) { 0 });
}

static void on_close(struct broker *b, struct session *s, struct message *m)
{
    if (m->frame.handle < s->handles_n)
        names_close(b, s, &s->handles[m->frame.handle]);
}

static void on_credit(struct broker *b, struct session *s, struct message *m)
{
    if (m->frame.handle < s->handles_n && s->handles[m->frame.handle].verb == VERB_TAP)
        tap_on_credit(b, s, m);
    else
        job_on_credit(b, s, m);
}

typedef void command_fn(struct broker *b, struct session *s, struct message *m);

static command_fn *const commands[256] = {
    [FRAME_BYE] = on_bye,
    [FRAME_PING] = on_ping,
    [FRAME_OPEN] = names_open,
    [FRAME_CLOSE] = on_close,
    [FRAME_REQ] = call_on_req,
    [FRAME_REP] = call_on_answer,
    [FRAME_ERR] = call_on_answer,
    [FRAME_CANCEL] = call_on_cancel,
    [FRAME_OFFER] = call_on_offer,
    [FRAME_PUT] = job_on_put,
    [FRAME_PUTB] = durable_on_batch,
    [FRAME_ACK] = job_on_ack,
    [FRAME_NACK] = job_on_nack,
    [FRAME_TERM] = job_on_nack,
    [FRAME_EXTEND] = job_on_extend,
    [FRAME_CREDIT] = on_credit,
    [FRAME_RESUME] = job_on_resume,
    [FRAME_APPEND] = stream_on_append,
    [FRAME_APPENDB] = durable_on_batch,
    [FRAME_SUB] = stream_on_sub,
    [FRAME_UNSUB] = stream_on_sub,
    [FRAME_CURSOR] = stream_on_cursor,
    [FRAME_SET] = value_on_set,
    [FRAME_WATCH] = value_on_watch,
    [FRAME_TAP] = tap_on_tap,
};

/* large: its second frame, NULL: none. */
static bool broker_parse(struct bytes in, zmq_msg_t *large, struct message *m)
{
    *m = (struct message) { .large = NULL };
    if (frame_parse(in, &m->frame, &m->head_raw, &m->body) < 0 || frame_parse_head(m->head_raw, &m->head) < 0)
        return false;
    if ((m->frame.flags & FRAME_BODY2) != 0) {
        if (!large)
            return false;
        m->large = large;
        m->body = bytes_of(zmq_msg_data(large), zmq_msg_size(large));
    }
    return true;
}

/* Who is not greeted is told so, but not at any rate it likes. */
static void broker_stranger(struct broker *b, const struct route *route)
{
    b->counters[BROKER_STRANGERS]++;
    if (b->now_ms - b->stranger_ms < ROUTER_STRANGER_MS)
        return;
    b->stranger_ms = b->now_ms;
    session_refuse(b, route, ERR_NO_SESSION);
}

static void broker_malformed(struct broker *b, struct session *s)
{
    b->counters[BROKER_MALFORMED]++;
    if (s)
        session_end(b, s, ERR_MALFORMED);
}

/* One message of a session. */
static void broker_command(struct broker *b, struct session *s, struct message *m)
{
    s->heard_ms = b->now_ms;
    s->messages_in++;
    if (commands[m->frame.command])
        commands[m->frame.command](b, s, m);
    else
        session_end(b, s, ERR_MALFORMED);
}

void broker_submit(struct broker *b, struct store_op *op)
{
    op->lazy |= b->in_row;
    bus_store_submit(b->store, op);
}

/* Each as if it had come alone, but that what follows from all of them is one commit. */
static void broker_many(struct broker *b, struct session *s, const struct message *many)
{
    struct bytes rest = many->body, in;
    unsigned n = 0, said = many->frame.code;
    struct message m;

    b->in_row = true;
    b->counters[BROKER_MESSAGES_IN]--; /* it is none itself */
    for (; n < said && said <= FRAME_BATCH_ITEMS && !s->lost && frame_next_frame(&rest, &in); n++) {
        b->counters[BROKER_MESSAGES_IN]++;
        if (!broker_parse(in, NULL, &m))
            break;
        broker_command(b, s, &m);
    }
    b->in_row = false;
    bus_store_flush(b->store);
    if (!s->lost && (n == 0 || n < said || rest.len))
        broker_malformed(b, s);
}

void broker_take(struct broker *b, enum transport_kind transport, struct bytes routing, zmq_msg_t *a,
                 zmq_msg_t *second)
{
    struct route route = { .transport = (uint8_t)transport };
    struct session *s;
    struct message m;
    bool good = broker_parse(bytes_of(zmq_msg_data(a), zmq_msg_size(a)), second, &m);

    b->counters[BROKER_MESSAGES_IN]++;
    if (routing.len != sizeof route.id || *(const uint8_t *)routing.data != 0) {
        b->counters[BROKER_MALFORMED]++; /* it chose a routing id of its own */
        return;
    }
    memcpy(route.id, routing.data, sizeof route.id);
    s = HMAP_MAYBE(hmap_find(&b->sessions, route_key(&route)), struct session, node);
    if (s && s->lost)
        return;
    if (!good)
        broker_malformed(b, s);
    if (!s && good && m.frame.command == FRAME_HELLO)
        session_hello(b, &route, a, &m);
    else if (!s)
        broker_stranger(b, &route);
    else if (good && m.frame.command == FRAME_MANY && !m.large)
        broker_many(b, s, &m);
    else if (good)
        broker_command(b, s, &m);
}

static void broker_done(struct broker *b, struct store_op *op)
{
    switch (op->kind) {
    case STORE_PUT: job_put_done(b, op); break;
    case STORE_APPEND: stream_append_done(b, op); break;
    case STORE_ACK:
    case STORE_DEAD:
    case STORE_RETRY: job_settled(b, op); break;
    case STORE_PROMOTE: queue_promoted(b, op); break;
    case STORE_SET: value_set_done(b, op); break;
    case STORE_REQUEUE:
    case STORE_DROP:
    case STORE_PAUSE:
    case STORE_BACKUP: sys_done(b, op); break;
    case STORE_PRUNE: stream_pruned(b, op); break;
    case STORE_WARM:
        if (op->stream)
            stream_warmed(b, op);
        else
            queue_warmed(b, op);
        break;
    default: break;
    }
}

void broker_settle(struct broker *b)
{
    struct store_op *op;

    bus_store_read_end(b->store); /* the next snapshot holds what is handed back here */
    while ((op = bus_store_done(b->store))) {
        broker_done(b, op);
        store_op_free(op);
    }
    if (b->blocked && !b->adding) { /* every refusal was seen, and no lane has a message on its way */
        b->blocked = 0;
        bus_store_submit(b->store, store_op_new(STORE_RESUME));
    }
    queue_run(b);
    stream_run(b);
    session_reap(b);
}

static void broker_lazy(void *ctx, struct timer *timer)
{
    struct broker *b = ctx;

    stream_flush_cursors(b);
    lease_note(b);
    bus_store_flush(b->store);
    queue_promote(b);
    timer_set(&b->timers, timer, b->now_ms + (int64_t)b->settings->lazy_ms);
}

static void broker_grace_over(void *ctx, struct timer *timer)
{
    struct broker *b = ctx;

    (void)timer;
    b->in_grace = false;
    call_grace_over(b);
}

static void broker_prune(void *ctx, struct timer *timer)
{
    struct broker *b = ctx;

    stream_prune(b);
    queue_sweep(b);
    timer_set(&b->timers, timer, b->now_ms + ROUTER_PRUNE_MS);
}

/* *died: processes of peers may have ended. */
static bool broker_turn(struct broker *b, unsigned messages, bool died)
{
    uint64_t until = b->counters[BROKER_MESSAGES_IN] + messages;

    broker_clock(b);
    while (b->counters[BROKER_MESSAGES_IN] < until && transport_receive(b))
        ;
    broker_clock(b);
    if (died)
        session_pids(b);
    timers_run(&b->timers, b->now_ms, b, ROUTER_BATCH);
    broker_settle(b);
    send_rows(b);
    return b->counters[BROKER_MESSAGES_IN] >= until;
}

/* 0: there is something to do now; -1: until something happens. */
static int broker_wait(struct broker *b)
{
    int64_t next = timers_next(&b->timers);

    broker_clock(b);
    if (!TAILQ_EMPTY(&b->pressed_queues) || !TAILQ_EMPTY(&b->pressed_streams) || transport_waiting(b))
        return 0;
    if (next < 0)
        return -1;
    return next <= b->now_ms ? 0 : next - b->now_ms < INT_MAX ? (int)(next - b->now_ms) : INT_MAX;
}

static int broker_watch(int epoll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    return fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : ERR_IO;
}

static int broker_loop(struct broker *b, int epoll, int stop_fd)
{
    struct epoll_event events[ROUTER_FDS];
    bool more = false;

    for (;;) {
        bool died = false;
        int n;

        if (bus_store_dead(b->store))
            return ERR_OUTCOME_UNKNOWN;
        bus_store_read_end(b->store); /* no snapshot is held while nothing happens */
        n = epoll_wait(epoll, events, ROUTER_FDS, more ? 0 : broker_wait(b));
        if (n < 0 && errno != EINTR)
            return ERR_IO;
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == stop_fd)
                return 0;
            died = died || events[i].data.fd == b->pids;
            transport_told(b, events[i].data.fd);
        }
        more = broker_turn(b, ROUTER_BATCH, died);
    }
}

int broker_run(struct broker *b, int stop_fd)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), r = epoll < 0 ? ERR_IO : 0;
    int fds[ROUTER_FDS] = { stop_fd, bus_store_fd(b->store), b->pids, transport_fd(b, TRANSPORT_LOCAL),
                            transport_fd(b, TRANSPORT_REMOTE) };

    for (size_t i = 0; r == 0 && i < ROUTER_FDS; i++)
        r = broker_watch(epoll, fds[i]);
    if (r == 0)
        r = broker_loop(b, epoll, stop_fd);
    if (epoll >= 0)
        close(epoll);
    return r;
}

/* Orderly: what was accepted is committed and confirmed, and everybody is told to come back. */
void broker_stop(struct broker *b)
{
    stream_flush_cursors(b);
    lease_note(b);
    bus_store_flush(b->store);
    for (int i = 0; i < 200 && b->adding && !bus_store_dead(b->store); i++) {
        zmq_pollitem_t item = { NULL, bus_store_fd(b->store), ZMQ_POLLIN, 0 };

        zmq_poll(&item, 1, 50);
        broker_clock(b);
        broker_settle(b);
        send_rows(b);
    }
    session_goodbye(b, ERR_UNAVAILABLE);
}

static int broker_policy(struct broker *b, const struct broker_options *options, char error[static 256])
{
    int r = 0;

    if (!options->policies || !options->policies[0])
        return policy_parse(&b->policy, policy_text, "built-in policy", error);
    for (size_t i = 0; r == 0 && options->policies[i]; i++)
        r = policy_load(&b->policy, options->policies[i], error);
    return r;
}

static int broker_load(struct broker *b)
{
    int r = names_load(b);

    if (r == 0)
        r = bus_store_read_begin(b->store);
    if (r == 0)
        r = queue_load(b);
    if (r == 0)
        r = lease_load(b);
    if (r == 0)
        r = stream_load(b);
    if (r == 0)
        r = value_load(b);
    bus_store_read_end(b->store);
    return r;
}

static void broker_arm(struct broker *b)
{
    b->lazy.fire = broker_lazy;
    b->grace.fire = broker_grace_over;
    b->prune.fire = broker_prune;
    b->in_grace = true;
    timer_set(&b->timers, &b->lazy, b->now_ms + (int64_t)b->settings->lazy_ms);
    timer_set(&b->timers, &b->grace, b->now_ms + (int64_t)b->settings->grace_ms);
    timer_set(&b->timers, &b->prune, b->now_ms + ROUTER_PRUNE_MS);
}

static int broker_open(struct broker *b, const struct broker_options *options, char error[static 256])
{
    struct bus_store_options store = { .map_size = options->map_size,
                                       .any_filesystem = options->any_filesystem,
                                       .no_thread = options->no_thread };
    char dir[4096];
    int r = broker_policy(b, options, error);

    if (r < 0)
        return r;
    snprintf(dir, sizeof dir, "%s/broker", options->state);
    store.dir = dir;
    r = bus_store_open(&store, &b->store);
    if (r == 0) {
        b->store_id = bus_store_id(b->store);
        b->incarnation = bus_store_incarnation(b->store);
        r = broker_load(b);
    }
    if (r < 0) {
        snprintf(error, 256, "the store in %.180s: %s", dir, err_title(r));
        return r;
    }
    broker_arm(b);
    shown_start(b);
    b->no_socket = options->no_socket;
    r = options->no_socket ? 0 : transport_local(b, options->bind, error);
    return r == 0 && options->listen ? transport_remote(b, options->listen, error) : r;
}

int broker_new(const struct broker_options *options, struct broker **ret, char error[static 256])
{
    struct broker *b = calloc(1, sizeof *b);
    int r;

    if (!b)
        abort();
    b->keys = names_copy(bytes_of_text(options->keys));
    TAILQ_INIT(&b->all);
    TAILQ_INIT(&b->lost);
    TAILQ_INIT(&b->hearing);
    TAILQ_INIT(&b->pressed_queues);
    TAILQ_INIT(&b->pressed_streams);
    TAILQ_INIT(&b->watchers);
    TAILQ_INIT(&b->fresh_leases);
    LIST_INIT(&b->taps);
    b->pids = epoll_create1(EPOLL_CLOEXEC);
    if (b->pids < 0 || getrandom(&b->random, sizeof b->random, 0) < 0)
        abort();
    b->random |= 1;
    b->told = options->settings ? options->settings : settings_new("broker", &broker_settings_type, NULL, 0);
    b->settings = settings_own(b->told);
    if (getrandom(&b->instance, sizeof b->instance, 0) < 0)
        abort();
    broker_clock(b);
    b->started_ms = b->now_ms;
    r = broker_open(b, options, error);
    if (r < 0)
        broker_free(&b);
    else
        *ret = b;
    return r;
}

void broker_free(struct broker **b_at)
{
    struct broker *b = *b_at;
    struct session *s;

    *b_at = NULL;
    if (!b)
        return;
    TAILQ_FOREACH(s, &b->all, link)
    {
        s->goodbye = true;
        session_mark_lost(b, s, 0);
    }
    if (b->store)
        session_reap(b);
    transport_close(b);
    bus_store_close(&b->store);
    names_free(b);
    value_free_all(b);
    hmap_free(&b->sessions);
    hmap_free(&b->serials);
    hmap_free(&b->calls);
    hmap_free(&b->asked);
    hmap_free(&b->leases);
    for (struct hnode *late; (late = hmap_first(&b->lates));)
        lease_late_free(b, HMAP_OF(late, struct late, node));
    hmap_free(&b->lates);
    timers_free(&b->timers);
    policy_free(&b->policy);
    buf_free(&b->frame);
    buf_free(&b->head);
    buf_free(&b->tapped);
    while (b->spares_n)
        buf_free(&b->spares[--b->spares_n]);
    close(b->pids);
    settings_free(&b->told);
    free(b->keys);
    free(b);
}

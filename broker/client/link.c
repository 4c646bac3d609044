/* link - the connection: its socket, its session, its heartbeats, and how it comes back.
 *
 * Each connection is a socket of its own; libzmq's reconnecting is off, because it would hide that the session is
 * gone and come back in step with everybody else's. The monitor tells when a connection stands and when it
 * fell. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>
#include <zmq.h>

#include "broker/client/private.h"
#include "gen/errors.h"

enum { LINK_BACKOFF_MS = 100, LINK_BACKOFF_MAX_MS = 5000, LINK_HWM = 16384, LINK_DEAD_AFTER = 3 };

static uint64_t link_random(struct bus *bus)
{
    bus->random ^= bus->random << 13;
    bus->random ^= bus->random >> 7;
    bus->random ^= bus->random << 17;
    return bus->random;
}

static void link_watch(struct bus *bus, void *socket)
{
    struct epoll_event event = { .events = EPOLLIN };
    size_t size = sizeof event.data.fd;

    if (zmq_getsockopt(socket, ZMQ_FD, &event.data.fd, &size) < 0 ||
        epoll_ctl(bus->epoll, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
        abort();
}

static void link_set(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static void link_close(struct bus *bus, int linger_ms)
{
    void **sockets[] = { &bus->monitor, &bus->socket };

    if (bus->socket)
        zmq_socket_monitor(bus->socket, NULL, 0);
    for (size_t i = 0; i < 2; i++) {
        int fd;
        size_t size = sizeof fd;

        if (!*sockets[i])
            continue;
        if (zmq_getsockopt(*sockets[i], ZMQ_FD, &fd, &size) == 0)
            epoll_ctl(bus->epoll, EPOLL_CTL_DEL, fd, NULL);
        link_set(*sockets[i], ZMQ_LINGER, linger_ms);
        zmq_close(*sockets[i]);
        *sockets[i] = NULL;
    }
}

/* Without CURVE nothing leaves for another host. */
static void link_curve(struct bus *bus)
{
    if (!*bus->server_key)
        return;
    if (zmq_setsockopt(bus->socket, ZMQ_CURVE_SERVERKEY, bus->server_key, CURVE_KEY + 1) < 0 ||
        zmq_setsockopt(bus->socket, ZMQ_CURVE_PUBLICKEY, bus->pair.public_key, CURVE_KEY + 1) < 0 ||
        zmq_setsockopt(bus->socket, ZMQ_CURVE_SECRETKEY, bus->pair.secret_key, CURVE_KEY + 1) < 0)
        abort();
    link_set(bus->socket, ZMQ_TCP_KEEPALIVE, 1);
    link_set(bus->socket, ZMQ_IPV6, 1);
}

static void link_connect(struct bus *bus)
{
    char name[64];

    /* A name is never used twice: libzmq gives one free in another thread, some time after it was closed. */
    snprintf(name, sizeof name, "inproc://link-%p-%u", (void *)bus, bus->connections++);
    bus->socket = zmq_socket(bus->zmq, ZMQ_DEALER);
    bus->monitor = zmq_socket(bus->zmq, ZMQ_PAIR);
    if (!bus->socket || !bus->monitor)
        abort();
    link_set(bus->socket, ZMQ_IMMEDIATE, 1);
    link_set(bus->socket, ZMQ_LINGER, 0);
    link_set(bus->socket, ZMQ_SNDHWM, LINK_HWM);
    link_set(bus->socket, ZMQ_RCVHWM, LINK_HWM);
    link_set(bus->socket, ZMQ_RECONNECT_IVL, -1);
    link_set(bus->socket, ZMQ_HANDSHAKE_IVL, BUS_GREET_MS);
    link_set(bus->socket, ZMQ_HEARTBEAT_IVL, 2000);
    link_set(bus->socket, ZMQ_HEARTBEAT_TIMEOUT, 6000);
    link_curve(bus);
    bus->tries++;
    bus->greet_by = bus->now + BUS_GREET_MS;
    bus->state = BUS_CONNECTING;
    if (zmq_socket_monitor(bus->socket, name,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                               ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                               ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) < 0 ||
        zmq_connect(bus->monitor, name) < 0)
        abort();
    link_watch(bus, bus->monitor);
    link_watch(bus, bus->socket);
    bus->unsure = bus->monitor_begun = false;
    if (zmq_connect(bus->socket, bus->endpoint) < 0)
        bus_link_down(bus, ERR_UNAVAILABLE);
}

/* Ends the session and, unless the broker refused us for good, arranges the next try. */
void bus_link_down(struct bus *bus, int err)
{
    bool was_up = bus->state == BUS_UP || bus->state == BUS_GREETING;
    bool for_good = err == ERR_FORBIDDEN || err == ERR_CONFLICT;
    unsigned shift = bus->tries < 7 ? bus->tries : 6;
    uint64_t span = (uint64_t)LINK_BACKOFF_MS << shift;

    if (bus->state == BUS_RESTING || bus->state == BUS_ENDED)
        return;
    link_close(bus, 0);
    bus->state = for_good ? BUS_ENDED : BUS_RESTING;
    if (span > LINK_BACKOFF_MAX_MS)
        span = LINK_BACKOFF_MAX_MS;
    bus->retry_at = bus->now + LINK_BACKOFF_MS / 2 + (int64_t)(link_random(bus) % span);
    bus_gathered_drop(bus);
    frame_row_reset(&bus->row);
    bus_calls_down(bus);
    if ((was_up || for_good) && bus->events.down)
        bus->events.down(bus->ctx, err);
    else if (!was_up && bus->events.unreachable)
        bus->events.unreachable(bus->ctx, bus->tries);
}

static void link_greet(struct bus *bus)
{
    struct frame frame = { .command = FRAME_HELLO, .code = FRAME_VERSION };
    struct frame_head head = {
        .topic = { bus->name, strlen(bus->name) },
        .secret = { bus->secret.data, bus->secret.len },
        .instance = frame_of_id(&bus->instance),
        .store = frame_of_id(&bus->store),
        .epoch = bus->epoch,
        .version = { bus->version, bus->version ? strlen(bus->version) : 0 },
    };

    bus->state = BUS_GREETING;
    if (bus_send(bus, &frame, &head, (struct bytes) { 0 }) < 0)
        bus_link_down(bus, ERR_UNAVAILABLE);
}

/* One event; its number is the first two bytes of the first part. False: none is waiting. */
static bool link_monitor(struct bus *bus)
{
    uint8_t part[16];
    uint16_t event = 0;
    int n = zmq_recv(bus->monitor, part, sizeof part, ZMQ_DONTWAIT);

    bus->monitor_begun = n >= 0;
    if (n < 0)
        return false;
    if (n >= 2)
        memcpy(&event, part, 2);
    zmq_recv(bus->monitor, part, sizeof part, ZMQ_DONTWAIT); /* the address */
    if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED && bus->state == BUS_CONNECTING)
        link_greet(bus);
    else if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
        bus_link_down(bus, ERR_FORBIDDEN); /* the broker does not know our key */
    else if (event != ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
        bus_link_down(bus, ERR_UNAVAILABLE);
    return true;
}

static void link_welcome(struct bus *bus, const struct frame *f, const struct frame_head *h)
{
    bool again = bus->welcome.window != 0;

    if (bus->state != BUS_GREETING)
        return;
    if (again && !id_equal(bus->welcome.store, frame_id(h->store)))
        bus_leases_drop(bus);
    bus->state = BUS_UP;
    bus->tries = 0;
    bus->heartbeat_ms = f->ms ? f->ms : 2000;
    bus->ping_at = bus->now + bus->heartbeat_ms;
    bus->welcome = (struct bus_welcome) { .store = frame_id(h->store),
                                          .incarnation = (uint32_t)h->incarnation,
                                          .resumed = again,
                                          .window = f->code ? f->code : 1 };
    bus_handles_declare(bus);
    bus_calls_resume(bus);
    if (bus->state == BUS_UP && bus->events.up)
        bus->events.up(bus->ctx, &bus->welcome);
}

static void link_dispatch(struct bus *bus, const struct frame *f, const struct frame_head *h, struct bytes body)
{
    switch (f->command) {
    case FRAME_WELCOME: link_welcome(bus, f, h); return;
    case FRAME_PONG: return;
    case FRAME_GOAWAY: bus_link_down(bus, err_from_bus(f->code)); return;
    case FRAME_ERROR: bus_on_error(bus, f, h); return;
    case FRAME_REP:
    case FRAME_ERR: bus_on_answer(bus, f, body); return;
    case FRAME_REQ: bus_on_request(bus, f, h, body); return;
    case FRAME_CANCEL: bus_on_cancel(bus, f); return;
    case FRAME_JOB: bus_on_job(bus, f, h, body); return;
    case FRAME_ACK: bus_on_settled(bus, f); return;
    case FRAME_LEASE_LOST: bus_on_lease_lost(bus, f); return;
    case FRAME_OK: bus_on_durable(bus, f, body); return;
    case FRAME_EVT: bus_on_event(bus, f, h, body); return;
    case FRAME_LOST: bus_on_lost(bus, f); return;
    case FRAME_TAIL: bus_on_tail(bus, f); return;
    case FRAME_VAL: bus_on_value(bus, f, h, body); return;
    case FRAME_TAPMSG: bus_on_tapped(bus, f, h, body); return;
    default: return; /* a newer broker may say more */
    }
}

/* One message; second: its body, when it has one in a frame of its own. */
static int link_message(struct bus *bus, struct bytes in, struct bytes second, struct frame *frame,
                        struct bytes *body)
{
    struct frame_head parsed;
    struct bytes head;

    if (frame_parse(in, frame, &head, body) < 0 || frame_parse_head(head, &parsed) < 0)
        return ERR_MALFORMED;
    if (frame->flags & FRAME_BODY2)
        *body = second;
    if (frame->command != FRAME_MANY)
        link_dispatch(bus, frame, &parsed, *body);
    return 0;
}

/* How many messages that were. A callback may have ended the session: then the rest is of the past. */
static unsigned link_take(struct bus *bus, struct bytes in, struct bytes second)
{
    const void *socket = bus->socket;
    struct frame many, frame;
    struct bytes row, body;
    unsigned n = 1;
    int r;

    bus->heard_at = bus->now;
    r = link_message(bus, in, second, &many, &row);
    if (r == 0 && many.command == FRAME_MANY) {
        for (n = 0; r == 0 && n < many.code && !bus->dead && bus->socket == socket; n++)
            r = frame_next_frame(&row, &in) ? link_message(bus, in, bytes_of(NULL, 0), &frame, &body)
                                            : ERR_MALFORMED;
    }
    if (r < 0 && !bus->dead)
        bus_link_down(bus, ERR_MALFORMED);
    return n ? n : 1;
}

/* How many messages came together, 0: none was waiting. */
static unsigned link_receive(struct bus *bus)
{
    zmq_msg_t parts[2], *part = &parts[0];
    bool got = false;
    unsigned n = 0;

    zmq_msg_init(&parts[0]);
    zmq_msg_init(&parts[1]);
    while (bus->socket && zmq_msg_recv(part, bus->socket, ZMQ_DONTWAIT) >= 0) {
        got = true;
        if (!zmq_msg_more(part))
            break;
        part = &parts[1]; /* a third part would overwrite the second: nobody sends one */
    }
    bus->unsure = got;
    if (got)
        n = link_take(bus, bytes_of(zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0])),
                      bytes_of(zmq_msg_data(&parts[1]), zmq_msg_size(&parts[1])));
    zmq_msg_close(&parts[0]);
    zmq_msg_close(&parts[1]);
    return n;
}

static int link_say(struct bus *bus, struct bytes a, struct bytes b)
{
    bus->unsure = true;
    if (zmq_send(bus->socket, a.data, a.len, ZMQ_DONTWAIT | (b.len ? ZMQ_SNDMORE : 0)) < 0)
        return errno == EAGAIN ? ERR_BUSY : ERR_UNAVAILABLE;
    if (b.len && zmq_send(bus->socket, b.data, b.len, ZMQ_DONTWAIT) < 0)
        return ERR_UNAVAILABLE;
    bus->said_at = bus->now;
    return 0;
}

/* What was gathered leaves, in one message. ERR_BUSY: the broker does not take it yet. */
static int link_leave(struct bus *bus)
{
    int r = bus->row.n && bus->socket ? link_say(bus, frame_row_message(&bus->row), bytes_of(NULL, 0)) : 0;

    bus->stuck = r < 0;
    if (r == 0)
        frame_row_reset(&bus->row);
    return r;
}

/* 0: there is room in the row for one more; positive: it has left and what comes now leaves by itself, for it is
 * large, or there is no session yet. */
static int link_gather(struct bus *bus, bool large)
{
    bool alone = large || bus->state != BUS_UP;
    int r;

    if (!bus->socket)
        return ERR_UNAVAILABLE;
    r = alone || frame_row_full(&bus->row) ? link_leave(bus) : 0;
    return r < 0 ? r : alone;
}

int bus_send_packed(struct bus *bus, const struct buf *a, const struct buf *b)
{
    int r;

    bus_gathered_leave(bus);
    r = link_gather(bus, b->len > 0);
    if (r > 0)
        return link_say(bus, buf_bytes(a), buf_bytes(b));
    if (r == 0)
        frame_row_add_built(&bus->row, buf_bytes(a));
    return r;
}

int bus_send(struct bus *bus, const struct frame *frame, const struct frame_head *head, struct bytes body)
{
    bool in_first;
    int r;

    bus_gathered_leave(bus);
    r = link_gather(bus, body.len > FRAME_INLINE);
    if (r == 0)
        frame_row_add(&bus->row, frame, head, body);
    if (r <= 0)
        return r;
    bus->scratch.len = 0;
    frame_build(&bus->scratch, frame, head, body, &in_first);
    return link_say(bus, buf_bytes(&bus->scratch), in_first ? bytes_of(NULL, 0) : body);
}

/* One ping per interval, and only when one side was silent for that long. */
static void link_heartbeat(struct bus *bus)
{
    if (bus->state == BUS_CONNECTING || bus->state == BUS_GREETING) {
        if (bus->now >= bus->greet_by)
            bus_link_down(bus, ERR_UNAVAILABLE);
        return;
    }
    if (bus->state != BUS_UP || bus->now < bus->ping_at)
        return;
    if (bus->now - bus->heard_at > (int64_t)bus->heartbeat_ms * LINK_DEAD_AFTER) {
        bus_link_down(bus, ERR_UNAVAILABLE);
        return;
    }
    if (bus->now - bus->said_at >= bus->heartbeat_ms || bus->now - bus->heard_at >= bus->heartbeat_ms)
        bus_send(bus, &(struct frame) { .command = FRAME_PING }, NULL, (struct bytes) { 0 });
    bus->ping_at = bus->now + bus->heartbeat_ms;
}

static void link_free(struct bus *bus)
{
    bus_gathered_drop(bus);
    bus_calls_free(bus);
    bus_leases_free(bus);
    bus_handles_free(bus);
    link_close(bus, 0);
    zmq_ctx_term(bus->zmq);
    close(bus->epoll);
    buf_free(&bus->scratch);
    buf_free(&bus->row.buf);
    buf_free(&bus->gathered);
    buf_free(&bus->secret);
    explicit_bzero(&bus->pair, sizeof bus->pair);
    free(bus->tap_filter);
    free(bus->endpoint);
    free(bus->name);
    free(bus->version);
    free(bus);
}

void bus_flush(struct bus *bus)
{
    bool outer = !bus->busy;

    bus->busy = true;
    bus_gathered_leave(bus);
    link_leave(bus);
    if (!outer)
        return;
    bus->busy = false;
    if (bus->dead)
        link_free(bus);
}

/* Messages first, for they came before the connection fell. Each question costs a system call, and the monitor has an
 * answer once per connection: while messages come or leave it is not asked, and its descriptor brings us back. */
static void link_listen(struct bus *bus, bool silent)
{
    unsigned n = 0;

    while (n < BUS_BATCH && !bus->dead) {
        unsigned got = bus->socket ? link_receive(bus) : 0;

        n += got;
        if (got)
            continue;
        if (bus->dead || !bus->monitor || !(bus->monitor_begun || (silent && n == 0)) || !link_monitor(bus))
            break;
    }
}

void bus_process(struct bus *bus, int64_t now_ms)
{
    bool silent;

    bus->now = now_ms;
    bus->busy = true;
    bus_gathered_leave(bus);
    silent = !bus->row.n;
    silent |= link_leave(bus) < 0;
    if (bus->state == BUS_RESTING && now_ms >= bus->retry_at)
        link_connect(bus);
    link_listen(bus, silent);
    if (!bus->dead) {
        link_heartbeat(bus);
        bus_calls_sweep(bus);
    }
    if (!bus->dead)
        bus_flush(bus); /* what the callbacks said */
    bus->busy = false;
    if (bus->dead)
        link_free(bus);
}

/* ZeroMQ's descriptor tells of changes only, and sending may have swallowed one: then the socket itself is asked. */
static bool link_waiting(const struct bus *bus)
{
    int events = 0;
    size_t size = sizeof events;

    return bus->socket && bus->unsure && zmq_getsockopt(bus->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN);
}

int bus_timeout_ms(const struct bus *bus, int64_t now_ms)
{
    int64_t at;

    if (bus->gathering || (bus->row.n && !bus->stuck) || link_waiting(bus))
        return 0;
    switch (bus->state) {
    case BUS_UP: at = bus->ping_at; break;
    case BUS_RESTING: at = bus->retry_at; break;
    case BUS_ENDED: return -1;
    default: at = bus->greet_by; break;
    }
    if (bus->out.n && bus->sweep_at < at)
        at = bus->sweep_at;
    if (bus->stuck && now_ms + BUS_STUCK_MS < at)
        return BUS_STUCK_MS;
    return at <= now_ms ? 0 : (int)(at - now_ms);
}

static char *link_copy(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        abort();
    return copy;
}

/* Keys go with tcp, and tcp goes with keys. */
static int link_keys(const struct bus_options *options, struct curve_pair *ret)
{
    bool keys = options->server_key && options->secret_key;

    if (keys != (strncmp(options->endpoint, "tcp://", 6) == 0))
        return ERR_INVALID;
    if (!keys)
        return 0;
    if (!curve_key_ok(options->server_key) || curve_public(options->secret_key, ret->public_key) < 0)
        return ERR_INVALID;
    memcpy(ret->secret_key, options->secret_key, CURVE_KEY + 1);
    return 0;
}

int bus_new(const struct bus_options *options, const struct bus_events *events, void *ctx, struct bus **ret_bus)
{
    struct curve_pair pair = { .public_key = "" };
    struct bus *bus;

    if (!frame_name_ok((struct bytes) { options->name, strlen(options->name) }) || options->secret.len > 256)
        return ERR_INVALID;
    if (link_keys(options, &pair) < 0)
        return ERR_INVALID;
    bus = calloc(1, sizeof *bus);
    if (!bus || !(bus->zmq = zmq_ctx_new()) || (bus->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        abort();
    bus->events = *events;
    bus->ctx = ctx;
    bus->pair = pair;
    explicit_bzero(&pair, sizeof pair);
    if (options->server_key)
        memcpy(bus->server_key, options->server_key, CURVE_KEY + 1);
    bus->endpoint = link_copy(options->endpoint);
    bus->name = link_copy(options->name);
    bus->version = link_copy(options->version);
    if (options->secret.len)
        buf_put(&bus->secret, options->secret.data, options->secret.len);
    bus->instance = options->instance;
    bus->store = options->store;
    bus->epoch = options->epoch;
    if (getrandom(&bus->random, sizeof bus->random, 0) < 0)
        abort();
    if (!frame_of_id(&bus->instance).data && getrandom(&bus->instance, sizeof bus->instance, 0) < 0)
        abort();
    bus->random |= 1;
    TAILQ_INIT(&bus->pending);
    *ret_bus = bus;
    return 0;
}

void bus_close(struct bus **bus_at, unsigned linger_ms)
{
    struct bus *bus = *bus_at;

    *bus_at = NULL;
    if (!bus)
        return;
    if (bus->state == BUS_UP)
        bus_send(bus, &(struct frame) { .command = FRAME_BYE }, NULL, (struct bytes) { 0 });
    link_leave(bus);
    link_close(bus, (int)linger_ms);
    bus->dead = true;
    if (!bus->busy)
        link_free(bus);
}

int bus_fd(const struct bus *bus)
{
    return bus->epoll;
}

bool bus_is_up(const struct bus *bus)
{
    return bus->state == BUS_UP;
}

/* transport - the sockets: one for this host, and one for others when the operator wants it.
 *
 * The one for others speaks CURVE alone, and only with keys that the roster knows: its handler is there before it
 * listens, and a HELLO without a proved key is refused even if libzmq had let it in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

enum {
    TRANSPORT_HWM = 16384,
    TRANSPORT_HANDSHAKE_MS = 5000,
    TRANSPORT_BACKLOG = 1024,
    TRANSPORT_HEARTBEAT_MS = 2000,
    TRANSPORT_RECHECK_MS = 1000, /* a revoked key is out by then */
};

static void transport_set(void *socket, int option, int value)
{
    zmq_setsockopt(socket, option, &value, sizeof value);
}

static int transport_fail(const char *endpoint, const char *why, char error[static 256])
{
    snprintf(error, 256, "cannot listen on %.120s: %.110s", endpoint, why);
    return ERR_IO;
}

/* What both have in common. A half-open connection is found by ZMTP's heartbeats. */
static int transport_open(struct transport *t)
{
    int64_t max = BUS_CALL_MAX + 8192;
    size_t size = sizeof t->fd;

    t->zmq = zmq_ctx_new();
    t->socket = t->zmq ? zmq_socket(t->zmq, ZMQ_ROUTER) : NULL;
    if (!t->socket)
        return ERR_NO_MEMORY;
    transport_set(t->socket, ZMQ_ROUTER_MANDATORY, 1);
    transport_set(t->socket, ZMQ_ROUTER_HANDOVER, 0);
    transport_set(t->socket, ZMQ_LINGER, 500);
    transport_set(t->socket, ZMQ_SNDHWM, TRANSPORT_HWM);
    transport_set(t->socket, ZMQ_RCVHWM, TRANSPORT_HWM);
    transport_set(t->socket, ZMQ_HANDSHAKE_IVL, TRANSPORT_HANDSHAKE_MS);
    transport_set(t->socket, ZMQ_BACKLOG, TRANSPORT_BACKLOG);
    transport_set(t->socket, ZMQ_HEARTBEAT_IVL, TRANSPORT_HEARTBEAT_MS);
    transport_set(t->socket, ZMQ_HEARTBEAT_TIMEOUT, TRANSPORT_HEARTBEAT_MS * BROKER_DEAD_AFTER);
    transport_set(t->socket, ZMQ_HEARTBEAT_TTL, TRANSPORT_HEARTBEAT_MS * BROKER_DEAD_AFTER);
    zmq_setsockopt(t->socket, ZMQ_MAXMSGSIZE, &max, sizeof max);
    t->unsure = true;
    return zmq_getsockopt(t->socket, ZMQ_FD, &t->fd, &size) == 0 ? 0 : ERR_IO;
}

int transport_local(struct broker *b, const char *endpoint, char error[static 256])
{
    struct transport *t = &b->transports[TRANSPORT_LOCAL];
    mode_t mask;
    int r;

    if (strncmp(endpoint, "ipc://", 6) != 0)
        return transport_fail(endpoint, "only ipc:// is for this host; other hosts need --listen and keys", error);
    if (transport_open(t) < 0)
        return transport_fail(endpoint, zmq_strerror(errno), error);
    mask = umask(0007); /* an ipc socket is for the owner and the group */
    r = zmq_bind(t->socket, endpoint);
    umask(mask);
    return r < 0 ? transport_fail(endpoint, zmq_strerror(errno), error) : 0;
}

/* The broker's own pair, made once; the public half lies beside it, for `kinobus key make`. */
static int transport_pair(const struct broker *b, char secret[static CURVE_KEY + 1], char error[static 256])
{
    char dir[4096], path[4200], text[CURVE_KEY + 2];
    struct curve_pair fresh;
    int r;

    snprintf(dir, sizeof dir, "%s/bus", b->keys);
    if (mkdir(dir, 0755) < 0 && errno != EEXIST) {
        snprintf(error, 256, "%.180s: %s", dir, strerror(errno));
        return ERR_IO;
    }
    snprintf(path, sizeof path, "%s/broker.key", dir);
    r = curve_read_key(path, true, secret, error);
    if (r == ERR_NOT_FOUND && curve_make(&fresh) == 0) {
        snprintf(text, sizeof text, "%s\n", fresh.secret_key);
        r = curve_write_file(path, text, 0600, true, error);
        memcpy(secret, fresh.secret_key, sizeof fresh.secret_key);
        explicit_bzero(&fresh, sizeof fresh);
        explicit_bzero(text, sizeof text);
    }
    if (r < 0 || curve_public(secret, fresh.public_key) < 0)
        return r < 0 ? r : ERR_INVALID;
    snprintf(path, sizeof path, "%s/broker.pub", dir);
    snprintf(text, sizeof text, "%s\n", fresh.public_key);
    return curve_write_file(path, text, 0644, false, error);
}

static void transport_recheck(void *ctx, struct timer *timer)
{
    struct broker *b = ctx;

    session_recheck(b);
    timer_set(&b->timers, timer, b->now_ms + TRANSPORT_RECHECK_MS);
}

static int transport_curve(struct broker *b, struct transport *t, char error[static 256])
{
    char secret[CURVE_KEY + 1], path[4200];
    int r = transport_pair(b, secret, error);

    if (r < 0)
        return r;
    snprintf(path, sizeof path, "%s/bus/peers", b->keys);
    b->roster = roster_new(path);
    b->roster_seen = roster_version(b->roster);
    b->recheck.fire = transport_recheck;
    timer_set(&b->timers, &b->recheck, b->now_ms + TRANSPORT_RECHECK_MS);
    if (zap_start(t->zmq, b->roster, &b->zap) < 0 || zmq_setsockopt(t->socket, ZMQ_ZAP_DOMAIN, "bus", 3) < 0 ||
        zmq_setsockopt(t->socket, ZMQ_CURVE_SECRETKEY, secret, sizeof secret) < 0) {
        snprintf(error, 256, "this libzmq has no CURVE: %s", zmq_strerror(errno));
        r = ERR_UNSUPPORTED;
    }
    explicit_bzero(secret, sizeof secret);
    transport_set(t->socket, ZMQ_CURVE_SERVER, 1);
    return r;
}

int transport_remote(struct broker *b, const char *endpoint, char error[static 256])
{
    struct transport *t = &b->transports[TRANSPORT_REMOTE];
    size_t size = sizeof b->listening;
    int r;

    if (strncmp(endpoint, "tcp://", 6) != 0)
        return transport_fail(endpoint, "say tcp://ADDRESS:PORT", error);
    if (transport_open(t) < 0)
        return transport_fail(endpoint, zmq_strerror(errno), error);
    r = transport_curve(b, t, error);
    if (r < 0)
        return r;
    transport_set(t->socket, ZMQ_TCP_KEEPALIVE, 1);
    transport_set(t->socket, ZMQ_IPV6,
                  strchr(endpoint, '[') != NULL); /* else addresses look like ::ffff:192.0.2.1 */
    if (zmq_bind(t->socket, endpoint) < 0)
        return transport_fail(endpoint, zmq_strerror(errno), error);
    return zmq_getsockopt(t->socket, ZMQ_LAST_ENDPOINT, b->listening, &size) == 0 ? 0 : ERR_IO;
}

static bool transport_receive_one(struct broker *b, enum transport_kind kind)
{
    struct transport *t = &b->transports[kind];
    void *socket = t->socket;
    zmq_msg_t parts[3];
    unsigned n = 0;
    bool got;

    if (!t->unsure)
        return false;
    for (unsigned i = 0; i < 3; i++)
        zmq_msg_init(&parts[i]);
    got = zmq_msg_recv(&parts[0], socket, ZMQ_DONTWAIT) >= 0;
    t->unsure = got;
    /* Parts behind the third one are read and forgotten, all of them: the next one would be taken for a routing id. */
    while (got && zmq_msg_more(&parts[n < 3 ? n : 2])) {
        n++;
        zmq_msg_recv(&parts[n < 3 ? n : 2], socket, ZMQ_DONTWAIT);
    }
    if (n == 1 || n == 2)
        broker_take(b, kind, bytes_of(zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0])), &parts[1],
                    n == 2 ? &parts[2] : NULL);
    else if (got)
        b->counters[BROKER_MALFORMED]++;
    for (unsigned i = 0; i < 3; i++)
        zmq_msg_close(&parts[i]);
    return got;
}

/* In turn: who talks much on one socket does not keep the other waiting. */
bool transport_receive(struct broker *b)
{
    bool local = transport_receive_one(b, TRANSPORT_LOCAL);

    return transport_receive_one(b, TRANSPORT_REMOTE) || local;
}

/* -1: not listening. */
int transport_fd(const struct broker *b, enum transport_kind kind)
{
    return b->transports[kind].socket ? b->transports[kind].fd : -1;
}

void transport_told(struct broker *b, int fd)
{
    for (size_t i = 0; i < TRANSPORTS; i++)
        b->transports[i].unsure |= b->transports[i].socket && b->transports[i].fd == fd;
}

/* ZeroMQ's descriptor tells of changes only, and sending may have swallowed one: then the socket itself is asked. That
 * is a system call, so it is asked only then. */
bool transport_waiting(struct broker *b)
{
    bool any = false;

    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct transport *t = &b->transports[i];
        int events = 0;
        size_t size = sizeof events;

        if (t->unsure)
            t->unsure = zmq_getsockopt(t->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
        any |= t->unsure;
    }
    return any;
}

void transport_close(struct broker *b)
{
    for (size_t i = 0; i < TRANSPORTS; i++) {
        struct transport *t = &b->transports[i];

        if (t->socket)
            zmq_close(t->socket);
        if (i == TRANSPORT_REMOTE)
            zap_stop(&b->zap);
        if (t->zmq)
            zmq_ctx_term(t->zmq);
        *t = (struct transport) { NULL, NULL, -1, false };
    }
    roster_free(&b->roster);
}

/* bus_crowd - those who are there while something else is measured, and what they cost.
 *
 *     bus_crowd ENDPOINT SECRET peers N      connections that say hello, open a name, and then ping
 *     bus_crowd ENDPOINT - router            a bare ROUTER there, which answers each message: what libzmq needs for peers
 *     bus_crowd ENDPOINT SECRET fanout K N   K followers, each of whom gets N events
 *     bus_crowd ENDPOINT SECRET behind       a follower from the beginning
 *     bus_crowd ENDPOINT SECRET tap          a tap on everything
 *
 * All but fanout say that they stand, and go on until standard input ends. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <zmq.h>

#include "broker/client/bus.h"
#include "broker/client/frame.h"

enum { FOLLOWERS = 128, WINDOW = 1000 };

struct crowd {
    struct bus *bus;
    bool up, caught_up;
    uint64_t events, taps, dropped, confirmed;
};

static int64_t us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_up(void *ctx, const struct bus_welcome *welcome)
{
    (void)welcome;
    ((struct crowd *)ctx)->up = true;
}

static void on_ok(void *ctx, uint64_t seq, bool duplicate)
{
    (void)seq;
    (void)duplicate;
    ((struct crowd *)ctx)->confirmed++;
}

static void on_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                     struct bytes body)
{
    struct crowd *me = ctx;

    (void)head;
    (void)body;
    me->events++;
    bus_cursor(me->bus, stream, at.seq);
}

static void on_caught_up(void *ctx, const char *stream, struct bus_cursor at)
{
    (void)stream;
    (void)at;
    ((struct crowd *)ctx)->caught_up = true;
}

static void on_tapped(void *ctx, const struct bus_tapped *tapped)
{
    struct crowd *me = ctx;

    me->taps++;
    me->dropped += tapped->dropped;
}

static struct crowd *crowd_connect(const char *endpoint, const char *secret, bool owner)
{
    static const struct bus_events events = {
        .up = on_up, .durable_ok = on_ok, .event = on_event, .caught_up = on_caught_up, .tap = on_tapped
    };
    struct bus_options options = { .endpoint = endpoint, .name = "bench", .secret = bytes_of_text(secret) };
    struct crowd *me = calloc(1, sizeof *me);

    if (!me)
        exit(1);
    if (owner) {
        int64_t now = us();

        memcpy(options.store.b, &now, sizeof now);
        options.epoch = 1;
    }
    if (bus_new(&options, &events, me, &me->bus) < 0)
        exit(1);
    return me;
}

/* Until one of them has something, or `ms` are over. */
static void crowd_turn(struct crowd **all, size_t n, int ms)
{
    struct pollfd fds[FOLLOWERS + 1];
    int64_t now = us() / 1000;

    for (size_t i = 0; i < n; i++) {
        int own = bus_timeout_ms(all[i]->bus, now);

        fds[i] = (struct pollfd) { bus_fd(all[i]->bus), POLLIN, 0 };
        ms = own >= 0 && own < ms ? own : ms;
    }
    poll(fds, n, ms);
    now = us() / 1000;
    for (size_t i = 0; i < n; i++)
        bus_process(all[i]->bus, now);
}

static void crowd_fanout(const char *endpoint, const char *secret, size_t k, uint64_t n)
{
    struct crowd *all[FOLLOWERS + 1], *owner = all[k] = crowd_connect(endpoint, secret, true);
    uint64_t sent = 0, least = 0;
    struct bus_head head = { .key = bytes_of_text("key") };
    static const char body[200];
    int64_t began;
    bool up = false;

    for (size_t i = 0; i < k; i++) {
        all[i] = crowd_connect(endpoint, secret, false);
        bus_follow(all[i]->bus, "bench", NULL, NULL, (struct bus_cursor) { .seq = BUS_FROM_END });
    }
    while (!up) {
        crowd_turn(all, k + 1, 20);
        up = owner->up;
        for (size_t i = 0; i < k; i++)
            up = up && all[i]->caught_up;
    }
    began = us();
    while (least < n) {
        while (sent < n && sent - owner->confirmed < WINDOW &&
               bus_append(owner->bus, "bench.event", sent + 1, &head, bytes_of(body, sizeof body)) == 0)
            sent++;
        crowd_turn(all, k + 1, 1000);
        least = n;
        for (size_t i = 0; i < k; i++)
            least = all[i]->events < least ? all[i]->events : least;
    }
    printf("fanout followers=%zu n=%llu events_per_s=%.0f deliveries_per_s=%.0f\n", k, (unsigned long long)n,
           (double)n * 1e6 / (double)(us() - began), (double)n * (double)k * 1e6 / (double)(us() - began));
}

/* Says that it stands; then goes on until standard input ends. */
static void crowd_stay(struct crowd *me, const char *name)
{
    struct pollfd input = { 0, POLLIN, 0 };

    while (!me->up)
        crowd_turn(&me, 1, 100);
    printf("%s\n", name);
    fflush(stdout);
    while (poll(&input, 1, 0) == 0)
        crowd_turn(&me, 1, 20);
    printf("%s events=%llu taps=%llu dropped=%llu\n", name, (unsigned long long)me->events,
           (unsigned long long)me->taps, (unsigned long long)me->dropped);
}

/* Sockets of one context: n clients of the library would be n threads. */
static void peer_says(void *socket, const struct frame *frame, const struct frame_head *head)
{
    struct buf raw = { 0 };
    bool in_first;

    frame_build(&raw, frame, head, (struct bytes) { 0 }, &in_first);
    if (zmq_send(socket, raw.data, raw.len, 0) < 0)
        exit(1);
    buf_free(&raw);
}

static void *crowd_context(uint64_t n)
{
    void *zmq = zmq_ctx_new();
    struct rlimit files;

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    zmq_ctx_set(zmq, ZMQ_MAX_SOCKETS, (int)n + 10);
    return zmq;
}

static void peers_ping(void **sockets, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        peer_says(sockets[i], &(struct frame) { .command = FRAME_PING }, NULL);
}

static void crowd_peers(const char *endpoint, const char *secret, uint64_t n)
{
    void *zmq = crowd_context(n), **sockets = calloc(n, sizeof *sockets);
    struct pollfd input = { 0, POLLIN, 0 };
    int64_t pinged = us();
    char answer[512];

    for (uint64_t i = 0; i < n; i++) {
        struct id instance = { { 2, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
        struct frame_head head = { .topic = bytes_of_text("bench"),
                                   .secret = bytes_of_text(secret),
                                   .instance = frame_of_id(&instance) };

        sockets[i] = zmq_socket(zmq, ZMQ_DEALER);
        if (!sockets[i] || zmq_connect(sockets[i], endpoint) < 0)
            exit(1);
        peer_says(sockets[i], &(struct frame) { .command = FRAME_HELLO, .code = FRAME_VERSION }, &head);
        if (zmq_recv(sockets[i], answer, sizeof answer, 0) < 0)
            exit(1);
        peer_says(sockets[i], &(struct frame) { .command = FRAME_OPEN, .code = VERB_CALL, .handle = 0 },
                  &(struct frame_head) { .topic = bytes_of_text("bench.echo") });
        if (us() - pinged > 1000000) {
            peers_ping(sockets, i);
            pinged = us();
        }
    }
    printf("peers\n");
    fflush(stdout);
    while (poll(&input, 1, 1000) == 0)
        peers_ping(sockets, n);
}

static void crowd_router(const char *endpoint)
{
    void *socket = zmq_socket(crowd_context(0), ZMQ_ROUTER);
    struct pollfd input = { 0, POLLIN, 0 };
    char id[64], part[4096];
    int n;

    if (!socket || zmq_bind(socket, endpoint) < 0)
        exit(1);
    printf("router\n");
    fflush(stdout);
    while (poll(&input, 1, 0) == 0) {
        zmq_pollitem_t item = { socket, 0, ZMQ_POLLIN, 0 };

        zmq_poll(&item, 1, 100);
        while ((n = zmq_recv(socket, id, sizeof id, ZMQ_DONTWAIT)) > 0) {
            zmq_recv(socket, part, sizeof part, ZMQ_DONTWAIT);
            zmq_send(socket, id, (size_t)n, ZMQ_SNDMORE | ZMQ_DONTWAIT);
            zmq_send(socket, part, FRAME_PREFIX, ZMQ_DONTWAIT);
        }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 3 ? argv[3] : "";
    uint64_t n = argc > 4 ? strtoull(argv[4], NULL, 10) : 0, m = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;

    if (strcmp(what, "peers") == 0 && n) {
        crowd_peers(argv[1], argv[2], n);
    } else if (strcmp(what, "router") == 0) {
        crowd_router(argv[1]);
    } else if (strcmp(what, "fanout") == 0 && n && n <= FOLLOWERS && m) {
        crowd_fanout(argv[1], argv[2], (size_t)n, m);
    } else if (strcmp(what, "behind") == 0) {
        struct crowd *me = crowd_connect(argv[1], argv[2], false);

        bus_follow(me->bus, "bench", NULL, NULL, (struct bus_cursor) { 0 });
        crowd_stay(me, what);
    } else if (strcmp(what, "tap") == 0) {
        struct crowd *me = crowd_connect(argv[1], argv[2], false);

        bus_tap(me->bus, ">", 1, true);
        crowd_stay(me, what);
    } else {
        fprintf(stderr, "usage: bus_crowd ENDPOINT SECRET peers N|router|fanout K N|behind|tap\n");
        return 64;
    }
    return 0;
}

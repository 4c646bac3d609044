#include "tests/unit/broker/live.h"

#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static const char policy[] =
    "kinobus-policy 1\n"
    "allow web call shop.>\n"
    "allow shop offer shop\n"
    "service shop single\n"
    "allow shop put shop.pack\n"
    "allow shop append shop.sold\n"
    "allow shop append shop.bought\n"
    "allow worker take shop.pack\n"
    "allow worker offer worker\n"
    "allow worker call shop.price\n"
    "allow shop call worker.>\n"
    "queue shop.pack lease_ms=30000 attempts=3 backoff_ms=1,2 done=shop.packed dead=shop.spoilt\n"
    "allow reader follow shop.*\n"
    "deny reader follow shop.bought\n"
    "allow shop follow shop.>\n"
    "allow shop set shop.open\n"
    "allow reader watch shop.open\n"
    "allow reader watch $sys.peers\n"
    "allow shop call $sys.withdraw\n"
    "allow cli call >\n"
    "allow cli tap >\n";

struct order {
    void (*run)(const char *dir);
    char dir[64];
};

static int forker = -1;

static void forker_run(int socket)
{
    struct order order;

    signal(SIGCHLD, SIG_IGN); /* nobody waits for them here */
    while (read(socket, &order, sizeof order) == (ssize_t)sizeof order) {
        pid_t pid = fork();

        if (pid == 0) {
            close(socket);
            order.run(order.dir);
            _exit(0);
        }
        if (write(socket, &pid, sizeof pid) != (ssize_t)sizeof pid)
            break;
    }
    _exit(0);
}

void live_forker(void)
{
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        abort();
    if (fork() == 0) {
        close(sockets[0]);
        forker_run(sockets[1]);
    }
    close(sockets[1]);
    forker = sockets[0];
}

pid_t live_process(void (*run)(const char *dir), const char *dir)
{
    struct order order = { .run = run };
    pid_t pid;

    strncpy(order.dir, dir, sizeof order.dir - 1);
    assert_int_equal(write(forker, &order, sizeof order), sizeof order);
    assert_int_equal(read(forker, &pid, sizeof pid), sizeof pid);
    assert_true(pid > 0);
    return pid;
}

void live_kill(pid_t pid)
{
    struct pollfd fd = { (int)syscall(SYS_pidfd_open, pid, 0), POLLIN, 0 };

    kill(pid, SIGKILL);
    if (fd.fd >= 0) {
        poll(&fd, 1, -1);
        close(fd.fd);
    }
}

int64_t live_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool live_late(int64_t began_ms)
{
    return live_ms() - began_ms > PATIENCE_MS;
}

struct id live_id(const char *text)
{
    struct id id = { { 1 } };

    memcpy(id.b + 1, text, strnlen(text, sizeof id.b - 1));
    return id;
}

void live_write(const struct live *live, const char *name, const char *text, mode_t mode)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", live->dir, name);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

static void *live_run(void *ctx)
{
    struct live *live = ctx;
    int r = broker_run(live->broker, live->stop);

    if (r == 0)
        broker_stop(live->broker);
    return NULL;
}

void live_start(struct live *live)
{
    char bind[100], keys[100], acl[100], error[256] = "";
    const char *policies[] = { acl, NULL };
    struct broker_options options = { .state = live->dir,
                                      .bind = bind,
                                      .keys = keys,
                                      .policies = policies,
                                      .map_size = 64 * 1024 * 1024,
                                      .any_filesystem = true,
                                      .listen = live->remote ? "tcp://127.0.0.1:*" : NULL };

    snprintf(bind, sizeof bind, "ipc://%s/bus.sock", live->dir);
    snprintf(keys, sizeof keys, "%s/keys", live->dir);
    snprintf(acl, sizeof acl, "%s/policy", live->dir);
    if (broker_new(&options, &live->broker, error) < 0)
        fail_msg("the broker did not start: %s", error);
    live->stop = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(pthread_create(&live->thread, NULL, live_run, live), 0);
}

void live_stop(struct live *live)
{
    uint64_t one = 1;

    if (!live->broker)
        return;
    assert_int_equal(write(live->stop, &one, sizeof one), sizeof one);
    pthread_join(live->thread, NULL);
    broker_free(&live->broker);
    close(live->stop);
}

static int live_begin(void **state, bool remote)
{
    static const char *const roles[] = { "web", "shop", "worker", "reader", "cli" };
    struct live *live = calloc(1, sizeof *live);
    char path[100];

    assert_true(sodium_init() >= 0);
    strcpy(live->dir, "/tmp/broker-live-XXXXXX");
    assert_non_null(mkdtemp(live->dir));
    snprintf(path, sizeof path, "%s/keys", live->dir);
    mkdir(path, 0700);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        snprintf(path, sizeof path, "keys/%s", roles[i]);
        live_write(live, path, SECRET "\n", 0600);
    }
    live_write(live, "policy", policy, 0600);
    live->remote = remote;
    live_start(live);
    *state = live;
    return 0;
}

int live_setup(void **state)
{
    return live_begin(state, false);
}

int live_setup_remote(void **state)
{
    return live_begin(state, true);
}

int live_teardown(void **state)
{
    struct live *live = *state;
    char command[100];

    for (size_t i = 0; i < live->peers_n; i++)
        bus_close(&live->peers[i].bus, 0);
    live_stop(live);
    snprintf(command, sizeof command, "rm -rf %s", live->dir);
    assert_int_equal(system(command), 0);
    free(live);
    return 0;
}

static struct seen *peer_note(struct peer *peer, enum seen_kind kind, uint64_t number, int err)
{
    struct seen *seen = &peer->seen[peer->n % LIVE_SEEN];

    peer->n++;
    peer->counted[kind]++;
    *seen = (struct seen) { .kind = kind, .number = number, .err = err };
    return seen;
}

static void seen_body(struct seen *seen, struct bytes body)
{
    seen->size = body.len;
    if (body.data)
        memcpy(seen->body, body.data, body.len < sizeof seen->body - 1 ? body.len : sizeof seen->body - 1);
}

static void seen_head(struct seen *seen, const struct bus_head *head)
{
    snprintf(seen->name, sizeof seen->name, "%s", head->name ? head->name : "");
    snprintf(seen->from, sizeof seen->from, "%s", head->from ? head->from : "");
    snprintf(seen->text, sizeof seen->text, "%s", head->err_text ? head->err_text : "");
    if (head->key.data && head->key.len < sizeof seen->key)
        memcpy(seen->key, head->key.data, head->key.len);
    seen->attempt = head->attempt;
    seen->job = head->job;
    seen->err = head->err;
    seen->flag = head->redelivered;
}

static void peer_said(struct peer *peer, struct seen *seen)
{
    if (peer->answer)
        peer->answer(peer, seen);
}

static void on_up(void *ctx, const struct bus_welcome *welcome)
{
    struct seen *seen = peer_note(ctx, SEEN_UP, welcome->incarnation, 0);

    seen->flag = welcome->resumed;
    peer_said(ctx, seen);
}

static void on_down(void *ctx, int err)
{
    peer_said(ctx, peer_note(ctx, SEEN_DOWN, 0, err));
}

static void on_refused(void *ctx, const char *verb, const char *name, int err)
{
    struct seen *seen = peer_note(ctx, SEEN_REFUSED, 0, err);

    snprintf(seen->key, sizeof seen->key, "%s", verb);
    snprintf(seen->name, sizeof seen->name, "%s", name);
}

static void on_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct seen *seen = peer_note(ctx, SEEN_REPLY, cid, err);

    seen_body(seen, body);
    peer_said(ctx, seen);
}

static void on_request(void *ctx, uint64_t cid, const struct bus_head *head, struct bytes body,
                       uint32_t deadline_ms)
{
    struct seen *seen = peer_note(ctx, SEEN_REQUEST, cid, 0);

    (void)deadline_ms;
    seen_head(seen, head);
    snprintf(seen->text, sizeof seen->text, "%s", head->subject ? head->subject : "");
    seen_body(seen, body);
    peer_said(ctx, seen);
}

static void on_cancel(void *ctx, uint64_t cid)
{
    peer_said(ctx, peer_note(ctx, SEEN_CANCEL, cid, 0));
}

static void on_job(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body, uint32_t lease_ms)
{
    struct seen *seen = peer_note(ctx, SEEN_JOB, lease, 0);

    (void)lease_ms;
    seen_head(seen, head);
    seen_body(seen, body);
    peer_said(ctx, seen);
}

static void on_lease_lost(void *ctx, uint64_t lease, int err)
{
    peer_said(ctx, peer_note(ctx, SEEN_LEASE_LOST, lease, err));
}

static void on_settled(void *ctx, uint64_t lease, int err)
{
    peer_said(ctx, peer_note(ctx, SEEN_SETTLED, lease, err));
}

static void on_ok(void *ctx, uint64_t seq, bool duplicate)
{
    struct seen *seen = peer_note(ctx, SEEN_OK, seq, 0);

    seen->flag = duplicate;
    peer_said(ctx, seen);
}

static void on_no(void *ctx, uint64_t seq, int err)
{
    peer_said(ctx, peer_note(ctx, SEEN_NO, seq, err));
}

static void on_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                     struct bytes body)
{
    struct seen *seen = peer_note(ctx, SEEN_EVENT, at.seq, 0);

    (void)stream;
    seen_head(seen, head);
    seen_body(seen, body);
    peer_said(ctx, seen);
}

static void on_lost(void *ctx, const char *stream, struct bus_cursor next)
{
    (void)stream;
    peer_said(ctx, peer_note(ctx, SEEN_LOST, next.seq, 0));
}

static void on_tail(void *ctx, const char *stream, struct bus_cursor at)
{
    (void)stream;
    peer_said(ctx, peer_note(ctx, SEEN_TAIL, at.seq, 0));
}

static void on_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct seen *seen = peer_note(ctx, SEEN_VALUE, 0, 0);

    snprintf(seen->name, sizeof seen->name, "%s", name);
    snprintf(seen->key, sizeof seen->key, "%s", key);
    seen->flag = body.data == NULL;
    seen_body(seen, body);
}

static void on_set_failed(void *ctx, const char *name, const char *key, int err)
{
    struct seen *seen = peer_note(ctx, SEEN_SET_FAILED, 0, err);

    snprintf(seen->name, sizeof seen->name, "%s", name);
    snprintf(seen->key, sizeof seen->key, "%s", key);
}

static void on_tap(void *ctx, const struct bus_tapped *tapped)
{
    struct seen *seen = peer_note(ctx, SEEN_TAP, tapped->seq, 0);

    seen_head(seen, tapped->head);
    seen_body(seen, tapped->body);
    seen->size = tapped->kind == BUS_TAP_DROPPED ? (size_t)tapped->dropped : tapped->size;
    seen->err = tapped->err;
    seen->tap = tapped->kind;
    snprintf(seen->from, sizeof seen->from, "%s", tapped->from);
    snprintf(seen->text, sizeof seen->text, "%s", tapped->to);
}

static void on_unreachable(void *ctx, unsigned tries)
{
    peer_note(ctx, SEEN_UNREACHABLE, tries, 0);
}

static struct peer *live_peer(struct live *live, const struct bus_options *options)
{
    static const struct bus_events events = { on_up,         on_down,  on_refused,    on_reply,   on_request,
                                              on_cancel,     on_job,   on_lease_lost, on_settled, on_ok,
                                              on_no,         on_event, on_lost,       on_tail,    on_value,
                                              on_set_failed, on_tap,   on_unreachable };
    struct peer *peer = &live->peers[live->peers_n++];

    assert_true(live->peers_n <= LIVE_PEERS);
    peer->live = live;
    assert_int_equal(bus_new(options, &events, peer, &peer->bus), 0);
    return peer;
}

struct peer *live_join(struct live *live, const char *role, uint32_t epoch)
{
    char endpoint[100];
    struct bus_options options = {
        .endpoint = endpoint, .name = role, .secret = bytes_of_text(SECRET), .epoch = epoch, .version = "test"
    };

    snprintf(endpoint, sizeof endpoint, "ipc://%s/bus.sock", live->dir);
    if (epoch)
        options.store = live_id(role);
    return live_peer(live, &options);
}

struct peer *live_join_remote(struct live *live, const char *role, const char *server_key, const char *secret_key)
{
    char path[100], known[CURVE_KEY + 1], error[256];
    struct bus_options options = { .endpoint = live->broker->listening,
                                   .name = role,
                                   .server_key = server_key,
                                   .secret_key = secret_key,
                                   .version = "test" };

    snprintf(path, sizeof path, "%s/keys/bus/broker.pub", live->dir);
    assert_int_equal(curve_read_key(path, false, known, error), 0);
    options.server_key = server_key ? server_key : known;
    return live_peer(live, &options);
}

void live_leave(struct peer *peer)
{
    bus_close(&peer->bus, 1000);
}

void live_pump(struct live *live, int wait_ms)
{
    struct pollfd fds[LIVE_PEERS];
    int timeout = wait_ms;
    nfds_t n = 0;

    for (size_t i = 0; i < live->peers_n; i++) {
        int own;

        if (!live->peers[i].bus)
            continue;
        own = bus_timeout_ms(live->peers[i].bus, live_ms());
        timeout = own >= 0 && own < timeout ? own : timeout;
        fds[n++] = (struct pollfd) { bus_fd(live->peers[i].bus), POLLIN, 0 };
    }
    poll(fds, n, timeout);
    for (size_t i = 0; i < live->peers_n; i++) {
        if (live->peers[i].bus)
            bus_process(live->peers[i].bus, live_ms());
    }
}

const struct seen *peer_seen(const struct peer *peer, enum seen_kind kind, size_t n)
{
    for (size_t i = 0; i < peer->n && i < LIVE_SEEN; i++) {
        if (peer->seen[i].kind == kind && n-- == 0)
            return &peer->seen[i];
    }
    return NULL;
}

/* session - who is there: the greeting, the proof of a role, fencing of stores, and how a session ends.
 *
 * A session whose process died gives its leases back at once; one whose connection broke keeps them for a grace
 * time, because the process works on and will be back; one that said goodbye leaves without leases by itself. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "broker/client/mp.h"
#include "broker/server/broker.h"
#include "gen/errors.h"

struct session *session_of(const struct broker *b, uint64_t serial)
{
    return HMAP_MAYBE(hmap_find(&b->serials, serial), struct session, by_serial);
}

/* Of another host: CURVE has proved the key, and the table says whose it is. Without a key nobody gets in, whatever
 * became of the handler that should have asked for one. */
static int session_prove_key(const struct broker *b, const char *key, struct bytes role, struct curve_row *ret)
{
    char why[256];

    if (!key || !b->roster || roster_find(b->roster, key, ret, why) < 0)
        return ERR_FORBIDDEN;
    return bytes_equal(role, bytes_of_text(ret->role)) ? 0 : ERR_FORBIDDEN;
}

/* The secret lies in a file named after the role; it may end with a line break. Read at each greeting, so that
 * a new one counts at once. Both sides are hashed, so that the comparison tells nothing of either length. */
static int session_prove(const struct broker *b, struct bytes role, struct bytes secret)
{
    unsigned char want[crypto_generichash_BYTES], have[crypto_generichash_BYTES];
    char path[4096], known[257];
    ssize_t n;
    int fd;

    snprintf(path, sizeof path, "%s/%.*s", b->keys, (int)role.len, (const char *)role.data);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return ERR_FORBIDDEN;
    n = read(fd, known, sizeof known);
    close(fd);
    while (n > 0 && (known[n - 1] == '\n' || known[n - 1] == '\r'))
        n--;
    if (n < 16 || n > 256)
        return ERR_FORBIDDEN; /* too short to be a secret */
    crypto_generichash(want, sizeof want, (unsigned char *)known, (size_t)n, NULL, 0);
    crypto_generichash(have, sizeof have, secret.data ? secret.data : (const void *)"", secret.len, NULL, 0);
    sodium_memzero(known, sizeof known);
    return sodium_memcmp(want, have, sizeof want) == 0 ? 0 : ERR_FORBIDDEN;
}

static void session_goaway(struct broker *b, struct session *s, int err)
{
    struct frame frame = { .command = FRAME_GOAWAY, .code = err_to_bus(err) };

    send_frame(b, s, &frame, NULL, (struct bytes) { 0 });
    session_mark_lost(b, s, err);
}

/* One process per store: a later opening fences the earlier one off. A process that comes back replaces itself. */
static int session_fence(struct broker *b, struct bytes role, struct id store, uint64_t epoch, struct id instance)
{
    struct session *other;

    TAILQ_FOREACH(other, &b->all, link)
    {
        bool same = id_equal(other->instance, instance);

        if (other->lost || (!same && (id_is_zero(store) || !id_equal(other->store, store))))
            continue;
        if (!bytes_equal(role, bytes_of_text(other->role)) || (!same && epoch <= other->epoch))
            return ERR_CONFLICT; /* ids are no secret: no role ends another one's session by saying its id */
        if (same)
            session_mark_lost(b, other, ERR_INTERRUPTED);
        else
            session_goaway(b, other, ERR_CONFLICT);
    }
    return 0;
}

/* Of this host libzmq tells uid and pid, of another one its address. */
static void session_peer(struct session *s, zmq_msg_t *raw)
{
    const char *address = raw ? zmq_msg_gets(raw, "Peer-Address") : NULL;
    unsigned gid;

    if (s->route.transport == TRANSPORT_REMOTE) {
        s->address = names_copy(bytes_of_text(address ? address : "-"));
        return;
    }
    address = address ? strchr(address, ':') : NULL;
    if (!address || sscanf(address, ":%u:%u:%u", &s->uid, &gid, &s->pid) != 3)
        s->pid = 0;
}

static void session_watch_pid(struct broker *b, struct session *s)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = s->serial };

    s->pidfd = s->pid && b->pids >= 0 ? (int)syscall(SYS_pidfd_open, (pid_t)s->pid, 0) : -1;
    if (s->pidfd >= 0)
        epoll_ctl(b->pids, EPOLL_CTL_ADD, s->pidfd, &event);
}

void session_pids(struct broker *b)
{
    struct epoll_event events[16];
    int n = epoll_wait(b->pids, events, 16, 0);

    for (int i = 0; i < n; i++) {
        struct session *s = session_of(b, events[i].data.u64);

        if (!s)
            continue;
        epoll_ctl(b->pids, EPOLL_CTL_DEL, s->pidfd, NULL);
        s->dying = true;
        timer_set(&b->timers, &s->timer, b->now_ms + BROKER_LAST_WORDS_MS);
    }
}

static void session_tick(void *ctx, struct timer *timer)
{
    struct session *s = HMAP_OF(timer, struct session, timer);
    struct broker *b = ctx;
    int64_t dead_at = s->heard_ms + (int64_t)b->settings->heartbeat_ms * BROKER_DEAD_AFTER;

    if (s->dying)
        session_mark_lost(b, s, ERR_WORKER_LOST);
    else if (b->now_ms >= dead_at)
        session_mark_lost(b, s, ERR_TIMEOUT);
    else
        timer_set(&b->timers, &s->timer, dead_at);
}

/* What `$sys.peers` says of a session: the registry that others watch. */
void session_announce(struct broker *b, struct session *s, bool gone)
{
    static const char *const lists[] = { "offers", "takes" };
    struct buf body = { 0 };
    char key[300], id[ID_TEXT_SIZE];
    int len = snprintf(key, sizeof key, "%s/%s", s->role, id_format(NULL, s->instance, id));

    if (!gone) {
        mp_put_map(&body, s->address ? 9 : 7);
        mp_put_str(&body, "role");
        mp_put_str(&body, s->role);
        mp_put_str(&body, "pid");
        mp_put_uint(&body, s->pid);
        mp_put_str(&body, "uid");
        mp_put_uint(&body, s->uid);
        if (s->address) {
            mp_put_str(&body, "name");
            mp_put_str(&body, s->name);
            mp_put_str(&body, "address");
            mp_put_str(&body, s->address);
        }
        mp_put_str(&body, "version");
        mp_put_str(&body, s->version);
        mp_put_str(&body, "since_ms");
        mp_put_uint(&body, (uint64_t)s->since_ms);
        for (unsigned list = 0; list < 2; list++) {
            uint32_t n = 0;

            for (uint32_t i = 0; i < s->handles_n; i++)
                n += list == 0 ? s->handles[i].offer != NULL : s->handles[i].taker != NULL;
            mp_put_str(&body, lists[list]);
            mp_put_array(&body, n);
            for (uint32_t i = 0; i < s->handles_n; i++) {
                if (list == 0 ? s->handles[i].offer != NULL : s->handles[i].taker != NULL)
                    mp_put_str(&body, s->handles[i].name);
            }
        }
    }
    value_set(b, "$sys.peers", bytes_of(key, (size_t)len), buf_bytes(&body), "-", -1);
    buf_free(&body);
}

/* A peer that was silent for a second may say what it may in a second at once. */
bool session_within_quota(struct broker *b, struct session *s)
{
    uint64_t per_s = b->settings->peer_per_s, silent = (uint64_t)(b->now_ms - s->quota_ms);

    s->quota = silent >= 1000 ? per_s * 1000 : s->quota + silent * per_s;
    s->quota_ms = b->now_ms;
    if (s->quota > per_s * 1000)
        s->quota = per_s * 1000;
    if (s->quota < 1000) {
        b->counters[BROKER_RATE_LIMITED]++;
        return false;
    }
    s->quota -= 1000;
    return true;
}

static struct session *session_new(struct broker *b, const struct route *route, zmq_msg_t *raw,
                                   const struct message *m, const struct curve_row *identity)
{
    struct session *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->route = *route;
    if (route->transport == TRANSPORT_REMOTE) {
        memcpy(s->key, identity->key, sizeof s->key);
        s->name = names_copy(bytes_of_text(identity->name));
    }
    s->serial = ++b->next_serial;
    s->role = names_copy(m->head.topic);
    s->version = names_copy(m->head.version);
    s->instance = frame_id(m->head.instance);
    s->store = frame_id(m->head.store);
    s->epoch = (uint32_t)m->head.epoch;
    s->since_ms = b->wall_ms;
    s->heard_ms = b->now_ms;
    s->quota_ms = b->now_ms - 1000;
    s->timer.fire = session_tick;
    TAILQ_INIT(&s->asked);
    LIST_INIT(&s->waits);
    LIST_INIT(&s->leases);
    LIST_INIT(&s->lanes);
    session_peer(s, raw);
    session_watch_pid(b, s);
    hmap_add(&b->sessions, &s->node, route_key(route));
    hmap_add(&b->serials, &s->by_serial, s->serial);
    TAILQ_INSERT_TAIL(&b->all, s, link);
    timer_set(&b->timers, &s->timer, b->now_ms + (int64_t)b->settings->heartbeat_ms * BROKER_DEAD_AFTER);
    return s;
}

static int session_admit(struct broker *b, const struct route *route, zmq_msg_t *raw, const struct message *m,
                         struct curve_row *ret_identity)
{
    struct id instance = frame_id(m->head.instance), store = frame_id(m->head.store);
    int r;

    if (m->frame.code != FRAME_VERSION)
        return ERR_VERSION;
    if (!frame_name_ok(m->head.topic) || id_is_zero(instance) || m->head.epoch > UINT32_MAX)
        return ERR_MALFORMED;
    if (route->transport == TRANSPORT_REMOTE)
        r = session_prove_key(b, raw ? zmq_msg_gets(raw, "User-Id") : NULL, m->head.topic, ret_identity);
    else
        r = session_prove(b, m->head.topic, m->head.secret);
    return r < 0 ? r : session_fence(b, m->head.topic, store, m->head.epoch, instance);
}

/* Before there is a session: the answer goes to the bare route. */
void session_refuse(struct broker *b, const struct route *route, int err)
{
    struct session nobody = { .serial = 0, .route = *route };
    struct frame frame = { .command = FRAME_ERROR, .code = err_to_bus(err), .handle = UINT32_MAX };

    send_frame(b, &nobody, &frame, NULL, (struct bytes) { 0 });
    if (nobody.lost)
        TAILQ_REMOVE(&b->lost, &nobody, lost_link);
}

/* Before a session is cut for what it said: it learns why. */
void session_end(struct broker *b, struct session *s, int err)
{
    struct frame frame = { .command = FRAME_ERROR, .code = err_to_bus(err), .handle = UINT32_MAX };

    send_frame(b, s, &frame, NULL, (struct bytes) { 0 });
    session_mark_lost(b, s, err);
}

static void session_log_refused(const struct route *route, zmq_msg_t *raw, const struct message *m, int err)
{
    const char *address = raw && route->transport == TRANSPORT_REMOTE ? zmq_msg_gets(raw, "Peer-Address") : NULL;

    log_line(LOG_AT_WARNING, "hello", "role=%.*s address=%s result=%s", (int)m->head.topic.len,
             m->head.topic.len ? (const char *)m->head.topic.data : "", address ? address : "local",
             err_name(err));
}

void session_hello(struct broker *b, const struct route *route, zmq_msg_t *raw, struct message *m)
{
    struct frame frame = { .command = FRAME_WELCOME,
                           .code = (uint16_t)b->settings->window,
                           .ms = (uint32_t)b->settings->heartbeat_ms };
    struct frame_head head = { .store = frame_of_id(&b->store_id), .incarnation = b->incarnation };
    struct curve_row identity = { .key = "" };
    struct session *s;
    int err = session_admit(b, route, raw, m, &identity);

    if (err) {
        b->counters[BROKER_REFUSED]++;
        session_log_refused(route, raw, m, err);
        session_refuse(b, route, err);
        return;
    }
    session_reap(b); /* whom it replaces leaves first: its leases wait for it */
    s = session_new(b, route, raw, m, &identity);
    send_frame(b, s, &frame, &head, (struct bytes) { 0 });
    session_announce(b, s, false);
    TAP(b, .kind = BUS_TAP_SESSION, .from = s->role, .to = "-", .name = bytes_of_text("hello"), .latency_us = -1);
}

void session_recheck(struct broker *b)
{
    struct curve_row row;
    struct session *s;

    if (!b->roster || roster_version(b->roster) == b->roster_seen)
        return;
    b->roster_seen = roster_version(b->roster);
    TAILQ_FOREACH(s, &b->all, link)
    {
        if (s->lost || s->route.transport != TRANSPORT_REMOTE)
            continue;
        if (session_prove_key(b, s->key, bytes_of_text(s->role), &row) < 0) {
            log_line(LOG_AT_WARNING, "revoked", "role=%s name=%s address=%s", s->role, s->name, s->address);
            session_goaway(b, s, ERR_FORBIDDEN);
        }
    }
}

/* What is sent to a process that died may fail before its end was noticed. */
static void session_look_at_process(struct session *s)
{
    struct pollfd fd = { s->pidfd, POLLIN, 0 };

    if (s->pidfd < 0 || s->goodbye || poll(&fd, 1, 0) <= 0)
        return;
    s->dying = true;
    s->lost_err = ERR_WORKER_LOST;
}

static void session_free(struct broker *b, struct session *s)
{
    session_look_at_process(s);
    send_row(b, s); /* its last words */
    TAP(b, .kind = BUS_TAP_SESSION, .from = s->role, .to = "-", .name = bytes_of_text("gone"), .latency_us = -1,
        .err = s->goodbye ? 0 : s->lost_err);
    if (!s->goodbye)
        log_line(LOG_AT_WARNING, "lost", "role=%s pid=%u address=%s result=%s", s->role, s->pid,
                 s->address ? s->address : "local", err_name(s->lost_err));
    hmap_del(&b->sessions, &s->node);
    hmap_del(&b->serials, &s->by_serial);
    TAILQ_REMOVE(&b->all, s, link);
    session_announce(b, s, true);
    if (s->tap)
        tap_gone(b, s->tap);
    for (uint32_t i = 0; i < s->handles_n; i++)
        names_close(b, s, &s->handles[i]);
    call_asker_gone(b, s);
    lease_session_gone(b, s);
    timer_stop(&b->timers, &s->timer);
    if (s->pidfd >= 0)
        close(s->pidfd);
    durable_lanes_free(s);
    free(s->handles);
    free(s->role);
    free(s->version);
    free(s->name);
    free(s->address);
    free(s);
}

void session_reap(struct broker *b)
{
    struct session *s;

    while ((s = TAILQ_FIRST(&b->lost))) {
        TAILQ_REMOVE(&b->lost, s, lost_link);
        session_free(b, s);
    }
}

void session_goodbye(struct broker *b, int err)
{
    struct session *s;

    TAILQ_FOREACH(s, &b->all, link)
    {
        if (!s->lost)
            session_goaway(b, s, err);
    }
    session_reap(b);
}

/* link - see link.h */
#include "web/front/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "gen/errors.h"
#include "schemas/wire/clock.h"

/* A call on its caller's stack, from link_call() to its answer. Everything in it is under the link's lock. */
struct link_slot {
    const struct link_call *call;
    struct buf *reply;
    pthread_cond_t answered;
    int err;
    bool done;
    uint64_t cid;
    struct link_slot *next;
};

struct link_value { /* to be set */
    char name[BUS_NAME_MAX + 1], key[BUS_KEY_MAX + 1];
    struct buf body;
    uint32_t ttl_ms;
    struct link_value *next;
};

struct link {
    struct bus *bus;
    const struct link_events *events;
    void *ctx;
    struct link_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    int wake; /* eventfd */
    bool stop;
    unsigned in_hand;
    struct link_slot *waiting;  /* not given to the bus yet, last one first */
    struct link_slot *underway; /* given to the bus */
    struct link_value *values;
    atomic_bool up;
    _Atomic int64_t down_since_ms;
};

static void link_wake(struct link *link)
{
    uint64_t one = 1;

    while (write(link->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

/* ---- what the bus says, on its thread */

static void link_up(void *ctx, const struct bus_welcome *welcome)
{
    struct link *link = ctx;

    atomic_store(&link->up, true);
}

static void link_down(void *ctx, int err)
{
    struct link *link = ctx;

    atomic_store(&link->down_since_ms, clock_mono_ms());
    atomic_store(&link->up, false);
    link->events->down(link->ctx);
    if (err == ERR_FORBIDDEN || err == ERR_CONFLICT)
        link->events->end(link->ctx, err);
}

/* Under the lock. */
static void link_finish(struct link *link, struct link_slot *slot, int err, struct bytes body)
{
    slot->err = err;
    if (body.len > 0)
        buf_put(slot->reply, body.data, body.len);
    slot->done = true;
    pthread_cond_signal(&slot->answered);
}

static void link_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct link *link = ctx;

    pthread_mutex_lock(&link->lock);
    for (struct link_slot **at = &link->underway; *at; at = &(*at)->next) {
        struct link_slot *slot = *at;

        if (slot->cid != cid)
            continue;
        *at = slot->next;
        link_finish(link, slot, err, body);
        break;
    }
    pthread_mutex_unlock(&link->lock);
}

static void link_on_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct link *link = ctx;

    link->events->value(link->ctx, name, key, body);
}

static void link_on_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                          struct bytes body)
{
    struct link *link = ctx;

    link->events->event(link->ctx, head, body);
    bus_cursor(link->bus, stream, at.seq);
}

static const struct bus_events link_bus_events = {
    .up = link_up,
    .down = link_down,
    .reply = link_reply,
    .value = link_on_value,
    .event = link_on_event,
};

/* ---- the thread */

static void link_send(struct link *link, struct link_slot *slot)
{
    struct bus_head head = { .trace = slot->call->trace,
                             .subject = slot->call->subject,
                             .idempotency = slot->call->idempotency };
    int r = bus_call(link->bus, slot->call->target, &head, slot->call->body, slot->call->deadline_ms, &slot->cid);

    if (r < 0) {
        link_finish(link, slot, r, bytes_of(NULL, 0));
        return;
    }
    slot->next = link->underway;
    link->underway = slot;
}

/* Takes over what other threads left. False: it is time to stop. */
static bool link_collect(struct link *link)
{
    struct link_slot *waiting, *next;
    struct link_value *values, *value;
    bool stop;

    pthread_mutex_lock(&link->lock);
    waiting = link->waiting;
    values = link->values;
    link->waiting = NULL;
    link->values = NULL;
    stop = link->stop;
    for (; waiting; waiting = next) {
        next = waiting->next;
        link_send(link, waiting);
    }
    pthread_mutex_unlock(&link->lock);
    while ((value = values)) {
        values = value->next;
        bus_set(link->bus, value->name, value->key, buf_bytes(&value->body), value->ttl_ms);
        buf_free(&value->body);
        free(value);
    }
    return !stop;
}

static void link_end(struct link *link)
{
    struct link_slot *next;

    pthread_mutex_lock(&link->lock);
    for (struct link_slot *slot = link->underway; slot; slot = next) {
        next = slot->next;
        link_finish(link, slot, ERR_INTERRUPTED, bytes_of(NULL, 0));
    }
    link->underway = NULL;
    pthread_mutex_unlock(&link->lock);
}

static void *link_main(void *ctx)
{
    struct link *link = ctx;

    while (link_collect(link)) {
        struct pollfd fds[2] = { { .fd = link->wake, .events = POLLIN },
                                 { .fd = bus_fd(link->bus), .events = POLLIN } };
        int timeout;
        uint64_t n;

        bus_process(link->bus, clock_mono_ms());
        link->events->tick(link->ctx, clock_mono_ms());
        fds[1].fd = bus_fd(link->bus);
        timeout = bus_timeout_ms(link->bus, clock_mono_ms());
        if (poll(fds, 2, timeout < 0 || timeout > 1000 ? 1000 : timeout) > 0 && fds[0].revents)
            while (read(link->wake, &n, sizeof(n)) < 0 && errno == EINTR)
                ;
    }
    link_end(link);
    return NULL;
}

/* The stream of an event's name is its first word. */
static int link_follow(struct link *link, const char *name)
{
    char stream[BUS_NAME_MAX + 1];
    const char *dot = strchr(name, '.');
    struct bus_cursor from = { .seq = BUS_FROM_END };

    if (!dot || (size_t)(dot - name) >= sizeof(stream))
        return ERR_INVALID;
    memcpy(stream, name, (size_t)(dot - name));
    stream[dot - name] = '\0';
    return bus_follow(link->bus, stream, name, NULL, from);
}

int link_new(const struct link_options *options, const struct link_events *events, void *ctx,
             struct link **ret_link)
{
    struct link *link = calloc(1, sizeof(*link));
    int r;

    if (!link)
        abort();
    link->options = *options;
    link->events = events;
    link->ctx = ctx;
    atomic_store(&link->down_since_ms, clock_mono_ms());
    pthread_mutex_init(&link->lock, NULL);
    link->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = link->wake < 0 ? ERR_IO : bus_new(&options->bus, &link_bus_events, link, &link->bus);
    for (size_t i = 0; r == 0 && i < options->watch_n; i++)
        r = bus_watch(link->bus, options->watch[i]);
    for (size_t i = 0; r == 0 && i < options->follow_n; i++)
        r = link_follow(link, options->follow[i]);
    *ret_link = link; /* before its thread begins: what it tells may need it */
    if (r == 0 && pthread_create(&link->thread, NULL, link_main, link) != 0)
        r = ERR_NO_MEMORY;
    if (r < 0) {
        if (link->bus)
            bus_close(&link->bus, 0);
        if (link->wake >= 0)
            close(link->wake);
        free(link);
        *ret_link = NULL;
    }
    return r;
}

void link_close(struct link **link_at)
{
    struct link *link = *link_at;

    if (!link)
        return;
    pthread_mutex_lock(&link->lock);
    link->stop = true;
    pthread_mutex_unlock(&link->lock);
    link_wake(link);
    pthread_join(link->thread, NULL);
    bus_close(&link->bus, 500);
    close(link->wake);
    pthread_mutex_destroy(&link->lock);
    free(link);
    *link_at = NULL;
}

bool link_is_up(const struct link *link)
{
    return atomic_load(&link->up);
}

/* ---- any thread */

int link_call(struct link *link, const struct link_call *call, struct buf *ret_reply)
{
    struct link_slot slot = { .call = call, .reply = ret_reply };

    buf_reset(ret_reply);
    if (!link_is_up(link) && clock_mono_ms() - atomic_load(&link->down_since_ms) > LINK_DOWN_MS)
        return ERR_UNAVAILABLE;
    pthread_cond_init(&slot.answered, NULL);
    pthread_mutex_lock(&link->lock);
    if (link->stop || link->in_hand >= LINK_CALLS) {
        slot.err = link->stop ? ERR_INTERRUPTED : ERR_BUSY;
    } else {
        link->in_hand++;
        slot.next = link->waiting; /* on this stack until slot.done, under the lock */
        // cppcheck-suppress autoVariables
        link->waiting = &slot;
        link_wake(link);
        while (!slot.done)
            pthread_cond_wait(&slot.answered, &link->lock);
        link->in_hand--;
    }
    pthread_mutex_unlock(&link->lock);
    pthread_cond_destroy(&slot.answered);
    return slot.err;
}

static bool link_may_change(int err)
{
    return err_retryable(err) || err == ERR_WORKER_LOST || err == ERR_TIMEOUT;
}

int link_retry(struct link *link, const struct link_call *call, unsigned again_ms, struct buf *ret_reply)
{
    int64_t end = clock_mono_ms() + again_ms;
    unsigned pause_ms = 20;
    int r;

    for (;;) {
        r = link_call(link, call, ret_reply);
        if (r == 0 || !link_may_change(r) || r == ERR_STORE_FULL || r == ERR_RATE_LIMITED ||
            clock_mono_ms() + pause_ms > end)
            return r;
        nanosleep(&(struct timespec) { .tv_nsec = (long)pause_ms * 1000000 }, NULL);
        pause_ms = pause_ms < 500 ? pause_ms * 2 : 500;
    }
}

void link_set(struct link *link, const char *name, const char *key, struct bytes body, uint32_t ttl_ms)
{
    struct link_value *value = calloc(1, sizeof(*value));

    if (!value)
        abort();
    strncpy(value->name, name, sizeof(value->name) - 1);
    strncpy(value->key, key, sizeof(value->key) - 1);
    buf_put(&value->body, body.data, body.len);
    value->ttl_ms = ttl_ms;
    pthread_mutex_lock(&link->lock);
    value->next = link->values;
    link->values = value;
    pthread_mutex_unlock(&link->lock);
    link_wake(link);
}

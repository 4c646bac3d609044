/* hub - see hub.h */
#include "web/front/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "gen/errors.h"

struct hub_listener {
    bool used;
    struct id user;
    struct buf ring[HUB_RING];
    unsigned first, n; /* ring[first .. first + n) modulo HUB_RING */
    unsigned dropped;
};

struct hub {
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool stop;
    struct hub_listener listeners[HUB_LISTENERS];
};

struct hub *hub_new(void)
{
    struct hub *hub = calloc(1, sizeof(*hub));
    pthread_condattr_t attr;

    if (!hub)
        abort();
    pthread_mutex_init(&hub->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->news, &attr);
    pthread_condattr_destroy(&attr);
    return hub;
}

void hub_free(struct hub **hub)
{
    if (!*hub)
        return;
    pthread_cond_destroy(&(*hub)->news);
    pthread_mutex_destroy(&(*hub)->lock);
    free(*hub);
    *hub = NULL;
}

void hub_stop(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->stop = true;
    pthread_cond_broadcast(&hub->news);
    pthread_mutex_unlock(&hub->lock);
}

unsigned hub_count(struct hub *hub)
{
    unsigned n = 0;

    pthread_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < HUB_LISTENERS; i++)
        n += hub->listeners[i].used;
    pthread_mutex_unlock(&hub->lock);
    return n;
}

int hub_join(struct hub *hub, struct id user, struct hub_listener **ret)
{
    struct hub_listener *free_one = NULL;
    unsigned same = 0;
    int r = 0;

    pthread_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < HUB_LISTENERS; i++) {
        struct hub_listener *l = &hub->listeners[i];

        if (!l->used)
            free_one = l;
        else
            same += id_equal(l->user, user);
    }
    if (same >= HUB_PER_USER)
        r = ERR_RATE_LIMITED;
    else if (!free_one || hub->stop)
        r = ERR_BUSY;
    else
        *free_one = (struct hub_listener) { .used = true, .user = user };
    pthread_mutex_unlock(&hub->lock);
    if (r == 0)
        *ret = free_one;
    return r;
}

void hub_leave(struct hub *hub, struct hub_listener **listener)
{
    pthread_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < HUB_RING; i++)
        buf_free(&(*listener)->ring[i]);
    (*listener)->used = false;
    pthread_mutex_unlock(&hub->lock);
    *listener = NULL;
}

static void hub_put(struct hub_listener *l, struct bytes message)
{
    struct buf *slot;

    if (l->n == HUB_RING) {
        l->first = (l->first + 1) % HUB_RING;
        l->n--;
        l->dropped++;
    }
    slot = &l->ring[(l->first + l->n++) % HUB_RING];
    buf_reset(slot);
    buf_put(slot, message.data, message.len);
}

void hub_publish(struct hub *hub, struct id user, struct bytes message)
{
    pthread_mutex_lock(&hub->lock);
    for (unsigned i = 0; i < HUB_LISTENERS; i++)
        if (hub->listeners[i].used && id_equal(hub->listeners[i].user, user))
            hub_put(&hub->listeners[i], message);
    pthread_cond_broadcast(&hub->news);
    pthread_mutex_unlock(&hub->lock);
}

static struct timespec hub_until(unsigned wait_ms)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += wait_ms / 1000;
    ts.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    return ts;
}

enum hub_got hub_take(struct hub *hub, struct hub_listener *listener, unsigned wait_ms, struct buf *ret)
{
    struct timespec until = hub_until(wait_ms);
    enum hub_got got;

    buf_reset(ret);
    pthread_mutex_lock(&hub->lock);
    while (!hub->stop && listener->n == 0)
        if (pthread_cond_timedwait(&hub->news, &hub->lock, &until) == ETIMEDOUT)
            break;
    got = hub->stop ? HUB_END : listener->n > 0 ? HUB_MESSAGE : HUB_QUIET;
    if (listener->dropped > 0)
        buf_printf(ret, "event: lost\ndata: {\"messages\":%u}\n\n", listener->dropped);
    listener->dropped = 0;
    for (; listener->n > 0; listener->n--) {
        struct buf *slot = &listener->ring[listener->first];

        buf_put(ret, slot->data, slot->len);
        listener->first = (listener->first + 1) % HUB_RING;
    }
    pthread_mutex_unlock(&hub->lock);
    return got;
}

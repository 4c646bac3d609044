/* hub - see hub.h */
#include "web/front/hub.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sodium.h>

#include "gen/errors.h"

struct hub_message {
    struct id user;
    struct buf text;
};

struct hub_listener {
    bool used;
    struct id user;
    uint64_t next; /* message to be told */
    bool waiting;  /* there is one for it, from next on */
    bool lost;     /* some are not there any more */
    int wake;      /* eventfd */
};

struct hub {
    pthread_mutex_t lock;
    bool stop;
    uint32_t epoch;
    uint64_t end; /* of the next message; those from end - HUB_RING on are kept */
    struct hub_message ring[HUB_RING];
    struct hub_listener listeners[HUB_LISTENERS];
};

struct hub *hub_new(void)
{
    struct hub *hub = calloc(1, sizeof(*hub));

    if (!hub)
        abort();
    pthread_mutex_init(&hub->lock, NULL);
    hub->epoch = randombytes_random();
    hub->end = 1;
    return hub;
}

void hub_free(struct hub **hub)
{
    if (!*hub)
        return;
    for (unsigned i = 0; i < HUB_RING; i++)
        buf_free(&(*hub)->ring[i].text);
    pthread_mutex_destroy(&(*hub)->lock);
    free(*hub);
    *hub = NULL;
}

static void hub_wake(struct hub_listener *l)
{
    uint64_t one = 1;

    while (write(l->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void hub_stop(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    hub->stop = true;
    for (unsigned i = 0; i < HUB_LISTENERS; i++)
        if (hub->listeners[i].used)
            hub_wake(&hub->listeners[i]);
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

/* ---- coming and going */

static uint64_t hub_oldest(const struct hub *hub)
{
    return hub->end > HUB_RING ? hub->end - HUB_RING : 1;
}

/* Where somebody stands who saw this id last. False: nobody knows what came since. */
static bool hub_after(const struct hub *hub, const char *last_id, uint64_t *ret)
{
    uint32_t epoch;
    int used = 0;

    if (sscanf(last_id, "%8" SCNx32 "-%19" SCNu64 "%n", &epoch, ret, &used) != 2 || last_id[used])
        return false;
    ++*ret;
    return epoch == hub->epoch && *ret >= hub_oldest(hub) && *ret <= hub->end;
}

static void hub_begin(const struct hub *hub, struct hub_listener *l, struct id user, const char *last_id, int wake)
{
    *l = (struct hub_listener) { .used = true, .user = user, .next = hub->end, .wake = wake };
    if (!last_id || !*last_id)
        return;
    if (hub_after(hub, last_id, &l->next)) {
        l->waiting = l->next < hub->end;
    } else {
        l->next = hub->end;
        l->lost = true;
    }
}

int hub_join(struct hub *hub, struct id user, const char *last_id, struct hub_listener **ret)
{
    struct hub_listener *free_one = NULL;
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), r = 0;
    unsigned same = 0;

    if (wake < 0)
        return ERR_BUSY;
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
        hub_begin(hub, free_one, user, last_id, wake);
    pthread_mutex_unlock(&hub->lock);
    if (r == 0)
        *ret = free_one;
    else
        close(wake);
    return r;
}

void hub_leave(struct hub *hub, struct hub_listener **listener)
{
    pthread_mutex_lock(&hub->lock);
    close((*listener)->wake);
    (*listener)->used = false;
    pthread_mutex_unlock(&hub->lock);
    *listener = NULL;
}

static void hub_id(const struct hub *hub, uint64_t number, struct buf *ret)
{
    buf_printf(ret, "id: %08" PRIx32 "-%" PRIu64 "\n", hub->epoch, number);
}

void hub_hello(struct hub *hub, struct hub_listener *listener, struct buf *ret)
{
    pthread_mutex_lock(&hub->lock);
    hub_id(hub, listener->next - 1, ret);
    pthread_mutex_unlock(&hub->lock);
}

/* ---- messages */

/* Who has nothing to be told moves on with the others' messages; who has, stays where it stands. */
static void hub_tell(struct hub *hub, struct hub_listener *l, struct id user)
{
    if (id_equal(l->user, user)) {
        l->waiting = true;
        hub_wake(l);
    } else if (!l->waiting) {
        l->next = hub->end;
    }
    if (l->next < hub_oldest(hub)) {
        l->next = hub_oldest(hub);
        l->lost = true;
    }
}

void hub_publish(struct hub *hub, struct id user, struct bytes message)
{
    struct hub_message *place;

    pthread_mutex_lock(&hub->lock);
    place = &hub->ring[hub->end++ % HUB_RING];
    place->user = user;
    buf_reset(&place->text);
    buf_put(&place->text, message.data, message.len);
    for (unsigned i = 0; i < HUB_LISTENERS; i++)
        if (hub->listeners[i].used)
            hub_tell(hub, &hub->listeners[i], user);
    pthread_mutex_unlock(&hub->lock);
}

static enum hub_got hub_look(struct hub *hub, struct hub_listener *l, struct buf *ret)
{
    enum hub_got got;
    uint64_t n;

    while (read(l->wake, &n, sizeof(n)) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&hub->lock);
    got = hub->stop ? HUB_END : l->waiting || l->lost ? HUB_MESSAGE : HUB_QUIET;
    if (l->lost)
        buf_put_text(ret, "event: lost\ndata: {}\n\n");
    for (; l->waiting && l->next < hub->end; l->next++) {
        const struct hub_message *m = &hub->ring[l->next % HUB_RING];

        if (!id_equal(m->user, l->user))
            continue;
        hub_id(hub, l->next, ret);
        buf_put(ret, m->text.data, m->text.len);
    }
    if (got == HUB_MESSAGE && ret->len == 0)
        got = HUB_QUIET; /* all that came since was for others */
    l->waiting = l->lost = false;
    pthread_mutex_unlock(&hub->lock);
    return got;
}

enum hub_got hub_take(struct hub *hub, struct hub_listener *listener, int client, unsigned wait_ms,
                      struct buf *ret)
{
    struct pollfd fds[2] = { { .fd = listener->wake, .events = POLLIN }, { .fd = client, .events = POLLRDHUP } };
    enum hub_got got;

    buf_reset(ret);
    got = hub_look(hub, listener, ret);
    if (got != HUB_QUIET)
        return got;
    poll(fds, 2, (int)wait_ms);
    return fds[1].revents ? HUB_GONE : hub_look(hub, listener, ret);
}

/* uploads - see uploads.h */
#include "web/front/uploads.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "gen/errors.h"
#include "web/front/departed.h"
#include "web/front/front.h"

struct place {
    struct id id;
    int fd; /* of the connection that its bytes come by; -1: none is known */
    bool cut;
    int64_t window_at_ms; /* since when the rate is taken, and what had come until then */
    uint64_t window_from;
};

struct uploads {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool stopping;
    unsigned n, max, wait_ms;
    struct place places[]; /* places[0 .. n) are taken */
};

struct uploads *uploads_new(unsigned max, unsigned wait_ms)
{
    struct uploads *u = calloc(1, sizeof(*u) + max * sizeof(u->places[0]));
    pthread_condattr_t attr;

    if (!u)
        abort();
    u->max = max;
    u->wait_ms = wait_ms;
    pthread_mutex_init(&u->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&u->ended, &attr);
    pthread_condattr_destroy(&attr);
    return u;
}

void uploads_free(struct uploads **uploads)
{
    if (!*uploads)
        return;
    pthread_cond_destroy(&(*uploads)->ended);
    pthread_mutex_destroy(&(*uploads)->lock);
    free(*uploads);
    *uploads = NULL;
}

/* ---- what the kernel knows of a connection; all below is called under the lock, while the place's request lives */

static bool place_heard(const struct place *p, struct tcp_info *ret)
{
    socklen_t len = sizeof(*ret);

    return p->fd >= 0 && getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, ret, &len) == 0 && len >= sizeof(*ret);
}

static bool place_silent(const struct place *p)
{
    struct tcp_info info;

    return place_heard(p, &info) && info.tcpi_last_data_recv >= UPLOADS_SILENT_MS;
}

/* Judged over at least UPLOADS_SLOW_MS; the next judgement begins where this one ends. */
static bool place_slow(struct place *p)
{
    int64_t passed = front_monotonic() - p->window_at_ms;
    struct tcp_info info;
    bool slow;

    if (passed < UPLOADS_SLOW_MS || !place_heard(p, &info))
        return false;
    slow = (info.tcpi_bytes_received - p->window_from) * 1000 / (uint64_t)passed < UPLOADS_SLOW;
    p->window_from = info.tcpi_bytes_received;
    p->window_at_ms += passed;
    return slow;
}

static void place_cut(struct place *p)
{
    if (p->fd >= 0 && !p->cut)
        shutdown(p->fd, SHUT_RD);
    p->cut = true;
}

/* ---- the places */

static struct place *uploads_find(struct uploads *u, struct id id)
{
    for (unsigned i = 0; i < u->n; i++)
        if (id_equal(u->places[i].id, id))
            return &u->places[i];
    return NULL;
}

static void uploads_add(struct uploads *u, struct id id, int fd)
{
    struct place *p = &u->places[u->n++];
    struct tcp_info info;

    *p = (struct place) { .id = id, .fd = fd, .window_at_ms = front_monotonic() };
    if (place_heard(p, &info))
        p->window_from = info.tcpi_bytes_received;
    if (u->stopping)
        place_cut(p);
}

/* The one who writes it ends, or the time does. 1: there was one. */
static int uploads_wait(struct uploads *u, struct id id, enum uploads_how how)
{
    int64_t end = front_monotonic() + u->wait_ms;
    struct place *p;
    int waited = 0;

    while ((p = uploads_find(u, id)) != NULL) {
        struct timespec until;

        if (how == UPLOADS_TAKE || place_silent(p))
            place_cut(p);
        if (front_monotonic() >= end)
            return ERR_LOCKED;
        waited = 1;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 50000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&u->ended, &u->lock, &until);
    }
    return waited;
}

int uploads_begin(struct uploads *uploads, struct id id, const struct mg_request_info *request,
                  enum uploads_how how)
{
    int fd = request ? departed_find(request) : -1, r;

    pthread_mutex_lock(&uploads->lock);
    r = uploads_wait(uploads, id, how);
    if (r >= 0 && uploads->n == uploads->max) {
        for (unsigned i = 0; i < uploads->n; i++)
            if (place_slow(&uploads->places[i]))
                place_cut(&uploads->places[i]);
        r = ERR_BUSY; /* whoever asks again finds what they leave */
    }
    if (r >= 0)
        uploads_add(uploads, id, fd);
    pthread_mutex_unlock(&uploads->lock);
    return r;
}

void uploads_end(struct uploads *uploads, struct id id)
{
    struct place *p;

    pthread_mutex_lock(&uploads->lock);
    p = uploads_find(uploads, id);
    if (p)
        *p = uploads->places[--uploads->n];
    pthread_cond_broadcast(&uploads->ended);
    pthread_mutex_unlock(&uploads->lock);
}

void uploads_stop(struct uploads *uploads)
{
    pthread_mutex_lock(&uploads->lock);
    uploads->stopping = true;
    for (unsigned i = 0; i < uploads->n; i++)
        place_cut(&uploads->places[i]);
    pthread_mutex_unlock(&uploads->lock);
}

#include "broker/server/zap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include "actors/runtime/log.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

enum zap_part {
    ZAP_VERSION,
    ZAP_REQUEST,
    ZAP_DOMAIN,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_KEY,
    ZAP_PARTS
};
enum { ZAP_PART_MAX = 255, ZAP_RAW_KEY = 32 };

struct zap {
    void *socket;
    struct roster *roster;
    pthread_t thread;
    int stop;
    _Atomic uint64_t refused;
    time_t said_at;
    uint64_t unsaid;
};

/* A question; parts that are longer than any of ours are cut, and then fit nothing. */
struct zap_ask {
    char part[ZAP_PARTS][ZAP_PART_MAX + 1];
    size_t len[ZAP_PARTS], n;
};

/* False: none is waiting. */
static bool zap_receive(void *socket, struct zap_ask *ask)
{
    int more = 1;
    size_t size = sizeof more;

    *ask = (struct zap_ask) { .n = 0 };
    while (more) {
        char spare[ZAP_PART_MAX + 1], *to = ask->n < ZAP_PARTS ? ask->part[ask->n] : spare;
        int n = zmq_recv(socket, to, ZAP_PART_MAX, ZMQ_DONTWAIT);

        if (n < 0)
            return false;
        if (ask->n < ZAP_PARTS)
            ask->len[ask->n] = n < ZAP_PART_MAX ? (size_t)n : ZAP_PART_MAX;
        ask->n++;
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size);
    }
    return true;
}

static bool zap_is(const struct zap_ask *ask, enum zap_part part, const char *text)
{
    return ask->len[part] == strlen(text) && memcmp(ask->part[part], text, ask->len[part]) == 0;
}

/* The key of the question, when it may in. */
static int zap_judge(struct zap *zap, const struct zap_ask *ask, char key[static CURVE_KEY + 1],
                     char why[static 256])
{
    struct curve_row row;

    snprintf(why, 256, "not CURVE");
    if (ask->n != ZAP_PARTS || !zap_is(ask, ZAP_VERSION, "1.0") || !zap_is(ask, ZAP_DOMAIN, "bus") ||
        !zap_is(ask, ZAP_MECHANISM, "CURVE") || ask->len[ZAP_KEY] != ZAP_RAW_KEY)
        return ERR_FORBIDDEN;
    if (!zmq_z85_encode(key, (const uint8_t *)ask->part[ZAP_KEY], ZAP_RAW_KEY))
        return ERR_FORBIDDEN;
    return roster_find(zap->roster, key, &row, why);
}

static void zap_answer(void *socket, const struct zap_ask *ask, bool good, const char *key)
{
    const char *parts[] = { "1.0", NULL, good ? "200" : "400", good ? "ok" : "refused", good ? key : "", "" };

    for (size_t i = 0; i < 6; i++) {
        const char *text = parts[i] ? parts[i] : ask->part[ZAP_REQUEST];
        size_t len = parts[i] ? strlen(text) : ask->len[ZAP_REQUEST];

        zmq_send(socket, text, len, i < 5 ? ZMQ_SNDMORE : 0);
    }
}

/* Who knocks all the time must not fill the disk. */
static void zap_tell(struct zap *zap, const struct zap_ask *ask, const char *why)
{
    int64_t now = clock_mono_ms() / 1000;
    char address[120], sentence[300];

    zap->refused++;
    if (zap->said_at && now == zap->said_at) {
        zap->unsaid++;
        return;
    }
    zap->said_at = now;
    log_line(LOG_AT_WARNING, "key-refused", "address=%s why=%s unsaid=%llu",
             log_quote(ask->part[ZAP_ADDRESS], address, sizeof address), log_quote(why, sentence, sizeof sentence),
             (unsigned long long)zap->unsaid);
    zap->unsaid = 0;
}

static void *zap_run(void *ctx)
{
    struct zap *zap = ctx;
    zmq_pollitem_t items[] = { { zap->socket, 0, ZMQ_POLLIN, 0 }, { NULL, zap->stop, ZMQ_POLLIN, 0 } };
    struct zap_ask ask;

    while (!items[1].revents) {
        char key[CURVE_KEY + 1] = "", why[256];
        int r = zmq_poll(items, 2, -1);

        if (r < 0 && errno != EINTR)
            break; /* nobody answers any more: nobody gets in */
        if (r < 0 || !zap_receive(zap->socket, &ask))
            continue;
        r = zap_judge(zap, &ask, key, why);
        if (r < 0)
            zap_tell(zap, &ask, why);
        zap_answer(zap->socket, &ask, r == 0, key);
    }
    return NULL;
}

int zap_start(void *zmq, struct roster *roster, struct zap **ret)
{
    struct zap *zap = calloc(1, sizeof *zap);
    int none = 0;

    if (!zap)
        abort();
    zap->roster = roster;
    zap->stop = eventfd(0, EFD_CLOEXEC);
    zap->socket = zmq_socket(zmq, ZMQ_REP);
    if (zap->socket)
        zmq_setsockopt(zap->socket, ZMQ_LINGER, &none, sizeof none);
    if (zap->stop < 0 || !zap->socket || zmq_bind(zap->socket, "inproc://zeromq.zap.01") < 0 ||
        pthread_create(&zap->thread, NULL, zap_run, zap) != 0) {
        if (zap->socket)
            zmq_close(zap->socket);
        if (zap->stop >= 0)
            close(zap->stop);
        free(zap);
        return ERR_NO_MEMORY;
    }
    *ret = zap;
    return 0;
}

void zap_stop(struct zap **at)
{
    struct zap *zap = *at;
    uint64_t one = 1;

    *at = NULL;
    if (!zap)
        return;
    if (write(zap->stop, &one, sizeof one) == (ssize_t)sizeof one)
        pthread_join(zap->thread, NULL);
    zmq_close(zap->socket);
    close(zap->stop);
    free(zap);
}

uint64_t zap_refused(const struct zap *zap)
{
    return zap ? atomic_load(&zap->refused) : 0;
}

/* beanstalkd: its text protocol over one connection, commands in a pipeline. */
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bus/race/driver.h"

struct beanstalkd {
    int fd;
    char *out; /* what is written next */
    size_t out_n, out_cap;
    char in[65536]; /* in[at..n): read, and not yet taken apart */
    size_t at, n;
};

static void *beanstalkd_open(const struct race *race)
{
    struct beanstalkd *me = calloc(1, sizeof *me);
    char host[64];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)race_host(race->where, host)) };
    int on = 1;

    if (!me)
        race_fail("no memory");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    me->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(me->fd, (struct sockaddr *)&address, sizeof address) < 0)
        race_fail("beanstalkd: %s does not answer", race->where);
    setsockopt(me->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return me;
}

static void beanstalkd_add(struct beanstalkd *me, const char *text, size_t len)
{
    if (me->out_n + len > me->out_cap) {
        me->out_cap = 2 * (me->out_n + len);
        me->out = realloc(me->out, me->out_cap);
        if (!me->out)
            race_fail("no memory");
    }
    memcpy(me->out + me->out_n, text, len);
    me->out_n += len;
}

static void beanstalkd_flush(struct beanstalkd *me)
{
    for (size_t at = 0; at < me->out_n;) {
        ssize_t n = write(me->fd, me->out + at, me->out_n - at);

        if (n <= 0)
            race_fail("beanstalkd: the connection is lost");
        at += (size_t)n;
    }
    me->out_n = 0;
}

static void beanstalkd_fill(struct beanstalkd *me)
{
    ssize_t n;

    memmove(me->in, me->in + me->at, me->n - me->at);
    me->n -= me->at;
    me->at = 0;
    n = read(me->fd, me->in + me->n, sizeof me->in - me->n);
    if (n <= 0)
        race_fail("beanstalkd: the connection is lost");
    me->n += (size_t)n;
}

/* The next line, without its end; valid until the next call. wait false: NULL when none is here yet. */
static const char *beanstalkd_line(struct beanstalkd *me, int wait)
{
    for (;;) {
        char *end = memmem(me->in + me->at, me->n - me->at, "\r\n", 2), *line = me->in + me->at;

        if (end) {
            *end = '\0';
            me->at = (size_t)(end + 2 - me->in);
            return line;
        }
        if (!wait)
            return NULL;
        beanstalkd_fill(me);
    }
}

static void beanstalkd_publish(void *ctx, const struct race *race, uint64_t n)
{
    struct beanstalkd *me = ctx;
    uint64_t sent = 0, confirmed = 0;
    char put[64];
    int len = snprintf(put, sizeof put, "put 1 0 600 %zu\r\n", race->size);

    while (confirmed < n) {
        for (; sent < n && sent - confirmed < race->window; sent++) {
            beanstalkd_add(me, put, (size_t)len);
            beanstalkd_add(me, race->body, race->size);
            beanstalkd_add(me, "\r\n", 2);
        }
        beanstalkd_flush(me);
        for (const char *line = beanstalkd_line(me, 1); line; line = beanstalkd_line(me, 0), confirmed++)
            if (strncmp(line, "INSERTED", 8) != 0)
                race_fail("beanstalkd: %s", line);
    }
}

static void beanstalkd_take(void *ctx, const struct race *race, uint64_t n)
{
    struct beanstalkd *me = ctx;

    for (uint64_t done = 0; done < n;) {
        uint64_t now = n - done < race->window ? n - done : race->window;
        char text[64];

        for (uint64_t i = 0; i < now; i++)
            beanstalkd_add(me, "reserve\r\n", 9);
        beanstalkd_flush(me);
        for (uint64_t i = 0; i < now; i++) {
            unsigned long long id;
            size_t size;

            if (sscanf(beanstalkd_line(me, 1), "RESERVED %llu %zu", &id, &size) != 2)
                race_fail("beanstalkd: nothing to take");
            while (me->n - me->at < size + 2)
                beanstalkd_fill(me);
            me->at += size + 2;
            beanstalkd_add(me, text, (size_t)snprintf(text, sizeof text, "delete %llu\r\n", id));
        }
        beanstalkd_flush(me);
        for (uint64_t i = 0; i < now; i++)
            if (strcmp(beanstalkd_line(me, 1), "DELETED") != 0)
                race_fail("beanstalkd: a job was not deleted");
        done += now;
    }
}

static void beanstalkd_close(void *ctx)
{
    struct beanstalkd *me = ctx;

    close(me->fd);
    free(me->out);
    free(me);
}

const struct driver driver_beanstalkd = {
    .name = "beanstalkd",
    .open = beanstalkd_open,
    .publish = beanstalkd_publish,
    .take = beanstalkd_take,
    .close = beanstalkd_close,
};

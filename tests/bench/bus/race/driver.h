/* driver - one message broker as a producer and a consumer see it, for a race of several under the same load.
 *
 * Every driver talks to a server that runs already, over its own client library, the way that the library's users
 * do: what may be pipelined is. All functions end the program with a sentence when the server refuses: a race with
 * an error in it has no result. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct race {
    const char *where;  /* the server: a host:port of this machine, or an endpoint */
    const char *secret; /* where the server wants one, else "" */
    const char *body;   /* the same for all messages */
    size_t size;
    unsigned window; /* messages under way at most: published and not confirmed, or taken and not acknowledged */
    unsigned batch;  /* messages in one request, where the protocol has such a thing; at most window */
};

struct driver {
    const char *name;
    /* Connects and makes what it needs (queue, stream, table) when it is not there. */
    void *(*open)(const struct race *race);
    /* Returns when n messages are confirmed as durable. */
    void (*publish)(void *ctx, const struct race *race, uint64_t n);
    /* Returns when n messages were taken and their acknowledgement is with the server. NULL: not raced. */
    void (*take)(void *ctx, const struct race *race, uint64_t n);
    /* Returns when n calls were answered by the worker behind the server. NULL: not raced. */
    void (*call)(void *ctx, const struct race *race, uint64_t n);
    void (*close)(void *ctx);
};

extern const struct driver driver_kinobus, driver_redis, driver_jetstream, driver_rabbitmq, driver_beanstalkd,
    driver_postgresql, driver_zmq_proxy;

/* Says what went wrong and ends the program. */
__attribute__((noreturn, format(printf, 1, 2))) void race_fail(const char *format, ...);
/* "host:port" taken apart; the port is returned. */
int race_host(const char *where, char host[static 64]);

/* race - publishes, takes or calls through one broker, and prints how fast that went.
 *
 *     bus_race DRIVER WHERE SECRET publish|take|call N WINDOW BATCH
 *
 * Prints `seconds=S`, the time from the first message to the last confirmation, without the time to connect. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/bus/race/driver.h"

enum { RACE_BODY = 256 };

static const struct driver *const drivers[] = {
    &driver_kinobus,    &driver_redis,      &driver_jetstream, &driver_rabbitmq,
    &driver_beanstalkd, &driver_postgresql, &driver_zmq_proxy,
};

void race_fail(const char *format, ...)
{
    va_list args;

    fputs("bus_race: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

int race_host(const char *where, char host[static 64])
{
    const char *colon = strrchr(where, ':');

    if (!colon || colon - where > 63)
        race_fail("%s: not host:port", where);
    memcpy(host, where, (size_t)(colon - where));
    host[colon - where] = '\0';
    return atoi(colon + 1);
}

static double race_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const struct driver *race_driver(const char *name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    race_fail("there is no driver %s", name);
}

int main(int argc, char **argv)
{
    static char body[RACE_BODY];
    struct race race = { .body = body, .size = sizeof body };
    const struct driver *driver;
    void (*leg)(void *, const struct race *, uint64_t);
    uint64_t n;
    double began;
    void *ctx;

    if (argc != 8) {
        fputs("usage: bus_race DRIVER WHERE SECRET publish|take|call N WINDOW BATCH\n", stderr);
        return 64;
    }
    memset(body, 'x', sizeof body);
    driver = race_driver(argv[1]);
    race.where = argv[2];
    race.secret = argv[3];
    leg = strcmp(argv[4], "publish") == 0 ? driver->publish
          : strcmp(argv[4], "take") == 0  ? driver->take
          : strcmp(argv[4], "call") == 0  ? driver->call
                                          : NULL;
    n = strtoull(argv[5], NULL, 10);
    race.window = (unsigned)strtoul(argv[6], NULL, 10);
    race.batch = (unsigned)strtoul(argv[7], NULL, 10);
    if (!leg || !n || !race.window || !race.batch || race.batch > race.window)
        race_fail("%s does not race %s with these numbers", argv[1], argv[4]);
    ctx = driver->open(&race);
    began = race_now();
    leg(ctx, &race, n);
    printf("seconds=%.6f\n", race_now() - began);
    driver->close(ctx);
    return 0;
}

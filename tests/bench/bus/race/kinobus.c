/* Kinobus: durable jobs of one owner through its window; leases and their ends; calls to a worker process. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/client/bus.h"
#include "gen/errors.h"
#include "tests/bench/bus/race/driver.h"

struct owner {
    struct bus *bus;
    bool up, early; /* early: the worker may not have offered itself yet */
    uint64_t seq, confirmed, settled, replies;
    pid_t worker;
};

static int64_t kinobus_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void kinobus_pump(struct owner *me)
{
    struct pollfd fd = { bus_fd(me->bus), POLLIN, 0 };

    bus_flush(me->bus);
    poll(&fd, 1, bus_timeout_ms(me->bus, kinobus_now()));
    bus_process(me->bus, kinobus_now());
}

static void on_up(void *ctx, const struct bus_welcome *welcome)
{
    (void)welcome;
    ((struct owner *)ctx)->up = true;
}

static void on_ok(void *ctx, uint64_t seq, bool duplicate)
{
    (void)seq;
    if (duplicate)
        race_fail("kinobus: a message was taken for a duplicate");
    ((struct owner *)ctx)->confirmed++;
}

static void on_refused(void *ctx, uint64_t seq, int err)
{
    (void)ctx;
    race_fail("kinobus: message %llu was refused: %s", (unsigned long long)seq, err_name(err));
}

static void on_job(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body, uint32_t lease_ms)
{
    (void)head;
    (void)body;
    (void)lease_ms;
    bus_ack(((struct owner *)ctx)->bus, lease, (struct bytes) { 0 });
}

static void on_settled(void *ctx, uint64_t lease, int err)
{
    (void)lease;
    if (err)
        race_fail("kinobus: the end of a job was refused: %s", err_name(err));
    ((struct owner *)ctx)->settled++;
}

static void on_request(void *ctx, uint64_t cid, const struct bus_head *head, struct bytes body,
                       uint32_t deadline_ms)
{
    (void)head;
    (void)deadline_ms;
    bus_reply(((struct owner *)ctx)->bus, cid, body);
}

static void on_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    (void)cid;
    (void)body;
    if (err && !((struct owner *)ctx)->early)
        race_fail("kinobus: a call failed: %s", err_name(err));
    ((struct owner *)ctx)->replies += !err;
    ((struct owner *)ctx)->early = false;
}

static struct owner *kinobus_connect(const struct race *race, bool owner)
{
    static const struct bus_events events = {
        .up = on_up,
        .durable_ok = on_ok,
        .durable_refused = on_refused,
        .job = on_job,
        .settled = on_settled,
        .request = on_request,
        .reply = on_reply,
    };
    struct bus_options options = { .endpoint = race->where,
                                   .name = "bench",
                                   .secret = bytes_of_text(race->secret) };
    struct owner *me = calloc(1, sizeof *me);
    struct timespec now;

    if (!me)
        race_fail("no memory");
    clock_gettime(CLOCK_REALTIME, &now);
    if (owner) {
        options.store = (struct id) { { 7 } };
        options.epoch = (uint32_t)now.tv_sec;
    }
    me->seq = ((uint64_t)now.tv_sec << 30) + (uint64_t)now.tv_nsec;
    if (bus_new(&options, &events, me, &me->bus) < 0)
        race_fail("kinobus: %s does not answer", race->where);
    while (!me->up)
        kinobus_pump(me);
    return me;
}

static void *kinobus_open(const struct race *race)
{
    pid_t worker = fork(); /* answers calls: a process of its own, before there are threads */
    struct owner *me;

    if (worker < 0)
        race_fail("no process");
    if (worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        me = kinobus_connect(race, false);
        bus_offer(me->bus, "bench", 4096, false);
        for (;;)
            kinobus_pump(me);
    }
    me = kinobus_connect(race, true);
    me->worker = worker;
    while (!me->replies) {
        uint64_t cid;

        if (!me->early)
            bus_call(me->bus, "bench.echo", NULL, (struct bytes) { 0 }, 1000, &cid);
        me->early = true;
        kinobus_pump(me);
    }
    me->replies = 0;
    return me;
}

static void kinobus_publish(void *ctx, const struct race *race, uint64_t n)
{
    struct bus_head head = { .job = { { 1 } }, .key = bytes_of_text("key") };
    struct owner *me = ctx;
    uint64_t sent = 0;

    while (me->confirmed < n) {
        while (sent < n && sent - me->confirmed < race->window &&
               bus_put(me->bus, "race.job", ++me->seq, &head, bytes_of(race->body, race->size)) == 0)
            sent++;
        kinobus_pump(me);
    }
}

static void kinobus_take(void *ctx, const struct race *race, uint64_t n)
{
    struct owner *me = ctx;

    bus_take(me->bus, "race.job", race->window, 0);
    while (me->settled < n)
        kinobus_pump(me);
}

static void kinobus_call(void *ctx, const struct race *race, uint64_t n)
{
    struct owner *me = ctx;
    uint64_t sent = 0, cid;

    while (me->replies < n) {
        for (; sent < n && sent - me->replies < race->window; sent++)
            if (bus_call(me->bus, "bench.echo", NULL, bytes_of(race->body, race->size), 30000, &cid) < 0)
                race_fail("kinobus: a call was not taken");
        kinobus_pump(me);
    }
}

static void kinobus_close(void *ctx)
{
    struct owner *me = ctx;

    kill(me->worker, SIGKILL);
    waitpid(me->worker, NULL, 0);
    bus_close(&me->bus, 100);
    free(me);
}

const struct driver driver_kinobus = {
    .name = "kinobus",
    .open = kinobus_open,
    .publish = kinobus_publish,
    .take = kinobus_take,
    .call = kinobus_call,
    .close = kinobus_close,
};

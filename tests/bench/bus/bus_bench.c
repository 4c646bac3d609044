/* bus_bench - what a message costs: calls, jobs and events through a broker and its store on this disk.
 *
 *     bus_bench ENDPOINT SECRET [N [WHAT [BYTES]]]
 *
 * The broker runs already, with the policy that bus_bench --policy prints. WHAT: all (the default), calls, events, jobs
 * (put, taken, acknowledged), half (those at half the rate), fill (jobs that nobody takes), pile (events that nobody follows). BYTES: of a body.
 *
 * Each figure is printed as one line, name=value. The window is what an owner has on the way at a time; the latency is
 * from putting a message until its commit is confirmed, as the owner sees it. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/client/bus.h"
#include "broker/client/mp.h"
#include "gen/errors.h"

static const char policy[] =
    "kinobus-policy 1\nallow bench call >\nallow bench tap >\nallow bench offer bench\nallow bench put bench.job\n"
    "allow bench take bench.job\nallow bench append bench.event\nallow bench follow bench.*\n"
    "queue bench.job done=bench.done dead=bench.dead max=100000000\n"
    "allow bench put race.job\nallow bench take race.job\n"
    "queue race.job max=100000000\n"; /* the race's: no other broker tells of a job's end */

struct bench {
    struct bus *bus; /* offers, takes, follows, puts: everything through one connection each way */
    bool up;
    uint64_t want, sent, seq, done, replies, confirmed, events, settled;
    uint64_t commits, operations;
    int64_t *began, *took; /* by number, microseconds */
    size_t took_n;
    struct bytes body;
    bool asked, follows, paced; /* paced: latencies are from a put until a worker has the job */
};

static int64_t us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Above all that an earlier run has put. */
static uint64_t bench_first(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec << 30) + (uint64_t)now.tv_nsec;
}

static void on_up(void *ctx, const struct bus_welcome *welcome)
{
    struct bench *b = ctx;

    (void)welcome;
    b->up = true;
}

static void bench_took(struct bench *b, uint64_t number)
{
    if (b->took_n < b->want)
        b->took[b->took_n++] = us() - b->began[number % b->want];
}

/* $sys.stats: the two figures that commits per message needs. */
static void bench_stats(struct bench *b, struct bytes body)
{
    struct mp mp = mp_of(body);
    struct bytes name;
    uint64_t n;
    uint32_t pairs;

    if (!mp_get_map(&mp, &pairs))
        return;
    for (uint32_t i = 0; i < pairs && mp_get_data(&mp, &name); i++) {
        if (!mp_get_uint(&mp, &n))
            mp_skip(&mp);
        else if (bytes_equal(name, bytes_of_text("commits")))
            b->commits = n;
        else if (bytes_equal(name, bytes_of_text("store_operations")))
            b->operations = n;
    }
}

static void on_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct bench *b = ctx;

    if (err < 0) {
        fprintf(stderr, "call failed: %s\n", err_name(err));
        exit(1);
    }
    if (b->asked) {
        bench_stats(b, body);
        b->asked = false;
        return;
    }
    b->replies++;
    bench_took(b, cid);
}

static void on_request(void *ctx, uint64_t cid, const struct bus_head *head, struct bytes body,
                       uint32_t deadline_ms)
{
    struct bench *b = ctx;

    (void)head;
    (void)deadline_ms;
    bus_reply(b->bus, cid, body);
}

static void on_job(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body, uint32_t lease_ms)
{
    struct bench *b = ctx;

    (void)head;
    (void)lease_ms;
    if (b->paced && body.len >= sizeof(int64_t) && b->took_n < b->want) {
        int64_t put;

        memcpy(&put, body.data, sizeof put);
        b->took[b->took_n++] = us() - put;
    }
    bus_ack(b->bus, lease, b->paced ? bytes_of(NULL, 0) : body);
}

static void on_settled(void *ctx, uint64_t lease, int err)
{
    struct bench *b = ctx;

    (void)lease;
    b->settled += err == 0;
}

static void on_ok(void *ctx, uint64_t seq, bool duplicate)
{
    struct bench *b = ctx;

    (void)duplicate;
    b->confirmed++;
    if (!b->paced)
        bench_took(b, seq);
}

static void on_refused(void *ctx, uint64_t seq, int err)
{
    (void)ctx;
    fprintf(stderr, "message %llu refused: %s\n", (unsigned long long)seq, err_name(err));
    exit(1);
}

static void on_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                     struct bytes body)
{
    struct bench *b = ctx;

    (void)head;
    (void)body;
    b->events++;
    bus_cursor(b->bus, stream, at.seq);
}

static void bench_pump(struct bench *b)
{
    struct pollfd fd = { bus_fd(b->bus), POLLIN, 0 };

    poll(&fd, 1, bus_timeout_ms(b->bus, us() / 1000));
    bus_process(b->bus, us() / 1000);
}

static void bench_start(struct bench *b, uint64_t n)
{
    b->want = n;
    b->took_n = 0;
    b->sent = b->replies = b->confirmed = b->events = b->settled = 0;
}

static void bench_ask_stats(struct bench *b)
{
    uint64_t cid;

    b->asked = true;
    bus_call(b->bus, "$sys.stats", NULL, (struct bytes) { 0 }, 5000, &cid);
    while (b->asked)
        bench_pump(b);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void bench_report(struct bench *b, const char *name, unsigned window, int64_t began, uint64_t commits)
{
    double seconds = (double)(us() - began) / 1e6;

    bench_ask_stats(b);
    qsort(b->took, b->took_n, sizeof *b->took, compare);
    printf("%s window=%u n=%llu per_s=%.0f p50_us=%lld p99_us=%lld commits=%llu commits_per_message=%.4f\n", name,
           window, (unsigned long long)b->want, (double)b->want / seconds, (long long)b->took[b->took_n / 2],
           (long long)b->took[b->took_n * 99 / 100], (unsigned long long)(b->commits - commits),
           (double)(b->commits - commits) / (double)b->want);
    fflush(stdout);
}

static void bench_calls(struct bench *b, uint64_t n, unsigned window)
{
    uint64_t commits, cid;
    int64_t began;

    bench_ask_stats(b);
    commits = b->commits;
    bench_start(b, n);
    began = us();
    while (b->replies < n) {
        while (b->sent < n && b->sent - b->replies < window &&
               bus_call(b->bus, "bench.echo", NULL, b->body, 30000, &cid) == 0) {
            b->began[cid % n] = us();
            b->sent++;
        }
        bench_pump(b);
    }
    bench_report(b, "calls", window, began, commits);
}

static void bench_jobs(struct bench *b, uint64_t n, unsigned window)
{
    struct bus_head head = { .job = { { 1 } }, .key = bytes_of_text("key") };
    uint64_t commits;
    int64_t began;

    bench_ask_stats(b);
    commits = b->commits;
    bench_start(b, n);
    began = us();
    while (b->settled < n || b->confirmed < n || b->events < n) {
        while (b->sent < n && b->sent - b->confirmed < window &&
               bus_put(b->bus, "bench.job", b->seq + 1, &head, b->body) == 0) {
            b->began[++b->seq % n] = us();
            b->sent++;
        }
        bench_pump(b);
    }
    bench_report(b, "jobs_put_taken_acked_done", window, began, commits);
}

/* Half as many jobs a second as a closed loop has just managed, evenly, a millisecond's at a time: how long until a worker
 * has one. */
static void bench_half(struct bench *b, uint64_t n, unsigned window)
{
    struct bus_head head = { .job = { { 1 } }, .key = bytes_of_text("key") };
    uint64_t commits;
    int64_t began = us();
    double per_us;

    bench_jobs(b, n, window);
    per_us = (double)n / (double)(us() - began) / 2;
    commits = b->commits;
    bench_start(b, n);
    b->paced = true;
    began = us();
    while (b->settled < n) {
        uint64_t due = (uint64_t)((double)(us() - began) * per_us);
        struct pollfd fd = { bus_fd(b->bus), POLLIN, 0 };

        while (b->sent < n && b->sent < due) {
            int64_t now = us();

            memcpy((void *)b->body.data, &now, sizeof now);
            if (bus_put(b->bus, "bench.job", b->seq + 1, &head, b->body) < 0)
                break;
            b->seq++;
            b->sent++;
        }
        poll(&fd, 1, bus_timeout_ms(b->bus, us() / 1000) ? 1 : 0);
        bus_process(b->bus, us() / 1000);
    }
    bench_report(b, "jobs_at_half_load_put_to_worker", window, began, commits);
    b->paced = false;
}

/* Jobs that nobody takes, for a restart with a full queue. */
static void bench_fill(struct bench *b, uint64_t n, unsigned window)
{
    struct bus_head head = { .job = { { 1 } }, .key = bytes_of_text("key") };
    int64_t began = us();

    bus_take(b->bus, "bench.job", 0, 0);
    bench_ask_stats(b);
    bench_start(b, n);
    while (b->confirmed < n) {
        while (b->sent < n && b->sent - b->confirmed < window &&
               bus_put(b->bus, "bench.job", b->seq + 1, &head, b->body) == 0) {
            b->began[++b->seq % n] = us();
            b->sent++;
        }
        bench_pump(b);
    }
    bench_report(b, "jobs_put", window, began, b->commits);
}

static void bench_events(struct bench *b, uint64_t n, unsigned window)
{
    struct bus_head head = { .key = bytes_of_text("key") };
    uint64_t commits;
    int64_t began;

    bench_ask_stats(b);
    commits = b->commits;
    bench_start(b, n);
    began = us();
    while (b->confirmed < n || (b->follows && b->events < n)) {
        while (b->sent < n && b->sent - b->confirmed < window &&
               bus_append(b->bus, "bench.event", b->seq + 1, &head, b->body) == 0) {
            b->began[++b->seq % n] = us();
            b->sent++;
        }
        bench_pump(b);
    }
    bench_report(b, "events_appended_followed", window, began, commits);
}

/* Events that nobody here follows. */
static void bench_pile(struct bench *b, uint64_t n, unsigned window)
{
    bus_unfollow(b->bus, "bench");
    b->follows = false;
    bench_events(b, n, window);
}

static void bench_connect(struct bench *b, const char *endpoint, const char *secret)
{
    static const struct bus_events events = {
        .up = on_up,
        .reply = on_reply,
        .request = on_request,
        .job = on_job,
        .settled = on_settled,
        .durable_ok = on_ok,
        .durable_refused = on_refused,
        .event = on_event,
    };
    struct bus_options options = { .endpoint = endpoint,
                                   .name = "bench",
                                   .secret = bytes_of_text(secret),
                                   .store = { { 7 } },
                                   .epoch = (uint32_t)time(NULL) };

    if (bus_new(&options, &events, b, &b->bus) < 0)
        exit(1);
    bus_offer(b->bus, "bench", 1024, false);
    bus_take(b->bus, "bench.job", 64, 0);
    bus_follow(b->bus, "bench", NULL, NULL, (struct bus_cursor) { .seq = BUS_FROM_END });
    b->follows = true;
    while (!b->up)
        bench_pump(b);
}

static const struct {
    const char *name;
    void (*run)(struct bench *b, uint64_t n, unsigned window);
    unsigned window;
} legs[] = {
    { "calls", bench_calls, 64 }, { "events", bench_events, 64 }, { "jobs", bench_jobs, 1000 },
    { "half", bench_half, 256 },  { "fill", bench_fill, 1024 },   { "pile", bench_pile, 1024 },
};

int main(int argc, char **argv)
{
    uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 20000;
    const char *what = argc > 4 ? argv[4] : "all";
    struct bench b = { .seq = bench_first() };
    size_t size = argc > 5 ? strtoul(argv[5], NULL, 10) : 200;
    static char body[4096];

    if (argc == 2 && strcmp(argv[1], "--policy") == 0) {
        fputs(policy, stdout);
        return 0;
    }
    if (argc < 3 || n < 100 || size > sizeof body) {
        fprintf(
            stderr,
            "usage: bus_bench ENDPOINT SECRET [N [all|calls|events|jobs|half|fill|pile [BYTES]]] | --policy\n");
        return 64;
    }
    b.body = bytes_of(body, size);
    b.began = calloc(n, sizeof *b.began);
    b.took = calloc(n, sizeof *b.took);
    if (!b.began || !b.took)
        return 1;
    bench_connect(&b, argv[1], argv[2]);
    for (size_t i = 0; i < sizeof legs / sizeof *legs; i++) {
        if (strcmp(what, legs[i].name) == 0) {
            legs[i].run(&b, n, legs[i].window);
            bus_close(&b.bus, 100);
            return 0;
        }
    }
    bench_calls(&b, n, 1);
    bench_calls(&b, n, 64);
    bench_events(&b, n / 10, 1);
    bench_events(&b, n, 64);
    bench_events(&b, n, 1000);
    bench_jobs(&b, n / 10, 1);
    bench_jobs(&b, n, 64);
    bench_jobs(&b, n, 1000);
    bench_half(&b, n, 256);
    bus_close(&b.bus, 100);
    free(b.began);
    free(b.took);
    return 0;
}

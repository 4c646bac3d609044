#include "ops/cli/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "actors/runtime/identity/identity.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

enum { CONNECT_MS = 5000 };

struct link {
    struct bus *bus;
    bool up, answered, ended, interrupted;
    int signals;      /* -1: they are not caught */
    int err, tap_err; /* of the session or the answer; of the tap */
    struct buf *reply;
    const struct link_hearing *hearing;
    link_each *each;
    void *ctx;
};

static void link_on_up(void *ctx, const struct bus_welcome *welcome)
{
    struct link *link = ctx;
    (void)welcome;
    link->up = true;
}

static void link_on_down(void *ctx, int err)
{
    struct link *link = ctx;
    link->up = false;
    if (err == ERR_FORBIDDEN || err == ERR_CONFLICT)
        link->err = err;
}

static void link_on_refused(void *ctx, const char *verb, const char *name, int err)
{
    struct link *link = ctx;
    (void)name;
    if (strcmp(verb, "set") == 0)
        link->err = err;
    if (strcmp(verb, "tap") == 0) {
        link->tap_err = err;
        link->ended = true;
    }
}

static void link_on_set_failed(void *ctx, const char *name, const char *key, int err)
{
    struct link *link = ctx;
    (void)name;
    (void)key;
    link->err = err;
}

static void link_on_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct link *link = ctx;
    if (link->hearing) {
        link->hearing->reply(link->hearing->ctx, cid, err);
        return;
    }
    link->answered = true;
    link->err = err;
    if (link->reply)
        buf_put(link->reply, body.data, body.len);
}

static void link_on_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct link *link = ctx;
    if (link->hearing)
        link->hearing->value(link->hearing->ctx, name, key, body);
}

static void link_on_tap(void *ctx, const struct bus_tapped *tapped)
{
    struct link *link = ctx;
    if (!link->ended && !link->each(link->ctx, tapped))
        link->ended = true;
}

/* One round of the loop; false when the moment has passed or a signal came. */
static bool link_round(struct link *link, int64_t until_ms)
{
    struct signalfd_siginfo info;
    int64_t now = clock_mono_ms();
    int wait = bus_timeout_ms(link->bus, now);
    if (link->interrupted || (until_ms >= 0 && now >= until_ms))
        return false;
    if (until_ms >= 0 && (wait < 0 || until_ms - now < wait))
        wait = (int)(until_ms - now);
    struct pollfd polled[2] = { { bus_fd(link->bus), POLLIN, 0 }, { link->signals, POLLIN, 0 } };
    if (poll(polled, 2, wait) < 0 && errno != EINTR)
        return false;
    if (polled[1].revents && read(link->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        link->interrupted = true;
    bus_process(link->bus, clock_mono_ms());
    return !link->interrupted;
}

/* Why there is no session. */
static int link_explain(const struct link *link, const char *endpoint, int err)
{
    if (err == 0)
        err = link->err;
    if (err == ERR_FORBIDDEN)
        return cli_fail(EXIT_FAILED, "%s: the broker does not know this secret or key of the role cli", endpoint);
    if (err < 0)
        return cli_fail(EXIT_FAILED, "%s: %s", endpoint, err_name(err));
    return cli_fail(EXIT_NOT_RUNNING, "no broker answers on %s; `kinobus status` shows what runs", endpoint);
}

int link_open(const struct cli *cli, struct link **ret)
{
    static const struct bus_events events = { .up = link_on_up,
                                              .down = link_on_down,
                                              .refused = link_on_refused,
                                              .reply = link_on_reply,
                                              .set_failed = link_on_set_failed,
                                              .value = link_on_value,
                                              .tap = link_on_tap };
    char state[PATH_MAX] = "", error[256], endpoint[256];
    struct bus_identity identity;
    *ret = NULL;
    if (!cli->join && !realpath(cli->state, state))
        return cli_fail(EXIT_NOT_RUNNING, "%s: %s", cli->state, strerror(errno));
    const struct bus_identity_from from = { .role = "cli", .join = cli->join, .state = state, .secret_fd = -1 };
    if (bus_identity_read(&from, &identity, error) < 0)
        return cli_fail(EXIT_NOT_RUNNING, "%s%s", error,
                        cli->join ? "" : "; is this the state directory of a platform, and are you its user?");
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        abort();
    struct bus_options options = { .name = "cli" };
    bus_identity_options(&identity, &options);
    int r = bus_new(&options, &events, link, &link->bus);
    snprintf(endpoint, sizeof(endpoint), "%.255s", identity.endpoint);
    bus_identity_wipe(&identity);
    int64_t until = clock_mono_ms() + CONNECT_MS;
    link->signals = -1;
    while (r == 0 && !link->up && link->err == 0 && link_round(link, until))
        ;
    if (r == 0 && link->up) {
        *ret = link;
        return EXIT_DONE;
    }
    int code = link_explain(link, endpoint, r);
    link_close(&link);
    return code;
}

void link_close(struct link **link)
{
    if (!*link)
        return;
    if ((*link)->bus)
        bus_close(&(*link)->bus, 100);
    if ((*link)->signals >= 0)
        close((*link)->signals);
    free(*link);
    *link = NULL;
}

int link_call(struct link *link, const char *target, struct bytes body, uint32_t deadline_ms, struct buf *reply)
{
    static const struct bus_head head;
    uint64_t cid;
    link->answered = false;
    link->reply = reply;
    link->err = 0;
    int r = bus_call(link->bus, target, &head, body, deadline_ms, &cid);
    if (r < 0)
        return r;
    int64_t until = clock_mono_ms() + deadline_ms + CONNECT_MS;
    while (!link->answered && link->err == 0) {
        if (!link_round(link, until))
            return link->interrupted ? ERR_INTERRUPTED : ERR_TIMEOUT;
    }
    return link->err;
}

int link_set(struct link *link, const char *name, const char *key, struct bytes body)
{
    struct buf ignored = { 0 };
    link->err = 0;
    int r = bus_set(link->bus, name, key, body, 0);
    if (r == 0) /* a refusal comes before the answer to what is asked next */
        r = link_call(link, "$sys.stats", (struct bytes) { 0 }, CONNECT_MS, &ignored);
    buf_free(&ignored);
    return r;
}

void link_catch(struct link *link)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    if (link->signals < 0)
        link->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool link_wait(struct link *link, int64_t ms)
{
    int64_t until = clock_mono_ms() + ms;
    while (link_round(link, until))
        ;
    return !link->interrupted;
}

struct bus *link_bus(struct link *link)
{
    return link->bus;
}

void link_hear(struct link *link, const struct link_hearing *hearing)
{
    link->hearing = hearing;
}

bool link_is_up(const struct link *link)
{
    return link->up;
}

int link_tap(struct link *link, const struct link_tapping *tapping)
{
    struct buf ignored = { 0 };
    link->each = tapping->each;
    link->ctx = tapping->ctx;
    link->ended = false;
    link_catch(link);
    int r = bus_tap(link->bus, tapping->filter, tapping->sample, tapping->headers_only);
    /* A session's messages are handled in order: once this is answered the tap is there. */
    if (r == 0)
        r = link_call(link, "$sys.stats", (struct bytes) { 0 }, CONNECT_MS, &ignored);
    if (r == 0)
        r = link->tap_err;
    bool goes = r == 0 && tapping->began(tapping->ctx);
    int64_t until = tapping->within_ms < 0 ? -1 : clock_mono_ms() + tapping->within_ms;
    while (goes && !link->ended && link->err == 0 && link_round(link, until))
        ;
    buf_free(&ignored);
    return r < 0 ? r : link->tap_err < 0 ? link->tap_err : link->err;
}

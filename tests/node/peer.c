/* bus_peer - the C client as the other side of a conversation: it does what calls ask of it, and shows what reached it.
 *
 *     bus_peer ENDPOINT ROLE SECRET-FILE OTHER
 *
 * Offers     ROLE.echo (the body back), .fail (ERR_CONFLICT and the body as its problem), .never (no answer),
 *            .ask (calls OTHER.echo with the body and hands on what comes back), .put (a job OTHER.job), .append (an
 *            event ROLE.said): the last two answer once the broker has it on the disk
 * Takes      ROLE.job; done with its own body; a body that begins with "again" is given back the first time
 * Shows      as the value ROLE.v: under the key "event" what it followed of OTHER's stream, under "value" the last
 *            OTHER.v, under "cancelled" the call that nobody waits for any more */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/client/bus.h"
#include "gen/errors.h"

enum { LEASE_TRIES = 2, WAITING = 64 };

struct peer {
    struct bus *bus;
    const char *role, *other;
    uint64_t seq;
    uint64_t asked[WAITING],
        for_cid[WAITING]; /* a call or a durable message of ours: the call that asked for it */
};

static char name_of[BUS_NAME_MAX + 1];

static const char *peer_name(const char *owner, const char *word)
{
    snprintf(name_of, sizeof name_of, "%s.%s", owner, word);
    return name_of;
}

static void peer_remember(struct peer *p, uint64_t asked, uint64_t cid)
{
    p->asked[asked % WAITING] = asked;
    p->for_cid[asked % WAITING] = cid;
}

static void peer_answer(struct peer *p, uint64_t asked, int err, struct bytes body)
{
    if (p->asked[asked % WAITING] != asked)
        return;
    p->asked[asked % WAITING] = 0;
    if (err < 0)
        bus_reply_error(p->bus, p->for_cid[asked % WAITING], err, body);
    else
        bus_reply(p->bus, p->for_cid[asked % WAITING], body);
}

static void peer_show(struct peer *p, const char *key, struct bytes body)
{
    bus_set(p->bus, peer_name(p->role, "v"), key, body, 60000);
}

static void on_up(void *ctx, const struct bus_welcome *welcome)
{
    (void)ctx;
    printf("up incarnation=%u\n", welcome->incarnation);
    fflush(stdout);
}

static void on_request(void *ctx, uint64_t cid, const struct bus_head *head, struct bytes body,
                       uint32_t deadline_ms)
{
    const char *method = strchr(head->name, '.') + 1;
    struct bus_head out = { .key = bytes_of_text("key") };
    struct peer *p = ctx;
    uint64_t asked;
    int r = 0;

    if (strcmp(method, "echo") == 0) {
        r = bus_reply(p->bus, cid, body);
    } else if (strcmp(method, "fail") == 0) {
        r = bus_reply_error(p->bus, cid, ERR_CONFLICT, body);
    } else if (strcmp(method, "ask") == 0) {
        r = bus_call(p->bus, peer_name(p->other, "echo"), NULL, body, deadline_ms, &asked);
        if (r == 0)
            peer_remember(p, asked, cid);
    } else if (strcmp(method, "put") == 0 || strcmp(method, "append") == 0) {
        out.job = (struct id) { { 1, (uint8_t)++p->seq } };
        peer_remember(p, p->seq, cid);
        r = *method == 'p' ? bus_put(p->bus, peer_name(p->other, "job"), p->seq, &out, body)
                           : bus_append(p->bus, peer_name(p->role, "said"), p->seq, &out, body);
    } else if (strcmp(method, "never") != 0) {
        r = ERR_UNSUPPORTED;
    }
    if (r < 0)
        bus_reply_error(p->bus, cid, r, (struct bytes) { 0 });
}

static void on_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    peer_answer(ctx, cid, err, body);
}

static void on_ok(void *ctx, uint64_t seq, bool duplicate)
{
    peer_answer(ctx, seq, 0, bytes_of_text(duplicate ? "duplicate" : "ok"));
}

static void on_no(void *ctx, uint64_t seq, int err)
{
    peer_answer(ctx, seq, err, (struct bytes) { 0 });
}

static void on_cancel(void *ctx, uint64_t cid)
{
    (void)cid;
    peer_show(ctx, "cancelled", bytes_of_text("yes"));
}

static void on_job(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body, uint32_t lease_ms)
{
    struct peer *p = ctx;

    (void)lease_ms;
    if (head->attempt < LEASE_TRIES && body.len >= 5 && memcmp(body.data, "again", 5) == 0)
        bus_nack(p->bus, lease, 1, false, ERR_BUSY, "not the first time");
    else
        bus_ack(p->bus, lease, body);
}

static void on_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                     struct bytes body)
{
    struct peer *p = ctx;

    (void)head;
    peer_show(p, "event", body);
    bus_cursor(p->bus, stream, at.seq);
}

static void on_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    (void)name;
    (void)key;
    peer_show(ctx, "value", body.data ? body : bytes_of_text("gone"));
}

static int64_t peer_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct bytes peer_secret(const char *path)
{
    static char secret[256];
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(secret, 1, sizeof secret, file) : 0;

    if (!n) {
        fprintf(stderr, "bus_peer: no secret in %s\n", path);
        exit(66);
    }
    fclose(file);
    return bytes_of(secret, n);
}

int main(int argc, char **argv)
{
    static const struct bus_events events = { .up = on_up,
                                              .request = on_request,
                                              .reply = on_reply,
                                              .durable_ok = on_ok,
                                              .durable_refused = on_no,
                                              .cancel = on_cancel,
                                              .job = on_job,
                                              .event = on_event,
                                              .value = on_value };
    struct bus_options options;
    struct peer p = { 0 };

    if (argc != 5) {
        fprintf(stderr, "usage: bus_peer ENDPOINT ROLE SECRET-FILE OTHER\n");
        return 64;
    }
    p.role = argv[2];
    p.other = argv[4];
    p.seq = 1ull << 40; /* apart from the numbers of calls */
    options = (struct bus_options) {
        .endpoint = argv[1], .name = p.role, .secret = peer_secret(argv[3]), .store = { { 3 } }, .epoch = 1
    };
    if (bus_new(&options, &events, &p, &p.bus) < 0)
        return 69;
    bus_offer(p.bus, p.role, 4, false);
    bus_take(p.bus, peer_name(p.role, "job"), 4, 0);
    bus_follow(p.bus, p.other, NULL, "peer", (struct bus_cursor) { 0 });
    bus_watch(p.bus, peer_name(p.other, "v"));
    for (;;) {
        struct pollfd fd = { bus_fd(p.bus), POLLIN, 0 };

        poll(&fd, 1, bus_timeout_ms(p.bus, peer_ms()));
        bus_process(p.bus, peer_ms());
    }
}

/* bus_load - one process of a load on the bus, to be killed at any moment: it writes down what it was told.
 *
 *     bus_load produce|consume|follow|group STATE NAME
 *
 * produce    an owner: decides jobs load.job and events load.said into the outbox of its own store (STATE/NAME) and
 *            sends them in lane order until the broker has them. SIGTERM: decides no more and ends when all is sent
 * consume    takes load.job; of 16 jobs one is ended for good, two are given back the first time, the rest is done. The
 *            effect is written down before the broker is told
 * follow     follows the stream `load` from the last event that its own log names; `group`: from the group's cursor
 *
 * The log is STATE/log/NAME.jsonl, a line a fact, written with one call each so that a kill never tears one; the same
 * lines go to standard output before, for whoever steers. README.md tells what each line means. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "broker/client/bus.h"
#include "data/store/outbox.h"
#include "gen/errors.h"

enum { LINE = 1024, DECIDED = 32, AT_A_TIME = 8, KEYS = 8, CREDIT = 4, OUTCOMES = 16 };
enum { LEASES = 4096 }; /* in hand, or said to have ended and not confirmed: the broker bounds those */

struct held {
    uint64_t lease;
    char token[64], effect[64];
};

struct load {
    const char *mode, *state, *name;
    struct bus *bus;
    int log, signals;
    bool stopping;
    struct id broker; /* its store */
    struct store *store;
    struct arena *arena;
    uint64_t sent, made;    /* of the outbox: the last row put; in this run */
    uint64_t said[DECIDED]; /* confirmed, still to be deleted */
    size_t said_n;
    struct held held[LEASES]; /* leases that were not confirmed as ended */
    unsigned effects;
};

__attribute__((format(printf, 3, 4))) static void load_log(struct load *l, const char *did, const char *format,
                                                           ...)
{
    char line[LINE];
    va_list list;
    int n = snprintf(line, sizeof line, "{\"kind\": \"load\", \"who\": \"%s\", \"did\": \"%s\"", l->name, did);

    va_start(list, format);
    n += vsnprintf(line + n, sizeof line - (size_t)n, format, list);
    va_end(list);
    n += snprintf(line + n, sizeof line - (size_t)n, "}\n");
    /* A kill between the two leaves out what is in no log yet and so comes again; the other way round whoever steers would
     * wait for it for ever. */
    if (write(STDOUT_FILENO, line, (size_t)n) < 0)
        l->stopping = true; /* nobody steers any more */
    if (write(l->log, line, (size_t)n) != n)
        exit(74);
}

static _Noreturn void load_fail(const char *what, int err)
{
    fprintf(stderr, "bus_load: %s: %s\n", what, err_name(err));
    exit(70);
}

static void load_must(const char *what, int r)
{
    if (r < 0)
        load_fail(what, r);
}

/* What becomes of a message follows from its token, whoever has it. */
static unsigned load_lot(const char *token)
{
    unsigned n = 5381;

    while (*token)
        n = n * 33 + (unsigned char)*token++;
    return n >> 3;
}

static void on_up(void *ctx, const struct bus_welcome *welcome)
{
    struct load *l = ctx;

    l->broker = welcome->store;
    l->sent = 0; /* what is not confirmed is put again */
    load_log(l, "up", ", \"incarnation\": %u", welcome->incarnation);
}

static void on_down(void *ctx, int err)
{
    struct load *l = ctx;

    load_log(l, "down", ", \"err\": \"%s\"", err_name(err));
    if (err == ERR_CONFLICT || err == ERR_FORBIDDEN)
        exit(75);
}

/* ---- produce */

static void load_decide(struct load *l)
{
    struct store_txn *txn = NULL;
    struct outbox_row rows[AT_A_TIME];
    char token[64];
    uint64_t n = 0;

    load_must("write", store_begin_write(l->store, &txn));
    load_must("count", outbox_count(txn, &n));
    if (n + AT_A_TIME > DECIDED || l->stopping) {
        store_abort(&txn);
        return;
    }
    for (unsigned i = 0; i < AT_A_TIME; i++) {
        snprintf(token, sizeof token, "%s-%u-%llu", l->name, store_epoch(l->store), (unsigned long long)++l->made);
        rows[i] = (struct outbox_row) { .kind = load_lot(token) % 3 ? OUTBOX_JOB : OUTBOX_EVENT };
        rows[i].target = rows[i].kind == OUTBOX_JOB ? "load.job" : "load.said";
        rows[i].body = arena_bytes(l->arena, bytes_of_text(token));
        load_must("outbox", outbox_put(txn, &rows[i], &rows[i].seq));
    }
    load_must("commit", store_commit(&txn));
    for (unsigned i = 0; i < AT_A_TIME; i++)
        load_log(l, "decided", ", \"seq\": %llu, \"name\": \"%s\", \"token\": \"%.*s\"",
                 (unsigned long long)rows[i].seq, rows[i].target, (int)rows[i].body.len,
                 (const char *)rows[i].body.data);
    arena_reset(l->arena);
}

static int load_put(struct load *l, const struct outbox_row *row)
{
    struct bus_head head = { .job = store_uuid(l->store) };
    char key[16];

    for (unsigned i = 0; i < 8; i++)
        head.job.b[15 - i] ^= (uint8_t)(row->seq >> 8 * i);
    snprintf(key, sizeof key, "k%llu", (unsigned long long)(row->seq % KEYS));
    head.key = bytes_of_text(key);
    if (row->kind == OUTBOX_EVENT)
        return bus_append(l->bus, row->target, row->seq, &head, row->body);
    return bus_put(l->bus, row->target, row->seq, &head, row->body);
}

static void load_send(struct load *l)
{
    struct store_txn *txn = NULL;
    struct outbox_row row;

    if (!bus_is_up(l->bus))
        return;
    load_must("read", store_begin_read(l->store, &txn));
    while (outbox_next(txn, l->arena, l->sent, &row) == 0 && load_put(l, &row) == 0) {
        load_log(l, "put", ", \"seq\": %llu, \"name\": \"%s\", \"token\": \"%.*s\"", (unsigned long long)row.seq,
                 row.target, (int)row.body.len, (const char *)row.body.data);
        l->sent = row.seq;
    }
    store_abort(&txn);
    arena_reset(l->arena);
}

static void on_ok(void *ctx, uint64_t seq, bool duplicate)
{
    struct load *l = ctx;

    load_log(l, "ok", ", \"seq\": %llu, \"duplicate\": %s", (unsigned long long)seq, duplicate ? "true" : "false");
    if (l->said_n < DECIDED)
        l->said[l->said_n++] = seq;
}

static void on_no(void *ctx, uint64_t seq, int err)
{
    struct load *l = ctx;

    load_log(l, "refused", ", \"seq\": %llu, \"err\": \"%s\"", (unsigned long long)seq, err_name(err));
    if (!err_retryable(err))
        load_fail("a message was refused for good", err);
    if (seq <= l->sent)
        l->sent = seq - 1;
}

/* True when there is nothing left to send. */
static bool load_forget(struct load *l)
{
    struct store_txn *txn = NULL;
    uint64_t left = 0;

    load_must("write", store_begin_write(l->store, &txn));
    for (size_t i = 0; i < l->said_n; i++)
        load_must("delete", outbox_del(txn, l->said[i]));
    load_must("count", outbox_count(txn, &left));
    load_must("commit", store_commit(&txn));
    l->said_n = 0;
    return left == 0;
}

static bool load_produce(struct load *l)
{
    bool empty = l->said_n || l->stopping ? load_forget(l) : false;

    load_decide(l);
    load_send(l);
    return empty && l->stopping;
}

/* ---- consume */

static struct held *load_held(struct load *l, uint64_t lease)
{
    for (unsigned i = 0; i < LEASES; i++) {
        if (l->held[i].lease == lease)
            return &l->held[i];
    }
    return NULL;
}

static void on_job(void *ctx, uint64_t lease, const struct bus_head *head, struct bytes body, uint32_t lease_ms)
{
    struct load *l = ctx;
    struct held *held = load_held(l, 0);
    char result[160];
    unsigned lot;

    (void)lease_ms;
    if (!held || body.len >= sizeof held->token)
        load_fail("more leases than there can be", ERR_TOO_LARGE);
    *held = (struct held) { .lease = lease };
    memcpy(held->token, body.data, body.len);
    lot = load_lot(held->token) / 3 % OUTCOMES;
    load_log(l, "deliver", ", \"token\": \"%s\", \"attempt\": %u, \"redelivered\": %s", held->token, head->attempt,
             head->redelivered ? "true" : "false");
    if (lot == 0) {
        bus_term(l->bus, lease, ERR_INVALID, "it is one of those");
    } else if (lot < 3 && head->attempt < 2) {
        bus_nack(l->bus, lease, 0, false, ERR_BUSY, "not the first time");
    } else {
        snprintf(held->effect, sizeof held->effect, "%s-%d-%u", l->name, (int)getpid(), ++l->effects);
        snprintf(result, sizeof result, "%s %s", held->token, held->effect);
        load_log(l, "effect", ", \"token\": \"%s\", \"effect\": \"%s\"", held->token, held->effect);
        bus_ack(l->bus, lease, bytes_of_text(result));
    }
}

static void on_settled(void *ctx, uint64_t lease, int err)
{
    struct held *held = load_held(ctx, lease);

    if (!held)
        return;
    load_log(ctx, "settled", ", \"token\": \"%s\", \"effect\": \"%s\", \"err\": \"%s\"", held->token, held->effect,
             err < 0 ? err_name(err) : "");
    *held = (struct held) { 0 };
}

static void on_lease_lost(void *ctx, uint64_t lease, int err)
{
    struct held *held = load_held(ctx, lease);

    if (!held)
        return;
    load_log(ctx, "lease_lost", ", \"token\": \"%s\", \"err\": \"%s\"", held->token, err_name(err));
    *held = (struct held) { 0 };
}

/* ---- follow */

static void on_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                     struct bytes body)
{
    struct load *l = ctx;
    char store[ID_TEXT_SIZE], *space;
    char token[128] = { 0 };

    memcpy(token, body.data, body.len < sizeof token ? body.len : sizeof token - 1);
    space = strchr(token, ' ');
    if (space)
        *space = 0;
    load_log(l, "event",
             ", \"store\": \"%s\", \"seq\": %llu, \"name\": \"%s\", \"key\": \"%.*s\", \"token\": \"%s\", "
             "\"effect\": \"%s\", \"why\": \"%s\"",
             id_format(NULL, at.store, store), (unsigned long long)at.seq, head->name, (int)head->key.len,
             head->key.len ? (const char *)head->key.data : "", token, space ? space + 1 : "",
             head->err_text ? head->err_text : "");
    bus_cursor(l->bus, stream, at.seq);
}

static void on_lost(void *ctx, const char *stream, struct bus_cursor next)
{
    (void)stream;
    load_log(ctx, "lost", ", \"seq\": %llu", (unsigned long long)next.seq);
}

/* Where the own log ends: what it names was handled, whatever the broker knows of it. */
static struct bus_cursor load_place(const char *path)
{
    struct bus_cursor place = { 0 };
    char line[LINE], store[ID_TEXT_SIZE];
    FILE *file = fopen(path, "re");
    unsigned long long seq;

    while (file && fgets(line, sizeof line, file)) {
        const char *at = strstr(line, "\"store\": \"");

        if (at && sscanf(at, "\"store\": \"%26[a-z0-9]\", \"seq\": %llu", store, &seq) == 2 &&
            id_parse(NULL, store, &place.store) == 0)
            place.seq = seq;
    }
    if (file)
        fclose(file);
    return place;
}

/* ---- all */

static int64_t load_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void load_begin(struct load *l, const char *log)
{
    char dir[4096];

    if (strcmp(l->mode, "consume") == 0) {
        load_must("take", bus_take(l->bus, "load.job", CREDIT, 0));
    } else if (strcmp(l->mode, "produce") != 0) {
        bool group = strcmp(l->mode, "group") == 0;

        load_must("follow", bus_follow(l->bus, "load", NULL, group ? l->name : NULL,
                                       group ? (struct bus_cursor) { 0 } : load_place(log)));
    } else {
        snprintf(dir, sizeof dir, "%s/%s", l->state, l->name);
        load_must("store", store_open(&(struct store_options) { .dir = dir, .any_filesystem = true }, &l->store));
        load_must("outbox", outbox_open(l->store));
        l->arena = arena_new();
    }
}

static void load_open(struct load *l)
{
    static const struct bus_events events = { .up = on_up,
                                              .down = on_down,
                                              .durable_ok = on_ok,
                                              .durable_refused = on_no,
                                              .job = on_job,
                                              .settled = on_settled,
                                              .lease_lost = on_lease_lost,
                                              .event = on_event,
                                              .lost = on_lost };
    char path[4096], endpoint[4096], secret[256];
    struct bus_options options = { .endpoint = endpoint, .name = "load" };
    sigset_t set;
    int fd;

    snprintf(path, sizeof path, "%s/keys/load", l->state);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    options.secret = bytes_of(secret, fd < 0 ? 0 : (size_t)read(fd, secret, sizeof secret));
    close(fd);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/bus.sock", l->state);
    snprintf(path, sizeof path, "%s/log/%s.jsonl", l->state, l->name);
    l->log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    l->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (strcmp(l->mode, "produce") == 0) {
        load_begin(l, path);
        options.store = store_uuid(l->store);
        options.epoch = store_epoch(l->store);
        load_must("bus", bus_new(&options, &events, l, &l->bus));
    } else {
        load_must("bus", bus_new(&options, &events, l, &l->bus));
        load_begin(l, path);
    }
}

int main(int argc, char **argv)
{
    struct load l = { 0 };
    bool over = false;

    if (argc != 4 || !strstr(" produce consume follow group ", argv[1])) {
        fprintf(stderr, "usage: bus_load produce|consume|follow|group STATE NAME\n");
        return 64;
    }
    l.mode = argv[1];
    l.state = argv[2];
    l.name = argv[3];
    load_open(&l);
    while (!over) {
        struct pollfd fds[2] = { { bus_fd(l.bus), POLLIN, 0 }, { l.signals, POLLIN, 0 } };
        struct signalfd_siginfo info;

        poll(fds, 2, bus_timeout_ms(l.bus, load_ms()));
        if (fds[1].revents & POLLIN)
            l.stopping = read(l.signals, &info, sizeof info) > 0;
        bus_process(l.bus, load_ms());
        over = l.store ? load_produce(&l) : l.stopping;
        if (l.store)
            bus_process(l.bus, load_ms()); /* what was put leaves */
    }
    bus_close(&l.bus, 1000);
    store_close(&l.store);
    arena_free(&l.arena);
    load_log(&l, "end", "%s", "");
    return 0;
}

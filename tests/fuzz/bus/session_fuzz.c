/* Sessions against the broker's whole state machine, without a socket: three peers of a role that may do
 * everything, and one that may do next to nothing, say what the input says, in any order, and the store commits whenever
 * the input says so. What must hold of the broker's state (sound.h) is looked at after each message.
 *
 * Input: rows of
 *     who u8 | command u8 | flags u8 | code u8 | cid u8 | seq u8 | ms u8 | handle u8 |
 *     head length u8 | body length u8 | head | body
 * who 0..2: a message of that peer; 3: the store commits; 4: time passes; 5: a peer is lost; 6: an answer to what the
 * broker said last; 7: a message of the peer that may only call; it is never told what it may not know; 8: a peer
 * greets again; 9: something of the job that was given last, by its lease; 10, 11: a message, and something of that job, for
 * a row; 12: the row leaves. Of 5, 6, 8, 9 and 12 the peer is `code`. */
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "broker/server/broker.h"
#include "gen/errors.h"
#include "schemas/wire/plant.h"
#include "tests/fuzz/bus/sound.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 3, FEW = PEERS, ROW = 10 };

#ifdef KINOBUS_PLANT
const char *const plant_in = "lease_session_gone"; /* what only a state reaches, not the error in a parser */
#endif

static const char policy[] =
    "kinobus-policy 1\nallow all call >\nallow all offer >\nallow all put >\nallow all take >\nallow all append "
    ">\n"
    "allow all follow >\nallow all set >\nallow all watch >\nallow all tap >\n"
    "allow few call a.*\n"
    "queue a.b lease_ms=20 attempts=2 backoff_ms=1,2 done=a.done dead=a.dead\nstream a\nservice one single\ncall "
    "a.b reads\n";

static struct broker *broker;
static struct frame last, job; /* what the broker said last; the job that it gave last */
static struct frame_row gathered;

/* Answers, and nothing that was put, appended, set or asked by others; and nothing of its own is kept. */
static void few_may_hear(const struct frame *frame)
{
    switch (frame->command) {
    case FRAME_WELCOME:
    case FRAME_PONG:
    case FRAME_GOAWAY:
    case FRAME_ERROR:
    case FRAME_REP:
    case FRAME_ERR:
    case FRAME_LEASE_LOST: return;
    case FRAME_OK:
    case FRAME_ACK:
        if (frame->code >= 300)
            return;
    }
    abort();
}

static void outgoing(struct broker *b, struct session *to, struct bytes a, struct bytes body)
{
    struct frame frame;
    struct bytes head, in_first;
    struct frame_head parsed;

    (void)b;
    (void)body;
    if (frame_parse(a, &frame, &head, &in_first) < 0 || frame_parse_head(head, &parsed) < 0)
        abort(); /* the broker never says what a client could not read */
    if (to->role && strcmp(to->role, "few") == 0)
        few_may_hear(&frame);
    last = frame;
    if (frame.command == FRAME_JOB)
        job = frame;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX + 32];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static char keys[PATH_MAX], acl[PATH_MAX];

static void make_folder(void)
{
    const char *dir = scratch_folder();

    log_set_level(0); /* a line per refusal would be all the fuzzer does */
    if (sodium_init() < 0)
        abort();
    snprintf(keys, sizeof keys, "%s/keys", dir);
    snprintf(acl, sizeof acl, "%s/policy", dir);
    mkdir(keys, 0700);
    write_file(dir, "policy", policy);
    write_file(dir, "keys/all", "0123456789abcdef0123456789abcdef");
    write_file(dir, "keys/few", "0123456789abcdef0123456789abcdef");
}

/* A broker with an empty store for each input: what one has put, and the numbers that it has used up, would be in the way of
 * the next. */
static void start(void)
{
    static const char *const left[] = { "data.mdb", "lock.mdb", "owner.lock", "journal.0", "journal.1" };
    const char *policies[] = { acl, NULL };
    struct broker_options options = { .state = scratch_folder(),
                                      .keys = keys,
                                      .policies = policies,
                                      .map_size = 256u << 20,
                                      .any_filesystem = true,
                                      .no_socket = true,
                                      .no_thread = true };
    char error[256];

    if (!*keys)
        make_folder();
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        char path[PATH_MAX + 32];

        snprintf(path, sizeof path, "%s/broker/%s", scratch_folder(), left[i]);
        unlink(path);
    }
    if (broker_new(&options, &broker, error) < 0)
        abort();
    broker->outgoing = outgoing;
}

static void say_raw(uint8_t who, struct bytes first, struct bytes body)
{
    uint8_t routing[5] = { 0, 0, 0, 0, (uint8_t)(who + 1) };
    zmq_msg_t a, second;

    zmq_msg_init_size(&a, first.len);
    memcpy(zmq_msg_data(&a), first.data, first.len);
    zmq_msg_init_size(&second, body.len);
    if (body.len)
        memcpy(zmq_msg_data(&second), body.data, body.len);
    broker_take(broker, TRANSPORT_LOCAL, bytes_of(routing, sizeof routing), &a, body.len ? &second : NULL);
    zmq_msg_close(&a);
    zmq_msg_close(&second);
}

static void say(uint8_t who, const struct frame *frame, struct bytes head, struct bytes body)
{
    struct buf raw = { 0 };
    bool in_first;

    frame_build_raw(&raw, frame, head, body, &in_first);
    say_raw(who, buf_bytes(&raw), in_first ? bytes_of(NULL, 0) : body);
    buf_free(&raw);
}

static void leave(uint8_t who)
{
    if (gathered.n)
        say_raw(who, frame_row_message(&gathered), bytes_of(NULL, 0));
    frame_row_reset(&gathered);
}

static void hello(uint8_t who)
{
    struct frame frame = { .command = FRAME_HELLO, .code = FRAME_VERSION };
    struct id instance = { { 1, who } }, store = { { 2, who } };
    struct frame_head head = { .topic = bytes_of_text(who == FEW ? "few" : "all"),
                               .epoch = 1,
                               .store = frame_of_id(&store),
                               .instance = frame_of_id(&instance),
                               .secret = bytes_of_text("0123456789abcdef0123456789abcdef") };
    struct buf packed = { 0 };

    frame_build_head(&packed, &head);
    say(who, &frame, buf_bytes(&packed), (struct bytes) { 0 });
    buf_free(&packed);
}

/* Handles 1 to 9 are open for one verb each, so that most of what follows has a meaning. */
static void open_names(uint8_t who)
{
    static const char *const names[VERB_END] = { "",       "a.call", "a",       "a.b",     "a.b",
                                                 "a.sold", "a",      "a.value", "a.value", ">" };

    for (unsigned verb = 1; verb < VERB_END; verb++) {
        struct frame frame = { .command = FRAME_OPEN, .code = (uint16_t)verb, .handle = verb };
        struct frame_head head = { .topic = bytes_of_text(names[verb]) };
        struct buf packed = { 0 };

        frame_build_head(&packed, &head);
        say(who, &frame, buf_bytes(&packed), (struct bytes) { 0 });
        buf_free(&packed);
    }
}

/* What follows from a commit may be written itself. */
static void commit(void)
{
    uint64_t before;

    do {
        before = bus_store_counts(broker->store).operations;
        bus_store_step(broker->store);
        broker_settle(broker);
        if (bus_store_dead(broker->store))
            abort();
    } while (bus_store_counts(broker->store).operations != before);
    sound_committed(broker);
}

static void pass(unsigned ms)
{
    broker->now_ms += ms;
    broker->wall_ms += ms;
    timers_run(&broker->timers, broker->now_ms, broker, 1000);
    commit();
}

static void lose(unsigned n)
{
    struct session *s;

    TAILQ_FOREACH(s, &broker->all, link)
    {
        if (n-- == 0) {
            session_mark_lost(broker, s, ERR_UNAVAILABLE);
            broker_settle(broker);
            return;
        }
    }
}

static size_t row(const uint8_t *at, size_t left)
{
    struct frame frame = { .command = at[1],
                           .flags = at[2] & ~FRAME_BODY2,
                           .code = at[3],
                           .cid = at[4],
                           .seq = at[5],
                           .ms = at[6],
                           .handle = at[7] };
    size_t head = at[8], body = at[9];

    if (left < ROW + head + body)
        return left;
    if (at[0] < PEERS) {
        say(at[0], &frame, bytes_of(at + ROW, head), bytes_of(at + ROW + head, body));
    } else if (at[0] == 3) {
        commit();
    } else if (at[0] == 4) {
        pass(at[3] * 10u);
    } else if (at[0] == 5) {
        lose(at[3]);
    } else if (at[0] == 10 || at[0] == 11) {
        frame.cid = at[0] == 10 ? frame.cid : job.cid;
        frame_row_add_raw(&gathered, &frame, bytes_of(at + ROW, head), bytes_of(at + ROW + head, body));
    } else if (at[0] == 12) {
        leave(at[3] % PEERS);
    } else if (at[0] == 6 || at[0] == 9) {
        frame.cid = at[0] == 6 ? last.cid : job.cid;
        frame.seq = at[0] == 6 ? last.seq : job.seq;
        say(at[3] % PEERS, &frame, bytes_of(at + ROW, head), bytes_of(at + ROW + head, body));
    } else if (at[0] == 8) {
        hello(at[3] % PEERS);
        open_names(at[3] % PEERS);
    } else if (at[0] == 7) {
        say(FEW, &frame, bytes_of(at + ROW, head), bytes_of(at + ROW + head, body));
    }
    sound_now(broker);
    return ROW + head + body;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    for (uint8_t who = 0; who <= FEW; who++) {
        hello(who);
        open_names(who);
    }
    frame_row_reset(&gathered);
    last = job = (struct frame) { .command = 0 };
    for (size_t at = 0; at + ROW <= size;)
        at += row(data + at, size - at);
    for (uint8_t who = 0; who <= FEW; who++)
        say(who, &(struct frame) { .command = FRAME_BYE }, (struct bytes) { 0 }, (struct bytes) { 0 });
    broker_settle(broker); /* they leave while they hold what they hold, not when its time is up */
    pass(3600 * 1000);
    if (broker->calls.n || !TAILQ_EMPTY(&broker->all))
        abort(); /* nobody is left, so nothing may be left of them */
    broker_free(&broker);
    return 0;
}

#include "tests/unit/broker/bare.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "actors/runtime/log.h"

static const char policy[] = "kinobus-policy 1\nallow all call >\nallow all offer >\nallow all put >\nallow all "
                             "take >\nallow all append >\n"
                             "allow all follow >\nallow all set >\nallow all watch >\nallow all tap >\n"
                             "queue a.b lease_ms=1000 attempts=3 backoff_ms=100,200 done=a.done dead=a.dead\n"
                             "queue a.few max=3\nstream a\ncall a.look reads\n";

static struct bare bare;

struct bare *bare_of(void)
{
    return &bare;
}

static void bare_outgoing(struct broker *b, struct session *to, struct bytes a, struct bytes body)
{
    struct said *said = &bare.said[bare.n];
    struct bytes head, in_first;

    (void)b;
    (void)to;
    assert_in_range(bare.n, 0, BARE_SAID - 1);
    assert_int_equal(frame_parse(a, &said->frame, &head, &in_first), 0);
    if (!(said->frame.flags & FRAME_BODY2))
        body = in_first;
    said->size = body.len;
    if (body.len)
        memcpy(said->body, body.data, body.len < BARE_BODY ? body.len : BARE_BODY);
    bare.n++;
}

static void bare_file(const char *name, const char *text)
{
    char path[200];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", bare.dir, name);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

int bare_setup(void **state)
{
    char keys[80], acl[80], error[256];
    const char *policies[] = { acl, NULL };
    struct broker_options options = { .state = bare.dir,
                                      .keys = keys,
                                      .policies = policies,
                                      .map_size = 64u << 20,
                                      .any_filesystem = true,
                                      .no_socket = true,
                                      .no_thread = true };

    *state = &bare;
    log_set_level(0);
    assert_true(sodium_init() >= 0);
    strcpy(bare.dir, "/tmp/broker-bare-XXXXXX");
    assert_non_null(mkdtemp(bare.dir));
    snprintf(keys, sizeof keys, "%s/keys", bare.dir);
    snprintf(acl, sizeof acl, "%s/policy", bare.dir);
    assert_int_equal(mkdir(keys, 0700), 0);
    bare_file("policy", policy);
    bare_file("keys/all", "0123456789abcdef0123456789abcdef");
    assert_int_equal(broker_new(&options, &bare.broker, error), 0);
    bare.broker->outgoing = bare_outgoing;
    bare.n = 0;
    return 0;
}

int bare_teardown(void **state)
{
    char command[100];

    (void)state;
    broker_free(&bare.broker);
    snprintf(command, sizeof command, "rm -rf %s", bare.dir);
    assert_int_equal(system(command), 0);
    return 0;
}

void bare_say_raw(uint8_t who, struct bytes first, struct bytes body)
{
    uint8_t routing[5] = { 0, 0, 0, 0, (uint8_t)(who + 1) };
    zmq_msg_t a, second;

    zmq_msg_init_size(&a, first.len);
    memcpy(zmq_msg_data(&a), first.data, first.len);
    zmq_msg_init_size(&second, body.len);
    if (body.len)
        memcpy(zmq_msg_data(&second), body.data, body.len);
    broker_take(bare.broker, TRANSPORT_LOCAL, bytes_of(routing, sizeof routing), &a, body.len ? &second : NULL);
    zmq_msg_close(&a);
    zmq_msg_close(&second);
}

void bare_say(uint8_t who, struct frame frame, const struct frame_head *head, struct bytes body)
{
    struct buf raw = { 0 };
    bool in_first;

    frame_build(&raw, &frame, head, body, &in_first);
    bare_say_raw(who, buf_bytes(&raw), in_first ? bytes_of(NULL, 0) : body);
    buf_free(&raw);
}

void bare_hello(uint8_t who)
{
    static const struct {
        enum frame_verb verb;
        const char *name;
    } names[] = {
        { VERB_PUT, "a.b" },   { VERB_TAKE, "a.b" }, { VERB_APPEND, "a.sold" }, { VERB_APPEND, "a.sent" },
        { VERB_PUT, "a.few" }, { VERB_FOLLOW, "a" }, { VERB_CALL, "a.ask" },    { VERB_OFFER, "a" },
    };
    struct id instance = { { 1, who } }, store = { { 2, who } };
    struct frame_head head = { .topic = bytes_of_text("all"),
                               .epoch = 1,
                               .store = frame_of_id(&store),
                               .instance = frame_of_id(&instance),
                               .secret = bytes_of_text("0123456789abcdef0123456789abcdef") };

    bare_say(who, (struct frame) { .command = FRAME_HELLO, .code = FRAME_VERSION }, &head, (struct bytes) { 0 });
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
        bare_say(who, (struct frame) { .command = FRAME_OPEN, .code = names[i].verb, .handle = i + 1 },
                 &(struct frame_head) { .topic = bytes_of_text(names[i].name) }, (struct bytes) { 0 });
    bare_forget();
}

void bare_commit(void)
{
    bus_store_step(bare.broker->store);
    broker_settle(bare.broker);
}

void bare_pass(unsigned ms)
{
    bare.broker->now_ms += ms;
    bare.broker->wall_ms += ms;
    timers_run(&bare.broker->timers, bare.broker->now_ms, bare.broker, 1000);
    bare_commit();
}

void bare_forget(void)
{
    bare.n = 0;
}

const struct said *bare_said(uint8_t command, size_t n)
{
    for (size_t i = 0; i < bare.n; i++) {
        if (bare.said[i].frame.command == command && n-- == 0)
            return &bare.said[i];
    }
    return NULL;
}

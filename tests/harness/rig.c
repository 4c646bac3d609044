#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <ftw.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/runtime/token/token.h"
#include "data/store/env.h"
#include "gen/errors.h"
#include "tests/harness/rig.h"

struct rig {
    const struct actor_def *def;
    const char *const *sets;
    struct actor *actor;
    struct arena *arena;
    char dir[64];
    size_t map_size;
    int64_t utc, mono;
    uint64_t chance;
    int exit_status;
};

static const struct id broker_store = { { 0xb0, 0x0b } };
static const char kid[] = "0a1b2c3d";
static const uint8_t seed[32] = { 1, 2, 3 };

static int64_t rig_utc(void *ctx)
{
    return ((struct rig *)ctx)->utc;
}

static int64_t rig_mono(void *ctx)
{
    return ((struct rig *)ctx)->mono;
}

/* splitmix64: the same in every run */
static void rig_random(void *ctx, void *to, size_t len)
{
    struct rig *rig = ctx;

    for (uint8_t *at = to, *end = at + len; at < end; at++) {
        uint64_t z = rig->chance += 0x9e3779b97f4a7c15;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        *at = (uint8_t)(z ^ (z >> 31));
    }
}

static void rig_publish_keys(struct rig *rig)
{
    uint8_t public_key[32], secret[64];
    struct signing_key key = { .kid = kid, .public_key = bytes_of(public_key, sizeof(public_key)) };

    crypto_sign_seed_keypair(public_key, secret, seed);
    if (rig->def->schema->people)
        rig_value(rig, &keys_value, "", &(struct keys) { .keys = &key, .keys_n = 1 });
}

static void rig_begin(struct rig *rig)
{
    const struct world world = {
        .utc_ms = rig_utc, .mono_ms = rig_mono, .random = rig_random, .ctx = rig, .inline_pool = true
    };
    struct actor_start start = { .state_dir = rig->dir,
                                 .secret_fd = -1,
                                 .sets = rig->sets,
                                 .world = &world,
                                 .map_size = rig->map_size,
                                 .any_filesystem = true };
    int r;

    while (rig->sets && rig->sets[start.sets_n])
        start.sets_n++;
    rig->exit_status = -1;
    r = actor_begin(rig->def, &start, &rig->actor);
    if (r < 0) {
        rig->exit_status = 75;
        rig->actor = NULL;
        return;
    }
    fake_up(false, 64, broker_store);
    rig_publish_keys(rig);
    rig_run(rig);
}

struct rig *rig_new(const struct actor_def *def, const char *const *sets)
{
    return rig_new_sized(def, sets, (size_t)64 << 20);
}

struct rig *rig_new_sized(const struct actor_def *def, const char *const *sets, size_t map_size)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    char path[256];
    FILE *f;

    assert_non_null(rig);
    assert_true(sodium_init() >= 0);
    fake_forget();
    rig->def = def;
    rig->sets = sets;
    rig->map_size = map_size;
    rig->arena = arena_new();
    rig->utc = RIG_EPOCH;
    rig->mono = 1000000;
    strcpy(rig->dir, "/tmp/kinobus-rig-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(path, sizeof(path), "%s/keys", rig->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/keys/%s", rig->dir, def->name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("a secret of this rig\n", f);
    fclose(f);
    rig_begin(rig);
    return rig;
}

static int rig_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

void rig_free(struct rig **ret)
{
    struct rig *rig = *ret;

    *ret = NULL;
    actor_end(&rig->actor);
    nftw(rig->dir, rig_remove, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&rig->arena);
    free(rig);
    fake_forget();
}

int rig_open(void **state, const struct actor_def *def, const char *const *sets)
{
    *state = rig_new(def, sets);
    assert_non_null(rig_actor(*state));
    return 0;
}

int rig_close(void **state)
{
    struct rig *rig = *state;

    rig_free(&rig);
    return 0;
}

void rig_restart(struct rig *rig)
{
    actor_end(&rig->actor);
    rig_begin(rig);
}

struct actor *rig_actor(struct rig *rig)
{
    return rig->actor;
}

int rig_exit_status(const struct rig *rig)
{
    return rig->exit_status;
}

struct arena *rig_arena(struct rig *rig)
{
    return rig->arena;
}

int64_t rig_now(const struct rig *rig)
{
    return rig->utc;
}

void rig_run(struct rig *rig)
{
    unsigned steps = 0;

    while (rig->actor && actor_exit_status(rig->actor) < 0 &&
           (actor_step(rig->actor) || actor_wait_ms(rig->actor) == 0))
        assert_true(++steps < 10000); /* an actor that is never done */
    if (rig->actor && actor_exit_status(rig->actor) >= 0) {
        rig->exit_status = actor_exit_status(rig->actor);
        actor_end(&rig->actor);
    }
}

void rig_advance(struct rig *rig, int64_t ms)
{
    rig->utc += ms;
    rig->mono += ms;
    rig_run(rig);
}

void rig_confirm(struct rig *rig)
{
    const struct bus_events *events;
    const struct fake_sent *sent;
    void *ctx;

    rig_run(rig);
    events = fake_events(&ctx);
    while ((sent = fake_next(FAKE_PUT, NULL)) || (sent = fake_next(FAKE_APPEND, NULL)))
        events->durable_ok(ctx, sent->number, false);
    rig_advance(rig, 1000);
}

/* ---- people */

struct id rig_user(unsigned n)
{
    return (struct id) { { 0x01, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

const char *rig_token(struct rig *rig, struct id user, enum role role)
{
    struct token_claims claims = {
        .user = user, .session = user, .role = role, .issued_ms = rig->utc, .expires_ms = rig->utc + 600000
    };
    char *token = arena_alloc(rig->arena, TOKEN_TEXT_SIZE);

    assert_int_equal(token_sign(kid, seed, &claims, token), 0);
    return token;
}

struct rig_ask rig_person(struct rig *rig, unsigned n, enum role role)
{
    return (struct rig_ask) { .token = rig_token(rig, rig_user(n), role) };
}

/* ---- what comes in */

static struct bytes rig_pack(struct rig *rig, const struct wire_type *type, const void *body)
{
    struct wire_error err = { 0 };
    struct buf buf = { 0 };
    struct bytes packed;

    if (wire_pack_err(type, body, &buf, &err) < 0)
        fail_msg("%s: %s %s", type->name, err.path, err.sentence);
    packed = arena_bytes(rig->arena, buf_bytes(&buf));
    buf_free(&buf);
    return packed;
}

uint64_t rig_call(struct rig *rig, const struct call_def *call, const void *body, struct rig_ask ask)
{
    struct bus_head head = { .name = call->name,
                             .subject = ask.token,
                             .from = ask.from ? ask.from : "front",
                             .idempotency = ask.key,
                             .time_ms = rig->utc };

    return fake_request(&head, rig_pack(rig, call->request, body), ask.deadline_ms);
}

uint64_t rig_job(struct rig *rig, const struct job_def *job, const void *body, struct id id, uint32_t attempt)
{
    struct bus_head head = {
        .name = job->name, .from = "owner", .job = id, .attempt = attempt, .time_ms = rig->utc
    };

    return fake_job(&head, rig_pack(rig, job->request, body), job->lease_ms);
}

static void rig_deliver(struct rig *rig, const struct event_def *event, struct bus_head *head, struct bytes body,
                        uint64_t seq)
{
    const char *dot = strchr(event->name, '.');
    char *stream = arena_strndup(rig->arena, event->name, (size_t)(dot - event->name));
    const struct bus_events *events;
    void *ctx;

    head->name = event->name;
    head->from = stream;
    head->time_ms = rig->utc;
    events = fake_events(&ctx);
    events->event(ctx, stream, (struct bus_cursor) { .store = broker_store, .seq = seq }, head, body);
}

void rig_event(struct rig *rig, const struct event_def *event, const void *body, uint64_t seq)
{
    struct bus_head head = { 0 };
    char text[ID_TEXT_SIZE];
    const void *key = event->key ? (const char *)body + event->key->offset : NULL;

    if (key && event->key->kind == WIRE_ID)
        head.key = bytes_of_text(id_format(event->key->prefix, *(const struct id *)key, text));
    else if (key)
        head.key = bytes_of_text(*(const char *const *)key);
    rig_deliver(rig, event, &head, rig_pack(rig, event->type, body), seq);
}

void rig_job_end(struct rig *rig, const struct event_def *event, const void *result, struct id job,
                 const char *key, int err, uint64_t seq)
{
    struct bus_head head = {
        .job = job, .key = bytes_of_text(key), .attempt = 2, .err = err, .err_text = err ? "it broke" : NULL
    };

    rig_deliver(rig, event, &head, result ? rig_pack(rig, event->type, result) : (struct bytes) { 0 }, seq);
}

void rig_value(struct rig *rig, const struct value_def *value, const char *key, const void *body)
{
    const struct bus_events *events;
    void *ctx;

    events = fake_events(&ctx);
    events->value(ctx, value->name, key, body ? rig_pack(rig, value->type, body) : (struct bytes) { 0 });
}

void rig_lost(struct rig *rig, const char *stream)
{
    const struct bus_events *events;
    void *ctx;

    events = fake_events(&ctx);
    events->lost(ctx, stream, (struct bus_cursor) { .store = { { 9 } }, .seq = 100 });
    rig_run(rig);
}

void rig_answer(struct rig *rig, const struct fake_sent *asked, const struct call_def *call, int err,
                const void *reply)
{
    const struct bus_events *events;
    void *ctx;

    assert_non_null(asked);
    assert_string_equal(asked->name, call->name);
    events = fake_events(&ctx);
    events->reply(ctx, asked->number, err,
                  err || !reply   ? (struct bytes) { 0 }
                  : call->request ? rig_pack(rig, call->reply, reply)
                                  : *(const struct bytes *)reply);
}

void rig_refuse(struct rig *rig, const struct fake_sent *asked, int err, const char *detail)
{
    struct problem problem = { .detail = detail };
    const struct bus_events *events;
    void *ctx;

    assert_non_null(asked);
    events = fake_events(&ctx);
    events->reply(ctx, asked->number, err, rig_pack(rig, &problem_type, &problem));
}

/* ---- what went out */

void rig_read(struct rig *rig, const struct fake_sent *sent, const struct wire_type *type, void *to)
{
    struct wire_error err = { 0 };

    assert_non_null(sent);
    if (wire_unpack(type, bytes_of(sent->body, sent->body_len), rig->arena, to, &err) < 0)
        fail_msg("%s: %s %s", type->name, err.path, err.sentence);
}

int rig_reply(struct rig *rig, uint64_t cid, const struct call_def *call, void *reply)
{
    const struct fake_sent *sent = fake_answer(cid);

    if (!sent)
        return 1;
    if (sent->kind == FAKE_ERROR)
        return sent->err;
    if (call->reply && reply)
        rig_read(rig, sent, call->reply, reply);
    return 0;
}

struct problem rig_problem(struct rig *rig, uint64_t cid)
{
    const struct fake_sent *sent = fake_answer(cid);
    struct problem problem = { 0 };

    assert_non_null(sent);
    if (sent->body_len)
        rig_read(rig, sent, &problem_type, &problem);
    return problem;
}

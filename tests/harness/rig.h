/* rig - an actor on a fake bus, with a clock that stands still until it is told, chance that repeats, and a store in a
 * folder of its own. Nothing waits and nothing is left to the machine: a test of an actor is a list of what comes in and
 * what must go out.
 *
 *     struct rig *rig = rig_new(&catalog_actor, NULL);
 *     uint64_t cid = rig_call(rig, &create_video_call, &(struct create_video){ .title = "t" }, rig_person(rig, 1, ROLE_CREATOR));
 *     rig_run(rig);
 *     assert_int_equal(rig_reply(rig, cid, &create_video_call, &video), 0); */
#pragma once

#include "actors/runtime/step.h"
#include "actors/runtime/turn.h"
#include "gen/common.h"
#include "tests/harness/fake_bus.h"

struct rig;

#define RIG_EPOCH INT64_C(1795237800000) /* where the clock begins: 2026-11-21T05:10:00Z */

struct rig_ask {          /* who asks, and how */
    const char *token;    /* of a person; NULL: none */
    const char *from;     /* NULL: "front" */
    const char *key;      /* idempotency */
    uint32_t deadline_ms; /* 0: none */
};

/* sets: "NAME.SETTING=VALUE", ended by NULL; may be NULL. The bus is up, the keys of tokens are known. */
struct rig *rig_new(const struct actor_def *def, const char *const *sets);
struct rig *rig_new_sized(const struct actor_def *def, const char *const *sets,
                          size_t map_size); /* a small store */
void rig_free(struct rig **rig);
/* Of each test of cmocka: *state is its rig. */
int rig_open(void **state, const struct actor_def *def, const char *const *sets);
int rig_close(void **state);
/* The process is killed and starts again on what its store holds; the bus comes up again. */
void rig_restart(struct rig *rig);

struct actor *rig_actor(struct rig *rig);   /* NULL: it has ended */
int rig_exit_status(const struct rig *rig); /* of the actor that ended; -1: it runs */
struct arena *rig_arena(struct rig *rig);
int64_t rig_now(const struct rig *rig);
void rig_advance(struct rig *rig, int64_t ms); /* the clocks; then run */
void rig_run(struct rig *rig);                 /* until nothing is left to do at this moment */
void rig_confirm(struct rig *rig);             /* the broker has every durable message sent so far */

struct id rig_user(unsigned n);                                         /* the n-th person's id */
const char *rig_token(struct rig *rig, struct id user, enum role role); /* ten minutes */
struct rig_ask rig_person(struct rig *rig, unsigned n, enum role role);

/* Delivers; nothing runs before rig_run(). */
uint64_t rig_call(struct rig *rig, const struct call_def *call, const void *body, struct rig_ask ask);
uint64_t rig_job(struct rig *rig, const struct job_def *job, const void *body, struct id id, uint32_t attempt);
void rig_event(struct rig *rig, const struct event_def *event, const void *body, uint64_t seq);
/* The end of a job, as the broker appends it; result NULL: a dead job, of err. */
void rig_job_end(struct rig *rig, const struct event_def *event, const void *result, struct id job,
                 const char *key, int err, uint64_t seq);
/* The stream's events are gone, as the broker says after it lost its store. */
void rig_lost(struct rig *rig, const char *stream);
void rig_value(struct rig *rig, const struct value_def *value, const char *key, const void *body); /* NULL: gone */
void rig_answer(struct rig *rig, const struct fake_sent *asked, const struct call_def *call, int err,
                const void *reply);
/* With an error, and a sentence about it. */
void rig_refuse(struct rig *rig, const struct fake_sent *asked, int err, const char *detail);

/* What was answered: 0 and the reply filled, or the error; 1: nothing yet. */
int rig_reply(struct rig *rig, uint64_t cid, const struct call_def *call, void *reply);
struct problem rig_problem(struct rig *rig, uint64_t cid);
/* Unpacks what was sent; fails the test when it does not fit. */
void rig_read(struct rig *rig, const struct fake_sent *sent, const struct wire_type *type, void *to);

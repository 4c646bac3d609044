/* actor - what generated code says of an actor, and what it expects of the runtime that the actor stands in.
 *
 * The compiler emits one `const struct actor_schema NAME_schema` per schemas/NAME.toml, and typed senders (emit_, put_,
 * ask_, set_, reply_) over the turn_ functions below. Those are the runtime's (actors/runtime); only a program that
 * sends or serves is linked with them. */
#pragma once

#include "schemas/wire/wire.h"

struct turn;
struct table_def;

/* Who may call. A role includes the roles below it. */
enum allow {
    ALLOW_VIEWER = 1,
    ALLOW_CREATOR = 2,
    ALLOW_MODERATOR = 4,
    ALLOW_ADMIN = 8,
    ALLOW_ANYONE = 16, /* also somebody who has not said who he is */
    ALLOW_OWNER = 32,  /* somebody known; the handler checks that the thing is his (turn_require_owner) */
    ALLOW_ACTORS = 64, /* no person: the bus's ACL alone decides */
};

struct call_def {
    const char *name; /* "catalog.create_video" */
    const struct wire_type *request,
        *reply; /* reply NULL: none. request NULL: one of the broker's own ("$sys.why"):
                                                body and answer are struct bytes */
    unsigned allow;
    bool writes;          /* false: runs on a read snapshot */
    bool frees;           /* it makes room: served also when the store is nearly full */
    uint32_t deadline_ms; /* how long whoever asks waits */
    const char *front;    /* who calls it for people over HTTP ("front"), NULL: nobody */
};

struct event_def {
    const char *name; /* "catalog.video_ready" */
    const struct wire_type *type;
    const struct wire_field *key;                                   /* what orders them; NULL: nothing */
    enum event_origin { EVENT_OWN, EVENT_DONE, EVENT_DEAD } origin; /* done and dead: the broker appends them */
};

struct job_def {
    const char *name;                         /* the queue: "transcode.encode_run" */
    const struct wire_type *request, *result; /* result: of the done event, NULL: none */
    const struct wire_field *key;             /* shown by `why`, and on done and dead; NULL: none */
    uint32_t lease_ms, attempts;
    bool priority;
};

struct value_def {
    const char *name; /* "auth.keys" */
    const struct wire_type *type;
    uint32_t ttl_ms; /* 0: for ever, on the broker's disk */
    bool secret;
};

struct counter_def {
    const char *name, *doc;
    bool gauge; /* goes up and down */
};

struct job_options {
    uint8_t priority;  /* 255 first; 0: the usual, last */
    uint32_t delay_ms; /* not before so long from now */
    uint32_t ttl_ms;   /* dead when not done by then; 0: never */
};

/* What comes back to whoever asked or used the pool. reply: the struct that the call answers, NULL with an error. */
typedef int turn_then(void *self, struct turn *t, int err, const void *reply, const void *ctx);

/* ---- what an actor serves; the thunks are generated, so that no function is called through another type */

struct serve_def {
    const struct call_def *call;
    bool (*served)(const void *handlers);
    int (*run)(const void *handlers, void *self, struct turn *t, const void *ask, void *reply);
};

struct follow_def {
    const struct event_def *event;
    int (*run)(const void *handlers, void *self, struct turn *t, const void *event);
};

struct take_def {
    const struct job_def *job;
    int (*run)(const void *handlers, void *self, struct turn *t, const void *job);
};

struct watch_def {
    const struct value_def *value;
    void (*run)(const void *handlers, void *self, struct turn *t, const void *value);
};

struct actor_schema {
    const char *name;
    bool single; /* a second process of this name is refused */
    const struct serve_def *serves;
    size_t serves_n;
    const struct follow_def *follows;
    size_t follows_n;
    const struct take_def *takes;
    size_t takes_n;
    const struct watch_def *watches;
    size_t watches_n;
    const struct table_def *const *tables;
    size_t tables_n;
    const struct counter_def *counters;
    size_t counters_n;
    const struct wire_type *settings; /* NULL: none of its own */
    const char *const *shared;        /* those of them that another declares: "front.public_url" */
    size_t shared_n;
    bool people; /* some call is for people: it watches the keys of access tokens */
};

/* ---- what senders call */

int turn_emit(struct turn *t, const struct event_def *event, const void *body);
int turn_put(struct turn *t, const struct job_def *job, const void *body, const struct job_options *options,
             struct id *ret_job);
int turn_ask(struct turn *t, const struct call_def *call, const void *body, turn_then *then, const void *ctx,
             size_t ctx_len);
int turn_set(struct turn *t, const struct value_def *value, const char *key, const void *body);
int turn_reply(struct turn *t, const void *body); /* of the call or job that this or an earlier turn was given */

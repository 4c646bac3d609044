/* step - an actor driven from outside: by actor_main(), which waits between the steps, or by a test, which does not. */
#pragma once

#include "actors/runtime/actor.h"

/* Time and chance. A test brings its own, and everything an actor does is then the same every time. */
struct world {
    int64_t (*utc_ms)(void *ctx);
    int64_t (*mono_ms)(void *ctx); /* never jumps */
    void (*random)(void *ctx, void *to, size_t len);
    void *ctx;
    bool inline_pool; /* work of the pool is done by the step that follows its turn */
};

struct actor_start {
    const char *state_dir;   /* the store is made in DIR/NAME; keys/NAME holds the secret */
    const char *config_file; /* NULL: none */
    const char *join_file;   /* of another host than the broker's; NULL: of the same */
    const char *endpoint;    /* NULL: the join file's, else ipc://DIR/bus.sock */
    int secret_fd;           /* -1: read keys/NAME */
    const char *const *sets; /* "NAME.SETTING=VALUE", above file and environment */
    size_t sets_n;
    const struct world *world; /* NULL: the real one */
    size_t map_size;           /* of the store, 0: its default */
    bool any_filesystem;       /* tests: overlay and tmpfs are good enough */
};

/* Everything up to the loop. ERR_INVALID: settings or arguments, told on stderr. */
int actor_begin(const struct actor_def *def, const struct actor_start *start, struct actor **ret);
/* Does what is due: the bus, the pool, timers, one batch of turns. Answers whether there was anything to do. */
bool actor_step(struct actor *actor);
/* How long a step may wait, ms; 0: not at all. */
int actor_wait_ms(const struct actor *actor);
int actor_exit_status(const struct actor *actor); /* -1: it runs */
void *actor_self(struct actor *actor);
void actor_end(struct actor **actor);

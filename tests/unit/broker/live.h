/* live - a real broker on a thread, and clients whose callbacks are written down; the test's thread is their loop.
 *
 * live_until(live, CONDITION) runs every client until the condition holds; a test that waits in vain fails when its
 * patience ends, and no test depends on how long anything takes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/types.h>
#include <pthread.h>

#include "broker/client/bus.h"
#include "broker/server/broker.h"
#include "gen/errors.h"
#include "tests/harness/patience.h"

enum { LIVE_PEERS = 8, LIVE_SEEN = 4096 };

/* One callback. */
struct seen {
    enum seen_kind {
        SEEN_UP,
        SEEN_DOWN,
        SEEN_REFUSED,
        SEEN_REPLY,
        SEEN_REQUEST,
        SEEN_CANCEL,
        SEEN_JOB,
        SEEN_LEASE_LOST,
        SEEN_SETTLED,
        SEEN_OK,
        SEEN_NO,
        SEEN_EVENT,
        SEEN_LOST,
        SEEN_TAIL,
        SEEN_VALUE,
        SEEN_SET_FAILED,
        SEEN_TAP,
        SEEN_UNREACHABLE,
    } kind;
    uint64_t number; /* cid, lease or seq */
    int err;
    bool flag;
    char name[64], from[32], key[64], text[64], body[64];
    size_t size;
    uint32_t attempt;
    enum bus_tap_kind tap;
    struct id job;
};

struct live;
struct peer {
    struct live *live;
    struct bus *bus;
    struct seen seen[LIVE_SEEN];
    size_t n;
    uint64_t counted[SEEN_UNREACHABLE + 1];
    /* Called before a message is written down; may answer it. NULL: nothing. */
    void (*answer)(struct peer *peer, const struct seen *seen);
};

struct live {
    char dir[64];
    struct broker *broker;
    pthread_t thread;
    int stop;
    bool remote; /* listens for other hosts, too */
    struct peer peers[LIVE_PEERS];
    size_t peers_n;
};

/* Processes of their own, to be killed. They are forked by one that has no threads, which main() starts first: a child
 * of a process with threads may find locks that nobody will ever open. */
void live_forker(void);
pid_t live_process(void (*run)(const char *dir), const char *dir);
void live_kill(pid_t pid); /* SIGKILL, and waits until it is gone */

int live_setup(void **state);
int live_setup_remote(void **state); /* the same, and it listens on a free port */
int live_teardown(void **state);
void live_start(struct live *live); /* the broker; setup has started one */
void live_stop(struct live *live);
/* A client of this role; epoch 0: without a store. Owners of one role share a store. */
struct peer *live_join(struct live *live, const char *role, uint32_t epoch);
/* The same over tcp, with a key; server_key NULL: the broker's. */
struct peer *live_join_remote(struct live *live, const char *role, const char *server_key, const char *secret_key);
void live_write(const struct live *live, const char *name, const char *text, mode_t mode);
void live_leave(struct peer *peer); /* with a goodbye */
void live_pump(struct live *live, int wait_ms);
bool live_late(int64_t began_ms);
int64_t live_ms(void);
struct id live_id(const char *text);

/* The n-th (from 0) callback of a kind, NULL: not yet. */
const struct seen *peer_seen(const struct peer *peer, enum seen_kind kind, size_t n);

#define live_until(live, condition)                             \
    do {                                                        \
        int64_t live_began = live_ms();                         \
        while (!(condition)) {                                  \
            live_pump(live, 20);                                \
            if (live_late(live_began))                          \
                fail_msg("waited in vain for: %s", #condition); \
        }                                                       \
    } while (0)

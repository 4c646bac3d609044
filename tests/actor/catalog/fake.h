/* fake - turns without a runtime: a real store and real blobs, a clock and a pool that move when told, and
 * a bus that keeps what was sent. A restart loses what a process would lose: timers, the pool, memory;
 * never what was committed. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>

#include "actors/catalog/catalog.h"
#include "schemas/wire/arena.h"

enum { FAKE_SENT_MOST = 4096, FAKE_WAITING_MOST = 2048 };

struct fake_sent {
    const char *name; /* "transcode.encode_run", "catalog.video_ready" */
    struct bytes body;
    struct id job;
    uint64_t seq;
    uint8_t priority;
    bool taken;
};

struct fake_waiting {
    bool used, pool;
    int64_t due;
    pool_work *work;
    turn_then *then;
    pool_let_go *drop;
    struct bytes ctx;
};

struct turn {
    struct fake *f;
    struct store_txn *txn;
    struct fake_waiting waiting[64]; /* leave after the commit */
    size_t waiting_n;
    struct {
        turn_undo *undo;
        const void *ctx;
    } undo[16];
    size_t undo_n;
};

struct fake {
    char dir[PATH_MAX];
    struct catalog self;
    struct catalog_settings settings;
    struct store *store;
    struct arena *arena;
    struct turn *t;
    int64_t now;
    uint64_t random;
    struct subject subject;
    struct fake_sent sent[FAKE_SENT_MOST];
    size_t sent_n;
    uint64_t drained;
    struct fake_waiting waiting[FAKE_WAITING_MOST];
    uint64_t counters[CATALOG_COUNTERS];
    char detail[512];    /* of the last turn_fail */
    const void *replied; /* what a turn answered late, in its arena */
    int later;           /* the last error of a turn that was no handler's */
    unsigned restarts;
    unsigned full_at; /* the n-th turn from now on meets a full disk: what it did is undone. 0: none does */
    unsigned busy;    /* so many asks of the pool from now on find it full */
    bool struck;      /* it did; a timer is begun again, as the runtime does */
};

int fake_setup(void **state);
int fake_teardown(void **state);

struct turn *fake_begin(struct fake *f); /* NULL: the store refused; fake_end answers why */
int fake_end(struct fake *f, int r);     /* commits what succeeded; restarts after an unknown outcome */
void fake_restart(struct fake *f);
void fake_settle(struct fake *f);                           /* runs what is due, and what that makes due */
void fake_settle_but_pool(struct fake *f);                  /* what is in the pool is under way still */
void fake_pass(struct fake *f, int64_t ms);                 /* time passes */
void fake_be(struct fake *f, unsigned who, enum role role); /* 0: nobody */
struct id fake_user(unsigned who);

/* What was sent under this name, since the start: how often, and the next one not taken yet (NULL: none). */
unsigned fake_count(struct fake *f, const char *name);
struct fake_sent *fake_take(struct fake *f, const char *name);

/* A row of a table of tests: each gets a catalog of its own. */
#define with_fake(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

#define FAKE_CALL(f, handler, ...)                                        \
    ({                                                                    \
        struct turn *turn_ = fake_begin(f);                               \
        fake_end(f, turn_ ? handler(&(f)->self, turn_, __VA_ARGS__) : 0); \
    })

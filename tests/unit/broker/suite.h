/* suite - the statements that every engine behind bus_store.h has to pass, and what they are said with.
 *
 * Each statement is a test of its own and runs with each engine of the table in suite.c: another engine is one more row
 * there. What an engine lacks is said in its row, and bus_store_can() has to say the same. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/client/frame.h"
#include "broker/server/bus_store.h"
#include "gen/errors.h"

struct engine {
    const char *name;
    bool stepped;                     /* without a thread of its own */
    unsigned lacks;                   /* 1 << store_kind */
    void (*damage)(const char *path); /* spoils a byte of the first job's row, in a store that is closed */
    void (*forget)(const char *path); /* makes it a store of before totals were kept; NULL: there never was one */
};

struct fixture {
    const struct engine *engine;
    char dir[64], path[80];
    struct bus_store *store;
    size_t map_size;
    uint32_t queue, other, stream;
};

int suite_run(const struct CMUnitTest *tests, size_t n); /* with every engine; the number of failures */
int suite_setup(void **state);
int suite_teardown(void **state);
#define STATEMENT(test) cmocka_unit_test_setup_teardown(test, suite_setup, suite_teardown)

void store_up(struct fixture *f);
void reopen(struct fixture *f);

struct id producer(uint8_t n);
struct store_op *run(struct fixture *f, struct store_op *op); /* until it came back */
struct store_op *next_done(struct fixture *f);                /* waits for it; NULL: the store is dead */
int settle(struct fixture *f, struct store_op *op);           /* runs and forgets; the verdict */

struct store_op *put_op(struct fixture *f, uint8_t who, uint32_t epoch, uint64_t seq, uint8_t priority,
                        int64_t due_ms);
struct store_op *end_op(enum store_kind kind, struct fixture *f, struct job_key key, const char *body);
struct store_op *append_op(struct fixture *f, uint64_t seq, int64_t now_ms, size_t size);

struct job_key first_job(struct fixture *f); /* seq 0: none */
uint64_t last_event(struct fixture *f);
/* Walks everything: what the store says it holds is what lies there. */
void totals_are_true(struct fixture *f);

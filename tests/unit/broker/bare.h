/* bare - a broker without a socket and without a thread: a test says frames to it, looks at its answers, and decides when
 * the store commits. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

enum { BARE_SAID = 4096, BARE_BODY = 128 };

/* What the broker answered. */
struct said {
    struct frame frame;
    uint8_t body[BARE_BODY]; /* its beginning */
    size_t size;
};

struct bare {
    char dir[64];
    struct broker *broker;
    struct said said[BARE_SAID];
    size_t n;
};

int bare_setup(void **state);
int bare_teardown(void **state);
/* A peer of role `all`, which may do everything, with a store of its own. It has opened the handles below. */
enum bare_handle { BARE_PUT = 1, BARE_TAKE, BARE_SOLD, BARE_SENT, BARE_FEW, BARE_FOLLOW, BARE_CALL, BARE_OFFER };
void bare_hello(uint8_t who);
void bare_say(uint8_t who, struct frame frame, const struct frame_head *head, struct bytes body);
void bare_say_raw(uint8_t who, struct bytes first, struct bytes body); /* body empty: one frame */
void bare_commit(void);
void bare_pass(unsigned ms);                             /* time */
void bare_forget(void);                                  /* what was said */
const struct said *bare_said(uint8_t command, size_t n); /* the n-th answer with that command since, NULL: none */
struct bare *bare_of(void);

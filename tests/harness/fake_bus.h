/* fake_bus - the bus's interface without a bus, for actors under test: what an actor sends is kept in a list, and a test
 * delivers what a broker would. It is linked in place of broker/client. */
#pragma once

#include "broker/client/bus.h"

enum fake_kind {
    FAKE_REPLY,
    FAKE_ERROR,
    FAKE_CALL,
    FAKE_PUT,
    FAKE_APPEND,
    FAKE_ACK,
    FAKE_NACK,
    FAKE_TERM,
    FAKE_EXTEND,
    FAKE_SET,
    FAKE_CURSOR,
    FAKE_OFFER,
    FAKE_TAKE,
    FAKE_FOLLOW,
    FAKE_WATCH,
};

struct fake_sent {
    enum fake_kind kind;
    char *name, *key; /* target, queue, event, value or stream; key of a value, types followed */
    uint64_t number;  /* cid, lease, seq */
    int err;
    uint32_t ms;
    bool flag; /* NACK: wait; SET: removed */
    char *subject, *ordering, *text;
    struct bus_trace trace;
    struct id job;
    uint8_t priority;
    void *body;
    size_t body_len;
    bool seen; /* fake_next has given it */
};

struct bus *fake_bus(void); /* the one that exists, NULL: none */
const struct bus_options *fake_options(void);
void fake_up(bool resumed, unsigned window, struct id store);
void fake_down(int err);
void fake_busy(unsigned calls); /* the next so many calls that can be ERR_BUSY are */

const struct bus_events *fake_events(void **ret_ctx); /* to deliver what has no function here */
uint64_t fake_request(const struct bus_head *head, struct bytes body, uint32_t deadline_ms);
uint64_t fake_job(const struct bus_head *head, struct bytes body, uint32_t lease_ms);

/* The next thing of this kind that was sent and not asked for before; NULL: there is none. name NULL: any. */
const struct fake_sent *fake_next(enum fake_kind kind, const char *name);
const struct fake_sent *fake_answer(uint64_t cid); /* to this call: a reply or an error */
unsigned fake_count(enum fake_kind kind, const char *name);
void fake_forget(void); /* everything sent so far */

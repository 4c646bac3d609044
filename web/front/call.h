/* call - one typed call over the bus on behalf of a request.
 *
 * The request is packed, its reply unpacked into the exchange's arena; the access token of whoever asks
 * travels as subject. Nothing is answered to the client here: on an error the caller does, with call_problem
 * when what the actor said of it is for the client. */
#pragma once

#include "web/front/exchange.h"

enum {
    CALL_AGAIN_MS = 2000, /* for what somebody waits for: longer than the restart of an actor takes */
    CALL_HOLD_MS = 10000, /* for what must arrive */
};

struct call_extra {
    const char *idempotency; /* NULL: none */
    unsigned again_ms;       /* asking twice is harmless: try again so long while the trouble may pass */
    bool anonymous;          /* by the front itself, not by whoever asks it */
};

/* extra may be NULL. A service that nobody offers is waited for at most CALL_AGAIN_MS: ERR_UNAVAILABLE. reply
 * is ignored where the call has none. */
int call_ask(struct exchange *x, const struct call_def *def, const struct call_extra *extra, const void *ask,
             void *reply);
int call_problem(struct exchange *x, int err);

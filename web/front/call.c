/* call - see call.h */
#include "web/front/call.h"

#include <string.h>

#include "gen/errors.h"
#include "web/front/link.h"

static void call_trouble(struct exchange *x, struct bytes body)
{
    struct problem *problem = arena_alloc(x->arena, sizeof(*problem));

    x->trouble = body.len > 0 && problem_unpack(body, x->arena, problem, NULL) == 0 ? problem : NULL;
}

int call_ask(struct exchange *x, const struct call_def *def, const struct call_extra *extra, const void *ask,
             void *reply)
{
    static const struct call_extra none;
    struct link_call call = { .target = def->name, .deadline_ms = def->deadline_ms };
    struct buf body = { 0 }, answer = { 0 };
    struct wire_error wrong = { 0 };
    int r;

    extra = extra ? extra : &none;
    x->trouble = NULL;
    r = wire_pack_err(def->request, ask, &body, &wrong);
    if (r == 0) {
        memcpy(call.trace.trace, x->trace.trace, sizeof(call.trace.trace));
        memcpy(call.trace.span, x->trace.span, sizeof(call.trace.span));
        call.trace.flags = x->trace.flags;
        call.subject = extra->anonymous ? NULL : x->who.token;
        call.idempotency = extra->idempotency;
        call.body = buf_bytes(&body);
        r = extra->again ? link_retry(x->front->link, &call, &answer) : link_call(x->front->link, &call, &answer);
    }
    if (r < 0)
        call_trouble(x, buf_bytes(&answer));
    else if (def->reply && wire_unpack(def->reply, buf_bytes(&answer), x->arena, reply, &wrong) < 0)
        r = ERR_INTERNAL;
    buf_free(&body);
    buf_free(&answer);
    return r;
}

int call_problem(struct exchange *x, int err)
{
    /* That nobody ever offered the service is no news for a client: it is not there now. */
    if (err == ERR_UNKNOWN_NAME || err == ERR_NO_SESSION)
        err = ERR_UNAVAILABLE;
    return exchange_problem_body(x, err, x->trouble);
}

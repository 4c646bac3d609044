/* call - see call.h */
#include "web/front/call.h"

#include <string.h>
#include <time.h>

#include "gen/errors.h"
#include "web/front/link.h"
#include "web/front/peers.h"

static void call_trouble(struct exchange *x, struct bytes body)
{
    struct problem *problem = arena_alloc(x->arena, sizeof(*problem));

    x->trouble = body.len > 0 && problem_unpack(body, x->arena, problem, NULL) == 0 ? problem : NULL;
}

/* A service that restarts is back in a moment; the broker would hold the call for its whole deadline. */
static bool call_offered(const struct exchange *x, const char *target)
{
    int64_t end = front_monotonic() + CALL_AGAIN_MS;
    char service[64];
    size_t len = strcspn(target, ".");

    if (len >= sizeof(service))
        return false;
    memcpy(service, target, len);
    service[len] = '\0';
    while (!peers_offer(x->front->peers, service)) {
        if (front_monotonic() >= end)
            return false;
        nanosleep(&(struct timespec) { .tv_nsec = 20000000 }, NULL);
    }
    return true;
}

static int call_send(struct exchange *x, const struct call_def *def, const struct call_extra *extra,
                     struct bytes body, struct buf *answer)
{
    struct link_call call = { .target = def->name,
                              .deadline_ms = def->deadline_ms,
                              .idempotency = extra->idempotency,
                              .subject = extra->anonymous ? NULL : x->who.token,
                              .body = body };

    memcpy(call.trace.trace, x->trace.trace, sizeof(call.trace.trace));
    memcpy(call.trace.span, x->trace.span, sizeof(call.trace.span));
    call.trace.flags = x->trace.flags;
    if (!call_offered(x, def->name))
        return ERR_UNAVAILABLE;
    return extra->again_ms ? link_retry(x->front->link, &call, extra->again_ms, answer)
                           : link_call(x->front->link, &call, answer);
}

/* What cannot be packed is the client's mistake: the fields came from there. */
static void call_misfit(struct exchange *x, const struct wire_error *wrong)
{
    struct problem_field *field = arena_alloc(x->arena, sizeof(*field));
    struct problem *problem = arena_alloc(x->arena, sizeof(*problem));

    *field = (struct problem_field) { .field = arena_strdup(x->arena, wrong->path),
                                      .message = arena_strdup(x->arena, wrong->sentence) };
    *problem = (struct problem) { .detail = arena_printf(x->arena, "%s %s", wrong->path, wrong->sentence),
                                  .errors = field,
                                  .errors_n = 1 };
    x->trouble = problem;
}

int call_ask(struct exchange *x, const struct call_def *def, const struct call_extra *extra, const void *ask,
             void *reply)
{
    static const struct call_extra none;
    struct buf body = { 0 }, answer = { 0 };
    struct wire_error wrong = { 0 };
    int r;

    extra = extra ? extra : &none;
    x->trouble = NULL;
    x->asked = NULL;
    r = wire_pack_err(def->request, ask, &body, &wrong);
    if (r < 0) {
        call_misfit(x, &wrong);
    } else {
        x->asked = def->name;
        r = call_send(x, def, extra, buf_bytes(&body), &answer);
        if (r < 0)
            call_trouble(x, buf_bytes(&answer));
        else if (def->reply && wire_unpack(def->reply, buf_bytes(&answer), x->arena, reply, &wrong) < 0)
            r = ERR_INTERNAL;
    }
    buf_free(&body);
    buf_free(&answer);
    return r;
}

int call_problem(struct exchange *x, int err)
{
    const char *by = x->asked ? arena_strndup(x->arena, x->asked, strcspn(x->asked, ".")) : NULL;

    /* That nobody ever offered the service is no news for a client: it is not there now. */
    if (err == ERR_UNKNOWN_NAME || err == ERR_NO_SESSION)
        err = ERR_UNAVAILABLE;
    return exchange_problem_body(x, err, by, x->trouble);
}

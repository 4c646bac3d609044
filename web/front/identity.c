/* identity - see identity.h */
#include "web/front/identity.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "gen/errors.h"
#include "web/front/call.h"
#include "web/front/cors.h"
#include "web/front/http/cookie.h"
#include "web/front/keyring.h"
#include "web/front/sessions.h"

/* ---- where from */

static bool identity_equal(const char *a, const char *b)
{
    size_t len = strlen(a);

    return len == strlen(b) && sodium_memcmp(a, b, len) == 0;
}

void identity_client(struct exchange *x)
{
    const char *secret = x->front->settings->edge_secret;
    const char *edge = gate_header(x->request, "X-Edge");
    const char *forwarded = gate_header(x->request, "X-Forwarded-For");
    struct in6_addr address;

    memccpy(x->client, x->request->remote_addr, '\0', sizeof(x->client) - 1);
    x->by_edge = secret && *secret && edge && identity_equal(edge, secret);
    if (!x->by_edge || !forwarded)
        return;
    if (strlen(forwarded) < sizeof(x->client) &&
        (inet_pton(AF_INET, forwarded, &address) == 1 || inet_pton(AF_INET6, forwarded, &address) == 1))
        strcpy(x->client, forwarded);
}

bool identity_is_trusted(const struct exchange *x)
{
    const char *secret = x->front->settings->edge_secret;

    return x->front->settings->trust_loopback && (!secret || !*secret) &&
           (strncmp(x->client, "127.", 4) == 0 || strcmp(x->client, "::1") == 0);
}

size_t identity_network(const char *client, uint8_t to[static 16])
{
    if (inet_pton(AF_INET, client, to) == 1)
        return 4;
    if (inet_pton(AF_INET6, client, to) == 1)
        return 8;
    return 0;
}

/* account: the bucket is an account's, else an address's. */
static struct rate identity_bucket(const struct front_settings *s, enum identity_rate kind, bool account)
{
    uint32_t anyone = (uint32_t)s->anyone_per_minute, user = (uint32_t)s->user_per_minute;
    uint32_t login = (uint32_t)s->login_per_minute, search = (uint32_t)s->search_per_minute * (account ? 4 : 1);

    switch (kind) {
    case RATE_LOGIN: return (struct rate) { login * 60, login * 2 };
    case RATE_REGISTER: return (struct rate) { (uint32_t)s->register_per_hour, (uint32_t)s->register_per_hour };
    case RATE_SEARCH: return (struct rate) { search * 60, search };
    case RATE_UPLOAD: return (struct rate) { (uint32_t)s->uploads_per_hour, (uint32_t)s->uploads_per_hour };
    case RATE_POSTER:
        return (struct rate) { (uint32_t)s->posters_per_minute * 60, (uint32_t)s->posters_per_minute };
    case RATE_API:
    case RATE_NONE: break;
    }
    return account ? (struct rate) { user * 60, user } : (struct rate) { anyone * 60, anyone * 2 };
}

static int identity_rate(struct exchange *x, enum identity_rate kind)
{
    bool account = x->who.known && kind != RATE_LOGIN && kind != RATE_REGISTER, ok;
    struct rate rate = identity_bucket(x->front->settings, kind, account);
    struct rate_state state;
    uint8_t who[16];
    size_t len = identity_network(x->client, who);

    if (kind == RATE_NONE || identity_is_trusted(x))
        return 0;
    if (account)
        len = sizeof(who), memcpy(who, &x->who.user, len);
    ok = ratelimit_take(x->front->limits, (unsigned)kind * 2 + account, who, len, rate, front_monotonic(), &state);
    exchange_header(x, "RateLimit-Limit", "%" PRIu32, rate.burst);
    exchange_header(x, "RateLimit-Remaining", "%" PRIu32, state.remaining);
    exchange_header(x, "RateLimit-Reset", "%" PRIu32, state.retry_after_s);
    if (ok)
        return 0;
    front_count(x->front, FRONT_RATE_LIMITED, 1);
    return exchange_problem_body(
        x, ERR_RATE_LIMITED, NULL,
        &(struct problem) { .detail = "Too many requests of this kind from you; wait a little.",
                            .retry_after_ms = (uint64_t)state.retry_after_s * 1000 });
}

/* ---- who */

static int identity_refuse(const char **ret_reason, int err, const char *reason)
{
    *ret_reason = reason;
    return err;
}

static int identity_bearer(struct exchange *x, const char *header, const char **ret_reason)
{
    struct token_claims claims;
    const char *token = header + strlen("Bearer ");
    int r;

    if (strncasecmp(header, "Bearer ", strlen("Bearer ")) != 0)
        return identity_refuse(ret_reason, ERR_UNAUTHENTICATED,
                               "Authorization must be `Bearer` and an access token.");
    r = keyring_verify(x->front->keyring, token, front_now(), &claims);
    if (r == ERR_UNAVAILABLE)
        return identity_refuse(ret_reason, r,
                               "Access tokens cannot be checked now: their keys are not known yet.");
    if (r < 0)
        return identity_refuse(ret_reason, ERR_UNAUTHENTICATED,
                               "The access token is not valid, has expired or was revoked.");
    x->who = (struct identity) { .known = true,
                                 .user = claims.user,
                                 .session = claims.session,
                                 .role = (enum role)claims.role,
                                 .expires_ms = claims.expires_ms,
                                 .token = token };
    return 0;
}

static void identity_seen(struct exchange *x, const struct session_seen *seen)
{
    x->who = (struct identity) { .known = true,
                                 .cookie = true,
                                 .user = seen->user,
                                 .role = seen->role,
                                 .expires_ms = seen->expires_ms,
                                 .token = arena_strdup(x->arena, seen->token) };
}

/* Asks auth. ERR_UNAUTHENTICATED: there is no such session any more. */
static int identity_exchange(struct exchange *x, const char *cookie, struct session_seen *ret)
{
    struct exchange_session ask = { .session = cookie };
    struct login_result reply = { 0 };
    uint64_t generation = sessions_generation(x->front->sessions);
    int r = call_ask(x, &exchange_session_call,
                     &(struct call_extra) { .again_ms = CALL_AGAIN_MS, .anonymous = true }, &ask, &reply);

    if (r < 0)
        return r;
    if (!reply.access_token || strlen(reply.access_token) >= sizeof(ret->token))
        return ERR_INTERNAL;
    strcpy(ret->token, reply.access_token);
    ret->user = reply.user.id;
    ret->role = reply.user.role;
    ret->expires_ms = reply.expires_at;
    sessions_keep(x->front->sessions, cookie, generation, front_monotonic(), ret);
    return 0;
}

static int identity_cookie(struct exchange *x, const char *cookie, bool needed, const char **ret_reason)
{
    struct session_seen seen;
    int r;

    if (!sessions_find(x->front->sessions, cookie, front_monotonic(), &seen)) {
        r = identity_exchange(x, cookie, &seen);
        if (r == ERR_UNAUTHENTICATED || r == ERR_INVALID || r == ERR_NOT_FOUND)
            return needed
                       ? identity_refuse(ret_reason, ERR_UNAUTHENTICATED, "The session has ended; log in again.")
                       : 0;
        if (r < 0)
            return identity_refuse(ret_reason, err_retryable(r) ? r : ERR_UNAVAILABLE,
                                   "Sessions cannot be checked now.");
    }
    identity_seen(x, &seen);
    return 0;
}

static bool identity_cookie_value(const struct exchange *x, char to[static COOKIE_VALUE_MAX + 1])
{
    return cookie_read(gate_header(x->request, "Cookie"), x->front->secure ? "__Host-s" : "s", to);
}

static int identity_read(struct exchange *x, bool needed, const char **ret_reason)
{
    const char *header = gate_header(x->request, "Authorization");
    char cookie[COOKIE_VALUE_MAX + 1];
    int r = 0;

    if (header)
        r = identity_bearer(x, header, ret_reason);
    else if (identity_cookie_value(x, cookie))
        r = identity_cookie(x, cookie, needed, ret_reason);
    if (r == 0 && needed && !x->who.known)
        r = identity_refuse(ret_reason, ERR_UNAUTHENTICATED,
                            "Log in first: this needs an access token or a session.");
    return r;
}

bool identity_whose(const struct exchange *x, struct id *ret_user)
{
    const char *header = gate_header(x->request, "Authorization");
    char cookie[COOKIE_VALUE_MAX + 1];
    struct token_claims claims;

    if (header && strncasecmp(header, "Bearer ", strlen("Bearer ")) == 0 &&
        keyring_verify(x->front->keyring, header + strlen("Bearer "), front_now(), &claims) == 0) {
        *ret_user = claims.user;
        return true;
    }
    return !header && identity_cookie_value(x, cookie) && sessions_whose(x->front->sessions, cookie, ret_user);
}

int identity_admit(struct exchange *x, bool needed, enum identity_rate kind)
{
    const char *reason = NULL;
    int r = identity_read(x, needed, &reason);
    int limited = identity_rate(x, kind);

    if (limited < 0)
        return limited;
    return r < 0 ? exchange_problem(x, r, "%s", reason) : 0;
}

bool identity_holds(struct exchange *x)
{
    char cookie[COOKIE_VALUE_MAX + 1];
    struct session_seen seen;
    struct token_claims claims;
    int r;

    if (!x->who.cookie)
        return keyring_verify(x->front->keyring, x->who.token, front_now(), &claims) == 0;
    if (!identity_cookie_value(x, cookie))
        return false;
    r = identity_exchange(x, cookie, &seen);
    return r != ERR_UNAUTHENTICATED && r != ERR_NOT_FOUND; /* auth that is away for a moment ends nothing */
}

/* ---- made to send it? */

static bool identity_is_origin(const struct exchange *x, const char *origin)
{
    const char *url = x->front->settings->public_url;
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    return strlen(origin) == len && strncasecmp(origin, url, len) == 0;
}

/* Something that a form of another site cannot send without asking first. */
static bool identity_not_a_form(const struct exchange *x)
{
    return exchange_type_is(x, "application/json") || exchange_type_is(x, "application/offset+octet-stream") ||
           gate_header(x->request, "X-Kinobus") || gate_header(x->request, "Tus-Resumable");
}

int identity_same_site(struct exchange *x)
{
    const char *site = gate_header(x->request, "Sec-Fetch-Site");
    const char *origin = gate_header(x->request, "Origin");
    bool ours = site ? strcmp(site, "same-origin") == 0 : origin && identity_is_origin(x, origin);
    bool foreign = !cors_is_friend(x) && (site ? !ours : origin && !ours);

    if (exchange_reads(x) || exchange_is(x, "OPTIONS"))
        return 0;
    if (!x->who.cookie && !foreign)
        return 0;
    if (ours && (!x->who.cookie || identity_not_a_form(x)))
        return 0;
    front_count(x->front, FRONT_CSRF_REFUSALS, 1);
    return exchange_problem(
        x, ERR_FORBIDDEN,
        ours ? "Send JSON, or the header X-Kinobus: 1, so that no form can be mistaken for you."
             : "Requests that change something must come from the platform's own pages (front.public_url).");
}

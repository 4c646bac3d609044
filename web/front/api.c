/* api - see api.h */
#include "web/front/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/catalog.h"
#include "gen/errors.h"
#include "gen/index.h"
#include "schemas/wire/json.h"
#include "web/front/call.h"
#include "web/front/http/cookie.h"
#include "web/front/identity.h"

#define API_KEY_MAX 255

/* ---- the request */

static int api_wrong(struct exchange *x, int err, const struct wire_error *wrong)
{
    return exchange_problem_field(x, err, wrong->path, wrong->sentence);
}

/* The body as a JSON object; an empty one when there is none. On an error the problem has been answered. */
static int api_object(struct exchange *x, const struct route *route, json_t **ret)
{
    struct wire_error wrong = { 0 };
    struct bytes body;
    int r;

    if (route->body && x->left > 0 && !exchange_type_is(x, "application/json"))
        return exchange_problem(x, ERR_UNSUPPORTED_MEDIA, "The body must be application/json.");
    r = exchange_body(x, route->body_max, &body);
    if (r < 0)
        return exchange_problem(x, r, "The body is more than %zu bytes, or did not come.", route->body_max);
    if (!route->body || body.len == 0) {
        *ret = json_object();
        return 0;
    }
    r = wire_json_parse(body, route->body_max, ret, &wrong);
    if (r == 0 && !json_is_object(*ret)) {
        json_decref(*ret);
        return exchange_problem(x, ERR_INVALID, "The body must be a JSON object.");
    }
    return r < 0 ? api_wrong(x, r, &wrong) : 0;
}

/* Path and query fill the fields of their names. A repeated query parameter counts once: the first. */
static int api_params(struct exchange *x, const struct route *route, const struct router_path *path,
                      json_t *object)
{
    for (size_t i = 0; i < route->params_n; i++) {
        const struct wire_field *field = &route->def->request->fields[route->params[i].field];
        int at = route->params[i].segment;
        const char *text = at < 0 ? exchange_query(x, field->name) : path->segment[at];
        struct wire_error wrong = { 0 };
        int r;

        if (!text)
            continue;
        json_object_del(object, field->name);
        r = wire_json_put_text(object, field, text, &wrong);
        if (r < 0)
            return api_wrong(x, r, &wrong);
    }
    return 0;
}

/* A path that names something by an id of the wrong form names nothing. */
static bool api_in_path(const struct route *route, const char *name)
{
    for (size_t i = 0; i < route->params_n; i++)
        if (route->params[i].segment >= 0 &&
            strcmp(route->def->request->fields[route->params[i].field].name, name) == 0)
            return true;
    return false;
}

static int api_read(struct exchange *x, const struct route *route, const struct router_path *path, void *ask)
{
    struct wire_error wrong = { 0 };
    json_t *object;
    int r = api_object(x, route, &object);

    if (r < 0)
        return r;
    r = api_params(x, route, path, object);
    if (r == 0) {
        r = wire_from_json(route->def->request, object, x->arena, ask, &wrong);
        if (r < 0 && api_in_path(route, wrong.path))
            r = exchange_problem(x, ERR_NOT_FOUND, "%s in the address %s", wrong.path, wrong.sentence);
        else if (r < 0)
            api_wrong(x, r, &wrong);
    }
    json_decref(object);
    return r;
}

/* What no client says of itself: its address, where that is counted, and its cookies. */
static void api_fill(struct exchange *x, const struct wire_type *type, void *ask)
{
    char name[32], value[COOKIE_VALUE_MAX + 1];

    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *field = &type->fields[i];
        const char **to = (const char **)((char *)ask + field->offset);

        if ((field->flags & WIRE_ADDRESS) && !identity_is_trusted(x))
            *to = x->client;
        if (!field->cookie)
            continue;
        snprintf(name, sizeof(name), "%s%s", x->front->secure ? "__Host-" : "", field->cookie);
        if (cookie_read(gate_header(x->request, "Cookie"), name, value))
            *to = arena_strdup(x->arena, value);
    }
}

/* Only writes of somebody known take one: a key is its sender's own, and strangers would share theirs. On an
 * error the problem has been answered. */
static int api_idempotency(struct exchange *x, const struct route *route, const char **ret)
{
    const char *key = route->def->writes && x->who.known ? gate_header(x->request, "Idempotency-Key") : NULL;

    *ret = key;
    if (!key)
        return 0;
    if (!*key || strlen(key) > API_KEY_MAX)
        return exchange_problem(x, ERR_INVALID, "Idempotency-Key must be 1 to %d characters.", API_KEY_MAX);
    for (const char *p = key; *p; p++)
        if (*p < ' ' || *p > '~')
            return exchange_problem(x, ERR_INVALID, "Idempotency-Key must be printable ASCII.");
    return 0;
}

/* ---- the answer */

bool api_cookies(struct exchange *x, const struct wire_type *type, const void *reply)
{
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *field = &type->fields[i];
        const char *value;
        char line[512];

        if (!field->cookie)
            continue;
        memcpy(&value, (const char *)reply + field->offset, sizeof(value));
        if (!value)
            continue;
        if (!cookie_write(field->cookie, x->front->secure, value, line, sizeof(line)))
            return false;
        exchange_header(x, "Set-Cookie", "%s", line);
    }
    return true;
}

/* Where something that was made can be read: the route that gives one of its kind by its id. */
static void api_location(struct exchange *x, const struct wire_type *type, const char *id)
{
    static const char hole[] = "{id}";

    for (size_t i = 0; i < routes_n; i++) {
        size_t len = strlen(routes[i].pattern);

        if (routes[i].def->reply != type || strcmp(routes[i].method, "GET") != 0 || len < sizeof(hole) ||
            strcmp(routes[i].pattern + len - (sizeof(hole) - 1), hole) != 0)
            continue;
        exchange_header(x, "Location", "%.*s%s", (int)(len - (sizeof(hole) - 1)), routes[i].pattern, id);
        return;
    }
}

static void api_answer(struct exchange *x, const struct route *route, const void *reply)
{
    const struct wire_type *type = route->def->reply;
    json_t *object = type ? wire_to_json(type, reply) : NULL;
    const char *id = object ? json_string_value(json_object_get(object, "id")) : NULL;
    char *text = NULL;

    if (type && !api_cookies(x, type, reply)) {
        exchange_problem(x, ERR_INTERNAL, "The session has a form that no cookie may have.");
    } else if (!object || route->status == 204) {
        exchange_empty(x, 204);
    } else {
        text = json_dumps(object, JSON_COMPACT);
        if (route->status == 201 && id)
            api_location(x, type, id);
        exchange_send(x, route->status, "application/json", bytes_of_text(text));
    }
    free(text);
    json_decref(object);
}

/* Who has logged out keeps no cookie, whatever the reply says. */
static void api_forget(struct exchange *x, const struct route *route)
{
    char line[512];

    if (route->def == &logout_call && x->who.cookie && cookie_write("s", x->front->secure, "", line, sizeof(line)))
        exchange_header(x, "Set-Cookie", "%s", line);
}

static enum identity_rate api_rate(const struct route *route)
{
    static const struct {
        const struct call_def *call;
        enum identity_rate rate;
    } table[] = { { &login_call, RATE_LOGIN },
                  { &refresh_call, RATE_LOGIN },
                  { &register_user_call, RATE_REGISTER },
                  { &verify_email_call, RATE_REGISTER },
                  { &ask_verification_call, RATE_REGISTER },
                  { &ask_reset_call, RATE_REGISTER },
                  { &reset_password_call, RATE_REGISTER },
                  { &change_password_call, RATE_LOGIN },
                  { &search_call, RATE_SEARCH },
                  { &create_direct_upload_call, RATE_UPLOAD },
                  { &posters_call, RATE_POSTER } };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].call == route->def)
            return table[i].rate;
    return RATE_API;
}

void api_serve(struct exchange *x, const struct route *route, const struct router_path *path)
{
    struct call_extra extra = { .again_ms = route->def->writes ? 0 : CALL_AGAIN_MS };
    void *ask = arena_alloc(x->arena, route->def->request->size);
    void *reply = route->def->reply ? arena_alloc(x->arena, route->def->reply->size) : NULL;
    int r;

    x->what = route->call;
    if (identity_admit(x, !(route->def->allow & ALLOW_ANYONE), api_rate(route)) < 0 || identity_same_site(x) < 0 ||
        api_idempotency(x, route, &extra.idempotency) < 0 || api_read(x, route, path, ask) < 0)
        return;
    api_fill(x, route->def->request, ask);
    if (extra.idempotency)
        extra.again_ms = CALL_AGAIN_MS;
    r = call_ask(x, route->def, &extra, ask, reply);
    if (r < 0) {
        call_problem(x, r);
        return;
    }
    api_forget(x, route);
    api_answer(x, route, reply);
}

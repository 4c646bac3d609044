/* router - see router.h */
#include "web/front/router.h"

#include <string.h>

#include "gen/errors.h"
#include "gen/openapi.h"
#include "web/front/api.h"
#include "web/front/blobs.h"
#include "web/front/edge.h"
#include "web/front/events.h"
#include "web/front/health.h"
#include "web/front/media.h"
#include "web/front/metrics.h"
#include "web/front/page.h"
#include "web/front/upload_form.h"
#include "web/front/upload_tus.h"

bool router_split(struct arena *arena, const char *path, struct router_path *ret)
{
    char *text = arena_strdup(arena, path + 1);

    for (ret->n = 0;;) {
        size_t len = strcspn(text, "/");
        bool last = text[len] == '\0';

        if (ret->n == ROUTER_SEGMENTS)
            return false;
        text[len] = '\0';
        ret->segment[ret->n++] = text;
        if (last)
            return true;
        text += len + 1;
    }
}

/* "/api/v1/videos/{id}" against its segments; a parameter takes anything but nothing, "{file*}" at the end all that
 * is left. */
static bool router_matches(const char *pattern, const struct router_path *path)
{
    size_t i = 0;

    for (pattern++;; i++) {
        size_t len = strcspn(pattern, "/");
        const char *segment;

        if (i == path->n)
            return false;
        segment = path->segment[i];
        if (*pattern == '{' ? !*segment : strlen(segment) != len || memcmp(segment, pattern, len) != 0)
            return false;
        if (pattern[len] == '\0')
            return i + 1 == path->n || (len > 1 && pattern[len - 2] == '*');
        pattern += len + 1;
    }
}

static bool router_lists(const char *methods, const char *method)
{
    size_t len = strlen(method);

    for (const char *p = methods; (p = strstr(p, method)) != NULL; p += len)
        if ((p == methods || p[-1] == ' ') && (p[len] == ',' || p[len] == '\0'))
            return true;
    return false;
}

static void router_list(struct buf *methods, const char *method)
{
    if (!router_lists(buf_text(methods), method))
        buf_printf(methods, "%s%s", methods->len ? ", " : "", method);
}

const struct route *router_find(const char *method, const struct router_path *path, struct buf *ret_methods)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

    for (size_t i = 0; i < routes_n; i++) {
        const struct route *route = &routes[i];

        if (!router_matches(route->pattern, path))
            continue;
        if (strcmp(route->method, wanted) == 0)
            return route;
        router_list(ret_methods, route->method);
        if (strcmp(route->method, "GET") == 0)
            router_list(ret_methods, "HEAD");
    }
    return NULL;
}

/* ---- by hand */

static void router_openapi(struct exchange *x, const struct router_path *path)
{
    x->cache = "no-cache";
    exchange_send(x, 200, "application/json", bytes_of_text(openapi_text));
}

static void router_hand(struct exchange *x, enum route_hand hand, const struct router_path *path)
{
    switch (hand) {
    case HAND_BLOBS: blobs_serve(x, path); break;
    case HAND_EDGE_RIGHTS: edge_rights(x, path); break;
    case HAND_EVENTS: events_serve(x, path); break;
    case HAND_HEALTH: health_live(x, path); break;
    case HAND_MEDIA: media_serve(x, path); break;
    case HAND_METRICS: metrics_serve(x, path); break;
    case HAND_OPENAPI: router_openapi(x, path); break;
    case HAND_READY: health_ready(x, path); break;
    case HAND_STREAM: media_stream(x, path); break;
    case HAND_UPLOAD: upload_tus_one(x, path); break;
    case HAND_UPLOADS: upload_tus_collection(x, path); break;
    case HAND_UPLOAD_FORM: upload_form_serve(x, path); break;
    }
}

static void router_refuse_method(struct exchange *x, const char *methods)
{
    exchange_header(x, "Allow", "%s", methods);
    exchange_problem(x, ERR_METHOD_NOT_ALLOWED, "Here only these are taken: %s.", methods);
}

/* False: no such address; then nothing has been answered. */
static bool router_by_hand(struct exchange *x, const struct router_path *path)
{
    struct buf methods = { 0 };
    bool known;

    for (size_t i = 0; i < routes_by_hand_n; i++) {
        const struct route_by_hand *route = &routes_by_hand[i];

        if (!router_matches(route->pattern, path))
            continue;
        if (exchange_is(x, route->method) || (route->head && exchange_is(x, "HEAD"))) {
            buf_free(&methods);
            router_hand(x, route->hand, path);
            return true;
        }
        router_list(&methods, route->method);
        if (route->head)
            router_list(&methods, "HEAD");
    }
    known = methods.len > 0;
    if (known)
        router_refuse_method(x, buf_text(&methods));
    buf_free(&methods);
    return known;
}

/* tus asks for it: clients behind old proxies send a POST and say what they mean. */
static void router_override(struct exchange *x)
{
    static const char *const allowed[] = { "PATCH", "DELETE", "HEAD" };
    const char *method = gate_header(x->request, "X-HTTP-Method-Override");

    if (!method || strcmp(x->method, "POST") != 0 || strncmp(x->facts.path, "/api/v1/uploads/", 16) != 0)
        return;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
        if (strcmp(method, allowed[i]) == 0)
            x->method = allowed[i];
}

void router_serve(struct exchange *x)
{
    struct router_path path;
    struct buf methods = { 0 };
    const struct route *route;

    router_override(x);
    if (!router_split(x->arena, x->facts.path, &path)) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such address.");
        return;
    }
    if (router_by_hand(x, &path))
        return;
    route = router_find(x->method, &path, &methods);
    if (route)
        api_serve(x, route, &path);
    else if (methods.len > 0)
        router_refuse_method(x, buf_text(&methods));
    else if (strcmp(path.segment[0], "api") == 0)
        exchange_problem(x, ERR_NOT_FOUND, "There is no such address in the API.");
    else if (strcmp(path.segment[0], "media") == 0)
        exchange_problem(x, ERR_NOT_FOUND, "A media address is /media/{token}/{video}/{version}/{file}.");
    else if (strcmp(path.segment[0], "blobs") == 0)
        exchange_problem(x, ERR_NOT_FOUND, "An object's address is /blobs/{right}/{name}.");
    else if (exchange_reads(x))
        page_serve(x);
    else
        router_refuse_method(x, "GET, HEAD");
    buf_free(&methods);
}

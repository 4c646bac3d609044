/* router - which of our addresses a request is for.
 *
 * First the ones served by hand ([route.*] in schemas/front.toml), then the calls, then the web app's files. An address that is known
 * under other methods alone is answered 405 with Allow; under /api nothing else falls through to the web app.
 * */
#pragma once

#include "gen/routes.h"
#include "web/front/exchange.h"

#define ROUTER_SEGMENTS 16

struct router_path {
    size_t n;
    const char *segment[ROUTER_SEGMENTS]; /* in the arena; the last may be "" (a path that ends in a slash) */
};

/* Answers the request, whatever it is. */
void router_serve(struct exchange *x);

/* The generated route of this method and path. NULL: none; ret_methods then names those that the path has, as
 * in Allow ("GET, HEAD"), "" when it is not known at all. HEAD is served where GET is. */
const struct route *router_find(const char *method, const struct router_path *path, struct buf *ret_methods);
/* False: more segments than any address here has. */
bool router_split(struct arena *arena, const char *path, struct router_path *ret);

/* api - the routes of the schema: validation, one bus call, JSON back. No route has code of its own here. */
#pragma once

#include "web/front/router.h"

void api_serve(struct exchange *x, const struct route *route, const struct router_path *path);

/* Sets the cookies that a reply holds (its fields marked so). False: one of them holds what no cookie may. */
bool api_cookies(struct exchange *x, const struct wire_type *type, const void *reply);

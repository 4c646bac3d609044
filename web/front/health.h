/* health - /healthz: this process answers. /readyz: and the platform behind it does. */
#pragma once

#include "web/front/router.h"

void health_live(struct exchange *x, const struct router_path *path);
/* 200 when the bus is up and every service that a route needs is offered; else 503 and what is missing. */
void health_ready(struct exchange *x, const struct router_path *path);

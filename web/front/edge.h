/* edge - what a proxy is told that checks media addresses by itself (ops/deploy/nginx).
 *
 * Only who sends the right X-Edge is answered, and only when it asks for itself: what it passes on for others carries
 * X-Forwarded-For. To all others there is no such address; without front.edge_secret there is none at all. */
#pragma once

#include "web/front/router.h"

void edge_rights(struct exchange *x, const struct router_path *path);

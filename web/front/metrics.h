/* metrics - what the front counts: on the bus for the operator, and with everybody else's at /metrics. */
#pragma once

#include "web/front/router.h"

/* Not for those who come by the edge: what is counted here is the operator's. */
void metrics_serve(struct exchange *x, const struct router_path *path);

/* Sets the value metrics.front, from the bus thread. */
void metrics_publish(struct front *front);

/* The values that others set, to be watched. Answers how many. */
size_t metrics_names(const char **ret, size_t room);

/* demand - starts the services that name queues when one of these has work, and stops them when all have been empty
 * for a while. It asks the broker ($sys.queues) as the role "supervisor"; without a broker nothing changes. */
#pragma once

#include <stdint.h>

struct demand;
struct supervisor;

/* Borrows the supervisor until demand_free(). NULL when no service names queues: the others then do nothing. */
struct demand *demand_new(struct supervisor *supervisor);
void demand_free(struct demand **demand);
int demand_fd(const struct demand *demand);                /* -1: nothing to poll */
int demand_timeout(struct demand *demand, int64_t now_ms); /* -1: no moment */
void demand_process(struct demand *demand, int64_t now_ms);

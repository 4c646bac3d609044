/* supervisor - starts, watches, restarts and stops the processes of ops/services.toml.
 *
 * Reads      the pid files of STATE/run at start: what still lives is adopted, not started twice
 * Keeps      STATE/keys/ROLE (secrets), STATE/run/NAME-N.pid, STATE/log/NAME-N.log, STATE/run/supervisor.pid
 * Trusts     READY=1 on its datagram socket only from the pid of a service (SCM_CREDENTIALS; of nginx, from a process of its group)
 * Stops      on SIGTERM or SIGINT: the services in reverse order, each with 10 s to end by itself. Killed itself,
 *            it leaves them all running; started again it takes them over
 * Weak spot  what an adopted process's exit status was is unknown: it is nobody's child any more */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ops/supervisor/service.h"

enum { SUPERVISOR_SERVICES = 128 };

struct supervisor {
    struct service_place place;
    struct service services[SUPERVISOR_SERVICES];
    unsigned services_n;
    int notify, signals; /* descriptors */
    bool stopping;
};

/* Fills the table from service_rows, adopts what lives, starts the rest. */
void supervisor_begin(struct supervisor *self);
/* Polls and acts until every service has stopped after a signal. */
void supervisor_run(struct supervisor *self);

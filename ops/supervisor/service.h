/* service - one process of the platform: started, watched, restarted, stopped, or adopted alive.
 *
 * A service never blocks the supervisor: it has a descriptor that becomes readable when its process ends (a pidfd,
 * for a child and for an adopted process alike) and a moment at which it wants to be looked at again.
 * States: IDLE (not wanted) -> STARTING -> READY -> (ended) WAITING -> STARTING ..., or STOPPING -> IDLE. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ops/supervisor/services.h"

enum service_state { SERVICE_IDLE, SERVICE_STARTING, SERVICE_READY, SERVICE_WAITING, SERVICE_STOPPING };

/* What all services share; borrowed by each. */
struct service_place {
    const char *state, *share, *bin, *config;
    const char *notify;  /* path of the datagram socket for READY=1 */
    int run, keys, logs; /* descriptors of the directories under `state` */
};

struct service {
    const struct service_row *row;
    const struct service_place *place;
    char name[64]; /* NAME-N: of its pid file and log */
    enum service_state state;
    pid_t pid;
    int pidfd;  /* -1 when no process */
    bool child; /* ours to reap; an adopted one is not */
    bool wanted;
    unsigned restarts, failures; /* failures in a row, for the backoff */
    int64_t started_ms, due_ms;  /* monotonic; due: when service_tick() has something to do */
};

void service_init(struct service *service, const struct service_row *row, const struct service_place *place,
                  unsigned number);
/* Takes over the process that the pid file names when it still lives; true then. */
bool service_adopt(struct service *service, int64_t now_ms);
void service_want(struct service *service, bool wanted, int64_t now_ms);
/* Whether the process is the service's: the one that was started, or, of a program that is not ours, one of its group. */
bool service_is(const struct service *service, pid_t pid);
/* Its process said READY=1. */
void service_ready(struct service *service, int64_t now_ms);
/* The pidfd is readable: the process ended. Chooses what comes next. */
void service_ended(struct service *service, int64_t now_ms);
/* Does what is due; call it when due_ms has passed. */
void service_tick(struct service *service, int64_t now_ms);
void service_close(struct service *service);

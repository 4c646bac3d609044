/* spawn - starts a worker that inherits one end of a socketpair and nothing else, and ends it. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct spawned {
    pid_t pid;
    int fd;     /* the parent's end; receiving and sending on it give up after SPAWN_TICK_MS */
    int status; /* of waitpid, once reaped */
};

#define SPAWN_TICK_MS 100

/* Starts the program. 0, or -errno. keep_stderr lets a sanitizer report: for tests. */
int spawn_worker(const char *program, bool keep_stderr, struct spawned *ret);

/* Closes the parent's end, kills the worker when asked to, and waits until it is gone. */
void spawn_reap(struct spawned *worker, bool kill_it);

/* How it ended, for a person: "ended with code 3", "was killed by SIGSYS, a call its jail forbids". */
const char *spawn_epitaph(const struct spawned *worker, char *buf, size_t len);

/* pidfile - what a supervisor must know of a process that it did not start itself.
 *
 * STATE/run/NAME-N.pid holds "pid starttime restarts\n". A pid is used again by the kernel sooner or later; a pid with
 * its start time (field 22 of /proc/PID/stat, in clock ticks since boot) is not. Files are replaced in one step. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct pidfile {
    pid_t pid;
    unsigned long long starttime; /* clock ticks since boot */
    unsigned restarts;            /* since the supervisor's first start */
};

/* Start time of a living process, 0 when there is none of that pid. */
unsigned long long pidfile_starttime(pid_t pid);

/* 0, or -1 with errno. `dir` is a descriptor of STATE/run. */
int pidfile_write(int dir, const char *name, const struct pidfile *file);
/* True when the file names a process that still lives; *ret is filled whenever the file could be read. */
bool pidfile_read(int dir, const char *name, struct pidfile *ret);
void pidfile_remove(int dir, const char *name);

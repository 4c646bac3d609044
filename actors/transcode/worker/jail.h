/* jail - what the worker locks itself into before the first byte of an upload.
 *
 * Limits     address space, CPU seconds, no core, no file growth, eight descriptors
 * Rights     another uid when started as root, no_new_privs, not dumpable, Landlock without a single rule
 * Calls      a seccomp list: memory, threads, clocks, and the socket that is open already. open, socket, connect,
 *            exec and fork answer EACCES (glibc opens a /proc file when a thread's heap shrinks; the proof below must
 *            live to report), clone3 ENOSYS so that glibc falls back to clone, whatever is not listed kills
 * Proof      open, connect, fork and exec are tried from inside, at every start
 * Weak spot  the address sanitizer needs its shadow memory: its build drops the limit on address space, leak detection
 *            and the ban on executable memory, and says so in the log */
#pragma once

#include "actors/transcode/media/control.h"

/* Shuts the jail and fills hello; ends the process with CONTROL_NO_JAIL when it cannot be shut, or leaks. Call it on
 * the main thread before any other thread exists. */
void jail_enter(const struct control_terms *terms, struct control_hello *hello);

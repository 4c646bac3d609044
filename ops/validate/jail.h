/* jail - what the checker gives up before it reads a stranger's byte: descriptors but for its socket and its output, memory
 * and CPU beyond limits.h, new privileges, files and network (Landlock, where the kernel has it), and every system call
 * that reading, writing, memory and time do not need (seccomp). */
#pragma once

/* 0, or -1 with a sentence in *ret_why: then nothing may be read. fd: the socket
 * that stays open; it may get another number. */
int jail_enter(int *fd, const char **ret_why);

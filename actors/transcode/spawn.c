#include "actors/transcode/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKET_BUFFER (1 << 20)

static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr, int fd, bool keep_stderr)
{
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    r = posix_spawn_file_actions_adddup2(actions, fd, 0);
    if (r == 0 && keep_stderr)
        r = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", 1, 0);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(actions, keep_stderr ? 3 : 1);
    if (r == 0)
        r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (r == 0)
        r = posix_spawnattr_setsigmask(attr, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attr, &all);
    return r;
}

static int start(const char *program, int fd, bool keep_stderr, pid_t *ret_pid)
{
    char *const args[] = { (char *)(uintptr_t) "kinobus-worker", NULL }, *const environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    r = set_up(&actions, &attr, fd, keep_stderr);
    if (r == 0)
        r = posix_spawn(ret_pid, program, &actions, &attr, args, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return -r;
}

int spawn_worker(const char *program, bool keep_stderr, struct spawned *ret)
{
    struct timeval tick = { .tv_usec = SPAWN_TICK_MS * 1000 };
    int pair[2], size = SOCKET_BUFFER, r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* as much of it as the host allows */
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
    setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick));
    *ret = (struct spawned) { .fd = pair[0] };
    r = start(program, pair[1], keep_stderr, &ret->pid);
    close(pair[1]);
    if (r < 0)
        close(pair[0]);
    return r;
}

void spawn_reap(struct spawned *worker, bool kill_it)
{
    close(worker->fd);
    if (kill_it)
        kill(worker->pid, SIGKILL);
    while (waitpid(worker->pid, &worker->status, 0) < 0 && errno == EINTR)
        continue;
}

const char *spawn_epitaph(const struct spawned *worker, char *buf, size_t len)
{
    int sig = WIFSIGNALED(worker->status) ? WTERMSIG(worker->status) : 0;

    if (sig == SIGSYS)
        snprintf(buf, len, "was killed by SIGSYS: it made a call that its jail forbids");
    else if (sig == SIGXCPU)
        snprintf(buf, len, "was killed: it used up the CPU time its plan allows");
    else if (sig)
        snprintf(buf, len, "was killed by SIG%s", sigabbrev_np(sig));
    else
        snprintf(buf, len, "ended with code %d", WEXITSTATUS(worker->status));
    return buf;
}

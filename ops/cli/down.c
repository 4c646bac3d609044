/* down - stops the platform in order, also when its supervisor is gone. */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops/cli/command.h"
#include "ops/process/pidfile.h"

enum { STOP_WITHIN_MS = 60000 };

/* True once the process has ended; a pidfd becomes readable then. */
static bool down_ended(pid_t pid, int within_ms)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return errno == ESRCH;
    struct pollfd polled = { fd, POLLIN, 0 };
    bool ended = poll(&polled, 1, within_ms) > 0;
    close(fd);
    return ended;
}

/* Without a supervisor: every service but the broker first, then the broker. Answers how many were told. */
static int down_orphans(int run, bool broker)
{
    struct pidfile file;
    char name[128];
    int told = 0, copy = dup(run);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (!dir)
        return 0;
    rewinddir(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".pid") != 0 || strncmp(entry->d_name, "supervisor.", 11) == 0)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)(dot - entry->d_name), entry->d_name);
        if ((strncmp(name, "broker-", 7) == 0) != broker || !pidfile_read(run, name, &file))
            continue;
        kill(file.pid, SIGTERM);
        if (!down_ended(file.pid, STOP_WITHIN_MS / 4))
            kill(file.pid, SIGKILL);
        pidfile_remove(run, name);
        told++;
    }
    closedir(dir);
    return told;
}

static int down_run(const struct cli *cli, int argc, char **argv)
{
    struct pidfile supervisor;
    if (argc > 1)
        return cli_usage(&down_command, "unknown word '%s'", argv[1]);
    int run, stopped = 0, code = cli_open_run(cli, &run);
    if (code != EXIT_DONE)
        return code;
    if (pidfile_read(run, "supervisor", &supervisor)) {
        kill(supervisor.pid, SIGTERM);
        if (!down_ended(supervisor.pid, STOP_WITHIN_MS))
            return cli_fail(EXIT_FAILED, "the supervisor (pid %d) has not ended after %d s", (int)supervisor.pid,
                            STOP_WITHIN_MS / 1000);
        stopped++;
    }
    stopped += down_orphans(run, false);
    stopped += down_orphans(run, true);
    unlinkat(run, "ready", 0);
    close(run);
    if (!stopped)
        return cli_fail(EXIT_NOT_RUNNING, "nothing runs in %s", cli->state);
    puts(cli->json ? "{\"stopped\":true}" : "stopped");
    return EXIT_DONE;
}

const struct command down_command = { "down", "", "Stop the platform in order; everything stays where it is.",
                                      NULL, down_run };

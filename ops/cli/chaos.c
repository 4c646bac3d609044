/* chaos - kills or stops processes of this installation, named or drawn by a seed: what they promised must hold. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ops/cli/command.h"
#include "ops/cli/show.h"
#include "ops/cli/unit.h"
#include "ops/process/pidfile.h"

enum { PROCESSES_MOST = 160 };

struct chaos {
    const struct cli *cli;
    const char *verb, *service; /* NULL: any */
    int signal, run;
    uint64_t random;
    unsigned long times;
    int64_t every_ms, for_ms; /* for_ms 0: it stays stopped */
};

struct victim {
    char name[64];
    struct pidfile process;
};

/* splitmix64: one seed, one order of victims. */
static uint64_t chaos_random(struct chaos *self)
{
    uint64_t z = self->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static bool chaos_meant(const struct chaos *self, const char *name)
{
    size_t len = self->service ? strlen(self->service) : 0;
    if (strcmp(name, "supervisor") == 0) /* it raises the others: only who names it means it */
        return self->service && strcmp(self->service, name) == 0;
    return !self->service || (strncmp(name, self->service, len) == 0 && (!name[len] || name[len] == '-'));
}

static int chaos_compare(const void *a, const void *b)
{
    return strcmp(((const struct victim *)a)->name, ((const struct victim *)b)->name);
}

/* The living processes that are meant, in the order of their names. */
static size_t chaos_victims(const struct chaos *self, struct victim *victims)
{
    size_t n = 0;
    int copy = dup(self->run);
    DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
    if (!dir)
        return 0;
    rewinddir(dir);
    for (struct dirent *entry; n < PROCESSES_MOST && (entry = readdir(dir));) {
        char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".pid") != 0 || dot - entry->d_name >= (long)sizeof(victims->name))
            continue;
        snprintf(victims[n].name, sizeof(victims[n].name), "%.*s", (int)(dot - entry->d_name), entry->d_name);
        if (chaos_meant(self, victims[n].name) && pidfile_read(self->run, victims[n].name, &victims[n].process))
            n++;
    }
    closedir(dir);
    qsort(victims, n, sizeof(*victims), chaos_compare);
    return n;
}

/* Through a pidfd: a pid that was given to another process meanwhile is not hit. */
static int chaos_signal(const struct victim *victim, int number)
{
    int fd = (int)syscall(SYS_pidfd_open, victim->process.pid, 0), r = -1;
    if (fd < 0)
        return -1;
    if (pidfile_starttime(victim->process.pid) == victim->process.starttime)
        r = (int)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
    else
        errno = ESRCH;
    int saved = errno;
    close(fd);
    errno = saved;
    return r;
}

/* False: SIGINT or SIGTERM came. */
static bool chaos_pause(int64_t ms)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    struct timespec span = { ms / 1000, ms % 1000 * 1000000 };
    return sigtimedwait(&set, NULL, &span) < 0;
}

static int chaos_once(struct chaos *self, bool *goes)
{
    static struct victim victims[PROCESSES_MOST];
    size_t n = chaos_victims(self, victims);
    if (n == 0)
        return cli_fail(EXIT_NOT_RUNNING, "no process of %s runs in %s", self->service ? self->service : "it",
                        self->cli->state);
    const struct victim *victim = &victims[chaos_random(self) % n];
    if (chaos_signal(victim, self->signal) < 0)
        return cli_fail(EXIT_FAILED, "%s (pid %d): %s", victim->name, (int)victim->process.pid, strerror(errno));
    if (self->cli->json)
        show_pack("{s:s,s:s,s:i}", "did", self->verb, "process", victim->name, "pid", (int)victim->process.pid);
    else
        printf("%s %s (pid %d)\n", self->verb, victim->name, (int)victim->process.pid);
    fflush(stdout);
    if (self->signal != SIGSTOP || !self->for_ms)
        return EXIT_DONE;
    *goes = chaos_pause(self->for_ms);
    if (chaos_signal(victim, SIGCONT) < 0)
        return cli_fail(EXIT_FAILED, "%s (pid %d) is gone: %s", victim->name, (int)victim->process.pid,
                        strerror(errno));
    return EXIT_DONE;
}

static int chaos_parse(int argc, char **argv, struct chaos *self)
{
    static const struct option options[] = { { "seed", required_argument, NULL, 's' },
                                             { "times", required_argument, NULL, 't' },
                                             { "every", required_argument, NULL, 'e' },
                                             { "for", required_argument, NULL, 'f' },
                                             { NULL, 0, NULL, 0 } };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = (char *)"";
        bool fine = true;
        switch (c) {
        case 's': self->random = strtoull(optarg, &end, 10); break;
        case 't': fine = (self->times = strtoul(optarg, &end, 10)) > 0; break;
        case 'e': fine = (self->every_ms = unit_parse_ms(optarg)) >= 0; break;
        case 'f': fine = (self->for_ms = unit_parse_ms(optarg)) > 0; break;
        default: return cli_usage(&chaos_command, "unknown word '%s'", argv[optind - 1]);
        }
        if (!fine || *end)
            return cli_usage(&chaos_command, "'%s' does not fit there", optarg);
    }
    if (argc - optind != 2)
        return cli_usage(&chaos_command, "say what to do, and to which service (or any)");
    self->verb = argv[optind];
    self->signal = strcmp(self->verb, "kill") == 0   ? SIGKILL
                   : strcmp(self->verb, "stop") == 0 ? SIGSTOP
                   : strcmp(self->verb, "cont") == 0 ? SIGCONT
                                                     : 0;
    self->service = strcmp(argv[optind + 1], "any") == 0 ? NULL : argv[optind + 1];
    return self->signal ? EXIT_DONE : cli_usage(&chaos_command, "say kill, stop or cont, not '%s'", self->verb);
}

static int chaos_run(const struct cli *cli, int argc, char **argv)
{
    struct chaos self = { .cli = cli, .times = 1, .every_ms = 1000, .random = (uint64_t)time(NULL) };
    sigset_t set;
    int code = chaos_parse(argc, argv, &self);
    if (code == EXIT_DONE)
        code = cli_open_run(cli, &self.run);
    if (code != EXIT_DONE)
        return code;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    bool goes = true;
    for (unsigned long i = 0; goes && code == EXIT_DONE && i < self.times; i++) {
        if (i)
            goes = chaos_pause(self.every_ms);
        if (goes)
            code = chaos_once(&self, &goes);
    }
    close(self.run);
    return code;
}

const struct command chaos_command = {
    "chaos", "kill|stop|cont SERVICE|any [--seed N] [--times N] [--every SPAN] [--for SPAN]",
    "Kill or stop processes of this platform, to see that nothing is lost.",
    "  SERVICE     catalog, or one process of it: catalog-1; any: all but the supervisor\n"
    "  --seed N    draws the same victims in the same order from the same processes\n"
    "  --times N   so often, --every SPAN apart (1s)\n"
    "  --for SPAN  what is stopped goes on after so long, or at ^C; else `cont` does it\n"
    "  The supervisor starts again what was killed.",
    chaos_run
};

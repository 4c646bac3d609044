/* main - the program around an actor: arguments, signals, and waiting between the steps. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "actors/runtime/identity/identity.h"
#include "actors/runtime/internal.h"
#include "actors/runtime/ready/stop.h"
#include "gen/errors.h"

#define MAIN_SETS  64
#define MAIN_POLLS 256

static int main_usage(const struct actor_def *def, int status)
{
    fprintf(status ? stderr : stdout,
            "kinobus-%s --state DIR [--config FILE] [--secret-fd N] [--bus ENDPOINT] [--set NAME=VALUE]... "
            "[--any-filesystem]\n"
            "kinobus-%s --join FILE [--state DIR] ...     on another host than the broker's; `kinobus key make` "
            "writes "
            "the file\n",
            def->name, def->name);
    return status;
}

/* -1: go on; else the exit status. */
static int main_arguments(const struct actor_def *def, int argc, char **argv, struct actor_start *start,
                          const char *sets[static MAIN_SETS])
{
    static const struct option options[] = {
        { "state", required_argument, NULL, 's' },
        { "config", required_argument, NULL, 'c' },
        { "secret-fd", required_argument, NULL, 'f' },
        { "join", required_argument, NULL, 'j' },
        { "bus", required_argument, NULL, 'b' },
        { "set", required_argument, NULL, 'v' },
        { "any-filesystem", no_argument, NULL, 'a' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int option;

    start->secret_fd = -1;
    start->sets = sets;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's': start->state_dir = optarg; break;
        case 'c': start->config_file = optarg; break;
        case 'f': start->secret_fd = atoi(optarg); break;
        case 'j': start->join_file = optarg; break;
        case 'b': start->endpoint = optarg; break;
        case 'v':
            if (start->sets_n == MAIN_SETS)
                return main_usage(def, 64);
            sets[start->sets_n++] = optarg;
            break;
        case 'a': start->any_filesystem = true; break;
        case 'h': return main_usage(def, 0);
        default: return main_usage(def, 64);
        }
    }
    if (start->join_file && !start->state_dir)
        start->state_dir = IDENTITY_STATE;
    return start->state_dir && optind == argc ? -1 : main_usage(def, 64);
}

/* Callbacks may add and remove descriptors: each is looked up again by its number. */
static void main_callbacks(struct actor *actor, const struct pollfd *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; fds[i].revents && k < actor->polls_n; k++) {
            struct poll_entry *entry = &actor->polls[k];

            if (entry->fd == fds[i].fd) {
                entry->io(actor->self, actor, entry->fd, fds[i].revents, entry->ctx);
                break;
            }
        }
    }
}

static void main_wait(struct actor *actor, int signals)
{
    struct pollfd fds[MAIN_POLLS] = { { .fd = signals, .events = POLLIN },
                                      { .fd = bus_fd(actor->bus), .events = POLLIN },
                                      { .fd = pool_fd(actor->pool), .events = POLLIN } };
    struct signalfd_siginfo signal;
    nfds_t n = 3;

    for (size_t i = 0; i < actor->polls_n && n < MAIN_POLLS; i++)
        if (actor->polls[i].events)
            fds[n++] = (struct pollfd) { .fd = actor->polls[i].fd, .events = (short)actor->polls[i].events };
    if (poll(fds, n, actor_wait_ms(actor)) <= 0)
        return;
    while (fds[0].revents && read(signals, &signal, sizeof(signal)) == sizeof(signal))
        actor_stop(actor);
    main_callbacks(actor, fds + 3, n - 3);
}

int actor_main(const struct actor_def *def, int argc, char **argv)
{
    const char *sets[MAIN_SETS];
    struct actor_start start = { 0 };
    struct actor *actor;
    int signals, r = main_arguments(def, argc, argv, &start, sets), status;

    if (r >= 0)
        return r;
    signals = stop_signals();
    r = actor_begin(def, &start, &actor);
    if (r < 0)
        return r == ERR_INVALID ? 64 : r == ERR_UNSUPPORTED || r == ERR_FORBIDDEN || r == ERR_CORRUPT ? 78 : 75;
    while (actor_exit_status(actor) < 0) {
        if (!actor_step(actor) && actor_exit_status(actor) < 0)
            main_wait(actor, signals);
    }
    status = actor_exit_status(actor);
    actor_end(&actor);
    close(signals);
    return status;
}

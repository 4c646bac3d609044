/* kinobus-broker --state DIR [--bind ENDPOINT] [--listen tcp://ADDRESS:PORT] [--keys DIR] [--acl FILE]...
 *     [--map-size BYTES] [--config FILE] [--set broker.SETTING=VALUE]...
 *
 * --listen lets in other hosts, each by its key (`kinobus key`); when it is not said, the setting broker.listen counts.
 * Without --acl the policy that was generated with this build counts. Stops on SIGTERM and SIGINT, orderly. Exit
 * codes: 0 stopped, 64 usage, 69 cannot start, 75 the outcome of a commit is unknown: start me again. */
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "actors/runtime/ready/ready.h"
#include "actors/runtime/ready/stop.h"
#include "actors/runtime/settings.h"
#include "broker/server/broker.h"
#include "gen/errors.h"

enum { EXIT_USAGE = 64, EXIT_UNAVAILABLE = 69, EXIT_RESTART = 75, POLICIES = 8, SETS = 64 };

struct main_told {
    const char *config, *sets[SETS];
    unsigned sets_n;
};

static void main_usage(void)
{
    fputs("usage: kinobus-broker --state DIR [--bind ENDPOINT] [--listen tcp://ADDRESS:PORT] [--keys DIR] "
          "[--acl FILE]...\n"
          "       [--map-size BYTES] [--config FILE] [--set broker.SETTING=VALUE]...\n",
          stderr);
    exit(EXIT_USAGE);
}

/* A descriptor per peer and one to watch its process: as many as the system lets us have. */
static void main_raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void main_options(int argc, char **argv, struct broker_options *options, const char **policies,
                         struct main_told *told)
{
    static const struct option known[] = {
        { "state", required_argument, NULL, 's' },
        { "bind", required_argument, NULL, 'b' },
        { "listen", required_argument, NULL, 'l' },
        { "keys", required_argument, NULL, 'k' },
        { "acl", required_argument, NULL, 'a' },
        { "map-size", required_argument, NULL, 'm' },
        { "any-filesystem", no_argument, NULL, 'f' },
        { "secret-fd", required_argument, NULL, 'i' },
        { "config", required_argument, NULL, 'c' },
        { "set", required_argument, NULL, 't' },
        { 0 },
    };
    size_t n = 0;
    char *end;

    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 's': options->state = optarg; break;
        case 'b': options->bind = optarg; break;
        case 'l': options->listen = optarg; break;
        case 'k': options->keys = optarg; break;
        case 'f': options->any_filesystem = true; break;
        case 'i': break; /* what every program of the platform is given */
        case 'c': told->config = optarg; break;
        case 't':
            if (told->sets_n == SETS)
                main_usage();
            told->sets[told->sets_n++] = optarg;
            break;
        case 'a':
            if (n == POLICIES)
                main_usage();
            policies[n++] = optarg;
            break;
        case 'm':
            options->map_size = strtoull(optarg, &end, 10);
            if (*end || options->map_size < 1024 * 1024)
                main_usage();
            break;
        default: main_usage();
        }
    }
    if (!options->state || optind != argc)
        main_usage();
}

/* Ends the program when a setting is wrong: the sentence says which. */
static struct settings *main_settings(const struct main_told *told)
{
    struct settings *settings = settings_new("broker", &broker_settings_type, NULL, 0);
    char error[256] = "";
    int r = told->config && access(told->config, F_OK) == 0 ? settings_read_file(settings, told->config, error)
                                                            : 0;

    if (r == 0)
        r = settings_read_env(settings, environ, error);
    for (unsigned i = 0; r == 0 && i < told->sets_n; i++)
        r = settings_read_set(settings, told->sets[i], error);
    if (r < 0) {
        fprintf(stderr, "kinobus-broker: %s\n", error);
        exit(EXIT_USAGE);
    }
    log_set_level((enum log_at)settings_common(settings)->log);
    return settings;
}

int main(int argc, char **argv)
{
    const char *policies[POLICIES + 1] = { NULL };
    struct broker_options options = { .policies = policies };
    char bind[4096], keys[4096], error[256], quoted[600], id[ID_TEXT_SIZE];
    const struct broker_settings *own;
    struct main_told told = { 0 };
    struct broker *b;
    int stop, r;

    main_options(argc, argv, &options, policies, &told);
    options.settings = main_settings(&told);
    own = settings_own(options.settings);
    if (!options.listen && *own->listen)
        options.listen = own->listen;
    snprintf(bind, sizeof bind, "ipc://%s/bus.sock", options.state);
    snprintf(keys, sizeof keys, "%s/keys", options.state);
    options.bind = options.bind ? options.bind : bind;
    options.keys = options.keys ? options.keys : keys;
    log_open("broker");
    stop = stop_signals();
    main_raise_files();
    if (stop < 0 || sodium_init() < 0)
        return EXIT_UNAVAILABLE;
    r = broker_new(&options, &b, error);
    if (r < 0) {
        log_line(LOG_AT_ERROR, "start", "result=%s why=%s", err_name(r), log_quote(error, quoted, sizeof quoted));
        return r == ERR_OUTCOME_UNKNOWN ? EXIT_RESTART : EXIT_UNAVAILABLE;
    }
    log_line(LOG_AT_INFO, "ready", "bind=%s listen=%s store=%s incarnation=%u", options.bind,
             *b->listening ? b->listening : "-", id_format(NULL, b->store_id, id), b->incarnation);
    ready_tell();
    r = broker_run(b, stop);
    if (r < 0) {
        log_line(LOG_AT_ERROR, "stop", "result=%s", err_name(r));
        _exit(r == ERR_OUTCOME_UNKNOWN ? EXIT_RESTART : EXIT_UNAVAILABLE);
    }
    broker_stop(b);
    log_line(LOG_AT_INFO, "stopped", "messages=%llu", (unsigned long long)b->counters[BROKER_MESSAGES_IN]);
    broker_free(&b);
    close(stop);
    return 0;
}

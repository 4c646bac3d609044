/* up - starts the platform: runs the supervisor, in front or behind. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/cli/command.h"
#include "ops/cli/edge.h"
#include "ops/cli/show.h"
#include "ops/cli/start.h"
#include "ops/process/pidfile.h"

enum { LOOK_EVERY_MS = 10 };

struct up_words {
    bool detach;
    const char *port, *config, *password_file;
    struct edge edge;
    long within_s;
};

static int up_parse(int argc, char **argv, struct up_words *ret)
{
    static const struct option options[] = { { "detach", no_argument, NULL, 'd' },
                                             { "port", required_argument, NULL, 'p' },
                                             { "config", required_argument, NULL, 'c' },
                                             { "admin-password-file", required_argument, NULL, 'a' },
                                             { "within", required_argument, NULL, 'w' },
                                             { "edge", no_argument, NULL, 'e' },
                                             { "edge-port", required_argument, NULL, 'E' },
                                             { "certificate", required_argument, NULL, 'C' },
                                             { "certificate-key", required_argument, NULL, 'K' },
                                             { NULL, 0, NULL, 0 } };
    *ret = (struct up_words) { .within_s = 30 };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = NULL;
        switch (c) {
        case 'd': ret->detach = true; break;
        case 'c': ret->config = optarg; break;
        case 'a': ret->password_file = optarg; break;
        case 'e': ret->edge.wanted = true; break;
        case 'C': ret->edge.certificate = optarg; break;
        case 'K': ret->edge.certificate_key = optarg; break;
        case 'p':
        case 'E':
            *(c == 'p' ? &ret->port : &ret->edge.port) = optarg;
            if (strtol(optarg, &end, 10) < 1 || strtol(optarg, &end, 10) > 65535 || *end)
                return cli_usage(&up_command, "port %s: say a number from 1 to 65535", optarg);
            break;
        case 'w':
            ret->within_s = strtol(optarg, &end, 10);
            if (*end || ret->within_s < 1 || ret->within_s > 3600)
                return cli_usage(&up_command, "--within %s: say seconds, 1 to 3600", optarg);
            break;
        default: return cli_usage(&up_command, "unknown word '%s'", argv[optind - 1]);
        }
    }
    if (!ret->edge.wanted && (ret->edge.port || ret->edge.certificate || ret->edge.certificate_key))
        return cli_usage(&up_command, "--edge-port and --certificate say something of --edge, which is missing");
    return optind < argc ? cli_usage(&up_command, "unknown word '%s'", argv[optind]) : EXIT_DONE;
}

/* The front's port goes to it through the environment. The public URL that goes with port and edge; "": nothing was said. */
static void up_url(const struct up_words *words, char to[static EDGE_URL_SIZE])
{
    *to = '\0';
    if (words->port) {
        setenv("KINOBUS_FRONT_PORT", words->port, 1);
        snprintf(to, EDGE_URL_SIZE, "http://127.0.0.1:%s", words->port);
    }
    if (words->edge.wanted)
        edge_url(&words->edge, to);
}

/* The actors run elsewhere: auth gets the file's whole path. */
static int up_password_file(const char *path)
{
    char whole[PATH_MAX];
    if (!realpath(path, whole))
        return cli_usage(&up_command, "--admin-password-file %s: %s", path, strerror(errno));
    setenv("KINOBUS_AUTH_ADMIN_PASSWORD_FILE", whole, 1);
    return EXIT_DONE;
}

/* Becomes the supervisor; returns only when that failed. */
static int up_become(const struct cli *cli, const struct up_words *words)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (n <= 0)
        return cli_fail(EXIT_FAILED, "/proc/self/exe: %s", strerror(errno));
    program[n] = '\0';
    char *name = strrchr(program, '/') + 1;
    snprintf(name, sizeof(program) - (size_t)(name - program), "kinobus-supervisor");
    const char *argv[] = {
        program, "--state", cli->state, words->config ? "--config" : NULL, words->config, NULL
    };
    execv(program, (char *const *)argv);
    return cli_fail(EXIT_FAILED, "%s: %s", program, strerror(errno));
}

/* In the child: a session of its own, its words in STATE/log/supervisor.log. */
static int up_background(const struct cli *cli, const struct up_words *words)
{
    char path[PATH_MAX];
    setsid();
    if (!cli_path(cli, path, sizeof(path), "log") || (mkdir(path, 0750) < 0 && errno != EEXIST))
        return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    if (!cli_path(cli, path, sizeof(path), "log/supervisor.log"))
        return EXIT_FAILED;
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0640), null = open("/dev/null", O_RDONLY);
    if (log < 0 || null < 0)
        return cli_fail(EXIT_FAILED, "%s: %s", path, strerror(errno));
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    return up_become(cli, words);
}

/* Waits for the supervisor's word that every service is ready; it writes it as a file. */
static int up_wait(const struct cli *cli, pid_t pid, long within_s)
{
    char path[PATH_MAX];
    time_t began = time(NULL);
    if (!cli_path(cli, path, sizeof(path), "run/ready"))
        return EXIT_FAILED;
    for (long waited = 0; waited < within_s * 1000; waited += LOOK_EVERY_MS) {
        int status;
        if (access(path, F_OK) == 0)
            return EXIT_DONE;
        if (waitpid(pid, &status, WNOHANG) == pid)
            return cli_fail(EXIT_FAILED, "the supervisor ended at once; %s/log/supervisor.log says why",
                            cli->state);
        poll(NULL, 0, LOOK_EVERY_MS);
    }
    cli_fail(EXIT_FAILED, "not ready after %ld s; it goes on trying until `kinobus down`", within_s);
    start_blame(cli, began);
    fprintf(stderr, "`kinobus status` and the logs in %s/log tell more\n", cli->state);
    return EXIT_FAILED;
}

/* Starts the supervisor behind and waits until all is ready. */
static int up_behind(const struct cli *cli, const struct up_words *words, const struct start *start)
{
    char path[PATH_MAX];
    struct pidfile running;
    if (!cli_path(cli, path, sizeof(path), "run"))
        return EXIT_FAILED;
    int run = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (run >= 0 && pidfile_read(run, "supervisor", &running))
        return cli_fail(EXIT_FAILED, "already running in %s (pid %d)", cli->state, (int)running.pid);
    if (run >= 0) {
        unlinkat(run, "ready", 0);
        close(run);
    }
    pid_t pid = fork();
    if (pid == 0)
        _exit(up_background(cli, words));
    int code = pid < 0 ? cli_fail(EXIT_FAILED, "fork: %s", strerror(errno)) : up_wait(cli, pid, words->within_s);
    if (code != EXIT_DONE)
        return code;
    if (cli->json) {
        json_t *told = json_pack("{s:s,s:i}", "state", cli->state, "pid", (int)pid);
        start_json(start, told);
        show_print(told, true);
        json_decref(told);
    } else {
        printf("running in %s, supervisor pid %d\n", cli->state, (int)pid);
        start_print(start);
    }
    return EXIT_DONE;
}

static int up_run(const struct cli *cli, int argc, char **argv)
{
    struct up_words words;
    struct start start;
    char url[EDGE_URL_SIZE];
    int code = up_parse(argc, argv, &words);
    if (code == EXIT_DONE && words.password_file)
        code = up_password_file(words.password_file);
    if (code != EXIT_DONE)
        return code;
    if (mkdir(cli->state, 0750) < 0 && errno != EEXIST)
        return cli_fail(EXIT_FAILED, "%s: %s", cli->state, strerror(errno));
    if (words.edge.wanted)
        code = edge_prepare(cli, &words.edge);
    if (code != EXIT_DONE)
        return code;
    up_url(&words, url);
    code = start_prepare(cli, words.config, url, &start);
    if (code == EXIT_DONE && words.edge.wanted)
        code = edge_configure(cli, &words.edge, &start);
    if (code != EXIT_DONE)
        return code;
    if (words.detach)
        return up_behind(cli, &words, &start);
    if (!cli->json)
        start_print(&start);
    fflush(stdout);
    return up_become(cli, &words);
}

const struct command up_command = {
    "up", "[--detach] [--port N] [--edge] [--config FILE] [--admin-password-file FILE]",
    "Start the platform, or take over what of it still runs.",
    "  --detach      in the background; returns when every service is ready\n"
    "  --port N      port of the front, instead of front.port\n"
    "  --edge        nginx before it: https://127.0.0.1:8443, media sent by nginx itself\n"
    "  --edge-port N another port than 8443\n"
    "  --certificate FILE --certificate-key FILE\n"
    "                for the edge; else it makes one of its own, which browsers doubt\n"
    "  --config FILE settings, instead of STATE/kinobus.conf\n"
    "  --admin-password-file FILE\n"
    "                the first administrator's password, on the first start; else one is\n"
    "                made, printed, and kept in STATE/admin-password\n"
    "  --within N    seconds that --detach waits for, 30",
    up_run
};

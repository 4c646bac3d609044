/* kinobus - the operator's program: starts, looks at and steers a platform. `kinobus help` lists what it can do. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/cli/command.h"

static const struct command *const commands[] = {
    &up_command,      &down_command,  &status_command,   &top_command,   &tail_command,
    &trace_command,   &why_command,   &damaged_command,  &queue_command, &dead_command,
    &stream_command,  &group_command, &service_command,  &peer_command,  &acl_command,
    &call_command,    &user_command,  &config_command,   &chaos_command, &backup_command,
    &restore_command, &key_command,   &validate_command, &bench_command, &version_command
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

int cli_fail(int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("kinobus: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return code;
}

int cli_usage(const struct command *command, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "kinobus %s: ", command->name);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: kinobus %s %s\n", command->name, command->words);
    return EXIT_USAGE;
}

bool cli_path(const struct cli *cli, char *path, size_t size, const char *rest)
{
    int n = snprintf(path, size, "%s/%s", cli->state, rest);
    if (n > 0 && (size_t)n < size)
        return true;
    cli_fail(EXIT_FAILED, "%s/%s: the path is too long", cli->state, rest);
    return false;
}

int cli_open_run(const struct cli *cli, int *ret_fd)
{
    char path[PATH_MAX];
    if (!cli_path(cli, path, sizeof(path), "run"))
        return EXIT_FAILED;
    *ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0)
        return cli_fail(EXIT_NOT_RUNNING, "no platform in %s (%s: %s)", cli->state, path, strerror(errno));
    return EXIT_DONE;
}

static void main_list(FILE *out)
{
    fputs("usage: kinobus COMMAND [--state DIR] [--json] [WORDS]\n\n", out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n`kinobus COMMAND --help` tells more. Exit codes: 0 done, 1 failed, 2 wrong words, 3 not running.\n",
          out);
}

static int main_help(const struct command *command)
{
    printf("kinobus %s %s\n\n%s\n", command->name, command->words, command->summary);
    if (command->help)
        printf("\n%s\n", command->help);
    puts("\n  --state DIR   the platform's state directory (else $KINOBUS_STATE, ./var, /var/lib/kinobus)\n"
         "  --join FILE   ask a platform on another host, with a join file of the role cli (else $KINOBUS_JOIN)\n"
         "  --json        for scripts");
    return EXIT_DONE;
}

static const struct command *main_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static const char *main_state(void)
{
    const char *state = getenv("KINOBUS_STATE");
    if (state && *state)
        return state;
    return access("var", F_OK) == 0 ? "var" : "/var/lib/kinobus";
}

/* Takes the options that all commands share out of argv; what is left is the command's. -1: --help was among them. */
static int main_options(struct cli *cli, int argc, char **argv)
{
    int left = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                argv[left++] = argv[i++];
        } else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc) {
            cli->state = argv[++i];
        } else if (strncmp(argv[i], "--state=", 8) == 0) {
            cli->state = argv[i] + 8;
        } else if (strcmp(argv[i], "--join") == 0 && i + 1 < argc) {
            cli->join = argv[++i];
        } else if (strcmp(argv[i], "--json") == 0) {
            cli->json = true;
        } else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return -1;
        } else {
            argv[left++] = argv[i];
        }
    }
    argv[left] = NULL;
    return left;
}

int main(int argc, char **argv)
{
    const char *join = getenv("KINOBUS_JOIN");
    struct cli cli = { .state = main_state(),
                       .join = join && *join ? join : NULL,
                       .colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        const struct command *about = argc > 2 ? main_find(argv[2]) : NULL;
        if (about)
            return main_help(about);
        main_list(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    const struct command *command = main_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!command)
        return cli_fail(EXIT_USAGE, "there is no command '%s'; `kinobus help` lists them", argv[1]);
    int left = main_options(&cli, argc - 1, argv + 1);
    if (left < 0)
        return main_help(command);
    setvbuf(stdout, NULL, cli.colour ? _IOLBF : _IOFBF, 1 << 16);
    int code = command->run(&cli, left, argv + 1);
    if (fflush(stdout) != 0 && code == EXIT_DONE)
        return EXIT_FAILED;
    return code;
}

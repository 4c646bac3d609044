/* validate - starts kinobus-validate, the program beside this one, in its place: what it reads is a stranger's, and it
 * locks itself up for that. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ops/cli/command.h"

static int validate_run(const struct cli *cli, int argc, char **argv)
{
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (argc < 2 || argc > 3)
        return cli_usage(&validate_command, "name a folder, a file or an address, and at most an MPD beside it");
    if (n <= 0)
        return cli_fail(EXIT_USAGE, "/proc/self/exe: %s", strerror(errno));
    program[n] = '\0';
    char *name = strrchr(program, '/') + 1;
    snprintf(name, sizeof(program) - (size_t)(name - program), "kinobus-validate");
    const char *words[6] = { program };
    size_t at = 1;
    if (cli->json)
        words[at++] = "--json";
    for (int i = 1; i < argc; i++)
        words[at++] = argv[i];
    execv(program, (char *const *)words);
    return cli_fail(EXIT_USAGE, "%s: %s", program, strerror(errno));
}

const struct command validate_command = {
    "validate", "DIR|FILE|URL [MPD-URL]",
    "Say which rules of HLS and DASH a presentation breaks, ours or another's.",
    "  DIR is a version of a video in the media store, URL a playlist or MPD of any server.\n"
    "  Exit codes: 0 nothing that must be is broken, 1 something is, 2 it could not look.",
    validate_run
};

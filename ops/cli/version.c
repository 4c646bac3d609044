#include <stdio.h>

#include "ops/cli/command.h"

#define KINOBUS_VERSION "0.1.0"

static int version_run(const struct cli *cli, int argc, char **argv)
{
    if (argc > 1)
        return cli_usage(&version_command, "unknown word '%s'", argv[1]);
    printf(cli->json ? "{\"version\":\"%s\",\"protocol\":\"BUS/1\"}\n" : "kinobus %s (BUS/1)\n", KINOBUS_VERSION);
    return EXIT_DONE;
}

const struct command version_command = { "version", "", "The version of this program and its protocol.", NULL,
                                         version_run };

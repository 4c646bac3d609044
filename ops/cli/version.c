#include <stdio.h>

#include "ops/cli/command.h"
#include "ops/cli/show.h"

#define KINOBUS_VERSION "0.1.0"

static int version_run(const struct cli *cli, int argc, char **argv)
{
    if (argc > 1)
        return cli_usage(&version_command, "unknown word '%s'", argv[1]);
    if (cli->json)
        show_pack("{s:s,s:s}", "version", KINOBUS_VERSION, "protocol", "BUS/1");
    else
        printf("kinobus %s (BUS/1)\n", KINOBUS_VERSION);
    return EXIT_DONE;
}

const struct command version_command = { "version", "", "The version of this program and its protocol.", NULL,
                                         version_run };

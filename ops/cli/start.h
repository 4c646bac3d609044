/* start - what `kinobus up` tells the person who starts a platform: where it will answer, and who may sign in first.
 *
 * Both follow from the settings that the front and auth will read, so these are read here in the same way; a wrong line
 * of the file is refused at the terminal instead of in a log. */
#pragma once

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <time.h>

#include "ops/cli/command.h"

struct start {
    char url[512];                          /* front.public_url, with a slash at its end */
    char admin[256];                        /* auth.admin_email */
    char front_address[128], front_port[8]; /* front.address and front.port, for a proxy on this host */
    bool first;                             /* nobody has an account yet */
    char password_file[PATH_MAX]; /* where the first administrator's password lies; empty when not first */
    char password[64];            /* the one that was made here; empty when the operator gave a file */
};

/* config: --config's file or NULL. url: the public URL where no setting says one, handed to the front through the environment; "":
 * the built-in one. Where the platform starts for the first time and no auth.admin_password_file is set,
 * makes a password, keeps it in STATE/admin-password (0600) and names that file to auth through the environment.
 * Answers an exit code; what is wrong was said. */
int start_prepare(const struct cli *cli, const char *config, const char *url, struct start *ret);

void start_print(const struct start *start);
/* The same as members of an object, without the password. */
void start_json(const struct start *start, json_t *into);

/* Prints, on stderr, the last line of each log in STATE/log that was written since then and ends with an error: why a
 * platform does not become ready. */
void start_blame(const struct cli *cli, time_t since);

/* request - a call whose request and reply are JSON, for commands that are a call and a way to show its answer. */
#pragma once

#include <jansson.h>

#include "ops/cli/command.h"

/* EXIT_DONE and the reply (yours; json_null for none), or an exit code after a message on stderr. */
int request_json(const struct command *command, const struct cli *cli, const char *name, const char *text,
                 json_t **ret);

/* edge - what `kinobus up --edge` makes before the platform starts: STATE/edge with nginx's configuration, the secret that it
 * shares with the front (0600, made once), and a certificate of its own where none is given.
 *
 * Needs Debian's nginx with its Lua module; what is missing is said before anything starts. */
#pragma once

#include <stdbool.h>

#include "ops/cli/command.h"
#include "ops/cli/start.h"

struct edge {
    bool wanted;
    const char *port;                          /* NULL: 8443 */
    const char *certificate, *certificate_key; /* both, or neither: one that nobody vouches for */
};

enum { EDGE_URL_SIZE = 64 };

/* Where it will answer. */
const char *edge_url(const struct edge *edge, char to[static EDGE_URL_SIZE]);
/* Before the settings are read: the secret, and that the supervisor is to start it. Answers an exit code; what is wrong was
 * said. */
int edge_prepare(const struct cli *cli, const struct edge *edge);
/* Writes the configuration for the front that `start` tells of. */
int edge_configure(const struct cli *cli, const struct edge *edge, const struct start *start);

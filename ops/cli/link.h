/* link - the command line's connection to the bus of a platform: blocking, for a program that does one thing.
 *
 * It connects as the role "cli" with the secret in STATE/keys/cli, which only the platform's own user can read. */
#pragma once

#include <stdint.h>

#include "broker/client/bus.h"
#include "ops/cli/command.h"
#include "schemas/wire/arena.h"
#include "schemas/wire/buf.h"

struct link;

/* Connects, or says why not and answers NULL. */
struct link *link_open(const struct cli *cli);
void link_close(struct link **link);

/* One call. 0 and the reply's body in `reply`, or a negative error and its problem document there. */
int link_call(struct link *link, const char *target, struct bytes body, uint32_t deadline_ms, struct buf *reply);

/* Sets a lasting value, or removes it (body.data NULL). 0: the broker took it. */
int link_set(struct link *link, const char *name, const char *key, struct bytes body);
/* Serves the connection for so long. */
void link_wait(struct link *link, unsigned ms);

/* Shows everything that matches `filter` (bus_tap's) until SIGINT or SIGTERM, until `each` answers false, or for
 * within_ms (-1: without end). `began` is called once the broker has the tap: what happens from then on is seen.
 * 0, or an error when the tap was refused. */
typedef bool link_each(void *ctx, const struct bus_tapped *tapped);
struct link_tapping {
    const char *filter;
    unsigned sample; /* one in so many; 0 and 1: all */
    bool headers_only;
    int64_t within_ms;
    link_each *each;
    void (*began)(void *ctx);
    void *ctx;
};
int link_tap(struct link *link, const struct link_tapping *tapping);

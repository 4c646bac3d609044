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

/* EXIT_DONE and the connection, or an exit code after a message on stderr. */
int link_open(const struct cli *cli, struct link **ret);
void link_close(struct link **link);

/* One call. 0 and the reply's body in `reply`, or a negative error and its problem document there. */
int link_call(struct link *link, const char *target, struct bytes body, uint32_t deadline_ms, struct buf *reply);

/* Sets a lasting value, or removes it (body.data NULL). 0: the broker took it. */
int link_set(struct link *link, const char *name, const char *key, struct bytes body);
/* From here on SIGINT and SIGTERM do not end the process: what waits answers ERR_INTERRUPTED or false instead. */
void link_catch(struct link *link);
/* Serves the connection for so long; false: a signal came. */
bool link_wait(struct link *link, int64_t ms);
bool link_is_up(const struct link *link);

/* For who keeps many calls or values under way: the bus itself, and what is heard of them while it is waited (link_wait). From then
 * on, until it is given NULL, no other function here gets an answer. The strings die with the callback. */
struct link_hearing {
    void (*reply)(void *ctx, uint64_t cid, int err);
    void (*value)(void *ctx, const char *name, const char *key, struct bytes body);
    void *ctx;
};
struct bus *link_bus(struct link *link);
void link_hear(struct link *link, const struct link_hearing *hearing); /* borrows it */

/* Shows everything that matches `filter` (bus_tap's) until SIGINT or SIGTERM, until `each` answers false, or for
 * within_ms (-1: without end). `began` is called once the broker has the tap: what happens from then on is seen, also
 * while it runs; false ends it. 0, or an error when the tap was refused. */
typedef bool link_each(void *ctx, const struct bus_tapped *tapped);
struct link_tapping {
    const char *filter;
    unsigned sample; /* one in so many; 0 and 1: all */
    bool headers_only;
    int64_t within_ms;
    link_each *each;
    bool (*began)(void *ctx);
    void *ctx;
};
int link_tap(struct link *link, const struct link_tapping *tapping);

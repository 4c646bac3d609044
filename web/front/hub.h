/* hub - who listens for server-sent events, and what each of them is still to be told.
 *
 * The bus thread publishes and never waits; every listener is a worker thread that takes from a ring of its
 * own. A listener that reads too slowly loses its oldest messages and is told so, as the page can always ask
 * anew.
 *
 * Refuses    ERR_BUSY above HUB_LISTENERS, ERR_RATE_LIMITED above HUB_PER_USER of one person */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/buf.h"
#include "schemas/wire/id.h"

enum {
    HUB_LISTENERS = 32,
    HUB_PER_USER = 5,
    HUB_RING = 64, /* messages kept for a listener */
};

struct hub;
struct hub_listener;

enum hub_got { HUB_MESSAGE, HUB_QUIET, HUB_END };

struct hub *hub_new(void);
void hub_free(struct hub **hub); /* after hub_stop, when every listener has left */
void hub_stop(struct hub *hub);  /* all listeners are sent home */
unsigned hub_count(struct hub *hub);

int hub_join(struct hub *hub, struct id user, struct hub_listener **ret);
void hub_leave(struct hub *hub, struct hub_listener **listener);

/* A whole message in the form of text/event-stream, to everybody who is `user`. */
void hub_publish(struct hub *hub, struct id user, struct bytes message);

/* Waits up to wait_ms. HUB_MESSAGE: ret holds one or more messages. */
enum hub_got hub_take(struct hub *hub, struct hub_listener *listener, unsigned wait_ms, struct buf *ret);

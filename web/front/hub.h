/* hub - who listens for server-sent events, and what each of them is still to be told.
 *
 * The bus thread publishes and never waits. The last HUB_RING messages are kept for all; a listener is a worker
 * thread that stands somewhere in them. Every message has an id, "EPOCH-NUMBER": who comes back with the last one
 * that it saw is told what came since. The epoch is another one with every start of the front, so an id of an
 * earlier one is known to mean nothing.
 *
 * What is not kept any more (the listener read too slowly, was away too long, or comes from before a restart) is
 * told as `event: lost`, as the page can always ask anew.
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
    HUB_RING = 256, /* messages kept, of everybody */
};

struct hub;
struct hub_listener;

enum hub_got { HUB_MESSAGE, HUB_QUIET, HUB_GONE, HUB_END };

struct hub *hub_new(void);
void hub_free(struct hub **hub); /* after hub_stop, when every listener has left */
void hub_stop(struct hub *hub);  /* all listeners are sent home */
unsigned hub_count(struct hub *hub);

/* last_id: what the listener saw last, of hub_hello or a message; NULL: it was not here before. */
int hub_join(struct hub *hub, struct id user, const char *last_id, struct hub_listener **ret);
void hub_leave(struct hub *hub, struct hub_listener **listener);
/* The id of where the listener stands, so that a page can come back that was never told anything. */
void hub_hello(struct hub *hub, struct hub_listener *listener, struct buf *ret);

/* A message in the form of text/event-stream, without an id, to everybody who is `user`. */
void hub_publish(struct hub *hub, struct id user, struct bytes message);

/* Waits up to wait_ms. HUB_MESSAGE: ret holds one or more messages. HUB_GONE: the client has hung up; client is
 * its descriptor, or -1. */
enum hub_got hub_take(struct hub *hub, struct hub_listener *listener, int client, unsigned wait_ms,
                      struct buf *ret);

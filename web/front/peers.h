/* peers - which services are offered on the bus, as the broker's registry ($sys.peers) says. */
#pragma once

#include <stdbool.h>

#include "schemas/wire/buf.h"

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers **peers);

/* A value of $sys.peers, from the bus thread. body.data NULL: that process is gone. */
void peers_value(struct peers *peers, const char *key, struct bytes body);
void peers_clear(struct peers *peers);
bool peers_offer(struct peers *peers, const char *service);

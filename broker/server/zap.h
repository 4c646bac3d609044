/* zap - answers libzmq's question whether a public key may in (ZAP 1.0, RFC 27), on a thread of its own.
 *
 * One handler per ZeroMQ context; it must be there before a socket of that context listens. The answer has always the
 * same form: 200 and the key as User-Id, or 400. Who is refused learns nothing more; the broker's log tells why, one
 * line a second at most. */
#pragma once

#include <stdint.h>

#include "broker/server/roster.h"

struct zap;

int zap_start(void *zmq, struct roster *roster, struct zap **ret); /* borrows both */
void zap_stop(struct zap **zap);
uint64_t zap_refused(const struct zap *zap); /* any thread */

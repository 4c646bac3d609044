/* roster - the table of public keys that may come over tcp (STATE/keys/bus/peers), as it is now.
 *
 * Used by the router and by the ZAP thread; a lock lies between them. The file is looked at on each question and read
 * again when it is another one than before, so that a new key counts at its first handshake. Fails closed: without a
 * table, or with one that cannot be read or understood, nobody is known. */
#pragma once

#include "broker/client/curve.h"

struct roster;

struct roster *roster_new(const char *path);
void roster_free(struct roster **roster);
/* ERR_FORBIDDEN: the key is unknown, and why is in `error`. */
int roster_find(struct roster *roster, const char *key, struct curve_row *ret, char error[static 256]);
/* Counts how often the table was read: what was asked before counts only while it stays. */
unsigned roster_version(struct roster *roster);

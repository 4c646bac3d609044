/* identity - who a program is on the bus, and where that bus is: the one place where every program reads it.
 *
 * On the broker's host that is the role's secret, from an inherited descriptor or STATE/keys/ROLE, and the socket
 * STATE/bus.sock. On another host it is a join file (`kinobus key make`) and nothing else.
 * Errors     ERR_NOT_FOUND, ERR_FORBIDDEN, ERR_INVALID, ERR_IO; `error` says what is wrong, where, and what to do */
#pragma once

#include "broker/client/curve.h"

/* Where a program that joins from another host keeps its state when it is not told. */
#define IDENTITY_STATE "/var/lib/kinobus"

struct bus_identity_from {
    const char *role;
    const char *join;     /* a join file, NULL: of this host */
    const char *state;    /* the state directory; not looked at when there is a join file */
    const char *endpoint; /* NULL: the usual one */
    int secret_fd;        /* -1: read STATE/keys/ROLE; closed */
};

/* Holds secrets: bus_identity_wipe() it. */
struct bus_identity {
    char endpoint[4200];
    char secret[256];
    size_t secret_len;
    struct curve_join join; /* role empty: of this host */
};

int bus_identity_read(const struct bus_identity_from *from, struct bus_identity *ret, char error[static 256]);
/* Fills endpoint, secret and keys; the options borrow from `identity`. */
void bus_identity_options(const struct bus_identity *identity, struct bus_options *options);
void bus_identity_wipe(struct bus_identity *identity);

/* guard - which addresses the fetcher may connect to on behalf of somebody else. Pure, but for guard_is_own.
 *
 * A URL that a person gives must not lead into the networks that this host stands in: it is judged by the address that a
 * socket is about to be connected to, after the name was resolved, so that no spelling and no name server gets around it.
 *
 * Refuses    private, local, reserved and multicast addresses (guard.c has the table, each with its name), whatever is
 *            mapped or translated to them, everything with a zone, every address of this host, and what is no internet
 *            address at all
 * Allows     of those what an operator names (fetcher.allow_networks): nothing at first */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { GUARD_ALLOWED = 32 };

struct guard_network { /* IPv4 lies in ::ffff:0:0/96 */
    uint8_t address[16];
    unsigned bits;
};

struct guard {
    struct guard_network allowed[GUARD_ALLOWED];
    unsigned allowed_n;
};

/* "10.1.0.0/16, fd12::/48"; an address without /bits is that one alone. ERR_INVALID: one of them is no network, or there are
 * too many; *ret holds those before it. */
int guard_read(const char *allow, struct guard *ret);

/* NULL: go ahead. Else what the address is: "private", "loopback", ... */
const char *guard_refuses(const struct guard *guard, const struct sockaddr *address, socklen_t len);

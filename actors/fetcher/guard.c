/* guard - see guard.h */
#include "actors/fetcher/guard.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

static const struct {
    const char *network, *what;
} guard_table[] = {
    { "0.0.0.0/8", "no address of a host" },
    { "10.0.0.0/8", "private" },
    { "100.64.0.0/10", "private to a provider" },
    { "127.0.0.0/8", "loopback" },
    { "169.254.0.0/16", "link-local" },
    { "172.16.0.0/12", "private" },
    { "192.0.0.0/24", "reserved" },
    { "192.0.2.0/24", "for documentation" },
    { "192.88.99.0/24", "reserved" },
    { "192.168.0.0/16", "private" },
    { "198.18.0.0/15", "for measurements" },
    { "198.51.100.0/24", "for documentation" },
    { "203.0.113.0/24", "for documentation" },
    { "224.0.0.0/3", "multicast or reserved" },
    { "::/96", "no address of a host" }, /* ::, ::1, and IPv4 as it was written once */
    { "::ffff:0:0:0/96", "translated" },
    { "64:ff9b::/96", "translated" },
    { "64:ff9b:1::/48", "translated" },
    { "100::/64", "reserved" },
    { "2001::/32", "a tunnel" },
    { "2001:db8::/32", "for documentation" },
    { "2002::/16", "a tunnel" },
    { "fc00::/7", "private" },
    { "fe80::/10", "link-local" },
    { "fec0::/10", "private" },
    { "ff00::/8", "multicast" },
};

static void guard_map(const void *v4, uint8_t ret[16])
{
    static const uint8_t head[12] = { [10] = 0xff, [11] = 0xff };

    memcpy(ret, head, sizeof(head));
    memcpy(ret + sizeof(head), v4, 4);
}

static bool guard_read_network(const char *text, struct guard_network *ret)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchrnul(text, '/');
    struct in_addr v4;
    char *end = NULL;
    unsigned long bits;
    bool is_v4;

    if ((size_t)(slash - text) >= sizeof(address))
        return false;
    snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
    is_v4 = inet_pton(AF_INET, address, &v4) == 1;
    if (is_v4)
        guard_map(&v4, ret->address);
    else if (inet_pton(AF_INET6, address, ret->address) != 1)
        return false;
    bits = *slash ? strtoul(slash + 1, &end, 10) : is_v4 ? 32 : 128;
    if ((*slash && (end == slash + 1 || *end)) || bits > (is_v4 ? 32 : 128))
        return false;
    ret->bits = (unsigned)bits + (is_v4 ? 96 : 0);
    return true;
}

int guard_read(const char *allow, struct guard *ret)
{
    char one[80];

    ret->allowed_n = 0;
    for (;;) {
        size_t len;

        allow += strspn(allow, " ,");
        len = strcspn(allow, " ,");
        if (len == 0)
            return 0;
        if (len >= sizeof(one) || ret->allowed_n == GUARD_ALLOWED)
            return ERR_INVALID;
        snprintf(one, sizeof(one), "%.*s", (int)len, allow);
        if (!guard_read_network(one, &ret->allowed[ret->allowed_n]))
            return ERR_INVALID;
        ret->allowed_n++;
        allow += len;
    }
}

static bool guard_holds(const struct guard_network *network, const uint8_t address[16])
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->address, address, bytes) != 0)
        return false;
    return rest == 0 || ((network->address[bytes] ^ address[bytes]) & (0xff00 >> rest) & 0xff) == 0;
}

static bool guard_unpack(const struct sockaddr *address, socklen_t len, uint8_t ret[16])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (address->sa_family == AF_INET && len >= sizeof(v4)) {
        memcpy(&v4, address, sizeof(v4));
        guard_map(&v4.sin_addr, ret);
        return true;
    }
    if (address->sa_family != AF_INET6 || len < sizeof(v6))
        return false;
    memcpy(&v6, address, sizeof(v6));
    memcpy(ret, &v6.sin6_addr, 16);
    return v6.sin6_scope_id == 0;
}

/* An address of this host. Where nobody can tell, every one is. */
static bool guard_is_own(const uint8_t address[16])
{
    struct ifaddrs *all, *one;
    uint8_t own[16];
    bool found = false;

    if (getifaddrs(&all))
        return true;
    for (one = all; one && !found; one = one->ifa_next)
        if (one->ifa_addr)
            found = guard_unpack(one->ifa_addr,
                                 one->ifa_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                      : sizeof(struct sockaddr_in),
                                 own) &&
                    memcmp(own, address, 16) == 0;
    freeifaddrs(all);
    return found;
}

const char *guard_refuses(const struct guard *guard, const struct sockaddr *address, socklen_t len)
{
    struct guard_network denied;
    uint8_t bytes[16];

    if (!guard_unpack(address, len, bytes))
        return "of a zone, or of another kind";
    for (unsigned i = 0; i < guard->allowed_n; i++)
        if (guard_holds(&guard->allowed[i], bytes))
            return NULL;
    for (size_t i = 0; i < sizeof(guard_table) / sizeof(*guard_table); i++)
        if (!guard_read_network(guard_table[i].network, &denied) || guard_holds(&denied, bytes))
            return guard_table[i].what;
    return guard_is_own(bytes) ? "this host's own" : NULL;
}

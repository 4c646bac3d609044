#include "actors/runtime/identity/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gen/errors.h"

static int identity_join(const struct bus_identity_from *from, struct bus_identity *ret, char error[static 256])
{
    int r = curve_join_read(from->join, &ret->join, error);

    if (r < 0)
        return r;
    if (strcmp(ret->join.role, from->role) != 0) {
        snprintf(error, 256,
                 "%.60s is for the role %.40s; `kinobus key make %.40s/NAME ...` makes one for this program",
                 from->join, ret->join.role, from->role);
        return ERR_INVALID;
    }
    snprintf(ret->endpoint, sizeof ret->endpoint, "%s", from->endpoint ? from->endpoint : ret->join.endpoint);
    return 0;
}

static int identity_secret(const struct bus_identity_from *from, struct bus_identity *ret, char error[static 256])
{
    char path[4200] = "the inherited descriptor";
    int fd = from->secret_fd;
    ssize_t n;

    if (fd < 0) {
        snprintf(path, sizeof path, "%s/keys/%s", from->state, from->role);
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    n = fd < 0 ? -1 : read(fd, ret->secret, sizeof ret->secret);
    if (n < 0)
        snprintf(error, 256, "%.160s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    while (n > 0 && (ret->secret[n - 1] == '\n' || ret->secret[n - 1] == '\r'))
        n--;
    if (n == 0)
        snprintf(error, 256, "%.160s: it is empty", path);
    ret->secret_len = n > 0 ? (size_t)n : 0;
    return n > 0 ? 0 : ERR_FORBIDDEN;
}

int bus_identity_read(const struct bus_identity_from *from, struct bus_identity *ret, char error[static 256])
{
    int r;

    *ret = (struct bus_identity) { .secret_len = 0 };
    if (from->join)
        r = identity_join(from, ret, error);
    else
        r = identity_secret(from, ret, error);
    if (r == 0 && !from->join && from->endpoint)
        snprintf(ret->endpoint, sizeof ret->endpoint, "%s", from->endpoint);
    else if (r == 0 && !from->join)
        snprintf(ret->endpoint, sizeof ret->endpoint, "ipc://%s/bus.sock", from->state);
    if (r < 0)
        bus_identity_wipe(ret);
    return r;
}

void bus_identity_options(const struct bus_identity *identity, struct bus_options *options)
{
    options->endpoint = identity->endpoint;
    if (*identity->join.role) {
        options->server_key = identity->join.broker;
        options->secret_key = identity->join.secret;
    } else {
        options->secret = bytes_of(identity->secret, identity->secret_len);
    }
}

void bus_identity_wipe(struct bus_identity *identity)
{
    sodium_memzero(identity, sizeof *identity);
}

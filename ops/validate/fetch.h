/* fetch - bytes of a presentation. The checker asks, in its jail; the courier, outside of it, goes and gets them.
 *
 * They speak over a socket pair: a request (struct errand and the address), then an answer (struct fetched and the
 * bytes). The courier looks at no byte of what it brings, except that libcurl undoes gzip. It brings http, https, and
 * files beneath the one folder that was named (symbolic links refused), whatever it is asked.
 *
 * Weak spot: a checker that has been taken over could still have the courier ask any http server. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/buf.h"

struct errand {
    uint32_t url_len;
    uint32_t plain;     /* no Accept-Encoding, as for media */
    uint64_t from, len; /* a range; len 0: all of it */
    uint64_t most;      /* bytes to bring; more is an answer without bytes, and an error */
};

struct fetched {
    int64_t status;     /* of HTTP; a file: 200, 206 or 404; 0: no answer at all, and error says why */
    uint32_t redirects; /* how many were followed */
    uint32_t gzip;      /* came compressed */
    int64_t range_from, range_to, range_total; /* of Content-Range; -1 when it was not told */
    uint64_t len;                              /* of the bytes that follow */
    char type[128];                            /* Content-Type */
    char url[4096];                            /* that answered in the end */
    char error[256];
};

/* The checker's side: asks over fd, waits, and leaves the bytes in body. 0, or -1 when the courier is gone. */
int fetch_ask(int fd, const char *url, const struct errand *errand, struct buf *body, struct fetched *ret);

/* The courier's side: serves until the other end closes. root: of dir:/// addresses, -1 for none. 0, or -1 when it could not go on. */
int fetch_serve(int fd, int root);

/* gate - what every request passes before anything else looks at it.
 *
 * civetweb takes much that HTTP forbids (two lengths, a length with a sign, both ways of framing, spaces
 * before a colon, folded lines, headers past the 64th dropped), and a proxy in front may read the same bytes
 * otherwise: the gate refuses what can be read in two ways. It reads civetweb's view of a request and the
 * bytes around it, which civetweb cut up in place, and it decodes the path, once.
 *
 * Refuses    by ERR_*: MALFORMED (400), HEADERS_TOO_LARGE (431), METHOD_NOT_ALLOWED (405); the reason is a
 *            sentence that is the same for all, and never holds bytes of the request
 * Then       the caller answers at once, reads no body and closes the connection
 * Leaves     the length of a route's body, its content type and its methods to the router
 * Weak spot  of the two bytes behind the version it only knows that they were white space: civetweb wrote over
 *            both. A head that ends with LF LF is taken for one that ends with CRLF CRLF when its body begins with
 *            CR NUL, for the bytes are then the same. A proxy that passes on a head it did not write itself must
 *            not stand in front */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <civetweb.h>

enum {
    GATE_REQUEST_MAX = 16384, /* request line and headers, as civetweb is configured */
    GATE_URI_MAX = 2048,      /* path and query, undecoded */
};

struct gate_facts {
    char
        path[GATE_URI_MAX + 1]; /* decoded once, UTF-8; no `..`, `//`, backslash, NUL or encoded slash was in it */
    int64_t length;             /* of the body; -1: not told */
    bool expects_continue;
    bool keep_alive; /* as far as the client is concerned */
};

/* 0 or a negative ERR_*; then *ret_reason says why. */
int gate_check(const struct mg_request_info *request, struct gate_facts *ret, const char **ret_reason);

/* Decodes %XX and checks what a path may hold: the path part of gate_check. */
int gate_decode_path(const char *raw, char to[static GATE_URI_MAX + 1]);

/* The only header of that name (the gate saw to it that there are not two of those that matter), or NULL. */
const char *gate_header(const struct mg_request_info *request, const char *name);

/* http - the blobs of a platform by one of its fronts, for a process that does not see their disk: it reads, and puts what is
 * new, as far as the rights reach that it was given (web/front/blobs.h is the other end).
 *
 * Offers     put_new, stat and read; all else is ERR_UNSUPPORTED
 * Reads      growing objects too: a front tells their frontier. While reads follow each other more is fetched than was asked
 *            for, up to `ahead`; that much memory it takes, and a request's worth without
 * Checks     that what arrived is as long as was told and the range that was asked for; the front checks length and hash of
 *            what is put, and what it has not got whole it forgets
 * Tries      again what fails on the way or is answered `try later`, for as long as patience_ms; a put whose answer was lost
 *            finds its own bytes there, and that is success
 * Errors     ERR_FORBIDDEN no right, or one that has ended; ERR_UNAVAILABLE nobody answered; ERR_CANCELLED; and those of
 *            blobs.h
 * Needs      libcurl.so.4, loaded by the first blobs_http_open: ERR_UNSUPPORTED where there is none
 * Threads    any; a handle does one thing at a time. Rights are given before it is used
 * Never      follows a redirect, heeds a proxy of the environment, or writes a right anywhere
 * Weak spot  nothing but TCP (or TLS) says that what was read is what lies there */
#pragma once

#include <stdatomic.h>

#include "data/blobs/blobs.h"

struct blobs_http_options {
    const char *url;           /* http://HOST:PORT or https://HOST[:PORT], perhaps with a path */
    unsigned connect_ms;       /* for a connection */
    unsigned quiet_s;          /* without a byte: the try is over */
    unsigned patience_ms;      /* tries begin as long as this has not passed */
    size_t ahead;              /* bytes read ahead at most */
    const atomic_bool *cancel; /* NULL: never */
};

/* ERR_INVALID: the URL is none. */
int blobs_http_open(const struct blobs_http_options *options, struct blobs **ret);

enum blobs_http_may { BLOBS_HTTP_READ, BLOBS_HTTP_PUT_NEW };

/* What may be done beneath a folder (which ends in a slash); the first that fits is used. ERR_INVALID: not a word that could
 * stand in a path. */
int blobs_http_allow(struct blobs *blobs, enum blobs_http_may may, const char *folder, const char *right);

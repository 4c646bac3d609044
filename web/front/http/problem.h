/* problem - the problem documents of RFC 9457, as every refusal here is answered.
 *
 *     { "type": "urn:kinobus:problem:invalid", "title": "The request does not fit its schema.", "status":
 *     400,
 *       "code": "invalid", "refused_by": "catalog", "detail": "...", "instance": "/api/v1/videos", "request_id":
 *       "req_01...",
 *       "retryable": false, "errors": [ { "field": "title", "message": "must be at most 200 characters" } ] }
 *
 * `refusals` has the rules that do not let a video be watched: [ { "rule": "window", "sentence": "...", "until": "2026-..." } ].
 *
 * type, title, status, code and retryable follow from the error alone (schemas/errors.toml). refused_by is the actor that
 * said no, or `front`. */
#pragma once

#include "gen/common.h"
#include "schemas/wire/buf.h"

struct problem_doc {
    int err;                    /* ERR_*, negative */
    const char *by;             /* who refused; NULL: not told */
    const struct problem *body; /* what is known of this occurrence; NULL: nothing */
    const char *instance;       /* path of the request; NULL: none */
    const char *request_id;     /* NULL: none */
};

/* Appends the document to out. */
void problem_write(const struct problem_doc *doc, struct buf *out);

/* multipart - a streaming reader of multipart/form-data (RFC 7578).
 *
 * Bytes go in as they come, parts come out as they pass: nothing is kept but the headers of one part and the
 * bytes that may be the beginning of a boundary. civetweb's own form reader is not used: it spins for ever on
 * a NUL.
 *
 * Refuses    a boundary of more than 70 characters, more than MULTIPART_HEAD bytes of headers in a part, more
 *            than MULTIPART_PARTS parts, a part without a name, a body that ends before its last boundary
 * Weak spot  a file's name is what the client says: text to store and show, never a path */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    MULTIPART_HEAD = 2048,
    MULTIPART_PARTS = 64,
    MULTIPART_NAME = 64,
    MULTIPART_FILENAME = 255,
    MULTIPART_BOUNDARY = 70,
};

struct multipart_part {
    char name[MULTIPART_NAME + 1];
    char filename[4 * MULTIPART_FILENAME + 1];
    bool is_file; /* it has a filename */
};

/* Answer 0, or a negative error that ends the reading and is what multipart_feed answers. */
struct multipart_events {
    int (*begin)(void *ctx, const struct multipart_part *part);
    int (*data)(void *ctx, const void *data, size_t len);
    int (*end)(void *ctx);
};

struct multipart;

/* content_type: the header's value. NULL: not multipart/form-data with a boundary. */
struct multipart *multipart_new(const char *content_type, const struct multipart_events *events, void *ctx);
void multipart_free(struct multipart **reader);

/* ERR_MALFORMED (multipart_reason says why), or what an event answered. */
int multipart_feed(struct multipart *reader, const void *data, size_t len);
/* After the last byte: ERR_MALFORMED unless the last boundary was seen. */
int multipart_finish(struct multipart *reader);
const char *multipart_reason(const struct multipart *reader);

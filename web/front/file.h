/* file - sending an object that lies behind a descriptor, in memory, or is put together as it goes: conditions, ranges, HEAD,
 * and gzip for small texts.
 *
 * Bytes go out by pread and large writes; nothing is held in memory but one piece, or a text that is
 * compressed. */
#pragma once

#include "web/front/exchange.h"

/* Up to want bytes of something of known length, from there on; 0: they cannot be had. */
typedef size_t file_read_fn(void *ctx, void *to, size_t want, uint64_t from);

/* That of an object that has no descriptor (only a second place has it), with this as its context. */
struct file_far {
    struct blobs *blobs;
    const char *name;
};
size_t file_far_read(void *ctx, void *to, size_t want, uint64_t from);

#define FILE_GZIP_MAX ((uint64_t)8 * 1024 * 1024) /* larger texts go out as they are */

struct file_out {
    int fd;             /* borrowed; -1: it is in memory, or read gives it */
    file_read_fn *read; /* NULL: fd or text has it */
    void *read_ctx;
    struct bytes text;   /* then this is all of it, borrowed */
    struct bytes packed; /* and this the same by gzip; empty: it goes out as it is */
    uint64_t size;
    const char *etag; /* with its quotes, strong */
    int64_t modified; /* ms UTC; 0: not told */
    const char *type;
    bool gzip;                  /* worth it, and allowed */
    enum front_counter counter; /* of the bytes sent; FRONT_COUNTERS: none */
};

/* Answers without conditions, and nothing of tags: all of it, or one range that lies within it. */
void file_send_whole(struct exchange *x, const struct file_out *file);
struct range;
void file_send_range(struct exchange *x, const struct file_out *file, const struct range *range);

/* x->cache is set by the caller. Answers the request. */
void file_send(struct exchange *x, const struct file_out *file);

/* s3_direct - an object of a bucket that somebody else puts, straight into the store: a multipart upload is begun here, each part is
 * put to a URL that is signed here, and the parts are listed, joined or given up here. The secret stays where the store is open.
 *
 * A URL is good for one part of one upload until it ends, to PUT as many bytes as it says: Content-Length is signed too. It holds
 * no secret, but whoever has it may put that part; it goes to nobody but who uploads.
 *
 * Known      an upload that was begun here, or that blobs_s3_know tells of, is not ended by blobs_sweep; blobs_s3_end and
 *            blobs_s3_abort make it unknown
 * Errors     those of s3.h; ERR_GONE the store has no such upload (any more); ERR_CHECKSUM a part is not as it was said
 * Threads    any */
#pragma once

#include "data/blobs/s3.h"
#include "schemas/wire/buf.h"

enum {
    BLOBS_S3_PARTS = 10000, /* what S3 allows, and the least and most of one: 5 MiB and 5 GiB */
    BLOBS_S3_TAG = 128,
    BLOBS_S3_LASTS = 604800, /* seconds that a URL may be good for, at most */
};

struct blobs_s3_part {
    unsigned number; /* from 1 */
    uint64_t size;
    char tag[BLOBS_S3_TAG]; /* ETag, with its quotes */
};

/* Whether it is one that blobs_s3_open opened: all else here is of such. */
bool blobs_s3_has(const struct blobs *blobs);

int blobs_s3_begin(struct blobs *s3, const char *name, char **ret_upload); /* free() ends *ret_upload */
void blobs_s3_know(struct blobs *s3, const char *upload);
void blobs_s3_unknow(struct blobs *s3, const char *upload);

/* A URL for PUT of a part so long, good for so many seconds from `now` (s UTC) on. endpoint: the store's address as clients reach
 * it; NULL: as here. Nothing is asked of the store. */
struct blobs_s3_grant {
    const char *name, *upload, *endpoint;
    unsigned part, lasts_s;
    uint64_t size;
    int64_t now;
};
void blobs_s3_sign(struct blobs *s3, const struct blobs_s3_grant *grant, struct buf *ret_url);
bool blobs_s3_endpoint_valid(const char *endpoint);

/* The parts that are there behind number `after`, `most` at a time; *ret_next: go on behind it, 0: that was all. */
typedef int blobs_s3_part_fn(void *ctx, const struct blobs_s3_part *part);
int blobs_s3_parts(struct blobs *s3, const char *name, const char *upload, unsigned after, unsigned most,
                   blobs_s3_part_fn *fn, void *ctx, unsigned *ret_next);

/* Joins them: in order, each as blobs_s3_name_part adds it to what blobs_s3_end is told. ERR_EXISTS: the name is taken. */
void blobs_s3_name_part(struct buf *parts, unsigned number, const char *tag);
int blobs_s3_end(struct blobs *s3, const char *name, const char *upload, struct bytes parts);
int blobs_s3_abort(struct blobs *s3, const char *name, const char *upload);

/* s3_internal - see s3.h and s3_direct.h: one backend. s3_where reads the URI and the credentials, s3 puts and reads, s3_multi asks
 * for multipart uploads, s3_parts writes in such parts, s3_sign signs URLs for those of others, s3_list lists and removes. */
#pragma once

#include "data/blobs/remote.h"
#include "data/blobs/s3_direct.h"

enum {
    S3_ENDPOINT_MAX = 400,
    S3_BUCKET_MAX = 63,
    S3_PREFIX_MAX = 256, /* with its slash */
    S3_REGION_MAX = 40,
    S3_FILE_MAX = 400,
    S3_KEY_MAX = 128,
    S3_SECRET_MAX = 256,
    S3_TOKEN_MAX = 4096,
    S3_UPLOAD_MAX = 1024, /* the id of a multipart upload */
    S3_HASH = 32,         /* SHA-256 */
    S3_URI_MAX = 1024,
    S3_PLACE_MAX = S3_BUCKET_MAX + S3_PREFIX_MAX + S3_ENDPOINT_MAX + 8,
};

struct s3_keys {
    char id[S3_KEY_MAX], secret[S3_SECRET_MAX], token[S3_TOKEN_MAX];
};

struct s3_where {
    char endpoint[S3_ENDPOINT_MAX + 1]; /* without a slash at its end */
    char bucket[S3_BUCKET_MAX + 1];
    char prefix[S3_PREFIX_MAX + 1]; /* "" or ending in a slash */
    char region[S3_REGION_MAX + 1];
    char file[S3_FILE_MAX + 1]; /* "": the environment */
    char readers[S3_FILE_MAX + 1];
    char place[S3_PLACE_MAX];
};

struct s3_blobs {
    struct remote remote;
    struct s3_where where;
    size_t part;               /* bytes */
    _Atomic bool no_condition; /* the store does not know If-None-Match */
    pthread_mutex_t lock;
    struct s3_keys keys;
    struct timespec keys_changed;
    char said[S3_SAID_MAX];
    char **known; /* ids of multipart uploads that somebody is at: no sweep ends them */
    size_t known_n;
};

/* What is beside the request itself, in remote_ask.more. */
struct s3_more {
    const uint8_t *hash; /* BLAKE2b of what is put; NULL: not told */
    int64_t modified;    /* 0: not told */
    bool condition;      /* only where nothing is */
};

static inline struct s3_blobs *s3_of(struct blobs *blobs)
{
    return (struct s3_blobs *)blobs;
}

int s3_where(const char *uri, struct s3_where *ret, char error[S3_SAID_MAX]);
/* Of the file, or of the environment. changed: when the file did last. */
int s3_keys_read(const struct s3_where *where, struct s3_keys *ret, struct timespec *changed,
                 char error[S3_SAID_MAX]);
bool s3_keys_changed(const struct s3_where *where, const struct timespec *since);
struct s3_keys s3_keys_now(struct s3_blobs *s); /* those of the file as it stands; the caller wipes them */

/* The query of a URL with its signature, SigV4; a pure function. */
struct s3_presign {
    const char *method, *host, *path; /* as they stand in the request */
    const char *query;                /* its other words, escaped and by their names, all behind 'X'; NULL: none */
    const char *region;
    const struct s3_keys *keys;
    int64_t now; /* s UTC */
    unsigned lasts_s;
    bool sized; /* Content-Length is signed: */
    uint64_t size;
};
void s3_presign(const struct s3_presign *presign, struct buf *ret_query);

int s3_multi_begin(struct s3_blobs *s, const char *name, const struct s3_more *more,
                   char **ret_upload); /* it is known from then on */
int s3_multi_end(struct s3_blobs *s, const char *name, const char *upload, struct bytes parts);
int s3_multi_abort(struct s3_blobs *s, const char *name, const char *upload); /* 0 too when there is none */
void s3_multi_query(const char *upload, unsigned part, struct buf *ret);
void s3_know(struct s3_blobs *s, const char *upload);
void s3_unknow(struct s3_blobs *s, const char *upload);
bool s3_is_known(struct s3_blobs *s, const char *upload);

int s3_text(struct s3_blobs *s, const char *query, struct buf *ret); /* GET of the bucket */
int s3_put_object(struct s3_blobs *s, const char *name, struct bytes data, const struct s3_more *more,
                  struct blob_info *ret);

/* What lies there, with its hash: ERR_EXISTS when there is something, 0 when there is not. */
int s3_look(struct blobs *blobs, const char *name, struct blob_info *ret);

int s3_new(struct blobs *blobs, const char *name, struct blob_writer **ret);
int s3_write(struct blob_writer *writer, const void *data, size_t len);
int s3_commit(struct blob_writer **writer, struct blob_info *ret);
void s3_abort(struct blob_writer **writer);

int s3_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx);
int s3_delete(struct blobs *blobs, const char *name);
int s3_delete_tree(struct blobs *blobs, const char *prefix);
int s3_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed);

/* A query's value: everything but letters, digits, and -_.~ by its number. */
void s3_escape(struct buf *to, const char *text);

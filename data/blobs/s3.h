/* s3 - blobs in a bucket of an S3-compatible store: AWS, MinIO, Ceph, Garage, R2 and the like; libcurl signs (SigV4).
 *
 * Where      s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME&credentials=FILE&readers=FILE]; requests name the bucket in the path. Endpoint:
 *            http(s)://HOST[:PORT], without one that of AWS in the region; region: us-east-1 without one
 * Who        credentials=FILE, lines as in ~/.aws/credentials (aws_access_key_id = ..., aws_secret_access_key = ...,
 *            aws_session_token = ...), readable by its owner alone and read again when it has changed; without one
 *            AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN of the environment. None of it is ever logged.
 *            readers=FILE: the same for who only reads, so that it need not have the other
 * Offers     all but growing objects, descriptors and the room on a disk
 * Durable    what the store has answered 200 for: that is the store's promise
 * Checks     what is put is signed with its SHA-256, which the store compares; its BLAKE2b-256 lies beside it (x-amz-meta-blake2b),
 *            and is told of it later. What a writer put in parts without blob_expect has none: blob_hash reads it
 * put_new    looks first, then puts with `If-None-Match: *`; who finds the same bytes there after all is told that they are its
 *            own. Stores that know this (AWS since 2024, MinIO, Ceph, R2) let one of
 *            many win. One that does not know it may let the last of several win that begin in the same moment: Kinobus lives
 *            with that, as who puts the same segment twice makes the same bytes of it, and no name is otherwise put by two
 * Streams    a writer holds one part (part_mib) in memory and sends more than that as a multipart upload of up to 10,000 parts:
 *            ERR_TOO_LARGE beyond. One that a crash left is ended by blobs_sweep, as far as the store lists them
 * Lists      after the store's own order of events: those of today list what was put before; names that are no names of
 *            ours are passed over
 * Tries      again what fails on the way or is answered 500, 503 SlowDown and the like, for as long as patience_ms
 * Errors     ERR_FORBIDDEN wrong credentials, or no right; ERR_UNAVAILABLE nobody answers, or there is no such bucket;
 *            ERR_STORE_FULL; ERR_CANCELLED; and those of blobs.h. blobs_s3_said tells what the store said
 * Needs      libcurl.so.4, loaded by the first blobs_s3_open
 * Threads    any; `lines` things at a time */
#pragma once

#include <stdatomic.h>

#include "data/blobs/blobs.h"

#define S3_SAID_MAX 400

struct blobs_s3_options {
    unsigned connect_ms;  /* for a connection */
    unsigned quiet_s;     /* without a byte: the try is over */
    unsigned patience_ms; /* tries begin as long as this has not passed */
    unsigned rest_ms;  /* after nobody answered for so long, this long nothing is asked: ERR_UNAVAILABLE at once */
    size_t ahead;      /* bytes read ahead at most, on each line */
    unsigned lines;    /* things done at a time, 1 to 64 */
    unsigned part_mib; /* of a multipart upload, 5 to 1024 */
    const atomic_bool *cancel; /* NULL: never */
    bool reads;                /* and nothing else: with the credentials of readers, where there are some */
};

bool blobs_s3_is(const char *uri); /* it begins with s3: */

/* ERR_INVALID the URI or the credentials, ERR_UNSUPPORTED there is no libcurl: error is a sentence that says what to do. Nothing
 * is asked of the store yet. */
int blobs_s3_open(const char *uri, const struct blobs_s3_options *options, struct blobs **ret,
                  char error[S3_SAID_MAX]);

/* Several URIs with spaces between: the first is the place where things are put, the others were it before and are read, too. */
#define BLOBS_S3_PLACES 4
int blobs_s3_open_each(const char *uris, const struct blobs_s3_options *options,
                       struct blobs *ret[BLOBS_S3_PLACES], unsigned *ret_n, char error[S3_SAID_MAX]);
int blobs_s3_open_all(const char *uris, const struct blobs_s3_options *options, struct blobs **ret,
                      char error[S3_SAID_MAX]); /* as one (tier.h) */

/* The blobs of the platform in state_dir, and behind them what those places have that it has not; uris: NULL or "", none. An error
 * without a sentence: there is no such folder, nor can one be made. */
int blobs_s3_open_behind(const char *state_dir, const char *uris, const struct blobs_s3_options *options,
                         struct blobs **ret, char error[S3_SAID_MAX]);

/* Whether the bucket can be listed with these credentials: 0, or why not. */
int blobs_s3_try(struct blobs *blobs);

/* What was wrong last, in one line: "403 InvalidAccessKeyId: ...", "no answer: Couldn't connect to server"; "" when nothing was. */
void blobs_s3_said(struct blobs *blobs, char said[S3_SAID_MAX]);

/* BUCKET/PREFIX at HOST, for people. */
const char *blobs_s3_place(struct blobs *blobs);

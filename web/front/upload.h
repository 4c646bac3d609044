/* upload - bytes of an upload from a client into the blobs, and word of them to the catalog.
 *
 * Bytes become durable, and visible to whoever decodes, every UPLOAD_STEP bytes or UPLOAD_STEP_MS at the
 * latest, and at the end; the durable length is the offset, nothing else is. While the disk makes one step durable, on a
 * thread that lives as long as that takes, the bytes of the next one come in. SHA-256 of a file that is not long is made before
 * the last answer, that of a long one by the catalog afterwards: to read what is being written holds up both. The catalog is
 * told of each
 * step; only the last word (upload_complete) must arrive, as the catalog completes by itself what has its
 * declared length.
 *
 * Refuses    ERR_LOCKED while another request writes the same upload, ERR_BUSY above front.uploads at a time
 *            (uploads.h) */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "gen/catalog.h"
#include "web/front/exchange.h"

enum {
    UPLOAD_STEP = 8 * 1024 * 1024,
    UPLOAD_STEP_MS = 1000,
    UPLOAD_SUM_MOST = 64 * 1024 * 1024, /* of a file whose SHA-256 somebody waits for */
    UPLOAD_NAME_MAX = 255,              /* characters of a file's name */
};

/* A step that the disk is at. */
struct upload_keep {
    pthread_t thread;
    bool running;
    atomic_bool done; /* joining it waits for nothing */
    struct blob_grow *grow;
    uint64_t upto;
    int r;
    uint64_t frontier;
};

struct upload_sink {
    struct exchange *x;
    const struct upload *upload;
    struct blob_grow *grow; /* NULL: sealed already */
    uint64_t frontier;      /* durable, and told so */
    uint64_t written;       /* appended */
    struct upload_keep keep;
    bool has_length; /* of the upload, also when this request told it */
    uint64_t length;
    bool hold;          /* nothing becomes durable before a checksum was looked at */
    int64_t step_at_ms; /* when the last step was made */
};

/* Takes the upload's place and opens its object; reads the upload anew where another request wrote it until now. On an
 * error the problem has been answered. */
int upload_open(struct exchange *x, struct upload *upload, struct upload_sink *ret);
/* Gives the place back. What was not made durable is dropped. */
void upload_close(struct upload_sink *sink);

/* Nothing is answered on an error by these. */
int upload_append(struct upload_sink *sink, const void *data, size_t len);
int upload_step(
    struct upload_sink *sink); /* waits until all that was appended is durable, and tells the catalog */
/* All is there: seals the object and has the catalog commit it. A sealed one is told again. A partial upload
 * has no video: ret_video stays as it is. */
int upload_finish(struct upload_sink *sink, struct video *ret_video);

/* A file's name is for people: of one that is longer than any file system allows, the beginning. NULL stays NULL. */
const char *upload_name(struct exchange *x, const char *name);

/* Answers an error of the functions above. */
int upload_problem(struct exchange *x, int err);

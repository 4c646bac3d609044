/* remote - objects that are reached by HTTP: what http.c and s3.c have in common. Requests by libcurl, tried again for as long
 * as patience lasts, over a few lines, each with a window of what it read last.
 *
 * Lines      as many things are done at a time; who finds all of them busy waits. While reads on a line follow each other more
 *            is fetched than was asked for, up to `ahead`: each line has as much memory for it
 * Tries      what failed on the way, or was answered by ERR_AGAIN (which is never handed out: ERR_UNAVAILABLE is)
 * Never      follows a redirect, or heeds a proxy of the environment
 * Threads    any */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "data/blobs/backend.h"
#include "data/blobs/curl.h"
#include "schemas/wire/buf.h"

#define REMOTE_URL_MAX   2048
#define REMOTE_SAID_MAX  4096 /* of a refusal: what is kept of its text */
#define REMOTE_LINES_MAX 64

enum remote_method { REMOTE_GET, REMOTE_HEAD, REMOTE_PUT, REMOTE_POST, REMOTE_DELETE };

/* One request and what came of it. */
struct remote_ask {
    enum remote_method method;
    const char *name;  /* of the object; "": of none */
    const char *query; /* NULL: none */
    struct bytes body; /* of PUT and POST */
    const void *more;  /* the backend's own */
    struct buf *text;  /* GET and POST: where a text goes; NULL: */
    size_t text_most;  /* it may not be longer */
    uint64_t from;     /* GET without a text: `room` bytes of the object from there on, into `to` */
    uint8_t *to;
    size_t room;
    /* answered */
    long status; /* 0: nothing was */
    unsigned tries;
    size_t sent, got, dropped;
    uint64_t range_from;
    bool ranged, empty;
    char tag[128]; /* ETag, with its quotes */
    struct blob_info info;
    char said[REMOTE_SAID_MAX]; /* the beginning of what a refusal said */
};

struct remote;

/* One try: its URL, the headers it needs beyond those that all have, and what its line has to know of it. */
struct remote_try {
    const struct curl *lib;
    CURL *easy;
    struct curl_slist *headers;
    char url[REMOTE_URL_MAX];
};

struct remote_kind {
    int (*prepare)(struct remote *remote, const struct remote_ask *ask, struct remote_try *to);
    void (*header)(struct remote_ask *ask,
                   const char *line); /* of the answer; those known to all are taken already */
    void (*unanswered)(struct remote *remote, const char *why); /* a try broke off; NULL: nobody wants to know */
    int (*answered)(struct remote *remote, const struct remote_ask *ask); /* ERR_AGAIN: another try may help */
};

struct remote_options {
    unsigned connect_ms;  /* for a connection */
    unsigned quiet_s;     /* without a byte: the try is over */
    unsigned patience_ms; /* tries begin as long as this has not passed */
    unsigned rest_ms; /* after all tries failed: so long none begins, and ERR_UNAVAILABLE is the answer at once */
    size_t ahead;     /* bytes read ahead at most, on each line */
    unsigned lines;   /* 1 .. REMOTE_LINES_MAX */
    const atomic_bool *cancel; /* NULL: never */
};

struct remote_line;

/* The first member of a backend's own, as struct blobs is of this. */
struct remote {
    struct blobs base;
    const struct remote_kind *kind;
    const struct curl *lib;
    struct remote_options how;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct remote_line *lines[REMOTE_LINES_MAX];
    unsigned lines_n;
    _Atomic uint64_t read, put;
    _Atomic int64_t rests_until; /* monotonic */
};

/* ERR_UNSUPPORTED: this host has no libcurl. */
int remote_open(struct remote *remote, const struct blob_backend *backend, const struct remote_kind *kind,
                const struct remote_options *how);
void remote_close(struct remote *remote);

int remote_do(struct remote *remote, struct remote_ask *ask);
/* As backend.h's read, by GETs of ranges. */
int remote_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got);
/* What was read of the name is not what lies there now. */
void remote_forget(struct remote *remote, const char *name);
struct blobs_traffic remote_traffic(struct blobs *blobs);

void remote_header(struct remote_try *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "Name: value" of an answer; NULL: another header. */
const char *remote_value(const char *line, const char *name);
/* 64 hex digits. */
bool remote_hash(const char *hex, uint8_t ret[static BLOB_HASH_SIZE]);
bool remote_url_valid(const char *url, size_t most); /* http:// or https://, a host, no query */

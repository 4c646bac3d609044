/* exchange - one HTTP request and its answer.
 *
 * Whoever serves it answers exactly once: exchange_send for a body in memory, exchange_begin and
 * exchange_write for one that streams, exchange_problem for a refusal. Security headers, request id and trace
 * context are added here, so that no answer goes without. A body that was not read to its end closes the
 * connection. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <civetweb.h>

#include "gen/auth.h"
#include "gen/common.h"
#include "schemas/wire/arena.h"
#include "schemas/wire/buf.h"
#include "web/front/front.h"
#include "web/front/http/gate.h"
#include "web/front/http/trace.h"

enum { EXCHANGE_PIECE = 64 * 1024 }; /* read from a client, or written to it, at a time */

/* Who asks. */
struct identity {
    bool known;
    bool cookie; /* by a session cookie, which a browser sends by itself */
    struct id user, session;
    enum role role;
    int64_t expires_ms; /* of the token */
    const char *token;  /* access token, in the arena */
};

struct exchange {
    struct front *front;
    struct mg_connection *conn;
    const struct mg_request_info *request;
    struct gate_facts facts;
    const char *method; /* the request's, or what X-HTTP-Method-Override makes of it */
    struct arena *arena;
    struct trace trace;
    char request_id[ID_TEXT_SIZE];
    char client[64]; /* address of the client, as far as we believe it */
    bool by_edge;    /* a proxy brings it that knows front.edge_secret */
    struct identity who;

    int64_t began_ms; /* monotonic */
    uint64_t left;    /* of the body, unread */
    bool asked_for;   /* 100 Continue was sent, or nobody waits for it */
    bool broken;      /* the client is gone */
    bool hurried;     /* close when done */

    /* of the answer */
    struct buf headers; /* more of them, each ending in CRLF */
    struct buf unsent;  /* its head, until the first bytes of the body go out with it */
    const char *cache;  /* Cache-Control; NULL: no-store */
    bool is_media;      /* fetched by players of other origins: other security headers */
    int status;         /* 0: not answered yet */
    uint64_t sent;
    uint64_t handed;               /* bytes of a file that a proxy sends in our place */
    const struct problem *trouble; /* what an actor said of an error, in the arena; NULL: nothing */
    const char *asked;             /* the call made last: "catalog.get_video"; NULL: none left this process */
    const char *what;              /* for the log: the call or the handler */
    int err;                       /* for the log */
};

/* Adds a header to the answer. Values are ours, or checked: no CR or LF ever. */
void exchange_header(struct exchange *x, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void exchange_send(struct exchange *x, int status, const char *type, struct bytes body);
void exchange_empty(struct exchange *x, int status);
/* The head of an answer whose body follows. length UINT64_MAX: until the connection closes. HEAD: nothing may
 * follow. */
void exchange_begin(struct exchange *x, int status, const char *type, uint64_t length);
/* 0, or ERR_INTERRUPTED: the client is gone. */
int exchange_write(struct exchange *x, const void *data, size_t len);
/* The head goes out with the first bytes of the body, or when the request has been served; or now. */
void exchange_flush(struct exchange *x);

/* The path as it is shown: what stands in it of a media or blob address is no right to it. */
const char *exchange_path(struct exchange *x);

/* A refusal. Answers err. */
int exchange_problem(struct exchange *x, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
int exchange_problem_field(struct exchange *x, int err, const char *field, const char *sentence);
/* by: the actor that refused; NULL: the front itself. */
int exchange_problem_body(struct exchange *x, int err, const char *by, const struct problem *body);

/* The next bytes of the body: *ret_n 0 at its end. ERR_INTERRUPTED: the client is gone or silent. */
int exchange_read(struct exchange *x, void *to, size_t room, size_t *ret_n);
/* The rest of it, piece by piece, until each answers an error. ERR_INTERRUPTED when the front is to end, too. */
typedef int exchange_piece(void *ctx, const void *data, size_t len);
int exchange_each(struct exchange *x, exchange_piece *each, void *ctx);
/* All of it, NUL-terminated, in the arena. ERR_TOO_LARGE, ERR_INTERRUPTED; nothing is answered yet. */
int exchange_body(struct exchange *x, size_t max, struct bytes *ret);

/* A parameter of the query, decoded, in the arena. NULL: absent, or not UTF-8. */
const char *exchange_query(struct exchange *x, const char *name);

bool exchange_is(const struct exchange *x, const char *method);
bool exchange_reads(const struct exchange *x); /* GET or HEAD */
/* Whether the header's type is this one, whatever parameters follow. */
bool exchange_type_is(const struct exchange *x, const char *type);

/* get - one GET of a file that a stranger's URL names, by libcurl. It blocks, and belongs on a thread of its own.
 *
 * http and https alone, by no proxy, without cookies or names and passwords; each connection that is to be made, of the URL
 * and of every redirect, is judged by its address (guard.h) after names were resolved and before anything is sent. The
 * answer's header is read by answer.h. A server that sends too little in its time ends it.
 *
 * Trusts     nothing that the server says; whoever calls says what the answer means */
#pragma once

#include <stdatomic.h>

#include "actors/fetcher/answer.h"
#include "actors/fetcher/guard.h"

enum get_end {
    GET_DONE,      /* all of the answer, as far as its header tells */
    GET_STOPPED,   /* by a callback */
    GET_BROKEN,    /* the connection, on the way */
    GET_UNREACHED, /* no connection */
    GET_SLOW,
    GET_LATE, /* `until` has passed */
    GET_CANCELLED,
    GET_REFUSED, /* it will not work next time either */
};

enum { GET_REASON = 200, GET_ADDRESS = 120 };

struct get {
    const char *url;
    const char *validator; /* If-Range, with `from`; NULL: the whole file is asked for */
    uint64_t from;
    const struct guard *guard;
    const char *ca_file; /* PEM, of those who vouch for servers; "": whom this host believes */
    unsigned connect_s, redirects, slow_s;
    uint64_t slow_bytes; /* a second, over slow_s; 0: any */
    int64_t until_ms;    /* UTC */
    const atomic_bool *cancel;
    /* Once, when the header of the last answer is whole; then the bytes; and every second or so, also when none come. What is
     * not 0 stops it. They may take their time. */
    int (*began)(void *ctx, const struct answer *answer);
    int (*piece)(void *ctx, const void *data, size_t len);
    int (*moment)(void *ctx);
    void *ctx;

    struct answer answer;
    unsigned denied;             /* connections that were not made */
    char denied_at[GET_ADDRESS]; /* the last of them: its address and what that is, for operators */
    char reason[GET_REASON];

    /* its own */
    enum get_end end;
    bool has_begun;
    int64_t away_ms, window_at_ms; /* spent in callbacks; where the present slow_s began */
    int64_t window_from;
};

/* get->reason says why, unless it is GET_DONE or GET_STOPPED. */
enum get_end get_run(struct get *get);

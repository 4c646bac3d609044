/* sessions - access tokens of web sessions, exchanged at auth a moment ago.
 *
 * A cookie is looked up by its keyed hash. An entry lives SESSIONS_MS at most; one revocation of anybody
 * drops them all, as asking auth again costs less than finding out whom it was about. The cookie itself is
 * not kept. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gen/auth.h"

enum { SESSIONS_MS = 5000, SESSIONS_KEPT = 512 };

struct sessions;

struct session_seen {
    char token[2049]; /* access token */
    struct id user;
    enum role role;
    int64_t expires_ms; /* of the token */
};

struct sessions *sessions_new(void);
void sessions_free(struct sessions **sessions);

bool sessions_find(struct sessions *sessions, const char *cookie, int64_t monotonic_ms, struct session_seen *ret);
/* generation: what it was before auth was asked. An answer that a revocation overtook is not kept. */
void sessions_keep(struct sessions *sessions, const char *cookie, uint64_t generation, int64_t monotonic_ms,
                   const struct session_seen *seen);
/* Whose cookie it is, as far as it was exchanged here and its place not taken since, however long ago: enough to count by,
 * never to let in. */
bool sessions_whose(struct sessions *sessions, const char *cookie, struct id *ret_user);
uint64_t sessions_generation(struct sessions *sessions);
void sessions_drop_all(struct sessions *sessions);

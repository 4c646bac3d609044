/* keyring - what tokens are verified with here, as auth and playback publish it: their keys, and who was
 * revoked.
 *
 * The bus thread feeds it (keyring_value), worker threads ask. Before keys are known nothing verifies; that
 * is said as such, so that nobody takes a good token for a bad one and throws it away. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "actors/runtime/blob_right/blob_right.h"
#include "actors/runtime/media_token/media_token.h"
#include "actors/runtime/token/token.h"
#include "schemas/wire/buf.h"
#include "schemas/wire/bytes.h"

enum {
    KEYRING_KEYS = 8,
    KEYRING_REVOKED = 1024,  /* remembered at a time; above it the oldest make room: tokens live ten minutes */
    KEYRING_DENIED = 262144, /* videos whose URLs are taken back, at most; more are passed over and logged */
};

struct keyring;

struct keyring *keyring_new(void);
void keyring_free(struct keyring **keyring);

/* auth.keys, auth.revoked, playback.media_keys, playback.media_denied, catalog.blob_keys; others are passed over. True: somebody was revoked. */
bool keyring_value(struct keyring *keyring, const char *name, const char *key, struct bytes body);

/* 0 and the claims; ERR_UNAUTHENTICATED: not a token of this moment, or revoked; ERR_UNAVAILABLE: no keys
 * yet. */
int keyring_verify(struct keyring *keyring, const char *token, int64_t now_ms, struct token_claims *ret);
/* Whether these claims were revoked since. */
bool keyring_revoked(struct keyring *keyring, const struct token_claims *claims);

/* Whether a media token is good for this version of this video now, and was not taken back: 0 and what it grants,
 * ERR_FORBIDDEN, or ERR_UNAVAILABLE: no keys yet. */
int keyring_media(struct keyring *keyring, const char *token, struct id video, uint64_t version, int64_t now_ms,
                  struct media_grant *ret);

/* Whether a right (actors/runtime/blob_right) is good now to do this with an object: 0, ERR_FORBIDDEN, ERR_NOT_FOUND: no
 * right could look so, or ERR_UNAVAILABLE: no keys yet. */
int keyring_blob(struct keyring *keyring, const char *right, enum blob_right_may may, const char *name,
                 int64_t now_ms);

/* What media tokens are checked with, for an edge that does so by itself:
 * {"keys":[{"kid":N,"key":HEX}],"open":[VIDEO...],"all":[VIDEO...],"closed":[...],"limited":[...]}, the members of an object without its braces.
 * ERR_UNAVAILABLE: no keys yet. */
int keyring_rights(struct keyring *keyring, struct buf *out);

/* Whether keys of both kinds are known. */
bool keyring_complete(struct keyring *keyring);

/* token - access tokens: made by auth, verified by every owner of data without asking anybody.
 *
 * A JWT (RFC 7519, profile RFC 9068) signed with Ed25519. The algorithm is a property of the key, so that a token cannot
 * choose it: the header must be, byte for byte, {"alg":"EdDSA","typ":"at+jwt","kid":"KID"} for a key we hold. The
 * payload is trusted only after the signature, and must have the form that token_sign gives it.
 * Pure: no clock, no state; thread-safe. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "schemas/wire/id.h"

enum {
    TOKEN_KID_SIZE = 9,    /* 8 hexadecimal characters and a NUL */
    TOKEN_TEXT_SIZE = 640, /* room for any token that token_sign makes, with its NUL */
    TOKEN_SKEW_MS = 60000, /* by which clocks of hosts may differ */
};

struct token_key {
    char kid[TOKEN_KID_SIZE];
    uint8_t public_key[32];
};

struct token_claims {
    struct id user, session;
    unsigned role;                 /* enum role of schemas/auth.toml */
    uint64_t epoch;                /* of the user: tokens of an earlier one are dead */
    int64_t issued_ms, expires_ms; /* UTC; kept to the second */
};

/* seed: the 32 bytes of the private key. ERR_TOO_LARGE when `to` is too small (it cannot be at TOKEN_TEXT_SIZE). */
int token_sign(const char *kid, const uint8_t seed[static 32], const struct token_claims *claims,
               char to[static TOKEN_TEXT_SIZE]);

/* ERR_UNAUTHENTICATED for everything that is not a token of one of these keys, of this moment. */
int token_verify(const struct token_key *keys, size_t keys_n, const char *token, int64_t now_ms,
                 struct token_claims *ret);

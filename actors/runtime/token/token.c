#include "actors/runtime/token/token.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

enum { HEADER_MOST = 80, PAYLOAD_MOST = 320, SIGNATURE = 64 };
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* Base64url of the one header that a token of this key can have. */
static void token_header(const char *kid, char to[static 2 * HEADER_MOST])
{
    char json[HEADER_MOST];
    int n = snprintf(json, sizeof(json), "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"%.8s\"}", kid);
    sodium_bin2base64(to, 2 * HEADER_MOST, (const unsigned char *)json, (size_t)n, BASE64);
}

int token_sign(const char *kid, const uint8_t seed[static 32], const struct token_claims *claims,
               char to[static TOKEN_TEXT_SIZE])
{
    char header[2 * HEADER_MOST], payload[PAYLOAD_MOST], user[ID_TEXT_SIZE], session[ID_TEXT_SIZE];
    unsigned char secret[64], public[32], signature[SIGNATURE];
    token_header(kid, header);
    int n = snprintf(
        payload, sizeof(payload),
        "{\"iss\":\"kinobus\",\"aud\":\"kinobus\",\"sub\":\"%s\",\"sid\":\"%s\",\"role\":%u,\"epo\":%llu,"
        "\"iat\":%lld,\"exp\":%lld}",
        id_format("user", claims->user, user), id_format("session", claims->session, session), claims->role,
        (unsigned long long)claims->epoch, (long long)(claims->issued_ms / 1000),
        (long long)(claims->expires_ms / 1000));
    if (n < 0 || (size_t)n >= sizeof(payload))
        return ERR_TOO_LARGE;
    size_t used = (size_t)snprintf(to, TOKEN_TEXT_SIZE, "%s.", header);
    sodium_bin2base64(to + used, TOKEN_TEXT_SIZE - used, (const unsigned char *)payload, (size_t)n, BASE64);
    used += strlen(to + used);
    crypto_sign_seed_keypair(public, secret, seed);
    crypto_sign_detached(signature, NULL, (const unsigned char *)to, used, secret);
    sodium_memzero(secret, sizeof(secret));
    to[used++] = '.';
    sodium_bin2base64(to + used, TOKEN_TEXT_SIZE - used, signature, sizeof(signature), BASE64);
    return 0;
}

static const struct token_key *token_key_of(const struct token_key *keys, size_t keys_n, const char *token,
                                            size_t len)
{
    char header[2 * HEADER_MOST];
    for (size_t i = 0; i < keys_n; i++) {
        token_header(keys[i].kid, header);
        if (strlen(header) == len && memcmp(header, token, len) == 0)
            return &keys[i];
    }
    return NULL;
}

/* Steps over `word` where it stands; false when something else stands there. */
static bool token_word(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool token_number(const char **at, int64_t *ret)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *ret = strtoll(*at, &end, 10);
    *at = end;
    return true;
}

static bool token_id(const char **at, const char *prefix, struct id *ret)
{
    char text[ID_TEXT_SIZE];
    const char *end = strchr(*at, '"');
    if (!end || (size_t)(end - *at) >= sizeof(text))
        return false;
    memcpy(text, *at, (size_t)(end - *at));
    text[end - *at] = '\0';
    *at = end;
    return id_parse(prefix, text, ret) == 0;
}

/* The payload in the one form that token_sign writes. */
static bool token_read(const char *payload, struct token_claims *ret)
{
    const char *at = payload;
    int64_t role, epoch, issued, expires;
    bool fine = token_word(&at, "{\"iss\":\"kinobus\",\"aud\":\"kinobus\",\"sub\":\"") &&
                token_id(&at, "user", &ret->user) && token_word(&at, "\",\"sid\":\"") &&
                token_id(&at, "session", &ret->session) && token_word(&at, "\",\"role\":") &&
                token_number(&at, &role) && token_word(&at, ",\"epo\":") && token_number(&at, &epoch) &&
                token_word(&at, ",\"iat\":") && token_number(&at, &issued) && token_word(&at, ",\"exp\":") &&
                token_number(&at, &expires) && token_word(&at, "}") && !*at;
    if (!fine || expires > INT64_MAX / 1000)
        return false;
    ret->role = (unsigned)role;
    ret->epoch = (uint64_t)epoch;
    ret->issued_ms = issued * 1000;
    ret->expires_ms = expires * 1000;
    return true;
}

int token_verify(const struct token_key *keys, size_t keys_n, const char *token, int64_t now_ms,
                 struct token_claims *ret)
{
    unsigned char signature[SIGNATURE];
    char payload[PAYLOAD_MOST];
    size_t len = strnlen(token, TOKEN_TEXT_SIZE), got = 0;
    const char *first = memchr(token, '.', len), *last = first ? strchr(first + 1, '.') : NULL;
    if (len == TOKEN_TEXT_SIZE || !last)
        return ERR_UNAUTHENTICATED;
    const struct token_key *key = token_key_of(keys, keys_n, token, (size_t)(first - token));
    if (!key)
        return ERR_UNAUTHENTICATED;
    if (sodium_base642bin(signature, sizeof(signature), last + 1, len - (size_t)(last + 1 - token), NULL, &got,
                          NULL, BASE64) != 0 ||
        got != sizeof(signature) ||
        crypto_sign_verify_detached(signature, (const unsigned char *)token, (size_t)(last - token),
                                    key->public_key) != 0)
        return ERR_UNAUTHENTICATED;
    if (sodium_base642bin((unsigned char *)payload, sizeof(payload) - 1, first + 1, (size_t)(last - first - 1),
                          NULL, &got, NULL, BASE64) != 0)
        return ERR_UNAUTHENTICATED;
    payload[got] = '\0';
    struct token_claims claims;
    if (!token_read(payload, &claims) || now_ms >= claims.expires_ms + TOKEN_SKEW_MS ||
        now_ms < claims.issued_ms - TOKEN_SKEW_MS)
        return ERR_UNAUTHENTICATED;
    *ret = claims;
    return 0;
}

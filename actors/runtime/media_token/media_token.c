/* media_token - see media_token.h */
#include "actors/runtime/media_token/media_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#define MEDIA_TOKEN_MAC_SIZE 43

static bool media_token_policy_ok(const char *policy)
{
    size_t len = strlen(policy);

    return len >= 1 && len <= MEDIA_TOKEN_CLASS_MAX &&
           strspn(policy, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
}

bool media_token_mint(const struct media_grant *grant, const uint8_t key[static MEDIA_TOKEN_KEY_SIZE],
                      char to[static MEDIA_TOKEN_SIZE])
{
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    char text[256], video[ID_TEXT_SIZE];
    int n;

    if (!media_token_policy_ok(grant->policy))
        return false;
    n = snprintf(text, sizeof(text), "kinobus media 1\n%" PRIu64 "\n%s\n%" PRId64 "\n%s\n%" PRIu64 "\n",
                 grant->kid, grant->policy, grant->expires_s, id_format("video", grant->video, video),
                 grant->version);
    crypto_auth_hmacsha256(mac, (const unsigned char *)text, (size_t)n, key);
    n = snprintf(to, MEDIA_TOKEN_SIZE, "1.%" PRIu64 ".%s.%" PRId64 ".", grant->kid, grant->policy,
                 grant->expires_s);
    sodium_bin2base64(to + n, MEDIA_TOKEN_SIZE - (size_t)n, mac, sizeof(mac),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

/* At most 12 digits without a zero in front, and a dot behind them. */
static bool media_token_number(const char **p, uint64_t *ret)
{
    size_t len = strspn(*p, "0123456789");

    if (len < 1 || len > 12 || (len > 1 && **p == '0') || (*p)[len] != '.')
        return false;
    *ret = 0;
    for (; **p != '.'; (*p)++)
        *ret = *ret * 10 + (uint64_t)(**p - '0');
    (*p)++;
    return true;
}

bool media_token_read(const char *token, struct media_grant *ret)
{
    const char *p = token + 2;
    uint64_t expires;
    size_t len;

    *ret = (struct media_grant) { .expires_s = 0 };
    if (strncmp(token, "1.", 2) != 0 || !media_token_number(&p, &ret->kid))
        return false;
    len = strcspn(p, ".");
    if (p[len] != '.' || len > MEDIA_TOKEN_CLASS_MAX)
        return false;
    memcpy(ret->policy, p, len);
    p += len + 1;
    if (!media_token_policy_ok(ret->policy) || !media_token_number(&p, &expires))
        return false;
    ret->expires_s = (int64_t)expires;
    return strlen(p) == MEDIA_TOKEN_MAC_SIZE;
}

bool media_token_verify(const char *token, const struct media_grant *grant,
                        const uint8_t key[static MEDIA_TOKEN_KEY_SIZE])
{
    char want[MEDIA_TOKEN_SIZE];
    size_t len;

    if (!media_token_mint(grant, key, want))
        return false;
    len = strlen(want);
    return strlen(token) == len && sodium_memcmp(token, want, len) == 0;
}

int64_t media_token_expiry(int64_t now_ms, unsigned hours)
{
    int64_t end = now_ms / 1000 + (int64_t)hours * 3600;

    return (end + 3599) / 3600 * 3600;
}

bool media_token_is_file(const struct media_grant *grant)
{
    size_t len = strlen(grant->policy), end = strlen(MEDIA_TOKEN_FILE);

    return len >= end && strcmp(grant->policy + len - end, MEDIA_TOKEN_FILE) == 0;
}

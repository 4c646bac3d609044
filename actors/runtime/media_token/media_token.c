/* media_token - see media_token.h */
#include "actors/runtime/media_token/media_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/runtime/sealed/sealed.h"

static bool media_token_policy_ok(const char *policy)
{
    size_t len = strlen(policy);

    return len >= 1 && len <= MEDIA_TOKEN_CLASS_MAX &&
           strspn(policy, "abcdefghijklmnopqrstuvwxyz0123456789") == len;
}

bool media_token_mint(const struct media_grant *grant, const uint8_t key[static MEDIA_TOKEN_KEY_SIZE],
                      char to[static MEDIA_TOKEN_SIZE])
{
    char text[256], video[ID_TEXT_SIZE];
    int n, used;

    if (!media_token_policy_ok(grant->policy))
        return false;
    n = snprintf(text, sizeof(text), "kinobus media 1\n%" PRIu64 "\n%s\n%" PRId64 "\n%s\n%" PRIu64 "\n",
                 grant->kid, grant->policy, grant->expires_s, id_format("video", grant->video, video),
                 grant->version);
    used = snprintf(to, MEDIA_TOKEN_SIZE, "1.%" PRIu64 ".%s.%" PRId64 ".", grant->kid, grant->policy,
                    grant->expires_s);
    sealed_put_mac(text, (size_t)n, key, to, (size_t)used);
    return true;
}

bool media_token_read(const char *token, struct media_grant *ret)
{
    const char *p = token + 2;
    uint64_t expires;
    size_t len;

    *ret = (struct media_grant) { .expires_s = 0 };
    if (strncmp(token, "1.", 2) != 0 || !sealed_number(&p, &ret->kid))
        return false;
    len = strcspn(p, ".");
    if (p[len] != '.' || len > MEDIA_TOKEN_CLASS_MAX)
        return false;
    memcpy(ret->policy, p, len);
    p += len + 1;
    if (!media_token_policy_ok(ret->policy) || !sealed_number(&p, &expires))
        return false;
    ret->expires_s = (int64_t)expires;
    return strlen(p) == SEALED_MAC_SIZE;
}

bool media_token_verify(const char *token, const struct media_grant *grant,
                        const uint8_t key[static MEDIA_TOKEN_KEY_SIZE])
{
    char want[MEDIA_TOKEN_SIZE];

    return media_token_mint(grant, key, want) && sealed_equal(token, want);
}

int64_t media_token_expiry(int64_t now_ms, unsigned hours)
{
    int64_t end = now_ms / 1000 + (int64_t)hours * 3600;

    return (end + 3599) / 3600 * 3600;
}

static bool media_token_ends(const struct media_grant *grant, const char *ending)
{
    size_t len = strlen(grant->policy), end = strlen(ending);

    return len >= end && strcmp(grant->policy + len - end, ending) == 0;
}

bool media_token_is_file(const struct media_grant *grant)
{
    return media_token_ends(grant, MEDIA_TOKEN_FILE);
}

bool media_token_is_pictures(const struct media_grant *grant)
{
    return media_token_ends(grant, MEDIA_TOKEN_PICTURES);
}

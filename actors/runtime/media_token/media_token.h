/* media_token - the right to fetch one version of one video's media, in a word of its URL's path.
 *
 *     /media/{token}/{video}/{version}/...        token = 1.{kid}.{class}.{expires}.{mac}
 *     mac = HMAC-SHA256(key kid, "kinobus media 1\n{kid}\n{class}\n{expires}\n{video}\n{version}\n"),
 *     base64url, no padding
 *
 * kid names the key in the value playback.media_keys; class is the policy that the right was given under
 * (a-z, 0-9, at most 16): open (everybody may watch it), some (not everybody: regions, an age) or owner; with `file` behind it
 * where whole files may be had, too, and `img` where pictures alone may be had (img/...). expires is in seconds since 1970,
 * rounded up to the hour so that viewers share caches, unless the video may not be watched that long; video and version stand as
 * they do in the path. All of it is text, so that an edge (nginx njs, a CDN's worker) can check it as well. playback mints, the
 * front checks, without a call. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/runtime/sealed/sealed.h"
#include "schemas/wire/id.h"

#define MEDIA_TOKEN_SIZE      120
#define MEDIA_TOKEN_CLASS_MAX 16
#define MEDIA_TOKEN_KEY_SIZE  SEALED_KEY_SIZE

struct media_grant {
    uint64_t kid;
    char policy[MEDIA_TOKEN_CLASS_MAX + 1];
    int64_t expires_s;
    struct id video;
    uint64_t version;
};

/* False: the policy's name is not one. */
bool media_token_mint(const struct media_grant *grant, const uint8_t key[static MEDIA_TOKEN_KEY_SIZE],
                      char to[static MEDIA_TOKEN_SIZE]);

/* Whether a right was given under a class that ends so: files to be kept. */
#define MEDIA_TOKEN_FILE "file"
bool media_token_is_file(const struct media_grant *grant);
/* Or under one that is for pictures alone. */
#define MEDIA_TOKEN_PICTURES "img"
bool media_token_is_pictures(const struct media_grant *grant);

/* The fields that the token itself holds, nothing checked yet: kid, policy and expires_s. False: not a token.
 * */
bool media_token_read(const char *token, struct media_grant *ret);

/* Whether this key made this token for grant->video and grant->version. The caller looks at expires_s. */
bool media_token_verify(const char *token, const struct media_grant *grant,
                        const uint8_t key[static MEDIA_TOKEN_KEY_SIZE]);

/* The moment that a right given now for so many hours ends: rounded up to the hour. */
int64_t media_token_expiry(int64_t now_ms, unsigned hours);

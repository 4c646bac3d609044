/* keyring - see keyring.h */
#include "web/front/keyring.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "actors/runtime/log.h"
#include "actors/runtime/media_token/media_token.h"
#include "gen/auth.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "gen/playback.h"

#define KEYRING_MAC_KEY 32 /* bytes of a key of either kind, as the schemas say */

_Static_assert(KEYRING_MAC_KEY == MEDIA_TOKEN_KEY_SIZE, "a key of media addresses");
_Static_assert(KEYRING_MAC_KEY == BLOB_RIGHT_KEY_SIZE, "a key of rights to blobs");

struct keyring_mac_key {
    uint64_t kid;
    uint8_t key[KEYRING_MAC_KEY];
};

struct keyring_mac_keys {
    struct keyring_mac_key keys[KEYRING_KEYS];
    size_t n;
};

struct keyring_denied {
    struct id video;
    enum media_refused refused;
};

struct keyring {
    pthread_rwlock_t lock;
    struct token_key keys[KEYRING_KEYS];
    size_t keys_n;
    struct keyring_mac_keys media, blob;
    struct revoked revoked[KEYRING_REVOKED]; /* a ring */
    size_t revoked_n, revoked_next;
    struct keyring_denied *denied; /* in order of the ids */
    size_t denied_n, denied_room;
};

struct keyring *keyring_new(void)
{
    struct keyring *k = calloc(1, sizeof(*k));

    if (!k)
        abort();
    pthread_rwlock_init(&k->lock, NULL);
    return k;
}

void keyring_free(struct keyring **keyring)
{
    if (!*keyring)
        return;
    pthread_rwlock_destroy(&(*keyring)->lock);
    free((*keyring)->denied);
    free(*keyring);
    *keyring = NULL;
}

/* ---- fed by the bus thread */

static void keyring_set_keys(struct keyring *k, struct bytes body, struct arena *arena)
{
    struct keys set = { 0 };

    if (keys_unpack(body, arena, &set, NULL) < 0)
        return;
    pthread_rwlock_wrlock(&k->lock);
    k->keys_n = 0;
    for (size_t i = 0; i < set.keys_n && k->keys_n < KEYRING_KEYS; i++) {
        struct token_key *key = &k->keys[k->keys_n];

        if (strlen(set.keys[i].kid) >= sizeof(key->kid) || set.keys[i].public_key.len != sizeof(key->public_key))
            continue;
        strcpy(key->kid, set.keys[i].kid);
        memcpy(key->public_key, set.keys[i].public_key.data, sizeof(key->public_key));
        k->keys_n++;
    }
    pthread_rwlock_unlock(&k->lock);
}

/* Under the lock. The schemas say how long a key is. */
static void keyring_add(struct keyring_mac_keys *keys, uint64_t kid, struct bytes key)
{
    if (keys->n == KEYRING_KEYS || key.len != KEYRING_MAC_KEY)
        return;
    keys->keys[keys->n].kid = kid;
    memcpy(keys->keys[keys->n++].key, key.data, KEYRING_MAC_KEY);
}

static void keyring_set_media(struct keyring *k, struct bytes body, struct arena *arena)
{
    struct media_keys set = { 0 };

    if (media_keys_unpack(body, arena, &set, NULL) < 0)
        return;
    pthread_rwlock_wrlock(&k->lock);
    k->media.n = 0;
    for (size_t i = 0; i < set.keys_n; i++)
        keyring_add(&k->media, set.keys[i].kid, set.keys[i].key);
    pthread_rwlock_unlock(&k->lock);
}

static void keyring_set_blob(struct keyring *k, struct bytes body, struct arena *arena)
{
    struct blob_keys set = { 0 };

    if (blob_keys_unpack(body, arena, &set, NULL) < 0)
        return;
    pthread_rwlock_wrlock(&k->lock);
    k->blob.n = 0;
    for (size_t i = 0; i < set.keys_n; i++)
        keyring_add(&k->blob, set.keys[i].kid, set.keys[i].key);
    pthread_rwlock_unlock(&k->lock);
}

static bool keyring_revoke(struct keyring *k, struct bytes body, struct arena *arena)
{
    struct revoked one = { 0 };

    if (revoked_unpack(body, arena, &one, NULL) < 0)
        return false;
    pthread_rwlock_wrlock(&k->lock);
    k->revoked[k->revoked_next] = one;
    k->revoked_next = (k->revoked_next + 1) % KEYRING_REVOKED;
    k->revoked_n += k->revoked_n < KEYRING_REVOKED;
    pthread_rwlock_unlock(&k->lock);
    return true;
}

/* Where the video is, or would be. */
static size_t keyring_denied_at(const struct keyring *k, struct id video)
{
    size_t low = 0, high = k->denied_n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(k->denied[mid].video.b, video.b, sizeof(video.b)) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static void keyring_deny(struct keyring *k, struct id video, enum media_refused refused)
{
    size_t at = keyring_denied_at(k, video);
    bool there = at < k->denied_n && id_equal(k->denied[at].video, video);

    if (refused <= MEDIA_REFUSED_NONE) {
        if (there)
            memmove(k->denied + at, k->denied + at + 1, (--k->denied_n - at) * sizeof(*k->denied));
        return;
    }
    if (!there && k->denied_n == KEYRING_DENIED) {
        log_line(LOG_AT_ERROR, "denied", "error=too_large videos=%zu", k->denied_n);
        return;
    }
    if (!there && k->denied_n == k->denied_room) {
        k->denied_room = k->denied_room ? 2 * k->denied_room : 64;
        k->denied = realloc(k->denied, k->denied_room * sizeof(*k->denied));
        if (!k->denied)
            abort();
    }
    if (!there)
        memmove(k->denied + at + 1, k->denied + at, (k->denied_n++ - at) * sizeof(*k->denied));
    k->denied[at] = (struct keyring_denied) { video, refused };
}

/* The key names the video too: it is all there is when the value has ended. */
static void keyring_set_denied(struct keyring *k, const char *key, struct bytes body, struct arena *arena)
{
    struct media_denied one = { .refused = MEDIA_REFUSED_NONE };

    if (body.data ? media_denied_unpack(body, arena, &one, NULL) < 0 : id_parse("video", key, &one.video_id) < 0)
        return;
    pthread_rwlock_wrlock(&k->lock);
    keyring_deny(k, one.video_id, one.refused);
    pthread_rwlock_unlock(&k->lock);
}

bool keyring_value(struct keyring *keyring, const char *name, const char *key, struct bytes body)
{
    struct arena *arena = arena_new();
    bool revoked = false;

    if (strcmp(name, "auth.revoked") == 0)
        revoked = body.data && keyring_revoke(keyring, body, arena);
    else if (strcmp(name, "auth.keys") == 0 && body.data)
        keyring_set_keys(keyring, body, arena);
    else if (strcmp(name, "playback.media_keys") == 0 && body.data)
        keyring_set_media(keyring, body, arena);
    else if (strcmp(name, "catalog.blob_keys") == 0 && body.data)
        keyring_set_blob(keyring, body, arena);
    else if (strcmp(name, "playback.media_denied") == 0)
        keyring_set_denied(keyring, key, body, arena);
    arena_free(&arena);
    return revoked;
}

/* ---- asked by worker threads */

/* Under the lock. */
static bool keyring_is_revoked(const struct keyring *k, const struct token_claims *claims)
{
    for (size_t i = 0; i < k->revoked_n; i++) {
        const struct revoked *r = &k->revoked[i];

        if (!id_is_zero(r->session_id) && id_equal(r->session_id, claims->session))
            return true;
        if (!id_is_zero(r->user_id) && id_is_zero(r->session_id) && id_equal(r->user_id, claims->user) &&
            claims->epoch < r->epoch)
            return true;
    }
    return false;
}

bool keyring_revoked(struct keyring *keyring, const struct token_claims *claims)
{
    bool revoked;

    pthread_rwlock_rdlock(&keyring->lock);
    revoked = keyring_is_revoked(keyring, claims);
    pthread_rwlock_unlock(&keyring->lock);
    return revoked;
}

int keyring_verify(struct keyring *keyring, const char *token, int64_t now_ms, struct token_claims *ret)
{
    int r;

    pthread_rwlock_rdlock(&keyring->lock);
    r = keyring->keys_n == 0 ? ERR_UNAVAILABLE : token_verify(keyring->keys, keyring->keys_n, token, now_ms, ret);
    if (r == 0 && keyring_is_revoked(keyring, ret))
        r = ERR_UNAUTHENTICATED;
    pthread_rwlock_unlock(&keyring->lock);
    return r;
}

/* Under the lock. */
static bool keyring_takes(const struct keyring *k, const struct media_grant *grant)
{
    size_t at = keyring_denied_at(k, grant->video);
    bool open, some;

    if (at == k->denied_n || !id_equal(k->denied[at].video, grant->video))
        return true;
    open = strncmp(grant->policy, "open", 4) == 0;
    some = strncmp(grant->policy, "some", 4) == 0;
    switch (k->denied[at].refused) {
    case MEDIA_REFUSED_LIMITED: return !open || media_token_is_pictures(grant);
    case MEDIA_REFUSED_CLOSED: return (!open && !some) || media_token_is_pictures(grant);
    case MEDIA_REFUSED_OPEN: return !open && !some;
    default: return false;
    }
}

int keyring_media(struct keyring *keyring, const char *token, struct id video, uint64_t version, int64_t now_ms,
                  struct media_grant *ret)
{
    int r = ERR_FORBIDDEN;

    if (!media_token_read(token, ret) || ret->expires_s * 1000 <= now_ms)
        return ERR_FORBIDDEN;
    ret->video = video;
    ret->version = version;
    pthread_rwlock_rdlock(&keyring->lock);
    if (keyring->media.n == 0)
        r = ERR_UNAVAILABLE;
    for (size_t i = 0; r == ERR_FORBIDDEN && i < keyring->media.n; i++)
        if (keyring->media.keys[i].kid == ret->kid && media_token_verify(token, ret, keyring->media.keys[i].key))
            r = 0;
    if (r == 0 && !keyring_takes(keyring, ret))
        r = ERR_FORBIDDEN;
    pthread_rwlock_unlock(&keyring->lock);
    return r;
}

int keyring_blob(struct keyring *keyring, const char *right, enum blob_right_may may, const char *name,
                 int64_t now_ms)
{
    struct blob_right claims;
    int r = ERR_FORBIDDEN;

    if (!blob_right_read(right, &claims))
        return ERR_NOT_FOUND;
    if (claims.may != may || claims.expires_s * 1000 <= now_ms)
        return ERR_FORBIDDEN;
    pthread_rwlock_rdlock(&keyring->lock);
    if (keyring->blob.n == 0)
        r = ERR_UNAVAILABLE;
    for (size_t i = 0; r == ERR_FORBIDDEN && i < keyring->blob.n; i++)
        if (keyring->blob.keys[i].kid == claims.kid && blob_right_verify(right, name, keyring->blob.keys[i].key))
            r = 0;
    pthread_rwlock_unlock(&keyring->lock);
    return r;
}

/* Under the lock. */
static void keyring_write_keys(const struct keyring *k, struct buf *out)
{
    char hex[2 * MEDIA_TOKEN_KEY_SIZE + 1];

    buf_put_text(out, "\"keys\":[");
    for (size_t i = 0; i < k->media.n; i++)
        buf_printf(out, "%s{\"kid\":%" PRIu64 ",\"key\":\"%s\"}", i ? "," : "", k->media.keys[i].kid,
                   sodium_bin2hex(hex, sizeof(hex), k->media.keys[i].key, KEYRING_MAC_KEY));
    buf_put_text(out, "]");
    sodium_memzero(hex, sizeof(hex));
}

/* Under the lock. */
static void keyring_write_denied(const struct keyring *k, const char *name, enum media_refused refused,
                                 struct buf *out)
{
    char video[ID_TEXT_SIZE];
    bool first = true;

    buf_printf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < k->denied_n; i++) {
        if (k->denied[i].refused != refused)
            continue;
        buf_printf(out, "%s\"%s\"", first ? "" : ",", id_format("video", k->denied[i].video, video));
        first = false;
    }
    buf_put_text(out, "]");
}

int keyring_rights(struct keyring *keyring, struct buf *out)
{
    bool known;

    pthread_rwlock_rdlock(&keyring->lock);
    known = keyring->media.n > 0;
    if (known) {
        keyring_write_keys(keyring, out);
        keyring_write_denied(keyring, "open", MEDIA_REFUSED_OPEN, out);
        keyring_write_denied(keyring, "all", MEDIA_REFUSED_ALL, out);
        keyring_write_denied(keyring, "closed", MEDIA_REFUSED_CLOSED, out);
        keyring_write_denied(keyring, "limited", MEDIA_REFUSED_LIMITED, out);
    }
    pthread_rwlock_unlock(&keyring->lock);
    return known ? 0 : ERR_UNAVAILABLE;
}

bool keyring_complete(struct keyring *keyring)
{
    bool complete;

    pthread_rwlock_rdlock(&keyring->lock);
    complete = keyring->keys_n > 0 && keyring->media.n > 0;
    pthread_rwlock_unlock(&keyring->lock);
    return complete;
}

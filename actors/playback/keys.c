/* keys - see keys.h */
#include "actors/playback/keys.h"

#include "actors/playback/denied.h"
#include "actors/runtime/media_token/media_token.h"
#include "data/store/table.h"
#include "gen/errors.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

enum { KEYS_PUBLISHED = 4 };

/* The newest first. */
static int keys_read(struct turn *t, size_t most, struct play_key *ret, size_t *ret_n)
{
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &play_key_table, TABLE_PRIMARY, NULL, 0, TABLE_DOWN,
                             (struct bytes) { 0 });

    *ret_n = 0;
    while (r == 0 && *ret_n < most && (r = table_walk_next(&walk, turn_arena(t), &ret[*ret_n])) > 0) {
        (*ret_n)++;
        r = 0;
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

static int keys_make(struct turn *t, uint64_t kid)
{
    uint8_t secret[MEDIA_TOKEN_KEY_SIZE];
    struct play_key key = { .kid = kid, .key = bytes_of(secret, sizeof(secret)), .created_at = turn_now(t) };

    turn_random(t, secret, sizeof(secret));
    turn_count(t, PLAYBACK_KEYS_MADE, 1);
    turn_log(t, "key", "kid=%llu", (unsigned long long)kid);
    return play_key_put(turn_txn(t), &key);
}

/* Deletes what lies behind the first key that was followed by another so long ago that none of its URLs is
 * open. */
static int keys_retire(struct turn *t, const struct play_key *keys, size_t n)
{
    int r = 0;

    for (size_t i = 1; r == 0 && i < n; i++)
        if (i >= KEYS_PUBLISHED || keys[i - 1].created_at + KEYS_OPEN_MS < turn_now(t))
            r = play_key_del(turn_txn(t), keys[i].kid);
    return r;
}

static int keys_publish(struct turn *t)
{
    struct play_key keys[KEYS_PUBLISHED];
    struct media_key list[KEYS_PUBLISHED];
    struct media_keys value = { .keys = list };
    int r = keys_read(t, KEYS_PUBLISHED, keys, &value.keys_n);

    for (size_t i = 0; i < value.keys_n; i++)
        list[i] = (struct media_key) { .kid = keys[i].kid, .key = keys[i].key };
    return r < 0 ? r : set_media_keys(t, NULL, &value);
}

static int keys_tick(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct playback *self = me;

    self->tending = 0;
    return keys_tend(self, t);
}

int keys_tend(struct playback *self, struct turn *t)
{
    const struct playback_settings *settings = turn_settings(t);
    struct play_key keys[KEYS_PUBLISHED + 1];
    size_t n;
    int r = keys_read(t, KEYS_PUBLISHED + 1, keys, &n);

    if (r == 0 && (n == 0 || keys[0].created_at + (int64_t)settings->media_key_days * DAY_MS <= turn_now(t)))
        r = keys_make(t, n ? keys[0].kid + 1 : 1);
    if (r == 0)
        r = keys_retire(t, keys, n);
    if (r == 0)
        r = keys_publish(t);
    if (r == 0)
        r = denied_tend(t);
    if (r < 0 || (self->tending && turn_now(t) < self->tending + PLAYBACK_OVERDUE_MS))
        return r;
    self->tending = turn_now(t) + KEYS_TEND_MS;
    return turn_after(t, KEYS_TEND_MS, keys_tick, NULL, 0);
}

static int64_t keys_expiry_s(struct turn *t, const struct keys_right *right)
{
    const struct playback_settings *settings = turn_settings(t);
    int64_t end = media_token_expiry(turn_now(t), (unsigned)settings->media_token_hours);

    return right->until && right->until / 1000 < end ? right->until / 1000 : end;
}

int64_t keys_path_ends(struct turn *t, const struct keys_right *right)
{
    return keys_expiry_s(t, right) * 1000;
}

int keys_path(struct turn *t, struct id video, uint64_t version, const struct keys_right *right, const char *leaf,
              const char **ret)
{
    struct media_grant grant = { .expires_s = keys_expiry_s(t, right), .video = video, .version = version };
    char token[MEDIA_TOKEN_SIZE], id[ID_TEXT_SIZE];
    struct play_key key;
    size_t n;
    int r = keys_read(t, 1, &key, &n);

    if (r < 0)
        return r;
    if (n == 0 || key.key.len != MEDIA_TOKEN_KEY_SIZE)
        return turn_fail(t, ERR_UNAVAILABLE, NULL, "there is no key for media URLs yet");
    grant.kid = key.kid;
    memccpy(grant.policy, right->policy, 0, sizeof(grant.policy));
    if (!media_token_mint(&grant, key.key.data, token))
        return ERR_INTERNAL;
    *ret = arena_printf(turn_arena(t), "/media/%s/%s/%llu/%s", token, id_format("video", video, id),
                        (unsigned long long)version, leaf);
    return 0;
}

/* Pictures may be seen by who may see the video, also while nobody may watch it. */
static const struct keys_right *keys_pictures(bool open)
{
    static const struct keys_right everybody = { .policy = "open" MEDIA_TOKEN_PICTURES };
    static const struct keys_right some = { .policy = "owner" MEDIA_TOKEN_PICTURES };

    return open ? &everybody : &some;
}

int keys_poster_path(struct turn *t, struct id video, uint64_t version, uint64_t poster, bool open, bool small,
                     const char **ret)
{
    const char *number = poster > 1 ? arena_printf(turn_arena(t), "-%llu", (unsigned long long)poster) : "";

    return keys_path(t, video, version, keys_pictures(open),
                     arena_printf(turn_arena(t), "img/poster%s%s.jpg", number, small ? "-640" : ""), ret);
}

int keys_storyboard_path(struct turn *t, struct id video, uint64_t version, bool open, const char **ret)
{
    return keys_path(t, video, version, keys_pictures(open), "img/storyboard.vtt", ret);
}

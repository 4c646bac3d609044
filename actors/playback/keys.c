/* keys - see keys.h */
#include "actors/playback/keys.h"

#include "actors/playback/denied.h"
#include "actors/runtime/media_token/media_token.h"
#include "actors/runtime/rotation/rotation.h"
#include "data/store/table.h"
#include "gen/errors.h"

ROTATION_FITS(play_key);

static int keys_publish(struct turn *t)
{
    const struct playback_settings *settings = turn_settings(t);
    const struct rotation how = { .table = &play_key_table,
                                  .every_ms = (int64_t)settings->media_key_days * ROTATION_DAY_MS,
                                  .good_ms = KEYS_OPEN_MS };
    struct rotation_key keys[ROTATION_KEYS];
    struct media_key list[ROTATION_KEYS];
    struct media_keys value = { .keys = list };
    int r = rotation_tend(t, &how, keys, &value.keys_n);

    if (r < 0)
        return r;
    turn_count(t, PLAYBACK_KEYS_MADE, (uint64_t)r);
    for (size_t i = 0; i < value.keys_n; i++)
        list[i] = (struct media_key) { .kid = keys[i].kid, .key = keys[i].key };
    return set_media_keys(t, NULL, &value);
}

static int keys_tick(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct playback *self = me;

    self->tending = 0;
    return keys_tend(self, t);
}

int keys_tend(struct playback *self, struct turn *t)
{
    int r = keys_publish(t);

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
    struct rotation_key key;
    size_t n;
    int r = rotation_keys(t, &play_key_table, 1, &key, &n);

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

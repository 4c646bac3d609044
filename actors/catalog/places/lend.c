/* lend - rights to the blobs for hosts that do not see the disk, and the keys that they are made with.
 *
 * Whoever has taken a job asks for what that job needs when it begins, so that a right need not outlive the wait in a queue:
 * the original may be read, and beneath the version's folder objects may be put that were not there, and read. The id of the
 * job is what proves that it was taken: only the broker and its worker know it. Keys are made here, kept, and published as
 * the value blob_keys for the fronts, which check rights without a call. */
#include "actors/catalog/places/lend.h"

#include "actors/runtime/blob_right/blob_right.h"
#include "actors/runtime/rotation/rotation.h"

#define LEND_OPEN_MS (31 * ROTATION_DAY_MS) /* the longest that a right may live, and a day */

enum { LEND_TEND_MS = 3600 * 1000, LEND_RIGHTS = 3 };

/* ---- keys */

ROTATION_FITS(blob_key_row);

int lend_tend(struct turn *t)
{
    const struct rotation how = { .table = &blob_key_row_table,
                                  .every_ms = (int64_t)catalog_settings_of(t)->blob_key_days * ROTATION_DAY_MS,
                                  .good_ms = LEND_OPEN_MS };
    struct rotation_key keys[ROTATION_KEYS];
    struct blob_key list[ROTATION_KEYS];
    struct blob_keys value = { .keys = list };
    int r = rotation_tend(t, &how, keys, &value.keys_n);

    if (r < 0)
        return r;
    for (size_t i = 0; i < value.keys_n; i++)
        list[i] = (struct blob_key) { .kid = keys[i].kid, .key = keys[i].key };
    return set_blob_keys(t, NULL, &value);
}

int lend_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    int r = lend_tend(t);

    return r < 0 ? r : turn_after(t, LEND_TEND_MS, lend_tick, NULL, 0);
}

/* ---- rights */

/* Whose job it is: its video and version. ERR_NOT_FOUND: its end will not be looked at (one that lies in the trash may be
 * restored, and goes on). */
static int lend_job(struct turn *t, struct id job, struct id *ret_video, uint64_t *ret_version)
{
    struct video_row video;
    struct run_row run;
    int r = table_find(turn_txn(t), &run_row_table, RUN_ROW_BY_JOB, &(struct run_row) { .job_id = job }, 1,
                       turn_arena(t), &run);

    if (r == 0) {
        *ret_video = run.video_id;
        *ret_version = run.version;
        r = video_row_get(turn_txn(t), turn_arena(t), run.video_id, &video);
    } else if (r == ERR_NOT_FOUND) {
        r = table_find(turn_txn(t), &video_row_table, VIDEO_ROW_BY_PROBE, &(struct video_row) { .probe_job = job },
                       1, turn_arena(t), &video);
        *ret_video = video.id;
        *ret_version = video.version;
    }
    return r == 0 && video.life == LIFE_STATE_DELETING ? ERR_NOT_FOUND : r;
}

static bool lend_one(struct turn *t, const struct rotation_key *key, enum lent_may may, const char *folder,
                     struct lent *ret)
{
    char text[BLOB_RIGHT_SIZE];
    struct blob_right right = { .kid = key->kid,
                                .may = may == LENT_MAY_READ ? BLOB_RIGHT_READ : BLOB_RIGHT_PUT_NEW,
                                .expires_s = turn_now(t) / 1000 + (int64_t)catalog_settings_of(t)->lend_s };

    if (key->key.len != BLOB_RIGHT_KEY_SIZE || !blob_right_mint(&right, folder, key->key.data, text))
        return false;
    *ret = (struct lent) { .folder = folder, .may = may, .right = arena_strdup(turn_arena(t), text) };
    return true;
}

int catalog_lend(struct catalog *self, struct turn *t, const struct lend *ask, struct lend_reply *reply)
{
    struct lent *lent = arena_alloc_n(turn_arena(t), LEND_RIGHTS, sizeof(*lent));
    const char *raw, *media;
    struct rotation_key key;
    char id[ID_TEXT_SIZE];
    struct id video;
    uint64_t version = 0;
    size_t n;
    int r = lend_job(t, ask->job_id, &video, &version);

    if (r == ERR_NOT_FOUND)
        return turn_fail(t, ERR_GONE, NULL, "no video waits for that job any more");
    if (r == 0)
        r = rotation_keys(t, &blob_key_row_table, 1, &key, &n);
    if (r < 0)
        return r;
    if (n == 0)
        return turn_fail(t, ERR_UNAVAILABLE, NULL, "there is no key for such rights yet");
    id_format("video", video, id);
    raw = arena_printf(turn_arena(t), "raw/%s/", id);
    media = arena_printf(turn_arena(t), "media/%s/%llu/", id, (unsigned long long)version);
    if (!lend_one(t, &key, LENT_MAY_READ, raw, &lent[0]) || !lend_one(t, &key, LENT_MAY_READ, media, &lent[1]) ||
        !lend_one(t, &key, LENT_MAY_PUT_NEW, media, &lent[2]))
        return ERR_INTERNAL;
    reply->lent = lent;
    reply->lent_n = LEND_RIGHTS;
    turn_count(t, CATALOG_RIGHTS_LENT, 1);
    return 0;
}

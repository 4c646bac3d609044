/* upload - tus uploads: where their bytes lie, how far they are, and when an original is whole.
 *
 * The front has no store: it writes the object and reports. What it reports carries the upload's own
 * capability. The object's durable frontier is the truth; a report that was lost is made up for when the
 * clock looks (sweep.c). */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "actors/catalog/step.h"
#include "schemas/wire/arena.h"

enum { UPLOAD_CAPABILITY = 32 };

/* ---- room */

/* Counts what an owner asks room for; bytes may be negative. ERR_QUOTA_EXCEEDED. */
int upload_charge(struct turn *t, struct id owner, int64_t bytes)
{
    uint64_t quota = catalog_settings_of(t)->quota_bytes;
    struct usage_row row;
    int r = usage_row_get(turn_txn(t), turn_arena(t), owner, &row);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == ERR_NOT_FOUND)
        row = (struct usage_row) { .owner_id = owner };
    if (bytes < 0)
        row.bytes -= (uint64_t)-bytes < row.bytes ? (uint64_t)-bytes : row.bytes;
    else
        row.bytes += (uint64_t)bytes;
    if (bytes > 0 && quota && row.bytes > quota)
        return turn_fail(t, ERR_QUOTA_EXCEEDED, "length", "your originals may take %llu bytes in all",
                         (unsigned long long)quota);
    return usage_row_put(turn_txn(t), &row);
}

/* What open uploads have been promised and have not used yet. */
static int upload_promised(struct turn *t, uint64_t *ret)
{
    struct table_walk walk;
    struct upload upload;
    uint64_t sum = 0;
    int r = table_walk_start(&walk, turn_txn(t), &upload_table, UPLOAD_BY_END, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &upload)) > 0) {
        sum += upload.has_length && upload.length > upload.offset ? upload.length - upload.offset : 0;
        r = 0;
    }
    table_walk_end(&walk);
    *ret = sum;
    return r;
}

static int upload_reserve(struct catalog *self, struct turn *t, uint64_t length)
{
    uint64_t room = 0, total, promised = 0, keep = catalog_settings_of(t)->reserve_bytes;
    int r = blobs_space(self->blobs, &room, &total);

    if (r == 0)
        r = upload_promised(t, &promised);
    if (r < 0)
        return r;
    if (room < keep || room - keep < promised || room - keep - promised < length)
        return turn_fail(t, ERR_STORE_FULL, "length", "there is no room for it on the disk at the moment");
    return 0;
}

/* ---- create */

/* A video for a file that came without one: titled after the file. */
int upload_new_video(struct catalog *self, struct turn *t, const char *title, const char *filename,
                     struct doing *ret)
{
    const char *dot = filename ? strrchr(filename, '.') : NULL;
    struct create_video ask = { .title = title, .visibility = VISIBILITY_PRIVATE };
    struct video video;
    int r;

    if (!title || !*title)
        ask.title = !filename || !*filename
                        ? "Untitled"
                        : arena_strndup(turn_arena(t), filename,
                                        dot && dot > filename ? (size_t)(dot - filename) : strlen(filename));
    if (strlen(ask.title) > 200) /* a name of many characters: cut at the byte where one begins */
        for (size_t n = 200; n; n--)
            if (((uint8_t)ask.title[n] & 0xc0) != 0x80) {
                ask.title = arena_strndup(turn_arena(t), ask.title, n);
                break;
            }
    r = catalog_create_video(self, t, &ask, &video);
    return r < 0 ? r : video_load(self, t, video.id, ret);
}

static int upload_check_video(struct doing *d, const struct create_upload *ask)
{
    struct upload other;
    int r = turn_require_owner(d->t, d->row.owner_id);

    if (r < 0)
        return r == ERR_FORBIDDEN && !video_may_see(d->t, &d->row) ? ERR_NOT_FOUND : r;
    if (d->row.life != LIFE_STATE_LIVE)
        return turn_fail(d->t, ERR_CONFLICT, "video_id", "the video is in the trash");
    if (d->row.upload == UPLOAD_STATE_COMPLETE)
        return turn_fail(d->t, ERR_CONFLICT, "video_id", "the video has its file already");
    r = table_find(turn_txn(d->t), &upload_table, UPLOAD_BY_VIDEO,
                   &(struct upload) { .video_id = d->row.id, .at = ask->at }, 2, turn_arena(d->t), &other);
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    if (ask->partial || other.partial)
        return turn_fail(d->t, ERR_CONFLICT, "at", "another upload of this video begins there");
    r = upload_forget(d->self, d->t, &other); /* its owner begins anew: whoever lost an upload's address can */
    return r < 0 ? r : step_take(d, STEP_UPLOAD, ON_DROPPED);
}

/* The row of an upload with a name for its object and a capability. */
int upload_make(struct catalog *self, struct turn *t, struct id video_id, struct upload *upload)
{
    char id[ID_TEXT_SIZE], folder[ID_TEXT_SIZE];
    uint8_t *capability = arena_alloc(turn_arena(t), UPLOAD_CAPABILITY);

    upload->id = turn_id(t);
    upload->video_id = video_id;
    upload->owner_id = turn_subject(t)->user_id;
    turn_random(t, capability, UPLOAD_CAPABILITY);
    upload->capability = bytes_of(capability, UPLOAD_CAPABILITY);
    id_format("upload", upload->id, id);
    if (id_is_zero(video_id))
        snprintf(folder, sizeof(folder), "%s", id);
    else
        id_format("video", video_id, folder);
    upload->blob = arena_printf(turn_arena(t), "raw/%s/%s", folder, id);
    return 0;
}

static int upload_put_part(struct turn *t, const struct upload *upload)
{
    struct original_part part = {
        .video_id = upload->video_id,
        .offset = upload->at,
        .length = upload->offset,
        .blob = upload->blob,
        .upload_id = upload->id,
        .growing = !upload->complete,
    };

    return original_part_put(turn_txn(t), &part);
}

/* A whole upload, or one that says where it belongs, is a part of its original from the start. */
static bool upload_is_part(const struct upload *upload)
{
    return !id_is_zero(upload->video_id);
}

static int upload_open(struct doing *d, const struct create_upload *ask, struct upload *upload)
{
    struct catalog *self = d->self;
    struct turn *t = d->t;
    bool with_video = !id_is_zero(d->row.id);
    int r = upload_make(self, t, d->row.id, upload);

    upload->length = ask->length;
    upload->has_length = ask->has_length;
    upload->at = ask->at;
    upload->partial = ask->partial;
    upload->metadata = ask->metadata;
    upload->filename = ask->filename;
    upload->expires_at = turn_now(t) + (int64_t)catalog_settings_of(t)->upload_ms;
    if (r == 0)
        r = upload_put(turn_txn(t), upload);
    if (r == 0 && upload_is_part(upload))
        r = upload_put_part(t, upload);
    if (r < 0 || !with_video)
        return r;
    r = step_take(d, STEP_UPLOAD, ON_OPENED);
    if (r == 0 && d->row.media == MEDIA_STATE_FAILED && d->row.uploaded_bytes == 0)
        r = step_take(d, STEP_MEDIA, ON_OPENED);
    if (r == 0 && !ask->partial && ask->has_length)
        d->row.declared_bytes = ask->length;
    return r < 0 ? r : video_save(d);
}

int catalog_create_upload(struct catalog *self, struct turn *t, const struct create_upload *ask,
                          struct upload *reply)
{
    struct upload upload = { 0 };
    struct doing d = { .self = self, .t = t };
    int r = upload_reserve(self, t, ask->has_length ? ask->length : 0);

    if (r == 0 && ask->has_length)
        r = upload_charge(t, turn_subject(t)->user_id, (int64_t)ask->length);
    if (r == 0 && !id_is_zero(ask->video_id)) {
        r = video_load(self, t, ask->video_id, &d);
        if (r == 0)
            r = upload_check_video(&d, ask);
    } else if (r == 0 && !ask->partial) {
        r = upload_new_video(self, t, ask->title, ask->filename, &d);
        if (r == 0 && ask->has_visibility)
            d.row.visibility = ask->visibility;
        if (r == 0 && ask->description)
            d.row.description = ask->description;
    }
    if (r == 0)
        r = upload_open(&d, ask, &upload);
    if (r == 0 && ask->has_length && ask->length == 0 && !ask->partial)
        return turn_fail(t, ERR_INVALID, "length", "an empty file is no video");
    if (r == 0)
        *reply = upload;
    return r;
}

int catalog_get_upload(struct catalog *self, struct turn *t, const struct get_upload *ask, struct upload *reply)
{
    struct blob_info info;
    int r = upload_get(turn_txn(t), turn_arena(t), ask->id, reply);

    if (r == 0)
        r = turn_require_owner(t, reply->owner_id);
    if (r < 0)
        return r == ERR_FORBIDDEN ? ERR_NOT_FOUND : r;
    if (!reply->complete && !reply->expires_at)
        return ERR_GONE;
    /* what is durable counts, also when its report was lost */
    if (!reply->complete && blob_stat(self->blobs, reply->blob, &info) == 0 && info.size > reply->offset)
        reply->offset = info.size;
    return 0;
}

/* ---- objects, on the pool, in turns of their own: who asked is answered without them */

struct upload_blob {
    struct blobs *blobs;
    struct id id;
    char name[200];
};

static int upload_delete(void *ctx)
{
    const struct upload_blob *b = ctx;

    return blob_delete(b->blobs, b->name);
}

/* The front seals what it finished writing. Where it died before that, the last byte is durable all the
 * same. */
static int upload_seal(void *ctx)
{
    const struct upload_blob *b = ctx;
    struct blob_grow *grow;
    uint64_t frontier;
    int r = blob_grow_open(b->blobs, b->name, &grow, &frontier);

    if (r == ERR_EXISTS || r == ERR_LOCKED)
        return 0;
    return r < 0 ? r : blob_grow_seal(&grow, NULL);
}

static int upload_pooled(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct upload_blob *b = ctx;

    if (err < 0)
        turn_log(t, "upload.object", "name=%s error=%s", b->name, err_name(err));
    return 0;
}

/* What the row says now decides: the turn that asked may have been undone. A full pool is no error: a
 * tombstone deletes what is left, and what is not sealed can be read all the same. */
static int upload_settle(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct upload_blob *b = ctx;
    struct upload upload;
    int r = upload_get(turn_txn(t), turn_arena(t), b->id, &upload);

    if (r == ERR_NOT_FOUND)
        r = turn_pool(t, upload_delete, upload_pooled, b, sizeof(*b));
    else if (r == 0 && upload.complete)
        r = turn_pool(t, upload_seal, upload_pooled, b, sizeof(*b));
    return r == ERR_BUSY ? 0 : r;
}

static int upload_ask_settle(struct catalog *self, const struct upload *upload)
{
    struct upload_blob b = { .blobs = self->blobs, .id = upload->id };

    snprintf(b.name, sizeof(b.name), "%s", upload->blob);
    return actor_resume(self->actor, 0, 0, upload_settle, &b, sizeof(b));
}

/* ---- reports */

static int upload_load(struct turn *t, struct id id, struct bytes capability, struct upload *ret)
{
    int r = upload_get(turn_txn(t), turn_arena(t), id, ret);

    if (r < 0)
        return r;
    if (capability.len != UPLOAD_CAPABILITY || ret->capability.len != UPLOAD_CAPABILITY ||
        sodium_memcmp(capability.data, ret->capability.data, UPLOAD_CAPABILITY) != 0)
        return ERR_FORBIDDEN;
    return !ret->complete && !ret->expires_at ? ERR_GONE : 0;
}

/* More bytes of the original, whichever upload they came by. */
static int upload_advance(struct doing *d, struct upload *upload, uint64_t offset)
{
    uint64_t more = offset > upload->offset ? offset - upload->offset : 0;
    int r;

    upload->offset += more;
    upload->expires_at = turn_now(d->t) + (int64_t)catalog_settings_of(d->t)->upload_ms;
    r = upload_put(turn_txn(d->t), upload);
    if (r < 0 || !upload_is_part(upload) || !more)
        return r;
    r = upload_put_part(d->t, upload);
    d->row.uploaded_bytes += more;
    if (r == 0)
        r = step_take(d, STEP_UPLOAD, ON_BYTES);
    if (r == 0)
        r = media_bytes_came(d);
    return r;
}

/* All bytes of this upload are there. Of a whole upload that is all of the original; partial ones are
 * joined. */
int upload_finish(struct doing *d, struct upload *upload)
{
    int r;

    upload->complete = true;
    upload->expires_at = upload->partial ? turn_now(d->t) + (int64_t)catalog_settings_of(d->t)->upload_ms : 0;
    r = upload_put(turn_txn(d->t), upload);
    if (r == 0 && upload_is_part(upload))
        r = upload_put_part(d->t, upload);
    if (r == 0)
        r = upload_ask_settle(d->self, upload);
    if (r < 0 || upload->partial)
        return r;
    r = step_take(d, STEP_UPLOAD, ON_ALL_BYTES);
    return r < 0 ? r : media_bytes_came(d);
}

static int upload_load_video(struct catalog *self, struct turn *t, const struct upload *upload, struct doing *ret)
{
    *ret = (struct doing) { .self = self, .t = t };
    return id_is_zero(upload->video_id) ? 0 : video_load(self, t, upload->video_id, ret);
}

static int upload_set_length(struct doing *d, struct upload *upload, uint64_t length)
{
    int r;

    if (upload->has_length)
        return upload->length == length ? 0
                                        : turn_fail(d->t, ERR_CONFLICT, "length", "was declared as %llu",
                                                    (unsigned long long)upload->length);
    r = upload_charge(d->t, upload->owner_id, (int64_t)length);
    upload->has_length = true;
    upload->length = length;
    if (!upload->partial)
        d->row.declared_bytes = length;
    return r;
}

static int upload_save_video(struct doing *d)
{
    return id_is_zero(d->row.id) ? 0 : video_save(d);
}

/* What the object's frontier says, where a report was lost: 1 when something came, 0 when not. */
int upload_look(struct catalog *self, struct turn *t, struct upload *upload)
{
    struct blob_info info;
    struct doing d;
    int r;

    if (upload->complete || blob_stat(self->blobs, upload->blob, &info) < 0 || info.size <= upload->offset)
        return 0;
    if (upload->has_length && info.size > upload->length)
        return 0;
    r = upload_load_video(self, t, upload, &d);
    if (r == 0)
        r = upload_advance(&d, upload, info.size);
    if (r == 0 && upload->has_length && upload->offset == upload->length)
        r = upload_finish(&d, upload);
    if (r == 0)
        r = upload_save_video(&d);
    return r < 0 ? r : 1;
}

int catalog_upload_advanced(struct catalog *self, struct turn *t, const struct upload_advanced *ask)
{
    struct upload upload;
    struct doing d;
    int r = upload_load(t, ask->id, ask->capability, &upload);

    if (r < 0 || upload.complete)
        return r;
    r = upload_load_video(self, t, &upload, &d);
    if (r == 0 && ask->has_length)
        r = upload_set_length(&d, &upload, ask->length);
    if (r == 0 && upload.has_length && ask->offset > upload.length)
        return turn_fail(t, ERR_INVALID, "offset", "lies beyond the declared length");
    if (r == 0)
        r = upload_advance(&d, &upload, ask->offset);
    if (r == 0 && upload.has_length && upload.offset == upload.length)
        r = upload_finish(&d, &upload);
    return r < 0 ? r : upload_save_video(&d);
}

int catalog_upload_complete(struct catalog *self, struct turn *t, const struct upload_complete *ask,
                            struct video *reply)
{
    struct upload upload;
    struct doing d;
    int r = upload_load(t, ask->id, ask->capability, &upload);

    if (r == 0)
        r = upload_load_video(self, t, &upload, &d);
    if (r == 0 && !upload.complete) {
        r = upload_set_length(&d, &upload, ask->length);
        if (r == 0)
            r = upload_advance(&d, &upload, ask->length);
        if (r == 0)
            r = upload_finish(&d, &upload);
        if (r == 0)
            r = upload_save_video(&d);
    }
    if (r == 0 && !id_is_zero(d.row.id))
        video_show(&d.row, turn_arena(t), reply);
    return r;
}

/* ---- give up */

/* Whether bytes of its own are counted for it: the row that joins others has none. */
static int upload_owns_bytes(struct turn *t, const struct upload *upload)
{
    struct original_part part;
    int r;

    if (!upload_is_part(upload))
        return 1;
    r = original_part_get(turn_txn(t), turn_arena(t), upload->video_id, upload->at, &part);
    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    return id_equal(part.upload_id, upload->id);
}

/* Its row, its part and its bytes go; the bytes after the commit. */
int upload_forget(struct catalog *self, struct turn *t, const struct upload *upload)
{
    int owns = upload_owns_bytes(t, upload);
    int r = owns < 0 ? owns : upload_del(turn_txn(t), upload->id);

    if (r == 0 && owns && upload_is_part(upload))
        r = original_part_del(turn_txn(t), upload->video_id, upload->at);
    if (r == 0 && owns && upload->has_length)
        r = upload_charge(t, upload->owner_id, -(int64_t)upload->length);
    return r < 0 ? r : upload_ask_settle(self, upload);
}

int catalog_drop_upload(struct catalog *self, struct turn *t, const struct drop_upload *ask)
{
    struct upload upload;
    struct doing d;
    int r = upload_get(turn_txn(t), turn_arena(t), ask->id, &upload);

    if (r == 0)
        r = turn_require_owner(t, upload.owner_id);
    if (r == 0)
        r = upload_load_video(self, t, &upload, &d);
    if (r < 0)
        return r == ERR_FORBIDDEN ? ERR_NOT_FOUND : r;
    if (upload.complete && !upload.partial)
        return turn_fail(t, ERR_CONFLICT, NULL, "it is complete: delete the video instead");
    r = upload_forget(self, t, &upload);
    if (r < 0 || id_is_zero(d.row.id))
        return r;
    if (upload.partial) { /* the other parts are still coming */
        d.row.uploaded_bytes -= upload.offset < d.row.uploaded_bytes ? upload.offset : d.row.uploaded_bytes;
        return video_save(&d);
    }
    r = step_take(&d, STEP_UPLOAD, ON_DROPPED);
    return r < 0 ? r : video_save(&d);
}

/* upload - opening tus uploads: the video they are of, where their bytes go.
 *
 * The front has no store: it writes the object and reports (report.c). What it reports carries the
 * upload's own capability. The object's durable frontier is the truth; a report that was lost is made up
 * for when the clock looks. */
#include <stdio.h>
#include <string.h>

#include "actors/catalog/places/copies.h"
#include "actors/catalog/step.h"
#include "actors/catalog/uploads/upload.h"
#include "schemas/wire/arena.h"

/* A name of many characters: cut at the byte where one begins. */
static const char *upload_cut(struct turn *t, const char *title)
{
    size_t n = strlen(title);

    if (n <= 200)
        return title;
    for (n = 200; n && ((uint8_t)title[n] & 0xc0) == 0x80; n--)
        ;
    return arena_strndup(turn_arena(t), title, n);
}

const char *upload_title(struct turn *t, const char *filename)
{
    const char *base, *dot;

    if (!filename || !*filename)
        return "Untitled";
    base = filename + strlen(filename);
    while (base > filename && !strchr("/\\", base[-1]))
        base--;
    base = *base ? base : filename;
    dot = strrchr(base, '.');
    return upload_cut(t, dot && dot > base ? arena_strndup(turn_arena(t), base, (size_t)(dot - base)) : base);
}

/* A video for a file that came without one: titled after the file. */
int upload_new_video(struct catalog *self, struct turn *t, const char *title, const char *filename,
                     struct doing *ret)
{
    struct create_video ask = { .title = title && *title ? upload_cut(t, title) : upload_title(t, filename),
                                .visibility = VISIBILITY_PRIVATE };
    struct video video;
    int r = catalog_create_video(self, t, &ask, &video);

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

bool upload_is_part(const struct upload *upload)
{
    return !id_is_zero(upload->video_id);
}

int upload_put_part(struct turn *t, const struct upload *upload)
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

int upload_load_video(struct catalog *self, struct turn *t, const struct upload *upload, struct doing *ret)
{
    *ret = (struct doing) { .self = self, .t = t };
    return id_is_zero(upload->video_id) ? 0 : video_load(self, t, upload->video_id, ret);
}

/* A part says how long the whole is; what is read of it while it grows ends there. */
static int upload_declare(struct doing *d, const struct create_upload *ask)
{
    if (d->row.declared_bytes && d->row.declared_bytes != ask->total)
        return turn_fail(d->t, ERR_CONFLICT, "total", "was declared as %llu",
                         (unsigned long long)d->row.declared_bytes);
    if (ask->at > ask->total || (ask->has_length && ask->length > ask->total - ask->at))
        return turn_fail(d->t, ERR_INVALID, "total", "the part ends behind it");
    d->row.declared_bytes = ask->total;
    return 0;
}

int upload_open(struct doing *d, const struct create_upload *ask, struct id owner, struct upload *upload)
{
    struct catalog *self = d->self;
    struct turn *t = d->t;
    bool with_video = !id_is_zero(d->row.id);
    int r = upload_make(self, t, d->row.id, upload);

    upload->owner_id = owner;
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
    if (r == 0 && ask->partial && ask->total)
        r = upload_declare(d, ask);
    return r < 0 ? r : video_save(d);
}

int upload_create(struct catalog *self, struct turn *t, const struct create_upload *ask, struct upload *upload)
{
    struct doing d = { .self = self, .t = t };
    int r = 0;

    if (!id_is_zero(ask->video_id)) {
        r = video_load(self, t, ask->video_id, &d);
        if (r == 0)
            r = upload_check_video(&d, ask);
    } else if (!ask->partial) {
        r = upload_new_video(self, t, ask->title, ask->filename, &d);
        if (r == 0 && ask->has_visibility)
            d.row.visibility = ask->visibility;
        if (r == 0 && ask->description)
            d.row.description = ask->description;
    }
    return r < 0 ? r : upload_open(&d, ask, turn_subject(t)->user_id, upload);
}

int catalog_create_upload(struct catalog *self, struct turn *t, const struct create_upload *ask,
                          struct upload *reply)
{
    struct upload upload = { 0 };
    int r = room_reserve(self, t, ask->has_length ? ask->length : 0);

    if (r == 0 && ask->has_length)
        r = room_charge(t, turn_subject(t)->user_id, (int64_t)ask->length);
    if (r == 0)
        r = upload_create(self, t, ask, &upload);
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
    if (reply->part_size)
        return turn_fail(t, ERR_CONFLICT, NULL,
                         "its parts go straight to the object store: /api/v1/direct-uploads/... is its address");
    /* what is durable counts, also when its report was lost */
    if (!reply->complete && blob_stat(copies_near(self), reply->blob, &info) == 0 && info.size > reply->offset)
        reply->offset = info.size;
    return 0;
}

/* concat - one original of finished partial uploads: rows of place, length and object; no byte is copied. */
#include <string.h>

#include "actors/catalog/uploads/content.h"
#include "actors/catalog/step.h"
#include "schemas/wire/arena.h"

static int concat_load(struct turn *t, struct id id, struct id video_id, struct upload *ret)
{
    int r = upload_get(turn_txn(t), turn_arena(t), id, ret);

    if (r == 0)
        r = turn_require_owner(t, ret->owner_id);
    if (r < 0)
        return r == ERR_FORBIDDEN ? ERR_NOT_FOUND : r;
    if (!ret->partial || !ret->complete)
        return turn_fail(t, ERR_CONFLICT, "parts", "names an upload that is not a finished partial one");
    if (!id_is_zero(ret->video_id) && !id_equal(ret->video_id, video_id))
        return turn_fail(t, ERR_CONFLICT, "parts", "names an upload of another video");
    return 0;
}

/* The part at its place. One that had said another place before is refused: what was read there stays
 * true. */
static int concat_place(struct doing *d, struct upload *part, uint64_t at)
{
    struct original_part row = {
        .video_id = d->row.id, .offset = at, .length = part->length, .blob = part->blob, .upload_id = part->id
    };
    int r;

    if (!id_is_zero(part->video_id) && part->at != at)
        return turn_fail(d->t, ERR_CONFLICT, "parts", "a part was sent for byte %llu and comes to lie at %llu",
                         (unsigned long long)part->at, (unsigned long long)at);
    if (id_is_zero(part->video_id))
        d->row.uploaded_bytes += part->length;
    part->video_id = d->row.id;
    part->at = at;
    part->partial = false; /* used: it cannot be joined again, nor expire by itself */
    part->expires_at = 0;
    r = upload_put(turn_txn(d->t), part);
    return r < 0 ? r : original_part_put(turn_txn(d->t), &row);
}

static int concat_video(struct catalog *self, struct turn *t, const struct concat_uploads *ask, struct doing *ret)
{
    struct id video_id = ask->video_id;
    struct upload first;
    int r = 0;

    if (id_is_zero(video_id)) { /* parts that said where they belong said to which video */
        r = upload_get(turn_txn(t), turn_arena(t), ask->parts[0], &first);
        if (r == 0)
            video_id = first.video_id;
    }
    if (r < 0)
        return r;
    if (id_is_zero(video_id)) {
        r = upload_new_video(self, t, ask->title, ask->filename, ret);
        if (r == 0 && ask->has_visibility)
            ret->row.visibility = ask->visibility;
        if (r == 0 && ask->description)
            ret->row.description = ask->description;
        return r;
    }
    r = video_load(self, t, video_id, ret);
    if (r == 0)
        r = turn_require_owner(t, ret->row.owner_id);
    if (r == 0 && ret->row.upload == UPLOAD_STATE_COMPLETE)
        return turn_fail(t, ERR_CONFLICT, "video_id", "the video has its file already");
    return r == ERR_FORBIDDEN ? ERR_NOT_FOUND : r;
}

int catalog_concat_uploads(struct catalog *self, struct turn *t, const struct concat_uploads *ask,
                           struct upload *reply)
{
    struct upload whole = { .complete = true, .has_length = true };
    struct doing d;
    uint64_t at = 0;
    int r;

    if (ask->parts_n == 0 || ask->parts_n > CATALOG_PARTS_MOST)
        return turn_fail(t, ERR_INVALID, "parts", "must name 1 to %d uploads", CATALOG_PARTS_MOST);
    r = concat_video(self, t, ask, &d);
    for (size_t i = 0; r == 0 && i < ask->parts_n; i++) {
        struct upload part;

        r = concat_load(t, ask->parts[i], d.row.id, &part);
        if (r == 0)
            r = concat_place(&d, &part, at);
        at += part.length;
    }
    if (r < 0)
        return r;
    if (d.row.declared_bytes && d.row.declared_bytes != at)
        return turn_fail(t, ERR_CONFLICT, "parts", "make %llu bytes, and %llu were declared",
                         (unsigned long long)at, (unsigned long long)d.row.declared_bytes);
    r = upload_make(self, t, d.row.id, &whole);
    whole.length = whole.offset = at;
    whole.at = at; /* it has no bytes of its own: no part lies there */
    whole.metadata = ask->metadata;
    whole.filename = ask->filename;
    whole.parts = ask->parts;
    whole.parts_n = ask->parts_n;
    if (r == 0)
        r = upload_put(turn_txn(t), &whole);
    d.row.declared_bytes = at;
    if (r == 0)
        r = step_take(&d, STEP_UPLOAD, ON_ALL_BYTES);
    if (r == 0)
        r = content_look(&d);
    if (r == 0)
        r = media_bytes_came(&d);
    if (r == 0)
        r = video_save(&d);
    if (r == 0)
        r = turn_after(t, 0, content_ask, &d.row.id, sizeof(d.row.id));
    if (r == 0)
        *reply = whole;
    return r;
}

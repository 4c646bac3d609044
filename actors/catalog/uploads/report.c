/* report - what the front, or the fetcher, says of an upload while bytes arrive, and when an original is whole. */
#include <sodium.h>

#include "actors/catalog/uploads/content.h"
#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/import.h"
#include "actors/catalog/step.h"
#include "actors/catalog/uploads/upload.h"

static int upload_load(struct turn *t, struct id id, struct bytes capability, struct upload *ret)
{
    int r = upload_get(turn_txn(t), turn_arena(t), id, ret);

    if (r < 0)
        return r;
    if (capability.len != UPLOAD_CAPABILITY || ret->capability.len != UPLOAD_CAPABILITY ||
        sodium_memcmp(capability.data, ret->capability.data, UPLOAD_CAPABILITY) != 0)
        return ERR_FORBIDDEN;
    if (!ret->complete && !ret->expires_at)
        return ERR_GONE;
    r = import_is_over(t, ret);
    return r > 0 ? ERR_GONE : r;
}

/* More bytes of the original, whichever upload they came by. */
static int upload_advance(struct doing *d, struct upload *upload, uint64_t offset)
{
    uint64_t more = offset > upload->offset ? offset - upload->offset : 0;
    int r = more && !upload->has_length ? room_grow(d->self, d->t, upload->owner_id, more) : 0;

    upload->offset += more;
    upload->expires_at = turn_now(d->t) + (int64_t)catalog_settings_of(d->t)->upload_ms;
    if (r == 0)
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
        r = upload_ask_seal(d->self, d->t, upload);
    if (r < 0 || upload->partial)
        return r;
    r = step_take(d, STEP_UPLOAD, ON_ALL_BYTES);
    if (r == 0)
        r = content_look(d);
    return r < 0 ? r : media_bytes_came(d);
}

int upload_set_length(struct doing *d, struct upload *upload, uint64_t length, uint64_t durable)
{
    int r;

    if (upload->has_length)
        return upload->length == length ? 0
                                        : turn_fail(d->t, ERR_CONFLICT, "length", "was declared as %llu",
                                                    (unsigned long long)upload->length);
    if (length < upload->offset)
        return turn_fail(d->t, ERR_CONFLICT, "length", "%llu bytes are there already",
                         (unsigned long long)upload->offset);
    r = room_charge(d->t, upload->owner_id, (int64_t)(length - upload->offset));
    if (r == 0 && length > durable)
        r = room_reserve(d->self, d->t, length - durable);
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

    if (upload->complete || blob_stat(copies_near(self), upload->blob, &info) < 0 || info.size <= upload->offset)
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
        r = upload_set_length(&d, &upload, ask->length, ask->offset);
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

    if (r == 0 && upload.partial)
        return turn_fail(
            t, ERR_CONFLICT, NULL,
            "it is a part: tell how far it is with upload_advanced, and join the parts with concat_uploads");
    if (r == 0)
        r = upload_load_video(self, t, &upload, &d);
    if (r == 0 && !upload.complete) {
        r = upload_set_length(&d, &upload, ask->length, ask->length);
        if (r == 0)
            r = upload_advance(&d, &upload, ask->length);
        if (r == 0)
            r = upload_finish(&d, &upload);
        if (r == 0)
            r = upload_save_video(&d);
    }
    if (r == 0 && !id_is_zero(d.row.id)) {
        video_show(&d.row, turn_arena(t), reply);
        r = content_same(t, &d.row, &reply->same_as);
    }
    return r;
}

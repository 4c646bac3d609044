/* forget - the end of an upload: its object is sealed or deleted, its room given back. */
#include <stdio.h>

#include "actors/catalog/uploads/content.h"
#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/direct.h"
#include "actors/catalog/step.h"
#include "actors/catalog/uploads/upload.h"
#include "data/blobs/s3_direct.h"

/* ---- objects, on the pool, after the commit: who asked is answered without them */

struct upload_blob {
    struct blobs *blobs;
    struct id video; /* of a whole upload; zero: its sum is not asked for */
    char name[200];
    struct blobs *store; /* whose upload in parts it is; NULL: none's */
    char store_id[1024];
};

static int upload_delete(void *ctx)
{
    const struct upload_blob *b = ctx;
    int r = b->store ? blobs_s3_abort(b->store, b->name, b->store_id) : 0;

    return r < 0 ? r : blob_delete(b->blobs, b->name);
}

/* What was put straight into the store is there, and whole. */
static int upload_see(void *ctx)
{
    const struct upload_blob *b = ctx;
    struct blob_info info;

    return blob_stat(b->blobs, b->name, &info);
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
    return err < 0 || id_is_zero(b->video) ? 0 : content_ask(self, t, 0, NULL, &b->video);
}

static void upload_know(void *self, const void *ctx)
{
    const struct upload_blob *b = ctx;

    blobs_s3_know(b->store, b->store_id);
}

/* Its parts are given up: what stays of them is swept. */
static void upload_unknow(struct turn *t, const struct upload_blob *b)
{
    blobs_s3_unknow(b->store, b->store_id);
    turn_undone(t, upload_know, b, sizeof(*b));
}

/* A full pool is no error: a tombstone deletes what is left, and what is not sealed can be read all the same. */
static int upload_pool(struct catalog *self, struct turn *t, const struct upload *upload, pool_work *work,
                       struct id video)
{
    struct upload_blob b = { .blobs = self->blobs, .video = video };
    int r;

    snprintf(b.name, sizeof(b.name), "%s", upload->blob);
    if (!upload->complete && direct_is_begun(upload) && copies_store(self, upload->place)) {
        b.store = copies_store(self, upload->place);
        snprintf(b.store_id, sizeof(b.store_id), "%s", upload->store_id);
        if (work == upload_delete)
            upload_unknow(t, &b);
    }
    r = turn_pool(t, work, upload_pooled, &b, sizeof(b));
    return r == ERR_BUSY ? 0 : r;
}

int upload_ask_seal(struct catalog *self, struct turn *t, const struct upload *upload)
{
    return upload_pool(self, t, upload, upload->part_size ? upload_see : upload_seal,
                       upload->partial ? ID_NONE : upload->video_id);
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
    if (r == 0 && owns)
        r = room_charge(t, upload->owner_id, -(int64_t)(upload->has_length ? upload->length : upload->offset));
    return r < 0 ? r : upload_pool(self, t, upload, upload_delete, ID_NONE);
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

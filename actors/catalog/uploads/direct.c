/* direct - see direct.h: what is asked of them. direct_work.c asks the store. */
#include "actors/catalog/uploads/direct.h"

#include <string.h>

#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/direct_work.h"
#include "actors/catalog/step.h"
#include "actors/catalog/uploads/upload.h"
#include "schemas/wire/arena.h"

#define DIRECT_MIB ((uint64_t)1024 * 1024)

/* ---- whether there is such a thing */

static int direct_none(struct turn *t)
{
    return turn_fail(
        t, ERR_UNSUPPORTED, NULL,
        "parts can be put straight into an object store only where films lie in one: the operator names it as "
        "catalog.far = s3://BUCKET?endpoint=URL&credentials=FILE (ops/OPERATORS.md, \"Films in an object "
        "store\"). "
        "POST /api/v1/uploads takes the file without");
}

/* The store that it was begun in, as long as that is named. */
static int direct_store(const struct catalog *self, struct turn *t, const struct upload *upload,
                        struct blobs **ret)
{
    *ret = copies_store(self, upload->place);
    if (*ret)
        return 0;
    if (!copies_store(self, NULL))
        return direct_none(t);
    return turn_fail(t, ERR_GONE, NULL, "it was begun in %s, and films come to lie in %s by now: begin anew",
                     upload->place, copies_place(self));
}

/* One that is open, or complete, and whose caller may have it. */
static int direct_load(struct turn *t, struct id id, struct upload *ret)
{
    int r = upload_get(turn_txn(t), turn_arena(t), id, ret);

    if (r == 0)
        r = turn_require_owner(t, ret->owner_id);
    if (r < 0)
        return r == ERR_FORBIDDEN ? ERR_NOT_FOUND : r;
    if (!ret->part_size)
        return turn_fail(t, ERR_CONFLICT, NULL,
                         "its bytes come through a front: /api/v1/uploads/... is its address");
    return !ret->complete && !ret->expires_at ? ERR_GONE : 0;
}

bool direct_is_begun(const struct upload *upload)
{
    return upload->store_id && *upload->store_id;
}

static uint64_t direct_parts(const struct upload *upload)
{
    return (upload->length + upload->part_size - 1) / upload->part_size;
}

static void direct_show(const struct upload *upload, struct direct_upload *ret)
{
    *ret = (struct direct_upload) { .id = upload->id,
                                    .video_id = upload->video_id,
                                    .length = upload->length,
                                    .part_size = upload->part_size,
                                    .parts = direct_parts(upload),
                                    .complete = upload->complete,
                                    .expires_at = upload->expires_at,
                                    .has_expires_at = upload->expires_at != 0 };
}

/* ---- open */

/* Whole MiB, so that 10,000 of them hold the file. */
static int direct_part_size(struct turn *t, const struct create_direct_upload *ask, uint64_t *ret)
{
    uint64_t least = (ask->length + BLOBS_S3_PARTS - 1) / BLOBS_S3_PARTS;

    *ret = ask->has_part_size ? ask->part_size : catalog_settings_of(t)->direct_part_mib * DIRECT_MIB;
    if (*ret >= least)
        return 0;
    if (ask->has_part_size)
        return turn_fail(t, ERR_INVALID, "part_size",
                         "%d parts of it do not hold the file: %llu bytes are the least", BLOBS_S3_PARTS,
                         (unsigned long long)least);
    *ret = (least + DIRECT_MIB - 1) / DIRECT_MIB * DIRECT_MIB;
    return 0;
}

int catalog_create_direct_upload(struct catalog *self, struct turn *t, const struct create_direct_upload *ask,
                                 struct direct_upload *reply)
{
    const struct create_upload as = { .video_id = ask->video_id,
                                      .length = ask->length,
                                      .has_length = true,
                                      .title = ask->title,
                                      .filename = ask->filename,
                                      .visibility = ask->visibility,
                                      .has_visibility = ask->has_visibility,
                                      .description = ask->description };
    struct upload upload = { .place = copies_place(self) };
    int r = copies_store(self, NULL) ? direct_part_size(t, ask, &upload.part_size) : direct_none(t);

    if (r == 0)
        r = room_charge(t, turn_subject(t)->user_id, (int64_t)ask->length);
    if (r == 0)
        r = upload_create(self, t, &as, &upload);
    if (r == 0)
        direct_show(&upload, reply);
    return r;
}

/* ---- URLs */

/* A setting that counts at once: it is looked at before anything is begun. */
static int direct_address(struct turn *t)
{
    const char *address = catalog_settings_of(t)->direct_address;

    if (!address || !*address || blobs_s3_endpoint_valid(address))
        return 0;
    return turn_fail(t, ERR_UNAVAILABLE, NULL, "catalog.direct_address is no http://HOST:PORT or https://HOST: %s",
                     address);
}

static int direct_sign(struct catalog *self, struct turn *t, struct upload *upload, const uint64_t *numbers,
                       size_t n, struct sign_parts_reply *reply)
{
    const struct catalog_settings *settings = catalog_settings_of(t);
    struct blobs_s3_grant grant = { .name = upload->blob,
                                    .upload = upload->store_id,
                                    .endpoint = settings->direct_address,
                                    .lasts_s = (unsigned)settings->direct_url_s,
                                    .now = turn_now(t) / 1000 };
    struct signed_part *items = arena_alloc_n(turn_arena(t), n, sizeof(*items));

    for (size_t i = 0; i < n; i++) {
        struct buf url = { 0 };

        grant.part = (unsigned)numbers[i];
        grant.size = direct_size(upload->length, upload->part_size, numbers[i]);
        blobs_s3_sign(copies_store(self, upload->place), &grant, &url);
        items[i] = (struct signed_part) { .number = numbers[i],
                                          .url = arena_strdup(turn_arena(t), buf_text(&url)),
                                          .size = grant.size };
        buf_free(&url);
    }
    *reply = (struct sign_parts_reply) { .items = items,
                                         .items_n = n,
                                         .expires_at = (grant.now + grant.lasts_s) * 1000 };
    turn_count(t, CATALOG_PARTS_SIGNED, n);
    upload->expires_at = turn_now(t) + (int64_t)settings->upload_ms;
    return upload_put(turn_txn(t), upload);
}

struct direct_known {
    struct blobs *store;
    const char *store_id; /* in the arena of the turn */
};

static void direct_unknow(void *self, const void *ctx)
{
    const struct direct_known *known = ctx;

    blobs_s3_unknow(known->store, known->store_id); /* no row has it: what stays is swept */
}

static void direct_keep(struct turn *t, const struct direct_work *w, struct upload *upload)
{
    struct direct_known known = { .store = w->store, .store_id = arena_strdup(turn_arena(t), w->store_id) };

    upload->store_id = known.store_id;
    turn_undone(t, direct_unknow, &known, sizeof(known));
}

/* The store has begun one: it is this upload's, unless another call was faster or it is gone by now. */
static int direct_begun(void *self_, struct turn *t, int err, const void *none, const void *ctx)
{
    struct direct_work *w = *(struct direct_work *const *)ctx;
    struct sign_parts_reply *reply = arena_alloc(turn_arena(t), sizeof(*reply));
    struct catalog *self = self_;
    struct upload upload;
    int r = err < 0 ? direct_refused(t, w, err) : direct_load(t, w->id, &upload);

    if (err < 0) {
        direct_work_free(w);
        return r;
    }
    if (r < 0 || upload.complete)
        return direct_clear(t, w, false);
    bool late = direct_is_begun(&upload);
    if (!late)
        direct_keep(t, w, &upload);
    r = direct_sign(self, t, &upload, w->numbers, w->numbers_n, reply);
    if (late)
        direct_leave(t, w);
    else
        direct_work_free(w);
    return r < 0 ? r : reply_sign_parts(t, reply);
}

int catalog_sign_parts(struct catalog *self, struct turn *t, const struct sign_parts *ask,
                       struct sign_parts_reply *reply)
{
    struct upload upload;
    struct direct_work *w;
    struct blobs *store;
    int r = direct_load(t, ask->id, &upload);

    if (r == 0)
        r = direct_store(self, t, &upload, &store);
    if (r == 0 && upload.complete)
        r = turn_fail(t, ERR_CONFLICT, NULL, "it is complete");
    if (r == 0)
        r = direct_address(t);
    for (size_t i = 0; r == 0 && i < ask->numbers_n; i++)
        if (ask->numbers[i] > direct_parts(&upload))
            r = turn_fail(t, ERR_INVALID, "numbers", "names part %llu of %llu",
                          (unsigned long long)ask->numbers[i], (unsigned long long)direct_parts(&upload));
    if (r < 0)
        return r;
    if (direct_is_begun(&upload))
        return direct_sign(self, t, &upload, ask->numbers, ask->numbers_n, reply);
    w = direct_work_new(store, &upload);
    w->numbers_n = ask->numbers_n;
    memcpy(w->numbers, ask->numbers, ask->numbers_n * sizeof(*ask->numbers));
    return direct_pool(t, w, direct_begin, direct_begun);
}

/* ---- what is there */

static int direct_listed(void *self, struct turn *t, int err, const void *none, const void *ctx)
{
    struct direct_work *w = *(struct direct_work *const *)ctx;
    struct direct_upload *reply = arena_alloc(turn_arena(t), sizeof(*reply));
    struct direct_part *there = arena_alloc_n(turn_arena(t), w->there_n + 1, sizeof(*there));
    struct upload upload;
    int r = err < 0 ? direct_refused(t, w, err) : direct_load(t, w->id, &upload);

    if (r == 0)
        direct_show(&upload, reply);
    for (size_t i = 0; r == 0 && i < w->there_n; i++)
        there[i] = (struct direct_part) { .number = w->there[i].number,
                                          .size = w->there[i].size,
                                          .etag = arena_strdup(turn_arena(t), w->there[i].tag) };
    reply->there = there;
    reply->there_n = w->there_n;
    reply->next = w->next;
    direct_work_free(w);
    return r < 0 ? r : reply_get_direct_upload(t, reply);
}

int catalog_get_direct_upload(struct catalog *self, struct turn *t, const struct get_direct_upload *ask,
                              struct direct_upload *reply)
{
    struct upload upload;
    struct direct_work *w;
    struct blobs *store;
    int r = direct_load(t, ask->id, &upload);

    if (r == 0 && !upload.complete)
        r = direct_store(self, t, &upload, &store);
    if (r < 0)
        return r;
    if (upload.complete || !direct_is_begun(&upload)) {
        direct_show(&upload, reply);
        return 0;
    }
    w = direct_work_new(store, &upload);
    w->after = (unsigned)ask->after;
    w->most = (unsigned)ask->limit;
    return direct_pool(t, w, direct_list, direct_listed);
}

/* ---- the end */

/* All of it lies there, as one object. */
static int direct_came(struct catalog *self, struct turn *t, struct upload *upload, struct doing *ret)
{
    int r = upload_load_video(self, t, upload, ret);

    if (r < 0 || upload->complete)
        return r;
    upload->offset = upload->length;
    ret->row.uploaded_bytes += upload->length;
    r = copies_came_there(ret, upload->place);
    if (r == 0)
        r = upload_finish(ret, upload);
    if (r == 0)
        r = video_save(ret);
    if (r == 0)
        turn_count(t, CATALOG_DIRECT_UPLOADS, 1);
    return r;
}

static int direct_ended(void *self, struct turn *t, int err, const void *none, const void *ctx)
{
    struct direct_work *w = *(struct direct_work *const *)ctx;
    struct video *reply = arena_alloc(turn_arena(t), sizeof(*reply));
    struct upload upload;
    struct doing d;
    int r = err < 0 ? direct_refused(t, w, err) : direct_load(t, w->id, &upload);

    if (r < 0 && err == 0)
        return direct_clear(t, w, true);
    direct_work_free(w);
    if (r == 0)
        r = direct_came(self, t, &upload, &d);
    if (r < 0)
        return r;
    video_show(&d.row, turn_arena(t), reply);
    return reply_complete_direct_upload(t, reply);
}

/* What the client was answered, by number. */
static int direct_told(struct turn *t, const struct complete_direct_upload *ask, const struct upload *upload,
                       struct direct_work *w)
{
    w->parts_n = (unsigned)direct_parts(upload);
    w->parts = direct_parts_new(w->parts_n);
    for (size_t i = 0; i < ask->parts_n; i++) {
        const struct direct_part *part = &ask->parts[i];

        if (part->number > w->parts_n)
            return turn_fail(t, ERR_INVALID, "parts", "names part %llu of %u", (unsigned long long)part->number,
                             w->parts_n);
        if (*w->parts[part->number - 1].told)
            return turn_fail(t, ERR_INVALID, "parts", "names part %llu twice", (unsigned long long)part->number);
        if (!direct_tag(part->etag, w->parts[part->number - 1].told))
            return turn_fail(t, ERR_INVALID, "parts", "the etag of part %llu is none",
                             (unsigned long long)part->number);
        w->told++;
    }
    if (w->told && w->told != w->parts_n)
        return turn_fail(t, ERR_INVALID, "parts", "names %u of %u: all of them, or none", w->told, w->parts_n);
    return 0;
}

int catalog_complete_direct_upload(struct catalog *self, struct turn *t, const struct complete_direct_upload *ask,
                                   struct video *reply)
{
    struct upload upload;
    struct direct_work *w;
    struct blobs *store;
    struct doing d;
    int r = direct_load(t, ask->id, &upload);

    if (r == 0 && upload.complete) {
        r = video_load(self, t, upload.video_id, &d);
        if (r == 0)
            video_show(&d.row, turn_arena(t), reply);
        return r;
    }
    if (r == 0)
        r = direct_store(self, t, &upload, &store);
    if (r == 0 && !direct_is_begun(&upload))
        r = turn_fail(t, ERR_CONFLICT, NULL, "no URL was asked for yet: POST .../parts hands them out");
    if (r < 0)
        return r;
    w = direct_work_new(store, &upload);
    r = direct_told(t, ask, &upload, w);
    if (r < 0) {
        direct_work_free(w);
        return r;
    }
    return direct_pool(t, w, direct_end, direct_ended);
}

int catalog_drop_direct_upload(struct catalog *self, struct turn *t, const struct drop_direct_upload *ask)
{
    struct upload upload;
    int r = direct_load(t, ask->id, &upload);

    if (r < 0)
        return r;
    return catalog_drop_upload(self, t, &(struct drop_upload) { .id = ask->id });
}

/* ---- told */

int direct_say(struct turn *t, struct id video, const char **ret_words)
{
    struct upload upload;
    int r = table_find(turn_txn(t), &upload_table, UPLOAD_BY_VIDEO, &(struct upload) { .video_id = video }, 1,
                       turn_arena(t), &upload);

    *ret_words = NULL;
    if (r == 0 && upload.part_size && !upload.complete)
        *ret_words = arena_printf(
            turn_arena(t), "%llu bytes in %llu parts, which the client puts straight into %s",
            (unsigned long long)upload.length, (unsigned long long)direct_parts(&upload), upload.place);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* ---- at the start */

int direct_up(struct catalog *self, struct turn *t)
{
    struct table_walk walk;
    struct upload upload;
    int r = copies_store(self, NULL) ? table_walk_start(&walk, turn_txn(t), &upload_table, UPLOAD_BY_END, NULL, 0,
                                                        TABLE_UP, (struct bytes) { 0 })
                                     : ERR_NOT_FOUND;

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &upload)) > 0) {
        struct blobs *store = copies_store(self, upload.place);

        r = 0;
        if (store && direct_is_begun(&upload))
            blobs_s3_know(store, upload.store_id);
    }
    table_walk_end(&walk);
    return r;
}

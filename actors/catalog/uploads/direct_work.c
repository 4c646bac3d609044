/* direct_work - see direct_work.h */
#include "actors/catalog/uploads/direct_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/catalog/uploads/direct.h"

enum { DIRECT_PAGE = 1000 };

uint64_t direct_size(uint64_t length, uint64_t part_size, uint64_t number)
{
    uint64_t from = (number - 1) * part_size;

    return length - from < part_size ? length - from : part_size;
}

struct direct_work *direct_work_new(struct blobs *store, const struct upload *upload)
{
    struct direct_work *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    w->store = store;
    w->id = upload->id;
    w->length = upload->length;
    w->part_size = upload->part_size;
    snprintf(w->name, sizeof(w->name), "%s", upload->blob);
    if (direct_is_begun(upload) && !(w->store_id = strdup(upload->store_id)))
        abort();
    return w;
}

void direct_work_free(struct direct_work *w)
{
    free(w->store_id);
    free(w->there);
    free(w->parts);
    free(w);
}

struct direct_part_there *direct_parts_new(unsigned n)
{
    struct direct_part_there *parts = calloc(n, sizeof(*parts));

    if (!parts)
        abort();
    return parts;
}

/* Stores write them with quotes, clients hand them on with or without. */
bool direct_tag(const char *etag, char ret[BLOBS_S3_TAG])
{
    bool quoted = *etag == '"';
    size_t len = strcspn(etag + quoted, "\"<>&");

    if (len == 0 || len >= BLOBS_S3_TAG || strcmp(etag + quoted + len, quoted ? "\"" : "") != 0)
        return false;
    memcpy(ret, etag + quoted, len);
    ret[len] = 0;
    return true;
}

static void direct_drop(void *ctx)
{
    direct_work_free(*(struct direct_work **)ctx);
}

int direct_pool(struct turn *t, struct direct_work *w, pool_work *work, turn_then *then)
{
    int r = turn_pool_or(t, work, then, direct_drop, &w, sizeof(w));

    if (r < 0)
        direct_work_free(w);
    return r < 0 ? r : TURN_LATER;
}

/* ---- on the pool */

int direct_begin(void *ctx)
{
    struct direct_work *w = *(struct direct_work **)ctx;

    return blobs_s3_begin(w->store, w->name, &w->store_id);
}

/* A store that lists no parts looks for an object of that name. */
static int direct_page(struct direct_work *w, unsigned after, unsigned most, blobs_s3_part_fn *fn,
                       unsigned *ret_next)
{
    int r = blobs_s3_parts(w->store, w->name, w->store_id, after, most, fn, w, ret_next);

    return r == ERR_NOT_FOUND ? ERR_UNSUPPORTED : r;
}

static int direct_add(void *ctx, const struct blobs_s3_part *part)
{
    struct direct_work *w = ctx;

    if (w->there_n < w->most)
        w->there[w->there_n++] = *part;
    return 0;
}

int direct_list(void *ctx)
{
    struct direct_work *w = *(struct direct_work **)ctx;

    w->there = calloc(w->most, sizeof(*w->there));
    if (!w->there)
        abort();
    return direct_page(w, w->after, w->most, direct_add, &w->next);
}

static int direct_place(void *ctx, const struct blobs_s3_part *part)
{
    struct direct_work *w = ctx;
    int r = 0;

    if (part->number < 1 || part->number > w->parts_n) {
        snprintf(w->why, sizeof(w->why),
                 "the store has a part %u, and %u are all there should be: drop it and begin anew", part->number,
                 w->parts_n);
        r = ERR_CONFLICT;
    } else {
        w->parts[part->number - 1].size = part->size;
        if (!direct_tag(part->tag, w->parts[part->number - 1].there))
            r = ERR_IO;
    }
    return r;
}

/* Each of them, as long as it should be, and the one that was told. */
static int direct_compare(struct direct_work *w)
{
    unsigned missing = 0, first = 0;

    for (unsigned i = 0; i < w->parts_n; i++) {
        const struct direct_part_there *part = &w->parts[i];
        uint64_t want = direct_size(w->length, w->part_size, i + 1);

        if (!*part->there) {
            first = missing++ ? first : i + 1;
        } else if (part->size != want) {
            snprintf(w->why, sizeof(w->why), "part %u has %llu bytes there, and %llu were declared: put it again",
                     i + 1, (unsigned long long)part->size, (unsigned long long)want);
            return ERR_CONFLICT;
        } else if (*part->told && strcmp(part->told, part->there) != 0) {
            snprintf(w->why, sizeof(w->why), "part %u is there as %.60s, and %.60s was told: put it again", i + 1,
                     part->there, part->told);
            return ERR_CHECKSUM;
        }
    }
    if (missing)
        snprintf(w->why, sizeof(w->why), "%u of %u parts are not there, the first of them is %u", missing,
                 w->parts_n, first);
    return missing ? ERR_CONFLICT : 0;
}

/* What the store has of it. One that lists no parts compares what was told by itself. */
static int direct_look(struct direct_work *w)
{
    unsigned next = 0;
    int r;

    do
        r = direct_page(w, next, DIRECT_PAGE, direct_place, &next);
    while (r == 0 && next);
    if (r == ERR_UNSUPPORTED && w->told == w->parts_n) {
        for (unsigned i = 0; i < w->parts_n; i++)
            memcpy(w->parts[i].there, w->parts[i].told, BLOBS_S3_TAG);
        return 0;
    }
    return r < 0 ? r : direct_compare(w);
}

static int direct_join(struct direct_work *w)
{
    struct buf parts = { 0 };
    int r;

    for (unsigned i = 0; i < w->parts_n; i++)
        blobs_s3_name_part(&parts, i + 1, w->parts[i].there);
    r = blobs_s3_end(w->store, w->name, w->store_id, buf_bytes(&parts));
    buf_free(&parts);
    return r;
}

/* 0: it lies there as declared. */
static int direct_whole(struct direct_work *w)
{
    struct blob_info info;
    int r = blob_stat(w->store, w->name, &info);

    if (r < 0 || info.size == w->length)
        return r;
    snprintf(w->why, sizeof(w->why), "the store made %llu bytes of it, and %llu were declared: begin anew",
             (unsigned long long)info.size, (unsigned long long)w->length);
    blob_delete(w->store, w->name);
    return ERR_CHECKSUM;
}

int direct_end(void *ctx)
{
    struct direct_work *w = *(struct direct_work **)ctx;
    int r = direct_whole(w); /* a try before may have done it, and its answer was lost */

    if (r != ERR_NOT_FOUND)
        return r;
    r = direct_look(w);
    if (r == 0)
        r = direct_join(w);
    if (r != 0 && r != ERR_EXISTS && r != ERR_GONE)
        return r;
    return direct_whole(w); /* gone: it was joined, and the answer to that was lost */
}

/* ---- what came of it */

int direct_refused(struct turn *t, const struct direct_work *w, int err)
{
    char said[S3_SAID_MAX], id[ID_TEXT_SIZE];

    if (*w->why)
        return turn_fail(t, err, NULL, "%s", w->why);
    if (err == ERR_GONE || err == ERR_NOT_FOUND)
        return turn_fail(
            t, ERR_GONE, NULL,
            "the store has it no more: what stands still there for long is ended by its own rules. Begin anew");
    blobs_s3_said(w->store, said);
    turn_log(t, "direct.refused", "upload=%s error=%s said=\"%s\"", id_format("upload", w->id, id), err_name(err),
             said);
    if (err == ERR_CHECKSUM)
        return turn_fail(t, err, NULL, "the store says that a part is not there, or not as it was told");
    if (err == ERR_STORE_FULL || err == ERR_UNSUPPORTED)
        return turn_fail(t, err, NULL, "the object store %s",
                         err == ERR_STORE_FULL ? "is full"
                                               : "does not list parts: tell their ETags when they are all there");
    return turn_fail(t, ERR_UNAVAILABLE, NULL, "the object store does not do it at the moment; the log says why");
}

/* ---- what nobody wants any more */

static int direct_abort(void *ctx)
{
    const struct direct_work *w = *(struct direct_work **)ctx;

    return blobs_s3_abort(w->store, w->name, w->store_id);
}

static int direct_delete(void *ctx)
{
    const struct direct_work *w = *(struct direct_work **)ctx;

    return blob_delete(w->store, w->name);
}

static int direct_left(void *self, struct turn *t, int err, const void *none, const void *ctx)
{
    direct_work_free(*(struct direct_work *const *)ctx);
    return 0;
}

static int direct_cleared(void *self, struct turn *t, int err, const void *none, const void *ctx)
{
    direct_work_free(*(struct direct_work *const *)ctx);
    return turn_fail(t, ERR_GONE, NULL, "it was given up meanwhile");
}

void direct_leave(struct turn *t, struct direct_work *w)
{
    blobs_s3_unknow(w->store, w->store_id);
    direct_pool(t, w, direct_abort, direct_left);
}

int direct_clear(struct turn *t, struct direct_work *w, bool whole)
{
    blobs_s3_unknow(w->store, w->store_id);
    return direct_pool(t, w, whole ? direct_delete : direct_abort, direct_cleared);
}

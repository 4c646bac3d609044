/* upload_tus - see upload_tus.h */
#include "web/front/upload_tus.h"

#include <inttypes.h>
#include <string.h>

#include <sodium.h>

#include "gen/errors.h"
#include "web/front/call.h"
#include "web/front/http/condition.h"
#include "web/front/http/tus.h"
#include "web/front/identity.h"
#include "web/front/upload.h"
#include "web/front/uploads.h"

#define UPLOAD_TYPE "application/offset+octet-stream"

/* ---- what all answers say */

static void upload_tus_options(struct exchange *x)
{
    exchange_header(x, "Tus-Version", TUS_VERSION);
    exchange_header(x, "Tus-Extension", TUS_EXTENSIONS);
    exchange_header(x, "Tus-Max-Size", "%" PRIu64, TUS_LENGTH_MAX);
    exchange_header(x, "Tus-Checksum-Algorithm", TUS_CHECKSUMS);
    exchange_empty(x, 204);
}

/* Who may go on: the version fits, somebody is known, and it was not another site. On an error it has been
 * answered. */
static int upload_tus_begin(struct exchange *x)
{
    const char *reason;
    int r;

    x->what = "tus";
    exchange_header(x, "Tus-Resumable", TUS_VERSION);
    if (exchange_is(x, "OPTIONS")) {
        upload_tus_options(x);
        return ERR_CANCELLED;
    }
    r = tus_version(x->request, &reason);
    if (r < 0) {
        exchange_header(x, "Tus-Version", TUS_VERSION);
        return exchange_problem(x, r, "%s", reason);
    }
    r = identity_admit(x, true,
                       exchange_is(x, "PATCH")  ? RATE_NONE
                       : exchange_is(x, "POST") ? RATE_UPLOAD
                                                : RATE_API);
    return r == 0 ? identity_same_site(x) : r;
}

static void upload_tus_expires(struct exchange *x, const struct upload *upload)
{
    char date[CONDITION_DATE_SIZE];

    if (upload->expires_at && !upload->complete)
        exchange_header(x, "Upload-Expires", "%s", condition_date(upload->expires_at, date));
}

/* ---- bytes */

struct upload_sum {
    struct tus_sum sum;
    struct sha1 sha1;
    crypto_hash_sha256_state sha256;
};

static void upload_sum_begin(struct upload_sum *s)
{
    if (s->sum.kind == TUS_SUM_SHA1)
        sha1_init(&s->sha1);
    else if (s->sum.kind == TUS_SUM_SHA256)
        crypto_hash_sha256_init(&s->sha256);
}

static void upload_sum_add(struct upload_sum *s, const void *data, size_t len)
{
    if (s->sum.kind == TUS_SUM_SHA1)
        sha1_update(&s->sha1, data, len);
    else if (s->sum.kind == TUS_SUM_SHA256)
        crypto_hash_sha256_update(&s->sha256, data, len);
}

static int upload_sum_check(struct upload_sum *s)
{
    uint8_t got[32] = { 0 };

    if (s->sum.kind == TUS_SUM_NONE)
        return 0;
    if (s->sum.kind == TUS_SUM_SHA1)
        sha1_final(&s->sha1, got);
    else
        crypto_hash_sha256_final(&s->sha256, got);
    return memcmp(got, s->sum.want, s->sum.kind == TUS_SUM_SHA1 ? SHA1_SIZE : 32) == 0 ? 0 : ERR_CHECKSUM;
}

struct upload_taking {
    struct upload_sink *sink;
    struct upload_sum *sum;
};

static int upload_tus_piece(void *ctx, const void *data, size_t len)
{
    const struct upload_taking *taking = ctx;

    upload_sum_add(taking->sum, data, len);
    return upload_append(taking->sink, data, len);
}

/* The body into the object. What came before a connection broke is made durable, unless a checksum was to be
 * held. */
static int upload_tus_take(struct upload_sink *sink, struct upload_sum *sum)
{
    int r;

    sink->hold = sum->sum.kind != TUS_SUM_NONE;
    if (sink->hold && sink->x->left > TUS_CHECKED_MAX)
        return ERR_TOO_LARGE;
    upload_sum_begin(sum);
    r = exchange_each(sink->x, upload_tus_piece, &(struct upload_taking) { sink, sum });
    if (r == 0)
        r = upload_sum_check(sum);
    if (r == 0 || (r == ERR_INTERRUPTED && !sink->hold)) {
        int s = upload_step(sink);

        r = r == 0 ? s : r;
    }
    return r;
}

/* reason NULL: what the error itself says. */
static void upload_tus_refuse(struct exchange *x, int err, const char *reason)
{
    if (reason)
        exchange_problem(x, err, "%s", reason);
    else
        upload_problem(x, err);
}

/* Bytes of this request, and the end of the upload when they are the last. Nothing is answered here: whoever
 * has the answer may go on at once, so the upload's place is given back first. */
static int upload_tus_bytes(struct upload_sink *sink, const char **ret_reason)
{
    struct upload_sum sum = { .sum.kind = TUS_SUM_NONE };
    struct video video = { 0 };
    char same[ID_TEXT_SIZE];
    int r = tus_read_sum(sink->x->request, &sum.sum, ret_reason);

    if (r < 0)
        return r;
    r = upload_tus_take(sink, &sum);
    if (r == ERR_CHECKSUM)
        *ret_reason = "The bytes are not those that the checksum was made of; none were kept.";
    if (r == 0 && sink->has_length && sink->frontier == sink->length)
        r = upload_finish(sink, &video);
    if (r == 0 && !id_is_zero(video.same_as))
        exchange_header(sink->x, "Kinobus-Same-As", "%s", id_format("video", video.same_as, same));
    return r;
}

/* ---- POST */

/* Text fields of the metadata; the file's name stands in for a title. */
static int upload_tus_metadata(struct exchange *x, const struct tus_create *create, struct create_upload *ask)
{
    const char *video = tus_metadata(create->metadata, "video_id", x->arena);
    const char *visibility = tus_metadata(create->metadata, "visibility", x->arena);
    const char *name = tus_metadata(create->metadata, "name", x->arena);

    ask->title = tus_metadata(create->metadata, "title", x->arena);
    ask->filename = tus_metadata(create->metadata, "filename", x->arena);
    ask->filename = upload_name(x, ask->filename ? ask->filename : name);
    ask->description = tus_metadata(create->metadata, "description", x->arena);
    if (ask->title && !*ask->title)
        ask->title = NULL;
    if (video && *video && id_parse("video", video, &ask->video_id) < 0)
        return exchange_problem_field(x, ERR_INVALID, "video_id", "must be the id of a video");
    if (visibility && *visibility) {
        ask->visibility = wire_enum_value(&visibility_names, visibility, strlen(visibility));
        ask->has_visibility = true;
        if (!ask->visibility)
            return exchange_problem_field(x, ERR_INVALID, "visibility", "must be private, unlisted or public");
    }
    return 0;
}

static int upload_tus_open(struct exchange *x, const struct tus_create *create, struct upload *ret)
{
    struct create_upload ask = { .video_id = create->video,
                                 .length = create->length,
                                 .has_length = create->has_length,
                                 .metadata = create->metadata,
                                 .at = create->at,
                                 .total = create->total,
                                 .partial = create->partial };
    int r = upload_tus_metadata(x, create, &ask);

    if (r < 0)
        return r;
    r = call_ask(x, &create_upload_call, NULL, &ask, ret);
    return r < 0 ? call_problem(x, r) : 0;
}

static int upload_tus_concat(struct exchange *x, const struct tus_create *create, struct upload *ret)
{
    struct create_upload read = { .video_id = create->video };
    struct concat_uploads ask = { .parts = arena_copy(x->arena, create->parts,
                                                      create->parts_n * sizeof(*create->parts)),
                                  .parts_n = create->parts_n,
                                  .metadata = create->metadata };
    int r = upload_tus_metadata(x, create, &read);

    if (r < 0)
        return r;
    ask.video_id = read.video_id;
    ask.title = read.title;
    ask.filename = read.filename;
    ask.visibility = read.visibility;
    ask.has_visibility = read.has_visibility;
    ask.description = read.description;
    r = call_ask(x, &concat_uploads_call, NULL, &ask, ret);
    return r < 0 ? call_problem(x, r) : 0;
}

static void upload_tus_created(struct exchange *x, const struct upload *upload)
{
    char id[ID_TEXT_SIZE];

    exchange_header(x, "Location", "/api/v1/uploads/%s", id_format("upload", upload->id, id));
    if (!id_is_zero(upload->video_id))
        exchange_header(x, "Kinobus-Video", "%s", id_format("video", upload->video_id, id));
    upload_tus_expires(x, upload);
}

/* creation-with-upload, or nothing at all: an upload of no bytes is complete at once. */
static void upload_tus_first(struct exchange *x, struct upload *upload)
{
    struct upload_sink sink;
    const char *reason = NULL;
    int r = upload_open(x, upload, &sink);

    if (r < 0)
        return;
    r = upload_tus_bytes(&sink, &reason);
    upload_close(&sink);
    if (r < 0) {
        upload_tus_refuse(x, r, reason);
        return;
    }
    exchange_header(x, "Upload-Offset", "%" PRIu64, sink.frontier);
    exchange_empty(x, 201);
}

static void upload_tus_create(struct exchange *x)
{
    struct tus_create create;
    struct upload upload = { 0 };
    const char *reason;
    int r = tus_read_create(x->request, x->arena, &create, &reason);

    if (r < 0) {
        exchange_problem(x, r, "%s", reason);
        return;
    }
    if (x->left > 0 && (create.final || !exchange_type_is(x, UPLOAD_TYPE))) {
        exchange_problem(x, ERR_UNSUPPORTED_MEDIA,
                         "A body here must be " UPLOAD_TYPE "; a final upload takes none.");
        return;
    }
    if (x->left > 0 && create.has_length && x->left > create.length) {
        exchange_problem(x, ERR_TOO_LARGE, "The body is longer than Upload-Length.");
        return;
    }
    r = create.final ? upload_tus_concat(x, &create, &upload) : upload_tus_open(x, &create, &upload);
    if (r < 0)
        return;
    upload_tus_created(x, &upload);
    if (!create.final && (x->left > 0 || (create.has_length && create.length == 0)))
        upload_tus_first(x, &upload);
    else
        exchange_empty(x, 201);
}

void upload_tus_collection(struct exchange *x, const struct router_path *path)
{
    if (upload_tus_begin(x) == 0)
        upload_tus_create(x);
}

/* ---- HEAD */

/* As long as what the client sent when it joined them: exchange_header has a bound of its own. */
static void upload_tus_parts(struct exchange *x, const struct upload *upload)
{
    char id[ID_TEXT_SIZE];

    buf_put_text(&x->headers, "Upload-Concat: final;");
    for (size_t i = 0; i < upload->parts_n; i++)
        buf_printf(&x->headers, "%s/api/v1/uploads/%s", i ? " " : "", id_format("upload", upload->parts[i], id));
    buf_put_text(&x->headers, "\r\n");
}

static void upload_tus_head(struct exchange *x, const struct upload *upload)
{
    struct blob_info info;
    uint64_t offset = upload->offset;

    if (upload->blob && blob_stat(x->front->blobs, upload->blob, &info) == 0)
        offset = info.size;
    exchange_header(x, "Upload-Offset", "%" PRIu64, offset);
    if (upload->has_length)
        exchange_header(x, "Upload-Length", "%" PRIu64, upload->length);
    else
        exchange_header(x, "Upload-Defer-Length", "1");
    if (upload->metadata)
        exchange_header(x, "Upload-Metadata", "%s", upload->metadata);
    if (upload->partial)
        exchange_header(x, "Upload-Concat", "partial");
    else if (upload->parts_n > 0)
        upload_tus_parts(x, upload);
    upload_tus_expires(x, upload);
    exchange_empty(x, 200);
}

/* ---- PATCH */

/* A length told late: once, and never changed. */
static int upload_tus_length(struct upload_sink *sink, const char **ret_reason)
{
    uint64_t length;
    bool has;
    int r = tus_read_length(sink->x->request, &has, &length, ret_reason);

    if (r < 0 || !has)
        return r;
    if (sink->has_length && sink->length != length) {
        *ret_reason = "The upload's length is known and cannot be changed.";
        return ERR_INVALID;
    }
    if (length < sink->frontier) {
        *ret_reason = "Upload-Length is less than what is there already.";
        return ERR_INVALID;
    }
    sink->has_length = true;
    sink->length = length;
    return 0;
}

static int upload_tus_check(struct upload_sink *sink, uint64_t offset, const char **ret_reason)
{
    struct exchange *x = sink->x;
    int r;

    if (offset != sink->frontier) {
        exchange_header(x, "Upload-Offset", "%" PRIu64, sink->frontier);
        *ret_reason = arena_printf(x->arena, "The upload stands at %" PRIu64 ", not at %" PRIu64 ".",
                                   sink->frontier, offset);
        return ERR_CONFLICT;
    }
    r = upload_tus_length(sink, ret_reason);
    if (r == 0 && sink->has_length && x->left > sink->length - sink->frontier) {
        *ret_reason = "The body goes beyond the upload's length.";
        r = ERR_TOO_LARGE;
    }
    return r;
}

static void upload_tus_patch(struct exchange *x, struct upload *upload)
{
    struct upload_sink sink;
    const char *reason = NULL;
    uint64_t offset;
    int r = tus_read_offset(x->request, &offset, &reason);

    if (r < 0) {
        exchange_problem(x, r, "%s", reason);
        return;
    }
    if (upload_open(x, upload, &sink) < 0)
        return;
    r = upload_tus_check(&sink, offset, &reason);
    if (r == 0)
        r = upload_tus_bytes(&sink, &reason);
    upload_close(&sink);
    if (r < 0) {
        upload_tus_refuse(x, r, reason);
        return;
    }
    exchange_header(x, "Upload-Offset", "%" PRIu64, sink.frontier);
    upload_tus_expires(x, upload);
    exchange_empty(x, 204);
}

/* ---- DELETE */

static void upload_tus_delete(struct exchange *x, const struct upload *upload)
{
    struct drop_upload ask = { .id = upload->id };
    int r = uploads_begin(x->front->uploads, upload->id, x->request, UPLOADS_TAKE);

    if (r < 0) {
        upload_problem(x, r);
        return;
    }
    r = call_ask(x, &drop_upload_call, &(struct call_extra) { .again_ms = CALL_AGAIN_MS }, &ask, NULL);
    uploads_end(x->front->uploads, upload->id);
    if (r < 0)
        call_problem(x, r);
    else
        exchange_empty(x, 204);
}

/* What a PATCH must be before anybody is asked. On an error it has been answered. */
static int upload_tus_patch_form(struct exchange *x)
{
    if (!exchange_type_is(x, UPLOAD_TYPE))
        return exchange_problem(x, ERR_UNSUPPORTED_MEDIA, "Content-Type must be " UPLOAD_TYPE ".");
    if (x->facts.length < 0)
        return exchange_problem(x, ERR_LENGTH_REQUIRED, "Send Content-Length.");
    return 0;
}

void upload_tus_one(struct exchange *x, const struct router_path *path)
{
    struct get_upload ask = { 0 };
    struct upload upload = { 0 };
    int r;

    if (upload_tus_begin(x) < 0 || (exchange_is(x, "PATCH") && upload_tus_patch_form(x) < 0))
        return;
    r = id_parse("upload", path->segment[3], &ask.id);
    if (r < 0) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such upload.");
        return;
    }
    r = call_ask(x, &get_upload_call, &(struct call_extra) { .again_ms = CALL_AGAIN_MS }, &ask, &upload);
    if (r < 0)
        call_problem(x, r);
    else if (exchange_is(x, "HEAD"))
        upload_tus_head(x, &upload);
    else if (exchange_is(x, "PATCH"))
        upload_tus_patch(x, &upload);
    else
        upload_tus_delete(x, &upload);
}

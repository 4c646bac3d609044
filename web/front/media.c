/* media - see media.h */
#include "web/front/media.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/media_token/media_token.h"
#include "gen/errors.h"
#include "gen/playback.h"
#include "web/front/budget.h"
#include "web/front/call.h"
#include "web/front/download.h"
#include "web/front/file.h"
#include "web/front/http/mime.h"
#include "web/front/http/range.h"
#include "web/front/identity.h"
#include "web/front/keyring.h"
#include "web/front/share.h"
#include "web/front/shelf.h"

#define MEDIA_YEAR_S INT64_C(31536000)

/* Digits without a zero in front, as versions stand in paths. */
static bool media_version(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);

    if (len < 1 || len > 9 || strspn(text, "0123456789") != len || (len > 1 && *text == '0'))
        return false;
    *ret = strtoull(text, NULL, 10);
    return true;
}

/* "media/{video}/{version}/..." of what follows the token; NULL: no such name can be. */
static const char *media_name(struct exchange *x, const struct router_path *path)
{
    struct buf name = { 0 };
    const char *text;

    buf_put_text(&name, "media");
    for (size_t i = 2; i < path->n; i++)
        buf_printf(&name, "/%s", path->segment[i]);
    text = name.len < BLOB_NAME_MAX && blob_name_valid(buf_text(&name)) ? arena_strdup(x->arena, buf_text(&name))
                                                                        : NULL;
    buf_free(&name);
    return text;
}

/* What never changes has the tag that nginx gives the same file: a player may be sent from one to the other. */
static const char *media_tag(struct exchange *x, uint64_t size, int64_t modified, bool fixed)
{
    if (fixed)
        return arena_printf(x->arena, "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)modified / 1000, size);
    return arena_printf(x->arena, "\"%" PRIx64 "-%" PRIx64 "\"", size, (uint64_t)modified);
}

/* The playlists that are replaced while a video grows, and what names them. */
static bool media_grows(const char *name)
{
    static const char *const growing[] = { "event.m3u8", "preview.m3u8", "event-2.m3u8", "preview-2.m3u8" };
    const char *leaf = strrchr(name, '/') + 1;
    bool grows = false;

    for (size_t i = 0; i < sizeof(growing) / sizeof(*growing); i++)
        grows |= strcmp(leaf, growing[i]) == 0;
    return grows;
}

/* How long whoever keeps it may: as long as the address is good. */
static const char *media_keep(struct exchange *x, int64_t expires_s)
{
    int64_t left = expires_s - front_now() / 1000;

    return arena_printf(x->arena, "public, max-age=%" PRId64 ", immutable",
                        left < MEDIA_YEAR_S ? left : MEDIA_YEAR_S);
}

static void media_send_text(struct exchange *x, const char *type, const struct shelf_text *text)
{
    struct file_out file = { .fd = -1,
                             .text = text->plain,
                             .packed = text->packed,
                             .size = text->plain.len,
                             .etag = media_tag(x, text->plain.len, text->modified, true),
                             .modified = text->modified,
                             .type = type,
                             .gzip = true,
                             .counter = FRONT_MEDIA_BYTES };

    file_send(x, &file);
}

/* Numbers that fit in nginx's own. */
static bool media_short(const char *range)
{
    for (; *range; range++)
        if (strspn(range, "0123456789") > 18)
            return false;
    return true;
}

/* Whether a proxy that proved itself says that it sees the blobs, beneath /_media/, and nginx answers this request as we do: one
 * range that is well formed, and no condition that it reads in another order. And how many bytes it asks for. */
static bool media_accel_asked(const struct exchange *x, uint64_t size, uint64_t *ret_bytes)
{
    const char *type = gate_header(x->request, "X-Sendfile-Type"), *header = gate_header(x->request, "Range");
    bool get = exchange_is(x, "GET");
    struct range ranges[RANGE_MAX];
    enum range_kind kind;
    size_t n = 0;

    if (!x->by_edge || !type || strcmp(type, "X-Accel-Redirect") != 0)
        return false;
    if (gate_header(x->request, "If-Match") || gate_header(x->request, "If-Unmodified-Since"))
        return false;
    if (header && (!get || strchr(header, ',') || !media_short(header)))
        return false;
    kind = range_parse(header, size, ranges, &n);
    *ret_bytes = !get || kind == RANGE_OUTSIDE ? 0
                 : kind == RANGE_PARTS         ? ranges[0].to - ranges[0].from + 1
                                               : size;
    return !header || kind != RANGE_WHOLE;
}

/* The proxy sends the file, and answers ranges and conditions. */
static void media_accel(struct exchange *x, const char *name, const struct mime *mime, uint64_t bytes)
{
    x->handed = bytes;
    exchange_header(x, "X-Accel-Redirect", "/_%s", name);
    exchange_begin(x, 200, mime->type, 0);
}

/* A small text that does not change any more, from the store to the shelf. False: it was not all there. */
static bool media_shelve(struct exchange *x, const char *name, int fd, const struct blob_info *info,
                         struct shelf_text **ret)
{
    struct file_far far = { x->front->blobs, name };
    char *data = malloc(SHELF_TEXT_MAX);
    ssize_t n;

    if (!data)
        abort();
    n = fd >= 0 ? pread(fd, data, SHELF_TEXT_MAX, 0) : (ssize_t)file_far_read(&far, data, SHELF_TEXT_MAX, 0);
    if (n >= 0 && (uint64_t)n == info->size)
        *ret = shelf_put(x->front->shelf, name, bytes_of(data, (size_t)n), info->modified, front_monotonic());
    free(data);
    return n >= 0 && (uint64_t)n == info->size;
}

static void media_send_file(struct exchange *x, const char *name, const struct mime *mime, bool fixed, int fd,
                            const struct blob_info *info)
{
    struct file_far far = { x->front->blobs, name };
    struct file_out file = { .fd = fd,
                             .read = fd < 0 ? file_far_read : NULL,
                             .read_ctx = &far,
                             .size = info->size,
                             .etag = media_tag(x, info->size, info->modified, fixed),
                             .modified = info->modified,
                             .type = mime->type,
                             .gzip = mime->text,
                             .counter = FRONT_MEDIA_BYTES };
    struct shelf_text *text;

    if (fixed && mime->text && info->size < SHELF_TEXT_MAX && media_shelve(x, name, fd, info, &text)) {
        media_send_text(x, mime->type, text);
        shelf_give_back(x->front->shelf, &text);
        return;
    }
    file_send(x, &file);
}

static void media_send(struct exchange *x, const char *name, int64_t expires_s)
{
    const struct mime *mime = mime_of(name);
    bool fixed = !media_grows(name);
    struct shelf_text *text = fixed && mime->text ? shelf_take(x->front->shelf, name, front_monotonic()) : NULL;
    struct blob_info info;
    uint64_t bytes;
    int fd, r;

    if (text) {
        x->cache = media_keep(x, expires_s);
        media_send_text(x, mime->type, text);
        shelf_give_back(x->front->shelf, &text);
        return;
    }
    r = blob_fd(x->front->blobs, name, &fd, &info);
    if (r == ERR_NOT_FOUND || r == ERR_INVALID) {
        exchange_problem(x, ERR_NOT_FOUND, "The video has no such file.");
        return;
    }
    if (r < 0) {
        exchange_problem(x, r,
                         r == ERR_UNAVAILABLE ? "The file lies in a place that does not answer at the moment."
                                              : "The file cannot be read now.");
        return;
    }
    fixed = fixed && !info.growing;
    x->cache = fixed ? media_keep(x, expires_s) : "no-cache";
    if (fixed && fd >= 0 && !mime->text && media_accel_asked(x, info.size, &bytes))
        media_accel(x, name, mime, bytes);
    else
        media_send_file(x, name, mime, fixed, fd, &info);
    if (fd >= 0)
        close(fd);
    else
        front_count(x->front, FRONT_MEDIA_FAR, 1);
}

/* A file of the store, or one that is put together of some. */
static void media_send_path(struct exchange *x, const struct router_path *path, const struct media_grant *grant)
{
    const char *name;

    if (strcmp(path->segment[4], "dl") == 0) {
        x->cache = media_keep(x, grant->expires_s);
        download_serve(x, path, grant);
        return;
    }
    name = media_name(x, path);
    if (name)
        media_send(x, name, grant->expires_s);
    else
        exchange_problem(x, ERR_NOT_FOUND, "The video has no such file.");
}

static void media_send_share(struct exchange *x, const struct router_path *path, const struct media_grant *grant)
{
    unsigned most = (unsigned)x->front->settings->media_per_client;
    struct budget budget;

    if (identity_is_trusted(x)) {
        media_send_path(x, path, grant);
    } else if (share_take(x->front->share, x->client, most)) {
        if (budget_admit(x, &budget) == 0) {
            media_send_path(x, path, grant);
            budget_spend(x, &budget);
        }
        share_give_back(x->front->share, x->client);
    } else {
        front_count(x->front, FRONT_RATE_LIMITED, 1);
        exchange_problem(
            x, ERR_RATE_LIMITED,
            "%u media files are on their way to your address, as many as may be at a time; ask again in a "
            "moment.",
            most);
    }
}

void media_serve(struct exchange *x, const struct router_path *path)
{
    uint64_t version;
    struct id video;
    struct media_grant grant;
    int r;

    x->what = "media";
    x->is_media = true;
    if (path->n < 5 || id_parse("video", path->segment[2], &video) < 0 ||
        !media_version(path->segment[3], &version)) {
        exchange_problem(x, ERR_NOT_FOUND, "A media address is /media/{token}/{video}/{version}/{file}.");
        return;
    }
    r = keyring_media(x->front->keyring, path->segment[1], video, version, front_now(), &grant);
    if (r == 0 && media_token_is_pictures(&grant) && strcmp(path->segment[4], "img") != 0)
        r = ERR_FORBIDDEN;
    if (r == ERR_UNAVAILABLE) {
        exchange_problem(x, r, "Media addresses cannot be checked now: their keys are not known yet.");
        return;
    }
    if (r < 0) {
        front_count(x->front, FRONT_MEDIA_REFUSALS, 1);
        exchange_problem(x, r, "This address is not valid for this video, or no longer: start playback again.");
        return;
    }
    media_send_share(x, path, &grant);
}

void media_stream(struct exchange *x, const struct router_path *path)
{
    struct start_playback ask = { 0 };
    struct playing reply = { 0 };
    int r;

    x->what = "stream";
    if (identity_admit(x, false, RATE_API) < 0)
        return;
    if (id_parse("video", path->segment[4], &ask.id) < 0) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such video.");
        return;
    }
    if (!identity_is_trusted(x))
        ask.address = x->client;
    r = call_ask(x, &start_playback_call, NULL, &ask, &reply);
    if (r < 0) {
        call_problem(x, r);
    } else if (!reply.hls_url || reply.hls_url[0] != '/') {
        exchange_problem(x, ERR_CONFLICT, "The video cannot be watched yet.");
    } else {
        exchange_header(x, "Location", "%s", reply.hls_url);
        exchange_empty(x, 302);
    }
}

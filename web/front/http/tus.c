/* tus - see tus.h */
#include "web/front/http/tus.h"

#include <string.h>

#include <sodium.h>

#include "gen/errors.h"
#include "schemas/wire/wire.h"
#include "web/front/http/gate.h"

static int tus_refuse(const char **ret_reason, int err, const char *reason)
{
    *ret_reason = reason;
    return err;
}

int tus_version(const struct mg_request_info *request, const char **ret_reason)
{
    const char *version = gate_header(request, "Tus-Resumable");

    if (!version || strcmp(version, TUS_VERSION) != 0)
        return tus_refuse(ret_reason, ERR_PRECONDITION, "Tus-Resumable must be 1.0.0.");
    return 0;
}

/* 1 to 13 digits: more than TUS_LENGTH_MAX has, and no overflow. */
static bool tus_number(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);

    if (len < 1 || len > 13 || strspn(text, "0123456789") != len)
        return false;
    for (*ret = 0; *text; text++)
        *ret = *ret * 10 + (uint64_t)(*text - '0');
    return true;
}

int tus_read_offset(const struct mg_request_info *request, uint64_t *ret, const char **ret_reason)
{
    const char *text = gate_header(request, "Upload-Offset");

    if (!text || !tus_number(text, ret))
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Offset must be a number of bytes.");
    return 0;
}

int tus_read_length(const struct mg_request_info *request, bool *ret_has, uint64_t *ret, const char **ret_reason)
{
    const char *text = gate_header(request, "Upload-Length");

    *ret_has = text != NULL;
    if (!text)
        return 0;
    if (!tus_number(text, ret))
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Length must be a number of bytes.");
    if (*ret > TUS_LENGTH_MAX)
        return tus_refuse(ret_reason, ERR_TOO_LARGE, "An upload is at most 1 TiB.");
    return 0;
}

/* Standard base64 with its padding. */
static bool tus_base64(const char *text, size_t len, void *to, size_t room, size_t *ret_n)
{
    const char *end;

    return sodium_base642bin(to, room, text, len, "", ret_n, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           end == text + len;
}

/* A NUL ends no text here: it is taken for a space. */
static void tus_no_nul(char *text, size_t n)
{
    for (char *p = text; (p = memchr(p, '\0', n - (size_t)(p - text))) != NULL;)
        *p++ = ' ';
}

/* One "key value" of Upload-Metadata; answers what follows its comma, NULL at the end. */
static const char *tus_pair(const char *p, const char **ret_key, size_t *ret_key_len, const char **ret_value,
                            size_t *ret_value_len)
{
    size_t len;

    p += strspn(p, " ");
    len = strcspn(p, ",");
    *ret_key = p;
    *ret_key_len = strcspn(p, " ,");
    *ret_value = p + *ret_key_len + strspn(p + *ret_key_len, " ");
    *ret_value_len = strcspn(*ret_value, " ,");
    return p[len] == ',' ? p + len + 1 : NULL;
}

static bool tus_metadata_ok(const char *metadata)
{
    char text[TUS_METADATA_MAX];

    do {
        const char *key, *value;
        size_t key_len, value_len, n, chars;
        const char *next = tus_pair(metadata, &key, &key_len, &value, &value_len);
        const char *behind = value + value_len + strspn(value + value_len, " ");

        if (key_len == 0 || (*behind != ',' && *behind != '\0') ||
            !tus_base64(value, value_len, text, sizeof(text), &n))
            return false;
        tus_no_nul(text, n);
        if (!wire_utf8(text, n, &chars))
            return false;
        metadata = next;
    } while (metadata);
    return true;
}

const char *tus_metadata(const char *metadata, const char *key, struct arena *arena)
{
    while (metadata) {
        const char *name, *value;
        size_t name_len, value_len, n;
        const char *next = tus_pair(metadata, &name, &name_len, &value, &value_len);

        if (name_len == strlen(key) && memcmp(name, key, name_len) == 0) {
            char *text = arena_alloc(arena, value_len + 1);

            if (!tus_base64(value, value_len, text, value_len, &n))
                return NULL;
            tus_no_nul(text, n);
            text[n] = '\0';
            return text;
        }
        metadata = next;
    }
    return NULL;
}

/* "final;/api/v1/uploads/upload_x /api/v1/uploads/upload_y", paths or whole addresses. */
static int tus_parts(const char *list, struct arena *arena, struct tus_create *ret, const char **ret_reason)
{
    size_t room = 0;
    struct id *parts;

    for (const char *p = list; *p; p++)
        room += *p == ' ';
    if (room + 1 > TUS_PARTS_MAX)
        return tus_refuse(ret_reason, ERR_TOO_LARGE, "At most 1000 uploads can be made into one.");
    parts = arena_alloc_n(arena, room + 1, sizeof(*parts));
    for (;;) {
        size_t len;
        char *text, *name;

        list += strspn(list, " ");
        if (!*list)
            break;
        len = strcspn(list, " ");
        text = arena_strndup(arena, list, len);
        name = strrchr(text, '/');
        if (id_parse("upload", name ? name + 1 : text, &parts[ret->parts_n++]) < 0)
            return tus_refuse(ret_reason, ERR_INVALID, "Upload-Concat names something that is no upload.");
        list += len;
    }
    ret->parts = parts;
    if (ret->parts_n == 0)
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Concat names no uploads.");
    return 0;
}

static int tus_read_concat(const struct mg_request_info *request, struct arena *arena, struct tus_create *ret,
                           const char **ret_reason)
{
    const char *text = gate_header(request, "Upload-Concat");

    if (!text)
        return 0;
    if (strcmp(text, "partial") == 0) {
        ret->partial = true;
        return 0;
    }
    if (strncmp(text, "final;", 6) != 0)
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Concat must be `partial` or `final;` and uploads.");
    ret->final = true;
    return tus_parts(text + 6, arena, ret, ret_reason);
}

/* Our own headers. */
static int tus_read_place(const struct mg_request_info *request, struct tus_create *ret, const char **ret_reason)
{
    const char *video = gate_header(request, "Upload-Video"), *at = gate_header(request, "Upload-At");
    const char *total = gate_header(request, "Upload-Total");

    if (video && id_parse("video", video, &ret->video) < 0)
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Video must be the id of a video.");
    if (at && (!tus_number(at, &ret->at) || ret->at > TUS_LENGTH_MAX))
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-At must be a number of bytes, at most 1 TiB.");
    if (total && (!tus_number(total, &ret->total) || ret->total > TUS_LENGTH_MAX))
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Total must be a number of bytes, at most 1 TiB.");
    return 0;
}

int tus_read_create(const struct mg_request_info *request, struct arena *arena, struct tus_create *ret,
                    const char **ret_reason)
{
    const char *deferred = gate_header(request, "Upload-Defer-Length");
    int r;

    *ret = (struct tus_create) { .metadata = gate_header(request, "Upload-Metadata") };
    r = tus_read_concat(request, arena, ret, ret_reason);
    if (r == 0)
        r = tus_read_length(request, &ret->has_length, &ret->length, ret_reason);
    if (r == 0)
        r = tus_read_place(request, ret, ret_reason);
    if (r < 0)
        return r;
    if (deferred && strcmp(deferred, "1") != 0)
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Defer-Length must be 1.");
    ret->deferred = deferred != NULL;
    if (!ret->final && ret->has_length == ret->deferred)
        return tus_refuse(ret_reason, ERR_INVALID, "Send either Upload-Length or Upload-Defer-Length.");
    if (ret->final && (ret->has_length || ret->deferred))
        return tus_refuse(ret_reason, ERR_INVALID,
                          "The length of a final upload is that of its parts: send none.");
    if (ret->metadata && !*ret->metadata)
        ret->metadata = NULL;
    if (ret->metadata && strlen(ret->metadata) > TUS_METADATA_MAX)
        return tus_refuse(ret_reason, ERR_TOO_LARGE, "Upload-Metadata is at most 1024 bytes.");
    if (ret->metadata && !tus_metadata_ok(ret->metadata))
        return tus_refuse(ret_reason, ERR_INVALID,
                          "Upload-Metadata must be pairs of a key and UTF-8 text in base64.");
    return 0;
}

int tus_read_sum(const struct mg_request_info *request, struct tus_sum *ret, const char **ret_reason)
{
    const char *text = gate_header(request, "Upload-Checksum"), *value;
    size_t n, want;

    *ret = (struct tus_sum) { .kind = TUS_SUM_NONE };
    if (!text)
        return 0;
    if (strncmp(text, "sha1 ", 5) == 0)
        ret->kind = TUS_SUM_SHA1, want = SHA1_SIZE, value = text + 5;
    else if (strncmp(text, "sha256 ", 7) == 0)
        ret->kind = TUS_SUM_SHA256, want = sizeof(ret->want), value = text + 7;
    else
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Checksum knows sha1 and sha256.");
    if (!tus_base64(value, strlen(value), ret->want, sizeof(ret->want), &n) || n != want)
        return tus_refuse(ret_reason, ERR_INVALID, "Upload-Checksum holds no checksum of that kind in base64.");
    return 0;
}

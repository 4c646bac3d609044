/* s3 - see s3.h: one object, put and read. */
#include "data/blobs/s3_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "data/blobs/s3_xml.h"
#include "gen/errors.h"

#define S3_TEXT_MOST ((size_t)4 * 1024 * 1024) /* a page of a list: 1,000 names of a KiB each, and more */
#define S3_PIECE     ((size_t)1024 * 1024)

static const char s3_empty[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; /* SHA-256 of nothing */

/* ---- what is asked */

void s3_escape(struct buf *to, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-_.~", c))
            buf_put(to, text, 1);
        else
            buf_printf(to, "%%%02X", c);
    }
}

/* A file that was changed is read again, and what cannot be read leaves them as they were. */
struct s3_keys s3_keys_now(struct s3_blobs *s)
{
    char error[S3_SAID_MAX];
    struct timespec changed;
    struct s3_keys keys;

    pthread_mutex_lock(&s->lock);
    if (s3_keys_changed(&s->where, &s->keys_changed) && s3_keys_read(&s->where, &keys, &changed, error) == 0) {
        s->keys = keys;
        s->keys_changed = changed;
    }
    keys = s->keys;
    pthread_mutex_unlock(&s->lock);
    return keys;
}

static void s3_sign(struct s3_blobs *s, struct remote_try *to)
{
    struct s3_keys keys = s3_keys_now(s);
    char how[S3_REGION_MAX + 32];

    snprintf(how, sizeof(how), "aws:amz:%s:s3", s->where.region);
    to->lib->setopt(to->easy, CURLOPT_AWS_SIGV4, how);
    to->lib->setopt(to->easy, CURLOPT_USERNAME, keys.id);
    to->lib->setopt(to->easy, CURLOPT_PASSWORD, keys.secret);
    if (*keys.token) {
        struct buf header = { 0 };

        buf_printf(&header, "X-Amz-Security-Token: %s", keys.token);
        to->headers = to->lib->slist_append(to->headers, buf_text(&header));
        sodium_memzero(header.data, header.len);
        buf_free(&header);
    }
    sodium_memzero(&keys, sizeof(keys));
}

/* libcurl 7.88 signs a query as it stands: its words come by their names, each with a '='. It signs all headers of ours, too. */
static int s3_prepare(struct remote *remote, const struct remote_ask *ask, struct remote_try *to)
{
    struct s3_blobs *s = (struct s3_blobs *)remote;
    const struct s3_more *more = ask->more;
    char hex[2 * S3_HASH + 1];
    uint8_t sum[S3_HASH];
    int n = snprintf(to->url, sizeof(to->url), "%s/%s%s%s%s%s%s", s->where.endpoint, s->where.bucket,
                     *ask->name ? "/" : "", *ask->name ? s->where.prefix : "", ask->name, ask->query ? "?" : "",
                     ask->query ? ask->query : "");

    if (n < 0 || (size_t)n >= sizeof(to->url))
        return ERR_INVALID;
    s3_sign(s, to);
    if (ask->body.len) {
        struct sha256 hash;

        sha256_init(&hash);
        sha256_update(&hash, ask->body.data, ask->body.len);
        sha256_final(&hash, sum);
        remote_header(to, "x-amz-content-sha256: %s", sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum)));
    } else {
        remote_header(to, "x-amz-content-sha256: %s", s3_empty);
    }
    if (ask->method == REMOTE_PUT || ask->method == REMOTE_POST)
        remote_header(to, "Content-Type: application/%s", ask->method == REMOTE_PUT ? "octet-stream" : "xml");
    if (more && more->condition && !s->no_condition)
        remote_header(to, "If-None-Match: *");
    if (more && more->hash)
        remote_header(to, "x-amz-meta-blake2b: %s", sodium_bin2hex(hex, sizeof(hex), more->hash, BLOB_HASH_SIZE));
    if (more && more->modified)
        remote_header(to, "x-amz-meta-modified: %" PRId64, more->modified);
    return 0;
}

/* ---- what is answered */

static void s3_hear(struct remote_ask *ask, const char *line)
{
    struct blob_info *info = &ask->info;
    const char *value;
    struct tm tm = { 0 };

    if ((value = remote_value(line, "Content-Length")) != NULL)
        info->size = strtoull(value, NULL, 10);
    else if ((value = remote_value(line, "x-amz-meta-blake2b")) != NULL)
        info->hashed = remote_hash(value, info->hash);
    else if ((value = remote_value(line, "x-amz-meta-modified")) != NULL)
        info->modified = strtoll(value, NULL, 10);
    else if ((value = remote_value(line, "Last-Modified")) != NULL && !info->modified &&
             strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm))
        info->modified = (int64_t)timegm(&tm) * 1000;
}

struct s3_refusal {
    char code[64], message[200];
};

static int s3_refusal_word(void *ctx, const char *path, const char *text)
{
    struct s3_refusal *r = ctx;

    if (strcmp(path, "Error/Code") == 0)
        snprintf(r->code, sizeof(r->code), "%.*s", (int)sizeof(r->code) - 1, text);
    else if (strcmp(path, "Error/Message") == 0)
        snprintf(r->message, sizeof(r->message), "%.*s", (int)sizeof(r->message) - 1, text);
    return 0;
}

/* For a log: what is no plain character is a point. */
static void s3_remember(struct s3_blobs *s, long status, const struct s3_refusal *r)
{
    pthread_mutex_lock(&s->lock);
    snprintf(s->said, sizeof(s->said), "%ld %s%s%s", status, r->code, *r->message ? ": " : "", r->message);
    for (char *c = s->said; *c; c++)
        if (*c < ' ' || *c > '~' || *c == '"')
            *c = '.';
    pthread_mutex_unlock(&s->lock);
}

static int s3_refused(const char *code, long status)
{
    static const struct {
        const char *code;
        int err;
    } known[] = { { "NoSuchBucket", ERR_UNAVAILABLE },   { "RequestTimeout", ERR_AGAIN },
                  { "IncompleteBody", ERR_AGAIN },       { "BadDigest", ERR_AGAIN },
                  { "InternalError", ERR_AGAIN },        { "SlowDown", ERR_AGAIN },
                  { "QuotaExceeded", ERR_STORE_FULL },   { "XMinioStorageFull", ERR_STORE_FULL },
                  { "EntityTooLarge", ERR_TOO_LARGE },   { "XAmzContentSHA256Mismatch", ERR_AGAIN },
                  { "NotImplemented", ERR_UNSUPPORTED }, { "MethodNotAllowed", ERR_UNSUPPORTED },
                  { "NoSuchUpload", ERR_GONE },          { "InvalidPart", ERR_CHECKSUM },
                  { "InvalidPartOrder", ERR_CHECKSUM } };

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (strcmp(code, known[i].code) == 0)
            return known[i].err;
    switch (status) {
    case 401:
    case 403: return ERR_FORBIDDEN;
    case 404: return ERR_NOT_FOUND;
    case 405:
    case 501: return ERR_UNSUPPORTED;
    case 408:
    case 409: /* another put of the name is under way */
    case 429:
    case 500:
    case 502:
    case 503:
    case 504: return ERR_AGAIN;
    case 412: return ERR_EXISTS;
    case 413: return ERR_TOO_LARGE;
    case 416: return ERR_EOF;
    case 507: return ERR_STORE_FULL;
    default: return ERR_IO;
    }
}

static int s3_answered(struct remote *remote, const struct remote_ask *ask)
{
    struct s3_refusal refusal = { .code = "" };
    int r;

    if (ask->status >= 200 && ask->status < 300)
        return ask->method == REMOTE_GET && !ask->text && ask->status != 206 ? ERR_IO : 0;
    s3_xml_walk(bytes_of_text(ask->said), s3_refusal_word, &refusal);
    r = s3_refused(refusal.code, ask->status);
    if (r != ERR_NOT_FOUND && r != ERR_EXISTS && r != ERR_EOF && r != ERR_GONE)
        s3_remember((struct s3_blobs *)remote, ask->status, &refusal);
    return r;
}

static void s3_unanswered(struct remote *remote, const char *why)
{
    struct s3_blobs *s = (struct s3_blobs *)remote;

    pthread_mutex_lock(&s->lock);
    snprintf(s->said, sizeof(s->said), "no answer: %s", why);
    pthread_mutex_unlock(&s->lock);
}

static const struct remote_kind s3_kind = {
    .prepare = s3_prepare, .header = s3_hear, .unanswered = s3_unanswered, .answered = s3_answered
};

int s3_text(struct s3_blobs *s, const char *query, struct buf *ret)
{
    struct remote_ask ask = {
        .method = REMOTE_GET, .name = "", .query = query, .text = ret, .text_most = S3_TEXT_MOST
    };

    return remote_do(&s->remote, &ask);
}

/* ---- put */

static int s3_stat(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    struct remote_ask ask = { .method = REMOTE_HEAD, .name = name };
    int r = remote_do(&s3_of(blobs)->remote, &ask);

    if (r == 0)
        *ret = ask.info;
    return r;
}

static int s3_hash(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE])
{
    crypto_generichash_state hash;
    uint8_t *piece = malloc(S3_PIECE);
    uint64_t at = 0;
    size_t got;
    int r;

    if (!piece)
        abort();
    crypto_generichash_init(&hash, NULL, 0, BLOB_HASH_SIZE);
    while ((r = remote_read(blobs, name, at, piece, S3_PIECE, &got)) == 0) {
        crypto_generichash_update(&hash, piece, got);
        at += got;
    }
    free(piece);
    if (r == ERR_EOF)
        crypto_generichash_final(&hash, ret, BLOB_HASH_SIZE);
    return r == ERR_EOF ? 0 : r;
}

int s3_look(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    struct blob_info info;
    int r = s3_stat(blobs, name, &info);

    if (r == 0 && !info.hashed)
        info.hashed = (r = s3_hash(blobs, name, info.hash)) == 0;
    if (r == 0 && ret)
        *ret = info;
    return r == 0 ? ERR_EXISTS : r == ERR_NOT_FOUND ? 0 : r;
}

int s3_put_object(struct s3_blobs *s, const char *name, struct bytes data, const struct s3_more *more,
                  struct blob_info *ret)
{
    struct remote_ask ask = { .method = REMOTE_PUT, .name = name, .body = data, .more = more };
    struct blob_info there = { 0 };
    int r = more->condition ? s3_look(&s->remote.base, name, ret) : 0;

    if (r < 0)
        return r;
    r = remote_do(&s->remote, &ask);
    if (r == ERR_UNSUPPORTED && more->condition && !s->no_condition) {
        s->no_condition = true;
        r = remote_do(&s->remote, &ask);
    }
    if (r == ERR_EXISTS && s3_look(&s->remote.base, name, &there) == ERR_EXISTS) {
        if (there.size == data.len && memcmp(there.hash, more->hash, BLOB_HASH_SIZE) == 0)
            r = 0; /* nothing lay there a moment ago: the answer to a try before was lost (libcurl makes some by itself) */
        else if (ret)
            *ret = there;
    }
    if (r == 0 && ret) {
        *ret = (struct blob_info) { .size = data.len, .hashed = true, .modified = more->modified };
        memcpy(ret->hash, more->hash, BLOB_HASH_SIZE);
    }
    remote_forget(&s->remote, name);
    return r;
}

static int s3_put_all(struct blobs *blobs, const char *name, struct bytes data, bool condition,
                      struct blob_info *ret)
{
    uint8_t hash[BLOB_HASH_SIZE];
    const struct s3_more more = { .hash = hash, .condition = condition };

    crypto_generichash(hash, sizeof(hash), data.data, data.len, NULL, 0);
    return s3_put_object(s3_of(blobs), name, data, &more, ret);
}

static int s3_put(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    return s3_put_all(blobs, name, data, false, ret);
}

static int s3_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    return s3_put_all(blobs, name, data, true, ret);
}

/* ---- the backend */

static void s3_close(struct blobs *blobs)
{
    struct s3_blobs *s = s3_of(blobs);

    remote_close(&s->remote);
    for (size_t i = 0; i < s->known_n; i++)
        free(s->known[i]);
    free(s->known);
    pthread_mutex_destroy(&s->lock);
    sodium_memzero(&s->keys, sizeof(s->keys));
    free(s);
}

static const struct blob_backend s3_backend = {
    .close = s3_close,
    .put = s3_put,
    .put_new = s3_put_new,
    .new = s3_new,
    .write = s3_write,
    .commit = s3_commit,
    .abort = s3_abort,
    .stat = s3_stat,
    .hash = s3_hash,
    .read = remote_read,
    .list = s3_list,
    .delete = s3_delete,
    .delete_tree = s3_delete_tree,
    .sweep = s3_sweep,
    .traffic = remote_traffic,
};

bool blobs_s3_has(const struct blobs *blobs)
{
    return blobs->backend == &s3_backend;
}

int blobs_s3_open(const char *uri, const struct blobs_s3_options *o, struct blobs **ret, char error[S3_SAID_MAX])
{
    const struct remote_options how = { .connect_ms = o->connect_ms,
                                        .quiet_s = o->quiet_s,
                                        .patience_ms = o->patience_ms,
                                        .rest_ms = o->rest_ms,
                                        .ahead = o->ahead,
                                        .lines = o->lines,
                                        .cancel = o->cancel };
    struct s3_blobs *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        abort();
    r = sodium_init() < 0 ? ERR_INTERNAL : s3_where(uri, &s->where, error);
    if (r == 0 && o->reads && *s->where.readers)
        memcpy(s->where.file, s->where.readers, sizeof(s->where.file));
    if (r == 0)
        r = s3_keys_read(&s->where, &s->keys, &s->keys_changed, error);
    if (r == 0 && (r = remote_open(&s->remote, &s3_backend, &s3_kind, &how)) < 0)
        snprintf(error, S3_SAID_MAX, "s3: it needs libcurl.so.4 (Debian: libcurl4)");
    if (r < 0) {
        sodium_memzero(&s->keys, sizeof(s->keys));
        free(s);
        return r;
    }
    s->part = (size_t)(o->part_mib < 5 ? 5 : o->part_mib > 1024 ? 1024 : o->part_mib) << 20;
    pthread_mutex_init(&s->lock, NULL);
    *ret = &s->remote.base;
    return 0;
}

int blobs_s3_try(struct blobs *blobs)
{
    struct buf text = { 0 }, query = { 0 };
    int r;

    buf_put_text(&query, "list-type=2&max-keys=1&prefix=");
    s3_escape(&query, s3_of(blobs)->where.prefix);
    r = s3_text(s3_of(blobs), buf_text(&query), &text);
    buf_free(&query);
    buf_free(&text);
    return r;
}

void blobs_s3_said(struct blobs *blobs, char said[S3_SAID_MAX])
{
    struct s3_blobs *s = s3_of(blobs);

    pthread_mutex_lock(&s->lock);
    memcpy(said, s->said, S3_SAID_MAX);
    pthread_mutex_unlock(&s->lock);
}

const char *blobs_s3_place(struct blobs *blobs)
{
    return s3_of(blobs)->where.place;
}

/* http - see http.h */
#include "data/blobs/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "data/blobs/remote.h"
#include "gen/errors.h"

#define HTTP_URL_MAX    400
#define HTTP_RIGHT_MAX  128
#define HTTP_RIGHTS     8
#define HTTP_STATUS_SUM 460 /* of ERR_CHECKSUM: what was put was spoilt on its way */

struct http_right {
    enum blobs_http_may may;
    char folder[BLOB_NAME_MAX + 1], text[HTTP_RIGHT_MAX];
};

struct http_blobs {
    struct remote remote;
    char url[HTTP_URL_MAX + 1];
    struct http_right rights[HTTP_RIGHTS];
    size_t rights_n;
};

static struct http_blobs *http_of(struct blobs *blobs)
{
    return (struct http_blobs *)blobs;
}

/* ---- one try */

static const struct http_right *http_right(const struct http_blobs *h, const struct remote_ask *ask)
{
    enum blobs_http_may may = ask->method == REMOTE_PUT ? BLOBS_HTTP_PUT_NEW : BLOBS_HTTP_READ;

    for (size_t i = 0; i < h->rights_n; i++)
        if (h->rights[i].may == may && strncmp(ask->name, h->rights[i].folder, strlen(h->rights[i].folder)) == 0)
            return &h->rights[i];
    return NULL;
}

static int http_prepare(struct remote *remote, const struct remote_ask *ask, struct remote_try *to)
{
    const struct http_blobs *h = (const struct http_blobs *)remote;
    const struct http_right *right = http_right(h, ask);
    char hex[2 * BLOB_HASH_SIZE + 1];

    if (!right)
        return ERR_FORBIDDEN;
    snprintf(to->url, sizeof(to->url), "%s/blobs/%s/%s", h->url, right->text, ask->name);
    if (ask->method == REMOTE_PUT) /* more: the hash of what is put */
        remote_header(to, "Blob-Hash: %s", sodium_bin2hex(hex, sizeof(hex), ask->more, BLOB_HASH_SIZE));
    return 0;
}

static void http_hear(struct remote_ask *ask, const char *line)
{
    struct blob_info *info = &ask->info;
    const char *value;

    if ((value = remote_value(line, "Blob-Size")) != NULL)
        info->size = strtoull(value, NULL, 10);
    else if ((value = remote_value(line, "Blob-Modified")) != NULL)
        info->modified = strtoll(value, NULL, 10);
    else if ((value = remote_value(line, "Blob-Growing")) != NULL)
        info->growing = *value == '1';
    else if ((value = remote_value(line, "Blob-Hash")) != NULL)
        info->hashed = remote_hash(value, info->hash);
}

static int http_answered(struct remote *remote, const struct remote_ask *ask)
{
    switch (ask->status) {
    case 200:
    case 201: return ask->method != REMOTE_GET ? 0 : ERR_IO;
    case 206: return ask->method == REMOTE_GET ? 0 : ERR_IO;
    case 401:
    case 403: return ERR_FORBIDDEN;
    case 404: return ERR_NOT_FOUND;
    case 409: return ERR_EXISTS;
    case 413: return ERR_TOO_LARGE;
    case 416: return ERR_EOF;
    case 503: return ask->info.growing ? ERR_WAIT : ERR_AGAIN;
    case 507: return ERR_STORE_FULL;
    case 408:
    case 429:
    case 500:
    case 502:
    case 504:
    case HTTP_STATUS_SUM: return ERR_AGAIN;
    default: return ERR_IO;
    }
}

static const struct remote_kind http_kind = { .prepare = http_prepare,
                                              .header = http_hear,
                                              .answered = http_answered };

/* ---- the backend */

/* Whether what the front told of is what was put. */
static bool http_is_ours(const struct remote_ask *ask)
{
    return ask->info.hashed && ask->info.size == ask->body.len &&
           memcmp(ask->info.hash, ask->more, BLOB_HASH_SIZE) == 0;
}

static int http_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    uint8_t hash[BLOB_HASH_SIZE];
    struct remote_ask ask = { .method = REMOTE_PUT, .name = name, .body = data, .more = hash };
    int r;

    crypto_generichash(hash, sizeof(hash), data.data, data.len, NULL, 0);
    r = remote_do(&http_of(blobs)->remote, &ask);
    if (r == ERR_EXISTS && ask.tries > 1 && http_is_ours(&ask)) /* the answer to a try before was lost */
        r = 0;
    if (r == 0 && !http_is_ours(&ask))
        r = ERR_IO;
    if (ret && (r == 0 || r == ERR_EXISTS))
        *ret = ask.info;
    return r;
}

static int http_stat(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    struct remote_ask ask = { .method = REMOTE_HEAD, .name = name };
    int r = remote_do(&http_of(blobs)->remote, &ask);

    if (r == 0)
        *ret = ask.info;
    return r;
}

static void http_close(struct blobs *blobs)
{
    struct http_blobs *h = http_of(blobs);

    remote_close(&h->remote);
    sodium_memzero(h->rights, sizeof(h->rights));
    free(h);
}

static const struct blob_backend http_backend = {
    .close = http_close,
    .put_new = http_put_new,
    .stat = http_stat,
    .read = remote_read,
    .traffic = remote_traffic,
};

int blobs_http_open(const struct blobs_http_options *options, struct blobs **ret)
{
    const struct remote_options how = { .connect_ms = options->connect_ms,
                                        .quiet_s = options->quiet_s,
                                        .patience_ms = options->patience_ms,
                                        .ahead = options->ahead,
                                        .lines = 1,
                                        .cancel = options->cancel };
    struct http_blobs *h;
    size_t len;
    int r;

    if (!remote_url_valid(options->url, HTTP_URL_MAX) || sodium_init() < 0)
        return ERR_INVALID;
    h = calloc(1, sizeof(*h));
    if (!h)
        abort();
    r = remote_open(&h->remote, &http_backend, &http_kind, &how);
    if (r < 0) {
        free(h);
        return r;
    }
    len = strlen(options->url);
    while (options->url[len - 1] == '/')
        len--;
    memcpy(h->url, options->url, len);
    *ret = &h->remote.base;
    return 0;
}

int blobs_http_allow(struct blobs *blobs, enum blobs_http_may may, const char *folder, const char *right)
{
    struct http_blobs *h = http_of(blobs);
    struct http_right *to = &h->rights[h->rights_n];
    size_t len = strlen(right);

    if (h->rights_n == HTTP_RIGHTS || len < 1 || len >= HTTP_RIGHT_MAX || strlen(folder) > BLOB_NAME_MAX ||
        strspn(right, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len)
        return ERR_INVALID;
    to->may = may;
    strcpy(to->folder, folder);
    strcpy(to->text, right);
    h->rights_n++;
    return 0;
}

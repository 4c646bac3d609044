/* http - see http.h */
#include "data/blobs/http.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sodium.h>

#include "data/blobs/backend.h"
#include "data/blobs/curl.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

#define HTTP_URL_MAX    400
#define HTTP_RIGHT_MAX  128
#define HTTP_RIGHTS     8
#define HTTP_PROBLEM    (64 * 1024)         /* bytes of a refusal that are let in, and dropped */
#define HTTP_FAR        ((uint64_t)1 << 62) /* no object reaches there */
#define HTTP_STATUS_SUM 460                 /* of ERR_CHECKSUM: what was put was spoilt on its way */

struct http_right {
    enum blobs_http_may may;
    char folder[BLOB_NAME_MAX + 1], text[HTTP_RIGHT_MAX];
};

/* What was fetched last, of which reads are answered as far as it reaches. */
struct http_window {
    char name[BLOB_NAME_MAX + 1];
    uint64_t at;
    uint8_t *data;
    size_t len, room;
    size_t ahead; /* fetched beyond what was asked for, while reads go on and on */
};

struct http_blobs {
    struct blobs base;
    const struct curl *lib;
    CURL *easy;
    pthread_mutex_t lock;
    struct blobs_http_options how;
    char url[HTTP_URL_MAX + 1];
    struct http_right rights[HTTP_RIGHTS];
    size_t rights_n;
    struct http_window window;
    struct blobs_http_traffic traffic;
};

/* One request and what came of it. */
struct http_ask {
    struct http_blobs *h;
    enum blobs_http_may may;
    const char *name;
    bool head;                    /* only what the object is like */
    uint64_t from;                /* of what is read: `room` bytes */
    struct bytes body;            /* of what is put */
    uint8_t hash[BLOB_HASH_SIZE]; /* of that */
    size_t sent;
    /* answered */
    long status;
    uint8_t *to;
    size_t room, got, dropped;
    uint64_t range_from;
    bool ranged;
    struct blob_info info;
};

static struct http_blobs *http_of(struct blobs *blobs)
{
    return (struct http_blobs *)blobs;
}

/* ---- what libcurl calls */

static size_t http_take(char *data, size_t size, size_t n, void *ctx)
{
    struct http_ask *ask = ctx;

    n *= size;
    ask->h->lib->getinfo(ask->h->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    if (ask->status != 206) {
        ask->dropped += n;
        return ask->dropped > HTTP_PROBLEM ? 0 : n;
    }
    if (n > ask->room - ask->got)
        return 0;
    memcpy(ask->to + ask->got, data, n);
    ask->got += n;
    ask->h->traffic.read += n;
    return n;
}

static size_t http_give(char *to, size_t size, size_t n, void *ctx)
{
    struct http_ask *ask = ctx;
    size_t len = size * n < ask->body.len - ask->sent ? size * n : ask->body.len - ask->sent;

    memcpy(to, (const uint8_t *)ask->body.data + ask->sent, len);
    ask->sent += len;
    ask->h->traffic.put += len;
    return len;
}

/* Back to the start of what is put: libcurl does so when a connection that it kept turns out to be closed. */
static int http_rewind(void *ctx, curl_off_t offset, int origin)
{
    struct http_ask *ask = ctx;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > ask->body.len)
        return CURL_SEEKFUNC_FAIL;
    ask->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* "Name: value" of the answer; NULL: another header. */
static const char *http_header(const char *line, const char *name)
{
    size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return NULL;
    line += len + 1;
    return line + strspn(line, " \t");
}

static size_t http_hear(char *data, size_t size, size_t n, void *ctx)
{
    struct http_ask *ask = ctx;
    struct blob_info *info = &ask->info;
    char line[256];
    const char *value;
    size_t len = 0;

    snprintf(line, sizeof(line), "%.*s", (int)(size * n < 255 ? size * n : 255), data);
    if (strncmp(line, "HTTP/", 5) == 0) { /* another answer begins: 100 Continue was one */
        *info = (struct blob_info) { .size = 0 };
        ask->ranged = false;
    }
    line[strcspn(line, "\r\n")] = 0;
    if ((value = http_header(line, "Blob-Size")) != NULL)
        info->size = strtoull(value, NULL, 10);
    else if ((value = http_header(line, "Blob-Modified")) != NULL)
        info->modified = strtoll(value, NULL, 10);
    else if ((value = http_header(line, "Blob-Growing")) != NULL)
        info->growing = *value == '1';
    else if ((value = http_header(line, "Blob-Hash")) != NULL)
        info->hashed = sodium_hex2bin(info->hash, sizeof(info->hash), value, strlen(value), NULL, &len, NULL) ==
                           0 &&
                       len == sizeof(info->hash);
    else if ((value = http_header(line, "Content-Range")) != NULL)
        ask->ranged = sscanf(value, "bytes %" SCNu64 "-", &ask->range_from) == 1;
    return size * n;
}

static bool http_cancelled(const struct http_blobs *h)
{
    return h->how.cancel && atomic_load(h->how.cancel);
}

static int http_going_on(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    return http_cancelled(ctx);
}

/* ---- one try */

static const struct http_right *http_right(const struct http_blobs *h, const struct http_ask *ask)
{
    for (size_t i = 0; i < h->rights_n; i++)
        if (h->rights[i].may == ask->may &&
            strncmp(ask->name, h->rights[i].folder, strlen(h->rights[i].folder)) == 0)
            return &h->rights[i];
    return NULL;
}

static void http_options(struct http_blobs *h, struct http_ask *ask, const char *url)
{
    const struct curl *lib = h->lib;

    lib->reset(h->easy);
    lib->setopt(h->easy, CURLOPT_URL, url);
    lib->setopt(h->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    lib->setopt(h->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    lib->setopt(h->easy, CURLOPT_PROXY, "");
    lib->setopt(h->easy, CURLOPT_PATH_AS_IS, 1L);
    lib->setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
    lib->setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)h->how.connect_ms);
    lib->setopt(h->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib->setopt(h->easy, CURLOPT_LOW_SPEED_TIME, (long)h->how.quiet_s);
    lib->setopt(h->easy, CURLOPT_WRITEFUNCTION, http_take);
    lib->setopt(h->easy, CURLOPT_WRITEDATA, ask);
    lib->setopt(h->easy, CURLOPT_HEADERFUNCTION, http_hear);
    lib->setopt(h->easy, CURLOPT_HEADERDATA, ask);
    lib->setopt(h->easy, CURLOPT_NOPROGRESS, 0L);
    lib->setopt(h->easy, CURLOPT_XFERINFOFUNCTION, http_going_on);
    lib->setopt(h->easy, CURLOPT_XFERINFODATA, h);
}

/* What the request is of: headers that the caller frees. */
static struct curl_slist *http_request(struct http_blobs *h, struct http_ask *ask)
{
    const struct curl *lib = h->lib;
    struct curl_slist *headers = NULL;
    char text[2 * BLOB_HASH_SIZE + 32];

    if (ask->may == BLOBS_HTTP_PUT_NEW) {
        memcpy(text, "Blob-Hash: ", 11);
        sodium_bin2hex(text + 11, sizeof(text) - 11, ask->hash, sizeof(ask->hash));
        headers = lib->slist_append(NULL, text);
        lib->setopt(h->easy, CURLOPT_UPLOAD, 1L);
        lib->setopt(h->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ask->body.len);
        lib->setopt(h->easy, CURLOPT_READFUNCTION, http_give);
        lib->setopt(h->easy, CURLOPT_READDATA, ask);
        lib->setopt(h->easy, CURLOPT_SEEKFUNCTION, http_rewind);
        lib->setopt(h->easy, CURLOPT_SEEKDATA, ask);
    } else if (ask->head) {
        lib->setopt(h->easy, CURLOPT_NOBODY, 1L);
    } else {
        snprintf(text, sizeof(text), "%" PRIu64 "-%" PRIu64, ask->from, ask->from + ask->room - 1);
        lib->setopt(h->easy, CURLOPT_RANGE, text);
    }
    lib->setopt(h->easy, CURLOPT_HTTPHEADER, headers);
    return headers;
}

/* ERR_AGAIN: another try may help. */
static int http_answered(const struct http_ask *ask)
{
    switch (ask->status) {
    case 200:
    case 201: return ask->may == BLOBS_HTTP_PUT_NEW || ask->head ? 0 : ERR_IO;
    case 206: return ask->ranged && ask->range_from == ask->from && ask->got > 0 ? 0 : ERR_IO;
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

static int http_try(struct http_blobs *h, struct http_ask *ask)
{
    char url[HTTP_URL_MAX + HTTP_RIGHT_MAX + BLOB_NAME_MAX + 16];
    const struct http_right *right = http_right(h, ask);
    struct curl_slist *headers;
    CURLcode code;

    if (!right)
        return ERR_FORBIDDEN;
    ask->status = 0;
    ask->sent = ask->got = ask->dropped = 0;
    snprintf(url, sizeof(url), "%s/blobs/%s/%s", h->url, right->text, ask->name);
    http_options(h, ask, url);
    headers = http_request(h, ask);
    code = h->lib->perform(h->easy);
    h->lib->slist_free(headers);
    sodium_memzero(url, sizeof(url));
    if (http_cancelled(h))
        return ERR_CANCELLED;
    h->lib->getinfo(h->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    /* a refusal counts though not all of what was put went out; bytes that are missing do not */
    if (code != CURLE_OK && !(ask->status >= 400 && code == CURLE_SEND_ERROR))
        return ERR_AGAIN;
    return http_answered(ask);
}

/* ---- until it is answered, or for as long as patience lasts */

static void http_pause(const struct http_blobs *h, int64_t ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (!http_cancelled(h) && clock_mono_ms() < end)
        nanosleep(&(struct timespec) { .tv_nsec = 20000000 }, NULL);
}

/* Whether what the front told of is what was put. */
static bool http_is_ours(const struct http_ask *ask)
{
    return ask->info.hashed && ask->info.size == ask->body.len &&
           memcmp(ask->info.hash, ask->hash, sizeof(ask->hash)) == 0;
}

static int http_do(struct http_ask *ask)
{
    struct http_blobs *h = ask->h;
    int64_t end = clock_mono_ms() + h->how.patience_ms, pause = 50;
    unsigned tries = 1;
    int r;

    while ((r = http_try(h, ask)) == ERR_AGAIN && clock_mono_ms() < end) {
        http_pause(h, pause);
        pause = pause < 2000 ? 2 * pause : pause;
        tries++;
    }
    if (r == ERR_EXISTS && tries > 1 && http_is_ours(ask)) /* the answer to a try before was lost */
        return 0;
    return r == ERR_AGAIN ? ERR_UNAVAILABLE : r;
}

/* ---- the backend */

static int http_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    struct http_blobs *h = http_of(blobs);
    struct http_ask ask = { .h = h, .may = BLOBS_HTTP_PUT_NEW, .name = name, .body = data };
    int r;

    crypto_generichash(ask.hash, sizeof(ask.hash), data.data, data.len, NULL, 0);
    pthread_mutex_lock(&h->lock);
    r = http_do(&ask);
    pthread_mutex_unlock(&h->lock);
    if (r == 0 && !http_is_ours(&ask))
        r = ERR_IO;
    if (ret && (r == 0 || r == ERR_EXISTS))
        *ret = ask.info;
    return r;
}

static int http_stat(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    struct http_blobs *h = http_of(blobs);
    struct http_ask ask = { .h = h, .name = name, .head = true };
    int r;

    pthread_mutex_lock(&h->lock);
    r = http_do(&ask);
    pthread_mutex_unlock(&h->lock);
    if (r == 0)
        *ret = ask.info;
    return r;
}

/* Into the window, from there on, at least so many bytes if they are there. */
static int http_fetch(struct http_blobs *h, const char *name, uint64_t off, size_t len)
{
    struct http_window *w = &h->window;
    bool on = strcmp(w->name, name) == 0 && off == w->at + w->len;
    struct http_ask ask = { .h = h, .name = name, .from = off };
    int r;

    w->ahead = !on ? 0 : w->ahead ? 2 * w->ahead : len;
    w->ahead = w->ahead < h->how.ahead ? w->ahead : h->how.ahead;
    ask.room = len > w->ahead ? len : w->ahead;
    if (ask.room > w->room) {
        free(w->data);
        w->data = malloc(ask.room);
        if (!w->data)
            abort();
        w->room = ask.room;
    }
    ask.to = w->data;
    w->at = off;
    w->len = 0;
    snprintf(w->name, sizeof(w->name), "%s", name);
    r = http_do(&ask);
    w->len = r == 0 ? ask.got : 0;
    return r;
}

static int http_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    struct http_blobs *h = http_of(blobs);
    struct http_window *w = &h->window;
    int r = 0;

    *ret_got = 0;
    if (len == 0)
        return 0;
    off = off < HTTP_FAR ? off : HTTP_FAR;
    pthread_mutex_lock(&h->lock);
    if (strcmp(w->name, name) != 0 || off < w->at || off - w->at >= w->len)
        r = http_fetch(h, name, off, len);
    if (r == 0) {
        size_t there = w->len - (size_t)(off - w->at);

        *ret_got = len < there ? len : there;
        memcpy(buf, w->data + (off - w->at), *ret_got);
    }
    pthread_mutex_unlock(&h->lock);
    return r;
}

static void http_close(struct blobs *blobs)
{
    struct http_blobs *h = http_of(blobs);

    h->lib->cleanup(h->easy);
    pthread_mutex_destroy(&h->lock);
    free(h->window.data);
    sodium_memzero(h->rights, sizeof(h->rights));
    free(h);
}

static const struct blob_backend http_backend = {
    .close = http_close,
    .put_new = http_put_new,
    .stat = http_stat,
    .read = http_read,
};

static bool http_url_valid(const char *url)
{
    size_t len = strlen(url);
    const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : "";

    return *host && *host != '/' && len <= HTTP_URL_MAX && strcspn(url, " \t\r\n?#@\"<>\\") == len;
}

int blobs_http_open(const struct blobs_http_options *options, struct blobs **ret)
{
    const struct curl *lib;
    struct http_blobs *h;
    size_t len;

    if (!http_url_valid(options->url) || sodium_init() < 0)
        return ERR_INVALID;
    lib = curl_load();
    if (!lib)
        return ERR_UNSUPPORTED;
    h = calloc(1, sizeof(*h));
    if (!h)
        abort();
    h->base.backend = &http_backend;
    h->lib = lib;
    h->how = *options;
    len = strlen(options->url);
    while (options->url[len - 1] == '/')
        len--;
    memcpy(h->url, options->url, len);
    h->how.url = h->url;
    h->easy = lib->init();
    if (!h->easy)
        abort();
    pthread_mutex_init(&h->lock, NULL);
    *ret = &h->base;
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

struct blobs_http_traffic blobs_http_traffic(struct blobs *blobs)
{
    struct http_blobs *h = http_of(blobs);
    struct blobs_http_traffic traffic;

    pthread_mutex_lock(&h->lock);
    traffic = h->traffic;
    pthread_mutex_unlock(&h->lock);
    return traffic;
}

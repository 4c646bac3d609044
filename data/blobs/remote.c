/* remote - see remote.h */
#include "data/blobs/remote.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <sodium.h>

#include "gen/errors.h"
#include "schemas/wire/clock.h"

#define REMOTE_REFUSAL (64 * 1024)         /* bytes of a refusal that are let in */
#define REMOTE_FAR     ((uint64_t)1 << 62) /* no object reaches there */
#define REMOTE_LEAST   ((size_t)4096)      /* bytes that are worth a request */
#define REMOTE_FRESH   2000                /* ms that what was read ahead is taken for what lies there */

/* One connection, and what was fetched last over it, of which reads are answered as far as it reaches. */
struct remote_line {
    struct remote *remote;
    CURL *easy;
    struct remote_ask *ask;
    bool busy;
    char name[BLOB_NAME_MAX + 1];
    uint64_t at;
    int64_t until; /* monotonic: it may have been replaced */
    uint8_t *data;
    size_t len, room;
    size_t ahead; /* fetched beyond what was asked for, while reads go on and on */
};

/* ---- what libcurl calls */

static size_t remote_drop(struct remote_ask *ask, const char *data, size_t n)
{
    size_t room = ask->dropped < sizeof(ask->said) - 1 ? sizeof(ask->said) - 1 - ask->dropped : 0;

    memcpy(ask->said + ask->dropped * (room > 0), data, n < room ? n : room);
    ask->dropped += n;
    return ask->dropped > REMOTE_REFUSAL ? 0 : n;
}

static size_t remote_take(char *data, size_t size, size_t n, void *ctx)
{
    struct remote_line *line = ctx;
    struct remote_ask *ask = line->ask;

    n *= size;
    line->remote->lib->getinfo(line->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    if (ask->text ? ask->status != 200 : ask->status != 206)
        return remote_drop(ask, data, n);
    if (ask->text) {
        if (n > ask->text_most - ask->text->len)
            return 0;
        buf_put(ask->text, data, n);
        return n;
    }
    if (n > ask->room - ask->got)
        return 0;
    memcpy(ask->to + ask->got, data, n);
    ask->got += n;
    line->remote->read += n;
    return n;
}

static size_t remote_give(char *to, size_t size, size_t n, void *ctx)
{
    struct remote_line *line = ctx;
    struct remote_ask *ask = line->ask;
    size_t left = ask->body.len - ask->sent, len = size * n < left ? size * n : left;

    memcpy(to, (const uint8_t *)ask->body.data + ask->sent, len);
    ask->sent += len;
    line->remote->put += len;
    return len;
}

/* Back to the start of what is put: libcurl does so when a connection that it kept turns out to be closed. */
static int remote_rewind(void *ctx, curl_off_t offset, int origin)
{
    struct remote_ask *ask = ((struct remote_line *)ctx)->ask;

    if (origin != SEEK_SET || offset < 0 || (size_t)offset > ask->body.len)
        return CURL_SEEKFUNC_FAIL;
    ask->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

const char *remote_value(const char *line, const char *name)
{
    size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return NULL;
    line += len + 1;
    return line + strspn(line, " \t");
}

bool remote_hash(const char *hex, uint8_t ret[static BLOB_HASH_SIZE])
{
    size_t len = 0;

    return strlen(hex) == (size_t)2 * BLOB_HASH_SIZE &&
           sodium_hex2bin(ret, BLOB_HASH_SIZE, hex, strlen(hex), NULL, &len, NULL) == 0 && len == BLOB_HASH_SIZE;
}

static size_t remote_hear(char *data, size_t size, size_t n, void *ctx)
{
    struct remote_line *line = ctx;
    struct remote_ask *ask = line->ask;
    uint64_t to, total = 1;
    char text[512];
    const char *value;

    snprintf(text, sizeof(text), "%.*s", (int)(size * n < sizeof(text) - 1 ? size * n : sizeof(text) - 1), data);
    text[strcspn(text, "\r\n")] = 0;
    if (strncmp(text, "HTTP/", 5) == 0) { /* another answer begins: 100 Continue was one */
        ask->info = (struct blob_info) { .size = 0 };
        ask->ranged = false;
        ask->tag[0] = 0;
    } else if ((value = remote_value(text, "Content-Range")) != NULL) {
        ask->ranged = sscanf(value, "bytes %" SCNu64 "-%" SCNu64 "/%" SCNu64, &ask->range_from, &to, &total) >= 1;
        ask->empty = total == 0; /* some send a range of nothing, and a length that never comes */
    } else if ((value = remote_value(text, "ETag")) != NULL) {
        snprintf(ask->tag, sizeof(ask->tag), "%.*s", (int)sizeof(ask->tag) - 1, value);
    } else {
        line->remote->kind->header(ask, text);
    }
    return ask->empty ? 0 : size * n;
}

static bool remote_cancelled(const struct remote *r)
{
    return r->how.cancel && atomic_load(r->how.cancel);
}

static int remote_going_on(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    return remote_cancelled(((struct remote_line *)ctx)->remote);
}

/* ---- one try */

static void remote_settings(struct remote_line *line)
{
    const struct remote *r = line->remote;
    const struct curl *lib = r->lib;

    lib->reset(line->easy);
    lib->setopt(line->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    lib->setopt(line->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    lib->setopt(line->easy, CURLOPT_PROXY, "");
    lib->setopt(line->easy, CURLOPT_PATH_AS_IS, 1L);
    lib->setopt(line->easy, CURLOPT_NOSIGNAL, 1L);
    lib->setopt(line->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)r->how.connect_ms);
    lib->setopt(line->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    lib->setopt(line->easy, CURLOPT_LOW_SPEED_TIME, (long)r->how.quiet_s);
    lib->setopt(line->easy, CURLOPT_WRITEFUNCTION, remote_take);
    lib->setopt(line->easy, CURLOPT_WRITEDATA, line);
    lib->setopt(line->easy, CURLOPT_HEADERFUNCTION, remote_hear);
    lib->setopt(line->easy, CURLOPT_HEADERDATA, line);
    lib->setopt(line->easy, CURLOPT_NOPROGRESS, 0L);
    lib->setopt(line->easy, CURLOPT_XFERINFOFUNCTION, remote_going_on);
    lib->setopt(line->easy, CURLOPT_XFERINFODATA, line);
}

static void remote_method(struct remote_line *line)
{
    const struct curl *lib = line->remote->lib;
    const struct remote_ask *ask = line->ask;
    char range[64];

    switch (ask->method) {
    case REMOTE_PUT:
        lib->setopt(line->easy, CURLOPT_UPLOAD, 1L);
        lib->setopt(line->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)ask->body.len);
        lib->setopt(line->easy, CURLOPT_READFUNCTION, remote_give);
        lib->setopt(line->easy, CURLOPT_READDATA, line);
        lib->setopt(line->easy, CURLOPT_SEEKFUNCTION, remote_rewind);
        lib->setopt(line->easy, CURLOPT_SEEKDATA, line);
        break;
    case REMOTE_POST:
        lib->setopt(line->easy, CURLOPT_POST, 1L);
        lib->setopt(line->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len);
        lib->setopt(line->easy, CURLOPT_POSTFIELDS, ask->body.len ? ask->body.data : "");
        break;
    case REMOTE_DELETE: lib->setopt(line->easy, CURLOPT_CUSTOMREQUEST, "DELETE"); break;
    case REMOTE_HEAD: lib->setopt(line->easy, CURLOPT_NOBODY, 1L); break;
    case REMOTE_GET:
        if (ask->text)
            break;
        snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, ask->from, ask->from + ask->room - 1);
        lib->setopt(line->easy, CURLOPT_RANGE, range);
        break;
    }
}

void remote_header(struct remote_try *to, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    to->headers = to->lib->slist_append(to->headers, text);
}

static void remote_reset(struct remote_ask *ask)
{
    ask->status = 0;
    ask->sent = ask->got = ask->dropped = 0;
    ask->said[0] = ask->tag[0] = 0;
    ask->empty = false;
    if (ask->text)
        buf_reset(ask->text);
}

static int remote_try(struct remote_line *line)
{
    struct remote *r = line->remote;
    struct remote_ask *ask = line->ask;
    struct remote_try to = { .lib = r->lib, .easy = line->easy };
    CURLcode code = CURLE_OK;
    int e;

    remote_reset(ask);
    remote_settings(line);
    remote_method(line);
    e = r->kind->prepare(r, ask, &to);
    if (e == 0) {
        r->lib->setopt(line->easy, CURLOPT_URL, to.url);
        r->lib->setopt(line->easy, CURLOPT_HTTPHEADER, to.headers);
        code = r->lib->perform(line->easy);
    }
    r->lib->slist_free(to.headers);
    sodium_memzero(to.url, sizeof(to.url));
    if (e < 0)
        return e;
    if (remote_cancelled(r))
        return ERR_CANCELLED;
    if (ask->empty)
        return ERR_EOF;
    r->lib->getinfo(line->easy, CURLINFO_RESPONSE_CODE, &ask->status);
    ask->said[ask->dropped < sizeof(ask->said) ? ask->dropped : sizeof(ask->said) - 1] = 0;
    /* a refusal counts though not all of what was put went out; bytes that are missing do not */
    if (code != CURLE_OK && !(ask->status >= 400 && code == CURLE_SEND_ERROR)) {
        if (r->kind->unanswered)
            r->kind->unanswered(r, r->lib->strerror(code));
        return ERR_AGAIN;
    }
    if (ask->method == REMOTE_GET && !ask->text && ask->status == 206 &&
        !(ask->ranged && ask->range_from == ask->from && ask->got > 0))
        return ERR_IO;
    return r->kind->answered(r, ask);
}

/* ---- until it is answered, or for as long as patience lasts */

static void remote_pause(const struct remote *r, int64_t ms)
{
    int64_t end = clock_mono_ms() + ms;

    while (!remote_cancelled(r) && clock_mono_ms() < end)
        nanosleep(&(struct timespec) { .tv_nsec = 20000000 }, NULL);
}

static int remote_do_by(struct remote_line *line, struct remote_ask *ask)
{
    struct remote *r = line->remote;
    int64_t end = clock_mono_ms() + r->how.patience_ms, pause = 50;
    int e;

    if (clock_mono_ms() < r->rests_until)
        return ERR_UNAVAILABLE;
    line->ask = ask;
    ask->tries = 1;
    while ((e = remote_try(line)) == ERR_AGAIN && clock_mono_ms() < end) {
        remote_pause(r, pause);
        pause = pause < 2000 ? 2 * pause : pause;
        ask->tries++;
    }
    line->ask = NULL;
    if (e == ERR_AGAIN && r->how.rest_ms)
        r->rests_until = clock_mono_ms() + r->how.rest_ms;
    return e == ERR_AGAIN ? ERR_UNAVAILABLE : e;
}

/* ---- lines */

static struct remote_line *remote_line_new(struct remote *r)
{
    struct remote_line *line = calloc(1, sizeof(*line));

    if (!line || !(line->easy = r->lib->init()))
        abort();
    line->remote = r;
    r->lines[r->lines_n++] = line;
    return line;
}

static bool remote_line_has(const struct remote_line *line, const char *name, uint64_t off)
{
    return strcmp(line->name, name) == 0 && off >= line->at && off - line->at <= line->len;
}

/* Under the lock: one that is idle, best the one that read there last. NULL: all are busy. */
static struct remote_line *remote_line_find(struct remote *r, const char *name, uint64_t off)
{
    struct remote_line *found = NULL;

    for (unsigned i = 0; i < r->lines_n; i++) {
        struct remote_line *line = r->lines[i];

        if (!line->busy && (!found || (name && remote_line_has(line, name, off))))
            found = line;
    }
    if ((!found || (name && !remote_line_has(found, name, off))) && r->lines_n < r->how.lines)
        found = remote_line_new(r);
    return found;
}

static struct remote_line *remote_line_take(struct remote *r, const char *name, uint64_t off)
{
    struct remote_line *line;

    pthread_mutex_lock(&r->lock);
    while (!(line = remote_line_find(r, name, off)))
        pthread_cond_wait(&r->idle, &r->lock);
    line->busy = true;
    pthread_mutex_unlock(&r->lock);
    return line;
}

static void remote_line_give_back(struct remote_line *line)
{
    struct remote *r = line->remote;

    pthread_mutex_lock(&r->lock);
    line->busy = false;
    pthread_cond_signal(&r->idle);
    pthread_mutex_unlock(&r->lock);
}

int remote_do(struct remote *r, struct remote_ask *ask)
{
    struct remote_line *line = remote_line_take(r, NULL, 0);
    int e = remote_do_by(line, ask);

    remote_line_give_back(line);
    return e;
}

/* Into the window, from there on, at least so many bytes if they are there. */
static int remote_fetch(struct remote_line *line, const char *name, uint64_t off, size_t len)
{
    bool on = strcmp(line->name, name) == 0 && off == line->at + line->len;
    struct remote_ask ask = { .method = REMOTE_GET, .name = name, .from = off };
    size_t most = line->remote->how.ahead;
    int e;

    line->ahead = !on ? 0 : line->ahead ? 2 * line->ahead : len;
    line->ahead = line->ahead < most ? line->ahead : most;
    ask.room = len > line->ahead ? len : line->ahead;
    ask.room = ask.room > REMOTE_LEAST ? ask.room : REMOTE_LEAST;
    if (ask.room > line->room) {
        free(line->data);
        line->data = malloc(ask.room);
        if (!line->data)
            abort();
        line->room = ask.room;
    }
    ask.to = line->data;
    line->at = off;
    line->len = 0;
    line->until = clock_mono_ms() + REMOTE_FRESH;
    snprintf(line->name, sizeof(line->name), "%s", name);
    e = remote_do_by(line, &ask);
    line->len = e == 0 ? ask.got : 0;
    return e;
}

int remote_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    struct remote *r = (struct remote *)blobs;
    struct remote_line *line;
    int e = 0;

    *ret_got = 0;
    if (len == 0)
        return 0;
    off = off < REMOTE_FAR ? off : REMOTE_FAR;
    line = remote_line_take(r, name, off);
    if (!remote_line_has(line, name, off) || off - line->at == line->len || clock_mono_ms() >= line->until)
        e = remote_fetch(line, name, off, len);
    if (e == 0) {
        size_t there = line->len - (size_t)(off - line->at);

        *ret_got = len < there ? len : there;
        memcpy(buf, line->data + (off - line->at), *ret_got);
    }
    remote_line_give_back(line);
    return e;
}

void remote_forget(struct remote *r, const char *name)
{
    pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; i < r->lines_n; i++)
        if (!r->lines[i]->busy && strcmp(r->lines[i]->name, name) == 0)
            r->lines[i]->name[0] = 0, r->lines[i]->len = 0;
    pthread_mutex_unlock(&r->lock);
}

/* ---- all of it */

bool remote_url_valid(const char *url, size_t most)
{
    size_t len = strlen(url);
    const char *host = strncmp(url, "http://", 7) == 0 ? url + 7 : strncmp(url, "https://", 8) == 0 ? url + 8 : "";

    return *host && *host != '/' && len <= most && strcspn(url, " \t\r\n?#@\"<>\\") == len;
}

int remote_open(struct remote *r, const struct blob_backend *backend, const struct remote_kind *kind,
                const struct remote_options *how)
{
    r->lib = curl_load();
    if (!r->lib)
        return ERR_UNSUPPORTED;
    r->base.backend = backend;
    r->kind = kind;
    r->how = *how;
    r->how.lines = how->lines < 1 ? 1 : how->lines > REMOTE_LINES_MAX ? REMOTE_LINES_MAX : how->lines;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->idle, NULL);
    return 0;
}

void remote_close(struct remote *r)
{
    for (unsigned i = 0; i < r->lines_n; i++) {
        r->lib->cleanup(r->lines[i]->easy);
        free(r->lines[i]->data);
        free(r->lines[i]);
    }
    pthread_cond_destroy(&r->idle);
    pthread_mutex_destroy(&r->lock);
}

struct blobs_traffic remote_traffic(struct blobs *blobs)
{
    struct remote *r = (struct remote *)blobs;

    return (struct blobs_traffic) { .read = r->read, .put = r->put };
}

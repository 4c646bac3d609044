#include "ops/validate/courier.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <curl/curl.h>

#include "ops/validate/limits.h"

struct courier {
    CURL *curl;
    int root;
    /* Of the errand that is being run. */
    uint64_t most;
    bool too_much;
    struct buf *body;
    struct fetched *answer;
};

struct courier *courier_new(int root)
{
    struct courier *c = calloc(1, sizeof(*c));

    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    c->root = root;
    c->curl = curl_easy_init();
    if (!c->curl)
        abort();
    return c;
}

void courier_free(struct courier **courier)
{
    if (*courier) {
        curl_easy_cleanup((*courier)->curl);
        free(*courier);
    }
    *courier = NULL;
}

/* ---- HTTP */

static size_t courier_body(char *data, size_t size, size_t n, void *ctx)
{
    struct courier *c = ctx;

    if (c->body->len + size * n > c->most) {
        c->too_much = true;
        return 0;
    }
    buf_put(c->body, data, size * n);
    return size * n;
}

static bool header_is(const char *line, size_t len, const char *name, const char **ret_value, size_t *ret_len)
{
    size_t n = strlen(name);

    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    for (n++; n < len && (line[n] == ' ' || line[n] == '\t'); n++)
        ;
    while (len > n && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    *ret_value = line + n;
    *ret_len = len - n;
    return true;
}

/* Each answer of a chain of redirects begins anew; the last one's headers stay. */
static size_t courier_header(char *line, size_t size, size_t n, void *ctx)
{
    struct courier *c = ctx;
    struct fetched *a = c->answer;
    const char *value;
    size_t len = size * n, value_len;
    char text[128];

    if (len > 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        a->gzip = 0;
        a->type[0] = 0;
        a->range_from = a->range_to = a->range_total = -1;
        buf_reset(c->body);
    } else if (header_is(line, len, "Content-Type", &value, &value_len)) {
        snprintf(a->type, sizeof(a->type), "%.*s", (int)value_len, value);
    } else if (header_is(line, len, "Content-Encoding", &value, &value_len)) {
        a->gzip = value_len == 4 && strncasecmp(value, "gzip", 4) == 0;
    } else if (header_is(line, len, "Content-Range", &value, &value_len)) {
        long long from, to, total;

        snprintf(text, sizeof(text), "%.*s", (int)value_len, value);
        if (sscanf(text, "bytes %lld-%lld/%lld", &from, &to, &total) == 3) {
            a->range_from = from;
            a->range_to = to;
            a->range_total = total;
        }
    }
    return len;
}

static void courier_options(struct courier *c, const char *url, const struct errand *errand, char *error)
{
    CURL *curl = c->curl;
    char range[64];

    curl_easy_reset(curl); /* connections stay open */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MOST);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)ANSWER_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "kinobus-validate");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, courier_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, courier_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    if (!errand->plain)
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (errand->len) {
        snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)errand->from,
                 (unsigned long long)(errand->from + errand->len - 1));
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
}

static void courier_http(struct courier *c, const char *url, const struct errand *errand)
{
    char error[CURL_ERROR_SIZE] = "", *last = NULL;
    struct fetched *a = c->answer;
    long status = 0, redirects = 0;
    CURLcode r;

    courier_options(c, url, errand, error);
    r = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c->curl, CURLINFO_REDIRECT_COUNT, &redirects);
    curl_easy_getinfo(c->curl, CURLINFO_EFFECTIVE_URL, &last);
    a->status = status;
    a->redirects = (uint32_t)redirects;
    snprintf(a->url, sizeof(a->url), "%s", last ? last : url);
    if (r == CURLE_OK)
        return;
    a->status = 0;
    if (c->too_much)
        snprintf(a->error, sizeof(a->error), "more than %llu bytes, which is more than is looked at",
                 (unsigned long long)c->most);
    else
        snprintf(a->error, sizeof(a->error), "%s", *error ? error : curl_easy_strerror(r));
    buf_reset(c->body);
}

/* ---- a folder */

static int file_open(int root, const char *path)
{
    struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };

    return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

static void courier_read(struct courier *c, int fd, const struct errand *errand)
{
    struct fetched *a = c->answer;
    struct stat st;
    uint64_t from = errand->len ? errand->from : 0, size, len;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        snprintf(a->error, sizeof(a->error), "it is no file");
        return;
    }
    size = (uint64_t)st.st_size;
    len = errand->len ? errand->len : size;
    if (errand->len && from >= size) {
        a->status = 416;
        return;
    }
    len = len < size - from ? len : size - from;
    if (len > c->most) {
        snprintf(a->error, sizeof(a->error), "%llu bytes, which is more than is looked at",
                 (unsigned long long)len);
        return;
    }
    uint8_t *to = buf_room(c->body, len);
    for (uint64_t done = 0; done < len;) {
        ssize_t n = pread(fd, to + done, len - done, (off_t)(from + done));

        if (n <= 0) {
            snprintf(a->error, sizeof(a->error), "%s", n ? strerror(errno) : "it became shorter meanwhile");
            return;
        }
        done += (uint64_t)n;
    }
    c->body->len += len;
    a->status = errand->len ? 206 : 200;
    if (errand->len) {
        a->range_from = (int64_t)from;
        a->range_to = (int64_t)(from + len - 1);
        a->range_total = (int64_t)size;
    }
}

static void courier_file(struct courier *c, const char *url, const struct errand *errand)
{
    const char *path = url + strlen("dir:///");
    int fd;

    snprintf(c->answer->url, sizeof(c->answer->url), "%s", url);
    fd = strncmp(url, "dir:///", 7) == 0 && c->root >= 0 ? file_open(c->root, path) : -1;
    if (fd < 0) {
        c->answer->status = 404;
        snprintf(c->answer->error, sizeof(c->answer->error), "%s",
                 c->root < 0 ? "no folder was named" : strerror(errno));
        return;
    }
    courier_read(c, fd, errand);
    close(fd);
}

void courier_go(struct courier *c, const char *url, const struct errand *errand, struct buf *body,
                struct fetched *ret)
{
    c->body = body;
    c->answer = ret;
    c->most = errand->most;
    c->too_much = false;
    /* What a folder's playlist names elsewhere is not fetched: looking at files asks nobody. */
    if (strncmp(url, "dir://", 6) == 0)
        courier_file(c, url, errand);
    else if (c->root < 0)
        courier_http(c, url, errand);
    else
        snprintf(ret->error, sizeof(ret->error), "it leads out of the folder");
}

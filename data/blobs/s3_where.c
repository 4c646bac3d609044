/* s3_where - where a bucket is, and with what credentials it is asked. */
#include "data/blobs/s3_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/errors.h"

static int s3_wrong(char error[S3_SAID_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static int s3_wrong(char error[S3_SAID_MAX], const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error, S3_SAID_MAX, format, args);
    va_end(args);
    return ERR_INVALID;
}

bool blobs_s3_is(const char *uri)
{
    return uri && strncmp(uri, "s3:", 3) == 0;
}

/* ---- the URI */

static bool s3_copy(char *to, size_t room, const char *from, size_t len)
{
    if (len >= room)
        return false;
    memcpy(to, from, len);
    to[len] = 0;
    return true;
}

/* endpoint=..&region=..&credentials=..&readers=.. */
static int s3_query(const char *query, struct s3_where *w, char error[S3_SAID_MAX])
{
    const struct {
        const char *name;
        char *to;
        size_t room;
    } known[] = { { "endpoint", w->endpoint, sizeof(w->endpoint) },
                  { "region", w->region, sizeof(w->region) },
                  { "credentials", w->file, sizeof(w->file) },
                  { "readers", w->readers, sizeof(w->readers) } };
    const size_t n = sizeof(known) / sizeof(*known);

    while (*query) {
        size_t len = strcspn(query, "&"), name = strcspn(query, "=&"), i = 0;

        while (i < n && (strlen(known[i].name) != name || strncmp(known[i].name, query, name) != 0))
            i++;
        if (i == n || name == len)
            return s3_wrong(error, "s3: '%.*s' is none of endpoint=, region=, credentials=, readers=", (int)len,
                            query);
        if (!s3_copy(known[i].to, known[i].room, query + name + 1, len - name - 1))
            return s3_wrong(error, "s3: %s= is longer than %zu characters", known[i].name, known[i].room - 1);
        query += len + (query[len] == '&');
    }
    return 0;
}

static int s3_bucket(const char *text, size_t len, struct s3_where *w, char error[S3_SAID_MAX])
{
    size_t bucket = strcspn(text, "/?");
    const char *prefix = text + bucket;
    size_t prefix_n = len - bucket;

    if (bucket < 3 || !s3_copy(w->bucket, sizeof(w->bucket), text, bucket) ||
        strspn(w->bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") != bucket || w->bucket[0] == '.' ||
        w->bucket[0] == '-')
        return s3_wrong(error, "s3: '%.*s' is no name of a bucket: 3 to 63 of a-z 0-9 . - are", (int)bucket, text);
    while (prefix_n && *prefix == '/')
        prefix++, prefix_n--;
    while (prefix_n && prefix[prefix_n - 1] == '/')
        prefix_n--;
    if (!prefix_n)
        return 0;
    if (!s3_copy(w->prefix, sizeof(w->prefix) - 1, prefix, prefix_n) || !blob_name_valid(w->prefix))
        return s3_wrong(error, "s3: the prefix '%.*s' may have a-z 0-9 . _ - and single slashes, %d at most",
                        (int)prefix_n, prefix, S3_PREFIX_MAX - 1);
    strcat(w->prefix, "/");
    return 0;
}

int s3_where(const char *uri, struct s3_where *w, char error[S3_SAID_MAX])
{
    const char *text = strncmp(uri, "s3://", 5) == 0 ? uri + 5 : NULL, *query = text ? strchr(text, '?') : NULL;
    size_t len;
    int r;

    *w = (struct s3_where) { .region = "us-east-1" };
    if (!text)
        return s3_wrong(error, "s3: s3://BUCKET/PREFIX?endpoint=URL&region=NAME&credentials=FILE is asked for");
    len = query ? (size_t)(query - text) : strlen(text);
    r = s3_bucket(text, len, w, error);
    if (r == 0 && query)
        r = s3_query(query + 1, w, error);
    if (r < 0)
        return r;
    if (!*w->region || strspn(w->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(w->region))
        return s3_wrong(error, "s3: region=%s is no region", w->region);
    if (!*w->endpoint)
        snprintf(w->endpoint, sizeof(w->endpoint), "https://s3.%s.amazonaws.com", w->region);
    len = strlen(w->endpoint);
    while (len && w->endpoint[len - 1] == '/')
        w->endpoint[--len] = 0;
    if (!remote_url_valid(w->endpoint, S3_ENDPOINT_MAX) || strchr(strstr(w->endpoint, "://") + 3, '/'))
        return s3_wrong(error, "s3: endpoint=%s is no http://HOST:PORT or https://HOST", w->endpoint);
    snprintf(w->place, sizeof(w->place), "%s%s%.*s at %s", w->bucket, *w->prefix ? "/" : "",
             (int)(strlen(w->prefix) ? strlen(w->prefix) - 1 : 0), w->prefix, strstr(w->endpoint, "://") + 3);
    return 0;
}

/* ---- credentials */

/* "name = value" of a line; false: it is of another name. */
static bool s3_line(const char *line, const char *name, char *to, size_t room)
{
    size_t len = strlen(name), value;

    line += strspn(line, " \t");
    if (strncmp(line, name, len) != 0)
        return false;
    line += len;
    line += strspn(line, " \t");
    if (*line++ != '=')
        return false;
    line += strspn(line, " \t");
    value = strcspn(line, " \t\r\n");
    return s3_copy(to, room, line, value);
}

static int s3_keys_of_file(const char *path, struct s3_keys *ret, struct timespec *changed,
                           char error[S3_SAID_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
    char line[S3_TOKEN_MAX + 64];
    struct stat st;

    if (!f || fstat(fd, &st) < 0)
        return s3_wrong(error, "s3: credentials=%s cannot be read: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077)) {
        fclose(f);
        return s3_wrong(error, "s3: credentials=%s may be read by others: chmod 600 it", path);
    }
    *changed = st.st_mtim;
    while (fgets(line, sizeof(line), f)) {
        if (!s3_line(line, "aws_access_key_id", ret->id, sizeof(ret->id)) &&
            !s3_line(line, "aws_secret_access_key", ret->secret, sizeof(ret->secret)))
            s3_line(line, "aws_session_token", ret->token, sizeof(ret->token));
    }
    explicit_bzero(line, sizeof(line));
    fclose(f);
    if (!*ret->id || !*ret->secret)
        return s3_wrong(error, "s3: credentials=%s has no aws_access_key_id = ... and aws_secret_access_key = ...",
                        path);
    return 0;
}

static void s3_env(const char *name, char *to, size_t room)
{
    const char *value = getenv(name);

    if (value && strcspn(value, " \t\r\n") == strlen(value))
        s3_copy(to, room, value, strlen(value));
}

int s3_keys_read(const struct s3_where *w, struct s3_keys *ret, struct timespec *changed, char error[S3_SAID_MAX])
{
    *ret = (struct s3_keys) { .id = "" };
    if (*w->file)
        return s3_keys_of_file(w->file, ret, changed, error);
    s3_env("AWS_ACCESS_KEY_ID", ret->id, sizeof(ret->id));
    s3_env("AWS_SECRET_ACCESS_KEY", ret->secret, sizeof(ret->secret));
    s3_env("AWS_SESSION_TOKEN", ret->token, sizeof(ret->token));
    if (!*ret->id || !*ret->secret)
        return s3_wrong(error, "s3: there are no credentials: name a file with &credentials=FILE, or set "
                               "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    return 0;
}

bool s3_keys_changed(const struct s3_where *w, const struct timespec *since)
{
    struct stat st;

    return *w->file && stat(w->file, &st) == 0 &&
           (st.st_mtim.tv_sec != since->tv_sec || st.st_mtim.tv_nsec != since->tv_nsec);
}

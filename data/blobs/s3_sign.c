/* s3_sign - URLs that carry their signature (SigV4 in the query). What is asked by libcurl, libcurl signs. */
#include "data/blobs/s3_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

static void sign_hmac(const uint8_t *key, size_t key_n, const char *text, uint8_t ret[static S3_HASH])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, key, key_n);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)text, strlen(text));
    crypto_auth_hmacsha256_final(&state, ret);
    sodium_memzero(&state, sizeof(state));
}

/* The key of a day, a region and S3. */
static void sign_key(const char *secret, const char *day, const char *region, uint8_t ret[static S3_HASH])
{
    char first[S3_SECRET_MAX + 4];
    int n = snprintf(first, sizeof(first), "AWS4%s", secret);

    sign_hmac((const uint8_t *)first, (size_t)n, day, ret);
    sign_hmac(ret, S3_HASH, region, ret);
    sign_hmac(ret, S3_HASH, "s3", ret);
    sign_hmac(ret, S3_HASH, "aws4_request", ret);
    sodium_memzero(first, sizeof(first));
}

static void sign_hex(const char *text, char ret[static 2 * S3_HASH + 1])
{
    uint8_t sum[S3_HASH];

    crypto_hash_sha256(sum, (const uint8_t *)text, strlen(text));
    sodium_bin2hex(ret, 2 * S3_HASH + 1, sum, sizeof(sum));
}

/* All words but the signature, by their names: capitals come first. */
static void sign_words(const struct s3_presign *p, const char *stamp, const char *scope, struct buf *to)
{
    buf_put_text(to, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=");
    s3_escape(to, p->keys->id);
    buf_put_text(to, "%2F");
    s3_escape(to, scope);
    buf_printf(to, "&X-Amz-Date=%s&X-Amz-Expires=%u", stamp, p->lasts_s);
    if (*p->keys->token) {
        buf_put_text(to, "&X-Amz-Security-Token=");
        s3_escape(to, p->keys->token);
    }
    buf_printf(to, "&X-Amz-SignedHeaders=%shost", p->sized ? "content-length%3B" : "");
    if (p->query && *p->query)
        buf_printf(to, "&%s", p->query);
}

void s3_presign(const struct s3_presign *p, struct buf *ret_query)
{
    char stamp[32], day[16], scope[S3_REGION_MAX + 64], hex[2 * S3_HASH + 1];
    struct buf request = { 0 }, text = { 0 }, words = { 0 };
    time_t at = (time_t)p->now;
    uint8_t mac[S3_HASH];
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
    strftime(day, sizeof(day), "%Y%m%d", &tm);
    snprintf(scope, sizeof(scope), "%s/%s/s3/aws4_request", day, p->region);
    sign_words(p, stamp, scope, &words);
    buf_printf(&request, "%s\n%s\n%s\n", p->method, p->path, buf_text(&words));
    if (p->sized)
        buf_printf(&request, "content-length:%" PRIu64 "\n", p->size);
    buf_printf(&request, "host:%s\n\n%shost\nUNSIGNED-PAYLOAD", p->host, p->sized ? "content-length;" : "");
    sign_hex(buf_text(&request), hex);
    buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, hex);
    sign_key(p->keys->secret, day, p->region, mac);
    sign_hmac(mac, sizeof(mac), buf_text(&text), mac);
    buf_put(ret_query, words.data, words.len);
    buf_printf(ret_query, "&X-Amz-Signature=%s", sodium_bin2hex(hex, sizeof(hex), mac, sizeof(mac)));
    buf_free(&request);
    buf_free(&text);
    buf_free(&words);
}

/* As clients write it in Host: lower case, and without the port that the scheme has anyway. */
static void sign_host(const char *endpoint, char ret[static S3_ENDPOINT_MAX + 1])
{
    bool tls = strncmp(endpoint, "https:", 6) == 0;
    size_t len, drop;

    snprintf(ret, S3_ENDPOINT_MAX + 1, "%s", strstr(endpoint, "://") + 3);
    for (char *c = ret; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    len = strcspn(ret, "/");
    drop = tls ? 4 : 3;
    if (len > drop && strncmp(ret + len - drop, tls ? ":443" : ":80", drop) == 0)
        len -= drop;
    ret[len] = 0;
}

void blobs_s3_sign(struct blobs *blobs, const struct blobs_s3_grant *grant, struct buf *ret_url)
{
    struct s3_blobs *s = s3_of(blobs);
    const char *endpoint = grant->endpoint && *grant->endpoint ? grant->endpoint : s->where.endpoint;
    char host[S3_ENDPOINT_MAX + 1];
    struct buf path = { 0 }, query = { 0 };
    struct s3_keys keys = s3_keys_now(s);
    struct s3_presign p = { .method = "PUT",
                            .host = host,
                            .region = s->where.region,
                            .keys = &keys,
                            .now = grant->now,
                            .lasts_s = grant->lasts_s,
                            .sized = true,
                            .size = grant->size };

    sign_host(endpoint, host);
    buf_printf(&path, "/%s/%s%s", s->where.bucket, s->where.prefix, grant->name);
    s3_multi_query(grant->upload, grant->part, &query);
    p.path = buf_text(&path);
    p.query = buf_text(&query);
    buf_printf(ret_url, "%.*s://%s%s?", (int)strcspn(endpoint, ":"), endpoint, host, p.path);
    s3_presign(&p, ret_url);
    sodium_memzero(&keys, sizeof(keys));
    buf_free(&path);
    buf_free(&query);
}

bool blobs_s3_endpoint_valid(const char *endpoint)
{
    return remote_url_valid(endpoint, S3_ENDPOINT_MAX) && !strchr(strstr(endpoint, "://") + 3, '/');
}

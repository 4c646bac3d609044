/* s3_list - what lies in a bucket: listed a page at a time, and removed. */
#include "data/blobs/s3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/blobs/s3_xml.h"
#include "gen/errors.h"

/* One page of a list of objects, or of uploads. */
struct s3_page {
    struct s3_blobs *s;
    blob_list_fn *fn; /* of objects */
    void *ctx;
    int64_t before; /* of uploads: those begun before, ms UTC */
    unsigned removed;
    /* the entry at hand */
    char key[S3_XML_TEXT], upload[S3_UPLOAD_MAX];
    struct blob_info info;
    /* of the page */
    bool more;
    char next[S3_XML_TEXT], next_upload[S3_UPLOAD_MAX];
};

static int64_t s3_time(const char *text)
{
    struct tm tm = { 0 };

    return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? (int64_t)timegm(&tm) * 1000 : 0;
}

static void s3_keep(char *to, size_t room, const char *text)
{
    if (strlen(text) < room)
        strcpy(to, text);
}

/* The name of ours that a key is; NULL: it is none. */
static const char *s3_name(const struct s3_page *p)
{
    size_t n = strlen(p->s->where.prefix);

    return strncmp(p->key, p->s->where.prefix, n) == 0 && blob_name_valid(p->key + n) ? p->key + n : NULL;
}

static void s3_next(struct s3_page *p)
{
    p->key[0] = p->upload[0] = 0;
    p->info = (struct blob_info) { .size = 0 };
}

/* ---- objects */

static int s3_object_word(void *ctx, const char *path, const char *text)
{
    struct s3_page *p = ctx;
    const char *leaf = strrchr(path, '/');
    int r = 0;

    if (strcmp(path, "ListBucketResult/IsTruncated") == 0) {
        p->more = strcmp(text, "true") == 0;
    } else if (strcmp(path, "ListBucketResult/NextContinuationToken") == 0) {
        s3_keep(p->next, sizeof(p->next), text);
    } else if (strcmp(path, "ListBucketResult/Contents") == 0) {
        const char *name = s3_name(p);

        if (name)
            r = p->fn(p->ctx, name, &p->info);
        s3_next(p);
    } else if (leaf && strncmp(path, "ListBucketResult/Contents/", 26) == 0) {
        if (strcmp(leaf, "/Key") == 0)
            s3_keep(p->key, sizeof(p->key), text);
        else if (strcmp(leaf, "/Size") == 0)
            p->info.size = strtoull(text, NULL, 10);
        else if (strcmp(leaf, "/LastModified") == 0)
            p->info.modified = s3_time(text);
    }
    return r;
}

int s3_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx)
{
    struct s3_page p = { .s = s3_of(blobs), .fn = fn, .ctx = ctx, .more = true };
    struct buf query = { 0 }, text = { 0 };
    char last[S3_XML_TEXT];
    size_t len = strlen(prefix);
    int r = 0;

    if (len && (prefix[len - 1] != '/' || len > BLOB_NAME_MAX))
        return ERR_INVALID;
    while (r == 0 && p.more) { /* libcurl signs the query as it stands: by the order of names */
        memcpy(last, p.next, sizeof(last));
        buf_reset(&query);
        if (*p.next) {
            buf_put_text(&query, "continuation-token=");
            s3_escape(&query, p.next);
            buf_put_text(&query, "&");
        }
        buf_put_text(&query, "list-type=2&prefix=");
        s3_escape(&query, p.s->where.prefix);
        s3_escape(&query, prefix);
        p.more = false;
        p.next[0] = 0;
        s3_next(&p);
        r = s3_text(p.s, buf_text(&query), &text);
        if (r == 0)
            r = s3_xml_walk(buf_bytes(&text), s3_object_word, &p);
        if (r == 0 && p.more && (!*p.next || strcmp(p.next, last) == 0))
            r = ERR_IO; /* it says that there is more, and not where */
    }
    buf_free(&query);
    buf_free(&text);
    return r;
}

int s3_delete(struct blobs *blobs, const char *name)
{
    struct remote_ask ask = { .method = REMOTE_DELETE, .name = name };
    int r = remote_do(&s3_of(blobs)->remote, &ask);

    remote_forget(&s3_of(blobs)->remote, name);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* ---- uploads that were begun and not ended */

static int s3_upload_abort(struct s3_page *p, const char *name)
{
    int r = s3_multi_abort(p->s, name, p->upload);

    p->removed += r == 0;
    return r;
}

static int s3_uploads_word(void *ctx, const char *path, const char *text)
{
    struct s3_page *p = ctx;
    const char *leaf = strrchr(path, '/');
    int r = 0;

    if (strcmp(path, "ListMultipartUploadsResult/IsTruncated") == 0) {
        p->more = strcmp(text, "true") == 0;
    } else if (strcmp(path, "ListMultipartUploadsResult/NextKeyMarker") == 0) {
        s3_keep(p->next, sizeof(p->next), text);
    } else if (strcmp(path, "ListMultipartUploadsResult/NextUploadIdMarker") == 0) {
        s3_keep(p->next_upload, sizeof(p->next_upload), text);
    } else if (strcmp(path, "ListMultipartUploadsResult/Upload") == 0) {
        const char *name = s3_name(p);

        if (name && *p->upload && p->info.modified <= p->before && !s3_is_known(p->s, p->upload))
            r = s3_upload_abort(p, name);
        s3_next(p);
    } else if (leaf && strncmp(path, "ListMultipartUploadsResult/Upload/", 34) == 0) {
        if (strcmp(leaf, "/Key") == 0)
            s3_keep(p->key, sizeof(p->key), text);
        else if (strcmp(leaf, "/UploadId") == 0)
            s3_keep(p->upload, sizeof(p->upload), text);
        else if (strcmp(leaf, "/Initiated") == 0)
            p->info.modified = s3_time(text);
    }
    return r;
}

/* Beneath a folder ("": everywhere), those begun before. A store that does not list them has its own way to end them. */
static int s3_end_uploads(struct s3_blobs *s, const char *folder, int64_t before, unsigned *ret_removed)
{
    struct s3_page p = { .s = s, .before = before, .more = true };
    struct buf query = { 0 }, text = { 0 };
    unsigned pages = 0;
    int r = 0;

    while (r == 0 && p.more && pages++ < 1000) {
        buf_reset(&query);
        if (*p.next) {
            buf_put_text(&query, "key-marker=");
            s3_escape(&query, p.next);
            buf_put_text(&query, "&");
        }
        buf_put_text(&query, "prefix=");
        s3_escape(&query, s->where.prefix);
        s3_escape(&query, folder);
        if (*p.next_upload) {
            buf_put_text(&query, "&upload-id-marker=");
            s3_escape(&query, p.next_upload);
        }
        buf_put_text(&query, "&uploads=");
        p.more = false;
        s3_next(&p);
        r = s3_text(s, buf_text(&query), &text);
        if (r == 0)
            r = s3_xml_walk(buf_bytes(&text), s3_uploads_word, &p);
    }
    buf_free(&query);
    buf_free(&text);
    if (ret_removed)
        *ret_removed = p.removed;
    return r == ERR_UNSUPPORTED ? 0 : r;
}

int s3_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return s3_end_uploads(s3_of(blobs), "", (int64_t)now.tv_sec * 1000 + 999 - older_than_ms, ret_removed);
}

/* ---- all of a folder */

static int s3_delete_one(void *ctx, const char *name, const struct blob_info *info)
{
    return s3_delete(ctx, name);
}

static int s3_something(void *ctx, const char *name, const struct blob_info *info)
{
    return ERR_BUSY;
}

int s3_delete_tree(struct blobs *blobs, const char *prefix)
{
    int r = *prefix ? s3_end_uploads(s3_of(blobs), prefix, INT64_MAX, NULL) : ERR_INVALID;

    if (r == 0)
        r = s3_list(blobs, prefix, s3_delete_one, blobs);
    return r < 0 ? r : s3_list(blobs, prefix, s3_something, NULL);
}

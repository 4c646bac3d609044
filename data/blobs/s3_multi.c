/* s3_multi - multipart uploads: begun, listed, ended and given up; and which of them are known here, so that no sweep ends them. */
#include "data/blobs/s3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/blobs/s3_xml.h"
#include "gen/errors.h"

#define S3_ANSWER_MOST ((size_t)64 * 1024)
#define S3_PARTS_MOST  ((size_t)1024 * 1024) /* a page of parts: 1,000 of a few hundred bytes */

/* ---- known */

void s3_know(struct s3_blobs *s, const char *upload)
{
    char **known;

    pthread_mutex_lock(&s->lock);
    known = realloc(s->known, (s->known_n + 1) * sizeof(*known));
    if (!known || !(known[s->known_n] = strdup(upload)))
        abort();
    s->known = known;
    s->known_n++;
    pthread_mutex_unlock(&s->lock);
}

void s3_unknow(struct s3_blobs *s, const char *upload)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->known_n; i++)
        if (strcmp(s->known[i], upload) == 0) {
            free(s->known[i]);
            s->known[i] = s->known[--s->known_n];
            break;
        }
    pthread_mutex_unlock(&s->lock);
}

bool s3_is_known(struct s3_blobs *s, const char *upload)
{
    bool is = false;

    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->known_n && !is; i++)
        is = strcmp(s->known[i], upload) == 0;
    pthread_mutex_unlock(&s->lock);
    return is;
}

/* ---- requests */

static int s3_upload_word(void *ctx, const char *path, const char *text)
{
    char **id = ctx;

    if (strcmp(path, "InitiateMultipartUploadResult/UploadId") == 0 && *text && !*id &&
        strlen(text) < S3_UPLOAD_MAX && !(*id = strdup(text)))
        abort();
    return 0;
}

int s3_multi_begin(struct s3_blobs *s, const char *name, const struct s3_more *more, char **ret_upload)
{
    struct buf text = { 0 };
    struct remote_ask ask = { .method = REMOTE_POST,
                              .name = name,
                              .query = "uploads=",
                              .more = more,
                              .text = &text,
                              .text_most = S3_ANSWER_MOST };
    int r = remote_do(&s->remote, &ask);

    *ret_upload = NULL;
    if (r == 0 && (s3_xml_walk(buf_bytes(&text), s3_upload_word, ret_upload) < 0 || !*ret_upload))
        r = ERR_IO;
    buf_free(&text);
    if (r == 0)
        s3_know(s, *ret_upload);
    return r;
}

void s3_multi_query(const char *upload, unsigned part, struct buf *ret)
{
    if (part)
        buf_printf(ret, "partNumber=%u&", part);
    buf_put_text(ret, "uploadId=");
    s3_escape(ret, upload);
}

/* The answer may be 200 and an error all the same. */
static int s3_end_word(void *ctx, const char *path, const char *text)
{
    bool *ok = ctx;

    *ok |= strcmp(path, "CompleteMultipartUploadResult") == 0;
    return 0;
}

int s3_multi_end(struct s3_blobs *s, const char *name, const char *upload, struct bytes parts)
{
    const struct s3_more more = { .condition = true };
    struct buf query = { 0 }, body = { 0 }, text = { 0 };
    struct remote_ask ask = {
        .method = REMOTE_POST, .name = name, .more = &more, .text = &text, .text_most = S3_ANSWER_MOST
    };
    bool ok = false;
    int r;

    s3_multi_query(upload, 0, &query);
    buf_put_text(&body, "<CompleteMultipartUpload>");
    buf_put(&body, parts.data, parts.len);
    buf_put_text(&body, "</CompleteMultipartUpload>");
    ask.query = buf_text(&query);
    ask.body = buf_bytes(&body);
    r = remote_do(&s->remote, &ask);
    if (r == ERR_UNSUPPORTED && !s->no_condition) {
        s->no_condition = true;
        r = remote_do(&s->remote, &ask);
    }
    if (r == 0 && (s3_xml_walk(buf_bytes(&text), s3_end_word, &ok) < 0 || !ok))
        r = ERR_UNAVAILABLE;
    buf_free(&query);
    buf_free(&body);
    buf_free(&text);
    return r;
}

int s3_multi_abort(struct s3_blobs *s, const char *name, const char *upload)
{
    struct buf query = { 0 };
    struct remote_ask ask = { .method = REMOTE_DELETE, .name = name };
    int r;

    s3_multi_query(upload, 0, &query);
    ask.query = buf_text(&query);
    r = remote_do(&s->remote, &ask);
    buf_free(&query);
    return r == ERR_NOT_FOUND || r == ERR_GONE ? 0 : r;
}

/* ---- the parts that are there */

struct s3_parts_page {
    blobs_s3_part_fn *fn;
    void *ctx;
    struct blobs_s3_part part;
    bool is, more;
    unsigned next;
};

static int s3_part_word(void *ctx, const char *path, const char *text)
{
    struct s3_parts_page *p = ctx;
    int r = 0;

    p->is |= strcmp(path, "ListPartsResult") == 0;
    if (strcmp(path, "ListPartsResult/IsTruncated") == 0) {
        p->more = strcmp(text, "true") == 0;
    } else if (strcmp(path, "ListPartsResult/NextPartNumberMarker") == 0) {
        p->next = (unsigned)strtoul(text, NULL, 10);
    } else if (strcmp(path, "ListPartsResult/Part/PartNumber") == 0) {
        p->part.number = (unsigned)strtoul(text, NULL, 10);
    } else if (strcmp(path, "ListPartsResult/Part/Size") == 0) {
        p->part.size = strtoull(text, NULL, 10);
    } else if (strcmp(path, "ListPartsResult/Part/ETag") == 0) {
        snprintf(p->part.tag, sizeof(p->part.tag), "%.*s", (int)sizeof(p->part.tag) - 1, text);
    } else if (strcmp(path, "ListPartsResult/Part") == 0) {
        r = p->fn(p->ctx, &p->part);
        p->part = (struct blobs_s3_part) { .number = 0 };
    }
    return r;
}

int blobs_s3_parts(struct blobs *blobs, const char *name, const char *upload, unsigned after, unsigned most,
                   blobs_s3_part_fn *fn, void *ctx, unsigned *ret_next)
{
    struct s3_parts_page p = { .fn = fn, .ctx = ctx };
    struct buf query = { 0 }, text = { 0 };
    struct remote_ask ask = { .method = REMOTE_GET, .name = name, .text = &text, .text_most = S3_PARTS_MOST };
    int r;

    buf_printf(&query, "max-parts=%u&part-number-marker=%u&", most, after);
    s3_multi_query(upload, 0, &query);
    ask.query = buf_text(&query);
    r = remote_do(&s3_of(blobs)->remote, &ask);
    if (r == 0)
        r = s3_xml_walk(buf_bytes(&text), s3_part_word, &p);
    if (r == 0 && (!p.is || (p.more && p.next <= after)))
        r = ERR_IO;
    *ret_next = r == 0 && p.more ? p.next : 0;
    buf_free(&query);
    buf_free(&text);
    return r;
}

/* ---- what others put */

int blobs_s3_begin(struct blobs *blobs, const char *name, char **ret_upload)
{
    return blob_name_valid(name) ? s3_multi_begin(s3_of(blobs), name, NULL, ret_upload) : ERR_INVALID;
}

void blobs_s3_know(struct blobs *blobs, const char *upload)
{
    s3_know(s3_of(blobs), upload);
}

void blobs_s3_unknow(struct blobs *blobs, const char *upload)
{
    s3_unknow(s3_of(blobs), upload);
}

void blobs_s3_name_part(struct buf *parts, unsigned number, const char *tag)
{
    size_t len = strspn(tag, "\"");

    buf_printf(parts, "<Part><PartNumber>%u</PartNumber><ETag>\"%.*s\"</ETag></Part>", number,
               (int)strcspn(tag + len, "\"<>&"), tag + len);
}

int blobs_s3_end(struct blobs *blobs, const char *name, const char *upload, struct bytes parts)
{
    int r = s3_multi_end(s3_of(blobs), name, upload, parts);

    if (r == 0)
        s3_unknow(s3_of(blobs), upload);
    return r;
}

int blobs_s3_abort(struct blobs *blobs, const char *name, const char *upload)
{
    s3_unknow(s3_of(blobs), upload); /* what stays is swept */
    return s3_multi_abort(s3_of(blobs), name, upload);
}

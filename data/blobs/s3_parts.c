/* s3_parts - an object that is written as it comes: one part of it in memory, and more than that as a multipart upload. */
#include "data/blobs/s3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "gen/errors.h"

struct s3_writer {
    struct blob_writer base;
    char name[BLOB_NAME_MAX + 1];
    char *upload;          /* the id of the multipart upload; NULL: none yet */
    struct buf part, tags; /* tags: as the store is told them at the end */
    unsigned parts;
    uint64_t size;
    crypto_generichash_state hash;
};

static struct s3_blobs *s3_writer_store(struct s3_writer *w)
{
    return s3_of(w->base.blobs);
}

static int s3_begin(struct s3_writer *w)
{
    const struct s3_more more = { .hash = w->base.expects ? w->base.expected : NULL,
                                  .modified = w->base.modified };

    return s3_multi_begin(s3_writer_store(w), w->name, &more, &w->upload);
}

/* What is in memory, as the next part. */
static int s3_send(struct s3_writer *w)
{
    struct buf query = { 0 };
    struct remote_ask ask = { .method = REMOTE_PUT, .name = w->name, .body = buf_bytes(&w->part) };
    int r = w->parts == BLOBS_S3_PARTS ? ERR_TOO_LARGE : w->upload ? 0 : s3_begin(w);

    if (r < 0)
        return r;
    s3_multi_query(w->upload, w->parts + 1, &query);
    ask.query = buf_text(&query);
    r = remote_do(&s3_writer_store(w)->remote, &ask);
    buf_free(&query);
    if (r == 0 && (strlen(ask.tag) < 3 || strpbrk(ask.tag, "<>&")))
        r = ERR_IO;
    if (r < 0)
        return r;
    w->parts++;
    blobs_s3_name_part(&w->tags, w->parts, ask.tag);
    buf_reset(&w->part);
    return 0;
}

/* ---- the writer */

static void s3_writer_free(struct s3_writer *w)
{
    if (w->upload)
        s3_unknow(s3_writer_store(w), w->upload);
    free(w->upload);
    buf_free(&w->part);
    buf_free(&w->tags);
    free(w);
}

int s3_new(struct blobs *blobs, const char *name, struct blob_writer **ret)
{
    struct s3_writer *w = calloc(1, sizeof(*w));

    if (!w)
        abort();
    w->base.blobs = blobs;
    snprintf(w->name, sizeof(w->name), "%s", name);
    crypto_generichash_init(&w->hash, NULL, 0, BLOB_HASH_SIZE);
    *ret = &w->base;
    return 0;
}

int s3_write(struct blob_writer *writer, const void *data, size_t len)
{
    struct s3_writer *w = (struct s3_writer *)writer;
    size_t most = s3_writer_store(w)->part;
    int r = 0;

    crypto_generichash_update(&w->hash, data, len);
    w->size += len;
    while (r == 0 && len) {
        size_t n = most - w->part.len < len ? most - w->part.len : len;

        buf_put(&w->part, data, n);
        data = (const uint8_t *)data + n;
        len -= n;
        if (w->part.len == most)
            r = s3_send(w);
    }
    return r;
}

/* Nothing lay there a moment ago: the same bytes are ours, and the answer to a try before was lost. */
static int s3_commit_taken(struct s3_writer *w, const uint8_t hash[BLOB_HASH_SIZE], int err, struct blob_info *ret)
{
    struct blob_info there = { 0 };

    if (s3_look(w->base.blobs, w->name, &there) != ERR_EXISTS)
        return err;
    if (there.size == w->size && memcmp(there.hash, hash, BLOB_HASH_SIZE) == 0)
        return 0;
    if (ret)
        *ret = there;
    return ERR_EXISTS;
}

static int s3_commit_parts(struct s3_writer *w, const uint8_t hash[BLOB_HASH_SIZE], struct blob_info *ret)
{
    int r = w->part.len ? s3_send(w) : 0;

    if (r == 0)
        r = s3_look(w->base.blobs, w->name, ret); /* for stores that know no condition */
    if (r == 0) {
        r = s3_multi_end(s3_writer_store(w), w->name, w->upload, buf_bytes(&w->tags));
        if (r == ERR_EXISTS || r == ERR_NOT_FOUND || r == ERR_GONE)
            r = s3_commit_taken(w, hash, r, ret);
    }
    if (r == 0 && ret) {
        *ret = (struct blob_info) { .size = w->size, .hashed = true, .modified = w->base.modified };
        memcpy(ret->hash, hash, BLOB_HASH_SIZE);
    }
    if (r < 0)
        s3_multi_abort(s3_writer_store(w), w->name, w->upload); /* what stays is swept */
    return r;
}

int s3_commit(struct blob_writer **writer, struct blob_info *ret)
{
    struct s3_writer *w = (struct s3_writer *)*writer;
    uint8_t hash[BLOB_HASH_SIZE];
    const struct s3_more more = { .hash = hash, .modified = w->base.modified, .condition = true };
    int r;

    crypto_generichash_final(&w->hash, hash, sizeof(hash));
    if (w->base.expects && memcmp(hash, w->base.expected, sizeof(hash)) != 0) {
        s3_abort(writer);
        return ERR_CHECKSUM;
    }
    if (w->upload)
        r = s3_commit_parts(w, hash, ret);
    else
        r = s3_put_object(s3_writer_store(w), w->name, buf_bytes(&w->part), &more, ret);
    s3_writer_free(w);
    *writer = NULL;
    return r;
}

void s3_abort(struct blob_writer **writer)
{
    struct s3_writer *w = (struct s3_writer *)*writer;

    if (w->upload)
        s3_multi_abort(s3_writer_store(w), w->name, w->upload);
    s3_writer_free(w);
    *writer = NULL;
}

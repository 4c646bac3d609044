/* backend - what a place that keeps objects has to offer; blobs.h says what each of these means.
 *
 * An entry that is NULL is not offered: whoever asks is answered ERR_UNSUPPORTED (blobs.c). What a backend does offer passes
 * every statement of tests/unit/blobs/conform.c about it. Names have been checked by blob_name_valid before an entry is
 * called.
 *
 * Growing objects are written where the bytes of uploads arrive, on a disk of our own: that is the file backend's alone
 * (grow.c). Others read them. */
#pragma once

#include "data/blobs/blobs.h"

#define BLOB_PARTS_MAX 16
#define BLOB_BASE_MAX  255

struct blob_backend {
    void (*close)(struct blobs *blobs);

    int (*put)(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);
    int (*put_new)(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);
    int (*new)(struct blobs *blobs, const char *name, struct blob_writer **ret);
    int (*write)(struct blob_writer *writer, const void *data, size_t len);
    int (*commit)(struct blob_writer **writer, struct blob_info *ret);
    void (*abort)(struct blob_writer **writer);

    int (*grow)(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier);
    int (*told)(struct blobs *blobs, const char *name, struct blob_told *ret);

    int (*stat)(struct blobs *blobs, const char *name, struct blob_info *ret);
    int (*hash)(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE]);
    int (*read)(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got);
    int (*fd)(struct blobs *blobs, const char *name, int *ret_fd, struct blob_info *ret);

    int (*list)(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx);
    int (*delete)(struct blobs *blobs, const char *name);
    int (*delete_tree)(struct blobs *blobs, const char *prefix);
    int (*space)(struct blobs *blobs, uint64_t *ret_free, uint64_t *ret_total);
    int (*sweep)(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed);
    struct blobs_traffic (*traffic)(struct blobs *blobs); /* NULL: none, as all is here */
};

/* The first member of what a backend keeps of itself, and of a writer. */
struct blobs {
    const struct blob_backend *backend;
};

struct blob_writer {
    struct blobs *blobs;
    bool expects; /* commit answers ERR_CHECKSUM unless the bytes have this hash */
    uint8_t expected[BLOB_HASH_SIZE];
    int64_t modified; /* what stat is to tell; 0: the time of the commit */
};

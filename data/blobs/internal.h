/* internal - the file backend's own: where an object lies, and how a directory is made to last.
 *
 * In the folder of an object NAME: NAME itself once it is whole; .t.RANDOM while it is written; .g.NAME
 * while it grows, and .f.NAME, its frontier and hash, which stays when it is sealed. Names of objects never begin with a dot. */
#pragma once

#include <pthread.h>
#include <sodium.h>

#include "data/blobs/backend.h"

#define BLOB_CHUNK (256 * 1024)
#define BLOB_KNOWN 1024

#define BLOB_TEMP     ".t."
#define BLOB_GROWING  ".g."
#define BLOB_FRONTIER ".f."

struct file_blobs {
    struct blobs base;
    int root;
    pthread_mutex_t lock;
    char *
        known[BLOB_KNOWN]; /* folders known to be on the disk, by hash of the name; one is forgotten for another */
};

static inline struct file_blobs *file_of(struct blobs *blobs)
{
    return (struct file_blobs *)blobs;
}

int file_open(const char *path, struct blobs **ret);

/* put.c, grow.c, read.c, list.c: what backend.h asks for. */
int file_put(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);
int file_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);
int file_new(struct blobs *blobs, const char *name, struct blob_writer **ret);
int file_write(struct blob_writer *writer, const void *data, size_t len);
int file_commit(struct blob_writer **writer, struct blob_info *ret);
void file_abort(struct blob_writer **writer);
int file_grow(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier);
int file_told(struct blobs *blobs, const char *name, struct blob_told *ret);
int file_stat(struct blobs *blobs, const char *name, struct blob_info *ret);
int file_hash(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE]);
int file_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got);
int file_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx);
int file_delete(struct blobs *blobs, const char *name);
int file_delete_tree(struct blobs *blobs, const char *prefix);
int file_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed);

/* The folder of an object (a descriptor to be closed), and its name in there. With make, folders are made
 * and synced. */
struct blob_place {
    int dir;
    char base[BLOB_BASE_MAX + 1];
};
int blob_place(struct blobs *blobs, const char *name, bool make, struct blob_place *ret);
void blob_leave(struct blob_place *place);

int blob_errno(void); /* errno as one of ours */
int blob_openat(int dir, const char *path, uint64_t flags,
                uint64_t mode); /* beneath dir, through no symbolic link */
int blob_write_all(int fd, const void *data, size_t len);
void blob_forget_folders(struct file_blobs *blobs); /* after folders were removed */
int64_t blob_modified(int fd);

/* name of a companion of base: prefix, then base */
struct blob_name {
    char s[BLOB_BASE_MAX + 8];
};
struct blob_name blob_companion(const char *prefix, const char *base);

/* An object opened for reading, whole or growing. */
int blob_open(struct blobs *blobs, const char *name, int *ret_fd, struct blob_info *ret);

/* The frontier of a growing object, 0 when nothing valid was ever written. */
int blob_frontier_read(int fd, uint64_t *ret);

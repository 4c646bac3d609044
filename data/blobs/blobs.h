/* blobs - media objects by name: raw/{video}/{part} and media/{video}/{version}/...
 *
 * Immutable once there: blob_put_new and a committed writer never replace; blob_put does, in one step, and
 * is for playlists alone. A growing object can be read up to its durable frontier while it is written;
 * beyond that a read answers ERR_WAIT. Nothing is held in memory beyond the caller's buffers. Any thread
 * may call; a writer or a growing object is used by one thread at a time.
 *
 * Durable     what a function answered 0 for survives a power cut: temporary name, fdatasync, rename
 *             without replacing, fsync of the directory (and of each directory made on the way)
 * Names       [a-z0-9_.-] in parts joined by /, at most 16 parts and 512 bytes; no part begins with a dot.
 *             Resolved beneath the root, symbolic links refused, so that no name leads outside
 * Backends    file (blobs_open) offers all of it; http (http.h), for a process that does not see the disk, reads and puts new
 *             objects; s3 (s3.h), a bucket, has all but what grows; tier (tier.h) is two of them as one. What one does not offer it answers ERR_UNSUPPORTED; what it does is as it is said here, whichever it
 *             is (backend.h)
 * Errors      ERR_INVALID a bad name, ERR_NOT_FOUND, ERR_EXISTS, ERR_WAIT, ERR_EOF, ERR_STORE_FULL the
 *             disk, ERR_IO
 * Hash        BLAKE2b-256 over the bytes; told by what puts (and of what lay there before), and by
 *             blob_hash, which reads the whole object. Of an object that has grown SHA-256 is told as well, as far as
 *             it was made (blob_told)
 * Weak spot   nothing beside an object that was put whole says what its bytes should be: who must know keeps the hash in a
 *             record */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/blobs/sha256.h"
#include "schemas/wire/bytes.h"

#define BLOB_NAME_MAX  512
#define BLOB_HASH_SIZE 32

struct blobs;
struct blob_writer;
struct blob_grow;

struct blob_info {
    uint64_t size; /* a growing object: its durable frontier */
    bool growing;  /* not sealed yet: bytes may follow */
    bool hashed;   /* hash is filled */
    bool far;      /* only the second of two places has it (tier.h) */
    uint8_t hash[BLOB_HASH_SIZE];
    int64_t modified; /* ms UTC */
};

int blobs_open(const char *uri,
               struct blobs **ret); /* "file:/path", made when absent; ERR_UNSUPPORTED: no such backend */
int blobs_open_in(const char *state_dir, struct blobs **ret); /* the blobs of a platform that lies there */
void blobs_close(struct blobs **blobs);
bool blob_name_valid(const char *name);

/* Whole objects. put_new where the name is taken: ERR_EXISTS, and ret describes what lies there. ret may
 * be NULL. */
int blob_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);
int blob_put(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret);

/* put_new, streamed. commit always consumes the writer. */
int blob_new(struct blobs *blobs, const char *name, struct blob_writer **ret);
int blob_write(struct blob_writer *writer, const void *data, size_t len);
/* From now on commit answers ERR_CHECKSUM, and leaves nothing, unless this is the hash of what was written. */
void blob_expect(struct blob_writer *writer, const uint8_t hash[BLOB_HASH_SIZE]);
/* A copy keeps the time of what it was made of, where the backend can tell another than that of the commit (s3). */
void blob_date(struct blob_writer *writer, int64_t modified);
int blob_commit(struct blob_writer **writer, struct blob_info *ret);
void blob_abort(struct blob_writer **writer);

/* Growing objects. open makes the object or takes up an unsealed one where its durable frontier ends
 * (bytes beyond that are dropped); ERR_EXISTS when it is sealed, ERR_LOCKED when another process or thread
 * writes it. append moves no frontier; sync makes all appended bytes durable, then the frontier, then
 * answers it. seal syncs and ends it; close leaves it growing and drops what was not synced.
 *
 * So that the disk and whoever sends work at once, keep and sum may run on another thread while this one appends: keep makes
 * durable what was appended before `upto`, and sum goes on with SHA-256 of what is durable until it has all of that.
 * What it comes to is written down with the next frontier, and at the seal. No two of keep, sum, sync and seal
 * at a time. */
int blob_grow_open(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier);
int blob_grow_append(struct blob_grow *grow, const void *data, size_t len);
int blob_grow_sync(struct blob_grow *grow, uint64_t *ret_frontier);
int blob_grow_keep(struct blob_grow *grow, uint64_t upto, uint64_t *ret_frontier);
int blob_grow_sum(struct blob_grow *grow);
uint64_t blob_grow_summed(const struct blob_grow *grow); /* bytes that the sum is of */
int blob_grow_seal(struct blob_grow **grow, struct blob_info *ret);
void blob_grow_close(struct blob_grow **grow);

int blob_stat(struct blobs *blobs, const char *name, struct blob_info *ret);
int blob_hash(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE]); /* ERR_WAIT while it grows */
/* What stands beside an object that was sealed: how long it should be, and SHA-256 of its first bytes, sum.length of them (all,
 * when nobody was in a hurry). Nothing of it is read. ERR_WAIT while it grows, ERR_NOT_FOUND where it was put whole. */
struct blob_told {
    uint64_t size;
    struct sha256 sum;
};
int blob_told(struct blobs *blobs, const char *name, struct blob_told *ret);

/* Reads up to len bytes at off; *ret_got may be less than len at the end or the frontier, and is never 0
 * on success (unless len is 0). ERR_WAIT at or beyond the frontier of a growing object, ERR_EOF at or past
 * the end. */
int blob_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got);

/* File backend: a descriptor for pread, and what it holds; a growing object may be read up to info->size
 * only. -1: it has none here, and blob_read has the bytes (info->far). */
int blob_fd(struct blobs *blobs, const char *name, int *ret_fd, struct blob_info *ret);

/* All objects whose name begins with prefix (a folder ending in /, or "" for all), in no order. A callback
 * that answers non-zero ends the walk with that answer. Growing objects are listed too. */
typedef int blob_list_fn(void *ctx, const char *name, const struct blob_info *info);
int blob_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx);
int blob_delete(struct blobs *blobs, const char *name); /* 0 too when it was not there */
int blob_delete_tree(struct blobs *blobs,
                     const char *prefix); /* a folder ending in /, with all below it; ERR_BUSY: */
                                          /* something was put there meanwhile, ask again */

/* Bytes that can still be put, and the size of the disk. */
int blobs_space(struct blobs *blobs, uint64_t *ret_free, uint64_t *ret_total);

/* Removes temporary files older than this many ms that a crash left behind. */
int blobs_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed);

/* Bytes of objects that came and went over a network, tries that failed included. */
struct blobs_traffic {
    uint64_t read, put;
};
struct blobs_traffic blobs_traffic(struct blobs *blobs);

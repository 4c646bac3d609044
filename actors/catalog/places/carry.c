/* carry - see carry.h */
#include "actors/catalog/places/carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CARRY_BYTES   ((uint64_t)16 * 1024 * 1024) /* a slice: the pool has more to do */
#define CARRY_OBJECTS 64
#define CARRY_PIECE   ((size_t)256 * 1024)
#define CARRY_SMALL   ((uint64_t)64 * 1024 * 1024) /* what is replaced in one step may have */

/* ---- who is asked: what fails is its answer */

static struct blobs *carry_from(struct carry *c)
{
    return c->by = c->from;
}

static struct blobs *carry_to(struct carry *c)
{
    return c->by = c->to;
}

/* And what was found out here is nobody's. */
static int carry_fail(struct carry *c, int err)
{
    c->by = NULL;
    return err;
}

/* ---- what lies here */

/* Never changed, and most of the bytes. */
static bool carry_is_large(const char *name)
{
    size_t len = strlen(name);

    return strncmp(name, "raw/", 4) == 0 || (len > 4 && strcmp(name + len - 4, ".m4s") == 0);
}

static int carry_add(void *ctx, const char *name, const struct blob_info *info)
{
    struct carry *c = ctx;
    char **names;

    if (c->what == CARRY_LARGE && !carry_is_large(name))
        return 0;
    names = realloc(c->names, (c->names_n + 1) * sizeof(*names));
    if (!names || !(names[c->names_n] = strdup(name)))
        abort();
    c->names = names;
    c->names_n++;
    return 0;
}

static int carry_list(struct carry *c)
{
    char id[ID_TEXT_SIZE], folder[ID_TEXT_SIZE + 8];
    int r;

    id_format("video", c->video, id);
    snprintf(folder, sizeof(folder), "raw/%s/", id);
    r = blob_list(carry_from(c), folder, carry_add, c);
    snprintf(folder, sizeof(folder), "media/%s/", id);
    if (r == 0 && c->what != CARRY_ORIGINAL)
        r = blob_list(carry_from(c), folder, carry_add, c);
    c->listed = r == 0;
    return r;
}

/* ---- whether both have it */

static int carry_compare(struct carry *c, const char *name, const struct blob_info *here, bool *ret_same)
{
    struct blob_info there;
    uint8_t hash[BLOB_HASH_SIZE];
    int r = blob_stat(carry_to(c), name, &there);

    memcpy(hash, here->hash, sizeof(hash));
    *ret_same = false;
    if (r == ERR_NOT_FOUND || (r == 0 && there.size != here->size))
        return 0;
    if (r == 0 && carry_is_large(name) && there.modified == here->modified) {
        *ret_same = true;
        return 0;
    }
    if (r == 0 && there.hashed && (here->hashed || (r = blob_hash(carry_from(c), name, hash)) == 0))
        *ret_same = memcmp(hash, there.hash, sizeof(hash)) == 0;
    return r;
}

/* ---- copy */

/* In one step; what is written here in the same moment is copied with the next change. */
static int carry_small(struct carry *c, const char *name, const struct blob_info *here)
{
    uint8_t *data = here->size <= CARRY_SMALL ? malloc(here->size + 1) : NULL;
    size_t got = 0;
    int r = data ? 0 : carry_fail(c, ERR_TOO_LARGE);

    if (r == 0 && here->size)
        r = blob_read(carry_from(c), name, 0, data, here->size + 1, &got);
    if (r == 0 && got != here->size)
        c->left++; /* it was replaced meanwhile */
    else if (r == 0 && (r = blob_put(carry_to(c), name, bytes_of(data, got), NULL)) == 0)
        c->copied++, c->bytes_copied += got;
    free(data);
    return r;
}

static int carry_begin(struct carry *c, const char *name)
{
    int r = blob_new(carry_to(c), name, &c->writer);

    c->off = 0;
    if (r == 0)
        blob_date(c->writer, c->info.modified);
    if (r == 0 && c->info.hashed) /* a store tells it, a disk does not */
        blob_expect(c->writer, c->info.hash);
    return r;
}

/* All was written: what lies there now is that, or what lay there before. */
static int carry_end(struct carry *c, const char *name)
{
    struct blob_info there, seen;
    uint8_t hash[BLOB_HASH_SIZE];
    int r;

    carry_to(c);
    r = blob_commit(&c->writer, &there);
    if (r == ERR_EXISTS && (r = blob_hash(carry_from(c), name, hash)) == 0)
        r = there.hashed && memcmp(there.hash, hash, sizeof(hash)) == 0 ? 0 : carry_fail(c, ERR_CHECKSUM);
    if (r == 0)
        r = blob_stat(carry_to(c), name, &seen);
    if (r == 0 && seen.size != c->info.size)
        r = carry_fail(c, ERR_CHECKSUM);
    c->copied += r == 0;
    return r;
}

static int carry_write(struct carry *c, const char *name, uint64_t *budget)
{
    uint8_t *piece = malloc(CARRY_PIECE);
    int r = 0;

    if (!piece)
        abort();
    while (r == 0 && c->off < c->info.size && *budget && !atomic_load(&c->cancel)) {
        uint64_t left = c->info.size - c->off;
        size_t got;

        r = blob_read(carry_from(c), name, c->off, piece, left < CARRY_PIECE ? (size_t)left : CARRY_PIECE, &got);
        if (r < 0)
            break;
        carry_to(c);
        r = blob_write(c->writer, piece, got);
        if (r == 0) {
            c->off += got;
            c->bytes_copied += got;
            *budget -= got < *budget ? got : *budget;
        }
    }
    free(piece);
    return r;
}

static int carry_over(struct carry *c, const char *name, uint64_t *budget)
{
    bool same = false;
    int r = 0;

    if (!c->writer) {
        r = blob_stat(carry_from(c), name, &c->info);
        if (r == ERR_NOT_FOUND || (r == 0 && c->info.growing)) {
            c->left += r == 0;
            c->at++;
            return 0;
        }
        if (r == 0)
            r = carry_compare(c, name, &c->info, &same);
        if (r == 0 && !same)
            r = carry_is_large(name) ? carry_begin(c, name) : carry_small(c, name, &c->info);
        if (r < 0)
            return r;
    }
    if (c->writer)
        r = carry_write(c, name, budget);
    if (r == 0 && c->writer && c->off == c->info.size)
        r = carry_end(c, name);
    if (r == 0 && !c->writer) {
        c->objects++;
        c->bytes += c->info.size;
        c->at++;
    }
    return r;
}

/* ---- remove */

static int carry_off(struct carry *c, const char *name)
{
    struct blob_info here, there;
    bool same = false;
    int r = c->what == CARRY_AWAY || carry_is_large(name) ? blob_stat(carry_from(c), name, &here) : ERR_NOT_FOUND;

    if (r == 0 && !carry_is_large(name)) {
        r = blob_stat(carry_to(c), name, &there);
        same = r == 0;
        r = r == ERR_NOT_FOUND ? 0 : r;
    } else if (r == 0 && !here.growing)
        r = carry_compare(c, name, &here, &same);
    if (r == 0 && same)
        r = blob_delete(carry_from(c), name);
    c->at++;
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r == 0 && !same)
        snprintf(c->name, sizeof(c->name), "%s", name);
    c->left += r == 0 && !same;
    c->removed += r == 0 && same;
    c->bytes += r == 0 && same ? here.size : 0;
    return r;
}

void carry_slice(struct carry *c)
{
    uint64_t budget = CARRY_BYTES;
    int r = c->listed ? 0 : carry_list(c);

    for (unsigned n = 0; r == 0 && c->at < c->names_n && budget && n < CARRY_OBJECTS; n++) {
        const char *name = c->names[c->at];

        if (atomic_load(&c->cancel))
            r = ERR_CANCELLED;
        else
            r = c->what >= CARRY_OFF ? carry_off(c, name) : carry_over(c, name, &budget);
        if (r < 0)
            snprintf(c->name, sizeof(c->name), "%s", name);
    }
    c->ended = r < 0 || c->at == c->names_n;
    if (r == 0 && c->ended && c->what == CARRY_AWAY && c->left)
        r = carry_fail(c, ERR_CHECKSUM); /* it stays, and who looks after it is told of the last one */
    c->err = r;
    if (c->ended && c->writer)
        blob_abort(&c->writer);
}

void carry_free(struct carry **carry)
{
    struct carry *c = *carry;

    if (!c)
        return;
    if (c->writer)
        blob_abort(&c->writer);
    for (size_t i = 0; i < c->names_n; i++)
        free(c->names[i]);
    free(c->names);
    free(c);
    *carry = NULL;
}

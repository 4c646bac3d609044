/* compare - see compare.h */
#include "actors/catalog/places/compare.h"

#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

#define COMPARE_PIECE ((size_t)256 * 1024)

static bool compare_is_part(const struct compare_item *item)
{
    return !*item->dir;
}

/* What stands beside it, and its size: whole objects alone are compared. */
static enum damage compare_begin(struct compare *c, const struct compare_item *item)
{
    struct blob_info info;
    int r = blob_stat(c->blobs, item->name, &info);

    c->far = r == 0 && info.far;
    crypto_generichash_init(&c->hash, NULL, 0, BLOB_HASH_SIZE);
    sha256_init(&c->sum);
    c->told = (struct blob_told) { .size = item->size };
    if (r == 0 && compare_is_part(item) && blob_told(c->blobs, item->name, &c->told) < 0)
        c->told = (struct blob_told) { .size = item->size };
    if (r == ERR_UNAVAILABLE || r == ERR_FORBIDDEN || r == ERR_CANCELLED)
        c->unreached = true; /* the second place: that says nothing of what lies there */
    if (c->unreached)
        return 0;
    if (r < 0)
        return r == ERR_NOT_FOUND ? DAMAGE_MISSING : DAMAGE_UNREADABLE;
    if (info.size != item->size || c->told.size != item->size)
        return DAMAGE_CHANGED;
    return info.far && info.hashed && item->hashed && !compare_is_part(item) &&
                   memcmp(info.hash, item->want, sizeof(info.hash)) != 0
               ? DAMAGE_CHANGED
               : 0;
}

/* Of a part: the bytes that a sum is of; 0 when there is none. */
static uint64_t compare_summed(const struct compare *c, const struct compare_item *item)
{
    return sha256_length(&c->told.sum) ? sha256_length(&c->told.sum) : item->hashed ? item->size : 0;
}

static void compare_add(struct compare *c, const struct compare_item *item, const void *piece, size_t n)
{
    uint64_t summed = compare_summed(c, item);

    if (!compare_is_part(item))
        crypto_generichash_update(&c->hash, piece, n);
    else if (c->off < summed)
        sha256_update(&c->sum, piece, summed - c->off < n ? (size_t)(summed - c->off) : n);
    c->off += n;
}

static enum damage compare_end(struct compare *c, const struct compare_item *item)
{
    uint8_t got[SHA256_SIZE], want[SHA256_SIZE];

    memcpy(want, item->want, sizeof(want));
    if (!compare_is_part(item)) {
        crypto_generichash_final(&c->hash, got, BLOB_HASH_SIZE);
    } else if (compare_summed(c, item)) {
        sha256_final(&c->sum, got);
        if (sha256_length(&c->told.sum))
            sha256_final(&c->told.sum, want);
    } else {
        return 0;
    }
    return (!compare_is_part(item) && !item->hashed) || memcmp(got, want, sizeof(got)) == 0 ? 0 : DAMAGE_CHANGED;
}

/* The next piece of the object whose turn it is; behind its last one, the next object. */
static uint64_t compare_step(struct compare *c, char *piece, size_t room)
{
    struct compare_item *item = &c->items[c->at];
    bool ended;
    size_t n = 0;
    int r = 0;

    if (c->off == 0)
        item->found = compare_begin(c, item);
    ended = item->found || c->far || c->unreached || c->off == item->size;
    if (!ended) {
        r = blob_read(c->blobs, item->name, c->off, piece, room, &n);
        if (r < 0)
            item->found = r == ERR_NOT_FOUND ? DAMAGE_MISSING : DAMAGE_UNREADABLE;
        else
            compare_add(c, item, piece, n);
        ended = r < 0 || c->off >= item->size;
    }
    if (ended) {
        if (!item->found && !c->far && !c->unreached)
            item->found = compare_end(c, item);
        c->at = c->unreached ? c->n : c->at + 1;
        c->off = 0;
    }
    return n;
}

void compare_slice(struct compare *c, uint64_t bytes)
{
    char *piece = malloc(COMPARE_PIECE);

    if (!piece)
        abort();
    c->read = 0;
    c->unreached = false;
    while (c->at < c->n && c->read < bytes)
        c->read += compare_step(c, piece,
                                bytes - c->read < COMPARE_PIECE ? (size_t)(bytes - c->read) : COMPARE_PIECE);
    free(piece);
}

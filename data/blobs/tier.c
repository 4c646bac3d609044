/* tier - see tier.h */
#include "data/blobs/tier.h"

#include <stdlib.h>

#include "data/blobs/backend.h"
#include "gen/errors.h"

struct tier {
    struct blobs base;
    struct blobs *first, *second;
};

static struct blobs *tier_first(struct blobs *blobs)
{
    return ((struct tier *)blobs)->first;
}

static struct blobs *tier_second(struct blobs *blobs)
{
    return ((struct tier *)blobs)->second;
}

static void tier_close(struct blobs *blobs)
{
    struct tier *t = (struct tier *)blobs;

    blobs_close(&t->first);
    blobs_close(&t->second);
    free(t);
}

/* ---- into the first; writers and what grows are its own from then on */

static int tier_put(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    return blob_put(tier_first(blobs), name, data, ret);
}

static int tier_put_new(struct blobs *blobs, const char *name, struct bytes data, struct blob_info *ret)
{
    return blob_put_new(tier_first(blobs), name, data, ret);
}

static int tier_new(struct blobs *blobs, const char *name, struct blob_writer **ret)
{
    return blob_new(tier_first(blobs), name, ret);
}

static int tier_grow(struct blobs *blobs, const char *name, struct blob_grow **ret, uint64_t *ret_frontier)
{
    return blob_grow_open(tier_first(blobs), name, ret, ret_frontier);
}

static int tier_told(struct blobs *blobs, const char *name, struct blob_told *ret)
{
    return blob_told(tier_first(blobs), name, ret);
}

static int tier_space(struct blobs *blobs, uint64_t *ret_free, uint64_t *ret_total)
{
    return blobs_space(tier_first(blobs), ret_free, ret_total);
}

/* ---- from the first that has it */

static int tier_stat_second(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    int r = blob_stat(tier_second(blobs), name, ret);

    ret->far = r == 0;
    return r;
}

static int tier_stat(struct blobs *blobs, const char *name, struct blob_info *ret)
{
    int r = blob_stat(tier_first(blobs), name, ret);

    return r == ERR_NOT_FOUND ? tier_stat_second(blobs, name, ret) : r;
}

static int tier_hash(struct blobs *blobs, const char *name, uint8_t ret[BLOB_HASH_SIZE])
{
    int r = blob_hash(tier_first(blobs), name, ret);

    return r == ERR_NOT_FOUND ? blob_hash(tier_second(blobs), name, ret) : r;
}

static int tier_read(struct blobs *blobs, const char *name, uint64_t off, void *buf, size_t len, size_t *ret_got)
{
    int r = blob_read(tier_first(blobs), name, off, buf, len, ret_got);

    return r == ERR_NOT_FOUND ? blob_read(tier_second(blobs), name, off, buf, len, ret_got) : r;
}

static int tier_fd(struct blobs *blobs, const char *name, int *ret_fd, struct blob_info *ret)
{
    int r = blob_fd(tier_first(blobs), name, ret_fd, ret);

    if (r != ERR_NOT_FOUND)
        return r;
    *ret_fd = -1;
    return tier_stat_second(blobs, name, ret);
}

/* ---- both */

struct tier_list {
    struct blobs *first;
    blob_list_fn *fn;
    void *ctx;
};

static int tier_list_second(void *ctx, const char *name, const struct blob_info *info)
{
    const struct tier_list *l = ctx;
    struct blob_info far = *info, near;
    int r = blob_stat(l->first, name, &near);

    far.far = true;
    return r == 0 ? 0 : r == ERR_NOT_FOUND ? l->fn(l->ctx, name, &far) : r;
}

static int tier_list(struct blobs *blobs, const char *prefix, blob_list_fn *fn, void *ctx)
{
    struct tier_list l = { .first = tier_first(blobs), .fn = fn, .ctx = ctx };
    int r = blob_list(l.first, prefix, fn, ctx);

    return r == 0 ? blob_list(tier_second(blobs), prefix, tier_list_second, &l) : r;
}

static int tier_delete(struct blobs *blobs, const char *name)
{
    int r = blob_delete(tier_first(blobs), name);

    return r == 0 ? blob_delete(tier_second(blobs), name) : r;
}

static int tier_delete_tree(struct blobs *blobs, const char *prefix)
{
    int r = blob_delete_tree(tier_first(blobs), prefix);

    return r == 0 ? blob_delete_tree(tier_second(blobs), prefix) : r;
}

static int tier_sweep(struct blobs *blobs, int64_t older_than_ms, unsigned *ret_removed)
{
    unsigned first = 0, second = 0;
    int r = blobs_sweep(tier_first(blobs), older_than_ms, &first),
        e = blobs_sweep(tier_second(blobs), older_than_ms, &second);

    if (ret_removed)
        *ret_removed = first + second;
    return r < 0 ? r : e;
}

static struct blobs_traffic tier_traffic(struct blobs *blobs)
{
    struct blobs_traffic a = blobs_traffic(tier_first(blobs)), b = blobs_traffic(tier_second(blobs));

    return (struct blobs_traffic) { .read = a.read + b.read, .put = a.put + b.put };
}

static const struct blob_backend tier_backend = {
    .close = tier_close,
    .put = tier_put,
    .put_new = tier_put_new,
    .new = tier_new,
    .grow = tier_grow,
    .told = tier_told,
    .stat = tier_stat,
    .hash = tier_hash,
    .read = tier_read,
    .fd = tier_fd,
    .list = tier_list,
    .delete = tier_delete,
    .delete_tree = tier_delete_tree,
    .space = tier_space,
    .sweep = tier_sweep,
    .traffic = tier_traffic,
};

struct blobs *blobs_tier(struct blobs *first, struct blobs *second)
{
    struct tier *t = calloc(1, sizeof(*t));

    if (!t)
        abort();
    *t = (struct tier) { .base.backend = &tier_backend, .first = first, .second = second };
    return &t->base;
}

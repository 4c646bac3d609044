#include "ops/validate/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/validate/limits.h"
#include "ops/validate/url.h"

struct objects {
    struct arena *arena;
    int fd;
    const char *base;
    struct buf body;
    struct object **list;  /* in the order in which they were asked for */
    struct object **table; /* by address and range: open addressing, a power of two */
    size_t n, most, slots;
};

struct objects *objects_new(struct arena *arena, int fd, const char *base)
{
    struct objects *o = calloc(1, sizeof(*o));

    if (!o)
        abort();
    *o = (struct objects) { .arena = arena, .fd = fd, .base = base };
    return o;
}

void objects_free(struct objects **objects)
{
    struct objects *o = *objects;

    if (o) {
        buf_free(&o->body);
        free(o->table);
        free(o);
    }
    *objects = NULL;
}

static size_t objects_hash(const char *url, const struct byte_range *range, enum object_kind kind)
{
    uint64_t h = 1469598103934665603u;

    for (; *url; url++)
        h = (h ^ (uint8_t)*url) * 1099511628211u;
    h = (h ^ range->from) * 1099511628211u;
    h = (h ^ range->len) * 1099511628211u;
    h = (h ^ kind) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

static struct object **objects_slot(const struct objects *o, const char *url, const struct byte_range *range,
                                    enum object_kind kind)
{
    size_t at = objects_hash(url, range, kind) & (o->slots - 1);

    while (o->table[at]) {
        const struct object *x = o->table[at];

        if (x->kind == kind && x->range.from == range->from && x->range.len == range->len &&
            strcmp(x->url, url) == 0)
            break;
        at = (at + 1) & (o->slots - 1);
    }
    return &o->table[at];
}

static void objects_room(struct objects *o)
{
    struct object **more;

    if (o->n * 2 >= o->slots) {
        o->slots = o->slots ? o->slots * 2 : 256;
        free(o->table);
        o->table = calloc(o->slots, sizeof(*o->table));
        if (!o->table)
            abort();
        for (size_t i = 0; i < o->n; i++)
            *objects_slot(o, o->list[i]->url, &o->list[i]->range, o->list[i]->kind) = o->list[i];
    }
    if (o->n == o->most) {
        o->most = o->most ? o->most * 2 : 256;
        more = arena_alloc_n(o->arena, o->most, sizeof(*more));
        if (o->n)
            memcpy(more, o->list, o->n * sizeof(*more));
        o->list = more;
    }
}

static uint64_t object_most(enum object_kind kind)
{
    switch (kind) {
    case OBJECT_TEXT:
    case OBJECT_VTT: return TEXT_MOST;
    case OBJECT_INIT: return INIT_MOST;
    default: return SEGMENT_MOST;
    }
}

static int object_fetch(struct objects *o, struct object *x)
{
    bool media = x->kind == OBJECT_INIT || x->kind == OBJECT_SEGMENT || x->kind == OBJECT_IFRAME;
    struct errand errand = {
        .plain = media, .from = x->range.from, .len = x->range.len, .most = object_most(x->kind)
    };
    struct fetched got;

    if (fetch_ask(o->fd, x->url, &errand, &o->body, &got) < 0)
        return -1;
    x->status = got.status;
    x->redirected = got.redirects > 0;
    x->gzip = got.gzip;
    x->size = o->body.len;
    x->type = arena_strdup(o->arena, got.type);
    x->error = arena_strdup(o->arena, got.error);
    x->answered = arena_strdup(o->arena, got.url);
    x->range_exact = !x->range.given ||
                     (got.status == 206 && got.range_from == (int64_t)x->range.from &&
                      got.range_to == (int64_t)(x->range.from + x->range.len - 1) && o->body.len == x->range.len);
    return 0;
}

/* A server that answers a range with everything still shows what lies there. */
static struct bytes object_bytes(const struct objects *o, const struct object *x)
{
    struct bytes all = buf_bytes(&o->body);

    if (x->range.given && x->status == 200 && x->range.from < all.len) {
        uint64_t left = all.len - x->range.from;

        all = bytes_of(o->body.data + x->range.from, x->range.len < left ? x->range.len : left);
    }
    return all;
}

static void object_read(struct objects *o, struct object *x, const struct object *init, struct bytes *ret_text)
{
    static const struct track nothing;
    struct bytes bytes = object_bytes(o, x);
    const struct track *track = init && !init->track.fault ? &init->track : &nothing;

    if (x->status != 200 && x->status != 206)
        bytes = bytes_of(NULL, 0);
    if (ret_text)
        *ret_text = arena_bytes(o->arena, bytes);
    switch (x->kind) {
    case OBJECT_INIT: track_parse(bytes, &x->track); break;
    case OBJECT_SEGMENT:
    case OBJECT_IFRAME: segment_parse(o->arena, bytes, track, x->kind == OBJECT_IFRAME, &x->segment); break;
    case OBJECT_VTT: vtt_parse(o->arena, bytes, &x->vtt); break;
    default: break;
    }
}

static struct object *object_new(struct objects *o, const char *url, const char *reference,
                                 const struct byte_range *range, enum object_kind kind)
{
    struct object *x = arena_alloc(o->arena, sizeof(*x));

    x->url = url ? url : reference;
    x->shown = url_shown(o->base, x->url);
    x->range = range ? *range : (struct byte_range) { 0 };
    x->kind = kind;
    x->type = x->error = x->answered = "";
    return x;
}

const struct object *objects_get(struct objects *o, const char *url, const char *reference,
                                 const struct byte_range *range, enum object_kind kind, const struct object *init,
                                 struct bytes *ret_text)
{
    struct object *x = object_new(o, url, reference, range, kind), *known, **slot;

    objects_room(o);
    slot = objects_slot(o, x->url, &x->range, kind);
    known = *slot;
    if (known && !ret_text)
        return known;
    if (o->n == OBJECTS_MOST)
        return NULL;
    if (url && object_fetch(o, x) < 0)
        return NULL;
    if (!url)
        x->error = "this address cannot be asked for";
    object_read(o, x, init, ret_text);
    buf_reset(&o->body);
    *slot = o->list[o->n++] = x;
    return x;
}

const struct object *objects_again(struct objects *o, const char *url, struct bytes *ret_text)
{
    struct object *x = object_new(o, url, url, NULL, OBJECT_TEXT);

    if (object_fetch(o, x) < 0)
        return NULL;
    object_read(o, x, NULL, ret_text);
    buf_reset(&o->body);
    return x;
}

void objects_list(const struct objects *o, struct object ***ret, size_t *ret_n)
{
    *ret = o->list;
    *ret_n = o->n;
}

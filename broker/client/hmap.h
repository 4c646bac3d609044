/* hmap - an intrusive hash table with 64-bit keys. The owner embeds a node and finds itself by HMAP_OF.
 *
 * Equal keys may lie in it together (hashes of names): hmap_next_same walks them. Nothing is allocated but the
 * slots. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "schemas/wire/bytes.h"

struct hnode {
    struct hnode *next;
    uint64_t key;
};

struct hmap {
    struct hnode **slots;
    size_t mask, n; /* mask 0: nothing allocated yet */
};

#define HMAP_OF(node, type, member)    ((type *)(void *)((char *)(node)-offsetof(type, member)))
#define HMAP_MAYBE(node, type, member) ((node) ? HMAP_OF(node, type, member) : NULL)

static inline size_t hmap_slot(const struct hmap *map, uint64_t key)
{
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & map->mask;
}

static inline void hmap_resize(struct hmap *map, size_t slots)
{
    struct hmap bigger = { calloc(slots, sizeof *bigger.slots), slots - 1, map->n };

    if (!bigger.slots)
        abort();
    for (size_t i = 0; map->slots && i <= map->mask; i++) {
        for (struct hnode *node = map->slots[i], *next; node; node = next) {
            struct hnode **slot = &bigger.slots[hmap_slot(&bigger, node->key)];

            next = node->next;
            node->next = *slot;
            *slot = node;
        }
    }
    free(map->slots);
    *map = bigger;
}

static inline void hmap_add(struct hmap *map, struct hnode *node, uint64_t key)
{
    struct hnode **slot;

    if (!map->slots || map->n > map->mask)
        hmap_resize(map, map->slots ? 2 * (map->mask + 1) : 16);
    slot = &map->slots[hmap_slot(map, key)];
    node->key = key;
    node->next = *slot;
    *slot = node;
    map->n++;
}

static inline struct hnode *hmap_next_same(const struct hnode *node, uint64_t key)
{
    while (node && node->key != key)
        node = node->next;
    return (struct hnode *)node;
}

static inline struct hnode *hmap_find(const struct hmap *map, uint64_t key)
{
    return map->slots ? hmap_next_same(map->slots[hmap_slot(map, key)], key) : NULL;
}

static inline void hmap_del(struct hmap *map, struct hnode *node)
{
    struct hnode **at = &map->slots[hmap_slot(map, node->key)];

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    map->n--;
}

/* Walks all nodes in no order; the one it gave may be deleted before the next step, when `next` was kept. */
static inline struct hnode *hmap_from(const struct hmap *map, size_t slot)
{
    for (; map->slots && slot <= map->mask; slot++) {
        if (map->slots[slot])
            return map->slots[slot];
    }
    return NULL;
}

static inline struct hnode *hmap_first(const struct hmap *map)
{
    return hmap_from(map, 0);
}

static inline struct hnode *hmap_next(const struct hmap *map, const struct hnode *node)
{
    return node->next ? node->next : hmap_from(map, hmap_slot(map, node->key) + 1);
}

static inline void hmap_free(struct hmap *map)
{
    free(map->slots);
    *map = (struct hmap) { 0 };
}

/* FNV-1a; start with HMAP_SEED, chain for several parts. The names hashed are bounded in number by their
 * limits. */
#define HMAP_SEED 0xcbf29ce484222325u
static inline uint64_t hmap_hash(uint64_t seed, struct bytes data)
{
    const uint8_t *at = data.data;

    for (size_t i = 0; i < data.len; i++)
        seed = (seed ^ at[i]) * 0x100000001b3u;
    return (seed ^ 0xff) * 0x100000001b3u;
}

/* key - keys and index entries as bytes whose order is the order of their values; table.c, walk.c and
 * scrub.c only. */
#pragma once

#include "data/store/table.h"

struct key {
    size_t n;
    uint8_t b[STORE_KEY_MAX];
};

static inline struct bytes key_bytes(const struct key *key)
{
    return (struct bytes) { .data = key->b, .len = key->n };
}

/* Appends the first n fields of keys, taken from record. ERR_TOO_LARGE. */
int key_append(struct key *key, const struct table_key *keys, size_t n, const void *record);

/* The key of a record in its table. */
int key_of(const struct table_def *def, const void *record, struct key *ret);

/* The record's entry in an index: 1, or 0 when a sparse index has none, or an error. */
int key_of_index(const struct table_def *def, const struct table_index *index, const void *record,
                 struct key *ret);

/* The primary key at the end of an index entry. ERR_CORRUPT. */
int key_primary(const struct table_index *index, struct bytes entry, struct bytes *ret);

/* The smallest key above all that begin with this one; false when there is none. */
bool key_after_prefix(struct key *key);

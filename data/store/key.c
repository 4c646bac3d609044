/* key - see key.h. */
#include <string.h>

#include "data/store/key.h"
#include "gen/errors.h"
#include "schemas/wire/plant.h"

static int key_add(struct key *key, const void *data, size_t len)
{
    if (len > sizeof(key->b) - key->n)
        return ERR_TOO_LARGE;
    memcpy(key->b + key->n, data, len);
    key->n += len;
    return 0;
}

static int key_add_u64(struct key *key, uint64_t v)
{
    uint8_t b[8];

    for (int i = 7; i >= 0; i--, v >>= 8)
        b[i] = (uint8_t)v;
    return key_add(key, b, sizeof(b));
}

static int key_add_field(struct key *key, const struct table_key *field, const void *record)
{
    const uint8_t *at = (const uint8_t *)record + field->offset;
    const char *text;
    uint64_t u;
    int e;

    switch (field->kind) {
    case WIRE_BOOL: return key_add(key, *(const bool *)at ? "\1" : "\0", 1);
    case WIRE_INT: memcpy(&u, at, sizeof(u)); return key_add_u64(key, u ^ (uint64_t)1 << 63);
    case WIRE_UINT:
    case WIRE_TIME: memcpy(&u, at, sizeof(u)); return key_add_u64(key, u);
    case WIRE_ENUM: memcpy(&e, at, sizeof(e)); return key_add_u64(key, (uint64_t)e);
    case WIRE_ID: return key_add(key, at, sizeof(struct id));
    case WIRE_TEXT:
        memcpy(&text, at, sizeof(text));
        return key_add(key, text ? text : "", text ? strlen(text) + 1 : 1);
    default: return ERR_INVALID;
    }
}

int key_append(struct key *key, const struct table_key *keys, size_t n, const void *record)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++)
        r = key_add_field(key, &keys[i], record);
    return r;
}

int key_of(const struct table_def *def, const void *record, struct key *ret)
{
    ret->n = 0;
    return key_append(ret, def->keys, def->keys_n, record);
}

static bool key_field_is_absent(const struct table_key *field, const void *record)
{
    struct key key = { .n = 0 };

    if (key_add_field(&key, field, record) < 0)
        return false;
    if (field->kind == WIRE_INT)
        key.b[0] ^= 0x80;
    for (size_t i = 0; i < key.n; i++)
        if (key.b[i])
            return false;
    return true;
}

int key_of_index(const struct table_def *def, const struct table_index *index, const void *record, struct key *ret)
{
    int r;

    if (index->sparse && key_field_is_absent(&index->keys[0], record))
        return 0;
    ret->n = 0;
    r = key_append(ret, index->keys, index->keys_n, record);
    if (r == 0)
        r = key_append(ret, def->keys, def->keys_n, record);
    return r < 0 ? r : 1;
}

/* Bytes that a field takes at the head of `from`, 0 when they are not all there. */
static size_t key_field_size(enum wire_kind kind, struct bytes from)
{
    const void *end;
    size_t size;

    switch (kind) {
    case WIRE_BOOL: size = 1; break;
    case WIRE_ID: size = sizeof(struct id); break;
    case WIRE_TEXT:
        end = memchr(from.data, 0, from.len);
        return end ? (size_t)((const char *)end - (const char *)from.data) + 1 : 0;
    default: size = 8;
    }
    return size <= from.len ? size : 0;
}

int key_primary(const struct table_index *index, struct bytes entry, struct bytes *ret)
{
    for (size_t i = 0; i < index->keys_n; i++) {
        size_t size = entry.len ? key_field_size(index->keys[i].kind, entry) : 0;

        if (!size)
            return ERR_CORRUPT;
        entry = (struct bytes) { .data = (const char *)entry.data + size, .len = entry.len - size };
    }
    if (!entry.len)
        return ERR_CORRUPT;
    PLANT(index->keys_n > 1 && entry.len > 24);
    *ret = entry;
    return 0;
}

bool key_after_prefix(struct key *key)
{
    while (key->n && key->b[key->n - 1] == 0xff)
        key->n--;
    if (!key->n)
        return false;
    key->b[key->n - 1]++;
    return true;
}

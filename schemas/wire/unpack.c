/* unpack - msgpack to structs, after the check. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/internal.h"
#include "schemas/wire/plant.h"

struct unpack {
    struct arena *arena;
    struct wire_error *err;
};

static int unpack_struct(struct unpack *u, const struct wire_type *type, const msgpack_object *from, void *obj);

static int unpack_kind(struct unpack *u, const char *kind)
{
    return wire_fail(u->err, ERR_INVALID, "must be %s", kind);
}

static int unpack_int(struct unpack *u, const msgpack_object *from, int64_t *to)
{
    if (from->type == MSGPACK_OBJECT_NEGATIVE_INTEGER) {
        *to = from->via.i64;
        return 0;
    }
    if (from->type != MSGPACK_OBJECT_POSITIVE_INTEGER || from->via.u64 > INT64_MAX)
        return unpack_kind(u, "a whole number of 64 bits");
    *to = (int64_t)from->via.u64;
    return 0;
}

static int unpack_float(struct unpack *u, const msgpack_object *from, double *to)
{
    switch (from->type) {
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: *to = from->via.f64; return 0;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: *to = (double)from->via.u64; return 0;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: *to = (double)from->via.i64; return 0;
    default: return unpack_kind(u, "a number");
    }
}

static int unpack_enum(struct unpack *u, const struct wire_field *f, const msgpack_object *from, int *to)
{
    if (from->type != MSGPACK_OBJECT_POSITIVE_INTEGER || from->via.u64 > INT32_MAX)
        return unpack_kind(u, "the number of a name");
    if (from->via.u64 && !wire_enum_name(f->names, (int)from->via.u64))
        return wire_fail(u->err, ERR_INVALID, "has no name for %" PRIu64 " in %s", from->via.u64, f->names->name);
    *to = (int)from->via.u64;
    return 0;
}

static int unpack_value(struct unpack *u, const struct wire_field *f, const msgpack_object *from, void *to)
{
    switch (f->kind) {
    case WIRE_BOOL:
        if (from->type != MSGPACK_OBJECT_BOOLEAN)
            return unpack_kind(u, "true or false");
        *(bool *)to = from->via.boolean;
        return 0;
    case WIRE_INT:
    case WIRE_TIME: return unpack_int(u, from, to);
    case WIRE_UINT:
        if (from->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return unpack_kind(u, "a whole number, not negative");
        *(uint64_t *)to = from->via.u64;
        return 0;
    case WIRE_FLOAT: return unpack_float(u, from, to);
    case WIRE_TEXT:
        if (from->type != MSGPACK_OBJECT_STR)
            return unpack_kind(u, "a text");
        *(const char **)to = arena_strndup(u->arena, from->via.str.ptr, from->via.str.size);
        return 0;
    case WIRE_BYTES:
        if (from->type != MSGPACK_OBJECT_BIN)
            return unpack_kind(u, "bytes");
        *(struct bytes *)to = bytes_of(arena_copy(u->arena, from->via.bin.ptr, from->via.bin.size),
                                       from->via.bin.size);
        return 0;
    case WIRE_ID:
        if (from->type != MSGPACK_OBJECT_BIN || from->via.bin.size != sizeof(struct id))
            return unpack_kind(u, "an id of 16 bytes");
        memcpy(to, from->via.bin.ptr, sizeof(struct id));
        return 0;
    case WIRE_ENUM: return unpack_enum(u, f, from, to);
    case WIRE_STRUCT: return unpack_struct(u, f->type, from, to);
    }
    return ERR_INTERNAL;
}

static int unpack_list(struct unpack *u, const struct wire_field *f, const msgpack_object *from, void *obj)
{
    char *items;
    int r;

    if (from->type != MSGPACK_OBJECT_ARRAY)
        return unpack_kind(u, "a list");
    if (from->via.array.size > f->max_items)
        return wire_fail(u->err, ERR_INVALID, "must have at most %" PRIu32 " items", f->max_items);
    PLANT(from->via.array.size > 1);
    items = wire_list_new(f, obj, u->arena, from->via.array.size);
    for (uint32_t k = 0; k < from->via.array.size; k++) {
        r = unpack_value(u, f, &from->via.array.ptr[k], items + k * wire_item_size(f));
        if (r < 0) {
            wire_path(u->err, f, k);
            return r;
        }
    }
    return 0;
}

static int unpack_field(struct unpack *u, const struct wire_field *f, const msgpack_object *from, void *obj)
{
    int r;

    if (f->flags & WIRE_HAS)
        *(bool *)wire_at(obj, f->has_at) = true;
    if (f->flags & WIRE_LIST) {
        r = unpack_list(u, f, from, obj);
        if (r < 0 && (!u->err || u->err->path[0]))
            return r;
    } else {
        r = unpack_value(u, f, from, wire_at(obj, f->offset));
    }
    if (r < 0)
        wire_path(u->err, f, WIRE_NO_ITEM);
    return r;
}

/* The field with this number, or NULL. Numbers rise, in nearly all types without gaps. */
static const struct wire_field *unpack_find(const struct wire_type *type, uint64_t number)
{
    size_t low = 0, high = type->fields_n;

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (type->fields[mid].number == number)
            return &type->fields[mid];
        if (type->fields[mid].number < number)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

/* What did not come: its default, or an error. */
static int unpack_missing(struct unpack *u, const struct wire_type *type, uint64_t seen, void *obj)
{
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];

        if (seen & (UINT64_C(1) << i))
            continue;
        if (f->flags & WIRE_REQUIRED) {
            wire_fail(u->err, ERR_INVALID, "is required");
            wire_path(u->err, f, WIRE_NO_ITEM);
            return ERR_INVALID;
        }
        if (f->flags & WIRE_DEFAULT)
            wire_fallback(f, obj);
        else if (f->kind == WIRE_STRUCT && !(f->flags & WIRE_LIST))
            wire_init(f->type, wire_at(obj, f->offset));
    }
    return 0;
}

static int unpack_struct(struct unpack *u, const struct wire_type *type, const msgpack_object *from, void *obj)
{
    uint64_t seen = 0, bit;
    int r;

    if (from->type != MSGPACK_OBJECT_MAP)
        return unpack_kind(u, "a struct");
    for (uint32_t i = 0; i < from->via.map.size; i++) {
        const msgpack_object_kv *kv = &from->via.map.ptr[i];
        const struct wire_field *f;

        if (kv->key.type != MSGPACK_OBJECT_POSITIVE_INTEGER)
            return wire_fail(u->err, ERR_MALFORMED, "has a field without a number");
        f = unpack_find(type, kv->key.via.u64);
        if (!f)
            continue;
        bit = UINT64_C(1) << (f - type->fields);
        if (seen & bit)
            return wire_fail(u->err, ERR_MALFORMED, "has field %" PRIu32 " twice", f->number);
        seen |= bit;
        r = unpack_field(u, f, &kv->val, obj);
        if (r < 0)
            return r;
    }
    return unpack_missing(u, type, seen, obj);
}

int wire_unpack(const struct wire_type *type, struct bytes in, struct arena *arena, void *obj,
                struct wire_error *err)
{
    struct unpack u = { .arena = arena, .err = err };
    msgpack_unpacked unpacked;
    size_t offset = 0;
    int r;

    if (err)
        *err = (struct wire_error) { 0 };
    memset(obj, 0, type->size);
    r = wire_check(in, type->max_nodes, err);
    if (r < 0)
        return r;
    msgpack_unpacked_init(&unpacked);
    switch (msgpack_unpack_next(&unpacked, in.data, in.len, &offset)) {
    case MSGPACK_UNPACK_SUCCESS: r = unpack_struct(&u, type, &unpacked.data, obj); break;
    case MSGPACK_UNPACK_NOMEM_ERROR: fputs("out of memory\n", stderr); abort();
    default: r = wire_fail(err, ERR_MALFORMED, "is not msgpack"); break;
    }
    msgpack_unpacked_destroy(&unpacked);
    if (r == 0)
        r = wire_validate(type, obj, err);
    return r;
}

/* type - what can be asked of a descriptor, and done with any struct that has one. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "schemas/wire/internal.h"

size_t wire_item_size(const struct wire_field *field)
{
    switch (field->kind) {
    case WIRE_BOOL: return sizeof(bool);
    case WIRE_INT:
    case WIRE_TIME: return sizeof(int64_t);
    case WIRE_UINT: return sizeof(uint64_t);
    case WIRE_FLOAT: return sizeof(double);
    case WIRE_TEXT: return sizeof(const char *);
    case WIRE_BYTES: return sizeof(struct bytes);
    case WIRE_ID: return sizeof(struct id);
    case WIRE_ENUM: return sizeof(int);
    case WIRE_STRUCT: return field->type->size;
    }
    return 0;
}

const void *wire_item(const struct wire_field *field, const void *obj, size_t k)
{
    const void *value = wire_at_const(obj, field->offset);

    if (!(field->flags & WIRE_LIST))
        return value;
    return wire_at_const(*(void *const *)value, k * wire_item_size(field));
}

/* Zero, NULL or empty, whatever the flags. */
static bool wire_zero(const struct wire_field *field, const void *value)
{
    switch (field->kind) {
    case WIRE_BOOL: return !*(const bool *)value;
    case WIRE_INT:
    case WIRE_TIME: return *(const int64_t *)value == 0;
    case WIRE_UINT: return *(const uint64_t *)value == 0;
    case WIRE_FLOAT: return *(const double *)value == 0;
    case WIRE_TEXT: return !*(const char *const *)value;
    case WIRE_BYTES: return !((const struct bytes *)value)->data;
    case WIRE_ID: return id_is_zero(*(const struct id *)value);
    case WIRE_ENUM: return *(const int *)value == 0;
    case WIRE_STRUCT: return wire_is_empty(field->type, value);
    }
    return true;
}

bool wire_absent(const struct wire_field *field, const void *obj)
{
    if (field->flags & WIRE_HAS)
        return !wire_has(field, obj);
    if (field->flags & WIRE_LIST)
        return wire_count(field, obj) == 0;
    if (field->kind == WIRE_TEXT || field->kind == WIRE_BYTES || field->kind == WIRE_ID)
        return wire_zero(field, wire_at_const(obj, field->offset));
    if (field->flags & (WIRE_REQUIRED | WIRE_DEFAULT))
        return false;
    return wire_zero(field, wire_at_const(obj, field->offset));
}

static bool wire_is_fallback(const struct wire_field *field, const void *value)
{
    switch (field->kind) {
    case WIRE_BOOL: return *(const bool *)value == (field->fallback.u != 0);
    case WIRE_INT:
    case WIRE_TIME: return *(const int64_t *)value == field->fallback.i;
    case WIRE_UINT: return *(const uint64_t *)value == field->fallback.u;
    case WIRE_FLOAT: return *(const double *)value == field->fallback.f;
    case WIRE_ENUM: return (uint64_t) * (const int *)value == field->fallback.u;
    case WIRE_TEXT:
        return *(const char *const *)value && strcmp(*(const char *const *)value, field->fallback_text) == 0;
    default: return false;
    }
}

bool wire_is_empty(const struct wire_type *type, const void *obj)
{
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];
        const void *value = wire_at_const(obj, f->offset);
        bool scalar = !(f->flags & (WIRE_HAS | WIRE_LIST));

        if (wire_absent(f, obj) || (scalar && wire_zero(f, value)))
            continue;
        if (!scalar || !(f->flags & WIRE_DEFAULT) || !wire_is_fallback(f, value))
            return false;
    }
    return true;
}

void wire_fallback(const struct wire_field *field, void *obj)
{
    void *value = wire_at(obj, field->offset);

    switch (field->kind) {
    case WIRE_BOOL: *(bool *)value = field->fallback.u != 0; break;
    case WIRE_INT:
    case WIRE_TIME: *(int64_t *)value = field->fallback.i; break;
    case WIRE_UINT: *(uint64_t *)value = field->fallback.u; break;
    case WIRE_FLOAT: *(double *)value = field->fallback.f; break;
    case WIRE_ENUM: *(int *)value = (int)field->fallback.u; break;
    case WIRE_TEXT: *(const char **)value = field->fallback_text; break;
    default: break;
    }
}

void wire_init(const struct wire_type *type, void *obj)
{
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];

        if (f->kind == WIRE_STRUCT && !(f->flags & WIRE_LIST))
            wire_init(f->type, wire_at(obj, f->offset));
        else if ((f->flags & WIRE_DEFAULT) && wire_zero(f, wire_at(obj, f->offset)))
            wire_fallback(f, obj);
    }
}

void *wire_list_new(const struct wire_field *field, void *obj, struct arena *arena, size_t n)
{
    void *items = arena_alloc_n(arena, n, wire_item_size(field));

    *(void **)wire_at(obj, field->offset) = items;
    *(size_t *)wire_at(obj, field->count_at) = n;
    return items;
}

static void wire_copy_value(const struct wire_field *field, const void *from, struct arena *arena, void *to)
{
    switch (field->kind) {
    case WIRE_TEXT: *(const char **)to = arena_strdup(arena, *(const char *const *)from); break;
    case WIRE_BYTES: *(struct bytes *)to = arena_bytes(arena, *(const struct bytes *)from); break;
    case WIRE_STRUCT: wire_copy(field->type, from, arena, to); break;
    default: memcpy(to, from, wire_item_size(field)); break;
    }
}

void wire_copy(const struct wire_type *type, const void *from, struct arena *arena, void *to)
{
    memcpy(to, from, type->size);
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];
        size_t n = f->flags & WIRE_LIST ? wire_count(f, from) : 1;
        char *at = f->flags & WIRE_LIST ? wire_list_new(f, to, arena, n) : wire_at(to, f->offset);

        for (size_t k = 0; k < n; k++)
            wire_copy_value(f, wire_item(f, from, k), arena, at + k * wire_item_size(f));
    }
}

const struct wire_field *wire_find(const struct wire_type *type, const char *name)
{
    for (size_t i = 0; i < type->fields_n; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

const char *wire_enum_name(const struct wire_enum *names, int value)
{
    for (size_t i = 0; i < names->values_n; i++)
        if (names->values[i].value == value)
            return names->values[i].name;
    return NULL;
}

int wire_enum_value(const struct wire_enum *names, const char *name, size_t len)
{
    for (size_t i = 0; i < names->values_n; i++)
        if (strlen(names->values[i].name) == len && memcmp(names->values[i].name, name, len) == 0)
            return names->values[i].value;
    return 0;
}

int wire_fail(struct wire_error *err, int code, const char *format, ...)
{
    va_list args;

    if (!err)
        return code;
    err->err = code;
    err->path[0] = 0;
    va_start(args, format);
    vsnprintf(err->sentence, sizeof(err->sentence), format, args);
    va_end(args);
    return code;
}

void wire_path(struct wire_error *err, const struct wire_field *field, size_t item)
{
    char inner[WIRE_PATH_SIZE], index[24] = "";

    if (!err)
        return;
    memcpy(inner, err->path, sizeof(inner));
    if (item != WIRE_NO_ITEM)
        snprintf(index, sizeof(index), "[%zu]", item);
    /* A path longer than the room for it is cut at its inner end. */
    if (snprintf(err->path, sizeof(err->path), "%s%s%s%s", field->name, index, *inner ? "." : "", inner) < 0)
        err->path[0] = 0;
}

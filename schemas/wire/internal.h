/* internal - what the files of wire share. */
#pragma once

#include "schemas/wire/wire.h"

/* The member of obj at `at`, without a cast that drops const. */
static inline void *wire_at(void *obj, size_t at)
{
    return (char *)obj + at;
}

static inline const void *wire_at_const(const void *obj, size_t at)
{
    return (const char *)obj + at;
}

static inline size_t wire_count(const struct wire_field *field, const void *obj)
{
    return *(const size_t *)wire_at_const(obj, field->count_at);
}

static inline bool wire_has(const struct wire_field *field, const void *obj)
{
    return *(const bool *)wire_at_const(obj, field->has_at);
}

/* The size of one value: of a scalar field, or of an item of a list. */
size_t wire_item_size(const struct wire_field *field);

/* The k-th item of a list, or the value itself. */
const void *wire_item(const struct wire_field *field, const void *obj, size_t k);

/* Whether the field is absent: packing leaves it out. */
bool wire_absent(const struct wire_field *field, const void *obj);

/* Fill *err (which may be NULL) and answer its code. The path begins with the innermost field; who unwinds puts the
 * outer ones before it. */
int wire_fail(struct wire_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int wire_fail_enum(struct wire_error *err, const struct wire_enum *names); /* "must be one of ..." */
void wire_path(struct wire_error *err, const struct wire_field *field, size_t item);
#define WIRE_NO_ITEM SIZE_MAX

/* Makes room for n items in the list, zeroed, and answers the first of them. */
void *wire_list_new(const struct wire_field *field, void *obj, struct arena *arena, size_t n);

/* Sets one value to the field's default. */
void wire_fallback(const struct wire_field *field, void *obj);

/* validate - whether a struct is what its schema allows, and where it is not. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/internal.h"
#include "schemas/wire/time.h"

static int validate_length(const struct wire_field *f, size_t len, const char *unit, struct wire_error *err)
{
    if ((f->flags & WIRE_MAX) && len > f->max.u)
        return wire_fail(err, ERR_INVALID, "must be at most %" PRIu64 " %s%s", f->max.u, unit,
                         f->max.u == 1 ? "" : "s");
    if ((f->flags & WIRE_MIN) && len < f->min.u)
        return wire_fail(err, ERR_INVALID, "must be at least %" PRIu64 " %s%s", f->min.u, unit,
                         f->min.u == 1 ? "" : "s");
    return 0;
}

static int validate_text(const struct wire_field *f, const char *text, struct wire_error *err)
{
    size_t chars;

    if (!text)
        return wire_fail(err, ERR_INVALID, "must not be empty");
    if (!wire_utf8(text, strlen(text), &chars))
        return wire_fail(err, ERR_INVALID, "must be UTF-8");
    return validate_length(f, chars, "character", err);
}

static int validate_int(const struct wire_field *f, int64_t value, struct wire_error *err)
{
    if ((f->flags & WIRE_MIN) && value < f->min.i)
        return wire_fail(err, ERR_INVALID, "must be at least %" PRId64, f->min.i);
    if ((f->flags & WIRE_MAX) && value > f->max.i)
        return wire_fail(err, ERR_INVALID, "must be at most %" PRId64, f->max.i);
    return 0;
}

static int validate_uint(const struct wire_field *f, uint64_t value, struct wire_error *err)
{
    if ((f->flags & WIRE_MIN) && value < f->min.u)
        return wire_fail(err, ERR_INVALID, "must be at least %" PRIu64, f->min.u);
    if ((f->flags & WIRE_MAX) && value > f->max.u)
        return wire_fail(err, ERR_INVALID, "must be at most %" PRIu64, f->max.u);
    return 0;
}

static int validate_float(const struct wire_field *f, double value, struct wire_error *err)
{
    if (!isfinite(value))
        return wire_fail(err, ERR_INVALID, "must be a finite number");
    if ((f->flags & WIRE_MIN) && value < f->min.f)
        return wire_fail(err, ERR_INVALID, "must be at least %g", f->min.f);
    if ((f->flags & WIRE_MAX) && value > f->max.f)
        return wire_fail(err, ERR_INVALID, "must be at most %g", f->max.f);
    return 0;
}

static int validate_time(const struct wire_field *f, int64_t value, struct wire_error *err)
{
    if (value < 0 || value > TIME_MAX)
        return wire_fail(err, ERR_INVALID, "must be a moment between 1970 and 9999");
    return validate_int(f, value, err);
}

int wire_fail_enum(struct wire_error *err, const struct wire_enum *names)
{
    char list[WIRE_SENTENCE_SIZE - 20];
    size_t len = 0;

    for (size_t i = 0; i < names->values_n && len < sizeof(list); i++)
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", names->values[i].name);
    return wire_fail(err, ERR_INVALID, "must be one of %s", list);
}

static int validate_value(const struct wire_field *f, const void *value, struct wire_error *err)
{
    switch (f->kind) {
    case WIRE_BOOL: return 0;
    case WIRE_INT: return validate_int(f, *(const int64_t *)value, err);
    case WIRE_UINT: return validate_uint(f, *(const uint64_t *)value, err);
    case WIRE_FLOAT: return validate_float(f, *(const double *)value, err);
    case WIRE_TEXT: return validate_text(f, *(const char *const *)value, err);
    case WIRE_BYTES: return validate_length(f, ((const struct bytes *)value)->len, "byte", err);
    case WIRE_ID:
        return id_is_zero(*(const struct id *)value) ? wire_fail(err, ERR_INVALID, "must not be empty") : 0;
    case WIRE_TIME: return validate_time(f, *(const int64_t *)value, err);
    case WIRE_ENUM: return wire_enum_name(f->names, *(const int *)value) ? 0 : wire_fail_enum(err, f->names);
    case WIRE_STRUCT: return wire_validate(f->type, value, err);
    }
    return 0;
}

static int validate_list(const struct wire_field *f, const void *obj, struct wire_error *err)
{
    size_t n = wire_count(f, obj);
    int r;

    if (n > f->max_items)
        return wire_fail(err, ERR_INVALID, "must have at most %" PRIu32 " items", f->max_items);
    if (n < f->min_items)
        return wire_fail(err, ERR_INVALID, "must have at least %" PRIu32 " item%s", f->min_items,
                         f->min_items == 1 ? "" : "s");
    for (size_t k = 0; k < n; k++) {
        r = validate_value(f, wire_item(f, obj, k), err);
        if (r < 0) {
            wire_path(err, f, k);
            return r;
        }
    }
    return 0;
}

static int validate_field(const struct wire_field *f, const void *obj, struct wire_error *err)
{
    const void *value = wire_at_const(obj, f->offset);
    bool nothing = (f->kind == WIRE_TIME && *(const int64_t *)value == 0) ||
                   (f->kind == WIRE_ENUM && *(const int *)value == 0);
    int r;

    if (wire_absent(f, obj) || (!(f->flags & (WIRE_LIST | WIRE_HAS)) && nothing)) {
        r = f->flags & WIRE_REQUIRED ? wire_fail(err, ERR_INVALID, "is required") : 0;
    } else if (f->flags & WIRE_LIST) {
        r = validate_list(f, obj, err);
        if (r < 0 && (!err || err->path[0]))
            return r; /* an item's path names the list already */
    } else {
        r = validate_value(f, value, err);
    }
    if (r < 0)
        wire_path(err, f, WIRE_NO_ITEM);
    return r;
}

int wire_validate(const struct wire_type *type, const void *obj, struct wire_error *err)
{
    int r;

    for (size_t i = 0; i < type->fields_n; i++) {
        r = validate_field(&type->fields[i], obj, err);
        if (r < 0)
            return r;
    }
    return 0;
}

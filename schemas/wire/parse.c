/* parse - one field from text and back, for settings. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/internal.h"
#include "schemas/wire/time.h"

static int parse_bool(const char *text, bool *to, struct wire_error *err)
{
    if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "1") == 0)
        *to = true;
    else if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "0") == 0)
        *to = false;
    else
        return wire_fail(err, ERR_INVALID, "must be true or false");
    return 0;
}

static int parse_int(const char *text, int64_t *to, struct wire_error *err)
{
    char *end;

    errno = 0;
    *to = strtoll(text, &end, 10);
    if (errno || end == text || *end)
        return wire_fail(err, ERR_INVALID, "must be a whole number");
    return 0;
}

static int parse_uint(const char *text, uint64_t *to, struct wire_error *err)
{
    char *end;

    errno = 0;
    *to = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9' || *end)
        return wire_fail(err, ERR_INVALID, "must be a whole number, not negative");
    return 0;
}

static int parse_float(const char *text, double *to, struct wire_error *err)
{
    char *end;

    *to = strtod(text, &end);
    if (end == text || *end)
        return wire_fail(err, ERR_INVALID, "must be a number");
    return 0;
}

static int parse_value(const struct wire_field *f, const char *text, struct arena *arena, void *to,
                       struct wire_error *err)
{
    switch (f->kind) {
    case WIRE_BOOL: return parse_bool(text, to, err);
    case WIRE_INT: return parse_int(text, to, err);
    case WIRE_UINT: return parse_uint(text, to, err);
    case WIRE_FLOAT: return parse_float(text, to, err);
    case WIRE_TEXT: *(const char **)to = arena_strdup(arena, text); return 0;
    case WIRE_TIME:
        return time_parse(text, to) < 0 ? wire_fail(err, ERR_INVALID, "must be a time as in 2026-11-21T05:10:00Z")
                                        : 0;
    case WIRE_ID: return id_parse(f->prefix, text, to) < 0 ? wire_fail(err, ERR_INVALID, "must be an id") : 0;
    case WIRE_ENUM:
        *(int *)to = wire_enum_value(f->names, text, strlen(text));
        return *(int *)to ? 0 : wire_fail_enum(err, f->names);
    default: return wire_fail(err, ERR_UNSUPPORTED, "cannot be written as one text");
    }
}

int wire_set_text(const struct wire_type *type, const struct wire_field *field, const char *text,
                  struct arena *arena, void *obj, struct wire_error *err)
{
    struct wire_type one = *type;
    int r;

    if (err)
        *err = (struct wire_error) { 0 };
    if (field->flags & WIRE_LIST)
        return wire_fail(err, ERR_UNSUPPORTED, "cannot be written as one text");
    r = parse_value(field, text, arena, wire_at(obj, field->offset), err);
    if (r < 0) {
        wire_path(err, field, WIRE_NO_ITEM);
        return r;
    }
    if (field->flags & WIRE_HAS)
        *(bool *)wire_at(obj, field->has_at) = true;
    one.fields = field; /* the validator, of this field alone */
    one.fields_n = 1;
    return wire_validate(&one, obj, err);
}

void wire_get_text(const struct wire_field *field, const void *obj, struct buf *out)
{
    const void *value = wire_at_const(obj, field->offset);
    char text[ID_TEXT_SIZE > TIME_TEXT_SIZE ? ID_TEXT_SIZE : TIME_TEXT_SIZE];
    const char *name;

    if ((field->flags & WIRE_LIST) || wire_absent(field, obj))
        return;
    switch (field->kind) {
    case WIRE_BOOL: buf_put_text(out, *(const bool *)value ? "true" : "false"); break;
    case WIRE_INT: buf_printf(out, "%" PRId64, *(const int64_t *)value); break;
    case WIRE_UINT: buf_printf(out, "%" PRIu64, *(const uint64_t *)value); break;
    case WIRE_FLOAT: buf_printf(out, "%.17g", *(const double *)value); break;
    case WIRE_TEXT: buf_put_text(out, *(const char *const *)value); break;
    case WIRE_ID: buf_put_text(out, id_format(field->prefix, *(const struct id *)value, text)); break;
    case WIRE_TIME: buf_put_text(out, time_format(*(const int64_t *)value, text)); break;
    case WIRE_ENUM:
        name = wire_enum_name(field->names, *(const int *)value);
        buf_put_text(out, name ? name : "");
        break;
    case WIRE_BYTES:
    case WIRE_STRUCT: break;
    }
}

#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "schemas/wire/internal.h"
#include "schemas/wire/json.h"
#include "schemas/wire/plant.h"
#include "schemas/wire/time.h"

static json_t *json_must(json_t *json)
{
    if (!json) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return json;
}

/* How deep the brackets outside of strings go; the parser finds all else that is wrong. */
static int json_depth(struct bytes text)
{
    const char *s = text.data;
    int depth = 0, deepest = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        if (quoted) {
            if (s[i] == '\\')
                i++;
            else if (s[i] == '"')
                quoted = false;
        } else if (s[i] == '"') {
            quoted = true;
        } else if (s[i] == '{' || s[i] == '[') {
            deepest = ++depth > deepest ? depth : deepest;
        } else if (s[i] == '}' || s[i] == ']') {
            depth--;
        }
    }
    return deepest;
}

int wire_json_parse(struct bytes text, size_t max, json_t **ret, struct wire_error *err)
{
    json_error_t e;

    if (err)
        *err = (struct wire_error) { 0 };
    if (text.len > max)
        return wire_fail(err, ERR_TOO_LARGE, "must be at most %zu bytes", max);
    if (json_depth(text) > JSON_DEPTH)
        return wire_fail(err, ERR_MALFORMED, "is nested deeper than %d levels", JSON_DEPTH);
    *ret = json_loadb(text.len ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &e);
    if (!*ret)
        return wire_fail(err, ERR_MALFORMED, "is not JSON: line %d, column %d: %.100s", e.line, e.column, e.text);
    return 0;
}

/* ---- writing */

static json_t *json_of_bytes(struct bytes bytes)
{
    size_t size = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = malloc(size);
    json_t *json;

    if (!text)
        return json_must(NULL);
    sodium_bin2base64(text, size, bytes.data, bytes.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    json = json_must(json_string(text));
    free(text);
    return json;
}

static json_t *json_struct(const struct wire_type *type, const void *obj, bool hide);

static json_t *json_value(const struct wire_field *f, const void *value, bool hide)
{
    char id[ID_TEXT_SIZE], time[TIME_TEXT_SIZE];
    const char *name;
    uint64_t count;

    if (hide && (f->flags & WIRE_SECRET))
        return json_must(json_string("***"));
    switch (f->kind) {
    case WIRE_BOOL: return json_boolean(*(const bool *)value);
    case WIRE_INT: return json_must(json_integer(*(const int64_t *)value));
    case WIRE_UINT:
        count = *(const uint64_t *)value;
        return json_must(json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
    case WIRE_FLOAT: return json_must(json_real(*(const double *)value));
    case WIRE_TEXT: return json_must(json_string(*(const char *const *)value));
    case WIRE_BYTES: return json_of_bytes(*(const struct bytes *)value);
    case WIRE_ID: return json_must(json_string(id_format(f->prefix, *(const struct id *)value, id)));
    case WIRE_TIME: return json_must(json_string(time_format(*(const int64_t *)value, time)));
    case WIRE_ENUM:
        name = wire_enum_name(f->names, *(const int *)value);
        return json_must(json_string(name ? name : "?"));
    case WIRE_STRUCT: return json_struct(f->type, value, hide);
    }
    return json_null();
}

/* What the front alone fills in, or takes out. */
static bool json_is_fronts(const struct wire_field *f)
{
    return f->cookie || (f->flags & WIRE_ADDRESS);
}

/* A list and a plain number are written always; all else when it is there. */
static bool json_shown(const struct wire_field *f, const void *obj)
{
    const void *value = wire_at_const(obj, f->offset);

    if (json_is_fronts(f))
        return false;
    if (f->flags & WIRE_HAS)
        return wire_has(f, obj);
    if (f->flags & WIRE_LIST)
        return true;
    switch (f->kind) {
    case WIRE_BOOL:
    case WIRE_INT:
    case WIRE_UINT: return true;
    case WIRE_FLOAT: return isfinite(*(const double *)value);
    case WIRE_TIME: return *(const int64_t *)value != 0;
    case WIRE_ENUM: return *(const int *)value != 0;
    default: return !wire_absent(f, obj);
    }
}

static json_t *json_struct(const struct wire_type *type, const void *obj, bool hide)
{
    json_t *json = json_must(json_object()), *list;

    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];

        if (!json_shown(f, obj))
            continue;
        if (!(f->flags & WIRE_LIST)) {
            json_object_set_new(json, f->name, json_value(f, wire_at_const(obj, f->offset), hide));
            continue;
        }
        list = json_must(json_array());
        for (size_t k = 0; k < wire_count(f, obj); k++)
            json_array_append_new(list, json_value(f, wire_item(f, obj, k), hide));
        json_object_set_new(json, f->name, list);
    }
    return json;
}

json_t *wire_to_json(const struct wire_type *type, const void *obj)
{
    return json_struct(type, obj, false);
}

json_t *wire_to_json_shown(const struct wire_type *type, const void *obj)
{
    return json_struct(type, obj, true);
}

/* ---- reading */

struct json_in {
    struct arena *arena;
    struct wire_error *err;
};

static int json_read_struct(struct json_in *in, const struct wire_type *type, const json_t *json, void *obj);

static int json_read_int(struct json_in *in, const json_t *json, int64_t *to)
{
    if (!json_is_integer(json))
        return wire_fail(in->err, ERR_INVALID, "must be a whole number");
    *to = json_integer_value(json);
    return 0;
}

static int json_read_uint(struct json_in *in, const json_t *json, uint64_t *to)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return wire_fail(in->err, ERR_INVALID, "must be a whole number, not negative");
    *to = (uint64_t)json_integer_value(json);
    return 0;
}

static int json_read_bytes(struct json_in *in, const json_t *json, struct bytes *to)
{
    const char *text = json_string_value(json);
    size_t len = json_string_length(json), size = len / 4 * 3 + 3, got;
    unsigned char *data = arena_alloc(in->arena, size);

    if (sodium_base642bin(data, size, text, len, NULL, &got, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING))
        return wire_fail(in->err, ERR_INVALID, "must be base64url without padding");
    *to = bytes_of(data, got);
    return 0;
}

static int json_read_id(struct json_in *in, const struct wire_field *f, const char *text, struct id *to)
{
    if (id_parse(f->prefix, text, to) < 0)
        return wire_fail(in->err, ERR_INVALID, "must be an id that begins with %s_", f->prefix ? f->prefix : "");
    return 0;
}

static int json_read_enum(struct json_in *in, const struct wire_field *f, const json_t *json, int *to)
{
    *to = wire_enum_value(f->names, json_string_value(json), json_string_length(json));
    return *to ? 0 : wire_fail_enum(in->err, f->names);
}

static int json_read_value(struct json_in *in, const struct wire_field *f, const json_t *json, void *to)
{
    bool string = f->kind == WIRE_TEXT || f->kind == WIRE_BYTES || f->kind == WIRE_ID || f->kind == WIRE_TIME ||
                  f->kind == WIRE_ENUM;
    const char *text = json_string_value(json);

    if (string && (!text || strlen(text) != json_string_length(json)))
        return wire_fail(in->err, ERR_INVALID, "must be a text");
    switch (f->kind) {
    case WIRE_BOOL:
        if (!json_is_boolean(json))
            return wire_fail(in->err, ERR_INVALID, "must be true or false");
        *(bool *)to = json_is_true(json);
        return 0;
    case WIRE_INT: return json_read_int(in, json, to);
    case WIRE_UINT: return json_read_uint(in, json, to);
    case WIRE_FLOAT:
        if (!json_is_number(json))
            return wire_fail(in->err, ERR_INVALID, "must be a number");
        *(double *)to = json_number_value(json);
        return 0;
    case WIRE_TEXT: *(const char **)to = arena_strdup(in->arena, text); return 0;
    case WIRE_BYTES: return json_read_bytes(in, json, to);
    case WIRE_ID: return json_read_id(in, f, text, to);
    case WIRE_TIME:
        if (time_parse(text, to) < 0)
            return wire_fail(in->err, ERR_INVALID, "must be a time as in 2026-11-21T05:10:00Z");
        return 0;
    case WIRE_ENUM: return json_read_enum(in, f, json, to);
    case WIRE_STRUCT: return json_read_struct(in, f->type, json, to);
    }
    return ERR_INTERNAL;
}

static int json_read_list(struct json_in *in, const struct wire_field *f, const json_t *json, void *obj)
{
    size_t n = json_array_size(json);
    char *items;
    int r;

    if (!json_is_array(json))
        return wire_fail(in->err, ERR_INVALID, "must be a list");
    if (n > f->max_items)
        return wire_fail(in->err, ERR_INVALID, "must have at most %u items", f->max_items);
    PLANT(n > 1);
    items = wire_list_new(f, obj, in->arena, n);
    for (size_t k = 0; k < n; k++) {
        r = json_read_value(in, f, json_array_get(json, k), items + k * wire_item_size(f));
        if (r < 0) {
            wire_path(in->err, f, k);
            return r;
        }
    }
    return 0;
}

static int json_read_field(struct json_in *in, const struct wire_field *f, const json_t *json, void *obj)
{
    int r;

    if (f->flags & WIRE_HAS)
        *(bool *)wire_at(obj, f->has_at) = true;
    if (f->flags & WIRE_LIST) {
        r = json_read_list(in, f, json, obj);
        if (r < 0 && (!in->err || in->err->path[0]))
            return r;
    } else {
        r = json_read_value(in, f, json, wire_at(obj, f->offset));
    }
    if (r < 0)
        wire_path(in->err, f, WIRE_NO_ITEM);
    return r;
}

static int json_read_struct(struct json_in *in, const struct wire_type *type, const json_t *json, void *obj)
{
    int r;

    if (!json_is_object(json))
        return wire_fail(in->err, ERR_INVALID, "must be an object");
    for (size_t i = 0; i < type->fields_n; i++) {
        const struct wire_field *f = &type->fields[i];
        const json_t *member = json_is_fronts(f) ? NULL : json_object_get(json, f->name);

        if (member && !json_is_null(member)) {
            r = json_read_field(in, f, member, obj);
            if (r < 0)
                return r;
        } else if (f->flags & WIRE_REQUIRED) {
            wire_fail(in->err, ERR_INVALID, "is required");
            wire_path(in->err, f, WIRE_NO_ITEM);
            return ERR_INVALID;
        } else if (f->flags & WIRE_DEFAULT) {
            wire_fallback(f, obj);
        } else if (f->kind == WIRE_STRUCT && !(f->flags & WIRE_LIST)) {
            wire_init(f->type, wire_at(obj, f->offset));
        }
    }
    return 0;
}

int wire_from_json(const struct wire_type *type, const json_t *json, struct arena *arena, void *obj,
                   struct wire_error *err)
{
    struct json_in in = { .arena = arena, .err = err };
    int r;

    if (err)
        *err = (struct wire_error) { 0 };
    memset(obj, 0, type->size);
    r = json_read_struct(&in, type, json, obj);
    if (r == 0)
        r = wire_validate(type, obj, err);
    return r;
}

/* ---- path and query parameters */

static json_t *json_of_text(const struct wire_field *f, const char *text)
{
    long long whole;
    double real;
    char *end;

    errno = 0;
    switch (f->kind) {
    case WIRE_BOOL:
        if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0 || *text == 0)
            return json_true();
        if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
            return json_false();
        break;
    case WIRE_INT:
    case WIRE_UINT:
        whole = strtoll(text, &end, 10);
        if (((*text >= '0' && *text <= '9') || *text == '-') && *end == 0 && errno == 0)
            return json_must(json_integer(whole));
        break;
    case WIRE_FLOAT:
        real = strtod(text, &end);
        if (end != text && *end == 0 && isfinite(real))
            return json_must(json_real(real));
        break;
    default: break;
    }
    return json_string(text); /* NULL when it is not UTF-8 */
}

int wire_json_put_text(json_t *object, const struct wire_field *field, const char *text, struct wire_error *err)
{
    json_t *value = json_of_text(field, text), *list;

    if (!value) {
        wire_fail(err, ERR_INVALID, "must be UTF-8");
        wire_path(err, field, WIRE_NO_ITEM);
        return ERR_INVALID;
    }
    if (!(field->flags & WIRE_LIST)) {
        json_object_set_new(object, field->name, value);
        return 0;
    }
    list = json_object_get(object, field->name);
    if (!json_is_array(list)) {
        list = json_must(json_array());
        json_object_set_new(object, field->name, list);
    }
    json_array_append_new(list, value);
    return 0;
}

#include "ops/cli/show.h"

#include <float.h>
#include <msgpack.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gen/common.h"
#include "gen/errors.h"
#include "ops/cli/command.h"
#include "schemas/wire/json.h"

enum { NODES_MOST = 200000 };

const struct registry_row *show_find(const char *name)
{
    size_t from = 0, to = registry_n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(name, registry[middle].name);
        if (order == 0)
            return &registry[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

static json_t *show_object(const msgpack_object *object);

static bool show_is(const msgpack_object *key, const char *name)
{
    return key->type == MSGPACK_OBJECT_STR && key->via.str.size == strlen(name) &&
           memcmp(key->via.str.ptr, name, key->via.str.size) == 0;
}

/* Where a map carries a message, `name` says what its `body` is. */
static json_t *show_carried(const msgpack_object_map *map, const msgpack_object *body)
{
    char name[256] = "";
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *value = &map->ptr[i].val;
        if (show_is(&map->ptr[i].key, "name") && value->type == MSGPACK_OBJECT_STR)
            snprintf(name, sizeof(name), "%.*s", (int)value->via.str.size, value->via.str.ptr);
    }
    return show_message(name, false, bytes_of(body->via.bin.ptr, body->via.bin.size));
}

static json_t *show_map(const msgpack_object_map *map)
{
    json_t *made = json_object();
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key, *value = &map->ptr[i].val;
        bool carried = show_is(key, "body") && value->type == MSGPACK_OBJECT_BIN;
        char name[64];
        if (key->type == MSGPACK_OBJECT_STR)
            snprintf(name, sizeof(name), "%.*s", (int)key->via.str.size, key->via.str.ptr);
        else
            snprintf(name, sizeof(name), "%llu", (unsigned long long)key->via.u64);
        json_object_set_new(made, name, carried ? show_carried(map, value) : show_object(value));
    }
    return made;
}

/* msgpack that was checked before: nesting is bounded. */
static json_t *show_object(const msgpack_object *object)
{
    json_t *made;
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN: return json_boolean(object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER: return json_integer((json_int_t)object->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_integer(object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: return json_real(object->via.f64);
    case MSGPACK_OBJECT_STR: return json_stringn(object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN: return json_sprintf("<%u bytes>", object->via.bin.size);
    case MSGPACK_OBJECT_ARRAY:
        made = json_array();
        for (uint32_t i = 0; i < object->via.array.size; i++)
            json_array_append_new(made, show_object(&object->via.array.ptr[i]));
        return made;
    case MSGPACK_OBJECT_MAP: return show_map(&object->via.map);
    default: return json_null();
    }
}

static json_t *show_shape(struct bytes body)
{
    msgpack_unpacked unpacked;
    json_t *made = NULL;
    struct wire_error err;
    if (wire_check(body, NODES_MOST, &err) < 0)
        return json_null();
    msgpack_unpacked_init(&unpacked);
    if (msgpack_unpack_next(&unpacked, body.data, body.len, NULL) == MSGPACK_UNPACK_SUCCESS)
        made = show_object(&unpacked.data);
    msgpack_unpacked_destroy(&unpacked);
    return made ? made : json_null();
}

json_t *show_body(const struct wire_type *type, struct bytes body)
{
    if (!body.len)
        return json_null();
    if (!type)
        return show_shape(body);
    struct arena *arena = arena_new();
    void *object = arena_alloc(arena, type->size);
    struct wire_error err;
    /* What its own schema cannot read is not shown by its shape: nobody knows which part is secret. */
    json_t *made = wire_unpack(type, body, arena, object, &err) < 0
                       ? json_sprintf("<%zu bytes, of no known version>", body.len)
                       : wire_to_json_shown(type, object);
    arena_free(&arena);
    return made;
}

/* Values that every actor has, under a name of its own. */
static const struct {
    const char *prefix;
    const struct wire_type *type; /* NULL: never shown */
} families[] = {
    { "settings.", NULL },
    { "config.", &settings_shown_type },
    { "metrics.", &counts_type },
};

json_t *show_message(const char *name, bool answer, struct bytes body)
{
    const struct registry_row *row = show_find(name);
    const struct wire_type *type = row && answer ? row->reply : row ? row->body : NULL;
    if (!body.len)
        return json_null();
    for (size_t i = 0; !row && i < sizeof(families) / sizeof(*families); i++) {
        if (strncmp(name, families[i].prefix, strlen(families[i].prefix)) != 0)
            continue;
        if (!families[i].type)
            return json_string("***");
        type = families[i].type;
    }
    return type ? show_body(type, body) : json_sprintf("<%zu bytes>", body.len);
}

int show_problem(const char *what, int err, struct bytes problem)
{
    struct arena *arena = arena_new();
    struct problem said = { 0 };
    struct wire_error bad;
    if (problem.len && problem_unpack(problem, arena, &said, &bad) < 0)
        said = (struct problem) { 0 };
    cli_fail(EXIT_FAILED, "%s: %s%s%s", what, err_name(err), said.detail ? ": " : "",
             said.detail ? said.detail : "");
    for (size_t i = 0; i < said.errors_n; i++)
        fprintf(stderr, "  %s %s\n", said.errors[i].field, said.errors[i].message);
    arena_free(&arena);
    return EXIT_FAILED;
}

void show_print(json_t *value, bool for_scripts)
{
    /* with so many digits a decimal comes out as it was written */
    json_dumpf(value, stdout,
               JSON_ENCODE_ANY | JSON_REAL_PRECISION(DBL_DIG) | (for_scripts ? JSON_COMPACT : JSON_INDENT(2)));
    putchar('\n');
}

void show_pack(const char *format, ...)
{
    json_error_t error;
    va_list args;
    va_start(args, format);
    json_t *value = json_vpack_ex(&error, 0, format, args);
    va_end(args);
    if (value)
        show_print(value, true);
    else
        fprintf(stderr, "kinobus: what was done cannot be told as JSON: %s\n", error.text);
    json_decref(value);
}

/* Structs to JSON and back, with the generated C of tests/schema/samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen/errors.h"
#include "gen/library.h"
#include "schemas/wire/json.h"

struct fixture {
    struct arena *arena;
    struct wire_error err;
};

static int begin(void **state)
{
    static struct fixture f;

    f = (struct fixture) { .arena = arena_new() };
    *state = &f;
    return 0;
}

static int end(void **state)
{
    arena_free(&((struct fixture *)*state)->arena);
    return 0;
}

static int read_item(struct fixture *f, const char *text, struct item *to)
{
    json_t *json;
    int r = wire_json_parse(bytes_of_text(text), JSON_BODY_MAX, &json, &f->err);

    if (r < 0)
        return r;
    r = wire_from_json(&item_type, json, f->arena, to, &f->err);
    json_decref(json);
    return r;
}

#define ID   "item_00000000000000000000000001"
#define MUST "\"id\":\"" ID "\",\"title\":\"t\""

static void text_is(json_t *json, const char *expected)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);

    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void a_whole_item_reads_and_writes_the_same(void **state)
{
    static const char whole[] =
        "{" MUST ",\"rev\":3,\"kind\":\"map\",\"pages\":2,\"price\":1.5,\"shift\":-2,\"tags\":[\"a\",\"b\"],"
        "\"authors\":[{\"name\":\"Ada\"},{\"name\":\"Bo\",\"born\":\"2001-02-03T04:05:06.789Z\"}],\"cover\":"
        "\"AP8\","
        "\"lent\":true,\"added\":\"2026-11-21T05:10:00Z\",\"box\":{\"width\":1,\"height\":2},\"spare\":{\"width\":"
        "0,"
        "\"height\":7},\"note\":\"torn\",\"shelf_id\":\"shelf_01h455vb4pex5vsknk084sn02q\",\"parts\":[\"" ID
        "\"]}";
    struct fixture *f = *state;
    struct item item;
    json_t *expected, *got;

    assert_int_equal(read_item(f, whole, &item), 0);
    assert_int_equal(wire_json_parse(bytes_of_text(whole), JSON_BODY_MAX, &expected, NULL), 0);
    got = wire_to_json(&item_type, &item);
    assert_true(json_equal(expected, got));
    json_decref(expected);
    json_decref(got);
}

static void numbers_and_lists_are_written_even_when_they_are_nothing(void **state)
{
    struct fixture *f = *state;
    struct item item;

    assert_int_equal(read_item(f, "{" MUST ",\"unknown\":{\"a\":[1]},\"note\":null}", &item), 0);
    text_is(wire_to_json(&item_type, &item),
            "{\"id\":\"" ID
            "\",\"rev\":0,\"title\":\"t\",\"kind\":\"book\",\"pages\":20,\"price\":0.0,\"tags\":[],"
            "\"authors\":[],\"lent\":false}");
}

static void secrets_are_shown_as_stars(void **state)
{
    struct author author = { .name = "x" };
    struct item item = {
        .id = { { 1 } }, .title = "t", .note = "the code is 1234", .authors = &author, .authors_n = 1
    };
    json_t *json = wire_to_json_shown(&item_type, &item);

    assert_string_equal(json_string_value(json_object_get(json, "note")), "***");
    assert_string_equal(json_string_value(json_object_get(json, "title")), "t");
    json_decref(json);
}

static void refused(struct fixture *f, const char *members, const char *path, const char *sentence)
{
    char text[400];
    struct item item;

    snprintf(text, sizeof(text), "{%s}", members);
    assert_int_equal(read_item(f, text, &item), ERR_INVALID);
    assert_string_equal(f->err.path, path);
    assert_string_equal(f->err.sentence, sentence);
}

static void what_is_wrong_is_told_with_its_path(void **state)
{
    struct fixture *f = *state;

    refused(f, "\"title\":\"t\"", "id", "is required");
    refused(f, "\"id\":\"" ID "\"", "title", "is required");
    refused(f, "\"id\":\"video_00000000000000000000000001\",\"title\":\"t\"", "id",
            "must be an id that begins with item_");
    refused(f, "\"id\":\"item_80000000000000000000000001\",\"title\":\"t\"", "id",
            "must be an id that begins with item_");
    refused(f, MUST ",\"pages\":0", "pages", "must be at least 1");
    refused(f, MUST ",\"pages\":-1", "pages", "must be a whole number, not negative");
    refused(f, MUST ",\"pages\":1.5", "pages", "must be a whole number, not negative");
    refused(f, MUST ",\"pages\":\"5\"", "pages", "must be a whole number, not negative");
    refused(f, MUST ",\"shift\":true", "shift", "must be a whole number");
    refused(f, MUST ",\"kind\":\"drum\"", "kind", "must be one of book, map");
    refused(f, MUST ",\"kind\":1", "kind", "must be a text");
    refused(f, MUST ",\"lent\":\"yes\"", "lent", "must be true or false");
    refused(f, MUST ",\"tags\":\"a\"", "tags", "must be a list");
    refused(f, MUST ",\"tags\":[\"a\",\"b\",\"c\",\"d\"]", "tags", "must have at most 3 items");
    refused(f, MUST ",\"tags\":[\"a\",5]", "tags[1]", "must be a text");
    refused(f, MUST ",\"authors\":[{\"name\":\"A\"},{}]", "authors[1].name", "is required");
    refused(f, MUST ",\"authors\":[7]", "authors[0]", "must be an object");
    refused(f, MUST ",\"added\":\"2026-02-30T00:00:00Z\"", "added", "must be a time as in 2026-11-21T05:10:00Z");
    refused(f, MUST ",\"cover\":\"A+8=\"", "cover", "must be base64url without padding");
    refused(f, MUST ",\"box\":{\"width\":101}", "box.width", "must be at most 100");
}

static void a_document_is_bounded_before_the_parser_sees_it(void **state)
{
    struct fixture *f = *state;
    char deep[64];
    json_t *json;

    memset(deep, '[', 17);
    memset(deep + 17, ']', 17);
    assert_int_equal(wire_json_parse(bytes_of(deep, 34), JSON_BODY_MAX, &json, &f->err), ERR_MALFORMED);
    assert_string_equal(f->err.sentence, "is nested deeper than 16 levels");
    assert_int_equal(wire_json_parse(bytes_of(deep + 1, 32), JSON_BODY_MAX, &json, &f->err), 0);
    json_decref(json);
    assert_int_equal(
        wire_json_parse(bytes_of_text("[\"\\\"[[[[[[[[[[[[[[[[[[[[[[[\"]"), JSON_BODY_MAX, &json, &f->err), 0);
    json_decref(json);
    assert_int_equal(wire_json_parse(bytes_of(deep, 34), 33, &json, &f->err), ERR_TOO_LARGE);
    assert_int_equal(wire_json_parse(bytes_of_text("{\"a\":1,\"a\":2}"), JSON_BODY_MAX, &json, &f->err),
                     ERR_MALFORMED);
    assert_int_equal(wire_json_parse(bytes_of_text("[\"a\\u0000b\"]"), JSON_BODY_MAX, &json, &f->err),
                     ERR_MALFORMED);
    assert_int_equal(wire_json_parse(bytes_of_text("{} x"), JSON_BODY_MAX, &json, &f->err), ERR_MALFORMED);
    assert_int_equal(wire_json_parse(bytes_of(NULL, 0), JSON_BODY_MAX, &json, &f->err), ERR_MALFORMED);
}

static void parameters_take_the_kind_of_their_field(void **state)
{
    struct fixture *f = *state;
    json_t *json = json_object();
    struct item item;
    static const char *const given[][2] = { { "id", ID },    { "title", "7" },  { "pages", "12" },
                                            { "lent", "1" }, { "kind", "map" }, { "tags", "a" },
                                            { "tags", "b" }, { "price", "2" } };

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
        assert_int_equal(wire_json_put_text(json, wire_find(&item_type, given[i][0]), given[i][1], &f->err), 0);
    assert_int_equal(wire_from_json(&item_type, json, f->arena, &item, &f->err), 0);
    assert_string_equal(item.title, "7");
    assert_int_equal(item.pages, 12);
    assert_true(item.lent && item.price == 2);
    assert_int_equal(item.tags_n, 2);

    assert_int_equal(wire_json_put_text(json, wire_find(&item_type, "pages"), "12x", &f->err), 0);
    assert_int_equal(wire_from_json(&item_type, json, f->arena, &item, &f->err), ERR_INVALID);
    assert_string_equal(f->err.path, "pages");
    assert_int_equal(wire_json_put_text(json, wire_find(&item_type, "title"), "\xff", &f->err), ERR_INVALID);
    assert_string_equal(f->err.path, "title");
    json_decref(json);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_whole_item_reads_and_writes_the_same),
        T(numbers_and_lists_are_written_even_when_they_are_nothing),
        T(secrets_are_shown_as_stars),
        T(what_is_wrong_is_told_with_its_path),
        T(a_document_is_bounded_before_the_parser_sees_it),
        T(parameters_take_the_kind_of_their_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Cookies, trace context, content types and problem documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "gen/errors.h"
#include "web/front/http/cookie.h"
#include "web/front/http/mime.h"
#include "web/front/http/problem.h"
#include "web/front/http/trace.h"

static void one_cookie_of_that_name_is_read(void **state)
{
    char value[COOKIE_VALUE_MAX + 1];
    char longest[COOKIE_VALUE_MAX + 8] = "s=";

    assert_true(cookie_read("a=b; s=abc-_1; c=d", "s", value));
    assert_string_equal(value, "abc-_1");
    assert_true(cookie_read("s=x", "s", value));
    assert_false(cookie_read("xs=1; sx=2", "s", value));
    assert_false(cookie_read("s=1; s=2", "s", value));
    assert_false(cookie_read("s=", "s", value));
    assert_false(cookie_read("s=a b", "s", value));
    assert_false(cookie_read("s=\"a\"", "s", value));
    assert_false(cookie_read(NULL, "s", value));
    memset(longest + 2, 'a', COOKIE_VALUE_MAX);
    assert_true(cookie_read(longest, "s", value));
    memset(longest + 2, 'a', COOKIE_VALUE_MAX + 1);
    assert_false(cookie_read(longest, "s", value));
}

static void a_cookie_is_bound_to_the_host_unless_plain_http(void **state)
{
    char line[256];

    assert_true(cookie_write("s", true, "abc", line, sizeof(line)));
    assert_string_equal(line, "__Host-s=abc; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=31536000");
    assert_true(cookie_write("s", false, "", line, sizeof(line)));
    assert_string_equal(line, "s=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    assert_false(cookie_write("s", true, "a;b", line, sizeof(line)));
    assert_false(cookie_write("s", true, "a\r\nX: y", line, sizeof(line)));
}

static void a_trace_goes_on_with_a_span_of_our_own(void **state)
{
    static const char theirs[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    struct trace t;
    char text[TRACE_TEXT_SIZE];

    assert_true(trace_parse(theirs, &t));
    assert_string_equal(trace_format(&t, text), theirs);
    trace_begin(theirs, &t);
    trace_format(&t, text);
    assert_memory_equal(text, theirs, 36);
    assert_memory_not_equal(text + 36, theirs + 36, 16);
    trace_begin(NULL, &t);
    assert_true(trace_parse(trace_format(&t, text), &t));
}

static void what_is_no_traceparent_is_ignored(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
    };
    struct trace t;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(trace_parse(bad[i], &t));
    assert_true(trace_parse("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", &t));
}

static void a_type_follows_from_the_end_of_the_name(void **state)
{
    assert_string_equal(mime_of("v/h264-720/000001.m4s")->type, "video/iso.segment");
    assert_string_equal(mime_of("master.m3u8")->type, "application/vnd.apple.mpegurl");
    assert_string_equal(mime_of(".m3u8")->type, "application/octet-stream");
    assert_string_equal(mime_of("evil.m3u8.exe")->type, "application/octet-stream");
}

static void a_problem_says_what_and_where(void **state)
{
    struct problem_field field = { .field = "title", .message = "must be at most 200 characters" };
    struct problem body = { .detail = "title must be at most 200 characters", .errors = &field, .errors_n = 1 };
    struct problem_doc problem = {
        .err = ERR_INVALID, .body = &body, .instance = "/api/v1/videos", .request_id = "req_1"
    };
    struct buf out = { 0 };
    json_t *doc;

    problem_write(&problem, &out);
    doc = json_loads(buf_text(&out), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(doc, "type")), "urn:kinobus:problem:invalid");
    assert_int_equal(json_integer_value(json_object_get(doc, "status")), 400);
    assert_string_equal(json_string_value(json_object_get(doc, "request_id")), "req_1");
    assert_true(json_is_false(json_object_get(doc, "retryable")));
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(json_object_get(doc, "errors"), 0), "field")), "title");
    json_decref(doc);
    buf_free(&out);
}

static void a_problem_leaves_out_what_is_no_text(void **state)
{
    struct problem body = { .detail = "\xff\xfe" };
    struct problem_doc problem = { .err = ERR_BUSY, .body = &body };
    struct buf out = { 0 };
    json_t *doc;

    problem_write(&problem, &out);
    doc = json_loads(buf_text(&out), 0, NULL);
    assert_non_null(doc);
    assert_null(json_object_get(doc, "detail"));
    assert_null(json_object_get(doc, "errors"));
    assert_true(json_is_true(json_object_get(doc, "retryable")));
    json_decref(doc);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_cookie_of_that_name_is_read),
        cmocka_unit_test(a_cookie_is_bound_to_the_host_unless_plain_http),
        cmocka_unit_test(a_trace_goes_on_with_a_span_of_our_own),
        cmocka_unit_test(what_is_no_traceparent_is_ignored),
        cmocka_unit_test(a_type_follows_from_the_end_of_the_name),
        cmocka_unit_test(a_problem_says_what_and_where),
        cmocka_unit_test(a_problem_leaves_out_what_is_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

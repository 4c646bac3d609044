/* Conditional requests: tags, dates, and what wins over what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/front/http/condition.h"

#define NOW INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct condition_state here = { .etag = "\"abc\"", .modified = NOW + 250 };

static struct mg_request_info request(const char *method, const char *name, const char *value)
{
    struct mg_request_info r = { .request_method = method, .num_headers = 1 };

    r.http_headers[0] = (struct mg_header) { name, value };
    return r;
}

static int ask(const char *method, const char *name, const char *value)
{
    struct mg_request_info r = request(method, name, value);

    return condition_check(&r, &here);
}

static int if_range(const char *value)
{
    struct mg_request_info r = request("GET", "If-Range", value);

    return condition_range(&r, &here);
}

static void a_known_tag_needs_no_body(void **state)
{
    assert_int_equal(ask("GET", "If-None-Match", "\"abc\""), 304);
    assert_int_equal(ask("HEAD", "If-None-Match", "\"x\", W/\"abc\""), 304);
    assert_int_equal(ask("GET", "If-None-Match", "*"), 304);
    assert_int_equal(ask("GET", "If-None-Match", "\"abcd\", \"ab\""), 0);
    assert_int_equal(ask("GET", "If-None-Match", "abc"), 0);
    assert_int_equal(ask("PATCH", "If-None-Match", "*"), 412);
}

static void another_version_than_meant_is_refused(void **state)
{
    assert_int_equal(ask("PATCH", "If-Match", "\"abc\""), 0);
    assert_int_equal(ask("PATCH", "If-Match", "W/\"abc\""), 412);
    assert_int_equal(ask("PATCH", "If-Match", "\"x\""), 412);
    assert_int_equal(ask("GET", "If-Match", "*"), 0);
}

static void dates_count_whole_seconds(void **state)
{
    assert_int_equal(ask("GET", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 304);
    assert_int_equal(ask("GET", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"), 0);
    assert_int_equal(ask("POST", "If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 0);
    assert_int_equal(ask("GET", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT"), 412);
    assert_int_equal(ask("GET", "If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"), 0);
}

static void a_date_that_is_none_is_ignored(void **state)
{
    static const char *const dates[] = { "",
                                         "yesterday",
                                         "Mon, 06 Nov 1994 08:49:37 GMT",
                                         "Sun, 31 Feb 1994 08:49:37 GMT",
                                         "Sun, 06 Nov 1994 08:49:37 CET",
                                         "Sun, 06 Nov 94 08:49:37 GMT     " };

    for (size_t i = 0; i < sizeof(dates) / sizeof(*dates); i++) {
        assert_int_equal(condition_parse_date(dates[i]), -1);
        assert_int_equal(ask("GET", "If-Modified-Since", dates[i]), 0);
    }
}

static void a_range_counts_only_for_what_the_client_has(void **state)
{
    struct mg_request_info none = { .request_method = "GET" };

    assert_true(condition_range(&none, &here));
    assert_true(if_range("\"abc\""));
    assert_false(if_range("W/\"abc\""));
    assert_false(if_range("\"x\""));
    assert_true(if_range("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_false(if_range("Sun, 06 Nov 1994 08:49:38 GMT"));
    assert_false(if_range(""));
}

static void a_date_prints_and_reads_back(void **state)
{
    char text[CONDITION_DATE_SIZE];

    assert_string_equal(condition_date(NOW + 999, text), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_int_equal(condition_parse_date(text), NOW);
    assert_string_equal(condition_date(0, text), "Thu, 01 Jan 1970 00:00:00 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_tag_needs_no_body),
        cmocka_unit_test(another_version_than_meant_is_refused),
        cmocka_unit_test(dates_count_whole_seconds),
        cmocka_unit_test(a_date_that_is_none_is_ignored),
        cmocka_unit_test(a_range_counts_only_for_what_the_client_has),
        cmocka_unit_test(a_date_prints_and_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

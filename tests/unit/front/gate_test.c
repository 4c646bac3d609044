/* The request gate: what civetweb takes and HTTP forbids does not pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "tests/fuzz/front/civet.h"
#include "web/front/http/gate.h"

static struct gate_facts facts;
static const char *reason;

/* What the gate says of these bytes; 1: civetweb itself refuses them. */
static int ask(const char *raw)
{
    static char text[GATE_REQUEST_MAX * 4];
    struct mg_request_info request;

    memset(text, 0, sizeof(text));
    strcpy(text, raw);
    if (civet_parse(text, strlen(raw), &request) <= 0)
        return 1;
    return gate_check(&request, &facts, &reason);
}

static int ask_path(const char *path)
{
    char raw[GATE_REQUEST_MAX];

    snprintf(raw, sizeof(raw), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    return ask(raw);
}

static void an_ordinary_request_passes(void **state)
{
    assert_int_equal(ask("POST /api/v1/videos?x=1 HTTP/1.1\r\nHost: example.org:8080\r\nContent-Length: 12\r\n"
                         "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n{}"),
                     0);
    assert_string_equal(facts.path, "/api/v1/videos");
    assert_int_equal(facts.length, 12);
    assert_true(facts.expects_continue);
    assert_true(facts.keep_alive);
}

static void an_empty_header_value_is_no_fault(void **state)
{
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\nAccept:\r\nX-A: \r\n\r\n"), 0);
}

static void a_value_may_begin_with_a_colon(void **state)
{
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\nX-A: :b\r\nX-B::c\r\n\r\n"), 0);
}

/* Every probe of the smuggling set that civetweb 1.15 answered with 200. */
static void the_smuggling_set_is_refused(void **state)
{
    static const char *const probes[] = {
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 5\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3 \r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999999\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551619\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nX: a\r\n Content-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\n X: folded\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\n\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\nabc",
        "POST / HTTP/1.1\n\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x/evil\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA(b): c\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nCookie: s=a\r\nCookie: s=b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nauthorization: b\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
        reason = "";
        if (ask(probes[i]) != ERR_MALFORMED)
            fail_msg("passed: %s", probes[i]);
        assert_true(strlen(reason) > 20);
    }
}

static void too_many_headers_are_refused_as_such(void **state)
{
    char raw[GATE_REQUEST_MAX] = "GET / HTTP/1.1\r\nHost: x\r\n";

    for (int i = 0; i < 62; i++)
        strcat(raw, "X-A: b\r\n");
    strcat(raw, "\r\n");
    assert_int_equal(ask(raw), 0);
    strcpy(raw + strlen(raw) - 2, "X-A: b\r\n\r\n");
    assert_int_equal(ask(raw), ERR_HEADERS_TOO_LARGE);
    strcpy(raw + strlen(raw) - 2, "Content-Length: 3\r\n\r\n");
    assert_int_equal(ask(raw), ERR_HEADERS_TOO_LARGE);
}

static void a_method_that_nobody_serves_is_named_so(void **state)
{
    assert_int_equal(ask("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), ERR_METHOD_NOT_ALLOWED);
    assert_int_equal(ask("PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n"), ERR_METHOD_NOT_ALLOWED);
}

static void a_path_is_decoded_once(void **state)
{
    assert_int_equal(ask_path("/a%20b/%C3%A9%2525"), 0);
    assert_string_equal(facts.path, "/a b/\xc3\xa9%25");
    assert_int_equal(ask_path("/a/?q=%00"), 0);
    assert_string_equal(facts.path, "/a/");
    assert_int_equal(ask_path("/...a/.b"), 0);
}

static void a_path_with_tricks_is_refused(void **state)
{
    static const char *const paths[] = {
        "/a/../b",    "/..",       "/a/..",     "/./a",   "/a/.",  "//a",
        "/a//b",      "/a%2fb",    "/a%2Fb",    "/a%5cb", "/a\\b", "/%00",
        "/a%0db",     "/%",        "/%1",       "/%zz",   "/%c3",  "/%c0%ae%c0%ae/",
        "/%ed%a0%80", "/%2e%2e/a", "/a/%2e%2e", "/%2e/",  "/a%7f", "/\xc3\xa9",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        if (ask_path(paths[i]) == 0)
            fail_msg("passed: %s", paths[i]);
}

static void an_address_has_an_end(void **state)
{
    char path[GATE_URI_MAX + 8];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[GATE_URI_MAX] = '\0';
    assert_int_equal(ask_path(path), 0);
    path[100] = '?';
    assert_int_equal(ask_path(path), 0);
    path[GATE_URI_MAX] = 'a';
    path[GATE_URI_MAX + 1] = '\0';
    assert_int_equal(ask_path(path), ERR_MALFORMED);
    path[100] = 'a';
    assert_int_equal(ask_path(path), ERR_MALFORMED);
}

static void keeping_alive_follows_the_client(void **state)
{
    assert_int_equal(ask("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 0);
    assert_false(facts.keep_alive);
    assert_int_equal(ask("GET / HTTP/1.0\r\nHost: x\r\n\r\n"), 0);
    assert_false(facts.keep_alive);
    assert_int_equal(ask("GET / HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n"), 0);
    assert_true(facts.keep_alive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_request_passes),
        cmocka_unit_test(an_empty_header_value_is_no_fault),
        cmocka_unit_test(a_value_may_begin_with_a_colon),
        cmocka_unit_test(the_smuggling_set_is_refused),
        cmocka_unit_test(too_many_headers_are_refused_as_such),
        cmocka_unit_test(a_method_that_nobody_serves_is_named_so),
        cmocka_unit_test(a_path_is_decoded_once),
        cmocka_unit_test(a_path_with_tricks_is_refused),
        cmocka_unit_test(an_address_has_an_end),
        cmocka_unit_test(keeping_alive_follows_the_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

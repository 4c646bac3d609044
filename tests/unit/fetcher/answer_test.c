/* What is read of a server's answer, and what a file is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/fetcher/answer.h"
#include "gen/errors.h"

static int hear(struct answer *a, const char *const *lines)
{
    int r = 0;

    *a = (struct answer) { .status = 0 };
    for (; r == 0 && *lines; lines++)
        r = answer_line(a, *lines, strlen(*lines));
    return r;
}
#define HEAR(a, ...) hear(a, (const char *const[]) { __VA_ARGS__, NULL })

static void an_answer_is_read(void **state)
{
    struct answer a;

    assert_int_equal(HEAR(&a, "HTTP/1.1 206 Partial Content\r\n", "content-length: 5\r\n",
                          "CONTENT-RANGE: bytes 5-9/10 \r\n", "ETag: \"a b\"\r\n",
                          "Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n",
                          "Content-Type: video/mp4; codecs=x\r\n",
                          "Content-Disposition: attachment; filename=\"a film.mp4\"\r\n", "\r\n"),
                     0);
    assert_int_equal(a.status, 206);
    assert_true(a.has_length && a.length == 5);
    assert_true(a.has_range && a.from == 5 && a.until == 10 && a.has_total && a.total == 10);
    assert_string_equal(a.etag, "\"a b\"");
    assert_string_equal(a.modified, "Sat, 21 Nov 2026 10:00:00 GMT");
    assert_string_equal(a.type, "video/mp4");
    assert_string_equal(a.name, "a film.mp4");
    assert_false(a.encoded);
}

static void the_last_answer_counts(void **state)
{
    struct answer a;

    assert_int_equal(HEAR(&a, "HTTP/1.1 302 Found\r\n", "Content-Length: 7\r\n", "ETag: \"x\"\r\n", "\r\n",
                          "HTTP/1.1 200 OK\r\n", "\r\n"),
                     0);
    assert_int_equal(a.status, 200);
    assert_false(a.has_length);
    assert_string_equal(a.etag, "");
}

static void what_is_there_of_a_file_may_be_all_that_is_told(void **state)
{
    struct answer a;

    assert_int_equal(HEAR(&a, "HTTP/1.1 416 no\r\n", "Content-Range: bytes */12\r\n"), 0);
    assert_true(!a.has_range && a.has_total && a.total == 12);
    assert_int_equal(HEAR(&a, "HTTP/1.1 206 yes\r\n", "Content-Range: bytes 1-2/*\r\n"), 0);
    assert_true(a.has_range && !a.has_total && a.until == 3);
}

static void a_weak_tag_proves_nothing(void **state)
{
    static const char *const none[] = { "ETag: W/\"x\"", "ETag: x", "ETag: \"x\"y\"", "ETag: \"", "ETag:" };
    struct answer a;

    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        assert_int_equal(HEAR(&a, "HTTP/1.1 200 OK", none[i]), 0);
        assert_string_equal(a.etag, "");
    }
}

static void an_answer_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {
        "HTTP/1.1",
        "HTTP/1.1 2x0 OK",
        "HTTP/1.1 2000",
        "Content-Length: x",
        "Content-Length: -1",
        "Content-Length: 5 5",
        "Content-Length: 99999999999999999999",
        "Content-Length: 9223372036854775808",
        "Content-Length:",
        "Content-Range: bytes 9-5/10",
        "Content-Range: bytes 5-10/10",
        "Content-Range: bytes */*",
        "Content-Range: bytes 5-/10",
        "Content-Range: items 1-2/3",
        "Content-Range: bytes 1-2/3x",
        "X: a\001b",
    };
    struct answer a;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (HEAR(&a, "HTTP/1.1 200 OK", wrong[i]) != ERR_MALFORMED)
            fail_msg("taken: %s", wrong[i]);
    assert_int_equal(HEAR(&a, "HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6"), ERR_MALFORMED);
    assert_int_equal(HEAR(&a, "HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5"), 0);
}

static void a_header_without_end_is_refused(void **state)
{
    struct answer a = { .status = 0 };
    char line[1024];
    int r = 0;
    unsigned n;

    for (n = 0; r == 0 && n < 1000; n++)
        r = answer_line(&a, "X: y\r\n", 6);
    assert_int_equal(n, 201);
    memset(line, 'x', sizeof(line));
    memcpy(line, "X: ", 3);
    a = (struct answer) { .status = 0 };
    for (n = 0, r = 0; r == 0 && n < 1000; n++)
        r = answer_line(&a, line, sizeof(line));
    assert_int_equal(n, 65);
}

static void what_is_encoded_is_known(void **state)
{
    struct answer a;

    assert_int_equal(HEAR(&a, "HTTP/1.1 200 OK", "Content-Encoding: gzip"), 0);
    assert_true(a.encoded);
    assert_int_equal(HEAR(&a, "HTTP/1.1 200 OK", "Content-Encoding: identity"), 0);
    assert_false(a.encoded);
}

static void a_file_is_called_what_its_server_says(void **state)
{
    static const struct {
        const char *value, *name;
    } rows[] = {
        { "attachment; filename=film.mp4", "film.mp4" },
        { "attachment; filename=\"a \\\"film\\\".mp4\"; size=5", "a \"film\".mp4" },
        { "inline; FILENAME=\"x.mp4\"; filename*=UTF-8''%e2%82%ac%20rates.mp4", "€ rates.mp4" },
        { "inline; filename*=utf-8'de'caf%C3%A9.mkv; filename=cafe.mkv", "café.mkv" },
        { "inline; filename*=ISO-8859-1''caf%E9.mkv; filename=cafe.mkv", "cafe.mkv" },
        { "attachment; filename=\"../../etc/passwd\"", "passwd" },
        { "attachment; filename=\"C:\\\\temp\\\\x.avi\"", "x.avi" },
        { "attachment; filename=\"a\001b\177.mp4\"", "ab.mp4" },
        { "attachment; filename=\"\xff.mp4\"", "" },
        { "attachment; filename=\"unended", "unended" },
        { "attachment", "" },
        { "attachment; filename", "" },
        { "attachment; filename=", "" },
        { "", "" },
    };
    char name[NAMING_SIZE];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        naming_of_disposition(rows[i].value, name);
        assert_string_equal(name, rows[i].name);
    }
}

static void or_as_its_address_ends(void **state)
{
    static const struct {
        const char *url, *name;
    } rows[] = {
        { "https://example.org/films/Big%20Buck%20Bunny.mp4?key=secret#t=5", "Big Buck Bunny.mp4" },
        { "http://example.org/a/b%2F..%2Fc.mkv", "c.mkv" },
        { "http://example.org", "" },
        { "http://example.org?x=y/z.mp4", "" },
        { "http://example.org/films/", "" },
        { "http://example.org/100%.mp4", "100%.mp4" },
        { "http://example.org/a%zz%4", "a%zz%4" },
        { "http://example.org/%00%0a%c3%28x", "" },
    };
    char name[NAMING_SIZE];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        naming_of_url(rows[i].url, name);
        assert_string_equal(name, rows[i].name);
    }
}

static void a_name_has_an_end(void **state)
{
    char url[4100], name[NAMING_SIZE];

    snprintf(url, sizeof(url), "http://x/%04000d", 0);
    naming_of_url(url, name);
    assert_int_equal(strlen(name), 255);
    strcpy(url, "http://x/");
    for (unsigned i = 0; i < 400; i++)
        strcat(url, "%C3%A9");
    naming_of_url(url, name);
    assert_int_equal(strlen(name), 510);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_read),
        cmocka_unit_test(the_last_answer_counts),
        cmocka_unit_test(what_is_there_of_a_file_may_be_all_that_is_told),
        cmocka_unit_test(a_weak_tag_proves_nothing),
        cmocka_unit_test(an_answer_that_is_none_is_refused),
        cmocka_unit_test(a_header_without_end_is_refused),
        cmocka_unit_test(what_is_encoded_is_known),
        cmocka_unit_test(a_file_is_called_what_its_server_says),
        cmocka_unit_test(or_as_its_address_ends),
        cmocka_unit_test(a_name_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Chapters as files: titles from uploads, and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/catalog/media/chapters.h"

static const struct probed_chapter all[] = { { 0, "One \"quoted\" \\ <b>" },
                                             { 61500, NULL },
                                             { 90000, "behind the end" } };

static void a_chapter_ends_where_the_next_begins(void **state)
{
    struct buf out = { 0 };

    chapters_vtt(&out, all, 3, 80);
    assert_string_equal(buf_text(&out), "WEBVTT\n\n00:00:00.000 --> 00:01:01.500\nOne \"quoted\" \\ &lt;b&gt;\n"
                                        "\n00:01:01.500 --> 00:01:20.000\nChapter 2\n");
    buf_free(&out);
}

static void json_escapes_titles(void **state)
{
    struct buf out = { 0 };

    chapters_json(&out, all, 3, 70);
    assert_non_null(strstr(buf_text(&out), "\"start-time\": 0.000, \"duration\": 61.500"));
    assert_non_null(strstr(buf_text(&out), "\"title\": \"One \\\"quoted\\\" \\\\ <b>\"}"));
    assert_non_null(strstr(buf_text(&out), "\"start-time\": 61.500, \"duration\": 8.500"));
    assert_null(strstr(buf_text(&out), "behind"));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chapter_ends_where_the_next_begins),
        cmocka_unit_test(json_escapes_titles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the parent takes as a text from a worker, and all that it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/transcode/media/vtt.h"

#define HEAD "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n"
#define CUE  "\n00:00:01.000 --> 00:00:02.000\n"

static int check(const char *text, uint32_t *cues)
{
    const char *why;

    return vtt_check(bytes_of_text(text), cues, &why);
}

static void what_we_write_is_taken(void **state)
{
    struct buf file = { 0 };
    const char *why;
    uint32_t cues;

    vtt_begin(&file);
    vtt_cue(&file, 1000, 2500, false, "<i>one</i> &amp; \xc3\xa9\ntwo");
    vtt_cue(&file, 1000, 36000500, true, "three");
    assert_string_equal(buf_text(&file), HEAD "\n00:00:01.000 --> 00:00:02.500\n<i>one</i> &amp; \xc3\xa9\ntwo\n"
                                              "\n00:00:01.000 --> 10:00:00.500 line:0\nthree\n");
    assert_int_equal(vtt_check(buf_bytes(&file), &cues, &why), 0);
    assert_int_equal(cues, 2);
    buf_free(&file);
}

static void anything_else_is_not(void **state)
{
    static const char *const bad[] = {
        "",
        "WEBVTT\n",
        HEAD "STYLE\n::cue {}\n",
        HEAD CUE,
        HEAD CUE "\n",
        HEAD CUE "no end of line",
        HEAD CUE "<script>\n",
        HEAD CUE "<c.red>x</c>\n",
        HEAD CUE "a > b\n",
        HEAD CUE "a &nbsp; b\n",
        HEAD CUE "a & b\n",
        HEAD CUE "tab\there\n",
        HEAD CUE "cr\r\n",
        HEAD CUE "\xff\n",
        HEAD CUE "x\n\n\ny\n",
        HEAD "\n00:00:01.000 --> 00:00:01.000\nx\n",
        HEAD "\n00:00:02.000 --> 00:00:01.000\nx\n",
        HEAD "\n00:00:61.000 --> 00:02:01.000\nx\n",
        HEAD "\n00:00:01.000 --> 00:00:02.000 position:10%\nx\n",
        HEAD "\n00:00:05.000 --> 00:00:06.000\nx\n" CUE "y\n",
    };
    uint32_t cues;

    assert_int_equal(check(HEAD CUE "x\n", &cues), 0);
    assert_int_equal(check(HEAD, &cues), 0);
    assert_int_equal(cues, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(check(bad[i], &cues), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_write_is_taken),
        cmocka_unit_test(anything_else_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

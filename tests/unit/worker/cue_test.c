/* Events of subtitle decoders as cues, and that the parent takes whatever comes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "actors/transcode/media/vtt.h"
#include "actors/transcode/worker/cue.h"

static const struct {
    const char *event, *text;
    bool top;
} events[] = {
    { "0,0,Default,,0,0,0,,Hello, world", "Hello, world", false },
    { "0,0,Default,,0,0,0,,a < b & c > d --> e", "a &lt; b &amp; c &gt; d --&gt; e", false },
    { "0,0,Default,,0,0,0,,{\\i1}one{\\i0} {\\b1\\u1}two{\\r} three", "<i>one</i> <b><u>two</u></b> three",
      false },
    { "0,0,Default,,0,0,0,,{\\i1}one\\Ntwo", "<i>one</i>\n<i>two</i>", false },
    { "0,0,Default,,0,0,0,,{\\an8}up\\N\\N \\Nthere", "up\nthere", true },
    { "0,0,Default,,0,0,0,,{\\an2}down", "down", false },
    { "0,0,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}", "", false },
    { "0,0,Default,,0,0,0,,{\\pos(1,2)\\c&Hff&\\k20}plain", "plain", false },
    { "0,0,Default,,0,0,0,,{not closed", "{not closed", false },
    { "0,0,Default,,0,0,0,,bad \xff\xc0 bytes\x01\x7f", "bad  bytes", false },
    { "0,0,Default,,0,0,0,,{\\b}{\\i}{\\p}{\\}{\\an}x", "x", false },
    { "0,0,Default,,0,0,0,,\\h\\n", "\xc2\xa0", false },
    { "too,few,fields", "", false },
    { "", "", false },
};

static void events_become_cues(void **state)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
        struct buf out = { 0 };
        bool top = !events[i].top;

        cue_text(events[i].event, &out, &top);
        assert_string_equal(buf_text(&out), events[i].text);
        assert_int_equal(top, events[i].top);
        buf_free(&out);
    }
}

static bool is_taken(const struct buf *file, uint32_t cues)
{
    const char *why = NULL;
    uint32_t found = 0;

    return vtt_check(buf_bytes(file), &found, &why) == 0 && found == cues;
}

/* Noise between the braces, commas and backslashes that mean something: no cue of it that is not taken. */
static void whatever_comes_out_is_taken(void **state)
{
    static const char letters[] = "{}\\\\,Nniubpr01an8<>&-\n\r\t \xc3\xa9\xff\xe2\x80";
    unsigned seed = 7;

    for (unsigned n = 0; n < 20000; n++) {
        char event[64] = "0,0,D,,0,0,0,,";
        struct buf text = { 0 }, file = { 0 };
        bool top = false;

        for (size_t at = 14; at < sizeof(event) - 1; at++) {
            seed = seed * 1103515245u + 12345u;
            event[at] = letters[(seed >> 16) % (sizeof(letters) - 1)];
        }
        cue_text(event, &text, &top);
        vtt_begin(&file);
        if (text.len)
            vtt_cue(&file, n, n + 1, top, buf_text(&text));
        assert_true(is_taken(&file, text.len > 0));
        buf_free(&text);
        buf_free(&file);
    }
}

static void a_cue_has_a_bound(void **state)
{
    size_t size = 1 << 20;
    char *event = malloc(size + 1);
    struct buf out = { 0 };
    bool top;

    memset(event, 'x', size);
    event[size] = 0;
    memcpy(event, "0,0,D,,0,0,0,,", 14);
    cue_text(event, &out, &top);
    assert_in_range(out.len, 1000, CUE_TEXT_MOST);
    buf_free(&out);
    free(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_become_cues),
        cmocka_unit_test(whatever_comes_out_is_taken),
        cmocka_unit_test(a_cue_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

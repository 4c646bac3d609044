/* I-frame playlists as texts, and rates measured over pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "actors/catalog/media/iframe.h"

static const struct hls_rendition video = { .dir = "v/h264-240",
                                            .codec = "avc1.640015",
                                            .timescale = 30000,
                                            .width = 426,
                                            .height = 240,
                                            .fps_num = 30000,
                                            .fps_den = 1001 };
static const struct iframe_gop gops[] = {
    { 1, 0, 6120, 60 }, { 2, 0, 5000, 60 }, { 4, 0, 4000, 60 }, { 4, 70000, 4100, 60 }, { 5, 0, 3000, 15 }
};
static const struct iframe_track track = { &video, gops, 5 };

static void each_gop_is_a_range_of_its_segment(void **state)
{
    struct buf out = { 0 };

    iframe_media(&out, &track);
    assert_string_equal(buf_text(&out), "#EXTM3U\n"
                                        "#EXT-X-VERSION:5\n"
                                        "#EXT-X-TARGETDURATION:2\n"
                                        "#EXT-X-PLAYLIST-TYPE:VOD\n"
                                        "#EXT-X-I-FRAMES-ONLY\n"
                                        "#EXT-X-MAP:URI=\"init.mp4\"\n"
                                        "#EXTINF:2.00200,\n#EXT-X-BYTERANGE:6120@0\n000001.m4s\n"
                                        "#EXTINF:2.00200,\n#EXT-X-BYTERANGE:5000@0\n000002.m4s\n"
                                        "#EXTINF:2.00200,\n#EXT-X-BYTERANGE:4000@0\n000004.m4s\n"
                                        "#EXTINF:2.00200,\n#EXT-X-BYTERANGE:4100@70000\n000004.m4s\n"
                                        "#EXTINF:0.50050,\n#EXT-X-BYTERANGE:3000@0\n000005.m4s\n"
                                        "#EXT-X-ENDLIST\n");
    buf_free(&out);
}

static void the_peak_is_measured_over_half_a_target_at_least(void **state)
{
    struct buf out = { 0 };

    iframe_master(&out, &track); /* 3000 bytes in the last half second count with what is before them */
    assert_string_equal(buf_text(&out),
                        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=24456,AVERAGE-BANDWIDTH=20892,CODECS=\"avc1.640015\","
                        "RESOLUTION=426x240,URI=\"v/h264-240/iframe.m3u8\"\n");
    buf_free(&out);
}

static void of_no_pictures_nothing_is_said(void **state)
{
    const struct iframe_track none = { &video, NULL, 0 };
    struct buf out = { 0 };

    iframe_master(&out, &none);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gop_is_a_range_of_its_segment),
        cmocka_unit_test(the_peak_is_measured_over_half_a_target_at_least),
        cmocka_unit_test(of_no_pictures_nothing_is_said),
    };

    return cmocka_run_group_tests_name("catalog_iframe", tests, NULL, NULL);
}

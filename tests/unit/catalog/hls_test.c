/* Playlists as texts: golden ones, measured rates, and names from hostile uploads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/catalog/media/hls.h"
#include "actors/catalog/media/mpd.h"

static const struct hls_segment picture[] = {
    { 1, 48048, 100000 }, { 2, 48048, 50000 }, { 3, 48048, 50000 }, { 4, 144144, 300000 }, { 5, 24024, 20000 }
};
static const struct hls_segment sound[] = {
    { 1, 96256, 32000 }, { 2, 96256, 32000 }, { 3, 95232, 31000 }, { 4, 288768, 96000 }, { 5, 48128, 16000 }
};
static const struct hls_rendition videos[] = {
    { .dir = "v/h264-720",
      .codec = "avc1.64001f",
      .timescale = 24000,
      .segments = picture,
      .segments_n = 5,
      .width = 1280,
      .height = 720,
      .fps_num = 24000,
      .fps_den = 1001,
      .cap_kbps = 3300 },
    { .dir = "v/h264-360",
      .codec = "avc1.64001e",
      .timescale = 24000,
      .segments = picture,
      .segments_n = 5,
      .width = 640,
      .height = 360,
      .fps_num = 24000,
      .fps_den = 1001,
      .cap_kbps = 850 },
};
static const struct hls_rendition audios[] = {
    { .dir = "a/aac-en-0",
      .codec = "mp4a.40.2",
      .timescale = 48000,
      .segments = sound,
      .segments_n = 5,
      .name = "English",
      .language = "en",
      .channels = 2,
      .is_default = true },
    { .dir = "a/aac-fr-1",
      .codec = "mp4a.40.2",
      .timescale = 48000,
      .segments = sound,
      .segments_n = 5,
      .name = "say \"hi\"\n#EXT-X-ENDLIST",
      .language = "fr",
      .channels = 2 },
};
static const struct hls_set set = { videos, 2, audios, 2 };

static void a_growing_playlist_is_a_prefix_of_the_ended_one(void **state)
{
    struct buf ended = { 0 }, before = { 0 };
    hls_media(&ended, &videos[0], false, true);
    for (size_t n = 0; n <= 5; n++) {
        struct hls_rendition part = videos[0];
        part.segments_n = n;
        before.len = 0;
        hls_media(&before, &part, false, false);
        assert_memory_equal(before.data, ended.data, before.len);
    }
    assert_string_equal(
        buf_text(&ended),
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-MAP:URI=\"init.mp4\"\n"
        "#EXTINF:2.00200,\n000001.m4s\n#EXTINF:2.00200,\n000002.m4s\n#EXTINF:2.00200,\n000003.m4s\n"
        "#EXTINF:6.00600,\n000004.m4s\n#EXTINF:1.00100,\n000005.m4s\n#EXT-X-ENDLIST\n");
    buf_free(&ended);
    buf_free(&before);
}

static void rates_are_measured_over_runs_of_segments(void **state)
{
    struct hls_rate rate = hls_measure(&videos[0]);
    /* 520000 bytes in 13.013 s; the densest run of 3 to 9.5 s is the first two segments: 150000 bytes in 4.004 s, less
     * than the fourth alone with 300000 in 6.006 s. */
    assert_int_equal(rate.average, 319680);
    assert_int_equal(rate.peak, 399600);
    struct hls_rendition none = { .timescale = 1000 };
    assert_int_equal(hls_measure(&none).peak, 0);
    struct hls_rendition one = videos[0];
    one.segments_n = 1;
    assert_int_equal(hls_measure(&one).peak, hls_measure(&one).average);
}

static void the_master_lists_the_start_first_and_adds_the_loudest_sound(void **state)
{
    struct buf out = { 0 };
    hls_master(&out, &set, true, "index.m3u8");
    struct hls_rate v = hls_measure(&videos[0]), a = hls_measure(&audios[0]);
    char line[256];
    snprintf(line, sizeof(line),
             "#EXT-X-STREAM-INF:BANDWIDTH=%llu,AVERAGE-BANDWIDTH=%llu,CODECS=\"avc1.64001f,mp4a.40.2\","
             "RESOLUTION=1280x720,FRAME-RATE=23.976,AUDIO=\"aac\",CLOSED-CAPTIONS=NONE\nv/h264-720/index.m3u8\n",
             (unsigned long long)(v.peak + a.peak), (unsigned long long)(v.average + a.average));
    const char *all = buf_text(&out);
    assert_non_null(strstr(all, line));
    assert_true(strstr(all, "v/h264-720/") < strstr(all, "v/h264-360/"));
    assert_null(strstr(all, "\n#EXT-X-ENDLIST"));
    assert_non_null(strstr(all, "NAME=\"say 'hi' #EXT-X-ENDLIST\",LANGUAGE=\"fr\",DEFAULT=NO"));
    buf_free(&out);
}

static void a_preview_declares_what_its_rungs_are_capped_to(void **state)
{
    struct buf out = { 0 };
    struct hls_set one = { &videos[1], 1, NULL, 0 };
    hls_master(&out, &one, false, "event.m3u8");
    assert_string_equal(buf_text(&out),
                        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-INDEPENDENT-SEGMENTS\n"
                        "#EXT-X-STREAM-INF:BANDWIDTH=977500,AVERAGE-BANDWIDTH=722500,CODECS=\"avc1.64001e\","
                        "RESOLUTION=640x360,FRAME-RATE=23.976,CLOSED-CAPTIONS=NONE\nv/h264-360/event.m3u8\n");
    buf_free(&out);
}

static void sound_alone_is_a_variant(void **state)
{
    struct buf out = { 0 };
    struct hls_set alone = { NULL, 0, audios, 1 };
    hls_master(&out, &alone, true, "index.m3u8");
    assert_non_null(strstr(buf_text(&out), "CODECS=\"mp4a.40.2\",AUDIO=\"aac\"\na/aac-en-0/index.m3u8\n"));
    buf_free(&out);
}

/* Both groups have the same names, as players that change group want it; what has no more channels is in both. */
static void six_channels_are_a_group_beside_the_one_for_everybody(void **state)
{
    struct hls_rendition sounds[3] = { audios[0], audios[1], audios[0] };
    struct hls_set both = { videos, 2, sounds, 3 };
    struct buf out = { 0 }, mpd = { 0 };
    unsigned long long two, six;
    sounds[1].name = "French";
    sounds[2].dir = "a/aac6-en-0";
    sounds[2].channels = 6;
    sounds[2].surround = true;
    sounds[2].segments = picture;
    sounds[2].init = "init-loud.mp4";
    hls_master(&out, &both, true, "index.m3u8");
    const char *all = buf_text(&out), *large, *more;
    assert_non_null(strstr(all, "GROUP-ID=\"aac\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,"
                                "CHANNELS=\"2\",URI=\"a/aac-en-0/index.m3u8\"\n"));
    assert_non_null(strstr(all, "GROUP-ID=\"aac-6\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,"
                                "CHANNELS=\"6\",URI=\"a/aac6-en-0/index.m3u8\"\n"));
    assert_non_null(strstr(all, "GROUP-ID=\"aac\",NAME=\"French\",LANGUAGE=\"fr\",DEFAULT=NO,AUTOSELECT=YES,"
                                "CHANNELS=\"2\",URI=\"a/aac-fr-1/"));
    assert_non_null(strstr(all, "GROUP-ID=\"aac-6\",NAME=\"French\",LANGUAGE=\"fr\",DEFAULT=NO,AUTOSELECT=YES,"
                                "CHANNELS=\"2\",URI=\"a/aac-fr-1/"));
    large = strstr(all, "RESOLUTION=1280x720,FRAME-RATE=23.976,AUDIO=\"aac\"");
    more = strstr(all, "RESOLUTION=1280x720,FRAME-RATE=23.976,AUDIO=\"aac-6\"");
    assert_true(large && more && large < more); /* who begins with the first one hears two channels */
    sscanf(strstr(all, "INF:BANDWIDTH="), "INF:BANDWIDTH=%llu", &two);
    sscanf(strstr(strstr(all, "v/h264-360/"), "INF:BANDWIDTH="), "INF:BANDWIDTH=%llu", &six);
    assert_true(two < six);
    mpd_write(&mpd, &both);
    all = buf_text(&mpd);
    assert_non_null(strstr(all, "selectionPriority=\"1\" lang=\"en\">\n     <Label>English</Label>\n"
                                "     <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"alternate\"/>\n"
                                "     <Representation id=\"aac6-en-0\""));
    assert_non_null(strstr(all, "value=\"6\"/>\n      <SegmentTemplate"));
    assert_non_null(strstr(all, "initialization=\"a/$RepresentationID$/init-loud.mp4\""));
    buf_free(&out);
    out = (struct buf) { 0 };
    hls_media(&out, &sounds[2], true, true);
    assert_non_null(strstr(buf_text(&out), "#EXT-X-MAP:URI=\"init-loud.mp4\"\n"));
    buf_free(&out);
    buf_free(&mpd);
}

static void the_mpd_counts_equal_segments_once_and_escapes_names(void **state)
{
    struct buf out = { 0 };
    mpd_write(&out, &set);
    const char *all = buf_text(&out);
    assert_non_null(
        strstr(all, "<S t=\"0\" d=\"48048\" r=\"2\"/>\n          <S d=\"144144\"/>\n          <S d=\"24024\"/>"));
    assert_non_null(strstr(
        all, "initialization=\"v/$RepresentationID$/init.mp4\" media=\"v/$RepresentationID$/$Number%06d$.m4s\""));
    assert_non_null(strstr(all, "<Label>say &quot;hi&quot; #EXT-X-ENDLIST</Label>"));
    assert_non_null(strstr(all, "mediaPresentationDuration=\"PT13.013S\""));
    buf_free(&out);
}

static const struct hls_text texts[] = {
    { .dir = "t/en-0",
      .name = "English",
      .language = "en",
      .size = 13013,
      .is_default = true,
      .auto_select = true },
    { .dir = "t/en-1",
      .name = "Signs \"en\"",
      .language = "en",
      .size = 100,
      .auto_select = true,
      .forced = true },
    { .dir = "t/de-2", .name = "de", .language = "de", .size = 200, .auto_select = true, .for_deaf = true },
};

static void texts_are_a_group_of_every_variant_and_count_in_its_rate(void **state)
{
    struct hls_set with = set;
    struct buf plain = { 0 }, out = { 0 };
    unsigned long long before, after;
    with.texts = texts;
    with.texts_n = 3;
    with.has_chapters = true;
    hls_master(&plain, &set, true, "index.m3u8");
    hls_master(&out, &with, true, "index.m3u8");
    const char *all = buf_text(&out);
    assert_non_null(strstr(all, "TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,"
                                "AUTOSELECT=YES,FORCED=NO,URI=\"t/en-0/index.m3u8\"\n"));
    assert_non_null(strstr(all, "NAME=\"Signs 'en'\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI="));
    assert_non_null(strstr(all, "CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,"));
    assert_non_null(strstr(all, "DATA-ID=\"com.apple.hls.chapters\",URI=\"chapters.json\""));
    assert_non_null(strstr(all, "SUBTITLES=\"text\""));
    sscanf(strstr(buf_text(&plain), "INF:BANDWIDTH="), "INF:BANDWIDTH=%llu", &before);
    sscanf(strstr(all, "INF:BANDWIDTH="), "INF:BANDWIDTH=%llu", &after);
    assert_in_range(after - before, 7999, 8002); /* 13013 bytes in 13.013 s */
    buf_free(&plain);
    buf_free(&out);
}

static void a_text_is_one_segment_as_long_as_the_film(void **state)
{
    struct buf out = { 0 };
    hls_text_media(&out, &set);
    assert_string_equal(buf_text(&out),
                        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:14\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                        "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:13.01300,\nfull.vtt\n#EXT-X-ENDLIST\n");
    buf_free(&out);
}

static void the_mpd_has_a_set_for_each_text(void **state)
{
    struct hls_set with = set;
    struct buf out = { 0 };
    with.texts = texts;
    with.texts_n = 3;
    mpd_write(&out, &with);
    const char *all = buf_text(&out);
    assert_non_null(strstr(all, "contentType=\"text\" mimeType=\"text/vtt\" lang=\"de\""));
    assert_non_null(strstr(all, "<BaseURL>t/en-1/full.vtt</BaseURL>"));
    assert_non_null(strstr(all, "value=\"forced-subtitle\""));
    assert_non_null(strstr(all, "value=\"caption\""));
    buf_free(&out);
}

/* Everybody's codec first; each of the others has all sizes, the same sounds, and an adaptation set of its own. */
static void codecs_stand_behind_each_other(void **state)
{
    struct hls_rendition all[6];
    struct hls_set codecs = { all, 6, audios, 2 };
    struct buf out = { 0 }, mpd = { 0 };
    const char *at;
    for (size_t i = 0; i < 6; i++) {
        all[i] = videos[i % 2];
        all[i].codec = i < 2 ? all[i].codec : i < 4 ? "hvc1.1.6.L93.90" : "av01.0.05M.08";
        all[i].dir = i < 2   ? all[i].dir
                     : i < 4 ? (i % 2 ? "v/hevc-360" : "v/hevc-720")
                     : i % 2 ? "v/av1-360"
                             : "v/av1-720";
    }
    hls_master(&out, &codecs, true, "index.m3u8");
    at = buf_text(&out);
    static const char *const order[] = { "v/h264-720/", "v/h264-360/", "v/hevc-360/",
                                         "v/hevc-720/", "v/av1-360/",  "v/av1-720/" };
    for (size_t i = 0; i < 6; i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
    assert_non_null(
        strstr(buf_text(&out),
               "CODECS=\"hvc1.1.6.L93.90,mp4a.40.2\",RESOLUTION=640x360,FRAME-RATE=23.976,AUDIO=\"aac\""));
    mpd_write(&mpd, &codecs);
    at = buf_text(&mpd);
    static const char *const sets[] = { "id=\"0\" contentType=\"video\"", "id=\"4\" contentType=\"video\"",
                                        "id=\"5\" contentType=\"video\"", "id=\"1\" contentType=\"audio\"" };
    for (size_t i = 0; i < 4; i++) {
        at = strstr(at, sets[i]);
        assert_non_null(at);
    }
    buf_free(&out);
    buf_free(&mpd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_growing_playlist_is_a_prefix_of_the_ended_one),
        cmocka_unit_test(rates_are_measured_over_runs_of_segments),
        cmocka_unit_test(the_master_lists_the_start_first_and_adds_the_loudest_sound),
        cmocka_unit_test(a_preview_declares_what_its_rungs_are_capped_to),
        cmocka_unit_test(sound_alone_is_a_variant),
        cmocka_unit_test(texts_are_a_group_of_every_variant_and_count_in_its_rate),
        cmocka_unit_test(a_text_is_one_segment_as_long_as_the_film),
        cmocka_unit_test(the_mpd_has_a_set_for_each_text),
        cmocka_unit_test(six_channels_are_a_group_beside_the_one_for_everybody),
        cmocka_unit_test(the_mpd_counts_equal_segments_once_and_escapes_names),
        cmocka_unit_test(codecs_stand_behind_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

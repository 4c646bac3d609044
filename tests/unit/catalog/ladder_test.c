/* Which renditions a source gets: a table of sources, and what must hold for any of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/catalog/media/ladder.h"

static void rungs_are_those_of_the_table(void **state)
{
    static const struct {
        struct ladder_source source;
        const char *rungs; /* WxH, largest first */
        const char *preview;
        uint32_t fps_num, fps_den, gop;
    } rows[] = {
        { { 1920, 1080, 24, 1, false }, "1920x1080 1280x720 854x480 640x360 426x240", "v/h264-360", 24, 1, 48 },
        { { 1080, 1920, 60, 1, false }, "1080x1920 720x1280 480x854 360x640 240x426", "v/h264-360", 60, 1, 120 },
        { { 3840, 2160, 120, 1, false }, "1920x1080 1280x720 854x480 640x360 426x240", "v/h264-360", 60, 1, 120 },
        { { 864, 486, 24, 1, false }, "864x486 640x360 426x240", "v/h264-360", 24, 1, 48 },
        { { 642, 642, 30, 1, false }, "642x642 480x480 360x360 240x240", "v/h264-360", 30, 1, 60 },
        { { 160, 90, 24, 1, false }, "160x90", "v/h264-90", 24, 1, 48 },
        { { 426, 240, 24, 1, false }, "426x240 256x144", "v/h264-240", 24, 1, 48 },
        { { 1920, 1080, 25, 1, true }, "1920x1080 1280x720 854x480 640x360 426x240", "v/h264-360", 50, 1, 100 },
        { { 720, 576, 25, 1, true }, "720x576 600x480 450x360 300x240", "v/h264-360", 25, 1, 50 },
        { { 16, 8192, 25, 1, false }, "8x4096", "v/h264-16", 25, 1, 50 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ladder ladder;
        char made[256] = "";
        ladder_plan(&rows[i].source, &ladder);
        for (size_t n = 0; n < ladder.rungs_n; n++) {
            char one[32];
            snprintf(one, sizeof(one), "%s%ux%u", n ? " " : "", ladder.rungs[n].width, ladder.rungs[n].height);
            strcat(made, one);
        }
        assert_string_equal(made, rows[i].rungs);
        assert_string_equal(ladder.rungs[ladder.preview].dir, rows[i].preview);
        assert_int_equal(ladder.fps_num, rows[i].fps_num);
        assert_int_equal(ladder.fps_den, rows[i].fps_den);
        assert_int_equal(ladder.gop, rows[i].gop);
    }
}

static void caps_and_levels_of_the_common_rungs_are_the_published_ones(void **state)
{
    static const uint32_t caps[] = { 6000, 3300, 1500, 850, 400 }, levels[] = { 40, 31, 31, 30, 21 };
    static const uint32_t fast_caps[] = { 8500, 4800, 1500, 850, 400 }, fast_levels[] = { 42, 32, 31, 30, 21 };
    struct ladder ladder;
    ladder_plan(&(struct ladder_source) { 1920, 1080, 30, 1, false }, &ladder);
    for (size_t n = 0; n < 5; n++) {
        assert_int_equal(ladder.rungs[n].maxrate_kbps, caps[n]);
        assert_int_equal(ladder.rungs[n].level, levels[n]);
        assert_int_equal(ladder.rungs[n].fps_div, 1);
    }
    ladder_plan(&(struct ladder_source) { 1920, 1080, 60, 1, false }, &ladder);
    for (size_t n = 0; n < 5; n++) {
        assert_int_equal(ladder.rungs[n].maxrate_kbps, fast_caps[n]);
        assert_int_equal(ladder.rungs[n].level, fast_levels[n]);
        assert_int_equal(ladder.rungs[n].fps_div, n < 2 ? 1 : 2);
    }
}

static void nothing_is_upscaled_odd_or_out_of_step(void **state)
{
    for (uint32_t width = 2; width < 4200; width += 37) {
        for (uint32_t height = 2; height < 2400; height += 61) {
            struct ladder ladder;
            ladder_plan(&(struct ladder_source) { width, height, 60, 1, false }, &ladder);
            assert_true(ladder.rungs_n >= 1 && ladder.rungs_n <= LADDER_MOST);
            assert_true(ladder.preview < ladder.rungs_n);
            for (size_t n = 0; n < ladder.rungs_n; n++) {
                const struct ladder_rung *rung = &ladder.rungs[n];
                assert_true(rung->width <= width + 1 && rung->height <= height + 1);
                assert_int_equal(rung->width % 2 + rung->height % 2, 0);
                assert_int_equal(ladder.gop % rung->fps_div, 0);
                assert_true(n == 0 || rung->width <= ladder.rungs[n - 1].width);
            }
        }
    }
}

static void other_codecs_have_the_same_sizes_below_lower_caps(void **state)
{
    struct ladder ladder;
    ladder_plan(&(struct ladder_source) { 1920, 1080, 60, 1, false }, &ladder);
    size_t n = ladder.rungs_n;
    assert_int_equal(ladder.all_n, n);
    assert_int_equal(ladder_add_codec(&ladder, PICTURE_CODEC_HEVC), ((1u << n) - 1) << n);
    assert_int_equal(ladder_add_codec(&ladder, PICTURE_CODEC_AV1), ((1u << n) - 1) << 2 * n);
    assert_int_equal(ladder.rungs_n, n);
    assert_int_equal(ladder.all_n, 3 * n);
    for (size_t i = n; i < 3 * n; i++) {
        const struct ladder_rung *rung = &ladder.rungs[i], *of = &ladder.rungs[i % n];
        assert_int_equal(rung->width, of->width);
        assert_int_equal(rung->height, of->height);
        assert_int_equal(rung->fps_div, of->fps_div);
        assert_true(rung->maxrate_kbps < of->maxrate_kbps && rung->maxrate_kbps);
        assert_true(rung->crf > of->crf && rung->crf <= (i < 2 * n ? 51 : 63));
        assert_int_equal(rung->codec, i < 2 * n ? PICTURE_CODEC_HEVC : PICTURE_CODEC_AV1);
    }
    assert_string_equal(ladder.rungs[n].dir, "v/hevc-1080");
    assert_string_equal(ladder.rungs[2 * n].dir, "v/av1-1080");
}

static void rates_are_snapped_to_the_standard_ones(void **state)
{
    static const uint32_t rows[][4] = {
        { 24, 1, 24, 1 },
        { 24000, 1001, 24000, 1001 },
        { 2997, 100, 30000, 1001 },
        { 144, 1, 60, 1 },
        { 120, 1, 60, 1 },
        { 100, 1, 50, 1 },
        { 1000, 1, 60, 1 },
        { 88, 10, 10, 1 },
        { 21147, 1000, 24000, 1001 },
        { 0, 0, 30, 1 },
        { 5, 1, 10, 1 },
        { 240000, 2002, 60000, 1001 },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t num, den;
        ladder_snap(rows[i][0], rows[i][1], &num, &den);
        assert_int_equal(num, rows[i][2]);
        assert_int_equal(den, rows[i][3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rungs_are_those_of_the_table),
        cmocka_unit_test(caps_and_levels_of_the_common_rungs_are_the_published_ones),
        cmocka_unit_test(nothing_is_upscaled_odd_or_out_of_step),
        cmocka_unit_test(other_codecs_have_the_same_sizes_below_lower_caps),
        cmocka_unit_test(rates_are_snapped_to_the_standard_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

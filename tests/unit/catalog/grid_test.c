/* The timeline's arithmetic: boundaries meet, nothing is lost at the end, sound never drifts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/catalog/media/grid.h"

static const struct grid grids[] = {
    { 24, 1, 48, 4895 },   { 24000, 1001, 48, 100000 }, { 30000, 1001, 60, 1 },
    { 60, 1, 120, 61 },    { 25, 2, 25, 1250 },         { 1, 2, 1, 3 },
    { 50, 1, 100, 15000 }, { 25, 1, 100, 15001 },       { 30, 1, 36, 5000 },
};
enum { GRIDS = sizeof(grids) / sizeof(grids[0]) };

static void segments_follow_each_other_to_the_last_frame(void **state)
{
    for (size_t g = 0; g < GRIDS; g++) {
        uint64_t at = 0;
        for (uint32_t n = 1; n <= grid_segments(&grids[g]); n++) {
            struct grid_span span = grid_segment_frames(&grids[g], n);
            assert_int_equal(span.first, at);
            assert_true(span.count > 0);
            at += span.count;
        }
        assert_int_equal(at, grids[g].frames);
        assert_int_equal(grid_segment_frames(&grids[g], grid_segments(&grids[g]) + 1).count, 0);
    }
}

static void the_first_three_segments_are_one_gop_then_three(void **state)
{
    const uint64_t first[] = { 0, 1, 2, 3, 6, 9 }, count[] = { 1, 1, 1, 3, 3, 3 };
    const struct grid usual = { 25, 1, 50, 0 }, slow = { 25, 1, 100, 0 };
    for (uint32_t n = 1; n <= 6; n++) {
        assert_int_equal(grid_segment_gops(&slow, n).first, n - 1); /* three GOPs would be too long */
        assert_int_equal(grid_segment_gops(&slow, n).count, 1);
        assert_int_equal(grid_segment_gops(&usual, n).first, first[n - 1]);
        assert_int_equal(grid_segment_gops(&usual, n).count, count[n - 1]);
    }
}

static void runs_cover_every_segment_once(void **state)
{
    const struct grid_pace paces[] = { { GRID_VIDEO_RUN_GOPS, false },
                                       { GRID_LIGHT_RUN_GOPS, false },
                                       { GRID_VIDEO_RUN_GOPS, true },
                                       { GRID_VIDEO_RUN_GOPS / 3, true } };
    for (size_t g = 0; g < GRIDS * 4; g++) {
        const struct grid *grid = &grids[g / 4];
        const struct grid_pace pace = paces[g % 4];
        uint32_t next = 1, runs = grid_runs(grid, pace);
        for (uint32_t n = 1; n <= runs; n++) {
            struct grid_span span = grid_run_segments(grid, n, pace);
            assert_int_equal(span.first, next);
            assert_true(span.count > 0);
            next += (uint32_t)span.count;
        }
        assert_int_equal(next, grid_segments(grid) + 1);
        assert_int_equal(grid_run_segments(grid, runs + 1, pace).count, 0);
    }
}

static void assert_runs(const struct grid *grid, struct grid_pace pace, const uint64_t *gops, uint32_t n)
{
    for (uint32_t run = 1; run <= n; run++) {
        struct grid_span span = grid_run_segments(grid, run, pace);
        uint64_t sum = 0;
        for (uint32_t i = 0; i < span.count; i++)
            sum += grid_segment_gops(grid, (uint32_t)span.first + i).count;
        assert_int_equal(sum, gops[run - 1]);
    }
}

static void runs_grow_so_that_the_first_one_is_short(void **state)
{
    const struct grid endless = { 24, 1, 48, 0 };
    const struct grid_pace pace = { GRID_VIDEO_RUN_GOPS, false };
    const uint64_t gops[] = { 1, 2, 3, 6, 12, 15, 15 };
    assert_runs(&endless, pace, gops, sizeof(gops) / sizeof(gops[0]));
    assert_int_equal(grid_runs(&endless, pace), 0);
}

static void runs_that_taper_take_a_quarter_of_what_is_left_and_two_segments_at_least(void **state)
{
    const struct grid film = { 24, 1, 48, 102 * 48 }, slow = { 25, 1, 100, 27 * 100 };
    const struct grid_pace pace = { GRID_VIDEO_RUN_GOPS, true }, slow_pace = { GRID_VIDEO_RUN_GOPS / 3, true };
    const uint64_t gops[] = { 1, 2, 3, 6, 12, 15, 15, 12, 9, 6, 6, 6, 6, 3 };
    const uint64_t slow_gops[] = { 1, 2, 3, 5, 4, 3, 2, 2, 2, 2, 1 };
    assert_int_equal(grid_runs(&film, pace), sizeof(gops) / sizeof(gops[0]));
    assert_runs(&film, pace, gops, sizeof(gops) / sizeof(gops[0]));
    assert_int_equal(grid_runs(&slow, slow_pace), sizeof(slow_gops) / sizeof(slow_gops[0]));
    assert_runs(&slow, slow_pace, slow_gops, sizeof(slow_gops) / sizeof(slow_gops[0]));
}

static void sound_stays_within_a_frame_of_the_picture(void **state)
{
    for (size_t g = 0; g < GRIDS; g++) {
        const struct grid *grid = &grids[g];
        uint64_t at = 0;
        for (uint32_t n = 1; n <= grid_segments(grid); n++) {
            struct grid_span sound = grid_audio_frames(grid, 48000, n), picture = grid_segment_frames(grid, n);
            assert_int_equal(sound.first, at);
            at += sound.count;
            double sound_end = (double)at * GRID_AAC_FRAME / 48000;
            double picture_end = (double)(picture.first + picture.count) * grid->den / grid->num;
            assert_true(sound_end >= picture_end - 1e-9);
            assert_true(sound_end < picture_end + (double)GRID_AAC_FRAME / 48000 + 1e-9);
        }
    }
}

static void a_duration_becomes_the_nearest_number_of_frames(void **state)
{
    assert_int_equal(grid_frames(24, 1, 203958), 4895);
    assert_int_equal(grid_frames(30000, 1001, 1001), 30);
    assert_int_equal(grid_frames(24, 1, 1), 1);
    assert_int_equal(grid_ms(&(struct grid) { 30000, 1001, 60, 0 }, 30), 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_follow_each_other_to_the_last_frame),
        cmocka_unit_test(the_first_three_segments_are_one_gop_then_three),
        cmocka_unit_test(runs_cover_every_segment_once),
        cmocka_unit_test(runs_grow_so_that_the_first_one_is_short),
        cmocka_unit_test(runs_that_taper_take_a_quarter_of_what_is_left_and_two_segments_at_least),
        cmocka_unit_test(sound_stays_within_a_frame_of_the_picture),
        cmocka_unit_test(a_duration_becomes_the_nearest_number_of_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "actors/transcode/worker/grid.h"

static const struct grid pal = { 25, 1 }, ntsc = { 30000, 1001 };
static const AVRational ms = { 1, 1000 }, mpeg = { 1, 90000 };

static void a_picture_on_the_grid_shows_in_its_own_frame(void **state)
{
    for (int64_t n = 0; n < 200000; n += 997) {
        assert_int_equal(grid_first(&pal, n * 3600, mpeg), n);
        assert_int_equal(grid_first(&ntsc, n * 3003, mpeg), n);
    }
}

static void times_rounded_to_milliseconds_still_show_in_their_own_frame(void **state)
{
    for (int64_t n = 0; n < 100000; n += 31)
        assert_int_equal(grid_first(&ntsc, (n * 1001 * 1000 + 15000) / 30000, ms), n);
}

static void a_picture_shows_half_a_frame_early_but_no_more(void **state)
{
    assert_int_equal(grid_first(&pal, 20, ms), 0);
    assert_int_equal(grid_first(&pal, 21, ms), 1);
    assert_int_equal(grid_first(&pal, 60, ms), 1);
    assert_int_equal(grid_first(&pal, 61, ms), 2);
}

static void what_comes_before_the_origin_has_a_negative_frame(void **state)
{
    assert_int_equal(grid_first(&pal, -40, ms), -1);
    assert_int_equal(grid_first(&pal, -41, ms), -1);
    assert_int_equal(grid_first(&pal, -61, ms), -2);
}

static void absurd_times_do_not_overflow(void **state)
{
    assert_true(grid_first(&ntsc, INT64_MAX, mpeg) > 0);
    assert_true(grid_first(&ntsc, INT64_MIN + 1, (AVRational) { 1, 1 }) < 0);
    assert_true(grid_first(&(struct grid) { 1000000, 1 }, INT64_MAX, (AVRational) { 1, INT32_MAX }) > 0);
}

static void a_track_has_at_least_the_frame_of_its_last_picture(void **state)
{
    assert_int_equal(grid_end(&pal, 149 * 40, 40, ms), 150);
    assert_int_equal(grid_end(&pal, 149 * 40, 0, ms), 150);
    assert_int_equal(grid_end(&pal, 149 * 40, 1, ms), 150);
    assert_int_equal(grid_end(&pal, 149 * 40, 2000, ms), 199);
}

static void a_frame_lies_at_the_time_it_is_looked_for(void **state)
{
    for (int64_t n = 0; n < 100000; n += 333)
        assert_int_equal(grid_first(&ntsc, grid_time(&ntsc, n, mpeg), mpeg), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_on_the_grid_shows_in_its_own_frame),
        cmocka_unit_test(times_rounded_to_milliseconds_still_show_in_their_own_frame),
        cmocka_unit_test(a_picture_shows_half_a_frame_early_but_no_more),
        cmocka_unit_test(what_comes_before_the_origin_has_a_negative_frame),
        cmocka_unit_test(absurd_times_do_not_overflow),
        cmocka_unit_test(a_track_has_at_least_the_frame_of_its_last_picture),
        cmocka_unit_test(a_frame_lies_at_the_time_it_is_looked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What moments of a film say of its ladder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "actors/catalog/media/title.h"

enum { RUNGS = 5 };

/* 1080, 720, 480, 360 (the preview), 240. */
static void ladder(struct title_rung *rungs, const double *kbps, double most)
{
    const uint32_t caps[RUNGS] = { 6000, 3300, 1500, 850, 400 };
    for (size_t i = 0; i < RUNGS; i++)
        rungs[i] = (struct title_rung) {
            .kbps = kbps[i], .most_kbps = most * kbps[i], .cap_kbps = caps[i], .keep = i == 0 || i >= 3
        };
}

static void a_film_that_is_rich_keeps_every_size(void **state)
{
    const double kbps[RUNGS] = { 4000, 2000, 900, 500, 250 };
    struct title_rung rungs[RUNGS];
    ladder(rungs, kbps, 2);
    title_decide(rungs, RUNGS);
    for (size_t i = 0; i < RUNGS; i++)
        assert_false(rungs[i].left_out);
    assert_int_equal(rungs[0].cap_kbps, 6000);
    assert_int_equal(rungs[4].cap_kbps, 400);
}

static void sizes_close_together_are_not_all_made(void **state)
{
    const double kbps[RUNGS] = { 300, 210, 160, 120, 70 };
    struct title_rung rungs[RUNGS];
    ladder(rungs, kbps, 2);
    title_decide(rungs, RUNGS);
    assert_true(rungs[1].left_out);  /* 300 is less than twice 160 */
    assert_false(rungs[2].left_out); /* without it there would be nothing between 300 and 120 */
    for (size_t i = 0; i < RUNGS; i++)
        assert_false(rungs[i].keep && rungs[i].left_out);
}

static void a_cap_is_twice_the_heaviest_moment_and_half_of_the_usual_at_least(void **state)
{
    const double kbps[RUNGS] = { 2000, 1000, 100, 50, 20 };
    struct title_rung rungs[RUNGS];
    ladder(rungs, kbps, 1.2);
    title_decide(rungs, RUNGS);
    assert_int_equal(rungs[0].cap_kbps, 4800);
    assert_int_equal(rungs[1].cap_kbps, 2400);
    assert_int_equal(rungs[2].cap_kbps, 750);
    assert_int_equal(rungs[4].cap_kbps, 200);
}

static void what_nothing_is_known_of_stays_as_it_is(void **state)
{
    const double kbps[RUNGS] = { 0, 0, 0, 0, 0 };
    struct title_rung rungs[RUNGS];
    ladder(rungs, kbps, 0);
    rungs[1].kbps = 100;
    title_decide(rungs, RUNGS);
    for (size_t i = 0; i < RUNGS; i++)
        assert_false(rungs[i].left_out);
    assert_int_equal(rungs[2].cap_kbps, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_film_that_is_rich_keeps_every_size),
        cmocka_unit_test(sizes_close_together_are_not_all_made),
        cmocka_unit_test(a_cap_is_twice_the_heaviest_moment_and_half_of_the_usual_at_least),
        cmocka_unit_test(what_nothing_is_known_of_stays_as_it_is),
    };
    return cmocka_run_group_tests_name("catalog_title", tests, NULL, NULL);
}

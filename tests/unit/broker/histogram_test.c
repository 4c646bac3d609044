/* histogram_test - buckets that cover every value once, and quantiles that are never too low. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/server/histogram.h"

static void every_value_falls_into_the_first_bucket_that_ends_at_or_above_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t last = histogram_upto(i), first = i ? histogram_upto(i - 1) + 1 : 0;

        assert_true(first <= last);
        for (unsigned edge = 0; edge < 2; edge++) {
            struct histogram h = { 0 };

            histogram_add(&h, (int64_t)(edge ? last : first));
            assert_int_equal(h.buckets[i], 1);
        }
    }
}

static void a_bucket_is_at_most_an_eighth_of_its_values_wide(void **state)
{
    (void)state;
    for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t first = histogram_upto(i - 1) + 1;

        assert_true((histogram_upto(i) - first) * 8 <= first);
    }
}

static void a_quantile_is_at_or_above_the_true_one_and_at_most_an_eighth_more(void **state)
{
    struct histogram h = { 0 };

    (void)state;
    for (int64_t us = 1; us <= 10000; us++)
        histogram_add(&h, us);
    assert_in_range(histogram_quantile(&h, 0.5), 5000, 5625);
    assert_in_range(histogram_quantile(&h, 0.99), 9900, 10000);
    assert_int_equal(histogram_quantile(&h, 1), 10000);
    assert_int_equal(histogram_quantile(&h, 0), 1);
    assert_int_equal(h.n, 10000);
}

static void one_slow_one_among_a_thousand_is_the_largest_and_no_quantile_below(void **state)
{
    struct histogram h = { 0 };

    (void)state;
    for (unsigned i = 0; i < 999; i++)
        histogram_add(&h, 10);
    histogram_add(&h, 5000000);
    assert_int_equal(histogram_quantile(&h, 0.99), 10);
    assert_int_equal(h.max_us, 5000000);
    assert_int_equal(histogram_quantile(&h, 1), 5000000);
}

static void nothing_below_zero_and_nothing_beyond_the_end_is_lost(void **state)
{
    struct histogram h = { 0 };

    (void)state;
    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    histogram_add(&h, -5);
    histogram_add(&h, INT64_MAX);
    assert_int_equal(h.buckets[0], 1);
    assert_int_equal(h.buckets[HISTOGRAM_BUCKETS - 1], 1);
    assert_int_equal(histogram_quantile(&h, 1), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_falls_into_the_first_bucket_that_ends_at_or_above_it),
        cmocka_unit_test(a_bucket_is_at_most_an_eighth_of_its_values_wide),
        cmocka_unit_test(a_quantile_is_at_or_above_the_true_one_and_at_most_an_eighth_more),
        cmocka_unit_test(one_slow_one_among_a_thousand_is_the_largest_and_no_quantile_below),
        cmocka_unit_test(nothing_below_zero_and_nothing_beyond_the_end_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Token buckets: what grows back, who shares with whom, and what is forgotten when memory is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/front/http/ratelimit.h"

static const uint8_t key[16] = { 7 };
static const struct rate slow = { .per_hour = 60, .burst = 3 }; /* one a minute */

static bool take(struct ratelimit *limits, const char *who, int64_t now_ms, struct rate_state *ret)
{
    return ratelimit_take(limits, 1, who, strlen(who), slow, now_ms, ret);
}

static void a_burst_is_followed_by_a_trickle(void **state)
{
    struct ratelimit *limits = ratelimit_new(64, key);
    struct rate_state s;

    for (unsigned i = 0; i < 3; i++) {
        assert_true(take(limits, "a", 1000, &s));
        assert_int_equal(s.remaining, 2 - i);
    }
    assert_false(take(limits, "a", 1000, &s));
    assert_int_equal(s.retry_after_s, 61);
    assert_false(take(limits, "a", 1000 + 59000, &s));
    assert_int_equal(s.retry_after_s, 2);
    assert_true(take(limits, "a", 1000 + 60001, &s));
    assert_false(take(limits, "a", 1000 + 60001, &s));
    assert_true(take(limits, "a", 1000 + 3600000, &s));
    assert_int_equal(s.remaining, 2);
    ratelimit_free(&limits);
}

static void others_and_other_requests_have_buckets_of_their_own(void **state)
{
    struct ratelimit *limits = ratelimit_new(64, key);
    struct rate_state s;

    while (take(limits, "a", 0, &s))
        ;
    assert_true(take(limits, "b", 0, &s));
    assert_true(ratelimit_take(limits, 2, "a", 1, slow, 0, &s));
    ratelimit_free(&limits);
}

static void a_clock_that_stands_or_steps_back_gives_nothing(void **state)
{
    struct ratelimit *limits = ratelimit_new(64, key);
    struct rate_state s;

    while (take(limits, "a", 100000, &s))
        ;
    assert_false(take(limits, "a", 0, &s));
    assert_false(take(limits, "a", 100000, &s));
    ratelimit_free(&limits);
}

static void a_full_table_forgets_who_asked_least(void **state)
{
    struct ratelimit *limits = ratelimit_new(4, key); /* one set */
    struct rate_state s;

    while (take(limits, "greedy", 0, &s))
        ;
    for (char who = 'a'; who <= 'z'; who++)
        assert_true(take(limits, (char[]) { who, '\0' }, 0, &s));
    assert_false(take(limits, "greedy", 0, &s));
    ratelimit_free(&limits);
}

static void what_was_spent_beyond_the_bucket_grows_back_first(void **state)
{
    struct ratelimit *limits = ratelimit_new(64, key);
    struct rate_state s;

    assert_true(ratelimit_has(limits, 1, "a", 1, slow, 0, &s));
    assert_int_equal(s.remaining, 3);
    ratelimit_spend(limits, 1, "a", 1, slow, 0, 13); /* ten more than there were */
    assert_false(ratelimit_has(limits, 1, "a", 1, slow, 0, &s));
    assert_int_equal(s.remaining, 0);
    assert_int_equal(s.retry_after_s, 11 * 60 + 1);
    ratelimit_spend(limits, 1, "a", 1, slow, 0, 1);
    assert_int_equal(s.remaining, 0);
    assert_false(ratelimit_has(limits, 1, "a", 1, slow, 12 * 60000 - 1000, &s));
    assert_true(ratelimit_has(limits, 1, "a", 1, slow, 12 * 60000 + 1000, &s));
    assert_true(ratelimit_has(limits, 1, "b", 1, slow, 0, &s));
    ratelimit_free(&limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_is_followed_by_a_trickle),
        cmocka_unit_test(others_and_other_requests_have_buckets_of_their_own),
        cmocka_unit_test(a_clock_that_stands_or_steps_back_gives_nothing),
        cmocka_unit_test(a_full_table_forgets_who_asked_least),
        cmocka_unit_test(what_was_spent_beyond_the_bucket_grows_back_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

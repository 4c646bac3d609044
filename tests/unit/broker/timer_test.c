/* timer_test - timers fire in order, once, and not after they were stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "broker/server/timer.h"

static int64_t fired_at;
static unsigned fired_n;

static void fire(void *ctx, struct timer *timer)
{
    (void)ctx;
    assert_true(timer->at_ms >= fired_at);
    assert_int_equal(timer->place, 0);
    fired_at = timer->at_ms;
    fired_n++;
}

static void what_is_due_fires_in_the_order_of_its_time_and_what_was_stopped_does_not(void **state)
{
    static struct timer timer[1000];
    struct timers timers = { 0 };
    unsigned seed = 7;

    (void)state;
    fired_at = 0;
    fired_n = 0;
    for (size_t i = 0; i < 1000; i++) {
        timer[i].fire = fire;
        timer_set(&timers, &timer[i], rand_r(&seed) % 500);
    }
    for (size_t i = 0; i < 1000; i += 4)
        timer_stop(&timers, &timer[i]);
    for (size_t i = 1; i < 1000; i += 4)
        timer_set(&timers, &timer[i], rand_r(&seed) % 500); /* moved */
    timer_stop(&timers, &timer[0]);                         /* twice is harmless */
    for (int64_t now = 0; now < 500; now += 37)
        timers_run(&timers, now, NULL, 10000);
    timers_run(&timers, 500, NULL, 10000);
    assert_int_equal(fired_n, 750);
    assert_int_equal(timers_next(&timers), -1);
    timers_free(&timers);
}

static void no_more_fire_at_a_time_than_the_limit(void **state)
{
    struct timer timer[3] = { { .fire = fire }, { .fire = fire }, { .fire = fire } };
    struct timers timers = { 0 };

    (void)state;
    fired_at = 0;
    fired_n = 0;
    for (size_t i = 0; i < 3; i++)
        timer_set(&timers, &timer[i], 1);
    timers_run(&timers, 1, NULL, 2);
    assert_int_equal(fired_n, 2);
    assert_int_equal(timers_next(&timers), 1);
    timers_free(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_fires_in_the_order_of_its_time_and_what_was_stopped_does_not),
        cmocka_unit_test(no_more_fire_at_a_time_than_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

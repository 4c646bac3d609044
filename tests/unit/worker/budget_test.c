/* Only what is made of few lines gets fewer bits than there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "actors/transcode/worker/budget.h"

#define RATE 48000
#define MOST 128000

typedef float sound(int at);

static float silence(int at)
{
    return 0;
}

static float tone(int at)
{
    return 0.8f * (float)sin(2 * M_PI * 440 * at / RATE);
}

/* The same each time. */
static float noise(int at)
{
    uint32_t x = (uint32_t)at * 2654435761u;

    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    return (float)x / (float)UINT32_MAX - 0.5f;
}

/* Bits a second for the tenth frame. */
static int64_t bits_for(sound *left, sound *right)
{
    float planes[2][BUDGET_FRAME], *both[2] = { planes[0], planes[1] };
    struct budget b;
    int64_t bits = 0;

    assert_int_equal(budget_open(&b, RATE, right ? 2 : 1), 0);
    for (int frame = 0; frame < 10; frame++) {
        for (int i = 0; i < BUDGET_FRAME; i++) {
            planes[0][i] = left(frame * BUDGET_FRAME + i);
            planes[1][i] = right ? right(frame * BUDGET_FRAME + i) : 0;
        }
        bits = budget_take(&b, both, MOST);
    }
    budget_close(&b);
    return bits;
}

static void a_tone_gets_what_it_needs(void **state)
{
    assert_in_range(bits_for(tone, NULL), 5000, 40000);
    assert_in_range(bits_for(tone, tone), 10000, 80000);
}

static void noise_gets_all_there_is(void **state)
{
    assert_int_equal(bits_for(noise, NULL), MOST);
    assert_int_equal(bits_for(noise, noise), MOST);
}

static void the_channel_that_needs_most_decides(void **state)
{
    assert_int_equal(bits_for(tone, noise), MOST);
    assert_int_equal(bits_for(noise, tone), MOST);
    assert_int_equal(bits_for(silence, tone), bits_for(tone, tone));
}

static void silence_gets_little(void **state)
{
    assert_in_range(bits_for(silence, silence), 1, 20000);
}

/* The frame that is told of is the one before the one that is taken, as the encoder is one behind. */
static void a_frame_counts_when_it_is_encoded(void **state)
{
    float loud[BUDGET_FRAME], soft[BUDGET_FRAME] = { 0 }, *plane = loud, *none = soft;
    struct budget b;
    int64_t before;

    for (int i = 0; i < BUDGET_FRAME; i++)
        loud[i] = noise(i);
    assert_int_equal(budget_open(&b, RATE, 1), 0);
    before = budget_take(&b, &plane, MOST);
    assert_in_range(before, 1, 20000);
    assert_int_equal(budget_take(&b, &none, MOST), MOST);
    assert_int_equal(budget_take(&b, &none, MOST), MOST);
    assert_int_equal(budget_take(&b, &none, MOST), before);
    budget_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_gets_what_it_needs),           cmocka_unit_test(noise_gets_all_there_is),
        cmocka_unit_test(the_channel_that_needs_most_decides), cmocka_unit_test(silence_gets_little),
        cmocka_unit_test(a_frame_counts_when_it_is_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sound lies where its times say, the same wherever reading began, and breaks only where they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actors/transcode/worker/placing.h"

#define RATE   48000
#define FRAMES 400

struct track {
    struct placing_frame frames[FRAMES];
    int tick;
};

/* Frames of a length, contiguous. */
static void contiguous(struct track *t, int length)
{
    t->tick = 1;
    for (int i = 0; i < FRAMES; i++)
        t->frames[i] = (struct placing_frame) { (int64_t)i * length, length };
}

/* All times from a frame on are later. */
static void later(struct track *t, int from, int64_t samples)
{
    for (int i = from; i < FRAMES; i++)
        t->frames[i].at += samples;
}

/* As a container that counts in units of `tick` samples tells them. */
static void rounded(struct track *t, int tick)
{
    t->tick = tick;
    for (int i = 0; i < FRAMES; i++)
        t->frames[i].at = (t->frames[i].at + tick / 2) / tick * tick;
}

/* Where each frame comes to lie when reading begins at one of them; those before it stay as they are. */
static void read_from(const struct track *t, int from, int64_t *places)
{
    int64_t due = 0;

    for (int i = from; i < FRAMES; i++) {
        int left = FRAMES - i;

        due += placing_offset(t->frames + i, (unsigned)(left < PLACING_AHEAD ? left : PLACING_AHEAD), due,
                              i > from, RATE, t->tick);
        places[i] = due;
        due += t->frames[i].length;
    }
}

/* From any start, all that comes a little after it lies where it does when all is read, to so many samples. */
static void check_any_start(const struct track *t, int64_t near)
{
    int64_t whole[FRAMES], part[FRAMES];

    read_from(t, 0, whole);
    for (int from = 1; from < FRAMES - 2 * PLACING_AHEAD; from++) {
        read_from(t, from, part);
        for (int i = from + PLACING_AHEAD; i < FRAMES - PLACING_AHEAD; i++)
            assert_in_range(llabs(part[i] - whole[i]), 0, near);
    }
}

static unsigned breaks(const struct track *t)
{
    int64_t places[FRAMES];
    unsigned n = 0;

    read_from(t, 0, places);
    for (int i = 1; i < FRAMES; i++)
        n += places[i] != places[i - 1] + t->frames[i - 1].length;
    return n;
}

static void contiguous_sound_has_no_break(void **state)
{
    struct track t;

    contiguous(&t, 1024);
    assert_int_equal(breaks(&t), 0);
    check_any_start(&t, 0);
}

/* The first three frames of a cut film are 1115 samples apart and hold 1024. */
static void a_few_odd_times_at_the_start_move_nothing_that_follows(void **state)
{
    struct track t;
    int64_t places[FRAMES];

    contiguous(&t, 1024);
    for (int i = 1; i <= 3; i++)
        later(&t, i, 91);
    read_from(&t, 0, places);
    assert_int_equal(places[100], 100 * 1024 + 273);
    assert_int_equal(breaks(&t), 0);
    check_any_start(&t, 0);
}

static void a_step_lies_where_the_times_make_it(void **state)
{
    static const int64_t steps[] = { 180, 700, 4000, 48000 };

    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct track t;
        int64_t places[FRAMES];

        contiguous(&t, 1024);
        later(&t, 150, steps[i]);
        read_from(&t, 0, places);
        assert_int_equal(places[149], 149 * 1024);
        assert_int_equal(places[150], 150 * 1024 + steps[i]);
        assert_int_equal(breaks(&t), 1);
        check_any_start(&t, 0);
        later(&t, 250, -steps[i]);
        assert_int_equal(breaks(&t), 2);
        check_any_start(&t, 0);
    }
}

static void sound_before_a_gap_near_the_start_stays(void **state)
{
    struct track t;
    int64_t places[FRAMES];

    contiguous(&t, 1152);
    later(&t, 2, 4000);
    read_from(&t, 0, places);
    assert_int_equal(places[0], 0);
    assert_int_equal(places[2], 2 * 1152 + 4000);
}

static void times_that_come_back_move_nothing(void **state)
{
    struct track t;

    contiguous(&t, 1024);
    for (int i = 30; i < FRAMES; i += 37)
        t.frames[i].at += i % 2 ? 440 : 4400;
    assert_int_equal(breaks(&t), 0);
    contiguous(&t, 1024);
    for (int i = 30; i < FRAMES; i += 37)
        t.frames[i].at += 440;
    check_any_start(&t, 0);
}

static void frames_without_a_time_follow(void **state)
{
    struct track t;

    contiguous(&t, 512);
    for (int i = 0; i < FRAMES; i++)
        if (i % 4)
            t.frames[i].at = PLACING_UNKNOWN;
    assert_int_equal(breaks(&t), 0);
    check_any_start(&t, 0);
}

/* Frames of 1001 samples, which no millisecond begins with: half of one off each, a sample together. */
static void coarse_times_are_told_more_finely_together(void **state)
{
    struct track t;

    contiguous(&t, 1001);
    rounded(&t, 48);
    assert_int_equal(breaks(&t), 0);
    check_any_start(&t, 1);
}

/* A clock that runs 200 millionths fast: never further off than what has no meaning. */
static void a_slow_drift_is_followed(void **state)
{
    struct track t;
    int64_t places[FRAMES];

    contiguous(&t, 1024);
    for (int i = 0; i < FRAMES; i++)
        t.frames[i].at += t.frames[i].at / 5000;
    read_from(&t, 0, places);
    for (int i = 0; i < FRAMES; i++)
        assert_in_range(llabs(places[i] - t.frames[i].at), 0, 100);
    check_any_start(&t, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contiguous_sound_has_no_break),
        cmocka_unit_test(a_few_odd_times_at_the_start_move_nothing_that_follows),
        cmocka_unit_test(a_step_lies_where_the_times_make_it),
        cmocka_unit_test(sound_before_a_gap_near_the_start_stays),
        cmocka_unit_test(times_that_come_back_move_nothing),
        cmocka_unit_test(frames_without_a_time_follow),
        cmocka_unit_test(coarse_times_are_told_more_finely_together),
        cmocka_unit_test(a_slow_drift_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

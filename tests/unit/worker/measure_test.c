#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "actors/transcode/worker/measure.h"

static const AVRational ms = { 1, 1000 }, none = { 0, 0 };

static struct measure_times steady(double fps, unsigned n)
{
    struct measure_times t = { .n = n };

    for (unsigned i = 0; i < n; i++)
        t.at[i] = (int64_t)(i * 1000 / fps + 0.5);
    return t;
}

static void assert_rate(struct measured_rate rate, int num, int den)
{
    assert_int_equal(rate.fps.num, num);
    assert_int_equal(rate.fps.den, den);
}

static void rates_are_told_through_times_rounded_to_milliseconds(void **state)
{
    static const struct {
        double fps;
        int num, den;
    } rows[] = {
        { 23.976, 24000, 1001 }, { 25, 25, 1 }, { 29.97, 30000, 1001 }, { 50, 50, 1 }, { 59.94, 60000, 1001 }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct measure_times t = steady(rows[i].fps, 200);
        struct measured_rate rate = measure_rate(&t, ms, (AVRational) { rows[i].num, rows[i].den });

        assert_rate(rate, rows[i].num, rows[i].den);
        assert_false(rate.variable);
    }
}

static void a_claim_that_is_far_off_is_not_believed(void **state)
{
    struct measure_times t = steady(30, 100);

    assert_rate(measure_rate(&t, ms, (AVRational) { 90000, 1 }), 30, 1);
}

static void a_missing_picture_does_not_move_the_rate(void **state)
{
    struct measure_times t = steady(25, 60);

    for (unsigned i = 1; i < t.n; i++)
        t.at[i] += 40; /* the second picture was dropped */
    assert_rate(measure_rate(&t, ms, (AVRational) { 25, 1 }), 25, 1);
}

/* As telephones write them: six hundred units a second, and half of the first pictures cut off. */
static void coarse_times_with_a_gap_tell_the_rate_by_the_mean_of_the_others(void **state)
{
    struct measure_times t = { .n = 86 };

    for (unsigned i = 0; i < t.n; i++)
        t.at[i] = i < 7 ? -280 + 40 * (int64_t)i : (int64_t)((i - 7) * 20.02 + 0.5);
    assert_rate(measure_rate(&t, (AVRational) { 1, 600 }, (AVRational) { 51600, 1841 }), 30000, 1001);
    for (unsigned i = 7; i < t.n; i++)
        t.at[i] = (i - 7) * 20;
    assert_rate(measure_rate(&t, (AVRational) { 1, 600 }, (AVRational) { 51600, 1841 }), 30, 1);
}

static void order_of_decoding_does_not_matter(void **state)
{
    struct measure_times t = steady(25, 48);

    for (unsigned i = 1; i + 2 < t.n; i += 3) { /* I B B P: the P comes first */
        int64_t p = t.at[i + 2];

        t.at[i + 2] = t.at[i + 1];
        t.at[i + 1] = t.at[i];
        t.at[i] = p;
    }
    t.n -= 1; /* and one of the last B is still to come */
    assert_rate(measure_rate(&t, ms, none), 25, 1);
}

static void varying_distances_are_noticed_and_the_usual_one_wins(void **state)
{
    struct measure_times t = { .n = 100 };

    for (unsigned i = 1; i < t.n; i++)
        t.at[i] = t.at[i - 1] + (i % 4 ? 33 : 400);
    assert_true(measure_rate(&t, ms, none).variable);
    assert_rate(measure_rate(&t, ms, none), 30, 1);
}

static void one_picture_has_no_rate(void **state)
{
    struct measure_times t = { .n = 1 };

    assert_rate(measure_rate(&t, ms, none), 0, 1);
}

static void text_from_a_file_keeps_letters_and_loses_what_harms(void **state)
{
    struct arena *arena = arena_new();

    assert_string_equal(measure_text(arena,
                                     "Ein \xc3\xbc"
                                     "bler\r\n\x1b[31mTitel",
                                     100),
                        "Ein \xc3\xbc"
                        "bler[31mTitel");
    assert_string_equal(measure_text(arena,
                                     "exe.\xe2\x80\xae"
                                     "4pm",
                                     100),
                        "exe.4pm");                                                    /* right to left override */
    assert_string_equal(measure_text(arena, "a\xff\xc0\x80\xed\xa0\x80z", 100), "az"); /* not UTF-8 */
    assert_string_equal(measure_text(arena,
                                     "\xf0\x9f\x8e\xac"
                                     "abc",
                                     2),
                        "\xf0\x9f\x8e\xac"
                        "a");
    assert_null(measure_text(arena, "\n\n", 10));
    assert_null(measure_text(arena, NULL, 10));
    arena_free(&arena);
}

static void a_language_is_a_tag_or_unknown(void **state)
{
    struct arena *arena = arena_new();

    assert_string_equal(measure_language(arena, "eng"), "eng");
    assert_string_equal(measure_language(arena, "pt_BR"), "pt-BR");
    assert_string_equal(measure_language(arena, "zh-Hant-TW"), "zh-Hant-TW");
    assert_string_equal(measure_language(arena, "\"><script>"), "und");
    assert_string_equal(measure_language(arena, "e"), "und");
    assert_string_equal(measure_language(arena, NULL), "und");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_told_through_times_rounded_to_milliseconds),
        cmocka_unit_test(a_claim_that_is_far_off_is_not_believed),
        cmocka_unit_test(a_missing_picture_does_not_move_the_rate),
        cmocka_unit_test(coarse_times_with_a_gap_tell_the_rate_by_the_mean_of_the_others),
        cmocka_unit_test(order_of_decoding_does_not_matter),
        cmocka_unit_test(varying_distances_are_noticed_and_the_usual_one_wins),
        cmocka_unit_test(one_picture_has_no_rate),
        cmocka_unit_test(text_from_a_file_keeps_letters_and_loses_what_harms),
        cmocka_unit_test(a_language_is_a_tag_or_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Levels of tones whose loudness is known: EBU Tech 3341, and the sums of ITU-R BS.1770-4. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "actors/transcode/worker/loudness.h"

enum { FRAME = 1024, WARM_UP = 24 };

/* A tone in some channels, as frames from `begin` on, of which the run has those from `first` on. */
struct tone {
    int rate, channels;
    double hz, phase, dbfs[LOUDNESS_CHANNELS]; /* 0: the channel is silent */
};

static struct loudness measure(const struct tone *t, int64_t begin, int64_t first, int64_t end)
{
    float planes[LOUDNESS_CHANNELS][FRAME], *at[LOUDNESS_CHANNELS];
    struct loudness l;

    loudness_open(&l, t->rate, t->channels, begin * FRAME, first * FRAME);
    for (int64_t n = begin; n < end; n++) {
        for (int c = 0; c < t->channels; c++) {
            at[c] = planes[c];
            for (int i = 0; i < FRAME; i++)
                planes[c][i] = t->dbfs[c] == 0
                                   ? 0
                                   : (float)(pow(10, t->dbfs[c] / 20) *
                                             sin(2 * M_PI * t->hz * (double)(n * FRAME + i) / t->rate + t->phase));
        }
        loudness_take(&l, at, FRAME);
    }
    return l;
}

static size_t pieces(const struct loudness *l)
{
    return l->levels.len / 2;
}

static double lufs(const struct loudness *l, size_t piece)
{
    const uint8_t *d = l->levels.data + 2 * piece;

    return (d[0] << 8 | d[1]) / 100.0 - LOUDNESS_FLOOR;
}

static void assert_near(double is, double wanted, double within)
{
    if (fabs(is - wanted) > within)
        fail_msg("%f is not %f", is, wanted);
}

static void a_tone_has_the_loudness_that_is_defined_for_it(void **state)
{
    static const struct {
        struct tone tone;
        double lufs;
    } tones[] = {
        { { 48000, 2, 1000, 0, { -23, -23 } }, -23 },
        { { 44100, 2, 1000, 0, { -33, -33 } }, -33 },
        { { 48000, 1, 997, 0, { -20 } }, -23.01 },
        { { 48000, 6, 997, 0, { 0, 0, -20 } }, -23.01 },             /* the middle */
        { { 48000, 6, 997, 0, { 0, 0, 0, -20 } }, -LOUDNESS_FLOOR }, /* low frequencies do not count */
        { { 48000, 6, 997, 0, { 0, 0, 0, 0, -20 } }, -21.52 },       /* what comes from the side counts more */
        { { 48000, 2, 25, 0, { -10, -10 } }, -19.3 },                /* hardly heard */
    };

    for (size_t i = 0; i < sizeof(tones) / sizeof(*tones); i++) {
        struct loudness l = measure(&tones[i].tone, 0, 0, 96);

        for (size_t p = 5; p < pieces(&l); p++)
            assert_near(lufs(&l, p), tones[i].lufs, tones[i].tone.hz < 100 ? 3 : 0.1);
        loudness_close(&l);
    }
}

static void runs_tell_the_pieces_of_one_long_measurement(void **state)
{
    struct tone tone = { 48000, 2, 333, 1, { -12, -30 } };
    struct loudness all = measure(&tone, 0, 0, 300);
    size_t at = 0;

    assert_int_equal(pieces(&all), 300 * FRAME / 4800);
    for (int64_t first = 0; first < 300; first += 94) {
        int64_t end = first + 94 < 300 ? first + 94 : 300;
        struct loudness run = measure(&tone, first > WARM_UP ? first - WARM_UP : 0, first, end);

        for (size_t p = 0; p < pieces(&run); p++, at++)
            assert_near(lufs(&run, p), lufs(&all, at), 0.011);
        loudness_close(&run);
    }
    assert_int_equal(at, pieces(&all));
    loudness_close(&all);
}

/* Between samples of 0.71 of it. */
static void a_peak_between_samples_is_found(void **state)
{
    struct tone between = { 48000, 2, 12000, M_PI / 4, { -6, -40 } }, on = { 48000, 1, 997, 0, { -3 } },
                silent = { 48000, 1, 997, 0, { 0 } };
    struct loudness l = measure(&between, 0, 0, 40);

    assert_near(loudness_peak(&l), -6, 0.2);
    loudness_close(&l);
    l = measure(&on, 0, 0, 40);
    assert_near(loudness_peak(&l), -3, 0.2);
    loudness_close(&l);
    l = measure(&silent, 0, 0, 40);
    assert_near(loudness_peak(&l), -LOUDNESS_FLOOR, 0.01);
    loudness_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_has_the_loudness_that_is_defined_for_it),
        cmocka_unit_test(runs_tell_the_pieces_of_one_long_measurement),
        cmocka_unit_test(a_peak_between_samples_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How loud films are as a whole, with the signals of EBU Tech 3341 and 3342, and the box that says so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/catalog/media/loudness.h"
#include "data/isobmff/box.h"

struct part {
    double seconds, lufs;
};

static bool measure(const struct part *parts, size_t n, struct loudness *ret)
{
    struct buf levels = { 0 };
    bool heard;

    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < (int)(parts[i].seconds * 10 + 0.5); k++)
            buf_put_u16(&levels, parts[i].lufs > -120 ? (uint16_t)((parts[i].lufs + 120) * 100 + 0.5) : 0);
    heard = loudness_measure(buf_bytes(&levels), ret);
    buf_free(&levels);
    return heard;
}

static void films_are_as_loud_as_the_ebu_says(void **state)
{
    static const struct {
        struct part parts[5];
        double program, range; /* NAN: not what the signal is for */
    } cases[] = {
        { { { 20, -23 } }, -23, 0 },
        { { { 20, -33 } }, -33, 0 },
        { { { 10, -36 }, { 60, -23 }, { 10, -36 } }, -23, NAN },
        { { { 10, -72 }, { 10, -36 }, { 60, -23 }, { 10, -36 }, { 10, -72 } }, -23, NAN },
        { { { 20, -26 }, { 20.1, -20 }, { 20, -26 } }, -23, NAN },
        { { { 20, -20 }, { 20, -30 } }, NAN, 10 },
        { { { 20, -20 }, { 20, -15 } }, NAN, 5 },
        { { { 20, -40 }, { 20, -20 } }, NAN, 20 },
        { { { 20, -50 }, { 20, -35 }, { 20, -20 }, { 20, -35 }, { 20, -50 } }, NAN, 15 },
        { { { 60, -23 }, { 600, -130 } }, -23, 0 }, /* silence is no part of it */
        { { { 0.4, -23 } }, -23, 0 },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct loudness l;

        assert_true(measure(cases[i].parts, 5, &l));
        if (fabs(l.program - cases[i].program) > 0.1 || fabs(l.range - cases[i].range) > 1)
            fail_msg("case %zu: %f LUFS, range %f LU", i, l.program, l.range);
    }
}

static void what_cannot_be_heard_has_no_loudness(void **state)
{
    struct loudness l;

    assert_false(measure((struct part[]) { { 60, -71 } }, 1, &l));
    assert_false(measure((struct part[]) { { 60, -130 } }, 1, &l));
    assert_false(measure((struct part[]) { { 0.3, -10 } }, 1, &l));
    assert_false(measure(NULL, 0, &l));
}

static const uint8_t init[] = "\0\0\0\x10"
                              "ftypiso6\0\0\0\0"
                              "\0\0\0\x2c"
                              "moov"
                              "\0\0\0\x0c"
                              "mvhdabcd"
                              "\0\0\0\x0c"
                              "trak\0\0\0\4" /* not a whole box: nobody looks into it here */
                              "\0\0\0\x0c"
                              "mvexefgh";

static void an_init_grows_by_the_box_alone(void **state)
{
    struct loudness l = { -23.1, 7.3, -1.5 };
    struct buf out = { 0 }, again = { 0 };
    struct bytes whole = bytes_of(init, sizeof(init) - 1);
    struct box moov, box;

    assert_int_equal(loudness_into_init(whole, &l, &out), 0);
    assert_true(box_find(box_cursor_of(buf_bytes(&out)), "moov", &moov));
    assert_true(moov.body.end == out.data + out.len);
    assert_true(box_find(moov.body, "mvex", &box));
    assert_memory_equal(box.body.at, "efgh", 4);
    buf_free(&out);
    assert_int_equal(loudness_into_init(bytes_of(init, 20), &l, &again), -1);
    buf_free(&again);
}

static void the_box_says_loudness_range_and_peak(void **state)
{
    static const uint8_t plain[] = "\0\0\0\x10moov\0\0\0\x08trak";
    struct loudness l = { -23.1, 7.3, -1.5 };
    struct buf out = { 0 }, twice = { 0 };
    struct box moov, trak, udta, ludt, tlou;
    struct box_cursor c;

    assert_int_equal(loudness_into_init(bytes_of(plain, 16), &l, &out), 0);
    assert_true(box_find(box_cursor_of(buf_bytes(&out)), "moov", &moov));
    assert_true(box_find(moov.body, "trak", &trak));
    assert_true(box_find(trak.body, "udta", &udta));
    assert_true(box_find(udta.body, "ludt", &ludt));
    assert_true(box_find(ludt.body, "tlou", &tlou));
    c = tlou.body;
    box_expect(&c, 4, 0);
    box_expect(&c, 2, 0);
    box_expect(&c, 4, 688 << 8 | 0x23); /* 20 + 1.5 dB in 32nds */
    box_expect(&c, 1, 2);
    box_expect(&c, 3, 1 << 16 | 139 << 8 | 0x23); /* 57.75 - 23.1 dB in quarters */
    box_expect(&c, 3, 6 << 16 | 29 << 8 | 0x23);
    assert_true(box_done(&c));
    assert_int_equal(loudness_into_init(buf_bytes(&out), &l, &twice), -1); /* it says so already */
    buf_free(&out);
    buf_free(&twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(films_are_as_loud_as_the_ebu_says),
        cmocka_unit_test(what_cannot_be_heard_has_no_loudness),
        cmocka_unit_test(an_init_grows_by_the_box_alone),
        cmocka_unit_test(the_box_says_loudness_range_and_peak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

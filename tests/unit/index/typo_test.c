/* Slips: what is forgiven, and what is another word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/index/typo.h"

static void each_kind_of_slip_counts_once(void **state)
{
    assert_int_equal(typo_between("whale", "whole", false), 1);
    assert_int_equal(typo_between("whle", "whale", false), 1);
    assert_int_equal(typo_between("whaale", "whale", false), 1);
    assert_int_equal(typo_between("whlae", "whale", false), 1);
    assert_int_equal(typo_between("whale", "whale", false), 0); /* none */
}

static void longer_words_are_forgiven_more(void **state)
{
    assert_int_equal(typo_between("cat", "car", false), 0);
    assert_int_equal(typo_between("wh", "who", true), 0);
    assert_int_equal(typo_between("whxlx", "whale", false), 0);
    assert_int_equal(typo_between("lighthuose", "lighthouse", false), 1);
    assert_int_equal(typo_between("litghthuose", "lighthouse", false), 2);
    assert_int_equal(typo_between("litghthuosx", "lighthouse", false), 0);
}

static void the_last_word_may_not_be_finished(void **state)
{
    assert_int_equal(typo_between("ligth", "lighthouse", true), 1);
    assert_int_equal(typo_between("ligth", "lighthouse", false), 0);
    assert_int_equal(typo_between("elefan", "elephant", true), 0); /* two letters for one: too much for six */
    assert_int_equal(typo_between("elehpan", "elephant", true), 1);
}

static void letters_are_characters_and_not_bytes(void **state)
{
    assert_int_equal(typo_between("москвы", "москва", false), 1);
    assert_int_equal(typo_sure("москва"), 4);
    assert_int_equal(typo_sure("abcd"), 2);
    assert_int_equal(typo_sure("abc"), 0);
    assert_int_equal(typo_sure(""), 0);
}

static void the_longest_words_stay_within_bounds(void **state)
{
    char a[65], b[65];

    memset(a, 'a', 64);
    memset(b, 'a', 64);
    a[64] = b[64] = 0;
    b[40] = 'b';
    assert_int_equal(typo_between(a, b, true), 1);
    assert_int_equal(typo_between(a, b, false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_slip_counts_once),
        cmocka_unit_test(longer_words_are_forgiven_more),
        cmocka_unit_test(the_last_word_may_not_be_finished),
        cmocka_unit_test(letters_are_characters_and_not_bytes),
        cmocka_unit_test(the_longest_words_stay_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

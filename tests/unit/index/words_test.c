/* Words: what text is cut into, and what finds what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/index/stem.h"
#include "actors/index/words.h"
#include "gen/errors.h"

static struct arena *arena;

/* The folded words with bars between. */
static const char *cut(const char *text, enum words_use use)
{
    struct words words;
    char *all = arena_strdup(arena, "");

    assert_int_equal(words_split(arena, text, 100, use, &words), 0);
    for (size_t i = 0; i < words.n; i++)
        all = arena_printf(arena, "%s%s%s", all, i ? "|" : "", words.list[i].folded);
    return all;
}

static const char *stem(const char *tag, const char *text)
{
    struct stems *stems = stems_new();
    struct words words;
    const char *found;

    assert_int_equal(words_split(arena, text, 1, WORDS_INDEX, &words), 0);
    found = stems_of(stems, arena, stems_language(stems, tag), &words.list[0]);
    stems_free(&stems);
    return found ? found : "none";
}

static void words_end_where_no_letter_stands(void **state)
{
    assert_string_equal(cut("Hello, World!  mp4-file_2 (v1.0)", WORDS_INDEX), "hello|world|mp4|file|2|v1|0");
    assert_string_equal(cut("l'homme c’est", WORDS_INDEX), "l|homme|c|est");
    assert_string_equal(cut(" \t\n-- \xe2\x80\x94 ", WORDS_INDEX), "");
    assert_string_equal(cut("", WORDS_INDEX), "");
}

static void case_width_and_accents_make_no_difference(void **state)
{
    assert_string_equal(cut("CAFÉ cafe\xcc\x81 Café", WORDS_INDEX), "cafe|cafe|cafe");
    assert_string_equal(cut("ＦＵＬＬ ﬁne STRAßE", WORDS_INDEX), "full|fine|strasse");
    assert_string_equal(cut("ΣΊΣΥΦΟΣ İstanbul ёлка", WORDS_INDEX), "σισυφοσ|istanbul|елка");
    assert_string_equal(cut("한국어 हिन्दी", WORDS_INDEX), "한국어|हिन्दी");
}

static void scripts_without_spaces_are_cut_into_pairs(void **state)
{
    assert_string_equal(cut("東京都 2024", WORDS_INDEX), "東京|京都|都|2024");
    assert_string_equal(cut("東京都", WORDS_QUERY), "東京|京都");
    assert_string_equal(cut("東", WORDS_QUERY), "東");
    assert_string_equal(cut("abc東京def", WORDS_INDEX), "abc|東京|京|def");
    assert_string_equal(cut("ที่นี่", WORDS_QUERY), "ที่นี่"); /* two characters with their marks: one pair */
}

static void a_long_word_is_cut_between_characters(void **state)
{
    char text[400] = "";
    struct words words;

    for (int i = 0; i < 60; i++)
        strcat(text, "я");
    assert_int_equal(words_split(arena, text, 10, WORDS_INDEX, &words), 0);
    assert_int_equal(words.n, 1);
    assert_int_equal(strlen(words.list[0].folded), WORD_BYTES);
    assert_int_equal(words_split(arena, "a b c d", 2, WORDS_INDEX, &words), 0);
    assert_int_equal(words.n, 2);
}

static void bytes_that_are_not_utf8_are_refused(void **state)
{
    struct words words;
    const char *typed;

    assert_int_equal(words_split(arena, "a\xff", 10, WORDS_INDEX, &words), ERR_INVALID);
    assert_int_equal(words_typed(arena, "\xc3", 10, &typed), ERR_INVALID);
}

static void a_language_has_its_own_stems(void **state)
{
    assert_string_equal(stem("en-GB", "Running"), ":en:run");
    assert_string_equal(stem("", "running"), ":en:run");
    assert_string_equal(stem("de", "Häuser"), ":de:haus");
    assert_string_equal(stem("FR", "continuellement"), ":fr:continuel");
    assert_string_equal(stem("nb", "havnedistriktene"), ":no:havnedistrikt");
    assert_string_equal(stem("tlh", "running"), "none");
    assert_string_equal(stem("ja", "東京"), "none");
    assert_string_equal(stem("en", "東京"), "none");
}

static void what_is_typed_is_looked_up_as_one_run(void **state)
{
    const char *typed;

    assert_int_equal(words_typed(arena, "  The  Café: Été!  ", 100, &typed), 0);
    assert_string_equal(typed, "the cafe ete");
    assert_int_equal(words_typed(arena, "ééé", 3, &typed), 0);
    assert_string_equal(typed, "ee");
    assert_int_equal(words_typed(arena, "!?", 10, &typed), 0);
    assert_string_equal(typed, "");
}

static int setup(void **state)
{
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_end_where_no_letter_stands),
        cmocka_unit_test(case_width_and_accents_make_no_difference),
        cmocka_unit_test(scripts_without_spaces_are_cut_into_pairs),
        cmocka_unit_test(a_long_word_is_cut_between_characters),
        cmocka_unit_test(bytes_that_are_not_utf8_are_refused),
        cmocka_unit_test(a_language_has_its_own_stems),
        cmocka_unit_test(what_is_typed_is_looked_up_as_one_run),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

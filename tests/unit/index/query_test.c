/* Queries: what is asked for by what is typed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/index/query.h"

static struct arena *arena;

/* Words with bars between, a star behind those that may go on. */
static const char *read(const char *text)
{
    struct query query;
    char *all = arena_strdup(arena, "");

    assert_int_equal(query_read(arena, text, &query), 0);
    for (size_t i = 0; i < query.n; i++)
        all = arena_printf(arena, "%s%s%s%s", all, i ? "|" : "", query.words[i].word.folded,
                           query.words[i].prefix ? "*" : "");
    return all;
}

static void the_last_word_may_go_on(void **state)
{
    assert_string_equal(read("Big buck BUN"), "big|buck|bun*");
    assert_string_equal(read("a"), "a*");
    assert_string_equal(read("..."), "");
}

static void a_word_said_twice_is_asked_for_once(void **state)
{
    assert_string_equal(read("new new york"), "new|york*");
    assert_string_equal(read("york new york"), "new|york*");
}

static void one_character_of_a_pair_begins_pairs(void **state)
{
    assert_string_equal(read("東 film"), "東*|film*");
    assert_string_equal(read("東京 film"), "東京|film*");
}

static void more_words_than_the_bound_are_not_looked_at(void **state)
{
    struct query query;

    assert_int_equal(query_read(arena, "a b c d e f g h i j k l m n o p q r s t", &query), 0);
    assert_int_equal(query.n, QUERY_WORDS);
    assert_true(query.words[QUERY_WORDS - 1].prefix);
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
        cmocka_unit_test(the_last_word_may_go_on),
        cmocka_unit_test(a_word_said_twice_is_asked_for_once),
        cmocka_unit_test(one_character_of_a_pair_begins_pairs),
        cmocka_unit_test(more_words_than_the_bound_are_not_looked_at),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

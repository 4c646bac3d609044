/* Ranking: which of two fits better, and pages that neither repeat nor leave out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/index/rank.h"

static const struct rank_lengths mean = { { 4, 3, 2, 50 } };

static double score(uint32_t title, uint32_t tags, uint32_t people, uint32_t description, double title_length)
{
    uint32_t counts[RANK_FIELDS] = { title, tags, people, description };
    struct rank_lengths lengths = { { title_length, 3, 2, 50 } };

    return rank_word(counts, &lengths, &mean);
}

static void a_title_says_more_than_tags_people_and_description(void **state)
{
    assert_true(score(1, 0, 0, 0, 4) > score(0, 1, 0, 0, 4));
    assert_true(score(0, 1, 0, 0, 4) > score(0, 0, 1, 0, 4));
    assert_true(score(0, 0, 1, 0, 4) > score(0, 0, 0, 1, 4));
    assert_true(score(0, 0, 0, 1, 4) > 0);
}

static void a_short_title_says_more_than_a_long_one(void **state)
{
    assert_true(score(1, 0, 0, 0, 2) > score(1, 0, 0, 0, 12));
}

static void repeating_a_word_helps_less_and_less(void **state)
{
    assert_true(score(0, 0, 0, 2, 4) > score(0, 0, 0, 1, 4));
    assert_true(score(0, 0, 0, 1000, 4) < 2.2);
}

static void a_rare_word_says_more_and_none_says_less_than_nothing(void **state)
{
    assert_true(rank_idf(1000, 3) > rank_idf(1000, 500));
    assert_true(rank_idf(1000, 1000) > 0);
    assert_true(rank_idf(10, 20) > 0);
}

static struct rank_hit hit(unsigned n)
{
    struct rank_hit h = { .score = n / 3 }; /* three of each score */

    h.id.b[15] = (uint8_t)n;
    return h;
}

static void pages_hold_each_hit_once_and_in_order(void **state)
{
    struct arena *arena = arena_new();
    struct rank_hit place, last = { .score = 1000 };
    unsigned seen = 0, pages = 0;
    bool first = true, more = true;

    while (more) {
        struct ranking ranking;

        ranking_init(&ranking, arena, 7, first ? NULL : &place);
        for (unsigned i = 0; i < 40; i++) {
            struct rank_hit h = hit(i * 13 % 40);

            ranking_add(&ranking, &h);
        }
        for (size_t i = 0; i < ranking.n; i++, seen++) {
            assert_true(ranking.best[i].score < last.score ||
                        (ranking.best[i].score == last.score && ranking.best[i].id.b[15] < last.id.b[15]));
            last = place = ranking.best[i];
        }
        more = ranking.more;
        first = false;
        assert_true(++pages < 10);
    }
    assert_int_equal(seen, 40);
    assert_int_equal(pages, 6);
    arena_free(&arena);
}

static void a_place_survives_being_text(void **state)
{
    struct rank_hit from = { .score = 3.25, .id = { { 1, 2, 3 } } }, to;
    uint8_t text[RANK_PLACE_SIZE];

    rank_place_write(&from, text);
    assert_true(rank_place_read(text, sizeof(text), &to));
    assert_true(to.score == from.score && id_equal(to.id, from.id));
    assert_false(rank_place_read(text, sizeof(text) - 1, &to));
    memset(text, 0xff, 8); /* not a number */
    assert_false(rank_place_read(text, sizeof(text), &to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_title_says_more_than_tags_people_and_description),
        cmocka_unit_test(a_short_title_says_more_than_a_long_one),
        cmocka_unit_test(repeating_a_word_helps_less_and_less),
        cmocka_unit_test(a_rare_word_says_more_and_none_says_less_than_nothing),
        cmocka_unit_test(pages_hold_each_hit_once_and_in_order),
        cmocka_unit_test(a_place_survives_being_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

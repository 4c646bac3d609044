/* Searches: who finds what, in which order, and at what cost. */
#include "tests/unit/index/fixture.h"

static void a_title_comes_before_a_description(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "Something else"), b = published(2, 1, "Whales");

    a.description = "Whales and other animals of the sea";
    put(f, &b);
    put(f, &a);
    assert_string_equal(found(f, "whales"), "2 1");
}

static void a_stem_finds_other_forms_of_a_word(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "Running in the hills"), b = published(2, 1, "Häuser am See");

    b.language = "de";
    put(f, &a);
    put(f, &b);
    assert_string_equal(found(f, "runs hill"), "1");
    assert_string_equal(found(f, "haus"), "2");
    assert_string_equal(found(f, "hause see"), "2");
}

static void the_word_itself_comes_before_what_begins_with_it(void **state)
{
    struct fixture *f = *state;
    struct video a = published(3, 1, "catamaran"), b = published(2, 1, "cat"), c = published(1, 1, "cats");

    put(f, &a);
    put(f, &b);
    put(f, &c);
    assert_string_equal(found(f, "cat"), "2 1 3");
    assert_string_equal(found(f, "cat cat"), "2 1 3");
    assert_string_equal(found(f, "catama"), "3");
    assert_string_equal(found(f, "catama x"), "");
}

static void a_slip_is_forgiven_where_nothing_else_is_found(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "Lighthouse at night"), b = published(2, 1, "Whale"),
                 c = published(3, 1, "Whole");

    put(f, &a);
    put(f, &b);
    assert_string_equal(found(f, "lighthuose night"), "1");
    assert_string_equal(found(f, "night ligth"), "1");
    assert_string_equal(found(f, "whole"), "2");
    put(f, &c);
    assert_string_equal(found(f, "whole"), "3"); /* it is a word now, and means itself */
    assert_string_equal(found(f, "xhale"), "");
    assert_string_equal(found(f, "lighthuose whale"), "");
}

static void pairs_of_characters_find_what_lies_inside(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "東京都の夜");

    put(f, &a);
    assert_string_equal(found(f, "京都"), "1");
    assert_string_equal(found(f, "夜"), "1");
    assert_string_equal(found(f, "京"), "1");
    assert_string_equal(found(f, "京東"), "");
}

static void others_find_only_what_is_public_published_and_playable(void **state)
{
    struct fixture *f = *state;
    struct video v[5];
    struct finder_result result;

    for (unsigned i = 0; i < 5; i++)
        v[i] = published(i + 1, 1, "secret film");
    v[1].visibility = VISIBILITY_UNLISTED;
    v[2].visibility = VISIBILITY_PRIVATE;
    v[3].release = RELEASE_STATE_SCHEDULED;
    v[4].state = VIDEO_STATE_PROCESSING;
    for (unsigned i = 0; i < 5; i++)
        put(f, &v[i]);
    assert_string_equal(found(f, "secret"), "1");
    assert_string_equal(found_by(f, numbered(7), 10000, "secret", &result), "1");
    assert_int_equal(result.total, 1);
    assert_string_equal(found_by(f, numbered(1000), 10000, "secret", &result), "5 4 3 2 1");
    assert_int_equal(result.total, 5);
}

static void a_search_reads_no_more_rows_than_it_may(void **state)
{
    struct fixture *f = *state;
    struct finder_result result;

    for (unsigned i = 1; i <= 120; i++) {
        char title[40];
        struct video v = published(i, 1, title);

        snprintf(title, sizeof(title), "common film number%u", i);
        put(f, &v);
    }
    found_by(f, ID_NONE, 10000, "common film", &result);
    assert_false(result.cut);
    assert_int_equal(result.total, 120);
    for (uint64_t bound = 1; bound < 300; bound += 7) {
        found_by(f, ID_NONE, bound, "common film num", &result);
        assert_true(result.rows <= bound);
        assert_true(result.cut);
    }
    /* The newest are the ones that are looked at. */
    found_by(f, ID_NONE, 100, "common", &result);
    assert_true(result.ranking.n > 10);
    for (size_t i = 0; i < result.ranking.n; i++)
        assert_true(result.ranking.best[i].id.b[15] > 50);
}

static void a_rare_word_makes_a_search_cheap(void **state)
{
    struct fixture *f = *state;
    struct finder_result result;
    struct video rare = published(500, 1, "common zebra");

    for (unsigned i = 1; i <= 200; i++) {
        struct video v = published(i, 1, "common film");

        put(f, &v);
    }
    put(f, &rare);
    assert_string_equal(found_by(f, ID_NONE, 10000, "common zebra", &result), "500");
    assert_true(result.rows < 20);
}

static void an_empty_index_and_an_empty_query_find_nothing(void **state)
{
    struct fixture *f = *state;
    struct video v = published(1, 1, "x");

    assert_string_equal(found(f, "anything"), "");
    put(f, &v);
    assert_string_equal(found(f, "!!"), "");
}

static void a_new_generation_grows_beside_the_old_one(void **state)
{
    struct fixture *f = *state;
    struct video old = published(1, 1, "old one"), new = published(2, 1, "new one");
    struct generations all;
    struct index_generation first, second;
    struct store_txn *txn;

    put(f, &old);
    txn = fixture_begin(f);
    assert_int_equal(generations_read(txn, f->arena, &all), 0);
    assert_int_equal(generations_answering(&all)->number, 1); /* there is no other yet */
    assert_int_equal(generation_switch(txn, f->arena, &all), 0);
    assert_int_equal(generation_begin(txn, f->arena, 2000, &second), 0);
    assert_int_equal(second.number, 2);
    assert_int_equal(store_commit(&txn), 0);
    first = f->one;
    f->one = second;
    put(f, &new);
    assert_string_equal(found(f, "one"), "2");
    second = f->one;
    f->one = first;
    assert_string_equal(found(f, "one"), "1");

    txn = fixture_begin(f);
    assert_int_equal(generations_read(txn, f->arena, &all), 0);
    assert_int_equal(generations_answering(&all)->number, 1);
    assert_int_equal(generation_switch(txn, f->arena, &all), 0);
    assert_int_equal(generations_answering(&all)->number, 2);
    unsigned slices = 0;
    int r;
    while ((r = generation_drop(txn, f->arena, 3)) > 0)
        assert_true(++slices < 100);
    assert_int_equal(r, 0);
    assert_true(slices > 1);
    assert_int_equal(store_commit(&txn), 0);
    f->one = second;
    assert_string_equal(found(f, "one"), "2");
    assert_int_equal(rows(f, &index_generation_table), 1);
    assert_int_equal(rows(f, &index_document_table), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_index(a_title_comes_before_a_description),
        with_index(a_stem_finds_other_forms_of_a_word),
        with_index(the_word_itself_comes_before_what_begins_with_it),
        with_index(a_slip_is_forgiven_where_nothing_else_is_found),
        with_index(pairs_of_characters_find_what_lies_inside),
        with_index(others_find_only_what_is_public_published_and_playable),
        with_index(a_search_reads_no_more_rows_than_it_may),
        with_index(a_rare_word_makes_a_search_cheap),
        with_index(an_empty_index_and_an_empty_query_find_nothing),
        with_index(a_new_generation_grows_beside_the_old_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

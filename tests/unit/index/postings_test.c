/* Documents in the store: what comes, changes and goes leaves no trace of what it was. */
#include "tests/unit/index/fixture.h"

static void a_video_is_found_by_every_field(void **state)
{
    struct fixture *f = *state;
    struct video v = published(1, 1, "Big Buck Bunny");

    v.description = "A rabbit takes revenge.";
    v.tags = (const char *[]) { "animation", "open movie" };
    v.tags_n = 2;
    v.people = (struct person[]) { { .name = "Sacha Goedegebure", .role = "director" } };
    v.people_n = 1;
    assert_int_equal(put(f, &v), 1);
    assert_string_equal(found(f, "bunny"), "1");
    assert_string_equal(found(f, "revenge"), "1");
    assert_string_equal(found(f, "animation"), "1");
    assert_string_equal(found(f, "goedegebure"), "1");
    assert_string_equal(found(f, "director"), "");
    assert_string_equal(found(f, "bunny movie revenge"), "1");
    assert_string_equal(found(f, "bunny cat"), "");
}

static void words_that_went_are_not_found_any_more(void **state)
{
    struct fixture *f = *state;
    struct video v = published(1, 1, "Old title");

    v.tags = (const char *[]) { "kept", "dropped" };
    v.tags_n = 2;
    put(f, &v);
    v.rev = 2;
    v.title = "New title";
    v.tags_n = 1;
    v.language = "de";
    assert_int_equal(put(f, &v), 1);
    assert_string_equal(found(f, "old"), "");
    assert_string_equal(found(f, "dropped"), "");
    assert_string_equal(found(f, "new"), "1");
    assert_string_equal(found(f, "kept"), "1");
    assert_int_equal(rows(f, &index_document_table), 1);
    assert_int_equal(rows(f, &index_language_table), 1);
}

static void an_older_rev_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct video now = published(1, 5, "Now"), before = published(1, 4, "Before");

    put(f, &now);
    assert_int_equal(put(f, &before), 0);
    assert_int_equal(put(f, &now), 0);
    assert_string_equal(found(f, "before"), "");
    assert_int_equal(del(f, 1, 4), 0);
    assert_string_equal(found(f, "now"), "1");
}

static void a_deleted_video_leaves_no_row_behind(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "Running cats run"), b = published(2, 1, "Running dogs");
    struct store_txn *txn;

    a.description = "All of the running, 東京都.";
    put(f, &a);
    put(f, &b);
    assert_int_equal(del(f, 1, 2), 1);
    assert_string_equal(found(f, "running"), "2");
    assert_int_equal(del(f, 2, 2), 1);
    for (size_t i = 1; i < FIXTURE_TABLES - 1; i++)
        assert_int_equal(rows(f, fixture_tables[i]), 0);
    assert_int_equal(f->one.documents + f->one.title_words + f->one.description_words, 0);
    assert_int_equal(rows(f, &index_tombstone_table), 2); /* it grows: a page of the scan may still hold them */
    assert_int_equal(put(f, &a), 0);
    txn = fixture_begin(f);
    f->one.state = GENERATION_STATE_SERVING;
    index_generation_put(txn, &f->one);
    assert_int_equal(generation_drop(txn, f->arena, 100), 0);
    assert_int_equal(store_commit(&txn), 0);
    assert_int_equal(rows(f, &index_tombstone_table), 0);
}

static void a_video_in_the_trash_is_taken_out_and_comes_back(void **state)
{
    struct fixture *f = *state;
    struct video v = published(1, 1, "Phoenix");

    put(f, &v);
    v.rev = 2;
    v.life = LIFE_STATE_TRASHED;
    assert_int_equal(put(f, &v), 1);
    assert_string_equal(found(f, "phoenix"), "");
    v.rev = 3;
    v.life = LIFE_STATE_LIVE;
    assert_int_equal(put(f, &v), 1);
    assert_string_equal(found(f, "phoenix"), "1");
}

static void suggestions_follow_what_anyone_may_see(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "Cats at home"), b = published(2, 1, "Cathedral"),
                 c = published(3, 1, "Café");

    a.tags = b.tags = (const char *[]) { "catalonia" };
    a.tags_n = b.tags_n = 1;
    put(f, &a);
    put(f, &b);
    put(f, &c);
    assert_string_equal(suggested(f, "CAT", 10), "catalonia|Cathedral|Cats at home");
    assert_string_equal(suggested(f, "cats a", 10), "Cats at home");
    assert_string_equal(suggested(f, "cafe", 10), "Café");
    assert_string_equal(suggested(f, "ca", 2), "catalonia|Café");
    assert_string_equal(suggested(f, "x", 10), "");
    assert_string_equal(suggested(f, "?", 10), "");
    b.rev = 2;
    b.visibility = VISIBILITY_PRIVATE;
    put(f, &b);
    assert_string_equal(suggested(f, "cath", 10), "");
    assert_string_equal(suggested(f, "catal", 10), "catalonia");
    del(f, 1, 2);
    assert_string_equal(suggested(f, "cat", 10), "");
}

static void any_failure_of_the_store_leaves_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct video a = published(1, 1, "First words here"), b = published(1, 2, "Other words there");
    unsigned failed = 0;

    a.tags = (const char *[]) { "tag" };
    a.tags_n = 1;
    put(f, &a);
    for (unsigned n = 1; store_fault_arm(n, STORE_FAULT_LOST) && n < 1000; n++) {
        struct index_generation before = f->one;
        struct store_txn *txn;
        int r = store_begin_write(f->store, &txn);

        if (r == 0) {
            r = postings_put(txn, f->arena, f->stems, &f->one, &b);
            store_abort(&txn);
        }
        store_fault_disarm();
        f->one = before;
        failed += r < 0;
        assert_string_equal(found(f, "first"), "1");
        assert_string_equal(found(f, "other"), "");
        if (r >= 0)
            break;
    }
    store_fault_disarm();
    assert_true(failed > 20);
    assert_int_equal(put(f, &b), 1);
    assert_string_equal(found(f, "first"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_index(a_video_is_found_by_every_field),
        with_index(words_that_went_are_not_found_any_more),
        with_index(an_older_rev_changes_nothing),
        with_index(a_deleted_video_leaves_no_row_behind),
        with_index(a_video_in_the_trash_is_taken_out_and_comes_back),
        with_index(suggestions_follow_what_anyone_may_see),
        with_index(any_failure_of_the_store_leaves_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* move_test - what becomes of films when another place is named before the one that has them. */
#include "tests/actor/catalog/copies_stage.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/places/copies.h"

/* A bucket's other folder, as another place. */
static const char *elsewhere(void)
{
    static char other[1024];
    const char *uri = s3_uri(), *at = strstr(uri, "/films");

    assert_non_null(at);
    snprintf(other, sizeof(other), "%.*s/elsewhere%s", (int)(at - uri), uri, at + strlen("/films"));
    return other;
}

static void begin_place(struct fake *f, bool before)
{
    struct turn *t;

    copies_over(&f->self, s3_open(elsewhere(), 0, NULL), "elsewhere");
    if (before)
        copies_over_before(&f->self, s3_open(s3_uri(), 0, NULL), "there");
    t = fake_begin(f);
    fake_end(f, copies_clock(&f->self, t, 0, NULL, NULL));
    fake_settle(f);
}

static int something(void *ctx, const char *name, const struct blob_info *info)
{
    return ERR_BUSY;
}

static bool is_empty(struct blobs *blobs)
{
    return blob_list(blobs, "raw/", something, NULL) == 0 && blob_list(blobs, "media/", something, NULL) == 0;
}

/* One that lies there alone, and one that lies here, too. */
static void make_two(struct fake *f, struct id *ret_gone, struct upload *ret_original, struct id *ret_here)
{
    struct upload upload;

    *ret_gone = studio_film(f, "an original", ret_original);
    far_make(f, *ret_gone);
    far_pass(f, 0);
    far_pass(f, 2 * AN_HOUR);
    *ret_here = studio_film(f, "another one", &upload);
    far_make(f, *ret_here);
    far_pass(f, 0);
    assert_int_equal(far_row(f, *ret_here).objects, 4);
    assert_true(far_row(f, *ret_gone).forgotten_at > 0);
}

static void what_the_place_before_has_moves_to_the_new_one_and_goes_there(void **state)
{
    struct fake *f = *state;
    struct blobs *new = s3_open(elsewhere(), 1000, NULL);
    struct id gone, here;
    struct upload original;

    make_two(f, &gone, &original, &here);
    fake_restart(f);
    begin_place(f, true);
    assert_true(far_holds(f->self.blobs, original.blob, "an original")); /* also meanwhile */
    for (unsigned i = 0; i < 10; i++)
        far_pass(f, 1000);
    assert_string_equal(far_row(f, gone).place, "elsewhere");
    assert_string_equal(far_row(f, here).place, "elsewhere");
    assert_true(far_row(f, gone).forgotten_at > 0 && !far_row(f, gone).leaves && !far_row(f, gone).due_at);
    assert_true(!far_row(f, here).leaves && !far_row(f, here).due_at);
    assert_true(far_holds(new, original.blob, "an original"));
    assert_true(far_holds(new, far_name(gone, "v/000001.m4s"), "a segment"));
    assert_true(far_holds(new, far_name(gone, "master.m3u8"), "a list"));
    assert_true(far_holds(new, far_name(here, "v/init.mp4"), "an init"));
    assert_true(is_empty(far_store));
    assert_true(far_holds(f->self.blobs, original.blob, "an original"));
    assert_int_equal(blob_delete_tree(new, "raw/"), 0);
    assert_int_equal(blob_delete_tree(new, "media/"), 0);
    blobs_close(&new);
}

static void a_move_that_is_broken_off_anywhere_goes_on(void **state)
{
    struct fake *f = *state;
    struct blobs *new = s3_open(elsewhere(), 1000, NULL);
    struct id gone, here;
    struct upload original;

    make_two(f, &gone, &original, &here);
    for (unsigned i = 0; i < 40 && !(is_empty(far_store) && far_row(f, gone).place && !far_row(f, gone).due_at);
         i++) {
        fake_restart(f);
        begin_place(f, true);
        assert_true(far_holds(f->self.blobs, original.blob, "an original"));
        if (i % 3 == 0)
            fake_pass(f, 1000);
        if (i == 4)
            s3_tell("{\"match\": \"elsewhere\", \"status\": 503, \"times\": 3}");
        fake_pass(f, i == 5 ? AN_HOUR : 0);
    }
    assert_true(is_empty(far_store));
    assert_true(far_holds(new, original.blob, "an original"));
    assert_true(far_holds(new, far_name(here, "master.m3u8"), "a list"));
    s3_tell("{\"clear\": true}");
    assert_int_equal(blob_delete_tree(new, "raw/"), 0);
    assert_int_equal(blob_delete_tree(new, "media/"), 0);
    blobs_close(&new);
}

static void what_differs_in_the_place_before_stays_there_and_is_told(void **state)
{
    struct fake *f = *state;
    struct id gone, here;
    struct upload original;

    make_two(f, &gone, &original, &here);
    far_put(far_store, far_name(here, "v/000001.m4s"), "damaged!!");
    fake_restart(f);
    begin_place(f, true);
    for (unsigned i = 0; i < 10; i++)
        far_pass(f, 1000);
    assert_string_equal(far_row(f, here).place, "elsewhere");
    assert_string_equal(far_row(f, here).leaves, "there");
    assert_non_null(strstr(far_row(f, here).error, "ERR_CHECKSUM of media/"));
    assert_true(far_holds(far_store, far_name(here, "v/000001.m4s"), "damaged!!"));
    assert_false(far_lies(far_store, far_name(here, "v/init.mp4")));
    fake_restart(f); /* and that place is not named any more: it is left alone */
    begin_place(f, false);
    far_save(f, here);
    far_pass(f, AN_HOUR);
    assert_true(!far_row(f, here).due_at && !far_row(f, here).leaving);
    assert_string_equal(far_row(f, here).leaves, "there");
    fake_restart(f);
    begin_place(f, true);
    far_save(f, here);
    far_pass(f, 1000);
    assert_non_null(strstr(far_row(f, here).error, "ERR_CHECKSUM of media/"));
    assert_int_equal(blob_delete(far_store, far_name(here, "v/000001.m4s")), 0); /* what an operator does */
    far_pass(f, AN_HOUR);
    assert_null(far_row(f, here).leaves);
    assert_null(far_row(f, here).error);
    for (unsigned i = 0; i < 2; i++) {
        struct delete_video ask = { .id = i ? here : gone, .now = true };

        assert_int_equal(FAKE_CALL(f, catalog_delete_video, &ask), 0);
        far_pass(f, 5000);
        far_pass(f, 5000);
    }
}

static void the_place_that_failed_is_the_one_that_is_quoted(void **state)
{
    struct fake *f = *state;
    struct id gone, here;
    struct upload original;

    make_two(f, &gone, &original, &here);
    fake_restart(f);
    s3_tell("{\"match\": \"/elsewhere/\", \"status\": 507, \"times\": 1}"); /* and it is long past */
    s3_tell("{\"match\": \"/films/\", \"status\": 403, \"times\": 1000000}");
    begin_place(f, true);
    far_pass(f, 60000);
    assert_non_null(strstr(far_row(f, gone).error, "ERR_FORBIDDEN of raw/"));
    assert_non_null(strstr(far_row(f, gone).error, "(403"));
    s3_tell("{\"clear\": true}");
    s3_tell("{\"match\": \"/elsewhere/\", \"status\": 507, \"times\": 1000000}");
    far_pass(f, AN_HOUR);
    assert_non_null(strstr(far_row(f, gone).error, "ERR_STORE_FULL of raw/"));
    assert_non_null(strstr(far_row(f, gone).error, "(507"));
    s3_tell("{\"clear\": true}");
    for (unsigned i = 0; i < 10; i++)
        far_pass(f, AN_HOUR);
    assert_null(far_row(f, gone).error);
    for (unsigned i = 0; i < 2; i++) {
        struct delete_video ask = { .id = i ? here : gone, .now = true };

        assert_int_equal(FAKE_CALL(f, catalog_delete_video, &ask), 0);
        far_pass(f, 5000);
        far_pass(f, 5000);
    }
}

int main(void)
{
#define with_place(test) cmocka_unit_test_setup_teardown(test, far_setup, far_teardown)
    const struct CMUnitTest tests[] = {
        with_place(what_the_place_before_has_moves_to_the_new_one_and_goes_there),
        with_place(a_move_that_is_broken_off_anywhere_goes_on),
        with_place(what_differs_in_the_place_before_stays_there_and_is_told),
        with_place(the_place_that_failed_is_the_one_that_is_quoted),
    };

    return cmocka_run_group_tests_name("catalog_move", tests, s3_group_setup, s3_group_teardown);
}

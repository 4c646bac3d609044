/* direct_undone_test - direct uploads while the disk is full: nothing of a turn that was undone stays, whichever it was. */
#include "tests/actor/catalog/direct_stage.h"

/* All that is asked of an upload: two calls at once begin it, and one completes it while it is given up. */
static void asked_of_it(struct fake *f, struct id id)
{
    uint64_t one = 1;
    struct sign_parts ask = { .id = id, .numbers = &one, .numbers_n = 1 };
    struct complete_direct_upload end = { .id = id };
    struct sign_parts_reply reply;
    struct direct_upload seen;
    struct video video;
    struct turn *t;

    for (unsigned i = 0; i < 2; i++)
        FAKE_CALL(f, catalog_sign_parts, &ask, &reply);
    fake_settle(f);
    stage_list(f, id, 0, &seen);
    stage_complete(f, id, NULL, 0); /* the part is not there */
    if (stage_sign(f, id, &one, 1, &reply) == 0)
        assert_int_equal(s3_put_url(reply.items[0].url, 'a', 3), 200);
    FAKE_CALL(f, catalog_complete_direct_upload, &end, &video);
    t = fake_begin(f); /* before the pool comes to it */
    fake_end(f, upload_del(turn_txn(t), id));
    fake_settle(f);
}

/* In memory, as LeakSanitizer sees it. */
static void a_disk_that_was_full_leaves_nothing_behind(void **state)
{
    struct fake *f = *state;

    for (unsigned n = 1, left = 0; left == 0; n++) {
        struct direct_upload upload = stage_open(f, 3);

        f->full_at = n;
        asked_of_it(f, upload.id);
        left = f->full_at;
        f->full_at = 0;
        assert_true(n < 100);
    }
}

static void what_was_begun_for_a_turn_that_was_undone_is_swept(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3);
    struct sign_parts_reply reply;
    unsigned removed = 0, left = 0;
    uint64_t one = 1;

    fake_settle(f);
    f->full_at = 2; /* the store has begun it, and no row says so */
    assert_int_equal(stage_sign(f, upload.id, &one, 1, &reply), ERR_STORE_FULL);
    assert_int_equal(f->full_at, 0);
    assert_null(stage_row(f, upload.id, 0).store_id);
    assert_int_equal(blobs_sweep(f->self.blobs, 0, &removed), 0);
    assert_int_equal(removed, 1);
    assert_int_equal(blobs_sweep(stage_store, 0, &left), 0);
    assert_int_equal(left, 0);
}

static void one_that_was_not_given_up_after_all_is_not_swept(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3);
    struct upload row;

    stage_put(f, upload.id, 1, 'a', 3);
    row = stage_row(f, upload.id, 0);
    f->full_at = 1;
    assert_int_equal(stage_drop(f, upload.id), ERR_STORE_FULL);
    assert_int_equal(blobs_sweep(f->self.blobs, 0, NULL), 0);
    assert_true(stage_has(&row));
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
}

int main(void)
{
#define with_store(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        with_store(a_disk_that_was_full_leaves_nothing_behind),
        with_store(what_was_begun_for_a_turn_that_was_undone_is_swept),
        with_store(one_that_was_not_given_up_after_all_is_not_swept),
    };

    return cmocka_run_group_tests_name("catalog_direct_undone", tests, s3_group_setup, s3_group_teardown);
}

/* aside_test - what is wrong with one upload, or over and done with, is in no other's way. */
#include "tests/actor/catalog/sender.h"

static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

static void one_that_has_no_room_is_in_no_other_s_way(void **state)
{
    struct fake *f = *state;
    struct upload over = open_upload(f, (struct create_upload) { .filename = "x" }), other;

    f->settings.quota_bytes = 1000;
    write_bytes(f, &over, 4096); /* and was told so */
    assert_int_equal(advance(f, &over, 4096), ERR_QUOTA_EXCEEDED);
    f->now += 10;
    fake_be(f, 2, ROLE_CREATOR);
    other = open_upload(f, (struct create_upload) { .length = 700, .has_length = true });
    write_bytes(f, &other, 700); /* and the front died */
    fake_pass(f, 6000);
    assert_int_equal(studio_video(f, other.video_id).upload, UPLOAD_STATE_COMPLETE);
    fake_pass(f, (int64_t)f->settings.upload_ms);
    assert_false(object_is_there(f, &over));
    fake_be(f, 1, ROLE_CREATOR);
    assert_int_equal(advance(f, &over, 4096), ERR_NOT_FOUND);
    open_upload(f, (struct create_upload) { .length = 1000, .has_length = true }); /* nothing was counted for it */
}

static void a_part_that_was_not_joined_is_in_no_other_s_way(void **state)
{
    struct fake *f = *state;
    struct upload whole = open_upload(f, (struct create_upload) { .length = 100, .has_length = true }), part;

    part = open_upload(
        f, (struct create_upload) {
               .video_id = whole.video_id, .at = 100, .length = 4096, .has_length = true, .partial = true });
    assert_int_equal(complete(f, &whole, 100), 0);
    write_bytes(f, &part, 4096);
    f->now += 10;
    struct upload other = open_upload(f, (struct create_upload) { .length = 700, .has_length = true });
    write_bytes(f, &other, 700);
    fake_pass(f, 6000);
    assert_int_equal(studio_video(f, other.video_id).upload, UPLOAD_STATE_COMPLETE);
}

static void what_came_whole_into_the_trash_is_looked_at_when_it_is_back(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true });
    struct update_video restore = { .id = upload.video_id, .restore = true };
    struct video video;

    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = upload.video_id }), 0);
    assert_int_equal(complete(f, &upload, 5000), 0);
    studio_work(f, &clip);
    assert_int_equal(fake_count(f, "transcode.probe"), 0);
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &restore, &video), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
}

static void what_expired_in_the_trash_is_not_looked_at(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 2000000, .has_length = true });
    struct update_video restore = { .id = upload.video_id, .restore = true };
    struct video video;

    f->settings.trash_ms = 2 * f->settings.upload_ms;
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = upload.video_id }), 0);
    assert_int_equal(advance(f, &upload, 1900000), 0);
    fake_pass(f, (int64_t)f->settings.upload_ms + 6000);
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &restore, &video), 0);
    assert_int_equal(video.state, VIDEO_STATE_EXPIRED);
    assert_int_equal(fake_count(f, "transcode.probe"), 0);
    upload = open_upload(f,
                         (struct create_upload) { .video_id = upload.video_id, .length = 9, .has_length = true });
    assert_int_equal(complete(f, &upload, 9), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
}

static unsigned open_runs(struct fake *f)
{
    struct turn *t = fake_begin(f);
    struct table_walk walk;
    struct run_row row;
    unsigned n = 0;

    assert_int_equal(table_walk_start(&walk, turn_txn(t), &run_row_table, RUN_ROW_BY_OPEN, NULL, 0, TABLE_UP,
                                      (struct bytes) { 0 }),
                     0);
    while (table_walk_next(&walk, turn_arena(t), &row) > 0)
        n++;
    table_walk_end(&walk);
    fake_end(f, 0);
    return n;
}

/* What was under way of a file that was given up takes no room from what comes. */
static void runs_of_a_file_before_leave_the_window_when_they_end(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 2000000, .has_length = true });

    for (unsigned lost = 0; lost < 3; lost++) {
        assert_int_equal(advance(f, &upload, 1900000), 0);
        assert_true(studio_probe(f, &clip));
        fake_settle(f);
        assert_true(open_runs(f) > 0);
        assert_int_equal(FAKE_CALL(f, catalog_drop_upload, &(struct drop_upload) { .id = upload.id }), 0);
        upload = open_upload(
            f, (struct create_upload) { .video_id = upload.video_id, .length = 2000000, .has_length = true });
        if (lost == 0)
            while (studio_run(f, &clip))
                continue;
        else if (lost == 1)
            while (studio_kill_run(f, "its file is gone"))
                continue;
        else
            assert_int_equal(fake_end(f, runs_ask_again(&f->self, fake_begin(f))), 0);
        assert_int_equal(open_runs(f), 0);
    }
    assert_int_equal(complete(f, &upload, 2000000), 0);
    while (fake_take(f, "transcode.encode_run"))
        continue;
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
}

static void dates_do_not_wait_for_all_that_is_deleted(void **state)
{
    struct fake *f = *state;
    struct create_video make = { .title = "a" };
    struct video video, dated;

    for (unsigned i = 0; i < 2 * CATALOG_SWEEPS_A_TICK; i++) {
        assert_int_equal(FAKE_CALL(f, catalog_create_video, &make, &video), 0);
        assert_int_equal(
            FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video.id, .now = true }), 0);
        fake_settle_but_pool(f); /* the first one takes long */
    }
    make = (struct create_video) { .title = "b", .has_publish_at = true, .publish_at = f->now + 1000 };
    assert_int_equal(FAKE_CALL(f, catalog_create_video, &make, &dated), 0);
    assert_int_equal(dated.release, RELEASE_STATE_SCHEDULED);
    f->now += 6000;
    fake_settle_but_pool(f);
    assert_int_equal(studio_video(f, dated.id).release, RELEASE_STATE_DRAFT); /* there is nothing of it yet */
    fake_settle(f);
    assert_int_equal(FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = video.id }, &video),
                     ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(one_that_has_no_room_is_in_no_other_s_way),
        with_fake(a_part_that_was_not_joined_is_in_no_other_s_way),
        with_fake(what_came_whole_into_the_trash_is_looked_at_when_it_is_back),
        with_fake(what_expired_in_the_trash_is_not_looked_at),
        with_fake(runs_of_a_file_before_leave_the_window_when_they_end),
        with_fake(dates_do_not_wait_for_all_that_is_deleted),
    };

    return cmocka_run_group_tests_name("catalog_aside", tests, NULL, NULL);
}

/* copies_test - what a second place gets of a video, and when the local copies go. */
#include "tests/actor/catalog/copies_stage.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/places/copies_internal.h"
#include "actors/catalog/places/scrub.h"
#include "actors/catalog/step.h"

static void the_original_is_copied_when_it_is_whole_and_the_media_when_it_is_ready(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    far_put(copies_near(&f->self), far_name(video, "v/000001.m4s"), "a segment");
    far_pass(f, 0);
    assert_true(far_holds(far_store, upload.blob, "an original"));
    assert_false(far_lies(far_store, far_name(video, "v/000001.m4s")));
    assert_true(far_row(f, video).original && !far_row(f, video).copied_at && !far_row(f, video).due_at);
    far_make(f, video);
    far_pass(f, 0);
    assert_true(far_holds(far_store, far_name(video, "v/000001.m4s"), "a segment"));
    assert_true(far_holds(far_store, far_name(video, "master.m3u8"), "a list"));
    assert_int_equal(far_row(f, video).objects, 4);
    assert_string_equal(far_row(f, video).place, "there");
    far_put(copies_near(&f->self), far_name(video, "master.m3u8"), "another");
    far_save(f, video);
    far_pass(f, 0);
    assert_true(far_holds_now(far_name(video, "master.m3u8"), "another"));
    assert_true(far_lies(copies_near(&f->self), upload.blob));
}

static void what_is_large_goes_here_after_its_time_and_is_read_there(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    far_make(f, video);
    far_pass(f, 0);
    assert_true(far_lies(copies_near(&f->self), upload.blob));
    far_pass(f, AN_HOUR);
    assert_true(far_lies(copies_near(&f->self), upload.blob));
    far_pass(f, AN_HOUR);
    assert_false(far_lies(copies_near(&f->self), upload.blob));
    assert_false(far_lies(copies_near(&f->self), far_name(video, "v/000001.m4s")));
    assert_true(far_lies(copies_near(&f->self), far_name(video, "v/init.mp4")));
    assert_true(far_lies(copies_near(&f->self), far_name(video, "master.m3u8")));
    assert_true(far_holds(f->self.blobs, upload.blob, "an original"));
    assert_true(far_holds(f->self.blobs, far_name(video, "v/000001.m4s"), "a segment"));
    assert_true(far_row(f, video).forgotten_at > 0 && !far_row(f, video).forget_at);
    far_save(f, video); /* and it stays so */
    far_pass(f, 3 * AN_HOUR);
    assert_true(far_row(f, video).forgotten_at > 0 && !far_row(f, video).error);
}

static void what_a_late_run_puts_here_once_more_goes_again(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);
    struct turn *t;

    far_make(f, video);
    far_pass(f, 0);
    far_pass(f, 2 * AN_HOUR);
    far_put(copies_near(&f->self), far_name(video, "v/000001.m4s"),
            "a segment"); /* as two who make it make the same */
    t = fake_begin(f);
    assert_int_equal(fake_end(f, copies_stray(&f->self, t, video)), 0);
    far_pass(f, 1000);
    assert_false(far_lies(copies_near(&f->self), far_name(video, "v/000001.m4s")));
    assert_true(far_holds(f->self.blobs, far_name(video, "v/000001.m4s"), "a segment"));
    assert_true(far_row(f, video).forgotten_at > 0 && !far_row(f, video).forget_at && !far_row(f, video).due_at);
    far_put(copies_near(&f->self), far_name(video, "v/000001.m4s"),
            "otherwise"); /* or do not: it stays, and that is told */
    t = fake_begin(f);
    assert_int_equal(fake_end(f, copies_stray(&f->self, t, video)), 0);
    far_pass(f, 60000);
    assert_true(far_lies(copies_near(&f->self), far_name(video, "v/000001.m4s")));
    assert_non_null(strstr(far_row(f, video).error, "ERR_CHECKSUM of media/"));
    assert_true(far_holds(far_store, far_name(video, "v/000001.m4s"), "a segment"));
}

static void a_full_disk_waits_for_no_time(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    f->settings.reserve_bytes = UINT64_MAX / 4;
    far_make(f, video);
    far_pass(f, 1000);
    assert_false(far_lies(copies_near(&f->self), upload.blob));
    assert_true(far_holds(f->self.blobs, upload.blob, "an original"));
}

static void what_is_not_the_same_there_stays_here(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    far_make(f, video);
    far_pass(f, 0);
    far_put(far_store, far_name(video, "v/000001.m4s"), "damaged!!");
    assert_int_equal(blob_delete(far_store, upload.blob), 0);
    far_pass(f, 2 * AN_HOUR);
    assert_true(far_holds(copies_near(&f->self), far_name(video, "v/000001.m4s"), "a segment"));
    assert_true(far_lies(copies_near(&f->self), upload.blob));
    far_pass(f, 60000);
    assert_non_null(strstr(far_row(f, video).error, "ERR_CHECKSUM of media/"));
    assert_true(f->counters[CATALOG_COPIES_FAILED] > 0);
    assert_true(far_lies(copies_near(&f->self), upload.blob));
    assert_int_equal(blob_delete(far_store, far_name(video, "v/000001.m4s")), 0); /* what an operator does */
    far_pass(f, AN_HOUR);
    assert_null(far_row(f, video).error);
    assert_true(far_holds(far_store, upload.blob, "an original"));
    far_pass(f, 2 * AN_HOUR);
    assert_false(far_lies(copies_near(&f->self), upload.blob));
}

static void a_process_that_ended_goes_on_from_what_was_written_down(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    far_make(f, video);
    fake_restart(f);
    far_begin(f);
    far_pass(f, 0);
    assert_true(far_holds(far_store, far_name(video, "v/000001.m4s"), "a segment"));
    fake_restart(f);
    far_begin(f);
    far_pass(f, 2 * AN_HOUR);
    assert_false(far_lies(copies_near(&f->self), upload.blob));
    assert_true(far_holds(f->self.blobs, upload.blob, "an original"));
}

static void what_lay_here_before_there_was_such_a_place_is_copied_too(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video;

    fake_restart(f); /* without one */
    video = studio_film(f, "an original", &upload);
    far_make(f, video);
    far_pass(f, 0);
    assert_false(far_lies(far_store, upload.blob));
    fake_restart(f);
    far_begin(f);
    far_pass(f, 0);
    assert_true(far_holds(far_store, upload.blob, "an original"));
    assert_true(far_row(f, video).copied_at > 0);
}

static void another_place_gets_what_lies_here_and_the_one_before_is_remembered(void **state)
{
    struct fake *f = *state;
    struct upload upload, another;
    struct id gone = studio_film(f, "an original", &upload), here;

    far_make(f, gone);
    far_pass(f, 0);
    far_pass(f, 2 * AN_HOUR);
    here = studio_film(f, "another one", &another);
    far_make(f, here);
    far_pass(f, 0);
    fake_restart(f);
    far_begin_at(f, "elsewhere");
    far_save(f, gone);
    far_pass(f, 0);
    assert_string_equal(far_row(f, here).place, "elsewhere");
    assert_string_equal(far_row(f, gone).place, "there");
    assert_true(far_row(f, gone).forgotten_at > 0);
}

static void several_videos_are_carried_at_a_time(void **state)
{
    struct fake *f = *state;
    struct upload upload[3];
    struct turn *t;
    unsigned n = 0;

    for (unsigned i = 0; i < 3; i++)
        studio_film(f, "an original", &upload[i]);
    t = fake_begin(f);
    fake_end(f, copies_tick(&f->self, t, 0, NULL, NULL));
    fake_settle_but_pool(f);
    for (unsigned i = 0; i < COPIES_CARRIES; i++)
        n += f->self.copies->work[i] != NULL;
    assert_int_equal(n, 2); /* far_carries */
    far_pass(f, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_true(far_holds(far_store, upload[i].blob, "an original"));
}

static void what_only_that_place_has_is_brought_for_the_loop(void **state)
{
    struct fake *f = *state;
    struct turn *t;

    far_put(far_store, "media/v/1/index.bin", "rows");
    t = fake_begin(f);
    assert_int_equal(fake_end(f, copies_bring(&f->self, t, "media/v/1/index.bin")), 0);
    fake_settle(f);
    assert_true(far_holds(copies_near(&f->self), "media/v/1/index.bin", "rows"));
}

static void a_turn_that_was_undone_keeps_nothing_from_being_brought(void **state)
{
    struct fake *f = *state;
    struct turn *t;

    far_put(far_store, "media/v/1/index.bin", "rows");
    t = fake_begin(f);
    assert_int_equal(copies_bring(&f->self, t, "media/v/1/index.bin"), 0);
    assert_int_equal(fake_end(f, ERR_STORE_FULL), ERR_STORE_FULL);
    t = fake_begin(f);
    assert_int_equal(fake_end(f, copies_bring(&f->self, t, "media/v/1/index.bin")), 0);
    fake_settle(f);
    assert_true(far_holds(copies_near(&f->self), "media/v/1/index.bin", "rows"));
}

static void while_nobody_answers_there_it_is_tried_again_ever_later_and_then_made_good(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video;
    uint64_t tries;

    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1000000}");
    video = studio_film(f, "an original", &upload);
    far_make(f, video);
    far_pass(f, AN_HOUR / 2);
    tries = far_row(f, video).tries;
    for (unsigned i = 0; i < 60; i++)
        fake_pass(f, AN_HOUR / 60);
    assert_true(far_row(f, video).tries > tries && far_row(f, video).tries < tries + 20); /* every five minutes */
    assert_non_null(strstr(far_row(f, video).error, "ERR_UNAVAILABLE"));
    assert_true(far_holds(f->self.blobs, upload.blob, "an original"));
    s3_tell("{\"clear\": true}");
    far_pass(f, 300000);
    assert_true(far_holds(far_store, upload.blob, "an original"));
    assert_null(far_row(f, video).error);
}

static void who_deletes_a_video_deletes_it_in_both(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);
    struct delete_video ask = { .id = video, .now = true };

    far_make(f, video);
    far_pass(f, 0);
    s3_tell("{\"match\": \"DELETE \", \"status\": 503, \"times\": 1}");
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &ask), 0);
    for (unsigned i = 0; i < 20; i++)
        far_pass(f, 5000);
    assert_false(far_lies(far_store, upload.blob));
    assert_false(far_lies(far_store, far_name(video, "master.m3u8")));
    assert_false(far_lies(copies_near(&f->self), far_name(video, "master.m3u8")));
    struct turn *t = fake_begin(f);
    struct copy_row row;
    assert_int_equal(copy_row_get(turn_txn(t), turn_arena(t), video, &row), ERR_NOT_FOUND);
    fake_end(f, 0);
}

static void what_is_being_copied_is_deleted_at_once_and_not_begun_again(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    far_make(f, video);
    f->now += 1000;
    fake_settle_but_pool(f); /* the copy waits for a thread */
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &((struct delete_video) { .id = video, .now = true })), 0);
    fake_settle(f);
    assert_false(far_lies(far_store, far_name(video, "master.m3u8")));
    assert_false(far_lies(copies_near(&f->self), upload.blob));
    struct turn *t = fake_begin(f);
    struct doing d;
    assert_int_equal(video_load(&f->self, t, video, &d), ERR_NOT_FOUND);
    fake_end(f, 0);
}

static void a_disk_that_was_full_stops_no_copy_and_no_deletion_for_good(void **state)
{
    struct fake *f = *state;

    for (unsigned n = 1, left = 0; left == 0; n++) {
        struct upload upload, other;
        struct id video = studio_film(f, "an original", &upload), gone = studio_film(f, "another", &other);

        f->full_at = n;
        f->busy = n % 3; /* the pool is full, too */
        for (unsigned i = 0; i < 4; i++)
            fake_pass(f, 1000);
        while (FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = gone, .now = true }) < 0)
            continue;
        for (unsigned i = 0; i < 10; i++)
            fake_pass(f, 1500);
        left = f->full_at;
        f->full_at = 0;
        if (!far_holds(far_store, upload.blob, "an original") || !far_row(f, video).original ||
            far_lies(copies_near(&f->self), other.blob) || far_lies(far_store, other.blob))
            fail_msg("not gone on with: the disk was full in turn %u", n);
        assert_true(n < 1000);
    }
}

static size_t damaged(struct fake *f)
{
    struct list_damage_reply reply = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_list_damage, &(struct list_damage) { .limit = 8 }, &reply), 0);
    return reply.items_n;
}

static void scrub_day(struct fake *f)
{
    fake_pass(f, 24 * AN_HOUR);
    for (unsigned i = 0; i < 30; i++)
        fake_pass(f, 1000);
}

static void scrub_asks_there_and_an_answer_that_does_not_come_changes_nothing(void **state)
{
    struct fake *f = *state;
    struct turn *t;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    far_make(f, video);
    far_pass(f, 0);
    far_pass(f, 2 * AN_HOUR);
    f->settings.scrub_kib_per_s = 4096;
    t = fake_begin(f);
    assert_int_equal(fake_end(f, scrub_tick(&f->self, t, 0, NULL, NULL)), 0);
    scrub_day(f);
    assert_int_equal(damaged(f), 0);
    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1000000}");
    scrub_day(f);
    assert_int_equal(damaged(f), 0);
    s3_tell("{\"clear\": true}");
    assert_int_equal(blob_delete(far_store, upload.blob), 0);
    scrub_day(f);
    assert_int_equal(damaged(f), 1);
    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1000000}");
    scrub_day(f);
    assert_int_equal(damaged(f), 1);
    s3_tell("{\"clear\": true}");
    far_put(far_store, upload.blob, "an original");
    scrub_day(f);
    assert_int_equal(damaged(f), 0);
}

static void why_says_where_the_bytes_lie(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);
    static const char *const words[] = { "original", "both", "far" };

    for (unsigned i = 0; i < 3; i++) {
        struct turn *t;
        struct doing d;
        const char *word, *says;
        int64_t since;

        if (i == 1)
            far_make(f, video);
        far_pass(f, i == 2 ? 2 * AN_HOUR : 0);
        t = fake_begin(f);
        assert_int_equal(video_load(&f->self, t, video, &d), 0);
        assert_int_equal(copies_say(&f->self, t, &d.row, &word, &since, &says), 0);
        assert_string_equal(word, words[i]);
        assert_non_null(strstr(says, "there"));
        fake_end(f, 0);
    }
}

int main(void)
{
#define with_place(test) cmocka_unit_test_setup_teardown(test, far_setup, far_teardown)
    const struct CMUnitTest tests[] = {
        with_place(the_original_is_copied_when_it_is_whole_and_the_media_when_it_is_ready),
        with_place(what_is_large_goes_here_after_its_time_and_is_read_there),
        with_place(what_a_late_run_puts_here_once_more_goes_again),
        with_place(a_full_disk_waits_for_no_time),
        with_place(what_is_not_the_same_there_stays_here),
        with_place(a_process_that_ended_goes_on_from_what_was_written_down),
        with_place(what_lay_here_before_there_was_such_a_place_is_copied_too),
        with_place(another_place_gets_what_lies_here_and_the_one_before_is_remembered),
        with_place(several_videos_are_carried_at_a_time),
        with_place(what_only_that_place_has_is_brought_for_the_loop),
        with_place(a_turn_that_was_undone_keeps_nothing_from_being_brought),
        with_place(while_nobody_answers_there_it_is_tried_again_ever_later_and_then_made_good),
        with_place(who_deletes_a_video_deletes_it_in_both),
        with_place(what_is_being_copied_is_deleted_at_once_and_not_begun_again),
        with_place(a_disk_that_was_full_stops_no_copy_and_no_deletion_for_good),
        with_place(scrub_asks_there_and_an_answer_that_does_not_come_changes_nothing),
        with_place(why_says_where_the_bytes_lie),
    };

    return cmocka_run_group_tests_name("catalog_copies", tests, s3_group_setup, s3_group_teardown);
}

/* copies_test - what a second place gets of a video, and when the local copies go. */
#include "actors/catalog/copies.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/scrub.h"
#include "actors/catalog/step.h"
#include "tests/actor/catalog/studio.h"
#include "tests/unit/blobs/s3_stage.h"

enum { AN_HOUR = 3600 * 1000 };

static const char *uri;
static struct blobs *far; /* a handle of the test's own */

static void begin_at(struct fake *f, const char *place)
{
    struct turn *t;

    copies_over(&f->self, s3_open(uri, 0, NULL), place);
    t = fake_begin(f);
    fake_end(f, copies_clock(&f->self, t, 0, NULL, NULL));
    fake_settle(f);
}

static void begin(struct fake *f)
{
    begin_at(f, "there");
}

static int copies_setup(void **state)
{
    int r = fake_setup(state);
    struct fake *f = *state;

    f->settings.keep_local_h = 2;
    f->settings.scrub_kib_per_s = 0;
    far = s3_open(uri, 1000, NULL);
    begin(f);
    return r;
}

static int copies_teardown(void **state)
{
    int r = blob_delete_tree(far, "raw/");

    if (r == 0)
        r = blob_delete_tree(far, "media/");
    blobs_close(&far);
    return r == 0 ? fake_teardown(state) : r;
}

static const char *name_of(struct id video, const char *leaf)
{
    static char name[4][200];
    static unsigned next;
    char id[ID_TEXT_SIZE], *to = name[next++ % 4];

    snprintf(to, 200, "media/%s/1/%s", id_format("video", video, id), leaf);
    return to;
}

static void put(struct blobs *blobs, const char *name, const char *text)
{
    assert_int_equal(blob_put(blobs, name, bytes_of_text(text), NULL), 0);
}

static void save(struct fake *f, struct id video)
{
    struct turn *t = fake_begin(f);
    struct doing d;
    int r = video_load(&f->self, t, video, &d);

    assert_int_equal(r, 0);
    d.row.media = MEDIA_STATE_READY;
    d.row.version = 1;
    d.written = true;
    assert_int_equal(fake_end(f, video_save(&d)), 0);
}

/* What was made of it lies there, and it is ready. */
static void make(struct fake *f, struct id video)
{
    put(copies_near(&f->self), name_of(video, "v/000001.m4s"), "a segment");
    put(copies_near(&f->self), name_of(video, "v/init.mp4"), "an init");
    put(copies_near(&f->self), name_of(video, "master.m3u8"), "a list");
    save(f, video);
}

static bool holds(struct blobs *blobs, const char *name, const char *text)
{
    char buf[64];
    size_t got;

    return blob_read(blobs, name, 0, buf, sizeof(buf), &got) == 0 && got == strlen(text) &&
           !memcmp(buf, text, got);
}

/* As somebody else finds it: who has read it may be told the same for a moment (remote.h). */
static bool holds_now(const char *name, const char *text)
{
    struct blobs *blobs = s3_open(uri, 1000, NULL);
    bool is = holds(blobs, name, text);

    blobs_close(&blobs);
    return is;
}

static bool lies(struct blobs *blobs, const char *name)
{
    struct blob_info info;

    return blob_stat(blobs, name, &info) == 0;
}

static struct copy_row row_of(struct fake *f, struct id video)
{
    struct copy_row row = { .wants = 0 };
    struct turn *t = fake_begin(f);

    assert_int_equal(copy_row_get(turn_txn(t), turn_arena(t), video, &row), 0);
    fake_end(f, 0);
    return row;
}

static void pass(struct fake *f, int64_t ms)
{
    fake_pass(f, ms);
    for (unsigned i = 0; i < 3; i++)
        fake_pass(f, 1000);
}

static void the_original_is_copied_when_it_is_whole_and_the_media_when_it_is_ready(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    put(copies_near(&f->self), name_of(video, "v/000001.m4s"), "a segment");
    pass(f, 0);
    assert_true(holds(far, upload.blob, "an original"));
    assert_false(lies(far, name_of(video, "v/000001.m4s")));
    assert_true(row_of(f, video).original && !row_of(f, video).copied_at && !row_of(f, video).due_at);
    make(f, video);
    pass(f, 0);
    assert_true(holds(far, name_of(video, "v/000001.m4s"), "a segment"));
    assert_true(holds(far, name_of(video, "master.m3u8"), "a list"));
    assert_int_equal(row_of(f, video).objects, 4);
    assert_string_equal(row_of(f, video).place, "there");
    put(copies_near(&f->self), name_of(video, "master.m3u8"), "another");
    save(f, video);
    pass(f, 0);
    assert_true(holds_now(name_of(video, "master.m3u8"), "another"));
    assert_true(lies(copies_near(&f->self), upload.blob));
}

static void what_is_large_goes_here_after_its_time_and_is_read_there(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    make(f, video);
    pass(f, 0);
    assert_true(lies(copies_near(&f->self), upload.blob));
    pass(f, AN_HOUR);
    assert_true(lies(copies_near(&f->self), upload.blob));
    pass(f, AN_HOUR);
    assert_false(lies(copies_near(&f->self), upload.blob));
    assert_false(lies(copies_near(&f->self), name_of(video, "v/000001.m4s")));
    assert_true(lies(copies_near(&f->self), name_of(video, "v/init.mp4")));
    assert_true(lies(copies_near(&f->self), name_of(video, "master.m3u8")));
    assert_true(holds(f->self.blobs, upload.blob, "an original"));
    assert_true(holds(f->self.blobs, name_of(video, "v/000001.m4s"), "a segment"));
    assert_true(row_of(f, video).forgotten_at > 0 && !row_of(f, video).forget_at);
    save(f, video); /* and it stays so */
    pass(f, 3 * AN_HOUR);
    assert_true(row_of(f, video).forgotten_at > 0 && !row_of(f, video).error);
}

static void a_full_disk_waits_for_no_time(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    f->settings.reserve_bytes = UINT64_MAX / 4;
    make(f, video);
    pass(f, 1000);
    assert_false(lies(copies_near(&f->self), upload.blob));
    assert_true(holds(f->self.blobs, upload.blob, "an original"));
}

static void what_is_not_the_same_there_stays_here(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    make(f, video);
    pass(f, 0);
    put(far, name_of(video, "v/000001.m4s"), "damaged!!");
    assert_int_equal(blob_delete(far, upload.blob), 0);
    pass(f, 2 * AN_HOUR);
    assert_true(holds(copies_near(&f->self), name_of(video, "v/000001.m4s"), "a segment"));
    assert_true(lies(copies_near(&f->self), upload.blob));
    pass(f, 60000);
    assert_non_null(strstr(row_of(f, video).error, "ERR_CHECKSUM of media/"));
    assert_true(f->counters[CATALOG_COPIES_FAILED] > 0);
    assert_true(lies(copies_near(&f->self), upload.blob));
    assert_int_equal(blob_delete(far, name_of(video, "v/000001.m4s")), 0); /* what an operator does */
    pass(f, AN_HOUR);
    assert_null(row_of(f, video).error);
    assert_true(holds(far, upload.blob, "an original"));
    pass(f, 2 * AN_HOUR);
    assert_false(lies(copies_near(&f->self), upload.blob));
}

static void a_process_that_ended_goes_on_from_what_was_written_down(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);

    make(f, video);
    fake_restart(f);
    begin(f);
    pass(f, 0);
    assert_true(holds(far, name_of(video, "v/000001.m4s"), "a segment"));
    fake_restart(f);
    begin(f);
    pass(f, 2 * AN_HOUR);
    assert_false(lies(copies_near(&f->self), upload.blob));
    assert_true(holds(f->self.blobs, upload.blob, "an original"));
}

static void what_lay_here_before_there_was_such_a_place_is_copied_too(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video;

    fake_restart(f); /* without one */
    video = studio_film(f, "an original", &upload);
    make(f, video);
    pass(f, 0);
    assert_false(lies(far, upload.blob));
    fake_restart(f);
    begin(f);
    pass(f, 0);
    assert_true(holds(far, upload.blob, "an original"));
    assert_true(row_of(f, video).copied_at > 0);
}

static void another_place_gets_what_lies_here_and_the_one_before_is_remembered(void **state)
{
    struct fake *f = *state;
    struct upload upload, another;
    struct id gone = studio_film(f, "an original", &upload), here;

    make(f, gone);
    pass(f, 0);
    pass(f, 2 * AN_HOUR);
    here = studio_film(f, "another one", &another);
    make(f, here);
    pass(f, 0);
    fake_restart(f);
    begin_at(f, "elsewhere");
    save(f, gone);
    pass(f, 0);
    assert_string_equal(row_of(f, here).place, "elsewhere");
    assert_string_equal(row_of(f, gone).place, "there");
    assert_true(row_of(f, gone).forgotten_at > 0);
}

static void what_only_that_place_has_is_brought_for_the_loop(void **state)
{
    struct fake *f = *state;
    struct turn *t;

    put(far, "media/v/1/index.bin", "rows");
    t = fake_begin(f);
    assert_int_equal(fake_end(f, copies_bring(&f->self, t, "media/v/1/index.bin")), 0);
    fake_settle(f);
    assert_true(holds(copies_near(&f->self), "media/v/1/index.bin", "rows"));
}

static void while_nobody_answers_there_it_is_tried_again_ever_later_and_then_made_good(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video;
    uint64_t tries;

    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1000000}");
    video = studio_film(f, "an original", &upload);
    make(f, video);
    pass(f, AN_HOUR / 2);
    tries = row_of(f, video).tries;
    for (unsigned i = 0; i < 60; i++)
        fake_pass(f, AN_HOUR / 60);
    assert_true(row_of(f, video).tries > tries && row_of(f, video).tries < tries + 20); /* every five minutes */
    assert_non_null(strstr(row_of(f, video).error, "ERR_UNAVAILABLE"));
    assert_true(holds(f->self.blobs, upload.blob, "an original"));
    s3_tell("{\"clear\": true}");
    pass(f, 300000);
    assert_true(holds(far, upload.blob, "an original"));
    assert_null(row_of(f, video).error);
}

static void who_deletes_a_video_deletes_it_in_both(void **state)
{
    struct fake *f = *state;
    struct upload upload;
    struct id video = studio_film(f, "an original", &upload);
    struct delete_video ask = { .id = video, .now = true };

    make(f, video);
    pass(f, 0);
    s3_tell("{\"match\": \"DELETE \", \"status\": 503, \"times\": 1}");
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &ask), 0);
    for (unsigned i = 0; i < 20; i++)
        pass(f, 5000);
    assert_false(lies(far, upload.blob));
    assert_false(lies(far, name_of(video, "master.m3u8")));
    assert_false(lies(copies_near(&f->self), name_of(video, "master.m3u8")));
    struct turn *t = fake_begin(f);
    struct copy_row row;
    assert_int_equal(copy_row_get(turn_txn(t), turn_arena(t), video, &row), ERR_NOT_FOUND);
    fake_end(f, 0);
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

    make(f, video);
    pass(f, 0);
    pass(f, 2 * AN_HOUR);
    f->settings.scrub_kib_per_s = 4096;
    t = fake_begin(f);
    assert_int_equal(fake_end(f, scrub_tick(&f->self, t, 0, NULL, NULL)), 0);
    scrub_day(f);
    assert_int_equal(damaged(f), 0);
    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1000000}");
    scrub_day(f);
    assert_int_equal(damaged(f), 0);
    s3_tell("{\"clear\": true}");
    assert_int_equal(blob_delete(far, upload.blob), 0);
    scrub_day(f);
    assert_int_equal(damaged(f), 1);
    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1000000}");
    scrub_day(f);
    assert_int_equal(damaged(f), 1);
    s3_tell("{\"clear\": true}");
    put(far, upload.blob, "an original");
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
            make(f, video);
        pass(f, i == 2 ? 2 * AN_HOUR : 0);
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
#define with_place(test) cmocka_unit_test_setup_teardown(test, copies_setup, copies_teardown)
    const struct CMUnitTest tests[] = {
        with_place(the_original_is_copied_when_it_is_whole_and_the_media_when_it_is_ready),
        with_place(what_is_large_goes_here_after_its_time_and_is_read_there),
        with_place(a_full_disk_waits_for_no_time),
        with_place(what_is_not_the_same_there_stays_here),
        with_place(a_process_that_ended_goes_on_from_what_was_written_down),
        with_place(what_lay_here_before_there_was_such_a_place_is_copied_too),
        with_place(another_place_gets_what_lies_here_and_the_one_before_is_remembered),
        with_place(what_only_that_place_has_is_brought_for_the_loop),
        with_place(while_nobody_answers_there_it_is_tried_again_ever_later_and_then_made_good),
        with_place(who_deletes_a_video_deletes_it_in_both),
        with_place(scrub_asks_there_and_an_answer_that_does_not_come_changes_nothing),
        with_place(why_says_where_the_bytes_lie),
    };
    static const char *const words[] = { NULL };
    int failed;

    uri = s3_start(words);
    failed = cmocka_run_group_tests_name("catalog_copies", tests, NULL, NULL);
    s3_stop();
    return failed;
}

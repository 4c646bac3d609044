/* jobs_test - a job that cannot be put fails the video that it is of, says why, and holds up no other. */
#include "tests/actor/catalog/studio.h"

#include <string.h>

static const struct studio film = { .seconds = 95, .width = 1280, .height = 720, .sounds = 1, .proven = true };

/* Its original lies in an object that no job can name: every job of it breaks its schema. */
static void spoil(struct fake *f, struct id id, const char *blob)
{
    struct turn *t = fake_begin(f);
    struct original_part part;

    assert_int_equal(original_part_get(turn_txn(t), turn_arena(t), id, 0, &part), 0);
    part.blob = blob;
    assert_int_equal(fake_end(f, original_part_put(turn_txn(t), &part)), 0);
}

/* As after an upgrade that understands less. */
static void spoil_probe(struct fake *f, struct id id)
{
    struct turn *t = fake_begin(f);
    struct version_row version;

    assert_int_equal(version_row_get(turn_txn(t), turn_arena(t), id, 1, &version), 0);
    version.probe = bytes_of("\x01", 1);
    assert_int_equal(fake_end(f, version_row_put(turn_txn(t), &version)), 0);
}

static void check_failed(struct fake *f, struct id id, const char *word)
{
    struct video video = studio_video(f, id);

    assert_int_equal(video.state, VIDEO_STATE_FAILED);
    assert_non_null(video.reason);
    if (!strstr(video.reason, word))
        fail_msg("\"%s\" does not say %s", video.reason, word);
}

/* A film ready to be encoded and one that is spoiled, in either order: the window comes to both. */
static void a_run_that_cannot_be_put_fails_its_video_alone(void **state)
{
    for (unsigned order = 0; order < 2; order++) {
        struct fake *f = *state;
        struct id ids[] = { studio_upload(f, 1 << 20), studio_upload(f, 1 << 20) };

        spoil(f, ids[order], "");
        studio_work(f, &film);
        check_failed(f, ids[order], "parts[0].blob");
        assert_int_equal(studio_video(f, ids[!order]).state, VIDEO_STATE_READY);
        assert_int_equal(fake_count(f, "catalog.video_failed"), order + 1);
    }
}

/* Half of its runs are made when the rest cannot be put. */
static void what_breaks_on_the_way_fails_too(void **state)
{
    struct fake *f = *state;
    struct id bad = studio_upload(f, 1 << 20), good = studio_upload(f, 1 << 20);

    f->settings.window = 1;
    assert_true(studio_probe(f, &film));
    assert_true(studio_probe(f, &film));
    for (unsigned i = 0; i < 18; i++)
        assert_true(studio_run(f, &film));
    spoil(f, bad, "");
    studio_work(f, &film);
    check_failed(f, bad, "cannot begin");
    assert_int_equal(studio_video(f, good).state, VIDEO_STATE_READY);

    spoil(f, bad, "raw/somewhere");
    struct video video;
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = bad }, &video), 0);
    studio_work(f, &film);
    assert_int_equal(studio_video(f, bad).state, VIDEO_STATE_READY);
}

static void a_retry_in_vain_says_so_again(void **state)
{
    struct fake *f = *state;
    struct id bad = studio_upload(f, 1 << 20);
    struct video video;

    spoil(f, bad, "");
    studio_work(f, &film);
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = bad }, &video), 0);
    fake_settle(f);
    check_failed(f, bad, "parts[0].blob");
}

static void a_plan_that_cannot_be_read_fails_its_video_alone(void **state)
{
    struct fake *f = *state;
    struct id bad = studio_upload(f, 1 << 20), good = studio_upload(f, 1 << 20);

    f->settings.window = 1;
    assert_true(studio_probe(f, &film));
    spoil_probe(f, bad);
    f->settings.window = 64;
    studio_probe(f, &film);
    check_failed(f, bad, "cannot be read");
    assert_int_equal(studio_video(f, good).state, VIDEO_STATE_PROCESSING);
}

static void a_probe_that_cannot_be_put_fails_its_video(void **state)
{
    struct fake *f = *state;
    struct id bad, good;
    struct turn *t;

    bad = studio_upload(f, 1 << 20);
    good = studio_upload(f, 1 << 20);
    spoil(f, bad, "");
    fake_pass(f, 1000);
    t = fake_begin(f);
    assert_int_equal(fake_end(f, catalog_actor.lost(&f->self, t, "transcode")), 0);
    check_failed(f, bad, "parts[0].blob");
    assert_int_equal(fake_count(f, "transcode.probe"), 3); /* the two at first, and the good one's again */
    studio_work(f, &film);
    assert_int_equal(studio_video(f, good).state, VIDEO_STATE_READY);
}

static void runs_that_are_asked_for_again_fail_only_who_cannot(void **state)
{
    struct fake *f = *state;
    struct id bad = studio_upload(f, 1 << 20), good = studio_upload(f, 1 << 20);
    struct turn *t;

    assert_true(studio_probe(f, &film));
    assert_true(studio_probe(f, &film));
    spoil(f, bad, "");
    t = fake_begin(f);
    assert_int_equal(fake_end(f, catalog_actor.lost(&f->self, t, "transcode")), 0);
    check_failed(f, bad, "parts[0].blob");
    studio_work(f, &film);
    assert_int_equal(studio_video(f, good).state, VIDEO_STATE_READY);
}

static void a_poster_that_cannot_be_asked_for_says_so(void **state)
{
    struct choose_poster ask = { .at_ms = 2000 };
    struct fake *f = *state;
    struct video video;

    ask.id = studio_upload(f, 1 << 20);
    studio_work(f, &film);
    spoil(f, ask.id, "");
    assert_int_equal(FAKE_CALL(f, catalog_choose_poster, &ask, &video), ERR_UNSUPPORTED);
    assert_non_null(strstr(f->detail, "parts[0].blob"));
    assert_int_equal(studio_video(f, ask.id).state, VIDEO_STATE_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(a_run_that_cannot_be_put_fails_its_video_alone),
        with_fake(what_breaks_on_the_way_fails_too),
        with_fake(a_retry_in_vain_says_so_again),
        with_fake(a_plan_that_cannot_be_read_fails_its_video_alone),
        with_fake(a_probe_that_cannot_be_put_fails_its_video),
        with_fake(runs_that_are_asked_for_again_fail_only_who_cannot),
        with_fake(a_poster_that_cannot_be_asked_for_says_so),
    };

    return cmocka_run_group_tests_name("catalog_jobs", tests, NULL, NULL);
}

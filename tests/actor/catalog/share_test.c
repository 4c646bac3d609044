/* share_test - which run goes next, and how long the rest takes, with a studio that answers at once. */
#include "tests/actor/catalog/studio.h"

#include <string.h>

#include "broker/client/bus.h"

static const struct studio film = { .seconds = 95, .width = 1280, .height = 720, .sounds = 1, .proven = true };
static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

static void no_job_covers_a_whole_film_and_the_window_bounds_them(void **state)
{
    const struct studio hour = { .seconds = 3600, .width = 1920, .height = 1080, .sounds = 2, .proven = true };
    struct fake *f = *state;
    unsigned done = 0;

    studio_upload(f, 1 << 20);
    assert_true(studio_probe(f, &hour));
    fake_settle(f);
    assert_true(fake_count(f, "transcode.encode_run") <= f->settings.window);
    for (;;) {
        struct fake_sent *sent = fake_take(f, "transcode.encode_run");
        struct encode_run job;
        uint64_t frames = 0;

        if (!sent)
            break;
        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
        for (size_t i = 0; i < job.segments_n; i++)
            frames += job.segments[i].frames;
        assert_true(job.kind == RUN_KIND_AUDIO ? frames * 1024 <= 125 * 48000 : frames <= 30 * 25);
        assert_int_equal(studio_answer(f, &job, sent->job, &hour), 0);
        assert_true(fake_count(f, "transcode.encode_run") - ++done <= f->settings.window);
        fake_settle(f);
    }
    assert_int_equal(fake_count(f, "catalog.video_ready"), 1);
    assert_true(done > 240);
}

static void the_first_seconds_go_ahead_of_everything(void **state)
{
    struct fake *f = *state;

    f->settings.window = 2;
    studio_upload(f, 1 << 20);
    assert_true(studio_probe(f, &film)); /* its first runs, and no more than the window */
    unsigned before = fake_count(f, "transcode.encode_run");
    struct id second = studio_upload(f, 1 << 20);
    assert_true(studio_probe(f, &film));
    assert_int_equal(fake_count(f, "transcode.encode_run"), before + 8); /* the window is full, and yet */
    for (unsigned i = 0; i < 4; i++)
        assert_true(studio_run(f, &film));
    fake_settle(f);
    assert_int_equal(studio_video(f, second).state, VIDEO_STATE_PLAYABLE);
}

/* Jobs with this priority that nobody has taken yet. */
static unsigned urgent(struct fake *f)
{
    unsigned n = 0;

    for (size_t i = 0; i < f->sent_n; i++)
        n += strcmp(f->sent[i].name, "transcode.encode_run") == 0 && f->sent[i].priority >= BUS_URGENT;
    return n;
}

static void what_is_seen_first_waits_for_no_worker_and_the_rest_does(void **state)
{
    struct fake *f = *state;

    studio_upload(f, 1 << 20);
    studio_work(f, &film);
    assert_int_equal(urgent(f), 8); /* four runs of the preview, 24 s, and four of the sound */
    studio_upload(f, 1 << 20);
    studio_work(f, &clip); /* without a preview: its only two runs of pictures */
    assert_int_equal(urgent(f), 8 + 2 * 3);
}

static void two_videos_share_the_window_evenly(void **state)
{
    struct fake *f = *state;
    struct id first = studio_upload(f, 1 << 20), second = studio_upload(f, 1 << 20);

    f->settings.window = 2;
    studio_probe(f, &film);
    studio_probe(f, &film);
    for (unsigned i = 0; i < 16; i++)
        assert_true(studio_run(f, &film));
    int64_t a = (int64_t)studio_video(f, first).runs_done, b = (int64_t)studio_video(f, second).runs_done;
    assert_true(a - b <= 2 && b - a <= 2);
}

static void how_long_the_rest_takes_follows_from_the_pace(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    uint64_t before = UINT64_MAX;
    unsigned told = 0;

    assert_true(studio_probe(f, &film));
    assert_int_equal(studio_video(f, id).left_ms, 0);
    while (studio_run(f, &film)) {
        struct video video = studio_video(f, id);

        if (video.left_ms) {
            assert_true(video.left_ms < 3600 * 1000);
            told++;
        }
        before = video.left_ms;
        fake_pass(f, 10000);
    }
    assert_true(told > 10);
    assert_int_equal(before, 0); /* the last one done */
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
}

static void accounts_share_the_work_whatever_the_number_of_their_videos(void **state)
{
    struct fake *f = *state;
    struct id many[4], one;
    uint64_t total = 0;

    f->settings.window = 1;
    for (unsigned i = 0; i < 4; i++)
        many[i] = studio_upload(f, 1 << 20);
    fake_be(f, 7, ROLE_CREATOR);
    one = studio_upload(f, 1 << 20);
    while (studio_probe(f, &film))
        fake_settle(f);
    for (;;) {
        assert_true(studio_run(f, &film));
        fake_settle(f);
        if (studio_video(f, one).state == VIDEO_STATE_READY)
            break;
    }
    fake_be(f, 1, ROLE_CREATOR);
    for (unsigned i = 0; i < 4; i++)
        total += studio_video(f, many[i]).runs_done;
    uint64_t first = studio_video(f, many[0]).runs_done, last = studio_video(f, many[3]).runs_done;
    assert_true(first > last); /* the one that came first goes first */
    /* All have previews, sounds and images, as the last has them; of the rest they have no more than the other account. */
    assert_true(total - 4 * last <= studio_video(f, one).runs_total - last);
    studio_work(f, &film);
}

/* Of two videos the later one goes on first, once somebody watches it; and who only looks at a list changes nothing. */
static void a_video_that_is_watched_while_it_is_made_goes_before_the_others(void **state)
{
    struct fake *f = *state;
    struct id first, second;

    f->settings.window = 1;
    first = studio_upload(f, 1 << 20);
    second = studio_upload(f, 1 << 20);
    studio_probe(f, &film);
    studio_probe(f, &film);
    for (unsigned i = 0; i < 16; i++) /* the first seconds of both */
        assert_true(studio_run(f, &film));
    fake_settle(f);
    for (unsigned watch = 0; watch < 2; watch++) {
        uint64_t before[] = { studio_video(f, first).runs_done, studio_video(f, second).runs_done };

        if (watch)
            assert_int_equal(FAKE_CALL(f, catalog_note_watched, &(struct note_watched) { .id = second }), 0);
        assert_true(studio_run(f, &film)); /* the window's one, released before */
        assert_true(studio_run(f, &film));
        assert_true(studio_run(f, &film));
        if (watch)
            assert_true(studio_video(f, second).runs_done >= before[1] + 2);
        else
            assert_true(studio_video(f, second).runs_done <= before[1] + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(no_job_covers_a_whole_film_and_the_window_bounds_them),
        with_fake(the_first_seconds_go_ahead_of_everything),
        with_fake(what_is_seen_first_waits_for_no_worker_and_the_rest_does),
        with_fake(two_videos_share_the_window_evenly),
        with_fake(accounts_share_the_work_whatever_the_number_of_their_videos),
        with_fake(a_video_that_is_watched_while_it_is_made_goes_before_the_others),
        with_fake(how_long_the_rest_takes_follows_from_the_pace),
    };

    return cmocka_run_group_tests_name("catalog_share", tests, NULL, NULL);
}

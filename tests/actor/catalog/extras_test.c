/* extras_test - what a video has beside pictures and sounds: texts, chapters, a storyboard; and its pictures in other codecs. */
#include "tests/actor/catalog/studio.h"

#include <string.h>

static const struct studio film = { .seconds = 95, .width = 1280, .height = 720, .sounds = 1, .proven = true };

static void texts_and_chapters_come_with_the_final_playlists(void **state)
{
    const struct studio words = {
        .seconds = 30, .width = 640, .height = 360, .sounds = 1, .texts = 3, .proven = true
    };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct playable playable = { .version = 0 };

    studio_work(f, &words);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable), 0);
    assert_int_equal(playable.tracks_n, 2 + 1 + 2); /* the second text has no cue */
    assert_string_equal(playable.tracks[3].kind, "text");
    assert_string_equal(playable.tracks[3].name, "en");
    assert_string_equal(playable.tracks[4].name, "en 3");
    assert_int_equal(playable.chapters_n, 2);
    assert_string_equal(playable.chapters[0].title, "Chapter 1");
    assert_string_equal(playable.chapters[1].title, "Second");
}

/* It is asked for when the smallest rung is whole, and what it reads is that rung. */
static void the_storyboard_is_made_of_the_smallest_rung(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct playable playable = { .version = 0 };
    struct fake_sent *sent;
    uint64_t frames = 0;
    bool found = false;

    assert_true(studio_probe(f, &film));
    for (fake_settle(f); (sent = fake_take(f, "transcode.encode_run")); fake_settle(f)) {
        struct encode_run job;

        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
        for (size_t i = 0; i < job.renditions_n; i++)
            for (size_t k = 0; strcmp(job.renditions[i].dir, "v/h264-240") == 0 && k < job.segments_n; k++)
                frames += job.segments[k].frames;
        if (job.kind == RUN_KIND_BOARD) {
            found = true;
            assert_int_equal(frames, film.seconds * 25);
            assert_int_equal(job.parts_n, 1 + (film.seconds + 1) / 2);
            assert_non_null(strstr(job.parts[0].blob, "v/h264-240/init.mp4"));
            assert_non_null(strstr(job.parts[1].blob, "v/h264-240/000001.m4s"));
            assert_int_equal(job.parts[1].offset, job.parts[0].length);
            assert_int_equal(job.length, job.parts[job.parts_n - 1].offset + job.parts[job.parts_n - 1].length);
        }
        assert_int_equal(studio_answer(f, &job, sent->job, &film), 0);
    }
    assert_true(found);
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable), 0);
    assert_true(playable.has_storyboard);
}

static void dead_texts_are_no_failure(void **state)
{
    const struct studio words = {
        .seconds = 30, .width = 640, .height = 360, .sounds = 1, .texts = 1, .proven = true
    };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct playable playable = { .version = 0 };
    struct fake_sent *sent;

    assert_true(studio_probe(f, &words));
    for (fake_settle(f); (sent = fake_take(f, "transcode.encode_run")); fake_settle(f)) {
        struct encode_run job;

        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
        if (job.kind == RUN_KIND_TEXT)
            assert_int_equal(FAKE_CALL(f, catalog_on_run_dead, &(struct run_dead) { .job_id = sent->job }), 0);
        else
            assert_int_equal(studio_answer(f, &job, sent->job, &words), 0);
    }
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable), 0);
    assert_int_equal(playable.tracks_n, 2 + 1);
}

static struct encode_run poster_job(struct fake *f, struct id *ret_job)
{
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    struct encode_run job;

    assert_non_null(sent);
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(job.kind, RUN_KIND_POSTER);
    assert_null(fake_take(f, "transcode.encode_run"));
    *ret_job = sent->job;
    return job;
}

static int choose(struct fake *f, struct id id, uint64_t at_ms)
{
    struct choose_poster ask = { .id = id, .at_ms = at_ms };
    struct video video;

    return FAKE_CALL(f, catalog_choose_poster, &ask, &video);
}

static void a_chosen_moment_is_the_poster_once_it_is_made(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20), first, second;
    struct encode_run job;
    unsigned written;

    assert_true(studio_probe(f, &film));
    assert_int_equal(choose(f, id, 0), ERR_CONFLICT);
    studio_work(f, &film);
    assert_int_equal(studio_video(f, id).poster, 1);
    assert_int_equal(choose(f, id, film.seconds * 1000), ERR_INVALID);
    fake_be(f, 2, ROLE_CREATOR);
    assert_int_equal(choose(f, id, 0), ERR_NOT_FOUND);
    fake_be(f, 1, ROLE_CREATOR);

    written = (unsigned)f->counters[CATALOG_PLAYLISTS_WRITTEN];
    assert_int_equal(choose(f, id, 7040), 0);
    job = poster_job(f, &first);
    assert_int_equal(job.at_ms, 7040);
    assert_true(job.exact);
    assert_string_equal(job.images[0].name, "poster-2.jpg");
    assert_string_equal(job.images[1].name, "poster-2-640.jpg");
    assert_int_equal(choose(f, id, 9000), 0);
    struct encode_run later = poster_job(f, &second);
    assert_string_equal(later.images[0].name, "poster-3.jpg");
    assert_int_equal(studio_answer(f, &later, second, &film),
                     0); /* the one asked for last was faster, and stays */
    assert_int_equal(studio_answer(f, &job, first, &film), 0);
    fake_settle(f);
    assert_int_equal(studio_video(f, id).poster, 3);
    assert_int_equal(studio_video(f, id).runs_done, studio_video(f, id).runs_total);
    assert_int_equal(f->counters[CATALOG_PLAYLISTS_WRITTEN], written);

    f->settings.posters = 3;
    assert_int_equal(choose(f, id, 1), ERR_CONFLICT);
    f->settings.posters = 4;
    assert_int_equal(choose(f, id, 1), 0);
    poster_job(f, &first);
    assert_int_equal(FAKE_CALL(f, catalog_on_run_dead, &(struct run_dead) { .job_id = first }), 0);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_int_equal(studio_video(f, id).poster, 3);
}

/* ---- other codecs */

static struct playable playable_of(struct fake *f, struct id id)
{
    struct playable playable = { .version = 0 };

    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable), 0);
    return playable;
}

static struct extra_ladder extra_of_version(struct fake *f, struct id id, size_t n)
{
    struct version_row version = { 0 };
    struct turn *t = fake_begin(f);

    assert_int_equal(version_row_get(t->txn, f->arena, id, 1, &version), 0);
    fake_end(f, 0);
    assert_true(n < version.extras_n);
    return version.extras[n];
}

static int ask_codec(struct fake *f, struct id id, enum picture_codec codec)
{
    struct subject was = f->subject;
    struct video video;
    int r;

    fake_be(f, 9, ROLE_ADMIN);
    r = FAKE_CALL(f, catalog_add_codec, &((struct add_codec) { .id = id, .codec = codec }), &video);
    f->subject = was;
    return r;
}

/* The codec of the next run. */
static enum picture_codec answer_next(struct fake *f, uint8_t *ret_priority)
{
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    struct encode_run job;

    if (!sent)
        return 0;
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(studio_answer(f, &job, sent->job, &film), 0);
    fake_settle(f);
    *ret_priority = sent->priority;
    return job.kind == RUN_KIND_VIDEO ? job.renditions[0].codec : PICTURE_CODEC_H264;
}

static void other_codecs_come_when_it_is_ready_and_in_playlists_of_their_own(void **state)
{
    struct fake *f = *state;
    enum picture_codec codec;
    uint8_t priority, least = 255;

    f->settings.extra_codecs = EXTRA_CODECS_BOTH;
    struct id id = studio_upload(f, 1 << 20);
    assert_true(studio_probe(f, &film));
    fake_settle(f);
    while (studio_video(f, id).state != VIDEO_STATE_READY) {
        assert_int_equal(answer_next(f, &priority), PICTURE_CODEC_H264);
        least = priority < least ? priority : least;
    }
    struct video ready = studio_video(f, id);
    assert_string_equal(playable_of(f, id).hls, "master.m3u8");
    while ((codec = answer_next(f, &priority))) {
        assert_int_not_equal(codec, PICTURE_CODEC_H264);
        assert_true(priority < least);
        assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    }
    assert_string_equal(playable_of(f, id).hls, "master-3.m3u8");
    assert_string_equal(playable_of(f, id).dash, "manifest-3.mpd");
    assert_true(extra_of_version(f, id, 0).whole_at && extra_of_version(f, id, 1).whole_at);
    assert_int_equal(studio_video(f, id).runs_done, ready.runs_done); /* nothing of it is progress of the video */
    assert_int_equal(studio_video(f, id).runs_total, ready.runs_total);
    assert_int_equal(fake_count(f, "catalog.video_ready"), 1);
}

static void a_codec_that_fails_costs_the_video_nothing_and_may_be_asked_for_again(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    studio_work(f, &film);
    assert_int_equal(ask_codec(f, id, PICTURE_CODEC_H264), ERR_INVALID);
    assert_int_equal(ask_codec(f, id, PICTURE_CODEC_AV1), 0);
    assert_int_equal(ask_codec(f, id, PICTURE_CODEC_AV1), ERR_CONFLICT);
    assert_true(studio_run(f, &film));
    assert_true(studio_kill_run(f, "it is out of memory"));
    assert_true(extra_of_version(f, id, 0).given_up);
    studio_work(f, &film); /* those that were on their way */
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_string_equal(playable_of(f, id).hls, "master.m3u8");
    assert_int_equal(ask_codec(f, id, PICTURE_CODEC_HEVC), 0);
    assert_int_equal(ask_codec(f, id, PICTURE_CODEC_AV1), 0);
    studio_work(f, &film);
    assert_true(extra_of_version(f, id, 0).given_up && extra_of_version(f, id, 2).whole_at);
    assert_int_equal(ask_codec(f, id, PICTURE_CODEC_AV1), ERR_CONFLICT);
    assert_string_equal(playable_of(f, id).hls, "master-3.m3u8");
    assert_int_equal(studio_video(f, id).runs_done, studio_video(f, id).runs_total);
}

static void new_videos_go_before_other_codecs_of_ready_ones(void **state)
{
    struct fake *f = *state;
    uint8_t priority;

    f->settings.window = 1;
    studio_upload(f, 1 << 20);
    studio_work(f, &film);
    f->settings.extra_codecs = EXTRA_CODECS_HEVC;
    struct id second = studio_upload(f, 1 << 20), third;
    studio_work(f, &film);
    assert_string_equal(playable_of(f, second).hls, "master-2.m3u8");
    third = studio_upload(f, 1 << 20);
    while (studio_probe(f, &film))
        fake_settle(f);
    assert_int_equal(ask_codec(f, second, PICTURE_CODEC_AV1), 0);
    while (studio_video(f, third).state != VIDEO_STATE_READY)
        assert_int_not_equal(answer_next(f, &priority), PICTURE_CODEC_AV1);
    studio_work(f, &film);
    assert_string_equal(playable_of(f, second).hls, "master-3.m3u8");
}

static void only_what_is_watched_often_enough_gets_them(void **state)
{
    struct fake *f = *state;

    f->settings.extra_codecs = EXTRA_CODECS_AV1;
    f->settings.extra_codecs_after_plays = 3;
    struct id id = studio_upload(f, 1 << 20);
    studio_work(f, &film);
    for (unsigned plays = 0; plays < 3; plays++) {
        assert_true(playable_of(f, id).counts);
        assert_null(fake_take(f, "transcode.encode_run"));
        assert_int_equal(FAKE_CALL(f, catalog_note_watched, &(struct note_watched) { .id = id }), 0);
    }
    assert_false(playable_of(f, id).counts);
    studio_work(f, &film);
    assert_string_equal(playable_of(f, id).hls, "master-2.m3u8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(texts_and_chapters_come_with_the_final_playlists),
        with_fake(dead_texts_are_no_failure),
        with_fake(a_chosen_moment_is_the_poster_once_it_is_made),
        with_fake(the_storyboard_is_made_of_the_smallest_rung),
        with_fake(other_codecs_come_when_it_is_ready_and_in_playlists_of_their_own),
        with_fake(a_codec_that_fails_costs_the_video_nothing_and_may_be_asked_for_again),
        with_fake(new_videos_go_before_other_codecs_of_ready_ones),
        with_fake(only_what_is_watched_often_enough_gets_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

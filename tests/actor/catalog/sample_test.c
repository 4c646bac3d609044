/* sample_test - moments of a long film decide which sizes are made of it. */
#include "tests/actor/catalog/studio.h"

#include <string.h>

enum { SECONDS = 700 };

static const struct studio screen = {
    .seconds = SECONDS, .width = 1280, .height = 720, .sounds = 1, .proven = true, .flat = true
};
static const struct studio film = {
    .seconds = SECONDS, .width = 1280, .height = 720, .sounds = 1, .proven = true
};

struct seen {
    unsigned samples, before, whole, without_480; /* runs; before: of the ladder while moments were not known */
};

static bool has(const struct encode_run *job, const char *dir)
{
    for (size_t i = 0; i < job->renditions_n; i++)
        if (strcmp(job->renditions[i].dir, dir) == 0)
            return true;
    return false;
}

static void look_at(const struct encode_run *job, struct seen *seen)
{
    if (job->kind != RUN_KIND_VIDEO)
        return;
    if (job->sample) {
        seen->samples++;
        assert_int_equal(job->segments_n, 1);
        assert_int_equal(job->segments[0].frames, job->gop);
        assert_int_equal(job->first % job->gop, 0);
        for (size_t i = 0; i < job->renditions_n; i++)
            assert_memory_equal(job->renditions[i].dir, "s/", 2);
        assert_int_equal(job->renditions_n, 4);
    } else if (has(job, "v/h264-720")) {
        seen->before += seen->samples < 6;
        seen->whole += has(job, "v/h264-480");
        seen->without_480 += !has(job, "v/h264-480");
    }
}

/* Works through all jobs; moments are given up when `kill` says so. */
static struct seen work(struct fake *f, const struct studio *s, bool kill)
{
    struct seen seen = { 0 };
    struct fake_sent *sent;

    for (fake_settle(f); studio_probe(f, s);)
        fake_settle(f);
    for (; (sent = fake_take(f, "transcode.encode_run")); fake_settle(f)) {
        struct encode_run job;

        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
        look_at(&job, &seen);
        if (job.sample && kill)
            assert_int_equal(studio_give_up(f, sent->job), 0);
        else
            assert_int_equal(studio_answer(f, &job, sent->job, s), 0);
    }
    return seen;
}

static unsigned sizes(struct fake *f, struct id id)
{
    struct playable playable = { 0 };
    unsigned n = 0;

    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable), 0);
    for (size_t i = 0; i < playable.tracks_n; i++)
        n += strcmp(playable.tracks[i].kind, "video") == 0;
    return n;
}

static void assert_ready(struct fake *f, struct id id, unsigned expected)
{
    struct video video = studio_video(f, id);

    assert_int_equal(video.state, VIDEO_STATE_READY);
    assert_int_equal(video.runs_done, video.runs_total);
    assert_int_equal(sizes(f, id), expected);
}

static bool why_says(struct fake *f, struct id id, const char *what, const char *state)
{
    struct why_reply why = { 0 };
    bool found = false;

    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = id }, &why), 0);
    for (size_t i = 0; i < why.parts_n; i++)
        found |= strcmp(why.parts[i].what, what) == 0 && strcmp(why.parts[i].state, state) == 0;
    return found;
}

static void a_size_that_little_is_gained_by_is_not_made(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct seen seen = work(f, &screen, false);

    assert_int_equal(seen.samples, 6);
    assert_int_equal(seen.before, 0);
    assert_int_equal(seen.whole, 0);
    assert_true(seen.without_480 > 20);
    assert_ready(f, id, 3);
    assert_true(why_says(f, id, "854x480", "left out"));
}

static void a_rich_film_keeps_its_whole_ladder(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct seen seen = work(f, &film, false);

    assert_int_equal(seen.samples, 6);
    assert_int_equal(seen.without_480, 0);
    assert_ready(f, id, 4);
}

static void moments_that_cannot_be_had_change_nothing(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct seen seen = work(f, &screen, true);

    assert_int_equal(seen.samples, 6);
    assert_int_equal(seen.without_480, 0);
    assert_ready(f, id, 4);
}

static void of_a_short_film_or_where_they_are_not_wanted_there_are_none(void **state)
{
    struct fake *f = *state;
    struct studio part = screen;
    struct id id = studio_upload(f, 1 << 20);

    part.seconds = 599;
    assert_int_equal(work(f, &part, false).samples, 0);
    assert_ready(f, id, 4);
    f->settings.sample_from_s = 0;
    id = studio_upload(f, 1 << 20);
    assert_int_equal(work(f, &screen, false).samples, 0);
    assert_ready(f, id, 4);
}

static bool has_begun(struct fake *f)
{
    bool found = false;

    for (size_t i = 0; i < f->sent_n; i++) {
        struct encode_run job;

        if (strcmp(f->sent[i].name, "transcode.encode_run") != 0)
            continue;
        assert_int_equal(wire_unpack(&encode_run_type, f->sent[i].body, f->arena, &job, NULL), 0);
        found |= has(&job, "v/h264-720");
    }
    return found;
}

/* While bytes still arrive nobody waits for the rest of them: the ladder begins as it is for any film. */
static void a_ladder_that_has_begun_stays_what_it_is(void **state)
{
    struct fake *f = *state;
    struct id id;

    f->settings.sample_from_s = 0;
    id = studio_upload(f, 1 << 20);
    for (fake_settle(f); studio_probe(f, &screen);)
        fake_settle(f);
    while (!has_begun(f))
        assert_true(studio_run(f, &screen));
    f->settings.sample_from_s = 600;
    assert_int_equal(work(f, &screen, false).samples, 0);
    assert_ready(f, id, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(a_size_that_little_is_gained_by_is_not_made),
        with_fake(a_rich_film_keeps_its_whole_ladder),
        with_fake(moments_that_cannot_be_had_change_nothing),
        with_fake(of_a_short_film_or_where_they_are_not_wanted_there_are_none),
        with_fake(a_ladder_that_has_begun_stays_what_it_is),
    };

    return cmocka_run_group_tests_name("catalog_sample", tests, NULL, NULL);
}

/* Plans as a table of sources: what is made of each, and that no job covers a film. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "actors/catalog/media/plan.h"
#include "gen/errors.h"

struct source {
    const char *what;
    unsigned width, height, num, den, ms;
    bool interlaced, proven;
    unsigned sounds;
    /* expected */
    const char *rungs;             /* sizes, largest first */
    unsigned gop, tracks, preview; /* preview: the rung's index */
};

static const struct source sources[] = {
    { "1080p25", 1920, 1080, 25, 1, 120000, false, true, 1, "1920x1080 1280x720 854x480 640x360 426x240", 50, 5,
      3 },
    { "720p29.97", 1280, 720, 30000, 1001, 61000, false, true, 1, "1280x720 854x480 640x360 426x240", 60, 5, 2 },
    { "short", 1280, 720, 24, 1, 60000, false, true, 1, "1280x720 854x480 640x360 426x240", 48, 4, 2 },
    { "portrait", 1080, 1920, 30, 1, 120000, false, true, 1, "1080x1920 720x1280 480x854 360x640 240x426", 60, 5,
      3 },
    { "60p", 1920, 1080, 60, 1, 120000, false, true, 1, "1920x1080 1280x720 854x480 640x360 426x240", 120, 5, 3 },
    { "120p", 1280, 720, 120, 1, 120000, false, true, 1, "1280x720 854x480 640x360 426x240", 120, 5, 2 },
    { "4K is capped", 3840, 2160, 25, 1, 120000, false, true, 1, "1920x1080 1280x720 854x480 640x360 426x240", 50,
      5, 3 },
    { "silent", 640, 360, 25, 1, 120000, false, true, 0, "640x360 426x240", 50, 4, 0 },
    { "sound alone", 0, 0, 0, 0, 240000, false, true, 2, "", 1, 2, 0 },
};

static struct probe_done probe_of(const struct source *s, struct probed_track tracks[4])
{
    struct probe_done probe = { .outcome = PROBE_OUTCOME_OK,
                                .duration_ms = s->ms,
                                .tracks = tracks,
                                .proof = s->proven ? DURATION_PROOF_INDEX : DURATION_PROOF_HEADER };

    if (s->width) {
        tracks[probe.tracks_n++] = (struct probed_track) {
            .kind = TRACK_KIND_VIDEO,
            .usable = true,
            .duration_ms = s->ms,
            .has_video = true,
            .video = { .width = s->width,
                       .height = s->height,
                       .display_width = s->width,
                       .display_height = s->height,
                       .fps_num = s->num,
                       .fps_den = s->den,
                       .interlaced = s->interlaced },
        };
        probe.has_video_track = true;
    }
    for (unsigned i = 0; i < s->sounds; i++)
        tracks[probe.tracks_n++] = (struct probed_track) {
            .index = 1 + i,
            .kind = TRACK_KIND_AUDIO,
            .usable = true,
            .duration_ms = s->ms,
            .has_audio = true,
            .language = "en",
            .audio = { .rate = 44100, .channels = 2 },
        };
    return probe;
}

static struct plan plan_of(const struct source *s)
{
    struct probed_track tracks[4];
    struct probe_done probe = probe_of(s, tracks);
    struct plan plan;
    char reason[300];

    assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), 0);
    return plan;
}

static void each_source_gets_the_ladder_it_can_fill(void **state)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const struct source *s = &sources[i];
        struct plan plan = plan_of(s);
        char rungs[256] = "";

        for (size_t k = 0; plan.has_video && k < plan.ladder.rungs_n; k++)
            snprintf(rungs + strlen(rungs), sizeof(rungs) - strlen(rungs), "%s%ux%u", k ? " " : "",
                     plan.ladder.rungs[k].width, plan.ladder.rungs[k].height);
        if (strcmp(rungs, s->rungs) != 0 || plan.grid.gop != s->gop || plan.tracks_n != s->tracks ||
            (plan.has_video && plan.ladder.preview != s->preview))
            fail_msg("%s: rungs %s, gop %u, tracks %zu, preview %zu", s->what, rungs, plan.grid.gop, plan.tracks_n,
                     plan.ladder.preview);
    }
}

static void every_rung_is_even_and_no_larger_than_the_source(void **state)
{
    for (unsigned width = 16; width < 4000; width += 37) {
        for (unsigned height = 16; height < 2300; height += 61) {
            struct source s = {
                .width = width, .height = height, .num = 25, .den = 1, .ms = 70000, .proven = true
            };
            struct plan plan = plan_of(&s);

            assert_true(plan.ladder.rungs_n >= 1);
            for (size_t k = 0; k < plan.ladder.rungs_n; k++) {
                const struct ladder_rung *r = &plan.ladder.rungs[k];

                assert_true(r->width % 2 == 0 && r->height % 2 == 0 && r->width >= 2 && r->height >= 2);
                assert_true(r->width <= width + 1 && r->height <= height + 1);
                assert_true(plan.grid.gop % (r->fps_div ? r->fps_div : 1) == 0);
            }
        }
    }
}

/* Runs of every track, one behind the other, make up the whole timeline without a gap, and none is long. */
static void runs_cover_the_timeline_and_none_covers_a_film(void **state)
{
    struct source s = sources[0];
    struct arena *arena = arena_new();

    s.ms = 3601234;
    struct plan plan = plan_of(&s);
    for (size_t track = 0; track < plan.tracks_n; track++) {
        uint64_t at = 0, number = 1;
        struct encode_run job;

        if (plan.tracks[track].kind == PLAN_POSTER || plan.tracks[track].kind == PLAN_BOARD)
            continue;
        for (uint32_t run = 1; run <= plan_runs(&plan, track); run++) {
            uint64_t frames = 0;

            assert_int_equal(plan_run(&plan, track, run, arena, &job), 0);
            assert_int_equal(job.first, at);
            for (size_t i = 0; i < job.segments_n; i++) {
                assert_int_equal(job.segments[i].number, number++);
                frames += job.segments[i].frames;
            }
            at += frames;
            if (job.kind == RUN_KIND_VIDEO)
                assert_true(frames <= 30 * 25);
            else
                assert_true(frames * 1024 <= 121 * 48000);
        }
        assert_int_equal(plan_run(&plan, track, plan_runs(&plan, track) + 1, arena, &job), ERR_NOT_FOUND);
        if (plan.tracks[track].kind == PLAN_AUDIO) /* within one AAC frame of the picture's end */
            assert_true(at * 1024 * 25 >= plan.grid.frames * 48000 &&
                        (at - 1) * 1024 * 25 <= plan.grid.frames * 48000);
        else
            assert_int_equal(at, plan.grid.frames);
    }
    arena_free(&arena);
}

static void the_first_run_is_one_short_segment(void **state)
{
    struct arena *arena = arena_new();
    struct plan plan = plan_of(&sources[0]);
    struct encode_run job;

    assert_int_equal(plan.tracks[0].kind, PLAN_PREVIEW);
    assert_int_equal(plan_run(&plan, 0, 1, arena, &job), 0);
    assert_int_equal(job.segments_n, 1);
    assert_int_equal(job.segments[0].frames, 50);
    assert_int_equal(job.renditions_n, 1);
    assert_string_equal(job.renditions[0].dir, "v/h264-360");
    arena_free(&arena);
}

static void an_unproven_length_leaves_the_end_open(void **state)
{
    struct source s = sources[0];

    s.proven = false;
    struct plan plan = plan_of(&s);
    assert_int_equal(plan.grid.frames, 0);
    assert_int_equal(plan_runs(&plan, 0), 0);
    plan_end(&plan, 925);
    assert_true(plan_runs(&plan, 0) > 1);
}

static void of_sound_alone_no_second_is_lost(void **state)
{
    struct arena *arena = arena_new();
    struct source s = sources[8];
    struct encode_run job;

    s.ms = 2740;
    struct plan plan = plan_of(&s);
    assert_int_equal(plan.grid.frames, 2);
    assert_int_equal(plan_run(&plan, 0, 1, arena, &job), 0);
    assert_false(job.pad); /* it ends where it ends */
    s.ms = 4000;
    plan = plan_of(&s);
    assert_int_equal(plan.grid.frames, 2);
    arena_free(&arena);
}

static void what_cannot_be_shown_says_why(void **state)
{
    struct probe_done nothing = { .outcome = PROBE_OUTCOME_OK };
    struct source s = sources[0];
    struct probed_track tracks[4];
    struct plan plan;
    char reason[300] = "";

    assert_int_equal(plan_make(&nothing, &plan, reason, sizeof(reason)), ERR_UNSUPPORTED);
    assert_true(strlen(reason) > 20);
    s.ms = 13 * 3600 * 1000;
    struct probe_done probe = probe_of(&s, tracks);
    *reason = 0;
    assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), ERR_UNSUPPORTED);
    assert_non_null(strstr(reason, "13 hours"));
}

static void names_and_languages_of_sounds_are_safe_and_unique(void **state)
{
    struct source s = sources[8];
    struct probed_track tracks[4];
    struct probe_done probe = probe_of(&s, tracks);
    struct plan plan;
    char reason[300];

    tracks[0].language = "../EN\"x";
    tracks[1].language = "ger-AT";
    tracks[1].title = "Director";
    tracks[1].is_default = true;
    assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), 0);
    for (size_t i = 0; i < plan.audio_n; i++)
        for (const char *c = plan.audio[i].dir; *c; c++)
            assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' || *c == '/');
    assert_string_equal(plan.audio[0].language, "ENx");
    assert_string_equal(plan.audio[1].language, "de-AT"); /* as short as it can be said */
    assert_string_equal(plan.audio[1].dir, "a/aac-ger-at-1");
    assert_true(strcmp(plan.audio[0].name, plan.audio[1].name) != 0);
    assert_true(strcmp(plan.audio[0].dir, plan.audio[1].dir) != 0);
    assert_false(plan.audio[0].is_default);
    assert_true(plan.audio[1].is_default);
}

/* Beside the down-mix, under the same name, and after everything else. */
static void a_sound_of_more_than_four_channels_is_made_in_six_as_well(void **state)
{
    struct source s = sources[8]; /* sound alone: two tracks */
    struct probed_track tracks[4];
    struct probe_done probe = probe_of(&s, tracks);
    struct arena *arena = arena_new();
    struct encode_run job;
    struct plan plan;
    char reason[300];

    for (unsigned channels = 1; channels <= 8; channels++) {
        tracks[1].audio.channels = channels;
        assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), 0);
        assert_int_equal(plan.audio_n, channels > 4 ? 3 : 2);
        assert_int_equal(plan.audio[1].channels, channels == 1 ? 1 : 2);
        assert_true(plan_is_ahead(&plan, 1));
    }
    assert_string_equal(plan.audio[2].dir, "a/aac6-en-1");
    assert_string_equal(plan.audio[2].name, plan.audio[1].name);
    assert_int_equal(plan.tracks_n, 3);
    assert_false(plan_is_ahead(&plan, 2));
    assert_int_equal(plan_run(&plan, 2, 1, arena, &job), 0);
    assert_int_equal(job.channels, 6);
    assert_int_equal(job.track, plan.audio[1].track);
    arena_free(&arena);
}

/* The source's packets are the top rung, in runs of their own, and nothing of it is encoded. */
static void a_source_that_may_be_copied_is_its_own_top_rung(void **state)
{
    static const struct {
        const char *what;
        unsigned gop, frames, kbps, width, num;
        bool copied;
    } cases[] = {
        { "as it should be", 50, 3000, 3000, 1280, 25, true },
        { "a keyframe a second", 25, 3000, 3000, 1280, 25, true },
        { "GOPs that ours do not begin with", 40, 3000, 3000, 1280, 25, true },
        { "GOPs of 0.6 s", 15, 3000, 3000, 1280, 25, true },
        { "longer GOPs than ours", 150, 3000, 3000, 1280, 25, true },
        { "GOPs of 7 s", 175, 3000, 3000, 1280, 25, false },
        { "GOPs that half the rate does not divide", 75, 6000, 3000, 1280, 50, false },
        { "a picture more than frames", 50, 3001, 3000, 1280, 25, false },
        { "above the cap", 50, 3000, 3400, 1280, 25, false },
        { "larger than the top rung", 50, 3000, 3000, 2560, 25, false },
        { "no standard rate", 50, 3000, 3000, 1280, 22, false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct source s = { .width = cases[i].width,
                            .height = cases[i].width * 9 / 16,
                            .num = cases[i].num,
                            .den = 1,
                            .ms = 120000,
                            .proven = true,
                            .sounds = 1 };
        struct probed_track tracks[4];
        struct probe_done probe = probe_of(&s, tracks);
        struct arena *arena = arena_new();
        struct encode_run job;
        struct plan plan;
        char reason[300];

        tracks[0].video.copy_gop = cases[i].gop;
        tracks[0].video.copy_frames = cases[i].frames;
        tracks[0].video.copy_kbps = cases[i].kbps;
        assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), 0);
        if (plan.tracks[plan.tracks_n - 1].kind != (cases[i].copied ? PLAN_COPY : PLAN_FULL))
            fail_msg("%s: copied is not %d", cases[i].what, cases[i].copied);
        assert_int_equal(plan_run(&plan, plan.tracks_n - 1, 2, arena, &job), 0);
        if (cases[i].copied) {
            assert_int_equal(job.renditions_n, 1);
            assert_string_equal(job.renditions[0].dir, "v/source-720");
            assert_int_equal(job.renditions[0].copy_gop, cases[i].gop);
            assert_int_equal(job.first, plan.grid.gop); /* the boundaries of all the others */
            assert_int_equal(job.gop % cases[i].gop, 0);
            for (size_t k = 0; k < job.segments_n; k++)
                assert_true(job.segments[k].frames * 2 <= 13 * cases[i].num);
            plan_encode_top(&plan);
            assert_int_equal(plan_runs(&plan, plan.tracks_n - 2), 0);
            assert_int_equal(plan_run(&plan, plan.tracks_n - 2, 1, arena, &job), ERR_NOT_FOUND);
            assert_int_equal(plan_run(&plan, plan.tracks_n - 1, 2, arena, &job), 0);
            assert_int_equal(job.renditions_n, 1);
        }
        assert_true(strncmp(job.renditions[0].dir, "v/h264-", 7) == 0);
        assert_int_equal(job.renditions[0].copy_gop, 0);
        arena_free(&arena);
    }
}

/* The forced text of a language is in the regular one as well; without a regular one it is regular itself. */
static void texts_are_paired_named_and_chosen(void **state)
{
    static const struct {
        const char *language, *title;
        bool is_default, forced, for_deaf, usable;
        /* expected */
        const char *dir, *name;
        bool is_forced, on, chosen, paired;
    } rows[] = {
        { "en", "Signs", true, true, false, true, "t/en-0", "Signs", true, true, true, false },
        { "en", NULL, true, false, false, true, "t/en-1", "en", false, false, true, true },
        { "de", NULL, false, true, false, true, "t/de-2", "de", false, false, true, false },
        { "en", NULL, false, false, false, true, "t/en-3", "en 2", false, false, false, false },
        { "EN", NULL, false, false, true, true, "t/en-4", "EN", false, false, true, false },
        { "fr", NULL, false, false, false, false, NULL, NULL, false, false, false, false },
        { "und", "", false, false, false, true, "t/und-5", "Subtitles", false, false, true, false },
    };
    struct source s = sources[8]; /* sound alone: two tracks */
    struct probed_track tracks[12];
    struct probe_done probe = probe_of(&s, tracks);
    struct arena *arena = arena_new();
    struct encode_run job;
    struct plan plan;
    char reason[100];
    size_t n = 0, track = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        tracks[probe.tracks_n++] = (struct probed_track) { .index = 10 + i,
                                                           .kind = TRACK_KIND_TEXT,
                                                           .usable = rows[i].usable,
                                                           .language = rows[i].language,
                                                           .title = rows[i].title,
                                                           .is_default = rows[i].is_default,
                                                           .forced = rows[i].forced,
                                                           .hearing_impaired = rows[i].for_deaf };
    assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct plan_text *text = &plan.texts[n];
        if (!rows[i].usable)
            continue;
        assert_string_equal(text->dir, rows[i].dir);
        assert_string_equal(text->name, rows[i].name);
        assert_int_equal(text->forced, rows[i].is_forced);
        assert_int_equal(text->is_default, rows[i].on);
        assert_int_equal(text->auto_select, rows[i].chosen);
        assert_int_equal(text->has_with, rows[i].paired);
        n++;
    }
    assert_int_equal(plan.texts_n, n);
    while (plan.tracks[track].kind != PLAN_TEXT)
        track++;
    assert_int_equal(plan_runs(&plan, track), 1);
    assert_int_equal(plan_run(&plan, track, 1, arena, &job), 0);
    assert_int_equal(job.kind, RUN_KIND_TEXT);
    assert_int_equal(job.renditions_n, n);
    assert_int_equal(job.renditions[1].track, 11);
    assert_int_equal(job.renditions[1].with, 10);
    assert_int_equal(plan_run(&plan, track, 2, arena, &job), ERR_NOT_FOUND);
    arena_free(&arena);
}

static void sound_that_outlasts_the_picture_is_kept(void **state)
{
    static const struct {
        uint64_t sound_ms, frames;
    } rows[] = { { 59000, 1500 }, { 60400, 1500 }, { 61000, 1525 }, { 90000, 2250 } };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct source s = sources[0];
        struct probed_track tracks[4];
        char reason[300];
        struct plan plan;

        s.ms = 60000;
        struct probe_done probe = probe_of(&s, tracks);
        tracks[1].duration_ms = rows[i].sound_ms;
        assert_int_equal(plan_make(&probe, &plan, reason, sizeof(reason)), 0);
        assert_int_equal(plan.grid.frames, rows[i].frames);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_paired_named_and_chosen),
        cmocka_unit_test(each_source_gets_the_ladder_it_can_fill),
        cmocka_unit_test(every_rung_is_even_and_no_larger_than_the_source),
        cmocka_unit_test(runs_cover_the_timeline_and_none_covers_a_film),
        cmocka_unit_test(the_first_run_is_one_short_segment),
        cmocka_unit_test(an_unproven_length_leaves_the_end_open),
        cmocka_unit_test(of_sound_alone_no_second_is_lost),
        cmocka_unit_test(sound_that_outlasts_the_picture_is_kept),
        cmocka_unit_test(what_cannot_be_shown_says_why),
        cmocka_unit_test(a_sound_of_more_than_four_channels_is_made_in_six_as_well),
        cmocka_unit_test(a_source_that_may_be_copied_is_its_own_top_rung),
        cmocka_unit_test(names_and_languages_of_sounds_are_safe_and_unique),
    };

    return cmocka_run_group_tests_name("catalog_plan", tests, NULL, NULL);
}

/* story_test - from an upload to a screen, with a studio that answers at once. */
#include "tests/actor/catalog/studio.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/store/outbox.h"

static const struct studio film = { .seconds = 95, .width = 1280, .height = 720, .sounds = 1, .proven = true };
static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

static char *file_text(struct fake *f, struct id id, const char *leaf)
{
    static char text[65536];
    char name[256], folder[ID_TEXT_SIZE];
    size_t got = 0;

    snprintf(name, sizeof(name), "media/%s/1/%s", id_format("video", id, folder), leaf);
    if (blob_read(f->self.blobs, name, 0, text, sizeof(text) - 1, &got))
        return NULL;
    text[got] = 0;
    return text;
}

static void an_upload_becomes_a_video_that_is_playable_then_ready_then_published(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct video video = studio_video(f, id);

    assert_string_equal(video.title, "film");
    assert_int_equal(video.media, MEDIA_STATE_PROBING);
    studio_work(f, &film);
    video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_READY);
    assert_int_equal(video.release, RELEASE_STATE_PUBLISHED);
    assert_int_equal(video.runs_done, video.runs_total);
    assert_int_equal(video.duration_ms, 95000);
    assert_int_equal(video.playable_until_ms, 95000);
    assert_true(video.has_poster && !video.damaged);
    assert_int_equal(video.height, 720);
    assert_int_equal(fake_count(f, "catalog.video_created"), 1);
    assert_int_equal(fake_count(f, "catalog.video_playable"), 1);
    assert_int_equal(fake_count(f, "catalog.video_ready"), 1);
    assert_int_equal(fake_count(f, "catalog.video_published"), 1);
    assert_int_equal(fake_count(f, "catalog.video_failed"), 0);
}

static void all_playlists_lie_there_when_it_is_ready(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    studio_work(f, &film);
    assert_non_null(strstr(file_text(f, id, "master.m3u8"), "v/h264-720/index.m3u8"));
    assert_non_null(strstr(file_text(f, id, "master.m3u8"), "CODECS=\"avc1.64001f,mp4a.40.2\""));
    assert_non_null(strstr(file_text(f, id, "v/h264-720/index.m3u8"), "#EXT-X-PLAYLIST-TYPE:VOD"));
    assert_non_null(strstr(file_text(f, id, "v/h264-720/index.m3u8"), "#EXT-X-ENDLIST"));
    assert_non_null(strstr(file_text(f, id, "a/aac-en-0/index.m3u8"), "000018.m4s"));
    assert_non_null(strstr(file_text(f, id, "preview.m3u8"), "v/h264-360/event.m3u8"));
    assert_non_null(strstr(file_text(f, id, "v/h264-360/event.m3u8"), "#EXT-X-ENDLIST"));
    assert_non_null(strstr(file_text(f, id, "manifest.mpd"), "<MPD"));
    assert_non_null(strstr(file_text(f, id, "master.m3u8"), "URI=\"v/h264-240/iframe.m3u8\""));
    assert_non_null(strstr(file_text(f, id, "master.m3u8"), "URI=\"v/h264-480/iframe.m3u8\""));
    assert_non_null(strstr(file_text(f, id, "v/h264-480/iframe.m3u8"), "#EXT-X-BYTERANGE:9000@0"));
}

static void the_first_run_of_preview_and_sound_make_it_playable(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    assert_true(studio_probe(f, &film));
    assert_true(studio_run(f, &film));
    fake_settle(f);
    assert_int_equal(fake_count(f, "catalog.video_playable"), 0); /* no sound yet */
    assert_true(studio_run(f, &film));
    fake_settle(f);
    struct video video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_PLAYABLE);
    assert_int_equal(video.playable_until_ms, 2000);
    assert_int_equal(fake_count(f, "catalog.video_playable"), 1);
    assert_int_equal(video.release, RELEASE_STATE_PUBLISHED);
    assert_null(strstr(file_text(f, id, "v/h264-360/event.m3u8"), "#EXT-X-ENDLIST"));
    assert_null(file_text(f, id, "master.m3u8"));
}

static void who_comes_when_a_larger_size_has_caught_up_gets_both(void **state)
{
    const struct studio minutes = { .seconds = 61, .width = 1280, .height = 720, .sounds = 1, .proven = true };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    char master[4096] = "", before[65536] = "";
    struct playable playable;
    unsigned seen = 0;

    assert_true(studio_probe(f, &minutes));
    while (studio_run(f, &minutes)) {
        fake_settle(f);
        char *now = file_text(f, id, "preview-2.m3u8");

        if (!now) {
            assert_null(file_text(f, id, "v/h264-720/event-2.m3u8"));
            continue;
        }
        if (!seen++) {
            assert_non_null(strstr(now, "v/h264-720/event-2.m3u8"));
            assert_non_null(strstr(now, "v/h264-360/event-2.m3u8"));
            assert_non_null(strstr(now, "a/aac-en-0/event-2.m3u8"));
            assert_null(strstr(now, "h264-240"));
            assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable),
                             0);
            assert_true(playable.second || playable.final);
            strcpy(master, now);
        }
        assert_string_equal(master, now); /* never edited */
        now = file_text(f, id, "v/h264-720/event-2.m3u8");
        assert_int_equal(strncmp(now, before, strlen(before)), 0); /* only appended to */
        strcpy(before, now);
    }
    assert_true(seen > 0);
    assert_non_null(strstr(before, "#EXT-X-ENDLIST"));
}

/* What a poll saw is the head of what a later poll sees; and playable_until only grows. */
static void the_preview_is_only_ever_appended_to(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    char before[65536] = "", master[4096] = "";
    uint64_t until = 0;
    unsigned changes = 0;

    assert_true(studio_probe(f, &film));
    while (studio_run(f, &film)) {
        fake_settle(f);
        struct video video = studio_video(f, id);
        char *now = file_text(f, id, "v/h264-360/event.m3u8");

        assert_true(video.playable_until_ms >= until);
        until = video.playable_until_ms;
        if (!now)
            continue;
        assert_int_equal(strncmp(now, before, strlen(before)), 0);
        changes += strcmp(now, before) != 0;
        strcpy(before, now);
        now = file_text(f, id, "preview.m3u8");
        assert_true(!*master || strcmp(master, now) == 0); /* a published master is never edited */
        strcpy(master, now);
    }
    assert_true(changes >= 5);
}

static void a_clip_needs_no_preview_of_its_own(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    studio_work(f, &clip);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_non_null(strstr(file_text(f, id, "v/h264-360/event.m3u8"), "000003.m4s"));
    assert_non_null(strstr(file_text(f, id, "v/h264-240/index.m3u8"), "000003.m4s"));
}

static void sound_alone_is_a_video_too(void **state)
{
    const struct studio song = { .seconds = 201, .sounds = 1, .proven = true };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    studio_work(f, &song);
    struct video video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_READY);
    assert_int_equal(video.height, 0);
    assert_int_equal(video.duration_ms, 201000);
    assert_non_null(file_text(f, id, "master.m3u8"));
}

static void where_the_length_is_not_proven_a_run_finds_the_end(void **state)
{
    const struct studio stream = { .seconds = 37, .width = 1280, .height = 720, .sounds = 1 };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    assert_true(studio_probe(f, &stream));
    assert_int_equal(studio_video(f, id).runs_total, 0);
    studio_work(f, &stream);
    struct video video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_READY);
    assert_int_equal(video.duration_ms, 37000);
    assert_int_equal(fake_count(f, "catalog.video_ready"), 1);
}

static void a_run_that_is_done_twice_counts_once(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct encode_run job;

    assert_true(studio_probe(f, &film));
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(studio_answer(f, &job, sent->job, &film), 0);
    uint64_t rev = studio_video(f, id).rev;
    assert_int_equal(studio_answer(f, &job, sent->job, &film), 0);
    assert_int_equal(studio_video(f, id).rev, rev);
    assert_int_equal(studio_video(f, id).runs_done, 1);
}

static void a_result_that_was_not_planned_is_refused(void **state)
{
    struct fake *f = *state;
    struct encode_run job;

    studio_upload(f, 1 << 20);
    assert_true(studio_probe(f, &film));
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    job.renditions[0].dir = "v/../../other";
    assert_int_equal(studio_answer(f, &job, sent->job, &film), ERR_INVALID);
}

static void a_dead_run_fails_the_video_with_a_reason_and_a_retry_makes_it_ready(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct video video;

    assert_true(studio_probe(f, &film));
    assert_true(studio_run(f, &film));
    assert_true(studio_kill_run(f, "killed: no frame for 10 s"));
    studio_work(f, &film); /* what was under way ends; nothing new begins */
    video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(video.reason, "killed: no frame for 10 s"));
    assert_int_equal(fake_count(f, "catalog.video_failed"), 1);
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = id }, &video), 0);
    assert_int_equal(video.media, MEDIA_STATE_PROCESSING);
    studio_work(f, &film);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = id }, &video), ERR_CONFLICT);
}

static void a_dead_poster_is_no_failure(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    assert_true(studio_probe(f, &film));
    for (;;) {
        fake_settle(f);
        struct fake_sent *sent = fake_take(f, "transcode.encode_run");
        struct encode_run job;

        if (!sent)
            break;
        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
        if (job.kind == RUN_KIND_POSTER)
            assert_int_equal(FAKE_CALL(f, catalog_on_run_dead, &(struct run_dead) { .job_id = sent->job }), 0);
        else
            assert_int_equal(studio_answer(f, &job, sent->job, &film), 0);
    }
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_false(studio_video(f, id).has_poster);
}

static void a_refused_file_fails_with_its_sentence(void **state)
{
    const struct studio text = { .refuse = "it is a text file" };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    studio_work(f, &text);
    struct video video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(video.reason, "it is a text file"));
    assert_int_equal(fake_count(f, "transcode.encode_run"), 0);
}

static void a_dead_probe_fails_and_can_be_tried_again(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct fake_sent *sent = fake_take(f, "transcode.probe");
    struct video video;

    assert_int_equal(
        FAKE_CALL(f, catalog_on_probe_dead, &(struct probe_dead) { .job_id = sent->job, .reason = "x" }), 0);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_FAILED);
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = id }, &video), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
}

static void a_date_holds_the_release_back(void **state)
{
    struct fake *f = *state;
    struct create_video ask = {
        .title = "later", .visibility = VISIBILITY_PUBLIC, .has_publish_at = true, .publish_at = f->now + 3600000
    };
    struct video video;
    struct upload upload;

    assert_int_equal(FAKE_CALL(f, catalog_create_video, &ask, &video), 0);
    struct create_upload open = { .video_id = video.id, .length = 9, .has_length = true };
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &open, &upload), 0);
    struct upload_complete complete = { .id = upload.id, .capability = upload.capability, .length = 9 };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &complete, &video), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, video.id).release, RELEASE_STATE_SCHEDULED);
    assert_int_equal(fake_count(f, "catalog.video_published"), 0);
    fake_pass(f, 3600000 + 6000);
    assert_int_equal(studio_video(f, video.id).release, RELEASE_STATE_PUBLISHED);
    assert_int_equal(fake_count(f, "catalog.video_published"), 1);
}

/* A folder lies where the master should. */
static void spoil(struct fake *f, struct id video, bool spoilt)
{
    char path[PATH_MAX + 128], id[ID_TEXT_SIZE], name[128];

    id_format("video", video, id);
    snprintf(path, sizeof(path), "%s/blobs/media/%s/1/master.m3u8", f->dir, id);
    snprintf(name, sizeof(name), "media/%s/1/x", id);
    if (spoilt) /* the folders above it come with an object of their own */
        assert_int_equal(blob_put(f->self.blobs, name, bytes_of_text("x"), NULL), 0);
    assert_int_equal(spoilt ? mkdir(path, 0700) : rmdir(path), 0);
}

static void playlists_that_cannot_be_written_are_in_no_other_video_s_way(void **state)
{
    struct fake *f = *state;
    struct id spoilt[CATALOG_WRITING_MOST], other;

    for (unsigned i = 0; i < CATALOG_WRITING_MOST; i++) {
        spoilt[i] = studio_upload(f, 9);
        spoil(f, spoilt[i], true);
        studio_work(f, &clip);
        f->now += 10;
    }
    other = studio_upload(f, 9);
    studio_work(f, &clip);
    for (unsigned i = 0; i < 10; i++)
        fake_pass(f, 6000);
    assert_int_equal(studio_video(f, other).state, VIDEO_STATE_READY);
    for (unsigned i = 0; i < CATALOG_WRITING_MOST; i++) {
        assert_int_not_equal(studio_video(f, spoilt[i]).media, MEDIA_STATE_READY);
        spoil(f, spoilt[i], false);
    }
    for (unsigned i = 0; i < 10; i++)
        fake_pass(f, 6000);
    for (unsigned i = 0; i < CATALOG_WRITING_MOST; i++)
        assert_int_equal(studio_video(f, spoilt[i]).state, VIDEO_STATE_READY);
}

static void a_restart_at_any_moment_loses_nothing(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    unsigned n = 0;

    while (studio_probe(f, &film) || studio_run(f, &film)) {
        if (n++ % 3 == 0)
            fake_restart(f); /* timers, the pool and what it was about to write are lost */
        fake_settle(f);
        fake_pass(f, 5000);
    }
    fake_pass(f, 10000);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
    assert_int_equal(fake_count(f, "catalog.video_ready"), 1);
    assert_int_equal(fake_count(f, "catalog.video_playable"), 1);
    assert_int_equal(studio_video(f, id).runs_done, studio_video(f, id).runs_total);
}

/* The broker lost its disk, and with it the ends of jobs. */
/* Its first turn is undone, and comes again. */
static void a_start_on_a_full_disk_starts_the_clock_in_the_end(void **state)
{
    struct fake *f = *state;
    struct turn *t;

    f->full_at = 1;
    fake_restart(f);
    assert_int_equal(f->full_at, 0);
    t = fake_begin(f);
    assert_int_equal(fake_end(f, catalog_actor.up(&f->self, t)), 0);
    unsigned clocks = 0;
    for (size_t i = 0; i < FAKE_WAITING_MOST; i++)
        clocks += f->waiting[i].used;
    assert_true(clocks >= 3);
}

static void jobs_whose_ends_are_lost_are_asked_for_again(void **state)
{
    struct fake *f = *state;
    struct id first = studio_upload(f, 1 << 20), second = studio_upload(f, 1 << 20);

    assert_true(studio_probe(f, &film));
    assert_true(studio_run(f, &film));
    while (fake_take(f, "transcode.encode_run") || fake_take(f, "transcode.probe"))
        continue; /* nothing of it is there any more */
    f->now += 1000;
    struct turn *t = fake_begin(f);
    assert_int_equal(fake_end(f, catalog_actor.lost(&f->self, t, "transcode")), 0);
    studio_work(f, &film);
    assert_int_equal(studio_video(f, first).state, VIDEO_STATE_READY);
    assert_int_equal(studio_video(f, second).state, VIDEO_STATE_READY);
}

static void a_job_that_the_bus_refuses_fails_its_video(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    assert_true(studio_probe(f, &film));
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    struct turn *t = fake_begin(f);
    assert_int_equal(fake_end(f, outbox_refuse(turn_txn(t), sent->seq, f->now, ERR_FORBIDDEN, "no")), 0);
    fake_pass(f, 6000);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(studio_video(f, id).reason, "the bus refused the job (ERR_FORBIDDEN)"));
}

/* An operator put the dead job again. */
static void a_run_that_is_done_after_all_needs_no_retry(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct encode_run job;

    assert_true(studio_probe(f, &film));
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    struct run_dead dead = { .job_id = sent->job, .attempts = 5, .reason = "no" };
    assert_int_equal(FAKE_CALL(f, catalog_on_run_dead, &dead), 0);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_FAILED);
    assert_int_equal(studio_answer(f, &job, sent->job, &film), 0);
    assert_int_equal(studio_video(f, id).media, MEDIA_STATE_PROCESSING);
    studio_work(f, &film);
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_READY);
}

/* The rung is no part of what is made ahead, and of what is encoded. */
static void the_top_rung_is_the_source_s_own_where_it_may_be(void **state)
{
    struct studio own = film;
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);
    struct video video;

    own.gop = 25;
    studio_work(f, &own);
    video = studio_video(f, id);
    assert_int_equal(video.state, VIDEO_STATE_READY);
    assert_int_equal(video.runs_done, video.runs_total);
    assert_non_null(strstr(file_text(f, id, "master.m3u8"), "v/source-720/index.m3u8"));
    assert_null(strstr(file_text(f, id, "master.m3u8"), "v/h264-720"));
    assert_non_null(strstr(file_text(f, id, "manifest.mpd"), "id=\"source-720\""));
    assert_null(strstr(file_text(f, id, "preview.m3u8"), "source-720"));
}

/* Whatever of it was copied already. */
static void a_copy_that_does_not_hold_is_encoded_instead(void **state)
{
    struct studio own = film;
    struct fake *f = *state;

    own.gop = 50;
    for (unsigned copied = 0; copied < 3; copied++) {
        struct id id = studio_upload(f, 1 << 20);
        struct video video;

        assert_true(studio_probe(f, &own));
        assert_true(studio_refuse_copy(f, &own, copied));
        studio_work(f, &own);
        video = studio_video(f, id);
        assert_int_equal(video.state, VIDEO_STATE_READY);
        assert_int_equal(video.runs_done, video.runs_total);
        assert_null(strstr(file_text(f, id, "master.m3u8"), "source-720"));
        assert_non_null(strstr(file_text(f, id, "master.m3u8"), "v/h264-720/index.m3u8"));
        assert_non_null(strstr(file_text(f, id, "v/h264-720/index.m3u8"), "000018.m4s"));
    }
}

static const char *unplayable(struct fake *f, struct id id)
{
    struct playable playable = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = id }, &playable),
                     ERR_CONFLICT);
    return f->detail;
}

static void why_a_video_cannot_be_watched_its_owner_and_moderators_are_told(void **state)
{
    static const struct studio broken = { .refuse = "The file ends in the middle." };
    struct fake *f = *state;
    struct id id = studio_upload(f, 9);
    struct update_video public = { .id = id, .has_visibility = true, .visibility = VISIBILITY_UNLISTED };
    struct video video;
    struct doing d;

    assert_int_equal(FAKE_CALL(f, catalog_update_video, &public, &video), 0);
    assert_string_equal(unplayable(f, id), "nothing of the video can be watched yet");
    studio_work(f, &broken);
    assert_string_equal(unplayable(f, id), "This file cannot become a video: The file ends in the middle.");
    fake_be(f, 3, ROLE_MODERATOR);
    assert_string_equal(unplayable(f, id), "This file cannot become a video: The file ends in the middle.");
    struct turn *t = fake_begin(f); /* a reason as long as they come; and others may know of the video */
    assert_int_equal(video_load(&f->self, t, id, &d), 0);
    d.row.reason = arena_printf(f->arena, "%0398d\u00e9\u00e9\u00e9", 0);
    d.row.release = RELEASE_STATE_PUBLISHED;
    assert_int_equal(fake_end(f, video_save(&d)), 0);
    assert_int_equal(strlen(unplayable(f, id)), 400);
    fake_be(f, 1, ROLE_CREATOR);
    t = fake_begin(f);
    assert_int_equal(video_load(&f->self, t, id, &d), 0);
    d.row.reason = arena_printf(f->arena, "%0399d\u00e9\u00e9\u00e9", 0);
    assert_int_equal(fake_end(f, video_save(&d)), 0);
    assert_int_equal(strlen(unplayable(f, id)), 399);
    fake_be(f, 2, ROLE_CREATOR);
    assert_string_equal(unplayable(f, id), "nothing of the video can be watched yet");
    fake_be(f, 0, 0);
    assert_string_equal(unplayable(f, id), "nothing of the video can be watched yet");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(an_upload_becomes_a_video_that_is_playable_then_ready_then_published),
        with_fake(all_playlists_lie_there_when_it_is_ready),
        with_fake(the_first_run_of_preview_and_sound_make_it_playable),
        with_fake(who_comes_when_a_larger_size_has_caught_up_gets_both),
        with_fake(the_preview_is_only_ever_appended_to),
        with_fake(the_top_rung_is_the_source_s_own_where_it_may_be),
        with_fake(a_copy_that_does_not_hold_is_encoded_instead),
        with_fake(a_clip_needs_no_preview_of_its_own),
        with_fake(sound_alone_is_a_video_too),
        with_fake(where_the_length_is_not_proven_a_run_finds_the_end),
        with_fake(a_run_that_is_done_twice_counts_once),
        with_fake(a_result_that_was_not_planned_is_refused),
        with_fake(a_dead_run_fails_the_video_with_a_reason_and_a_retry_makes_it_ready),
        with_fake(a_dead_poster_is_no_failure),
        with_fake(a_refused_file_fails_with_its_sentence),
        with_fake(why_a_video_cannot_be_watched_its_owner_and_moderators_are_told),
        with_fake(a_dead_probe_fails_and_can_be_tried_again),
        with_fake(a_date_holds_the_release_back),
        with_fake(a_start_on_a_full_disk_starts_the_clock_in_the_end),
        with_fake(jobs_whose_ends_are_lost_are_asked_for_again),
        with_fake(a_job_that_the_bus_refuses_fails_its_video),
        with_fake(a_run_that_is_done_after_all_needs_no_retry),
        with_fake(playlists_that_cannot_be_written_are_in_no_other_video_s_way),
        with_fake(a_restart_at_any_moment_loses_nothing),
    };

    return cmocka_run_group_tests_name("catalog_story", tests, NULL, NULL);
}

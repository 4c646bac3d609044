#include "tests/actor/catalog/studio.h"

#include <stdio.h>
#include <string.h>

/* The bus delivers an event again until it is handled; what is wrong with it stays wrong. */
static int studio_deliver(struct fake *f, const struct probe_done *probe, const struct run_done *run,
                          const struct run_dead *dead)
{
    int r = ERR_IO;

    for (unsigned tries = 0; tries < 4 && (r == ERR_IO || r == ERR_OUTCOME_UNKNOWN || r == ERR_STORE_FULL);
         tries++) {
        struct turn *t = fake_begin(f);

        r = !t      ? 0
            : probe ? catalog_on_probe_done(&f->self, t, probe)
            : run   ? catalog_on_run_done(&f->self, t, run)
                    : catalog_on_run_dead(&f->self, t, dead);
        r = fake_end(f, r);
    }
    return r;
}

/* ---- probes */

static struct probed_track studio_picture(const struct studio *s)
{
    return (struct probed_track) {
        .index = 0,
        .kind = TRACK_KIND_VIDEO,
        .codec = "h264",
        .language = "und",
        .usable = true,
        .duration_ms = s->seconds * 1000,
        .has_video = true,
        .video = { .width = s->width,
                   .height = s->height,
                   .display_width = s->width,
                   .display_height = s->height,
                   .sar_num = 1,
                   .sar_den = 1,
                   .fps_num = 25,
                   .fps_den = 1,
                   .bit_depth = 8,
                   .copy_gop = s->gop,
                   .copy_frames = s->gop ? s->seconds * 25 : 0,
                   .copy_kbps = 1000 },
    };
}

static struct probed_track studio_sound(const struct studio *s, unsigned n)
{
    return (struct probed_track) {
        .index = 1 + n,
        .kind = TRACK_KIND_AUDIO,
        .codec = "aac",
        .language = n ? "de" : "en",
        .usable = true,
        .duration_ms = s->seconds * 1000,
        .has_audio = true,
        .audio = { .rate = 48000, .channels = 2 },
    };
}

static struct probe_done studio_look(struct fake *f, const struct studio *s)
{
    struct probe_done done = { .outcome = PROBE_OUTCOME_OK, .container = "mov", .duration_ms = s->seconds * 1000 };

    done.proof = s->proven ? DURATION_PROOF_INDEX : DURATION_PROOF_NONE;
    done.tracks = arena_alloc_n(f->arena, 1 + s->sounds + s->texts, sizeof(*done.tracks));
    if (s->width) {
        done.tracks[done.tracks_n++] = studio_picture(s);
        done.has_video_track = true;
    }
    for (unsigned n = 0; n < s->sounds; n++)
        done.tracks[done.tracks_n++] = studio_sound(s, n);
    for (unsigned n = 0; n < s->texts; n++)
        done.tracks[done.tracks_n++] = (struct probed_track) {
            .index = 1 + s->sounds + n, .kind = TRACK_KIND_TEXT, .usable = true, .language = "en"
        };
    if (s->texts) {
        done.chapters = arena_alloc_n(f->arena, 2, sizeof(*done.chapters));
        done.chapters_n = 2;
        done.chapters[1] = (struct probed_chapter) { 1000, "Second" };
    }
    if (s->refuse)
        done = (struct probe_done) { .outcome = PROBE_OUTCOME_REFUSED, .reason = s->refuse };
    if (s->need_more)
        done = (struct probe_done) { .outcome = PROBE_OUTCOME_NEED_MORE, .need_offset = s->need_offset };
    return done;
}

bool studio_probe(struct fake *f, const struct studio *s)
{
    struct fake_sent *sent = fake_take(f, "transcode.probe");
    struct probe job;

    if (!sent)
        return false;
    assert_int_equal(wire_unpack(&probe_type, sent->body, f->arena, &job, NULL), 0);
    struct probe_done done = studio_look(f, s);
    done.job_id = sent->job;
    done.video_id = job.video_id;
    done.version = job.version;
    return studio_deliver(f, &done, NULL, NULL) == 0;
}

/* ---- runs */

static struct made_segment studio_segment(struct fake *f, const struct encode_run *job, size_t n, uint64_t first,
                                          uint64_t frames, uint64_t div, uint64_t frame_bytes)
{
    struct made_gop *gop = arena_alloc(f->arena, sizeof(*gop));
    uint64_t unit = job->kind == RUN_KIND_AUDIO ? 1024 : job->fps_den * div;

    *gop = (struct made_gop) { .offset = 0, .iframe_bytes = 9000, .frames = frames / div };
    return (struct made_segment) {
        .gops = gop,
        .gops_n = job->kind == RUN_KIND_VIDEO,
        .number = job->segments[n].number,
        .size = frame_bytes * frames,
        .frames = frames / div,
        .start = first / div * unit,
        .duration = frames / div * unit,
        .hash = bytes_of(arena_copy(f->arena, "0123456789abcdef0123456789abcdef", 32), 32),
    };
}

static const char *studio_codec(const struct encode_run *job, const struct run_rendition *what)
{
    if (job->kind == RUN_KIND_AUDIO)
        return "mp4a.40.2";
    return what->codec == PICTURE_CODEC_HEVC  ? "hvc1.1.6.L93.90"
           : what->codec == PICTURE_CODEC_AV1 ? "av01.0.05M.08"
                                              : "avc1.64001f";
}

/* Frames that the track has in all. */
static uint64_t studio_frames(const struct encode_run *job, const struct studio *s)
{
    return job->kind == RUN_KIND_AUDIO ? (s->seconds * 48000 + 1023) / 1024 : s->seconds * 25;
}

static void studio_make(struct fake *f, const struct encode_run *job, const struct studio *s,
                        const struct run_rendition *what, struct made_rendition *ret)
{
    uint64_t div = what->fps_div ? what->fps_div : 1, at = job->first, end = studio_frames(job, s);
    uint64_t frame_bytes = job->kind == RUN_KIND_VIDEO && !s->flat ? what->width * what->height / 200 : 1000;

    *ret = (struct made_rendition) {
        .dir = what->dir,
        .codec = studio_codec(job, what),
        .timescale = job->kind == RUN_KIND_AUDIO ? 48000 : job->fps_num,
        .width = what->width,
        .height = what->height,
        .init = { .name = "init.mp4", .size = 700, .hash = bytes_of(what->dir, strlen(what->dir)) },
    };
    ret->segments = arena_alloc_n(f->arena, job->segments_n + 1, sizeof(*ret->segments));
    for (size_t i = 0; i < job->segments_n; i++) {
        uint64_t frames = job->segments[i].frames;

        if (!job->pad && at >= end)
            break;
        if (!job->pad && at + frames > end)
            frames = end - at;
        ret->segments[ret->segments_n++] = studio_segment(f, job, i, at, frames, div, frame_bytes);
        at += job->segments[i].frames;
    }
}

/* A text of a hundred bytes; the second one has no cue, and is not there. */
static void studio_write(struct fake *f, const struct run_rendition *what, struct run_done *done)
{
    if (!done->texts)
        done->texts = arena_alloc_n(f->arena, 16, sizeof(*done->texts));
    if (!strstr(what->dir, "-1"))
        done->texts[done->texts_n++] = (struct made_text) {
            .dir = what->dir,
            .cues = 1,
            .object = { .name = "full.vtt", .size = 100, .hash = bytes_of_text("text") }
        };
}

int studio_answer(struct fake *f, const struct encode_run *job, struct id job_id, const struct studio *s)
{
    struct run_done done = { .job_id = job_id,
                             .attempts = 1,
                             .video_id = job->video_id,
                             .version = job->version,
                             .run = job->run,
                             .kind = job->kind,
                             .first = job->first,
                             .cpu_ms = 10 };
    uint64_t frames = 0;

    done.renditions = arena_alloc_n(f->arena, job->renditions_n + 1, sizeof(*done.renditions));
    for (size_t i = 0; job->kind == RUN_KIND_TEXT && i < job->renditions_n; i++)
        studio_write(f, &job->renditions[i], &done);
    for (size_t i = 0; job->kind != RUN_KIND_TEXT && i < job->renditions_n; i++)
        studio_make(f, job, s, &job->renditions[i], &done.renditions[done.renditions_n++]);
    for (size_t i = 0; i < job->segments_n; i++)
        frames += job->segments[i].frames;
    if (job->kind != RUN_KIND_POSTER && job->kind != RUN_KIND_TEXT && job->kind != RUN_KIND_BOARD && !job->pad &&
        job->first + frames >= studio_frames(job, s)) {
        done.has_end = true;
        done.end = studio_frames(job, s);
    }
    if (job->kind == RUN_KIND_POSTER || job->kind == RUN_KIND_BOARD) {
        done.images = arena_alloc(f->arena, sizeof(*done.images));
        done.images_n = 1;
        done.images[0].object.size = 5000;
    }
    return studio_deliver(f, NULL, &done, NULL);
}

bool studio_run(struct fake *f, const struct studio *s)
{
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    struct encode_run job;

    if (!sent)
        return false;
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(studio_answer(f, &job, sent->job, s), 0);
    return true;
}

int studio_give_up(struct fake *f, struct id job)
{
    return studio_deliver(f, NULL, NULL,
                          &(struct run_dead) { .job_id = job, .attempts = 5, .reason = "it cannot be decoded" });
}

bool studio_kill_run(struct fake *f, const char *reason)
{
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");

    if (!sent)
        return false;
    struct run_dead dead = { .job_id = sent->job, .attempts = 5, .reason = reason };
    return studio_deliver(f, NULL, NULL, &dead) == 0;
}

bool studio_refuse_copy(struct fake *f, const struct studio *s, unsigned copied)
{
    struct fake_sent *sent;

    for (fake_settle(f); (sent = fake_take(f, "transcode.encode_run")); fake_settle(f)) {
        struct run_dead dead = { .job_id = sent->job, .attempts = 1, .reason = "its GOPs are not closed" };
        struct encode_run job;

        assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
        if (job.renditions_n && job.renditions[0].copy_gop && copied-- == 0)
            return studio_deliver(f, NULL, NULL, &dead) == 0;
        assert_int_equal(studio_answer(f, &job, sent->job, s), 0);
    }
    return false;
}

void studio_work(struct fake *f, const struct studio *s)
{
    do
        fake_settle(f);
    while (studio_probe(f, s) || studio_run(f, s));
}

/* ---- uploads */

struct id studio_upload(struct fake *f, uint64_t length)
{
    struct create_upload ask = { .length = length, .has_length = true, .filename = "film.mp4" };
    struct upload upload = { 0 };
    struct video video = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &upload), 0);
    struct upload_complete complete = { .id = upload.id, .capability = upload.capability, .length = length };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &complete, &video), 0);
    return upload.video_id;
}

struct id studio_film(struct fake *f, const char *text, struct upload *ret)
{
    struct create_upload make = { .length = strlen(text), .has_length = true };
    struct video video = { 0 };
    struct blob_grow *grow;
    uint64_t frontier;

    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &make, ret), 0);
    assert_int_equal(blob_grow_open(f->self.blobs, ret->blob, &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, text, strlen(text)), 0);
    assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    assert_int_equal(blob_grow_sum(grow), 0);
    assert_int_equal(blob_grow_seal(&grow, NULL), 0);
    struct upload_complete ask = { .id = ret->id, .capability = ret->capability, .length = strlen(text) };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &ask, &video), 0);
    return ret->video_id;
}

struct video studio_video(struct fake *f, struct id id)
{
    struct video video = { 0 };
    struct subject was = f->subject;

    fake_be(f, 99, ROLE_ADMIN);
    assert_int_equal(FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = id }, &video), 0);
    f->subject = was;
    return video;
}

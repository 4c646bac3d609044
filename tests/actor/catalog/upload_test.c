/* upload_test - uploads: reports and their capability, lengths, parts, what stands still, what is given
 * up, room. */
#include "tests/actor/catalog/sender.h"

#include <stdio.h>
#include <string.h>

static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

/* A file of `text` in one upload, as the front ends it: summed and sealed, then told. */
static struct video whole_file(struct fake *f, const char *text)
{
    struct upload upload = open_upload(f, (struct create_upload) { .length = strlen(text), .has_length = true });
    struct upload_complete ask = { .id = upload.id, .capability = upload.capability, .length = strlen(text) };
    struct video video = { 0 };
    struct blob_grow *grow;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->self.blobs, upload.blob, &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, text, strlen(text)), 0);
    assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    assert_int_equal(blob_grow_sum(grow), 0);
    assert_int_equal(blob_grow_seal(&grow, NULL), 0);
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &ask, &video), 0);
    return video;
}

/* A part that nobody made a sum of. */
static struct upload part_of(struct fake *f, const char *text)
{
    struct upload upload = open_upload(
        f, (struct create_upload) { .length = strlen(text), .has_length = true, .partial = true });
    struct blob_grow *grow;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->self.blobs, upload.blob, &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, text, strlen(text)), 0);
    assert_int_equal(blob_grow_seal(&grow, NULL), 0);
    assert_int_equal(complete(f, &upload, strlen(text)), 0);
    return upload;
}

static struct id same_as(struct fake *f, struct id video)
{
    return studio_video(f, video).same_as;
}

static void a_file_is_looked_at_as_soon_as_enough_is_there(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 1 << 20, .has_length = true });

    assert_int_equal(advance(f, &upload, 1000), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 0);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_UPLOADING);
    assert_int_equal(advance(f, &upload, f->settings.probe_after_bytes), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 1);
    assert_int_equal(advance(f, &upload, f->settings.probe_after_bytes + 5), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 1); /* one look at a time */
}

static void a_look_that_needs_more_is_taken_again_when_that_is_there(void **state)
{
    const struct studio tail = { .need_more = true, .need_offset = 900000 };
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 1 << 20, .has_length = true });

    assert_int_equal(advance(f, &upload, 300000), 0);
    assert_true(studio_probe(f, &tail));
    assert_int_equal(advance(f, &upload, 800000), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 1);
    assert_int_equal(advance(f, &upload, 900001), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 2);
    assert_true(studio_probe(f, &clip));
    assert_int_equal(studio_video(f, upload.video_id).media, MEDIA_STATE_PROCESSING);
}

static void what_came_while_it_looked_counts_at_once(void **state)
{
    const struct studio tail = { .need_more = true, .need_offset = 900000 };
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 1 << 20, .has_length = true });

    assert_int_equal(advance(f, &upload, 300000), 0);
    assert_int_equal(advance(f, &upload, 1000000), 0);
    assert_true(studio_probe(f, &tail));
    assert_int_equal(fake_count(f, "transcode.probe"), 2);
}

static void a_whole_file_that_needs_more_is_cut_short_and_says_so(void **state)
{
    const struct studio tail = { .need_more = true, .need_offset = 9000000 };
    struct fake *f = *state;
    struct id id = studio_upload(f, 1 << 20);

    assert_true(studio_probe(f, &tail));
    assert_int_equal(studio_video(f, id).state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(studio_video(f, id).reason, "cut short"));
}

static void a_film_is_watchable_before_its_upload_ends(void **state)
{
    const struct studio film = { .seconds = 95, .width = 1280, .height = 720, .sounds = 1, .proven = true };
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 1 << 24, .has_length = true });

    assert_int_equal(advance(f, &upload, 1 << 20), 0);
    assert_true(studio_probe(f, &film));
    for (unsigned i = 0; i < 4; i++) {
        assert_true(studio_run(f, &film));
        fake_settle(f);
    }
    assert_int_equal(studio_video(f, upload.video_id).upload, UPLOAD_STATE_RECEIVING);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_PLAYABLE);
    assert_true(fake_count(f, "transcode.encode_run") > 2);
    assert_int_equal(complete(f, &upload, 1 << 24), 0);
    studio_work(f, &film);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
}

static void only_who_holds_the_capability_may_report(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 100, .has_length = true }), forged;
    uint8_t other[32] = { 1 };

    forged = upload;
    forged.capability = bytes_of(other, 32);
    assert_int_equal(advance(f, &forged, 10), ERR_FORBIDDEN);
    assert_int_equal(complete(f, &forged, 100), ERR_FORBIDDEN);
    forged.capability = bytes_of(upload.capability.data, 31);
    assert_int_equal(advance(f, &forged, 10), ERR_FORBIDDEN);
    assert_int_equal(studio_video(f, upload.video_id).uploaded_bytes, 0);
}

static void a_part_may_say_how_long_the_whole_is(void **state)
{
    struct fake *f = *state;
    struct create_upload part = { .partial = true, .has_length = true, .length = 40, .at = 60, .total = 100 };
    struct upload upload;

    part.video_id = open_upload(f, (struct create_upload) { .filename = "x" }).video_id;
    part.total = 99;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &part, &upload), ERR_INVALID); /* it ends behind that */
    part.total = 100;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &part, &upload), 0);
    assert_int_equal(studio_video(f, part.video_id).declared_bytes, 100);
    part.at = 20;
    part.total = 101;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &part, &upload), ERR_CONFLICT);
}

static void a_declared_length_holds(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 100, .has_length = true });

    assert_int_equal(advance(f, &upload, 101), ERR_INVALID);
    assert_int_equal(complete(f, &upload, 99), ERR_CONFLICT);
    assert_int_equal(advance(f, &upload, 60), 0);
    assert_int_equal(advance(f, &upload, 50), 0); /* late: it has been further */
    assert_int_equal(studio_video(f, upload.video_id).uploaded_bytes, 60);
}

static void a_report_of_the_last_byte_completes_by_itself(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 100, .has_length = true });

    assert_int_equal(advance(f, &upload, 100), 0);
    assert_int_equal(studio_video(f, upload.video_id).upload, UPLOAD_STATE_COMPLETE);
    assert_int_equal(complete(f, &upload, 100), 0); /* asked again, it is so already */
}

static void a_deferred_length_is_known_in_the_end(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .filename = "x" });

    assert_int_equal(advance(f, &upload, 50), 0);
    assert_int_equal(complete(f, &upload, 70), 0);
    assert_int_equal(studio_video(f, upload.video_id).declared_bytes, 70);
    assert_int_equal(studio_video(f, upload.video_id).upload, UPLOAD_STATE_COMPLETE);
}

static void bytes_whose_report_was_lost_are_found_by_the_clock(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true }), seen;

    write_bytes(f, &upload, 5000); /* and the front died */
    assert_int_equal(FAKE_CALL(f, catalog_get_upload, &(struct get_upload) { .id = upload.id }, &seen), 0);
    assert_int_equal(seen.offset, 5000);
    fake_pass(f, 6000);
    assert_int_equal(studio_video(f, upload.video_id).upload, UPLOAD_STATE_COMPLETE);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
    struct blob_info info;
    assert_int_equal(blob_stat(f->self.blobs, upload.blob, &info), 0);
    assert_false(info.growing); /* and its object was sealed */
}

static void an_upload_that_stands_still_expires_with_its_bytes(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true });

    write_bytes(f, &upload, 100);
    fake_pass(f, 6000);
    assert_int_equal(studio_video(f, upload.video_id).uploaded_bytes, 100);
    fake_pass(f, (int64_t)f->settings.upload_ms - 10000);
    assert_int_equal(studio_video(f, upload.video_id).upload, UPLOAD_STATE_RECEIVING);
    fake_pass(f, 20000);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_EXPIRED);
    assert_false(object_is_there(f, &upload));
    assert_int_equal(advance(f, &upload, 200), ERR_NOT_FOUND);
}

static void a_new_upload_brings_an_expired_video_back(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 1 << 20, .has_length = true });

    assert_int_equal(advance(f, &upload, 300000), 0);
    assert_true(studio_probe(f, &clip));
    fake_pass(f, (int64_t)f->settings.upload_ms + 6000);
    assert_int_equal(studio_video(f, upload.video_id).media, MEDIA_STATE_FAILED);
    upload = open_upload(f,
                         (struct create_upload) { .video_id = upload.video_id, .length = 9, .has_length = true });
    assert_int_equal(complete(f, &upload, 9), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
    assert_int_equal(studio_video(f, upload.video_id).version, 2); /* another file, another folder */
}

static void a_dropped_upload_leaves_a_video_that_waits(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true });

    write_bytes(f, &upload, 100);
    assert_int_equal(advance(f, &upload, 100), 0);
    fake_be(f, 2, ROLE_CREATOR);
    assert_int_equal(FAKE_CALL(f, catalog_drop_upload, &(struct drop_upload) { .id = upload.id }), ERR_NOT_FOUND);
    fake_be(f, 1, ROLE_CREATOR);
    assert_int_equal(FAKE_CALL(f, catalog_drop_upload, &(struct drop_upload) { .id = upload.id }), 0);
    fake_settle(f);
    assert_false(object_is_there(f, &upload));
    assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_WAITING);
    assert_int_equal(studio_video(f, upload.video_id).uploaded_bytes, 0);
}

static void a_part_is_not_told_to_be_complete(void **state)
{
    struct fake *f = *state;
    struct upload part = open_upload(
        f, (struct create_upload) { .length = 100, .has_length = true, .partial = true });

    write_bytes(f, &part, 100);
    struct upload_complete ask = { .id = part.id, .capability = part.capability, .length = 100 };
    struct video video = { 0 };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &ask, &video), ERR_CONFLICT);
    assert_non_null(strstr(f->detail, "upload_advanced"));
    assert_int_equal(complete(f, &part, 100), 0);
}

static void partial_uploads_are_joined_in_the_order_named(void **state)
{
    struct fake *f = *state;
    struct upload a = open_upload(f,
                                  (struct create_upload) { .length = 100, .has_length = true, .partial = true });
    struct upload b = open_upload(f, (struct create_upload) { .length = 50, .has_length = true, .partial = true });
    struct id ids[] = { b.id, a.id };
    struct concat_uploads ask = { .parts = ids,
                                  .parts_n = 2,
                                  .filename = "two.mkv",
                                  .visibility = VISIBILITY_PUBLIC,
                                  .has_visibility = true,
                                  .description = "Of two" };
    struct upload whole = { 0 };
    struct probe job;

    assert_true(id_is_zero(a.video_id));
    assert_int_equal(complete(f, &a, 100), 0);
    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &ask, &whole), ERR_CONFLICT); /* b is not finished */
    assert_int_equal(complete(f, &b, 50), 0);
    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &ask, &whole), 0);
    assert_int_equal(whole.length, 150);
    assert_string_equal(studio_video(f, whole.video_id).title, "two");
    assert_string_equal(studio_video(f, whole.video_id).description, "Of two");
    assert_int_equal(studio_video(f, whole.video_id).visibility, VISIBILITY_PUBLIC);
    assert_int_equal(studio_video(f, whole.video_id).upload, UPLOAD_STATE_COMPLETE);
    struct fake_sent *sent = fake_take(f, "transcode.probe");
    assert_int_equal(wire_unpack(&probe_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(job.parts_n, 2);
    assert_string_equal(job.parts[0].blob, b.blob);
    assert_int_equal(job.parts[1].offset, 50);
    assert_int_equal(job.length, 150);
    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &ask, &whole), ERR_CONFLICT); /* used up */
}

/* The tail first: a part that says where it belongs is read from there before the rest has come. */
static void a_part_that_says_its_place_is_of_use_at_once(void **state)
{
    const struct studio tail = { .need_more = true, .need_offset = 900000 };
    struct fake *f = *state;
    struct create_video make = { .title = "tail first" };
    struct video video;

    assert_int_equal(FAKE_CALL(f, catalog_create_video, &make, &video), 0);
    struct upload head = open_upload(
        f, (struct create_upload) { .video_id = video.id, .length = 900000, .has_length = true, .partial = true });
    struct upload end = open_upload(
        f, (struct create_upload) {
               .video_id = video.id, .length = 100000, .has_length = true, .partial = true, .at = 900000 });
    assert_int_equal(advance(f, &head, 300000), 0);
    assert_true(studio_probe(f, &tail));
    assert_int_equal(complete(f, &end, 100000), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 2);
    assert_true(studio_probe(f, &clip));
    assert_int_equal(complete(f, &head, 900000), 0);
    assert_int_equal(studio_video(f, video.id).upload, UPLOAD_STATE_RECEIVING); /* until they are joined */
    struct id ids[] = { head.id, end.id };
    struct concat_uploads ask = { .parts = ids, .parts_n = 2 };
    struct upload whole;
    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &ask, &whole), 0);
    assert_int_equal(studio_video(f, video.id).upload, UPLOAD_STATE_COMPLETE);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, video.id).state, VIDEO_STATE_READY);
}

static void a_file_that_its_owner_has_already_is_told(void **state)
{
    struct fake *f = *state;
    struct video first = whole_file(f, "the same bytes"), other = whole_file(f, "other bytes here");
    struct video second = whole_file(f, "the same bytes");
    struct why_reply why = { 0 };

    assert_true(id_is_zero(first.same_as) && id_is_zero(other.same_as));
    assert_true(id_equal(second.same_as, first.id)); /* with the answer to its last byte */
    assert_true(id_is_zero(same_as(f, first.id)));
    assert_true(id_is_zero(same_as(f, other.id)));
    assert_true(id_equal(same_as(f, second.id), first.id));
    assert_true(FAKE_CALL(f, catalog_why, &(struct why) { .id = second.id }, &why) >= 0);
    assert_string_equal(why.parts[1].what, "file");
    assert_string_equal(why.parts[1].state, "twice");
    assert_non_null(strstr(why.parts[1].detail, "sha256 7d95d9eeb9"));
    assert_non_null(strstr(why.parts[1].detail, "the same file as that of video_"));
    fake_be(f, 2, ROLE_CREATOR);
    assert_true(id_is_zero(whole_file(f, "the same bytes").same_as)); /* what others have is nobody's business */
    fake_be(f, 1, ROLE_CREATOR);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = first.id }), 0);
    assert_true(id_is_zero(same_as(f, second.id))); /* one that lives */
}

static void a_file_in_parts_is_known_again_as_well(void **state)
{
    struct fake *f = *state;
    struct video first = whole_file(f, "head and tail");
    struct upload head = part_of(f, "head and"), tail = part_of(f, " tail"), whole = { 0 };
    struct id ids[] = { head.id, tail.id };
    struct concat_uploads ask = { .parts = ids, .parts_n = 2 };

    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &ask, &whole), 0);
    fake_settle(f);
    assert_true(id_equal(same_as(f, whole.video_id), first.id));
}

static void bytes_that_nobody_summed_are_read_once(void **state)
{
    struct fake *f = *state;
    struct upload a = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true });
    struct upload b = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true });

    write_bytes(f, &a, 5000); /* and the front died */
    fake_pass(f, 6000);
    write_bytes(f, &b, 5000);
    fake_pass(f, 6000);
    assert_true(id_is_zero(same_as(f, a.video_id)));
    assert_true(id_equal(same_as(f, b.video_id), a.video_id));
}

static void a_quota_is_asked_before_and_given_back_after(void **state)
{
    struct fake *f = *state;
    struct create_upload ask = { .length = 700, .has_length = true };
    struct upload upload, second;

    f->settings.quota_bytes = 1000;
    upload = open_upload(f, ask);
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &second), ERR_QUOTA_EXCEEDED);
    fake_be(f, 2, ROLE_CREATOR);
    open_upload(f, ask); /* another account's own */
    fake_be(f, 1, ROLE_CREATOR);
    assert_int_equal(FAKE_CALL(f, catalog_drop_upload, &(struct drop_upload) { .id = upload.id }), 0);
    open_upload(f, ask);
}

/* Nobody said how long it would be: what has come counts, and the rest once it is told. */
static void a_quota_holds_for_a_length_told_late(void **state)
{
    struct fake *f = *state;
    struct create_upload ask = { .filename = "x" };
    struct upload upload = open_upload(f, ask);
    struct upload_advanced late = {
        .id = upload.id, .capability = upload.capability, .offset = 600, .length = 1001, .has_length = true
    };

    f->settings.quota_bytes = 1000;
    assert_int_equal(advance(f, &upload, 600), 0);
    assert_int_equal(advance(f, &upload, 1001), ERR_QUOTA_EXCEEDED);
    assert_non_null(strstr(f->detail, "1 bytes more"));
    assert_non_null(strstr(f->detail, "1000 bytes in all"));
    assert_non_null(strstr(f->detail, "600 of them"));
    assert_int_equal(FAKE_CALL(f, catalog_upload_advanced, &late), ERR_QUOTA_EXCEEDED);
    late.length = 500;
    assert_int_equal(FAKE_CALL(f, catalog_upload_advanced, &late), ERR_CONFLICT);
    late.length = 1000;
    assert_int_equal(FAKE_CALL(f, catalog_upload_advanced, &late), 0);
    assert_int_equal(FAKE_CALL(f, catalog_drop_upload, &(struct drop_upload) { .id = upload.id }), 0);
    ask = (struct create_upload) { .length = 1000, .has_length = true };
    open_upload(f, ask); /* all of it came back */
}

static void a_disk_that_fills_up_stops_what_said_no_length(void **state)
{
    struct fake *f = *state;
    struct upload upload = open_upload(f, (struct create_upload) { .filename = "x" });

    assert_int_equal(advance(f, &upload, 100), 0);
    f->settings.reserve_bytes = UINT64_C(1) << 50;
    assert_int_equal(advance(f, &upload, 200), ERR_STORE_FULL);
    assert_int_equal(studio_video(f, upload.video_id).uploaded_bytes, 100);
}

/* Parts are counted once each, the row that joins them not at all: what is deleted comes back exactly. */
static void joined_parts_count_once(void **state)
{
    struct fake *f = *state;
    struct create_upload part = { .length = 400, .has_length = true, .partial = true };
    struct upload a = open_upload(f, part), b = open_upload(f, part), whole = { 0 }, over;
    struct id ids[] = { a.id, b.id };

    f->settings.quota_bytes = 1000;
    assert_int_equal(complete(f, &a, 400), 0);
    assert_int_equal(complete(f, &b, 400), 0);
    struct concat_uploads ask = { .parts = ids, .parts_n = 2 };
    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &ask, &whole), 0);
    struct create_upload more = { .length = 201, .has_length = true };
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &more, &over), ERR_QUOTA_EXCEEDED);
    struct delete_video end = { .id = whole.video_id, .now = true };
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &end), 0);
    fake_settle(f);
    more.length = 1001;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &more, &over), ERR_QUOTA_EXCEEDED);
    more.length = 1000;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &more, &over), 0);
}

static void whoever_lost_an_upload_begins_anew(void **state)
{
    struct fake *f = *state;
    struct upload first = open_upload(f, (struct create_upload) { .length = 5000, .has_length = true });

    write_bytes(f, &first, 100);
    assert_int_equal(advance(f, &first, 100), 0);
    struct upload second = open_upload(
        f, (struct create_upload) { .video_id = first.video_id, .length = 70, .has_length = true });
    fake_settle(f);
    assert_false(object_is_there(f, &first));
    assert_int_equal(advance(f, &first, 200), ERR_NOT_FOUND);
    assert_int_equal(complete(f, &second, 70), 0);
    assert_int_equal(studio_video(f, first.video_id).uploaded_bytes, 70);
}

static void a_disk_without_room_says_so_before_a_byte_is_sent(void **state)
{
    struct fake *f = *state;
    struct create_upload ask = { .length = UINT64_C(1) << 40, .has_length = true };
    struct upload upload;

    f->settings.reserve_bytes = UINT64_C(1) << 50;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &upload), ERR_STORE_FULL);
    assert_non_null(strstr(f->detail, "1099511627776 more bytes"));
    assert_non_null(strstr(f->detail, "1125899906842624 are kept back"));
    assert_int_equal(fake_count(f, "catalog.video_created"), 0);
}

static void another_ones_video_takes_no_upload(void **state)
{
    struct fake *f = *state;
    struct create_video make = { .title = "mine" };
    struct video video;
    struct upload upload;

    assert_int_equal(FAKE_CALL(f, catalog_create_video, &make, &video), 0);
    fake_be(f, 2, ROLE_CREATOR);
    struct create_upload ask = { .video_id = video.id, .length = 5, .has_length = true };
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &upload), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(a_file_is_looked_at_as_soon_as_enough_is_there),
        with_fake(a_look_that_needs_more_is_taken_again_when_that_is_there),
        with_fake(what_came_while_it_looked_counts_at_once),
        with_fake(a_whole_file_that_needs_more_is_cut_short_and_says_so),
        with_fake(a_film_is_watchable_before_its_upload_ends),
        with_fake(only_who_holds_the_capability_may_report),
        with_fake(a_part_may_say_how_long_the_whole_is),
        with_fake(a_declared_length_holds),
        with_fake(a_report_of_the_last_byte_completes_by_itself),
        with_fake(a_deferred_length_is_known_in_the_end),
        with_fake(bytes_whose_report_was_lost_are_found_by_the_clock),
        with_fake(an_upload_that_stands_still_expires_with_its_bytes),
        with_fake(a_new_upload_brings_an_expired_video_back),
        with_fake(a_dropped_upload_leaves_a_video_that_waits),
        with_fake(a_part_is_not_told_to_be_complete),
        with_fake(partial_uploads_are_joined_in_the_order_named),
        with_fake(a_part_that_says_its_place_is_of_use_at_once),
        with_fake(a_file_that_its_owner_has_already_is_told),
        with_fake(a_file_in_parts_is_known_again_as_well),
        with_fake(bytes_that_nobody_summed_are_read_once),
        with_fake(a_quota_is_asked_before_and_given_back_after),
        with_fake(a_quota_holds_for_a_length_told_late),
        with_fake(a_disk_that_fills_up_stops_what_said_no_length),
        with_fake(joined_parts_count_once),
        with_fake(whoever_lost_an_upload_begins_anew),
        with_fake(a_disk_without_room_says_so_before_a_byte_is_sent),
        with_fake(another_ones_video_takes_no_upload),
    };

    return cmocka_run_group_tests_name("catalog_upload", tests, NULL, NULL);
}

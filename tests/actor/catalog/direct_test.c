/* direct_test - uploads whose parts are put straight into the store: opened, signed for, listed, completed, given up. */
#include "tests/actor/catalog/direct_stage.h"

#include <stdio.h>
#include <string.h>

#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/content.h"
#include "data/blobs/s3_direct.h"

enum { A_DAY = 24 * 3600 * 1000 };

#define PART ((uint64_t)5 << 20)

/* What is said of its upload to whoever asks why. */
static const char *why_upload(struct fake *f, struct id video)
{
    struct why_reply reply = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = video }, &reply), 0);
    assert_string_equal(reply.parts[0].what, "upload");
    return reply.parts[0].detail;
}

static void a_film_put_there_in_parts_is_looked_at_and_lies_there_alone(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, PART + 100), seen;
    struct blob_info info;
    struct copy_row copy;
    struct doing d;

    assert_int_equal(upload.part_size, PART);
    assert_int_equal(upload.parts, 2);
    assert_int_equal(stage_list(f, upload.id, 0, &seen), 0);
    assert_int_equal(seen.there_n, 0);
    assert_string_equal(why_upload(f, upload.video_id),
                        "5242980 bytes in 2 parts, which the client puts straight into there");
    stage_put(f, upload.id, 2, 'b', 100);
    assert_int_equal(stage_list(f, upload.id, 0, &seen), 0);
    assert_int_equal(seen.there_n, 1);
    assert_true(seen.there[0].number == 2 && seen.there[0].size == 100 && strlen(seen.there[0].etag) == 34);
    stage_put(f, upload.id, 1, 'a', PART);
    assert_int_equal(stage_list(f, upload.id, 1, &seen), 0);
    assert_int_equal(seen.there_n, 1);
    assert_int_equal(fake_count(f, "transcode.probe"), 0);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    assert_int_equal(((const struct video *)f->replied)->upload, UPLOAD_STATE_COMPLETE);
    assert_int_equal(fake_count(f, "transcode.probe"), 1);
    assert_int_equal(f->counters[CATALOG_DIRECT_UPLOADS], 1);

    struct upload row = stage_row(f, upload.id, 0);
    assert_true(row.complete && !row.expires_at);
    assert_int_equal(blob_stat(copies_near(&f->self), row.blob, &info), ERR_NOT_FOUND);
    assert_int_equal(blob_stat(f->self.blobs, row.blob, &info), 0);
    assert_true(info.far && info.size == PART + 100);
    struct turn *t = fake_begin(f);
    assert_int_equal(copy_row_get(turn_txn(t), turn_arena(t), upload.video_id, &copy), 0);
    assert_true(copy.came_there && copy.original && !copy.due_at);
    assert_int_equal(video_load(&f->self, t, upload.video_id, &d), 0);
    assert_int_equal(d.row.uploaded_bytes, PART + 100);
    assert_int_equal(strlen(d.row.sha256), 64); /* made of what lies there */
    fake_end(f, 0);
    assert_string_equal(why_upload(f, upload.video_id), "5242980 of 5242980 bytes");
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0); /* once more: the same */
    assert_int_equal(fake_count(f, "transcode.probe"), 1);
    assert_int_equal(stage_list(f, upload.id, 0, &seen), 0);
    assert_true(seen.complete);
    assert_int_equal(stage_drop(f, upload.id), ERR_CONFLICT);
}

static const char *sum_of(struct fake *f, struct id video)
{
    struct turn *t = fake_begin(f);
    struct doing d;

    assert_int_equal(video_load(&f->self, t, video, &d), 0);
    fake_end(f, 0);
    return d.row.sha256 ? d.row.sha256 : "";
}

/* How often making it failed; -1: nobody will try. */
static int sum_tries(struct fake *f, struct id video)
{
    struct turn *t = fake_begin(f);
    struct content_row row;
    int r = content_row_get(turn_txn(t), turn_arena(t), video, &row);

    fake_end(f, 0);
    return r < 0 ? -1 : (int)row.tries;
}

/* Its object cannot be read, only looked at. */
static struct id film_that_is_not_read(struct fake *f)
{
    struct direct_upload upload = stage_open(f, PART + 100);

    stage_put(f, upload.id, 1, 'a', PART);
    stage_put(f, upload.id, 2, 'b', 100);
    s3_tell("{\"match\": \"GET \", \"wait\": 0, \"times\": 1}"); /* the list of parts */
    s3_tell("{\"match\": \"GET \", \"status\": 503, \"times\": 1000000}");
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    return upload.video_id;
}

static void a_sum_that_the_store_did_not_let_us_make_is_made_later(void **state)
{
    struct fake *f = *state;
    struct id video = film_that_is_not_read(f);
    struct why_reply why = { 0 };

    assert_int_equal(sum_tries(f, video), 1);
    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = video }, &why), 0);
    assert_string_equal(why.parts[1].what, "file");
    assert_string_equal(why.parts[1].detail, "reading it for its sha256 failed: ERR_UNAVAILABLE");
    assert_true(why.parts[1].attempts == 1 && why.parts[1].next_try_at == f->now + 60000);
    fake_pass(f, 50000);
    assert_int_equal(sum_tries(f, video), 1);
    fake_pass(f, 10000);
    assert_int_equal(sum_tries(f, video), 2);
    fake_pass(f, 60000);
    assert_int_equal(sum_tries(f, video), 2); /* two minutes, now */
    fake_restart(f);
    stage_begin(f);
    s3_tell("{\"clear\": true}");
    fake_pass(f, 60000);
    assert_int_equal(strlen(sum_of(f, video)), 64);
    assert_int_equal(sum_tries(f, video), -1);
}

static void a_sum_that_was_under_way_when_the_process_ended_is_made(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, PART);
    struct turn *t;

    stage_put(f, upload.id, 1, 'a', PART);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    t = fake_begin(f); /* as it was before the sum */
    struct doing d;
    assert_int_equal(video_load(&f->self, t, upload.video_id, &d), 0);
    d.row.sha256 = NULL;
    assert_int_equal(content_look(&d), 0);
    assert_int_equal(fake_end(f, video_save(&d)), 0);
    fake_pass(f, 60000 - 1);
    assert_int_equal(sum_tries(f, upload.video_id), 0);
    f->now += 1;
    fake_settle_but_pool(f);
    fake_restart(f);
    stage_begin(f);
    fake_pass(f, 10000);
    assert_int_equal(strlen(sum_of(f, upload.video_id)), 64);
}

static void a_sum_that_cannot_be_made_is_given_up_after_days(void **state)
{
    struct fake *f = *state;
    struct id video = film_that_is_not_read(f);
    unsigned hours = 0;

    while (sum_tries(f, video) >= 0 && hours++ < 200)
        fake_pass(f, 3600000);
    assert_true(hours > 2 * 24 && hours < 4 * 24);
    assert_string_equal(sum_of(f, video), "");
    s3_tell("{\"clear\": true}");
}

static void etags_that_are_told_are_held_against_those_that_are_there(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, PART + 1), seen;
    struct direct_part told[2] = { { .number = 1 }, { .number = 2 } };

    stage_put(f, upload.id, 1, 'a', PART);
    stage_put(f, upload.id, 2, 'b', 1);
    assert_int_equal(stage_list(f, upload.id, 0, &seen), 0);
    for (unsigned i = 0; i < 2; i++)
        told[i].etag = seen.there[i].etag;
    assert_int_equal(stage_complete(f, upload.id, told, 1), ERR_INVALID);
    assert_non_null(strstr(f->detail, "names 1 of 2"));
    told[1].number = 1;
    assert_int_equal(stage_complete(f, upload.id, told, 2), ERR_INVALID);
    assert_non_null(strstr(f->detail, "twice"));
    told[1].number = 3;
    assert_int_equal(stage_complete(f, upload.id, told, 2), ERR_INVALID);
    told[1].number = 2;
    told[1].etag = "\"0123";
    assert_int_equal(stage_complete(f, upload.id, told, 2), ERR_INVALID);
    told[1].etag = "0123456789abcdef0123456789abcdef";
    assert_int_equal(stage_complete(f, upload.id, told, 2), ERR_CHECKSUM);
    assert_non_null(strstr(f->detail, "part 2 is there as"));
    assert_false(stage_row(f, upload.id, 0).complete);
    told[1].etag = seen.there[1].etag;
    assert_int_equal(stage_complete(f, upload.id, told, 2), 0);
}

static void what_is_missing_or_of_another_length_is_named(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 2 * PART + 1);
    struct blobs_s3_grant grant = { .lasts_s = 60, .now = f->now / 1000, .part = 3, .size = 7 };
    struct upload row;
    struct buf other = { 0 };

    assert_int_equal(stage_complete(f, upload.id, NULL, 0), ERR_CONFLICT);
    assert_non_null(strstr(f->detail, "no URL was asked for"));
    stage_put(f, upload.id, 2, 'b', PART);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), ERR_CONFLICT);
    assert_string_equal(f->detail, "2 of 3 parts are not there, the first of them is 1");
    stage_put(f, upload.id, 1, 'a', PART);
    row = stage_row(f, upload.id, 0);
    grant.name = row.blob;
    grant.upload = row.store_id;
    blobs_s3_sign(stage_store, &grant, &other); /* as nobody here would sign it */
    assert_int_equal(s3_put_url(buf_text(&other), 'c', 7), 200);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), ERR_CONFLICT);
    assert_non_null(strstr(f->detail, "part 3 has 7 bytes there, and 1 were declared"));
    stage_put(f, upload.id, 3, 'c', 1);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    buf_free(&other);
}

static void an_answer_that_was_lost_is_made_up_for(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3);

    struct direct_upload seen;
    struct buf parts = { 0 };
    struct upload row;

    stage_put(f, upload.id, 1, 'a', 3);
    s3_tell("{\"match\": \"POST \", \"lose\": true, \"times\": 1}"); /* which libcurl asks again by itself */
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    assert_true(stage_row(f, upload.id, 0).complete);

    upload = stage_open(f, 3); /* and one that was joined by a process that died then */
    stage_put(f, upload.id, 1, 'a', 3);
    assert_int_equal(stage_list(f, upload.id, 0, &seen), 0);
    row = stage_row(f, upload.id, 0);
    blobs_s3_name_part(&parts, 1, seen.there[0].etag);
    assert_int_equal(blobs_s3_end(stage_store, row.blob, row.store_id, buf_bytes(&parts)), 0);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    assert_true(stage_row(f, upload.id, 0).complete);
    buf_free(&parts);
}

static void while_the_store_is_away_it_is_said_and_nothing_is_lost(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3), seen;
    struct sign_parts_reply reply;
    const uint64_t one = 1;

    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 1}");
    assert_int_equal(stage_sign(f, upload.id, &one, 1, &reply), ERR_UNAVAILABLE);
    s3_tell("{\"match\": \"films\", \"status\": 403, \"times\": 1}");
    assert_int_equal(stage_sign(f, upload.id, &one, 1, &reply),
                     ERR_UNAVAILABLE); /* it is not the client whom it refuses */
    stage_put(f, upload.id, 1, 'a', 3);
    s3_tell("{\"match\": \"films\", \"status\": 503, \"times\": 2}");
    assert_int_equal(stage_list(f, upload.id, 0, &seen), ERR_UNAVAILABLE);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), ERR_UNAVAILABLE);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
}

static void what_is_dropped_or_stands_still_is_given_up_in_the_store(void **state)
{
    struct fake *f = *state;
    struct direct_upload dropped = stage_open(f, 3), idle = stage_open(f, 3);
    struct upload a, b;

    stage_put(f, dropped.id, 1, 'a', 3);
    stage_put(f, idle.id, 1, 'a', 3);
    a = stage_row(f, dropped.id, 0);
    b = stage_row(f, idle.id, 0);
    assert_true(stage_has(&a) && stage_has(&b));
    assert_int_equal(stage_drop(f, dropped.id), 0);
    assert_false(stage_has(&a));
    stage_row(f, dropped.id, ERR_NOT_FOUND);
    fake_pass(f, A_DAY / 2);
    fake_pass(f, 5000);
    assert_true(stage_has(&b));
    fake_pass(f, A_DAY / 2);
    fake_pass(f, 5000);
    assert_false(stage_has(&b));
    stage_row(f, idle.id, ERR_NOT_FOUND);
}

static void a_process_that_ended_knows_again_what_was_begun(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3);
    struct upload row;

    stage_put(f, upload.id, 1, 'a', 3);
    row = stage_row(f, upload.id, 0);
    fake_restart(f);
    stage_begin(f);
    assert_int_equal(blobs_sweep(f->self.blobs, 0, NULL), 0);
    assert_true(stage_has(&row));
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
}

static void one_that_was_begun_in_the_place_before_ends_there(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3);
    struct copy_row copy;

    stage_put(f, upload.id, 1, 'a', 3);
    fake_restart(f);
    copies_over(&f->self, s3_open(s3_uri(), 0, NULL), "elsewhere");
    copies_over_before(&f->self, s3_open(s3_uri(), 0, NULL), "there");
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), 0);
    struct turn *t = fake_begin(f);
    assert_int_equal(copy_row_get(turn_txn(t), turn_arena(t), upload.video_id, &copy), 0);
    assert_string_equal(copy.place, "there");
    assert_true(copy.due_at > 0); /* and moves */
    fake_end(f, 0);
}

static void two_calls_that_begin_it_at_once_share_one(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, PART + 1);
    uint64_t one = 1, two = 2;
    struct sign_parts asks[2] = { { .id = upload.id, .numbers = &one, .numbers_n = 1 },
                                  { .id = upload.id, .numbers = &two, .numbers_n = 1 } };
    struct sign_parts_reply reply;
    struct upload row;
    unsigned removed = 0;

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(FAKE_CALL(f, catalog_sign_parts, &asks[i], &reply), 0);
    fake_settle(f);
    row = stage_row(f, upload.id, 0);
    assert_true(stage_has(&row));
    blobs_s3_know(stage_store, row.store_id);
    assert_int_equal(blobs_sweep(stage_store, 0, &removed), 0);
    assert_int_equal(removed, 0); /* the other one is gone already */
    blobs_s3_unknow(stage_store, row.store_id);
}

static void who_gives_it_up_while_it_is_completed_leaves_nothing_there(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3);
    struct complete_direct_upload ask = { .id = upload.id };
    struct upload row;
    struct blob_info info;
    struct video video;
    struct turn *t;

    stage_put(f, upload.id, 1, 'a', 3);
    row = stage_row(f, upload.id, 0);
    assert_int_equal(FAKE_CALL(f, catalog_complete_direct_upload, &ask, &video), 0);
    t = fake_begin(f); /* before the pool comes to it */
    assert_int_equal(fake_end(f, upload_del(turn_txn(t), upload.id)), 0);
    fake_settle(f);
    assert_int_equal(f->later, ERR_GONE);
    assert_int_equal(blob_stat(stage_store, row.blob, &info), ERR_NOT_FOUND);
}

static void room_is_asked_of_the_quota_and_not_of_the_disk(void **state)
{
    struct fake *f = *state;
    struct create_direct_upload ask = { .length = 60 };
    struct direct_upload reply, first;

    f->settings.quota_bytes = 100;
    f->settings.reserve_bytes = UINT64_MAX / 4; /* the disk is full */
    first = stage_open(f, 60);
    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), ERR_QUOTA_EXCEEDED);
    assert_int_equal(stage_drop(f, first.id), 0);
    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), 0);
}

static void parts_are_as_large_as_the_file_needs(void **state)
{
    struct fake *f = *state;
    struct create_direct_upload ask = { .length = (uint64_t)1 << 40 };
    struct direct_upload reply;

    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), 0);
    assert_true(reply.parts <= 10000 && reply.part_size % (1 << 20) == 0);
    ask.has_part_size = true;
    ask.part_size = PART;
    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), ERR_INVALID);
    assert_non_null(strstr(f->detail, "109951163 bytes are the least"));
    ask.length = 3 * PART;
    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), 0);
    assert_int_equal(reply.parts, 3);
}

static void others_find_nothing_and_each_kind_has_its_address(void **state)
{
    struct fake *f = *state;
    struct direct_upload upload = stage_open(f, 3), seen;
    struct create_upload tus = { .length = 3, .has_length = true };
    struct upload other = { 0 };
    struct sign_parts_reply reply;
    const uint64_t two = 2;

    assert_int_equal(stage_sign(f, upload.id, &two, 1, &reply), ERR_INVALID);
    assert_string_equal(f->detail, "names part 2 of 1");
    assert_int_equal(FAKE_CALL(f, catalog_get_upload, &(struct get_upload) { .id = upload.id }, &other),
                     ERR_CONFLICT);
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &tus, &other), 0);
    assert_int_equal(stage_list(f, other.id, 0, &seen), ERR_CONFLICT);
    assert_int_equal(stage_drop(f, other.id), ERR_CONFLICT);
    fake_be(f, 2, ROLE_CREATOR);
    assert_int_equal(stage_list(f, upload.id, 0, &seen), ERR_NOT_FOUND);
    assert_int_equal(stage_sign(f, upload.id, &two, 1, &reply), ERR_NOT_FOUND);
    assert_int_equal(stage_complete(f, upload.id, NULL, 0), ERR_NOT_FOUND);
    assert_int_equal(stage_drop(f, upload.id), ERR_NOT_FOUND);
}

static void without_a_store_it_is_said_how_to_have_one(void **state)
{
    struct fake *f = *state;
    struct create_direct_upload ask = { .length = 3 };
    struct direct_upload upload = stage_open(f, 3), reply;
    uint64_t one = 1;
    struct sign_parts_reply signed_;

    fake_restart(f); /* without one */
    assert_int_equal(FAKE_CALL(f, catalog_create_direct_upload, &ask, &reply), ERR_UNSUPPORTED);
    assert_non_null(strstr(f->detail, "catalog.far = s3://"));
    assert_int_equal(stage_sign(f, upload.id, &one, 1, &signed_), ERR_UNSUPPORTED);
    copies_over(&f->self, s3_open(s3_uri(), 0, NULL), "elsewhere");
    assert_int_equal(stage_sign(f, upload.id, &one, 1, &signed_), ERR_GONE);
    assert_non_null(strstr(f->detail, "begun in there"));
    f->settings.direct_address = "films.example.org";
    upload = stage_open(f, 3);
    assert_int_equal(stage_sign(f, upload.id, &one, 1, &signed_), ERR_UNAVAILABLE);
    assert_null(stage_row(f, upload.id, 0).store_id); /* and nothing was begun */
}

int main(void)
{
#define with_store(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        with_store(a_film_put_there_in_parts_is_looked_at_and_lies_there_alone),
        with_store(a_sum_that_the_store_did_not_let_us_make_is_made_later),
        with_store(a_sum_that_was_under_way_when_the_process_ended_is_made),
        with_store(a_sum_that_cannot_be_made_is_given_up_after_days),
        with_store(etags_that_are_told_are_held_against_those_that_are_there),
        with_store(what_is_missing_or_of_another_length_is_named),
        with_store(an_answer_that_was_lost_is_made_up_for),
        with_store(while_the_store_is_away_it_is_said_and_nothing_is_lost),
        with_store(what_is_dropped_or_stands_still_is_given_up_in_the_store),
        with_store(a_process_that_ended_knows_again_what_was_begun),
        with_store(one_that_was_begun_in_the_place_before_ends_there),
        with_store(two_calls_that_begin_it_at_once_share_one),
        with_store(who_gives_it_up_while_it_is_completed_leaves_nothing_there),
        with_store(room_is_asked_of_the_quota_and_not_of_the_disk),
        with_store(parts_are_as_large_as_the_file_needs),
        with_store(others_find_nothing_and_each_kind_has_its_address),
        with_store(without_a_store_it_is_said_how_to_have_one),
    };

    return cmocka_run_group_tests_name("catalog_direct", tests, s3_group_setup, s3_group_teardown);
}

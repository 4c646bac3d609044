/* import_test - originals that are fetched: whose turn it is, what whoever fetches is told and tells, and what becomes of the
 * video in the end. */
#include "tests/actor/catalog/studio.h"

#include <string.h>

#include "actors/catalog/uploads/import.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

static int try_import(struct fake *f, const char *url, struct video *ret)
{
    struct import_video ask = { .url = url, .visibility = VISIBILITY_PRIVATE };

    return FAKE_CALL(f, catalog_import_video, &ask, ret);
}

static struct id ask_for(struct fake *f, const char *url)
{
    struct video video = { 0 };

    assert_int_equal(try_import(f, url, &video), 0);
    return video.id;
}

/* The next job, as a fetcher takes it. */
static struct id take_job(struct fake *f, struct id video)
{
    struct fake_sent *sent = fake_take(f, "fetcher.import");
    struct import job;

    assert_non_null(sent);
    assert_int_equal(wire_unpack(&import_type, sent->body, f->arena, &job, NULL), 0);
    assert_true(id_equal(job.video_id, video));
    return sent->job;
}

static int begin(struct fake *f, struct id job, struct import_order *ret)
{
    return FAKE_CALL(f, catalog_begin_import, &(struct begin_import) { .job_id = job }, ret);
}

static struct import_order begun(struct fake *f, struct id job)
{
    struct import_order order = { 0 };

    assert_int_equal(begin(f, job, &order), 0);
    return order;
}

static int answered(struct fake *f, struct import_answered told, struct import_order *ret)
{
    return FAKE_CALL(f, catalog_import_answered, &told, ret);
}

static int advance(struct fake *f, const struct import_order *order, uint64_t offset)
{
    struct upload_advanced ask = { .id = order->upload_id, .capability = order->capability, .offset = offset };

    return FAKE_CALL(f, catalog_upload_advanced, &ask);
}

static int complete(struct fake *f, const struct import_order *order, uint64_t length)
{
    struct upload_complete ask = { .id = order->upload_id, .capability = order->capability, .length = length };
    struct video video = { 0 };

    return FAKE_CALL(f, catalog_upload_complete, &ask, &video);
}

static void end(struct fake *f, struct id job, enum import_outcome outcome, const char *reason)
{
    struct import_done done = { .job_id = job, .outcome = outcome, .reason = reason };

    assert_int_equal(FAKE_CALL(f, catalog_on_import_done, &done), 0);
}

static enum import_state state_of(struct fake *f, struct id video)
{
    struct import_row row = { 0 };
    struct turn *t = fake_begin(f);

    assert_int_equal(import_of(t, video, &row), 0);
    fake_end(f, 0);
    return row.state;
}

static bool is_imported(struct fake *f, struct id id)
{
    struct video video = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = id }, &video), 0);
    return video.imported;
}

static void its_owner_is_told_that_nobody_sends_its_file(void **state)
{
    struct fake *f = *state;
    struct video video = { 0 }, other = { 0 };
    struct create_video create = { .title = "sent" };
    struct update_video publish = { .has_visibility = true, .visibility = VISIBILITY_UNLISTED };
    struct import_order order;
    struct id job;

    assert_int_equal(try_import(f, "https://example.org/a.mp4", &video), 0);
    assert_true(video.imported && is_imported(f, video.id));
    assert_int_equal(FAKE_CALL(f, catalog_create_video, &create, &other), 0);
    assert_false(other.imported || is_imported(f, other.id));
    publish.id = video.id;
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &publish, &other), 0);
    assert_true(other.imported);
    job = take_job(f, video.id);
    order = begun(f, job);
    assert_int_equal(complete(f, &order, 1 << 20), 0);
    end(f, job, IMPORT_OUTCOME_STORED, NULL);
    studio_work(f, &clip);
    assert_true(is_imported(f, video.id));
    fake_be(f, 2, ROLE_VIEWER); /* who may watch it need not know */
    assert_false(is_imported(f, video.id));
}

static void one_is_fetched_as_an_upload_is_sent(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "https://example.org/films/a.mp4?key=k"), job = take_job(f, video);
    struct import_order order = begun(f, job), told = { 0 };

    assert_string_equal(studio_video(f, video).title, "Import from example.org");
    assert_string_equal(order.url, "https://example.org/films/a.mp4?key=k");
    assert_true(order.most_bytes == f->settings.import_bytes && !order.has_length && !order.complete);
    assert_int_equal(order.until, f->now + (int64_t)f->settings.import_hours * 3600000);
    assert_int_equal(answered(f,
                              (struct import_answered) { .job_id = job,
                                                         .upload_id = order.upload_id,
                                                         .has_length = true,
                                                         .length = 1 << 20,
                                                         .etag = "\"x\"",
                                                         .filename = "a.mp4" },
                              &told),
                     0);
    assert_true(told.has_length && told.length == 1 << 20 && id_equal(told.upload_id, order.upload_id));
    assert_string_equal(studio_video(f, video).title, "a");
    assert_int_equal(studio_video(f, video).declared_bytes, 1 << 20);
    assert_int_equal(advance(f, &order, 600000), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 1);
    assert_true(studio_probe(f, &clip));
    assert_string_equal(begun(f, job).etag, "\"x\""); /* whoever has it after a kill */
    assert_int_equal(complete(f, &order, 1 << 20), 0);
    assert_true(begun(f, job).complete);
    end(f, job, IMPORT_OUTCOME_STORED, NULL);
    assert_int_equal(state_of(f, video), IMPORT_STATE_DONE);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
}

static void the_id_of_the_job_is_what_proves_it(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video), wrong = job;
    struct import_order order = { 0 };

    wrong.b[15] ^= 1;
    assert_int_equal(begin(f, wrong, &order), ERR_GONE);
    assert_int_equal(begin(f, ID_NONE, &order), ERR_GONE);
    assert_int_equal(begin(f, job, &order), 0);
    end(f, wrong, IMPORT_OUTCOME_REFUSED, "no");
    assert_int_equal(state_of(f, video), IMPORT_STATE_RUNNING);
    end(f, job, IMPORT_OUTCOME_REFUSED, "The server answered 404.");
    assert_int_equal(begin(f, job, &order), ERR_GONE);
}

static void what_cannot_be_fetched_fails_with_its_reason_and_leaves_nothing(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job);
    struct blob_info info;
    struct blob_grow *grow;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->self.blobs, order.blob, &grow, &frontier), 0);
    blob_grow_close(&grow);
    assert_int_equal(advance(f, &order, 600000), 0);
    end(f, job, IMPORT_OUTCOME_REFUSED, "The file is too large.");
    fake_settle(f);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_FAILED);
    assert_string_equal(studio_video(f, video).reason, "The file is too large.");
    assert_int_equal(studio_video(f, video).uploaded_bytes, 0);
    assert_int_equal(fake_count(f, "catalog.video_failed"), 1);
    assert_int_equal(blob_stat(f->self.blobs, order.blob, &info), ERR_NOT_FOUND);
    assert_int_equal(advance(f, &order, 700000), ERR_NOT_FOUND);
}

static void one_that_was_given_up_keeps_what_came_and_is_tried_again(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job);
    struct import_dead dead = { .job_id = job, .attempts = 12, .reason = "The server takes no connection." };
    struct video shown = { 0 };

    assert_int_equal(advance(f, &order, 1000), 0);
    assert_int_equal(FAKE_CALL(f, catalog_on_import_dead, &dead), 0);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(studio_video(f, video).reason, "takes no connection"));
    assert_int_equal(advance(f, &order, 2000), ERR_GONE); /* whoever still writes hears so */
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = video }, &shown), 0);
    assert_int_equal(shown.state, VIDEO_STATE_UPLOADING);
    assert_true(id_equal(begun(f, take_job(f, video)).upload_id, order.upload_id));
    assert_int_equal(advance(f, &order, 2000), 0);
}

static void one_that_was_refused_begins_anew_when_it_is_tried_again(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job);
    struct video shown = { 0 };

    end(f, job, IMPORT_OUTCOME_REFUSED, "The server answered 404.");
    assert_int_equal(FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = video }, &shown), 0);
    assert_int_equal(shown.state, VIDEO_STATE_WAITING);
    assert_true(!shown.reason || !*shown.reason);
    job = take_job(f, video);
    assert_false(id_equal(begun(f, job).upload_id, order.upload_id));
}

static void of_an_account_one_runs_and_the_others_wait_in_their_order(void **state)
{
    struct fake *f = *state;
    struct id first = ask_for(f, "http://example.org/1"), second, third, other, job;

    fake_pass(f, 10);
    second = ask_for(f, "http://example.org/2");
    fake_pass(f, 10);
    third = ask_for(f, "http://example.org/3");
    fake_be(f, 2, ROLE_CREATOR);
    other = ask_for(f, "http://example.org/4");
    assert_int_equal(fake_count(f, "fetcher.import"), 2);
    job = take_job(f, first);
    take_job(f, other);
    assert_int_equal(state_of(f, second), IMPORT_STATE_WAITING);
    fake_be(f, 0, 0); /* an event is nobody's */
    end(f, job, IMPORT_OUTCOME_REFUSED, "no");
    job = take_job(f, second);
    assert_int_equal(state_of(f, third), IMPORT_STATE_WAITING);
    assert_true(id_equal(studio_video(f, second).owner_id, fake_user(1)));
    fake_be(f, 1, ROLE_CREATOR); /* and one that is deleted makes room as well */
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = second }), 0);
    take_job(f, third);
    end(f, job, IMPORT_OUTCOME_GONE, NULL);
    assert_int_equal(state_of(f, second), IMPORT_STATE_STOPPED);
}

/* Its owner sent the file while it waited for its turn, or begins to. */
static void one_whose_video_has_a_file_by_its_turn_is_not_begun(void **state)
{
    struct fake *f = *state;
    struct id first = ask_for(f, "http://example.org/1"), sent, begun, last, job = take_job(f, first);
    struct create_upload ask = { .length = 100, .has_length = true };
    struct upload whole = { 0 }, open = { 0 };

    fake_pass(f, 10);
    sent = ask_for(f, "http://example.org/2");
    fake_pass(f, 10);
    begun = ask_for(f, "http://example.org/3");
    fake_pass(f, 10);
    last = ask_for(f, "http://example.org/4");
    ask.video_id = sent;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &whole), 0);
    struct upload_complete all = { .id = whole.id, .capability = whole.capability, .length = 100 };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &all, &(struct video) { 0 }), 0);
    ask.video_id = begun;
    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &open), 0);
    end(f, job, IMPORT_OUTCOME_REFUSED, "no");
    assert_int_equal(state_of(f, first), IMPORT_STATE_FAILED);
    assert_int_equal(state_of(f, sent), IMPORT_STATE_STOPPED);
    assert_int_equal(state_of(f, begun), IMPORT_STATE_STOPPED);
    assert_int_equal(state_of(f, last), IMPORT_STATE_RUNNING);
    take_job(f, last);
    all = (struct upload_complete) { .id = open.id, .capability = open.capability, .length = 100 };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &all, &(struct video) { 0 }), 0);
}

static void one_that_was_tried_again_in_the_trash_keeps_no_other_waiting(void **state)
{
    struct fake *f = *state;
    struct id first = ask_for(f, "http://example.org/1"), second, job = take_job(f, first);

    end(f, job, IMPORT_OUTCOME_REFUSED, "no");
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = first }), 0);
    assert_int_equal(
        FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = first }, &(struct video) { 0 }), 0);
    second = ask_for(f, "http://example.org/2");
    take_job(f, second);
    assert_int_equal(state_of(f, first), IMPORT_STATE_STOPPED);
}

static void so_many_a_day_may_be_asked_for(void **state)
{
    struct fake *f = *state;
    struct video video = { 0 };

    f->settings.imports_a_day = 2;
    ask_for(f, "http://example.org/1");
    fake_pass(f, DAY_MS / 2);
    ask_for(f, "http://example.org/2");
    assert_int_equal(try_import(f, "http://example.org/3", &video), ERR_RATE_LIMITED);
    assert_non_null(
        strstr(f->detail, "of 2 imports a day all are used; the next one may be asked for in 721 minutes"));
    fake_pass(f, DAY_MS / 2);
    ask_for(f, "http://example.org/3");
    f->settings.imports_a_day = 0;
    fake_be(f, 2, ROLE_CREATOR);
    assert_int_equal(try_import(f, "http://example.org/4", &video), ERR_RATE_LIMITED);
}

static void the_operator_says_for_whom(void **state)
{
    struct fake *f = *state;
    struct import_video ask = { .url = "http://example.org/a.mp4", .owner_id = fake_user(2) };
    struct video video = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_import_video, &ask, &video), ERR_FORBIDDEN);
    fake_be(f, 0, 0);
    f->subject.is_operator = true;
    assert_int_equal(FAKE_CALL(f, catalog_import_video, &ask, &video), 0);
    assert_true(id_equal(video.owner_id, fake_user(2)));
    take_job(f, video.id);
    ask.owner_id = ID_NONE;
    assert_int_equal(FAKE_CALL(f, catalog_import_video, &ask, &video), ERR_INVALID);
}

static void urls_are_looked_at_from_outside(void **state)
{
    static const char *const wrong[] = {
        "example.org/a",     "ftp://example.org/a", "http:/example.org", "http://",         "https:///a",
        "http://:80/",       "http://a b/",         "http://a\\@b/",     "http://me@host/", "http://me:pw@host/",
        "http://h\xc3\xa9/", "http://host/\n",      "javascript:http://"
    };
    static const char *const right[] = { "http://a", "HTTPS://a.b:8443/c?d=e@f#g", "http://[::1]/x",
                                         "http://a/@b" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        if (!import_url_wrong(wrong[i]))
            fail_msg("taken: %s", wrong[i]);
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
        if (import_url_wrong(right[i]))
            fail_msg("not taken: %s, %s", right[i], import_url_wrong(right[i]));
}

static void a_file_that_is_another_one_begins_anew_so_often_and_no_more(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job), fresh = { 0 }, again = { 0 };
    struct import_answered told = {
        .job_id = job, .upload_id = order.upload_id, .has_length = true, .length = 1 << 20
    };

    f->settings.import_restarts = 1;
    assert_int_equal(answered(f, told, &order), 0);
    assert_int_equal(advance(f, &order, 600000), 0);
    assert_true(studio_probe(f, &clip));
    told = (struct import_answered) { .job_id = job, .upload_id = order.upload_id, .restart = true };
    assert_int_equal(answered(f, told, &fresh), 0);
    assert_false(id_equal(fresh.upload_id, order.upload_id));
    assert_true(!fresh.has_length && strcmp(fresh.blob, order.blob) != 0);
    assert_int_equal(answered(f, told, &again), 0); /* the answer was lost: once is enough */
    assert_true(id_equal(again.upload_id, fresh.upload_id));
    assert_int_equal(studio_video(f, video).uploaded_bytes, 0);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_WAITING);
    assert_int_equal(fake_count(f, "catalog.video_failed"), 0);
    assert_int_equal(advance(f, &order, 700000), ERR_NOT_FOUND);
    told.upload_id = fresh.upload_id;
    assert_int_equal(answered(f, told, &again), ERR_CONFLICT);
    assert_int_equal(advance(f, &fresh, 600000), 0);
    assert_int_equal(complete(f, &fresh, 600000), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
    assert_int_equal(studio_video(f, video).version, 2);
}

static void what_is_too_long_is_refused_when_the_server_has_told_it(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job);
    struct import_answered told = { .job_id = job, .upload_id = order.upload_id, .has_length = true };

    told.length = f->settings.import_bytes + 1;
    assert_int_equal(answered(f, told, &order), ERR_TOO_LARGE);
    f->settings.quota_bytes = 1000;
    told.length = 1001;
    assert_int_equal(answered(f, told, &order), ERR_QUOTA_EXCEEDED);
    told.length = 1000;
    assert_int_equal(answered(f, told, &order), 0);
    f->settings.quota_bytes = 0;
    f->settings.reserve_bytes = UINT64_MAX / 2;
    assert_int_equal(try_import(f, "http://example.org/b.mp4", &(struct video) { 0 }), ERR_STORE_FULL);
}

static void what_is_no_film_ends_its_transfer(void **state)
{
    const struct studio none = { .refuse = "no film" };
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job);

    assert_int_equal(advance(f, &order, 600000), 0);
    assert_true(studio_probe(f, &none));
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(studio_video(f, video).reason, "no film"));
    assert_int_equal(advance(f, &order, 700000), ERR_NOT_FOUND);
    end(f, job, IMPORT_OUTCOME_GONE, NULL);
    assert_int_equal(state_of(f, video), IMPORT_STATE_FAILED);
    assert_non_null(strstr(studio_video(f, video).reason, "no film"));
}

static void one_from_the_trash_goes_on_where_it_stopped(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job), again = { 0 };
    struct video shown = { 0 };

    assert_int_equal(advance(f, &order, 1000), 0);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video }), 0);
    assert_int_equal(advance(f, &order, 2000), ERR_GONE);
    assert_int_equal(begin(f, job, &again), ERR_GONE);
    end(f, job, IMPORT_OUTCOME_GONE, NULL);
    assert_int_equal(
        FAKE_CALL(f, catalog_update_video, &(struct update_video) { .id = video, .restore = true }, &shown), 0);
    assert_int_equal(shown.state, VIDEO_STATE_UPLOADING);
    again = begun(f, take_job(f, video));
    assert_true(id_equal(again.upload_id, order.upload_id));
    assert_int_equal(advance(f, &order, 2000), 0);
}

static void one_whose_upload_was_dropped_or_whose_video_is_gone_is_wanted_no_more(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video);
    struct import_order order = begun(f, job), again = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_drop_upload, &(struct drop_upload) { .id = order.upload_id }), 0);
    assert_int_equal(begin(f, job, &again), ERR_GONE);
    end(f, job, IMPORT_OUTCOME_GONE, NULL);
    assert_int_equal(state_of(f, video), IMPORT_STATE_STOPPED);
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &(struct update_video) { .id = video, .restore = true },
                               &(struct video) { 0 }),
                     0);
    assert_int_equal(state_of(f, video), IMPORT_STATE_STOPPED); /* it was in no trash */

    video = ask_for(f, "http://example.org/b.mp4");
    job = take_job(f, video);
    begun(f, job);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video, .now = true }), 0);
    fake_settle(f);
    assert_int_equal(begin(f, job, &again), ERR_GONE);
}

static void lost_jobs_are_put_again(void **state)
{
    struct fake *f = *state;
    struct id video = ask_for(f, "http://example.org/a.mp4"), job = take_job(f, video), again;
    struct import_order order = { 0 };

    assert_int_equal(fake_end(f, import_ask_again(&f->self, fake_begin(f))), 0);
    again = take_job(f, video);
    assert_int_equal(begin(f, job, &order), ERR_GONE);
    assert_int_equal(begin(f, again, &order), 0);
    end(f, job, IMPORT_OUTCOME_REFUSED, "late");
    assert_int_equal(state_of(f, video), IMPORT_STATE_RUNNING);
}

static void all_that_run_are_put_again_however_many_there_are(void **state)
{
    struct fake *f = *state;
    unsigned n = 150;

    for (unsigned who = 1; who <= n; who++) {
        fake_be(f, who, ROLE_CREATOR);
        ask_for(f, "http://example.org/a.mp4");
        ask_for(f, "http://example.org/b.mp4"); /* waits */
    }
    assert_int_equal(fake_count(f, "fetcher.import"), n);
    assert_int_equal(fake_end(f, import_ask_again(&f->self, fake_begin(f))), 0);
    fake_settle(f);
    assert_int_equal(fake_count(f, "fetcher.import"), 2 * n);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        T(its_owner_is_told_that_nobody_sends_its_file),
        T(one_is_fetched_as_an_upload_is_sent),
        T(the_id_of_the_job_is_what_proves_it),
        T(what_cannot_be_fetched_fails_with_its_reason_and_leaves_nothing),
        T(one_that_was_given_up_keeps_what_came_and_is_tried_again),
        T(one_that_was_refused_begins_anew_when_it_is_tried_again),
        T(of_an_account_one_runs_and_the_others_wait_in_their_order),
        T(one_whose_video_has_a_file_by_its_turn_is_not_begun),
        T(one_that_was_tried_again_in_the_trash_keeps_no_other_waiting),
        T(so_many_a_day_may_be_asked_for),
        T(the_operator_says_for_whom),
        T(urls_are_looked_at_from_outside),
        T(a_file_that_is_another_one_begins_anew_so_often_and_no_more),
        T(what_is_too_long_is_refused_when_the_server_has_told_it),
        T(what_is_no_film_ends_its_transfer),
        T(one_from_the_trash_goes_on_where_it_stopped),
        T(one_whose_upload_was_dropped_or_whose_video_is_gone_is_wanted_no_more),
        T(lost_jobs_are_put_again),
        T(all_that_run_are_put_again_however_many_there_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

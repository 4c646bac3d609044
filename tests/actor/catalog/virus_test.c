/* virus_test - what a virus scanner is asked, what its answers come to, and that nobody gets anything of what it found something
 * in, whatever was under way. */
#include "tests/actor/catalog/studio.h"

#include <string.h>

#include "actors/catalog/uploads/virus.h"

static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

static int setup(void **state)
{
    int r = fake_setup(state);

    ((struct fake *)*state)->settings.clamd = "unix:/run/clamav/clamd.ctl";
    return r;
}

/* The next job, as a fetcher takes it; ret may be NULL. */
static struct id take_job(struct fake *f, struct id video, struct scan_original *ret)
{
    struct fake_sent *sent = fake_take(f, "fetcher.scan_original");
    struct scan_original job;

    assert_non_null(sent);
    assert_int_equal(wire_unpack(&scan_original_type, sent->body, f->arena, ret ? ret : &job, NULL), 0);
    assert_true(id_equal((ret ? ret : &job)->video_id, video));
    return sent->job;
}

/* An event is nobody's. */
static int tell(struct fake *f, struct original_scanned done)
{
    struct subject was = f->subject;
    int r;

    fake_be(f, 0, 0);
    r = FAKE_CALL(f, catalog_on_original_scanned, &done);
    f->subject = was;
    return r;
}

static void end(struct fake *f, struct id job, struct id video, enum scan_outcome outcome, const char *said)
{
    struct original_scanned done = { .job_id = job, .video_id = video, .outcome = outcome, .bytes = 9 };

    if (outcome == SCAN_OUTCOME_INFECTED)
        done.found = said;
    else
        done.detail = said;
    assert_int_equal(tell(f, done), 0);
}

static void give_up(struct fake *f, struct id job)
{
    struct original_scan_dead dead = { .job_id = job, .attempts = 40, .reason = "clamd takes no connection" };

    assert_int_equal(FAKE_CALL(f, catalog_on_original_scan_dead, &dead), 0);
}

static int retry(struct fake *f, struct id video)
{
    return FAKE_CALL(f, catalog_retry_video, &(struct retry_video) { .id = video }, &(struct video) { 0 });
}

static struct why_part why(struct fake *f, struct id video)
{
    struct why_reply reply = { 0 };
    struct why_part part = { 0 };

    assert_true(FAKE_CALL(f, catalog_why, &(struct why) { .id = video }, &reply) >= 0);
    for (size_t i = 0; i < reply.parts_n; i++)
        if (strcmp(reply.parts[i].what, "virus scan") == 0)
            part = reply.parts[i];
    return part;
}

/* A video that everybody may watch. */
static struct id shown(struct fake *f)
{
    struct id video = studio_upload(f, 9);
    struct update_video ask = { .id = video, .visibility = VISIBILITY_PUBLIC, .has_visibility = true };

    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &(struct video) { 0 }), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, video).release, RELEASE_STATE_PUBLISHED);
    return video;
}

static int seen_by_another(struct fake *f, struct id video, struct video *ret)
{
    struct subject was = f->subject;
    int r;

    fake_be(f, 2, ROLE_CREATOR);
    r = FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = video }, ret);
    f->subject = was;
    return r;
}

/* ---- asking */

static void a_whole_original_is_looked_at_once_and_its_owner_told(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f), job;
    struct scan_original order;
    struct video other = { 0 };

    job = take_job(f, video, &order);
    assert_int_equal(order.parts_n, 1);
    assert_int_equal(order.parts[0].length, 9);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_WAITING);
    assert_string_equal(why(f, video).state, "waiting");
    assert_string_equal(why(f, video).who, "fetcher");
    end(f, job, video, SCAN_OUTCOME_CLEAN, NULL);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_CLEAN);
    assert_string_equal(why(f, video).detail, "clamd found nothing in its 9 bytes");
    assert_int_equal(fake_count(f, "fetcher.scan_original"), 1);
    assert_int_equal(f->counters[CATALOG_ORIGINALS_CLEAN], 1);
    assert_int_equal(seen_by_another(f, video, &other), 0); /* whom it concerns in nothing */
    assert_int_equal(other.virus, 0);
}

static void without_a_scanner_nothing_is_asked(void **state)
{
    struct fake *f = *state;

    f->settings.clamd = "";
    struct id video = shown(f);
    assert_int_equal(fake_count(f, "fetcher.scan_original"), 0);
    assert_int_equal(studio_video(f, video).virus, 0);
    assert_null(why(f, video).what);
}

static void parts_that_were_joined_are_looked_at_as_one(void **state)
{
    struct fake *f = *state;
    struct id parts[2];
    struct scan_original order;
    struct upload whole = { 0 };

    for (unsigned i = 0; i < 2; i++) {
        struct create_upload make = { .length = 5 + i, .has_length = true, .partial = true };
        struct upload part = { 0 };

        assert_int_equal(FAKE_CALL(f, catalog_create_upload, &make, &part), 0);
        struct upload_advanced ask = { .id = part.id, .capability = part.capability, .offset = 5 + i };
        assert_int_equal(FAKE_CALL(f, catalog_upload_advanced, &ask), 0);
        parts[i] = part.id;
    }
    assert_int_equal(fake_count(f, "fetcher.scan_original"), 0);
    struct concat_uploads join = { .parts = parts, .parts_n = 2 };
    assert_int_equal(FAKE_CALL(f, catalog_concat_uploads, &join, &whole), 0);
    take_job(f, whole.video_id, &order);
    assert_int_equal(order.parts_n, 2);
    assert_true(order.parts[0].length == 5 && order.parts[1].offset == 5 && order.parts[1].length == 6);
    assert_int_equal(fake_count(f, "fetcher.scan_original"), 1);
}

static void jobs_that_were_lost_are_put_again_and_the_end_of_those_before_is_passed_over(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f), before = take_job(f, video, NULL), job;

    assert_int_equal(fake_end(f, virus_ask_again(fake_begin(f))), 0);
    fake_settle(f);
    job = take_job(f, video, NULL);
    end(f, before, video, SCAN_OUTCOME_INFECTED, "Late");
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_WAITING);
    end(f, job, video, SCAN_OUTCOME_CLEAN, NULL);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_CLEAN);
    assert_int_equal(fake_end(f, virus_ask_again(fake_begin(f))), 0);
    fake_settle(f);
    assert_int_equal(fake_count(f, "fetcher.scan_original"), 2);
}

static void all_that_wait_are_put_again_however_many_there_are(void **state)
{
    enum { MANY = 600 };
    struct fake *f = *state;

    for (unsigned i = 0; i < MANY; i++) {
        studio_upload(f, 9);
        fake_settle(f);
        f->sent_n = 0;
    }
    assert_int_equal(fake_end(f, virus_ask_again(fake_begin(f))), 0);
    fake_settle(f);
    assert_int_equal(fake_count(f, "fetcher.scan_original"), MANY);
}

static void one_that_nobody_has_heard_of_for_a_day_can_be_asked_for_again(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f), lost = take_job(f, video, NULL);

    assert_int_equal(retry(f, video), ERR_CONFLICT);
    fake_pass(f, 25 * 3600 * INT64_C(1000));
    assert_int_equal(retry(f, video), 0);
    end(f, lost, video, SCAN_OUTCOME_INFECTED, "Late");
    end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_CLEAN, NULL);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_CLEAN);
}

/* A file that is no film is tried again whatever the scanner does. */
static void a_scan_is_in_the_way_of_nothing_else_that_is_tried_again(void **state)
{
    const struct studio noise = { .refuse = "no video" };
    struct fake *f = *state;
    struct id video = studio_upload(f, 9), job = take_job(f, video, NULL);

    assert_true(studio_probe(f, &noise));
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_FAILED);
    assert_int_equal(retry(f, video), 0);
    assert_int_equal(fake_count(f, "transcode.probe"), 2);
    assert_true(studio_probe(f, &noise));
    give_up(f, job);
    f->settings.clamd = "";
    assert_int_equal(retry(f, video), 0);
    assert_int_equal(fake_count(f, "fetcher.scan_original"), 1);
}

/* ---- what it came to */

static void a_part_that_was_looked_at_is_told_to_be_one(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f);

    end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_PARTIAL, "clamd looked at the first 4 of 9 bytes");
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_PARTIAL);
    assert_string_equal(why(f, video).detail, "nothing was found, but clamd looked at the first 4 of 9 bytes");
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
}

static void check_refused(struct fake *f, struct id video)
{
    struct playable playable = { 0 };
    struct video found = studio_video(f, video);

    assert_int_equal(found.state, VIDEO_STATE_FAILED);
    assert_int_equal(found.media, MEDIA_STATE_REFUSED);
    assert_int_equal(found.release, RELEASE_STATE_DRAFT);
    assert_int_equal(found.playable_until_ms, 0);
    assert_non_null(strstr(found.reason, "The virus scanner (clamd) found \"Eicar\""));
    assert_int_equal(seen_by_another(f, video, &found), ERR_NOT_FOUND);
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = video }, &playable),
                     ERR_CONFLICT);
}

static void an_infected_one_is_withdrawn_and_nobody_gets_any_of_it(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f);
    unsigned changed = fake_count(f, "catalog.video_changed");

    end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_INFECTED, "Eicar");
    check_refused(f, video);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_INFECTED);
    assert_string_equal(why(f, video).detail, "clamd found \"Eicar\"");
    assert_int_equal(fake_count(f, "catalog.video_failed"), 1);    /* its owner hears of it */
    assert_true(fake_count(f, "catalog.video_changed") > changed); /* and playback, which takes URLs back */
    assert_int_equal(f->counters[CATALOG_ORIGINALS_INFECTED], 1);
}

/* After so many of its runs; then the others end, with the playlists that were being written. */
static void what_is_under_way_does_not_bring_it_back(void **state)
{
    struct fake *f = *state;

    for (unsigned before = 0; before < 6; before++) {
        struct id video = studio_upload(f, 9), job = take_job(f, video, NULL);

        if (before)
            assert_true(studio_probe(f, &clip));
        for (unsigned i = 1; i < before; i++)
            studio_run(f, &clip);
        fake_settle_but_pool(f); /* playlists are being written */
        end(f, job, video, SCAN_OUTCOME_INFECTED, "Eicar");
        check_refused(f, video);
        studio_work(f, &clip);
        for (unsigned i = 0; i < 3; i++)
            fake_pass(f, 6000);
        check_refused(f, video);
        assert_null(fake_take(f, "transcode.encode_run"));
    }
    assert_int_equal(fake_count(f, "catalog.video_ready"), 0);
}

static void a_scan_that_is_given_up_is_told_and_asked_for_again(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f);

    give_up(f, take_job(f, video, NULL));
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_FAILED);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
    assert_string_equal(why(f, video).detail, "clamd could not be asked: clamd takes no connection");
    assert_int_equal(retry(f, video), 0);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_WAITING);
    assert_int_equal(retry(f, video), ERR_CONFLICT);
    end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_CLEAN, NULL);
    assert_int_equal(retry(f, video), ERR_CONFLICT);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_CLEAN);
}

static void one_that_an_operator_put_again_after_it_was_given_up_counts(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f), job = take_job(f, video, NULL);

    give_up(f, job);
    end(f, job, video, SCAN_OUTCOME_CLEAN, NULL);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_CLEAN);
}

/* ---- looked at again */

static void a_false_alarm_is_looked_at_again_and_the_video_goes_on(void **state)
{
    struct fake *f = *state;

    for (unsigned before = 0; before < 40; before += before < 4 ? 1 : 12) {
        struct id video = studio_upload(f, 9), job = take_job(f, video, NULL);

        if (before)
            assert_true(studio_probe(f, &clip));
        for (unsigned i = 1; i < before; i++) {
            fake_settle(f);
            studio_run(f, &clip);
        }
        fake_settle(f);
        end(f, job, video, SCAN_OUTCOME_INFECTED, "Eicar");
        studio_work(f, &clip);
        assert_int_equal(retry(f, video), 0);
        check_refused(f, video); /* until it is known */
        assert_int_equal(retry(f, video), ERR_CONFLICT);
        end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_CLEAN, NULL);
        studio_work(f, &clip);
        assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
        assert_int_equal(studio_video(f, video).release, RELEASE_STATE_PUBLISHED);
        assert_true(!studio_video(f, video).reason || !*studio_video(f, video).reason);
    }
}

static void what_cannot_be_looked_at_again_stays_infected(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f);

    end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_INFECTED, "Eicar");
    assert_int_equal(retry(f, video), 0);
    give_up(f, take_job(f, video, NULL));
    check_refused(f, video);
    assert_int_equal(studio_video(f, video).virus, VIRUS_SCAN_INFECTED);
    assert_non_null(strstr(why(f, video).detail, "clamd found \"Eicar\"; clamd could not be asked"));
    f->settings.clamd = "";
    assert_int_equal(retry(f, video), ERR_CONFLICT);
    assert_non_null(strstr(f->detail, "catalog.clamd"));
}

static void what_is_looked_at_less_far_than_before_stays_infected(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f);
    struct original_scanned part = {
        .video_id = video, .outcome = SCAN_OUTCOME_PARTIAL, .bytes = 4, .detail = "4 of 9"
    };

    end(f, take_job(f, video, NULL), video, SCAN_OUTCOME_INFECTED, "Eicar");
    assert_int_equal(retry(f, video), 0);
    part.job_id = take_job(f, video, NULL);
    assert_int_equal(tell(f, part), 0);
    check_refused(f, video);
    assert_string_equal(why(f, video).detail, "clamd found \"Eicar\"; looked at again, but not as far as then");
    assert_int_equal(retry(f, video), 0);
    part.job_id = take_job(f, video, NULL);
    part.bytes = 9;
    assert_int_equal(tell(f, part), 0);
    studio_work(f, &clip);
    assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
}

/* ---- held back */

static void where_only_what_was_looked_at_is_published_the_others_wait(void **state)
{
    struct fake *f = *state;

    f->settings.publish_scanned = true;
    for (unsigned i = 0; i < 3; i++) {
        struct id video = studio_upload(f, 9), job = take_job(f, video, NULL);

        studio_work(f, &clip);
        assert_int_equal(studio_video(f, video).state, VIDEO_STATE_READY);
        assert_int_equal(studio_video(f, video).release, RELEASE_STATE_DRAFT);
        if (i == 0)
            end(f, job, video, SCAN_OUTCOME_CLEAN, NULL);
        else if (i == 1)
            end(f, job, video, SCAN_OUTCOME_PARTIAL, "clamd looked at the first 4 of 9 bytes");
        else
            give_up(f, job); /* nothing is held back for ever */
        assert_int_equal(studio_video(f, video).release, RELEASE_STATE_PUBLISHED);
    }
}

static void a_date_does_not_publish_what_is_held_back(void **state)
{
    struct fake *f = *state;
    struct id video, job;

    f->settings.publish_scanned = true;
    video = studio_upload(f, 9);
    job = take_job(f, video, NULL);
    struct update_video later = { .id = video, .publish_at = f->now + 60000, .has_publish_at = true };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &later, &(struct video) { 0 }), 0);
    struct turn *t = fake_begin(f);
    fake_end(f, catalog_tick(&f->self, t, 0, NULL, NULL));
    studio_work(f, &clip);
    fake_pass(f, 120000);
    assert_int_equal(studio_video(f, video).release, RELEASE_STATE_DRAFT);
    end(f, job, video, SCAN_OUTCOME_CLEAN, NULL);
    assert_int_equal(studio_video(f, video).release, RELEASE_STATE_PUBLISHED);
}

/* ---- ends */

static void a_deleted_video_leaves_nothing_of_it(void **state)
{
    struct fake *f = *state;
    struct id video = shown(f), job = take_job(f, video, NULL);
    struct virus_row row;
    struct turn *t;

    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = video, .now = true }), 0);
    fake_settle(f);
    end(f, job, video, SCAN_OUTCOME_INFECTED, "Eicar");
    t = fake_begin(f);
    assert_int_equal(virus_of(t, video, &row), ERR_NOT_FOUND);
    fake_end(f, 0);
    assert_int_equal(fake_count(f, "catalog.video_failed"), 0);
}

/* Every call of the store fails once on the way from the answer to the refusal: a bus that delivers again ends at the same
 * video. */
static void whichever_call_fails_what_is_infected_is_refused_once(void **state)
{
    struct fake *f = *state;
    unsigned n = 0;
    bool struck;

    do {
        struct id video = studio_upload(f, 9), job = take_job(f, video, NULL);
        struct original_scanned done = {
            .job_id = job, .video_id = video, .outcome = SCAN_OUTCOME_INFECTED, .found = "Eicar"
        };
        int r = -1;

        studio_work(f, &clip);
        f->sent_n = 0;
        n++;
        store_fault_arm(n, n % 2 ? STORE_FAULT_LOST : STORE_FAULT_COMMITTED);
        for (unsigned tries = 0; r && tries < 3; tries++)
            r = tell(f, done);
        assert_int_equal(r, 0);
        fake_settle(f);
        struck = store_fault_arm(1, STORE_FAULT_LOST);
        store_fault_disarm();
        check_refused(f, video);
        assert_int_equal(fake_count(f, "catalog.video_failed"), 1);
    } while (struck);
    assert_true(n > 10);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fake_teardown)
    const struct CMUnitTest tests[] = {
        T(a_whole_original_is_looked_at_once_and_its_owner_told),
        T(without_a_scanner_nothing_is_asked),
        T(parts_that_were_joined_are_looked_at_as_one),
        T(jobs_that_were_lost_are_put_again_and_the_end_of_those_before_is_passed_over),
        T(all_that_wait_are_put_again_however_many_there_are),
        T(one_that_nobody_has_heard_of_for_a_day_can_be_asked_for_again),
        T(a_scan_is_in_the_way_of_nothing_else_that_is_tried_again),
        T(a_part_that_was_looked_at_is_told_to_be_one),
        T(an_infected_one_is_withdrawn_and_nobody_gets_any_of_it),
        T(what_is_under_way_does_not_bring_it_back),
        T(a_scan_that_is_given_up_is_told_and_asked_for_again),
        T(one_that_an_operator_put_again_after_it_was_given_up_counts),
        T(a_false_alarm_is_looked_at_again_and_the_video_goes_on),
        T(what_cannot_be_looked_at_again_stays_infected),
        T(what_is_looked_at_less_far_than_before_stays_infected),
        T(where_only_what_was_looked_at_is_published_the_others_wait),
        T(a_date_does_not_publish_what_is_held_back),
        T(a_deleted_video_leaves_nothing_of_it),
        T(whichever_call_fails_what_is_infected_is_refused_once),
    };

    return cmocka_run_group_tests_name("catalog_virus", tests, NULL, NULL);
}

/* views_test - what players tell of a playback, what its day gets, how it ends, and what the owner is told. */
#include <string.h>

#include "actors/playback/playback.h"
#include "actors/playback/quality.h"
#include "tests/actor/playback/viewer.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static int report(struct rig *rig, const struct report_playback *ask)
{
    uint64_t cid = rig_call(rig, &report_playback_call, ask, viewer_nobody);

    rig_run(rig);
    return rig_reply(rig, cid, &report_playback_call, NULL);
}

/* Ten seconds of the best quality, begun after 400 ms. */
static struct report_playback well(struct id play)
{
    return (struct report_playback) { .id = play,
                                      .number = 1,
                                      .state = PLAY_STATE_PLAYING,
                                      .has_startup_ms = true,
                                      .startup_ms = 400,
                                      .played_ms = 10000,
                                      .bitrate_kbps = 4000,
                                      .top_kbps = 4000 };
}

static int quality(struct rig *rig, const struct playable *film, struct rig_ask who,
                   struct video_quality_reply *ret)
{
    struct video_quality ask = { .id = film->video.id, .days = 28 };
    uint64_t cid = rig_call(rig, &video_quality_call, &ask, who);

    rig_run(rig);
    viewer_catalog(rig, 0, film);
    return rig_reply(rig, cid, &video_quality_call, ret);
}

static struct video_quality_reply told(struct rig *rig, const struct playable *film)
{
    struct video_quality_reply reply;

    assert_int_equal(quality(rig, film, rig_person(rig, 1, ROLE_CREATOR), &reply), 0);
    return reply;
}

static bool ended(struct rig *rig, struct view_ended *ret)
{
    const struct fake_sent *sent = fake_next(FAKE_APPEND, "playback.view_ended");

    if (sent)
        rig_read(rig, sent, &view_ended_type, ret);
    return sent != NULL;
}

static void sums_that_are_told_again_count_once(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct report_playback ask = well(viewer_started(rig, &one, viewer_nobody).session_id);
    struct video_quality_reply reply;

    rig_advance(rig, 60000);
    assert_int_equal(report(rig, &ask), 0);
    assert_int_equal(report(rig, &ask), 0);
    ask.number = 3;
    ask.played_ms = 30000;
    ask.stalls = 2;
    ask.stalled_ms = 3000;
    assert_int_equal(report(rig, &ask), 0);
    ask.number = 2; /* it was overtaken */
    ask.played_ms = 20000;
    assert_int_equal(report(rig, &ask), 0);
    reply = told(rig, &one);
    assert_int_equal(reply.tried, 1);
    assert_int_equal(reply.views, 1);
    assert_int_equal(reply.played_ms, 30000);
    assert_int_equal(reply.stalls, 2);
    assert_in_range((int)(reply.stalled_percent * 10), 90, 91);
    assert_int_equal(reply.days_n, 1);
    assert_int_equal(reply.days[0].day % DAY_MS, 0);
    assert_true(reply.has_startup_p50_ms && reply.startup_p50_ms > 250 && reply.startup_p50_ms <= 500);
}

static void a_view_is_what_showed_something_and_a_failure_is_told(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct report_playback ask = { .id = viewer_started(rig, &one, viewer_nobody).session_id,
                                   .number = 1,
                                   .state = PLAY_STATE_STARTING };
    struct video_quality_reply reply;

    viewer_started(rig, &one, viewer_nobody); /* nobody ever reports on it */
    assert_int_equal(report(rig, &ask), 0);
    ask.number = 2;
    ask.state = PLAY_STATE_FAILED;
    ask.error = "network";
    assert_int_equal(report(rig, &ask), 0);
    reply = told(rig, &one);
    assert_int_equal(reply.tried, 1);
    assert_int_equal(reply.views, 0);
    assert_int_equal(reply.failed, 1);
    assert_false(reply.has_score);
    assert_false(reply.has_startup_p50_ms);
}

static void who_is_heard_of_no_more_has_left(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct report_playback ask = well(viewer_started(rig, &one, viewer_nobody).session_id);
    struct view_ended event;

    viewer_started(rig, &one, viewer_nobody);
    rig_advance(rig, 60000);
    assert_int_equal(report(rig, &ask), 0);
    rig_advance(rig, 1700 * 1000);
    assert_false(ended(rig, &event));
    rig_advance(rig, 200 * 1000);
    assert_true(ended(rig, &event));
    assert_true(id_equal(event.play_id, ask.id));
    assert_true(id_equal(event.video_id, one.video.id));
    assert_true(id_equal(event.owner_id, rig_user(1)));
    assert_int_equal(event.played_ms, 10000);
    assert_true(event.has_score);
    assert_int_equal(event.score, 96); /* 400 ms of ten seconds were waited for */
    assert_false(ended(rig, &event));  /* of the one that nobody reported on nothing is told */
    assert_int_equal(viewer_rows(rig, &play_view_table), 0);
    ask.number = 2;
    assert_int_equal(report(rig, &ask), ERR_NOT_FOUND);
}

static void nobody_reports_on_what_never_began_or_more_than_can_have_been(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct report_playback ask = well((struct id) { { 9 } });

    assert_int_equal(report(rig, &ask), ERR_NOT_FOUND);
    ask.id = viewer_started(rig, &one, viewer_nobody).session_id;
    ask.played_ms = 3600 * 1000;
    assert_int_equal(report(rig, &ask), ERR_INVALID);
    ask.played_ms = 10000;
    assert_int_equal(report(rig, &ask), 0);
}

static void how_a_video_was_watched_is_for_its_owner(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct video_quality_reply reply;

    assert_int_equal(quality(rig, &one, rig_person(rig, 2, ROLE_CREATOR), &reply), ERR_FORBIDDEN);
    assert_int_equal(quality(rig, &one, rig_person(rig, 2, ROLE_MODERATOR), &reply), 0);
    assert_int_equal(quality(rig, &one, rig_person(rig, 1, ROLE_CREATOR), &reply), 0);
    assert_int_equal(reply.views, 0);
}

static void days_follow_one_another_and_the_oldest_go(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct video_quality_reply reply;

    for (unsigned day = 0; day < 3; day++) {
        struct report_playback ask = well(viewer_started(rig, &one, viewer_nobody).session_id);

        rig_advance(rig, 60000);
        assert_int_equal(report(rig, &ask), 0);
        rig_advance(rig, DAY_MS);
    }
    reply = told(rig, &one);
    assert_int_equal(reply.views, 3);
    assert_int_equal(reply.days_n, 3);
    assert_true(reply.days[0].day == reply.days[1].day + DAY_MS);
    for (unsigned day = 0; day < 398; day++)
        rig_advance(rig, DAY_MS);
    assert_int_equal(viewer_rows(rig, &play_quality_table), 2);
}

static void what_players_told_of_a_deleted_video_goes(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct report_playback ask = well(viewer_started(rig, &one, viewer_nobody).session_id);

    rig_advance(rig, 60000);
    assert_int_equal(report(rig, &ask), 0);
    rig_event(rig, &video_deleted_event, &(struct video_deleted) { .video_id = one.video.id, .rev = 5 }, 1);
    rig_run(rig);
    assert_int_equal(viewer_rows(rig, &play_view_table), 0);
    assert_int_equal(viewer_rows(rig, &play_quality_table), 0);
    assert_int_equal(viewer_rows(rig, &play_video_table), 0);
}

static int begin_few(void **state)
{
    static const char *const sets[] = { "playback.views_max=2", NULL };

    return rig_open(state, &playback_actor, sets);
}

static void beyond_as_many_as_are_followed_films_play_and_nothing_is_counted(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct report_playback ask;

    viewer_started(rig, &one, viewer_nobody);
    viewer_started(rig, &one, viewer_nobody);
    ask = well(viewer_started(rig, &one, viewer_nobody).session_id);
    assert_int_equal(viewer_rows(rig, &play_view_table), 2);
    assert_int_equal(report(rig, &ask), ERR_NOT_FOUND);
}

/* ---- as many at a time as an account may have */

static int begin_two(void **state)
{
    static const char *const sets[] = { "playback.streams_max=2", NULL };

    return rig_open(state, &playback_actor, sets);
}

static int start(struct rig *rig, const struct playable *film, struct id of, struct rig_ask who,
                 struct playing *ret)
{
    struct start_playback ask = { .id = film->video.id, .session_id = of };
    uint64_t cid = rig_call(rig, &start_playback_call, &ask, who);
    int r;

    rig_run(rig);
    viewer_catalog(rig, 0, film);
    r = rig_reply(rig, cid, &start_playback_call, ret);
    if (r == ERR_QUOTA_EXCEEDED)
        assert_non_null(strstr(rig_problem(rig, cid).detail, "2 playbacks of this account are on"));
    return r;
}

static void an_account_has_as_many_playbacks_at_a_time_as_it_may(void **state)
{
    struct rig *rig = *state;
    struct rig_ask ann = rig_person(rig, 2, ROLE_VIEWER), ben = rig_person(rig, 3, ROLE_VIEWER);
    struct playable one = viewer_film(1), two = viewer_film(2);
    struct report_playback bye = { .number = 1, .state = PLAY_STATE_LEFT };
    struct id none = { { 0 } };
    struct playing first, second, other;

    assert_int_equal(start(rig, &one, none, ann, &first), 0);
    assert_int_equal(start(rig, &two, none, ann, &second), 0);
    assert_int_equal(start(rig, &one, none, ann, &other), ERR_QUOTA_EXCEEDED);
    assert_int_equal(start(rig, &one, none, ben, &other), 0);
    for (unsigned n = 0; n < 4; n++)
        assert_int_equal(start(rig, &one, none, viewer_nobody, &other), 0);
    bye.id = first.session_id;
    assert_int_equal(report(rig, &bye), 0);
    assert_int_equal(start(rig, &one, none, ann, &other), 0);
    assert_int_equal(start(rig, &one, none, ann, &other), ERR_QUOTA_EXCEEDED);
    rig_advance(rig, 91 * 1000); /* nothing was heard of any of them */
    assert_int_equal(start(rig, &one, none, ann, &other), 0);
}

static void a_playback_that_gets_new_urls_is_no_second_one(void **state)
{
    struct rig *rig = *state;
    struct rig_ask ann = rig_person(rig, 2, ROLE_VIEWER);
    struct playable one = viewer_film(1), two = viewer_film(2);
    struct id none = { { 0 } };
    struct playing first, again;

    assert_int_equal(start(rig, &one, none, ann, &first), 0);
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(start(rig, &one, first.session_id, ann, &again), 0);
        assert_true(id_equal(again.session_id, first.session_id));
    }
    assert_int_equal(viewer_rows(rig, &play_view_table), 1);
    assert_int_equal(start(rig, &two, first.session_id, ann, &again), 0); /* of another video */
    assert_false(id_equal(again.session_id, first.session_id));
    assert_int_equal(start(rig, &one, first.session_id, viewer_nobody, &again), 0); /* of somebody else */
    assert_false(id_equal(again.session_id, first.session_id));
    assert_int_equal(viewer_rows(rig, &play_view_table), 3);
}

/* ---- the score, by the model's own terms */

static void the_score_is_that_of_the_linear_model(void **state)
{
    struct play_view view = {
        .has_startup_ms = true, .played_ms = 100000, .bitrate_kbps = 4000, .top_kbps = 4000
    };

    (void)state;
    assert_int_equal(quality_of_view(&view), 100);
    view.bitrate_kbps = 2000; /* half of the best */
    assert_int_equal(quality_of_view(&view), 50);
    view.bitrate_kbps = 4000;
    view.stalled_ms = 20000; /* each second costs one at the best quality */
    assert_int_equal(quality_of_view(&view), 80);
    view.stalled_ms = 0;
    view.switched_kbps = 10000; /* times 4 s, of 400 s Mbit */
    assert_int_equal(quality_of_view(&view), 90);
    view.switched_kbps = 0;
    view.stalled_ms = 500000;
    assert_int_equal(quality_of_view(&view), 0);
    view = (struct play_view) { .played_ms = 10000, .stalled_ms = 1000 }; /* a player that does not know */
    assert_int_equal(quality_of_view(&view), 90);
    view = (struct play_view) { .stalled_ms = 1000 };
    assert_int_equal(quality_of_view(&view), -1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, viewer_begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(sums_that_are_told_again_count_once),
        T(a_view_is_what_showed_something_and_a_failure_is_told),
        T(who_is_heard_of_no_more_has_left),
        T(nobody_reports_on_what_never_began_or_more_than_can_have_been),
        T(how_a_video_was_watched_is_for_its_owner),
        T(days_follow_one_another_and_the_oldest_go),
        T(what_players_told_of_a_deleted_video_goes),
        cmocka_unit_test_setup_teardown(beyond_as_many_as_are_followed_films_play_and_nothing_is_counted,
                                        begin_few, rig_close),
        cmocka_unit_test_setup_teardown(an_account_has_as_many_playbacks_at_a_time_as_it_may, begin_two,
                                        rig_close),
        cmocka_unit_test_setup_teardown(a_playback_that_gets_new_urls_is_no_second_one, begin_two, rig_close),
        cmocka_unit_test(the_score_is_that_of_the_linear_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

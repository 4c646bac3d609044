/* lists_test - what people have of their own: begun, watched, kept for later. */
#include <string.h>

#include "actors/playback/playback.h"
#include "tests/actor/playback/viewer.h"

/* 1: the catalog is asked. */
static int keep(struct rig *rig, struct id video, struct rig_ask who, uint64_t *ret_cid)
{
    *ret_cid = rig_call(rig, &keep_for_later_call, &(struct keep_for_later) { .id = video }, who);
    rig_run(rig);
    return rig_reply(rig, *ret_cid, &keep_for_later_call, NULL);
}

static void what_was_seen_to_its_end_begins_anew(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);

    viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
    viewer_saved(rig, one.video.id, 94999, 2);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 1);
    viewer_saved(rig, one.video.id, 95000, 2);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 0);
    assert_int_equal(viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER)).resume_ms, 0);
    viewer_saved(rig, one.video.id, 1000, 2);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 1);
}

static void a_position_in_an_unknown_video_is_the_catalogs_to_allow(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);

    assert_int_equal(viewer_saved(rig, one.video.id, 5000, 2), 1);
    viewer_catalog(rig, ERR_NOT_FOUND, NULL);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 0);
    assert_int_equal(viewer_saved(rig, one.video.id, 5000, 2), 1);
    viewer_catalog(rig, 0, &one);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 1);
    assert_int_equal(viewer_saved(rig, one.video.id, 6000, 2), 0); /* it is known now */
}

static void pages_of_what_was_begun_follow_one_another(void **state)
{
    struct rig *rig = *state;
    struct continue_watching_reply list;
    const char *cursor = NULL;
    unsigned last = 8, pages = 0;

    for (unsigned n = 1; n <= 7; n++) {
        struct playable one = viewer_film(n);

        viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
        rig_advance(rig, 1000);
        viewer_saved(rig, one.video.id, 5000, 2);
    }
    do {
        list = viewer_begun(rig, 2, 3, cursor);
        for (size_t i = 0; i < list.items_n; i++)
            assert_int_equal(list.items[i].video_id.b[15], --last); /* the newest first, each once */
        cursor = list.next;
        assert_true(++pages < 5);
    } while (cursor && *cursor);
    assert_int_equal(last, 1);
    assert_int_equal(pages, 3);
}

static void a_list_hides_what_has_turned_private(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct video changed = one.video;

    viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
    viewer_saved(rig, one.video.id, 5000, 2);
    viewer_started(rig, &one, rig_person(rig, 1, ROLE_CREATOR));
    viewer_saved(rig, one.video.id, 5000, 1);
    changed.rev = 5;
    changed.visibility = VISIBILITY_PRIVATE;
    changed.title = "Mine";
    rig_event(rig, &video_changed_event, &(struct video_changed) { .video_id = changed.id, .video = changed }, 1);
    rig_run(rig);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 0);
    assert_string_equal(viewer_begun(rig, 1, 10, NULL).items[0].title, "Mine");
    assert_int_equal(viewer_saved(rig, one.video.id, 6000, 2), 1); /* the catalog is asked, and will refuse */
    changed.rev = 4;
    changed.title = "Older";
    rig_event(rig, &video_ready_event, &(struct video_ready) { .video_id = changed.id, .video = changed }, 2);
    rig_run(rig);
    assert_string_equal(viewer_begun(rig, 1, 10, NULL).items[0].title, "Mine");
}

static void a_deleted_video_is_forgotten_whole(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1), other = viewer_film(2);
    struct video_deleted gone = { .video_id = one.video.id, .rev = 5 };
    uint64_t cid;

    viewer_started(rig, &one, rig_person(rig, 1, ROLE_VIEWER));
    viewer_started(rig, &other, rig_person(rig, 1, ROLE_VIEWER));
    for (unsigned who = 1; who <= 600; who++)
        assert_int_equal(viewer_saved(rig, one.video.id, 5000, who), 0);
    assert_int_equal(viewer_saved(rig, other.video.id, 5000, 1), 0);
    assert_int_equal(keep(rig, one.video.id, rig_person(rig, 2, ROLE_VIEWER), &cid), 0);
    assert_int_equal(keep(rig, other.video.id, rig_person(rig, 2, ROLE_VIEWER), &cid), 0);
    assert_int_equal(viewer_rows(rig, &play_position_table), 601);
    rig_event(rig, &video_deleted_event, &gone, 1);
    rig_run(rig);
    assert_int_equal(viewer_rows(rig, &play_position_table), 1);
    assert_int_equal(viewer_rows(rig, &play_video_table), 1);
    assert_int_equal(viewer_rows(rig, &play_kept_table), 1);
    assert_int_equal(viewer_begun(rig, 1, 10, NULL).items_n, 1);
}

/* ---- history */

static struct watch_history_reply history(struct rig *rig, unsigned who)
{
    uint64_t cid = rig_call(rig, &watch_history_call, &(struct watch_history) { .limit = 10 },
                            rig_person(rig, who, ROLE_VIEWER));
    struct watch_history_reply reply;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &watch_history_call, &reply), 0);
    return reply;
}

/* What one is finished with leaves the list of what was begun alone. */
static void history_has_what_was_finished_too(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1), two = viewer_film(2);
    struct watch_history_reply list;

    viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
    viewer_saved(rig, one.video.id, 99000, 2);
    rig_advance(rig, 1000);
    viewer_started(rig, &two, rig_person(rig, 2, ROLE_VIEWER));
    viewer_saved(rig, two.video.id, 5000, 2);
    list = history(rig, 2);
    assert_int_equal(list.items_n, 2);
    assert_true(id_equal(list.items[0].video_id, two.video.id));
    assert_int_equal(list.items[1].position_ms, 99000);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 1);
    assert_int_equal(history(rig, 3).items_n, 0);
}

static void one_video_is_forgotten_from_the_history_and_no_other(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1), two = viewer_film(2);
    uint64_t cid;

    for (unsigned who = 2; who <= 3; who++) {
        viewer_started(rig, &one, rig_person(rig, who, ROLE_VIEWER));
        viewer_started(rig, &two, rig_person(rig, who, ROLE_VIEWER));
        viewer_saved(rig, one.video.id, 5000, who);
        viewer_saved(rig, two.video.id, 5000, who);
    }
    for (unsigned twice = 0; twice < 2; twice++) {
        cid = rig_call(rig, &forget_watched_call, &(struct forget_watched) { .id = one.video.id },
                       rig_person(rig, 2, ROLE_VIEWER));
        rig_run(rig);
        assert_int_equal(rig_reply(rig, cid, &forget_watched_call, NULL), twice ? ERR_NOT_FOUND : 0);
    }
    assert_int_equal(history(rig, 2).items_n, 1);
    assert_int_equal(history(rig, 3).items_n, 2);
    assert_int_equal(viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER)).resume_ms, 0);
}

static void a_long_history_is_forgotten_in_several_calls(void **state)
{
    struct rig *rig = *state;
    struct forget_history_reply reply;
    unsigned calls = 0;

    for (unsigned n = 1; n <= 600; n++) {
        struct playable one = viewer_film(n);

        one.video.id.b[14] = (uint8_t)(n >> 8);
        viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
        assert_int_equal(viewer_saved(rig, one.video.id, 5000, 2), 0);
    }
    do {
        uint64_t cid = rig_call(rig, &forget_history_call, NULL, rig_person(rig, 2, ROLE_VIEWER));

        rig_run(rig);
        assert_int_equal(rig_reply(rig, cid, &forget_history_call, &reply), 0);
        assert_int_equal(reply.forgotten, calls ? 100 : 500);
        calls++;
    } while (reply.more);
    assert_int_equal(calls, 2);
    assert_int_equal(history(rig, 2).items_n, 0);
}

/* ---- kept for later */

static struct watchlist_reply list_of(struct rig *rig, unsigned who)
{
    uint64_t cid = rig_call(rig, &watchlist_call, &(struct watchlist) { .limit = 10 },
                            rig_person(rig, who, ROLE_VIEWER));
    struct watchlist_reply reply;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &watchlist_call, &reply), 0);
    return reply;
}

static void a_video_is_kept_once_and_taken_off(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 2, ROLE_VIEWER);
    struct playable one = viewer_film(1), two = viewer_film(2);
    struct watchlist_reply list;
    uint64_t cid;

    assert_int_equal(keep(rig, one.video.id, who, &cid), 1);
    viewer_catalog(rig, 0, &one);
    assert_int_equal(rig_reply(rig, cid, &keep_for_later_call, NULL), 0);
    rig_advance(rig, 1000);
    assert_int_equal(keep(rig, two.video.id, who, &cid), 1);
    viewer_catalog(rig, 0, &two);
    rig_advance(rig, 1000);
    assert_int_equal(keep(rig, one.video.id, who, &cid), 0); /* it stays where it is */
    viewer_saved(rig, one.video.id, 30000, 2);
    list = list_of(rig, 2);
    assert_int_equal(list.items_n, 2);
    assert_true(id_equal(list.items[0].video_id, two.video.id));
    assert_int_equal(list.items[0].position_ms, 0);
    assert_int_equal(list.items[1].position_ms, 30000);
    assert_int_equal(list.items[1].duration_ms, 100000);
    assert_true(viewer_started(rig, &one, who).kept);
    assert_false(viewer_started(rig, &one, viewer_nobody).kept);
    assert_int_equal(list_of(rig, 3).items_n, 0);
    cid = rig_call(rig, &drop_from_watchlist_call, &(struct drop_from_watchlist) { .id = one.video.id }, who);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &drop_from_watchlist_call, NULL), 0);
    assert_int_equal(list_of(rig, 2).items_n, 1);
    assert_false(viewer_started(rig, &one, who).kept);
}

static void what_may_not_be_seen_is_not_kept(void **state)
{
    struct rig *rig = *state;
    uint64_t cid;

    assert_int_equal(keep(rig, viewer_film(1).video.id, rig_person(rig, 2, ROLE_VIEWER), &cid), 1);
    viewer_catalog(rig, ERR_NOT_FOUND, NULL);
    assert_int_equal(rig_reply(rig, cid, &keep_for_later_call, NULL), ERR_NOT_FOUND);
    assert_int_equal(viewer_rows(rig, &play_kept_table), 0);
}

static void a_watchlist_has_an_end(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 2, ROLE_VIEWER);
    uint64_t cid;

    for (unsigned n = 1; n <= 4; n++) {
        struct playable one = viewer_film(n);

        keep(rig, one.video.id, who, &cid);
        viewer_catalog(rig, 0, &one);
        assert_int_equal(rig_reply(rig, cid, &keep_for_later_call, NULL), n <= 3 ? 0 : ERR_QUOTA_EXCEEDED);
    }
    assert_non_null(strstr(rig_problem(rig, cid).detail, "as many as it may"));
    assert_int_equal(viewer_rows(rig, &play_kept_table), 3);
}

static void who_is_not_known_has_no_lists(void **state)
{
    struct rig *rig = *state;
    uint64_t cid;

    assert_int_equal(keep(rig, viewer_film(1).video.id, viewer_nobody, &cid), ERR_UNAUTHENTICATED);
    cid = rig_call(rig, &watch_history_call, &(struct watch_history) { .limit = 10 }, viewer_nobody);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &watch_history_call, NULL), ERR_UNAUTHENTICATED);
}

static int begin_small(void **state)
{
    static const char *const sets[] = { "playback.watchlist_max=3", NULL };

    return rig_open(state, &playback_actor, sets);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, viewer_begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(what_was_seen_to_its_end_begins_anew),
        T(a_position_in_an_unknown_video_is_the_catalogs_to_allow),
        T(pages_of_what_was_begun_follow_one_another),
        T(a_list_hides_what_has_turned_private),
        T(a_deleted_video_is_forgotten_whole),
        T(history_has_what_was_finished_too),
        T(one_video_is_forgotten_from_the_history_and_no_other),
        T(a_long_history_is_forgotten_in_several_calls),
        T(a_video_is_kept_once_and_taken_off),
        T(what_may_not_be_seen_is_not_kept),
        cmocka_unit_test_setup_teardown(a_watchlist_has_an_end, begin_small, rig_close),
        T(who_is_not_known_has_no_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

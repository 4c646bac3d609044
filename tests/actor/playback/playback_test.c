/* Playback as an actor: who gets which URLs, and where people were. */
#include <stdio.h>
#include <string.h>

#include "actors/runtime/media_token/media_token.h"
#include "tests/actor/playback/viewer.h"

#define HOUR_MS (3600 * INT64_C(1000))

static struct media_keys published(struct rig *rig)
{
    const struct fake_sent *sent, *last = NULL;
    struct media_keys keys;

    while ((sent = fake_next(FAKE_SET, "playback.media_keys")))
        last = sent;
    rig_read(rig, last, &media_keys_type, &keys);
    return keys;
}

/* Whether the front would let this URL through now. */
static bool opens(struct rig *rig, const char *url, const struct media_keys *keys, const struct playable *film)
{
    struct media_grant grant;
    char token[MEDIA_TOKEN_SIZE];

    assert_int_equal(strncmp(url, "/media/", 7), 0);
    memccpy(token, url + 7, '/', sizeof(token));
    token[strcspn(token, "/")] = 0;
    if (!media_token_read(token, &grant))
        return false;
    grant.video = film->video.id;
    grant.version = film->version;
    for (size_t i = 0; i < keys->keys_n; i++)
        if (keys->keys[i].kid == grant.kid && media_token_verify(token, &grant, keys->keys[i].key.data))
            return grant.expires_s * 1000 > rig_now(rig);
    return false;
}

static void one_answer_starts_a_player(void **state)
{
    struct rig *rig = *state;
    struct playable ready = viewer_film(1);
    struct playing playing = viewer_started(rig, &ready, viewer_nobody);
    struct media_keys keys = published(rig);
    char id[ID_TEXT_SIZE];

    assert_true(opens(rig, playing.hls_url, &keys, &ready));
    assert_true(opens(rig, playing.dash_url, &keys, &ready));
    assert_true(opens(rig, playing.poster_url, &keys, &ready));
    assert_non_null(strstr(playing.hls_url, "/3/master.m3u8"));
    assert_non_null(strstr(playing.dash_url, "/3/manifest.mpd"));
    assert_non_null(strstr(playing.poster_url, "/3/img/poster.jpg"));
    assert_non_null(strstr(playing.hls_url, id_format("video", ready.video.id, id)));
    assert_true(playing.final);
    assert_false(id_is_zero(playing.session_id));
    assert_int_equal(playing.duration_ms, 100000);
    assert_int_equal(playing.tracks_n, 1);
    assert_string_equal(playing.tracks[0].name, "1080p");
    assert_int_equal(playing.resume_ms, 0);
    assert_int_equal(playing.expires_at % HOUR_MS, 0);
    assert_true(playing.expires_at >= rig_now(rig) + 6 * HOUR_MS &&
                playing.expires_at < rig_now(rig) + 7 * HOUR_MS);
}

static void a_url_opens_one_version_until_it_ends(void **state)
{
    struct rig *rig = *state;
    struct playable ready = viewer_film(1), other = viewer_film(2), newer = viewer_film(1);
    struct playing playing = viewer_started(rig, &ready, viewer_nobody);
    struct media_keys keys = published(rig);

    newer.version = 4;
    assert_false(opens(rig, playing.hls_url, &keys, &other));
    assert_false(opens(rig, playing.hls_url, &keys, &newer));
    rig_advance(rig, 7 * HOUR_MS);
    assert_false(opens(rig, playing.hls_url, &keys, &ready));
}

static void a_player_is_told_to_come_again_before_its_urls_end(void **state)
{
    struct rig *rig = *state;
    struct playable ready = viewer_film(1);
    int64_t first = 0, other = 0;

    for (int i = 0; i < 20; i++) {
        struct playing playing = viewer_started(rig, &ready, viewer_nobody);
        int64_t ahead = playing.expires_at - rig_now(rig) - (int64_t)playing.renew_after_ms;

        assert_in_range(ahead, 300 * 1000, 600 * 1000);
        first = i == 0 ? ahead : first;
        other = ahead != first ? ahead : other;
    }
    assert_true(other); /* not all at the same moment */
    ready.video.has_window = true;
    ready.video.window = (struct watch_window) { .has_until = true, .until = rig_now(rig) + 5000 };
    assert_int_equal(viewer_started(rig, &ready, viewer_nobody).renew_after_ms,
                     ready.video.window.until / 1000 * 1000 - rig_now(rig));
    ready.video.window.until = rig_now(rig) + 300;
    assert_int_equal(viewer_started(rig, &ready, viewer_nobody).renew_after_ms, 1000); /* no faster than that */
}

static void viewers_of_a_public_video_share_urls(void **state)
{
    struct rig *rig = *state;
    struct playable open = viewer_film(1), closed = viewer_film(1);
    const char *one = viewer_started(rig, &open, viewer_nobody).hls_url;
    const char *two = viewer_started(rig, &open, rig_person(rig, 2, ROLE_VIEWER)).hls_url;

    assert_string_equal(one, two);
    closed.video.visibility = VISIBILITY_PRIVATE;
    assert_string_not_equal(viewer_started(rig, &closed, rig_person(rig, 1, ROLE_CREATOR)).hls_url, one);
}

static void a_video_that_grows_has_a_preview_alone(void **state)
{
    struct rig *rig = *state;
    struct playable growing = viewer_film(1);
    struct playing playing;

    viewer_started(rig, &growing, viewer_nobody);
    assert_null(fake_next(FAKE_CALL, "catalog.note_watched"));
    growing.final = false;
    growing.video.has_poster = false;
    playing = viewer_started(rig, &growing, viewer_nobody);
    assert_non_null(fake_next(FAKE_CALL, "catalog.note_watched")); /* its preview goes before others */
    assert_non_null(strstr(playing.hls_url, "/preview.m3u8"));
    assert_null(playing.dash_url);
    assert_null(playing.poster_url);
    assert_false(playing.final);
}

static void the_catalog_decides_in_the_callers_name(void **state)
{
    struct rig *rig = *state;
    struct rig_ask who = rig_person(rig, 5, ROLE_VIEWER);
    struct playable one = viewer_film(1);
    uint64_t cid = rig_call(rig, &start_playback_call, &(struct start_playback) { .id = one.video.id }, who);
    const struct fake_sent *asked;

    rig_run(rig);
    asked = fake_next(FAKE_CALL, "catalog.get_playable");
    assert_non_null(asked);
    assert_string_equal(asked->subject, who.token);
    rig_answer(rig, asked, &get_playable_call, ERR_NOT_FOUND, NULL);
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, NULL), ERR_NOT_FOUND);
    cid = rig_call(rig, &start_playback_call, &(struct start_playback) { .id = one.video.id }, who);
    rig_run(rig);
    rig_refuse(rig, fake_next(FAKE_CALL, "catalog.get_playable"), ERR_CONFLICT, "The file ends in the middle.");
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, NULL), ERR_CONFLICT);
    assert_string_equal(rig_problem(rig, cid).detail, "The file ends in the middle."); /* in its words, too */
}

static void a_viewer_goes_on_where_he_was(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct continue_watching_reply list;

    viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
    assert_int_equal(viewer_saved(rig, one.video.id, 40000, 2), 0);
    assert_int_equal(viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER)).resume_ms, 40000);
    assert_int_equal(viewer_started(rig, &one, rig_person(rig, 3, ROLE_VIEWER)).resume_ms, 0);
    list = viewer_begun(rig, 2, 10, NULL);
    assert_int_equal(list.items_n, 1);
    assert_string_equal(list.items[0].title, "Film");
    assert_int_equal(list.items[0].position_ms, 40000);
    assert_int_equal(list.items[0].duration_ms, 100000);
    assert_non_null(strstr(list.items[0].poster_url, "/3/img/poster-640.jpg"));
    assert_int_equal(viewer_begun(rig, 3, 10, NULL).items_n, 0);
    rig_restart(rig);
    assert_int_equal(viewer_begun(rig, 2, 10, NULL).items_n, 1);
}

/* What the front was told last of which URLs of the film to refuse; 0: nothing since. */
static enum media_refused told(struct rig *rig, const struct playable *film)
{
    struct media_denied value = { .refused = 0 };
    const struct fake_sent *sent;

    while ((sent = fake_next(FAKE_SET, "playback.media_denied"))) {
        rig_read(rig, sent, &media_denied_type, &value);
        assert_true(id_equal(value.video_id, film->video.id));
    }
    return value.refused;
}

static void changed_to(struct rig *rig, struct playable *film, uint64_t rev, enum visibility visibility,
                       uint64_t seq)
{
    film->video.rev = rev;
    film->video.visibility = visibility;
    rig_event(rig, &video_changed_event,
              &(struct video_changed) { .video_id = film->video.id, .video = film->video }, seq);
    rig_run(rig);
}

static void urls_of_a_video_that_turns_private_are_taken_back(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);

    changed_to(rig, &one, 5, VISIBILITY_UNLISTED, 1);
    assert_int_equal(told(rig, &one), 0); /* nothing to say of a video that was always open */
    changed_to(rig, &one, 6, VISIBILITY_PRIVATE, 2);
    assert_int_equal(told(rig, &one), MEDIA_REFUSED_OPEN);
    rig_advance(rig, HOUR_MS + 1000);
    assert_int_equal(told(rig, &one), MEDIA_REFUSED_OPEN); /* who came late hears it too */
    changed_to(rig, &one, 5, VISIBILITY_PUBLIC, 3);
    assert_int_equal(told(rig, &one), 0); /* late news */
    changed_to(rig, &one, 7, VISIBILITY_PUBLIC, 4);
    assert_int_equal(told(rig, &one), MEDIA_REFUSED_NONE);
    rig_event(rig, &video_deleted_event, &(struct video_deleted) { .video_id = one.video.id, .rev = 8 }, 5);
    rig_run(rig);
    assert_int_equal(told(rig, &one), MEDIA_REFUSED_ALL);
    rig_advance(rig, 51 * HOUR_MS);
    assert_int_equal(viewer_rows(rig, &play_denied_table), 0);
}

static void all_urls_of_a_video_that_was_refused_are_taken_back(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);

    one.video.media = MEDIA_STATE_REFUSED;
    changed_to(rig, &one, 5, VISIBILITY_PUBLIC, 1);
    assert_int_equal(told(rig, &one), MEDIA_REFUSED_ALL); /* its owner's as well */
    one.video.media = MEDIA_STATE_READY;
    changed_to(rig, &one, 6, VISIBILITY_PUBLIC, 2);
    assert_int_equal(told(rig, &one), MEDIA_REFUSED_NONE);
}

static void a_poster_is_for_who_may_see_the_video(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct posters ask = { .id = one.video.id };
    struct posters_reply reply;
    uint64_t cid = rig_call(rig, &posters_call, &ask, viewer_nobody);

    rig_run(rig);
    viewer_catalog(rig, 0, &one);
    assert_int_equal(rig_reply(rig, cid, &posters_call, &reply), 0);
    assert_non_null(strstr(reply.url, "/3/img/poster-640.jpg"));
    cid = rig_call(rig, &posters_call, &ask, viewer_nobody);
    rig_run(rig);
    viewer_catalog(rig, ERR_CONFLICT, NULL);
    assert_int_equal(rig_reply(rig, cid, &posters_call, &reply), 0);
    assert_true(!reply.url || !*reply.url);
    cid = rig_call(rig, &posters_call, &ask, viewer_nobody);
    rig_run(rig);
    viewer_catalog(rig, ERR_NOT_FOUND, NULL);
    assert_int_equal(rig_reply(rig, cid, &posters_call, &reply), ERR_NOT_FOUND);
}

static void keys_change_and_the_old_ones_stay_until_their_urls_have_ended(void **state)
{
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    struct media_keys keys = published(rig);
    const char *before, *after;

    assert_int_equal(keys.keys_n, 1);
    for (unsigned hours = 0; hours < 30 * 24 - 1; hours++)
        rig_advance(rig, HOUR_MS);
    assert_int_equal(published(rig).keys_n, 1);
    before = viewer_started(rig, &one, viewer_nobody).hls_url;
    rig_advance(rig, HOUR_MS);
    keys = published(rig);
    assert_int_equal(keys.keys_n, 2);
    after = viewer_started(rig, &one, viewer_nobody).hls_url;
    assert_true(opens(rig, before, &keys, &one));
    assert_true(opens(rig, after, &keys, &one));
    assert_string_not_equal(before, after);
    for (unsigned hours = 0; hours < 48; hours++)
        rig_advance(rig, HOUR_MS);
    keys = published(rig);
    assert_int_equal(keys.keys_n, 2); /* its age does not count, but when it was followed */
    assert_int_equal(keys.keys[1].kid, 1);
    for (unsigned hours = 48; hours < 51; hours++)
        rig_advance(rig, HOUR_MS);
    keys = published(rig);
    assert_int_equal(keys.keys_n, 1);
    assert_int_equal(keys.keys[0].kid, 2);
    rig_restart(rig);
    assert_int_equal(published(rig).keys[0].kid, 2);
}

static void a_position_survives_any_store_failure(void **state)
{
    enum store_fault kinds[] = { STORE_FAULT_LOST, STORE_FAULT_COMMITTED };
    struct rig *rig = *state;
    struct playable one = viewer_film(1);
    unsigned struck_n = 0;

    for (size_t k = 0; k < 2; k++) {
        for (unsigned n = 1;; n++) {
            uint64_t position = 1000 * (k * 40 + n);
            bool struck;
            int r;

            viewer_started(rig, &one, rig_person(rig, 2, ROLE_VIEWER));
            store_fault_arm(n, kinds[k]);
            r = viewer_saved(rig, one.video.id, position, 2);
            struck = store_fault_arm(1, kinds[k]);
            store_fault_disarm();
            rig_restart(rig);
            assert_non_null(rig_actor(rig));
            if (r == 0)
                assert_int_equal(viewer_begun(rig, 2, 10, NULL).items[0].position_ms, position);
            assert_true(viewer_rows(rig, &play_position_table) <= 1);
            assert_int_equal(viewer_saved(rig, one.video.id, position, 2), 0);
            assert_int_equal(viewer_begun(rig, 2, 10, NULL).items[0].position_ms, position);
            assert_true(n < 45);
            if (!struck)
                break;
            struck_n++;
        }
    }
    assert_true(struck_n > 10);
}

/* What the caller may keep of a film of two sizes and two sounds. */
static int kept(struct rig *rig, const struct playable *film, struct rig_ask who, struct list_downloads_reply *ret)
{
    uint64_t cid = rig_call(rig, &list_downloads_call, &(struct list_downloads) { .id = film->video.id }, who);

    rig_run(rig);
    viewer_catalog(rig, 0, film);
    return rig_reply(rig, cid, &list_downloads_call, ret);
}

static void whoever_may_keep_a_film_is_told_its_files(void **state)
{
    static struct playable_track tracks[] = {
        { .kind = "video", .name = "h264-720", .dir = "v/h264-720", .width = 720, .height = 1280 },
        { .kind = "video", .name = "h264-360", .dir = "v/h264-360", .width = 360, .height = 640 },
        { .kind = "audio", .name = "English", .language = "en", .dir = "a/aac-en-0" },
        { .kind = "audio", .name = "French", .language = "fr", .dir = "a/aac-fr-1", .is_default = true },
        { .kind = "text", .name = "English", .language = "en" },
    };
    struct rig *rig = *state;
    struct rig_ask owner = rig_person(rig, 1, ROLE_CREATOR), other = rig_person(rig, 2, ROLE_VIEWER);
    struct playable ready = viewer_film(1);
    struct list_downloads_reply reply;
    struct media_keys keys;

    ready.tracks = tracks;
    ready.tracks_n = 5;
    ready.video.title = "..What/\xc3\xa9t\xc3\xa9? ";
    assert_int_equal(kept(rig, &ready, viewer_nobody, &reply), ERR_FORBIDDEN);
    assert_int_equal(kept(rig, &ready, other, &reply), ERR_FORBIDDEN);
    assert_int_equal(kept(rig, &ready, owner, &reply), 0);
    assert_int_equal(reply.items_n, 4);
    assert_string_equal(reply.items[0].filename, "What-\xc3\xa9t\xc3\xa9- (720p, fr).mp4");
    assert_string_equal(reply.items[0].sound, "French");
    assert_int_equal(reply.items[3].width, 360);
    assert_non_null(
        strstr(reply.items[3].url, "/3/dl/h264-360/aac-en-0/What-%C3%A9t%C3%A9-%20%28360p%2C%20en%29.mp4"));
    assert_non_null(strstr(reply.items[0].url, ".ownerfile."));
    keys = published(rig);
    assert_true(opens(rig, reply.items[0].url, &keys, &ready));

    ready.video.allow_download = true;
    assert_int_equal(kept(rig, &ready, viewer_nobody, &reply), 0);
    assert_non_null(strstr(reply.items[0].url, ".openfile."));
    ready.final = false;
    assert_int_equal(kept(rig, &ready, owner, &reply), ERR_CONFLICT);
}

static void a_file_of_sound_alone_or_without_any_has_a_name_too(void **state)
{
    static struct playable_track sound = {
        .kind = "audio", .name = "Sound", .language = "en", .dir = "a/aac-en-0"
    };
    static struct playable_track pictures = { .kind = "video", .dir = "v/h264-480", .width = 854, .height = 480 };
    struct rig *rig = *state;
    struct playable ready = viewer_film(1);
    struct list_downloads_reply reply;
    char title[201];

    ready.video.allow_download = true;
    ready.video.title = " . ";
    ready.tracks = &sound;
    assert_int_equal(kept(rig, &ready, viewer_nobody, &reply), 0);
    assert_int_equal(reply.items_n, 1);
    assert_non_null(strstr(reply.items[0].url, "/dl/none/aac-en-0/video.m4a"));
    ready.tracks = &pictures;
    memset(title, 'x', 200);
    memcpy(title + 119, "\xc3\xa9", 2); /* half of it would fit */
    title[200] = 0;
    ready.video.title = title;
    assert_int_equal(kept(rig, &ready, viewer_nobody, &reply), 0);
    assert_non_null(strstr(reply.items[0].url, "/dl/h264-480/none/"));
    assert_int_equal(strlen(reply.items[0].filename), 119 + strlen(" (480p).mp4"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, viewer_begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(whoever_may_keep_a_film_is_told_its_files),
        T(a_file_of_sound_alone_or_without_any_has_a_name_too),
        T(one_answer_starts_a_player),
        T(a_url_opens_one_version_until_it_ends),
        T(a_player_is_told_to_come_again_before_its_urls_end),
        T(viewers_of_a_public_video_share_urls),
        T(a_video_that_grows_has_a_preview_alone),
        T(the_catalog_decides_in_the_callers_name),
        T(a_viewer_goes_on_where_he_was),
        T(urls_of_a_video_that_turns_private_are_taken_back),
        T(all_urls_of_a_video_that_was_refused_are_taken_back),
        T(a_poster_is_for_who_may_see_the_video),
        T(keys_change_and_the_old_ones_stay_until_their_urls_have_ended),
        T(a_position_survives_any_store_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

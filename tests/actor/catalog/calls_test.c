/* calls_test - who sees what, lists, changes, trash and the end of a video, and whatever call of the store
 * fails. */
#include "tests/actor/catalog/studio.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct studio clip = { .seconds = 7, .width = 640, .height = 360, .sounds = 1, .proven = true };

static struct id publish(struct fake *f, const char *title, enum visibility visibility)
{
    struct create_upload ask = {
        .title = title, .has_visibility = true, .visibility = visibility, .length = 9, .has_length = true
    };
    struct upload upload = { 0 };
    struct video video = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_create_upload, &ask, &upload), 0);
    struct upload_complete complete = { .id = upload.id, .capability = upload.capability, .length = 9 };
    assert_int_equal(FAKE_CALL(f, catalog_upload_complete, &complete, &video), 0);
    studio_work(f, &clip);
    f->now += 1000;
    return upload.video_id;
}

static int get(struct fake *f, struct id id)
{
    struct video video;

    return FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = id }, &video);
}

/* The titles of a list, their first letters. */
static const char *list(struct fake *f, struct list_videos ask)
{
    static char titles[256];
    size_t n = 0;

    if (!ask.limit)
        ask.limit = 24;
    for (;;) {
        struct list_videos_reply reply = { 0 };

        assert_int_equal(FAKE_CALL(f, catalog_list_videos, &ask, &reply), 0);
        for (size_t i = 0; i < reply.items_n; i++)
            titles[n++] = reply.items[i].title[0];
        if (!*reply.next)
            break;
        ask.cursor = reply.next;
    }
    titles[n] = 0;
    return titles;
}

static void only_who_may_see_a_video_is_told_that_it_is_there(void **state)
{
    struct fake *f = *state;
    struct id private = publish(f, "private", VISIBILITY_PRIVATE), unlisted = publish(f, "u", VISIBILITY_UNLISTED),
              public = publish(f, "public", VISIBILITY_PUBLIC), none = { .b = { 9 } };
    struct playable playable;

    assert_int_equal(get(f, private), 0);
    assert_int_equal(get(f, none), ERR_NOT_FOUND);
    fake_be(f, 0, 0);
    assert_int_equal(get(f, private), ERR_NOT_FOUND);
    assert_int_equal(get(f, unlisted), 0);
    assert_int_equal(get(f, public), 0);
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = private }, &playable),
                     ERR_NOT_FOUND);
    memset(&playable, 0, sizeof(playable));
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &(struct get_playable) { .id = public }, &playable), 0);
    assert_true(playable.final);
    assert_int_equal(playable.tracks_n, 3); /* 360, 240, one sound */
    fake_be(f, 2, ROLE_CREATOR);
    assert_int_equal(get(f, private), ERR_NOT_FOUND);
    fake_be(f, 3, ROLE_MODERATOR);
    assert_int_equal(get(f, private), 0);
    assert_string_equal(list(f, (struct list_videos) { 0 }), "p");
}

static void what_is_not_published_is_not_there_for_others(void **state)
{
    struct fake *f = *state;
    struct create_video ask = { .title = "draft", .visibility = VISIBILITY_PUBLIC };
    struct video video;

    assert_int_equal(FAKE_CALL(f, catalog_create_video, &ask, &video), 0);
    fake_be(f, 2, ROLE_VIEWER);
    assert_int_equal(get(f, video.id), ERR_NOT_FOUND);
    assert_string_equal(list(f, (struct list_videos) { 0 }), "");
}

static void lists_come_newest_first_and_page_by_page(void **state)
{
    struct fake *f = *state;

    for (char title[2] = "a"; *title <= 'g'; ++*title)
        publish(f, title, VISIBILITY_PUBLIC);
    publish(f, "x", VISIBILITY_PRIVATE);
    for (uint64_t limit = 1; limit <= 8; limit++) {
        assert_string_equal(list(f, (struct list_videos) { .limit = limit }), "gfedcba");
        assert_string_equal(list(f, (struct list_videos) { .limit = limit, .mine = true }), "xgfedcba");
    }
    fake_be(f, 2, ROLE_CREATOR);
    assert_string_equal(list(f, (struct list_videos) { .mine = true }), "");
}

static void a_cursor_of_another_list_is_refused(void **state)
{
    struct fake *f = *state;
    struct list_videos_reply reply = { 0 };

    publish(f, "a", VISIBILITY_PUBLIC);
    publish(f, "b", VISIBILITY_PUBLIC);
    assert_int_equal(FAKE_CALL(f, catalog_list_videos, &(struct list_videos) { .limit = 1 }, &reply), 0);
    struct list_videos mine = { .limit = 1, .mine = true, .cursor = reply.next };
    assert_int_equal(FAKE_CALL(f, catalog_list_videos, &mine, &reply), ERR_INVALID);
    mine.cursor = "not base64!";
    assert_int_equal(FAKE_CALL(f, catalog_list_videos, &mine, &reply), ERR_INVALID);
    fake_be(f, 0, 0);
    mine.cursor = NULL;
    assert_int_equal(FAKE_CALL(f, catalog_list_videos, &mine, &reply), ERR_UNAUTHENTICATED);
}

static void a_scan_names_every_video_once(void **state)
{
    struct fake *f = *state;
    struct scan ask = { .limit = 2 };
    unsigned seen = 0;

    for (char title[2] = "a"; *title <= 'e'; ++*title)
        publish(f, title, VISIBILITY_PRIVATE);
    for (bool more = true; more;) {
        struct scan_reply reply = { 0 };

        assert_int_equal(FAKE_CALL(f, catalog_scan, &ask, &reply), 0);
        seen += (unsigned)reply.items_n;
        ask.after = reply.items[reply.items_n - 1].id;
        more = reply.more;
    }
    assert_int_equal(seen, 5);
}

static void a_change_is_announced_and_a_stale_one_refused(void **state)
{
    struct fake *f = *state;
    struct id id = publish(f, "a", VISIBILITY_PRIVATE);
    const char *tags[] = { "sea", "sun" };
    struct update_video ask = { .id = id,
                                .title = "b",
                                .tags = tags,
                                .tags_n = 2,
                                .has_tags = true,
                                .people = &(struct person) { .name = "Ann" },
                                .people_n = 1,
                                .has_people = true,
                                .has_visibility = true,
                                .visibility = VISIBILITY_PUBLIC,
                                .has_if_rev = true };
    struct video video;

    ask.if_rev = studio_video(f, id).rev;
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), 0);
    assert_string_equal(video.title, "b");
    assert_int_equal(video.tags_n, 2);
    assert_int_equal(fake_count(f, "catalog.video_changed"), 1);
    assert_string_equal(list(f, (struct list_videos) { 0 }), "b");
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), ERR_PRECONDITION);
    fake_be(f, 2, ROLE_CREATOR);
    ask.has_if_rev = false;
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), ERR_FORBIDDEN); /* public: it may be seen */
    fake_be(f, 1, ROLE_CREATOR);
    struct update_video clear = { .id = id, .has_tags = true };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &clear, &video), 0);
    assert_int_equal(video.tags_n, 0);
    assert_int_equal(video.people_n, 1);
    clear = (struct update_video) { .id = id, .has_people = true };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &clear, &video), 0);
    assert_int_equal(video.people_n, 0);
}

static struct id next_of(struct fake *f, struct id id)
{
    struct next_up_reply reply = { 0 };

    assert_int_equal(FAKE_CALL(f, catalog_next_up, &(struct next_up) { .id = id }, &reply), 0);
    return reply.has_video ? reply.video.id : (struct id) { 0 };
}

static void after_a_video_comes_the_next_of_its_owner_or_the_newest_there_is(void **state)
{
    struct fake *f = *state;
    struct id first = publish(f, "a", VISIBILITY_PUBLIC);

    assert_true(id_is_zero(next_of(f, first)));
    struct id hidden = publish(f, "b", VISIBILITY_PRIVATE), third = publish(f, "c", VISIBILITY_PUBLIC);
    struct id later = publish(f, "d", VISIBILITY_PUBLIC);
    struct update_video over = { .id = third,
                                 .has_window = true,
                                 .window = { .has_until = true, .until = f->now } };
    struct video video;

    assert_true(id_equal(next_of(f, first), third));
    assert_true(id_equal(next_of(f, hidden), third));
    assert_true(id_equal(next_of(f, later), third)); /* nothing is newer: the newest of the others */
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &over, &video), 0);
    assert_true(id_equal(next_of(f, first), later));
    fake_be(f, 2, ROLE_CREATOR);
    struct next_up_reply none = { 0 };
    assert_int_equal(FAKE_CALL(f, catalog_next_up, &(struct next_up) { .id = hidden }, &none), ERR_NOT_FOUND);
    struct id other = publish(f, "e", VISIBILITY_PUBLIC);
    assert_true(id_equal(next_of(f, other), later)); /* its owner has no other: the newest there is */
}

static void rights_are_set_by_the_owner_and_countries_are_for_nobody_else(void **state)
{
    static const char *countries[] = { "DE", "GB" }, *wrong[] = { "DE", "UK" }, *lower[] = { "de" },
                      *cut[] = { "E " };
    struct fake *f = *state;
    struct id id = publish(f, "Here", VISIBILITY_PUBLIC);
    struct update_video ask = { .id = id,
                                .has_window = true,
                                .window = { .has_from = true, .from = 5000, .has_until = true, .until = 5000 },
                                .has_minimum_age = true,
                                .minimum_age = 16 };
    struct get_playable play = { .id = id };
    struct playable playable = { 0 };
    struct video video;

    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), ERR_INVALID);
    ask.window.until = 6000;
    ask.has_regions = true;
    for (int i = 0; i < 3; i++) {
        ask.regions = (struct watch_regions) { .rule = REGION_RULE_ONLY,
                                               .countries = i == 0   ? wrong
                                                            : i == 1 ? lower
                                                                     : cut,
                                               .countries_n = i == 0 ? 2 : 1 };
        assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), ERR_INVALID);
    }
    ask.regions = (struct watch_regions) { .countries = countries, .countries_n = 2 };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video),
                     ERR_INVALID); /* only there, or not there? */
    ask.regions = (struct watch_regions) { .rule = REGION_RULE_EXCEPT };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), ERR_INVALID);
    ask.regions = (struct watch_regions) { .rule = REGION_RULE_ONLY, .countries = countries, .countries_n = 2 };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &ask, &video), 0);
    assert_int_equal(FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = id }, &video), 0);
    assert_true(video.has_window && video.has_regions);
    assert_int_equal(video.window.until, 6000);
    assert_string_equal(video.regions.countries[1], "GB");
    assert_int_equal(video.minimum_age, 16);

    struct subject owner = f->subject;
    fake_be(f, 2, ROLE_VIEWER);
    assert_int_equal(FAKE_CALL(f, catalog_get_video, &(struct get_video) { .id = id }, &video), 0);
    assert_true(video.has_window && !video.has_regions);
    assert_int_equal(video.regions.countries_n, 0);
    assert_int_equal(FAKE_CALL(f, catalog_get_playable, &play, &playable), 0); /* who decides is told all */
    assert_int_equal(playable.video.regions.countries_n, 2);
    f->subject = owner;

    struct why_reply why = { 0 };
    const char *said[3] = { NULL };
    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = id }, &why), 0);
    for (size_t i = 0; i < why.parts_n; i++) {
        said[0] = strcmp(why.parts[i].what, "window") == 0 ? why.parts[i].state : said[0];
        said[1] = strcmp(why.parts[i].what, "regions") == 0 ? why.parts[i].detail : said[1];
        said[2] = strcmp(why.parts[i].what, "age") == 0 ? why.parts[i].state : said[2];
    }
    assert_string_equal(said[0], "closed");
    assert_string_equal(said[1], "DE, GB");
    assert_string_equal(said[2], "from 16 years");

    struct update_video clear = { .id = id, .has_window = true, .has_regions = true, .has_minimum_age = true };
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &clear, &video), 0);
    assert_true(!video.has_window && !video.has_regions && !video.minimum_age);
}

static void the_trash_gives_back_until_it_is_emptied(void **state)
{
    struct fake *f = *state;
    struct id id = publish(f, "a", VISIBILITY_PUBLIC);
    struct delete_video trash = { .id = id };
    struct update_video restore = { .id = id, .restore = true };
    struct video video;

    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &trash), 0);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &trash), 0); /* asked again, it is so already */
    assert_int_equal(fake_count(f, "catalog.video_deleted"), 1);
    assert_string_equal(list(f, (struct list_videos) { 0 }), "");
    assert_string_equal(list(f, (struct list_videos) { .mine = true, .trashed = true }), "a");
    assert_int_equal(FAKE_CALL(f, catalog_update_video, &restore, &video), 0);
    assert_string_equal(list(f, (struct list_videos) { 0 }), "a");
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &trash), 0);
    fake_pass(f, (int64_t)f->settings.trash_ms - 10000);
    assert_int_equal(get(f, id), 0);
    fake_pass(f, 20000);
    assert_int_equal(get(f, id), ERR_NOT_FOUND);
}

static int count_one(void *ctx, const char *name, const struct blob_info *info)
{
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned objects(struct fake *f)
{
    unsigned n = 0;

    assert_int_equal(blob_list(f->self.blobs, "", count_one, &n), 0);
    return n;
}

/* Rows of all tables but the accounts' usage and the keys of what is lent. */
static uint64_t rows(struct fake *f)
{
    uint64_t sum = 0, n;
    struct turn *t = fake_begin(f);

    for (size_t i = 0; i < catalog_schema.tables_n; i++)
        if (strcmp(catalog_schema.tables[i]->name, "usage_row") != 0 &&
            strcmp(catalog_schema.tables[i]->name, "blob_key_row") != 0) {
            assert_int_equal(table_count(turn_txn(t), catalog_schema.tables[i], &n), 0);
            sum += n;
        }
    fake_end(f, 0);
    return sum;
}

static void a_deleted_video_leaves_no_file_and_no_row(void **state)
{
    struct fake *f = *state;
    struct id id = publish(f, "a", VISIBILITY_PUBLIC);

    assert_true(objects(f) > 5);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = id, .now = true }), 0);
    assert_int_equal(get(f, id), ERR_NOT_FOUND);
    fake_settle(f);
    assert_int_equal(objects(f), 0);
    assert_int_equal(rows(f), 1); /* its tombstone */
    assert_int_equal(blob_put_new(f->self.blobs, "media/late/x", bytes_of_text("x"), NULL), 0);
    fake_pass(f, 2 * 3600000);
    assert_int_equal(rows(f), 0);
    assert_int_equal(objects(f), 1); /* another video's files stay */
}

static void files_of_a_run_that_ended_after_the_delete_go_with_the_tombstone(void **state)
{
    struct fake *f = *state;
    struct id id = publish(f, "a", VISIBILITY_PUBLIC);
    char name[128], folder[ID_TEXT_SIZE];

    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = id, .now = true }), 0);
    fake_settle(f);
    snprintf(name, sizeof(name), "media/%s/1/v/h264-360/000001.m4s", id_format("video", id, folder));
    assert_int_equal(blob_put_new(f->self.blobs, name, bytes_of_text("late"), NULL), 0);
    fake_pass(f, 2 * 3600000);
    assert_int_equal(objects(f), 0);
}

static void a_restart_in_the_middle_of_a_delete_goes_on_with_it(void **state)
{
    struct fake *f = *state;
    struct id id = publish(f, "a", VISIBILITY_PUBLIC);

    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = id, .now = true }), 0);
    fake_restart(f);
    fake_pass(f, 6000);
    assert_int_equal(objects(f), 0);
    assert_int_equal(rows(f), 1);
}

/* A folder that somebody still has something in: it cannot be removed. */
static void occupy(struct fake *f, struct id video, bool occupied)
{
    char path[PATH_MAX + 128], id[ID_TEXT_SIZE];

    snprintf(path, sizeof(path), "%s/blobs/media/%s/1/.o", f->dir, id_format("video", video, id));
    assert_int_equal(occupied ? mkdir(path, 0700) : rmdir(path), 0);
}

static void files_that_cannot_be_deleted_yet_are_in_no_other_video_s_way(void **state)
{
    struct fake *f = *state;
    struct id stuck = publish(f, "a", VISIBILITY_PUBLIC), other = publish(f, "b", VISIBILITY_PUBLIC);

    occupy(f, stuck, true);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = stuck, .now = true }), 0);
    f->now += 10;
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = other, .now = true }), 0);
    fake_settle(f);
    assert_int_equal(objects(f), 0);
    occupy(f, stuck, false);
    fake_pass(f, 15000);
    assert_int_equal(rows(f), 2); /* their tombstones */
}

static unsigned in_the_pool(struct fake *f)
{
    unsigned n = 0;

    for (size_t i = 0; i < FAKE_WAITING_MOST; i++)
        n += f->waiting[i].used && f->waiting[i].pool;
    return n;
}

/* Deleting may take long, where a place does not answer. */
static void a_tombstone_asks_for_its_files_once_at_a_time(void **state)
{
    struct fake *f = *state;
    struct id id = publish(f, "a", VISIBILITY_PUBLIC);
    unsigned before;

    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = id, .now = true }), 0);
    fake_settle(f);
    f->now += 2 * 3600000;
    fake_settle_but_pool(f);
    before = in_the_pool(f);
    assert_true(before > 0);
    for (unsigned i = 0; i < 5; i++) {
        f->now += 6000;
        fake_settle_but_pool(f);
    }
    assert_int_equal(in_the_pool(f), before);
    fake_settle(f);
    assert_int_equal(rows(f), 0);
}

static bool is_gone(struct fake *f, struct id id)
{
    struct turn *t = fake_begin(f);
    struct doing d;
    int r = video_load(&f->self, t, id, &d);

    fake_end(f, 0);
    return r == ERR_NOT_FOUND;
}

/* Whichever turn the disk was full in. */
static void a_disk_that_was_full_stops_nothing_for_good(void **state)
{
    struct fake *f = *state;

    for (unsigned n = 1, left = 0; left == 0; n++) {
        struct id gone = publish(f, "a", VISIBILITY_PUBLIC), made = studio_upload(f, 9);

        assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = gone, .now = true }),
                         0);
        f->full_at = n;
        for (unsigned i = 0; i < 10; i++) {
            studio_work(f, &clip);
            fake_pass(f, 2000);
        }
        left = f->full_at;
        f->full_at = 0;
        if (studio_video(f, made).state != VIDEO_STATE_READY || !is_gone(f, gone))
            fail_msg("not gone on with: the disk was full in turn %u", n);
        assert_true(n < 1000);
    }
}

static void results_for_a_deleted_video_are_dropped(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 9);
    struct encode_run job;

    assert_true(studio_probe(f, &clip));
    struct fake_sent *sent = fake_take(f, "transcode.encode_run");
    assert_int_equal(wire_unpack(&encode_run_type, sent->body, f->arena, &job, NULL), 0);
    assert_int_equal(FAKE_CALL(f, catalog_delete_video, &(struct delete_video) { .id = id, .now = true }), 0);
    assert_int_equal(studio_answer(f, &job, sent->job, &clip), 0); /* while it is being deleted */
    fake_settle(f);
    assert_int_equal(studio_answer(f, &job, sent->job, &clip), 0); /* and after */
    assert_int_equal(rows(f), 1);
}

static void temporary_files_of_dead_writers_go(void **state)
{
    struct fake *f = *state;
    char path[PATH_MAX + 64];
    struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    struct blob_writer *w;

    assert_int_equal(blob_new(f->self.blobs, "raw/x", &w), 0); /* somebody is still at it */
    snprintf(path, sizeof(path), "%s/blobs/raw/.t.dead", f->dir);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    fake_pass(f, 2 * 3600000);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(blob_commit(&w, NULL), 0);
}

static void why_tells_what_each_column_waits_for(void **state)
{
    struct fake *f = *state;
    struct id id = studio_upload(f, 9);
    struct why_reply why = { 0 };

    assert_true(studio_probe(f, &clip));
    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = id }, &why), 0);
    assert_int_equal(why.state, VIDEO_STATE_PROCESSING);
    assert_true(why.parts_n >= 6);
    assert_string_equal(why.parts[0].what, "upload");
    assert_string_equal(why.parts[0].state, "complete");
    assert_string_equal(why.parts[1].state, "processing");
    assert_string_equal(why.parts[4].state, "released");
    assert_string_equal(why.parts[4].who, "transcode");
    while (studio_kill_run(f, "the encoder said: no"))
        continue;
    memset(&why, 0, sizeof(why));
    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = id }, &why), 0);
    assert_int_equal(why.state, VIDEO_STATE_FAILED);
    assert_non_null(strstr(why.sentence, "the encoder said: no"));
    unsigned failed = 0;
    for (size_t i = 0; i < why.parts_n; i++)
        failed += strcmp(why.parts[i].state, "failed") == 0 && why.parts[i].attempts == 5;
    assert_true(failed >= 2); /* picture and sound */
    fake_be(f, 2, ROLE_CREATOR);
    assert_int_equal(FAKE_CALL(f, catalog_why, &(struct why) { .id = id }, &why), ERR_NOT_FOUND);
}

/* Every call of the store fails once, in every handler on the way from an upload to a ready video: a
 * client that asks again, a bus that delivers again and a process that starts again end at the same video,
 * once. */
static void whichever_call_fails_a_video_becomes_ready_once(void **state)
{
    struct fake *f = *state;
    unsigned n, struck = 0;

    for (n = 1; n < 4000; n += n < 60 ? 1 : 23) {
        struct upload upload = { 0 };
        struct create_upload ask = { .length = 9, .has_length = true };
        unsigned ready = fake_count(f, "catalog.video_ready"), playable = fake_count(f, "catalog.video_playable");
        int r = -1;

        if (!store_fault_arm(n, n % 2 ? STORE_FAULT_LOST : STORE_FAULT_COMMITTED))
            break;
        for (unsigned tries = 0; r && tries < 3; tries++)
            r = FAKE_CALL(f, catalog_create_upload, &ask, &upload);
        assert_int_equal(r, 0);
        struct upload_complete complete = { .id = upload.id, .capability = upload.capability, .length = 9 };
        struct video video;
        r = -1;
        for (unsigned tries = 0; r && tries < 3; tries++)
            r = FAKE_CALL(f, catalog_upload_complete, &complete, &video);
        assert_int_equal(r, 0);
        for (unsigned tries = 0; tries < 3; tries++) {
            studio_work(f, &clip);
            fake_pass(f, 6000);
        }
        store_fault_hold(true);
        assert_int_equal(studio_video(f, upload.video_id).state, VIDEO_STATE_READY);
        struck++;
        assert_int_equal(fake_count(f, "catalog.video_ready"), ready + 1);
        assert_int_equal(fake_count(f, "catalog.video_playable"), playable + 1);
        f->sent_n = 0;
        store_fault_hold(false);
    }
    store_fault_disarm();
    assert_true(struck > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_fake(only_who_may_see_a_video_is_told_that_it_is_there),
        with_fake(what_is_not_published_is_not_there_for_others),
        with_fake(lists_come_newest_first_and_page_by_page),
        with_fake(a_cursor_of_another_list_is_refused),
        with_fake(a_scan_names_every_video_once),
        with_fake(a_change_is_announced_and_a_stale_one_refused),
        with_fake(after_a_video_comes_the_next_of_its_owner_or_the_newest_there_is),
        with_fake(rights_are_set_by_the_owner_and_countries_are_for_nobody_else),
        with_fake(the_trash_gives_back_until_it_is_emptied),
        with_fake(a_deleted_video_leaves_no_file_and_no_row),
        with_fake(files_of_a_run_that_ended_after_the_delete_go_with_the_tombstone),
        with_fake(a_restart_in_the_middle_of_a_delete_goes_on_with_it),
        with_fake(files_that_cannot_be_deleted_yet_are_in_no_other_video_s_way),
        with_fake(a_tombstone_asks_for_its_files_once_at_a_time),
        with_fake(a_disk_that_was_full_stops_nothing_for_good),
        with_fake(results_for_a_deleted_video_are_dropped),
        with_fake(temporary_files_of_dead_writers_go),
        with_fake(why_tells_what_each_column_waits_for),
        with_fake(whichever_call_fails_a_video_becomes_ready_once),
    };

    return cmocka_run_group_tests_name("catalog_calls", tests, NULL, NULL);
}

/* The index as an actor: events in, hits out, and rebuilding while it serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "actors/index/index.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "data/store/env.h"
#include "gen/index.h"
#include "tests/harness/rig.h"

static const struct rig_ask nobody = { .token = NULL }, operator= { .from = "cli" };

static int begin(void **state)
{
    return rig_open(state, &index_actor, NULL);
}

/* Of the first person, and one that anyone may find. */
static struct video film(unsigned n, uint64_t rev, const char *title)
{
    return (struct video) {
        .id = { { 1, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } },
        .rev = rev,
        .owner_id = rig_user(1),
        .owner_name = "Ann",
        .title = title,
        .description = "About something.",
        .visibility = VISIBILITY_PUBLIC,
        .state = VIDEO_STATE_READY,
        .release = RELEASE_STATE_PUBLISHED,
        .life = LIFE_STATE_LIVE,
        .upload = UPLOAD_STATE_COMPLETE,
        .media = MEDIA_STATE_READY,
        .duration_ms = 1000 * n,
    };
}

static void changed(struct rig *rig, const struct video *video, uint64_t seq)
{
    rig_event(rig, &video_changed_event, &(struct video_changed) { .video_id = video->id, .video = *video }, seq);
    rig_run(rig); /* reads of the same batch would come first */
}

/* Answers a page of the scan; fails when none was asked for. Answers where the page had to begin. */
static struct id page(struct rig *rig, const struct video *items, size_t n, bool more)
{
    const struct fake_sent *asked = fake_next(FAKE_CALL, "catalog.scan");
    struct scan ask;

    rig_read(rig, asked, &scan_type, &ask);
    rig_answer(rig, asked, &scan_call, 0,
               &(struct scan_reply) { .items = (struct video *)items, .items_n = n, .more = more });
    rig_run(rig);
    return ask.after;
}

static struct search_reply found(struct rig *rig, const char *q, const char *cursor, uint64_t limit,
                                 struct rig_ask who)
{
    struct search ask = { .q = q, .cursor = cursor, .limit = limit };
    uint64_t cid = rig_call(rig, &search_call, &ask, who);
    struct search_reply reply = { .total = 0 };

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &search_call, &reply), 0);
    return reply;
}

static size_t count_found(struct rig *rig, const char *q)
{
    return found(rig, q, NULL, 50, nobody).items_n;
}

static struct index_status_reply status(struct rig *rig)
{
    uint64_t cid = rig_call(rig, &index_status_call, &(struct index_status) { 0 }, operator);
    struct index_status_reply reply = { .generation = 0 };

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &index_status_call, &reply), 0);
    return reply;
}

static uint64_t rebuild(struct rig *rig)
{
    uint64_t cid = rig_call(rig, &rebuild_call, &(struct rebuild) { 0 }, operator);
    struct rebuild_reply reply;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &rebuild_call, &reply), 0);
    return reply.generation;
}

static void a_new_index_reads_the_catalog_to_its_end(void **state)
{
    struct rig *rig = *state;
    struct video all[] = { film(1, 1, "one film"), film(2, 1, "another film"), film(3, 1, "third film") };
    struct index_status_reply is = status(rig);

    assert_true(is.rebuilding);
    assert_true(id_is_zero(page(rig, all, 2, true)));
    assert_int_equal(count_found(rig, "film"), 2); /* better some than none */
    assert_true(id_equal(page(rig, all + 2, 1, false), all[1].id));
    is = status(rig);
    assert_false(is.rebuilding);
    assert_int_equal(is.documents, 3);
    assert_int_equal(count_found(rig, "film"), 3);
    assert_null(fake_next(FAKE_CALL, "catalog.scan"));
}

static void a_hit_shows_what_a_list_needs(void **state)
{
    struct rig *rig = *state;
    struct video v = film(7, 1, "Whales at sea");
    struct search_reply reply;

    page(rig, NULL, 0, false);
    v.created_at = 12345;
    changed(rig, &v, 1);
    reply = found(rig, "whale", NULL, 5, nobody);
    assert_int_equal(reply.total, 1);
    assert_int_equal(reply.items_n, 1);
    assert_true(id_equal(reply.items[0].video_id, v.id));
    assert_string_equal(reply.items[0].title, "Whales at sea");
    assert_string_equal(reply.items[0].description, "About something.");
    assert_string_equal(reply.items[0].owner_name, "Ann");
    assert_int_equal(reply.items[0].duration_ms, 7000);
    assert_int_equal(reply.items[0].created_at, 12345);
    assert_int_equal(reply.items[0].state, VIDEO_STATE_READY);
    assert_true(reply.items[0].score > 0);
    assert_true(!reply.next || !*reply.next);
}

static void every_event_of_a_video_is_heard(void **state)
{
    struct rig *rig = *state;
    struct video v = film(1, 1, "created");
    struct video_deleted gone = { .video_id = v.id, .rev = 6 };

    page(rig, NULL, 0, false);
    v.state = VIDEO_STATE_WAITING;
    rig_event(rig, &video_created_event, &(struct video_created) { .video_id = v.id, .video = v }, 1);
    rig_run(rig);
    assert_int_equal(count_found(rig, "created"), 0); /* nothing to watch yet */
    v.rev = 2;
    v.state = VIDEO_STATE_PLAYABLE;
    rig_event(rig, &video_playable_event, &(struct video_playable) { .video_id = v.id, .video = v }, 2);
    rig_run(rig);
    assert_int_equal(count_found(rig, "created"), 1);
    v.rev = 3;
    v.title = "ready";
    rig_event(rig, &video_ready_event, &(struct video_ready) { .video_id = v.id, .video = v }, 3);
    rig_run(rig);
    assert_int_equal(count_found(rig, "ready"), 1);
    v.rev = 4;
    v.title = "published";
    rig_event(rig, &video_published_event, &(struct video_published) { .video_id = v.id, .video = v }, 4);
    rig_run(rig);
    assert_int_equal(count_found(rig, "published"), 1);
    v.rev = 5;
    v.state = VIDEO_STATE_FAILED;
    rig_event(rig, &video_failed_event, &(struct video_failed) { .video_id = v.id, .video = v }, 5);
    rig_run(rig);
    assert_int_equal(count_found(rig, "published"), 0);
    assert_int_equal(found(rig, "published", NULL, 1, rig_person(rig, 1, ROLE_VIEWER)).items[0].state,
                     VIDEO_STATE_FAILED);
    v.rev = 3;
    v.title = "older";
    changed(rig, &v, 6);
    assert_int_equal(count_found(rig, "older"), 0);
    rig_event(rig, &video_deleted_event, &gone, 7);
    rig_run(rig);
    assert_int_equal(status(rig).documents, 0);
}

static void an_owner_finds_his_own_and_nobody_else_does(void **state)
{
    struct rig *rig = *state;
    struct video v = film(1, 1, "private diary");

    page(rig, NULL, 0, false);
    v.visibility = VISIBILITY_PRIVATE;
    changed(rig, &v, 1);
    assert_int_equal(count_found(rig, "diary"), 0);
    assert_int_equal(found(rig, "diary", NULL, 5, rig_person(rig, 2, ROLE_ADMIN)).total, 0);
    assert_int_equal(found(rig, "diary", NULL, 5, rig_person(rig, 1, ROLE_VIEWER)).total, 1);
}

static void pages_follow_one_another(void **state)
{
    struct rig *rig = *state;
    struct search_reply reply;
    const char *cursor = NULL;
    unsigned seen[26] = { 0 }, pages = 0;

    page(rig, NULL, 0, false);
    for (unsigned i = 1; i <= 25; i++) {
        struct video v = film(i, 1, "the same title");

        changed(rig, &v, i);
    }
    do {
        reply = found(rig, "same", cursor, 10, nobody);
        assert_int_equal(reply.total, 25);
        for (size_t i = 0; i < reply.items_n; i++)
            seen[reply.items[i].video_id.b[15]]++;
        cursor = reply.next;
        assert_true(++pages < 10);
    } while (cursor && *cursor);
    assert_int_equal(pages, 3);
    for (unsigned i = 1; i <= 25; i++)
        assert_int_equal(seen[i], 1);
}

static void a_cursor_that_is_not_ours_is_refused(void **state)
{
    struct rig *rig = *state;
    const char *const bad[] = { "AAAA", "!", "____________________________________________" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct search ask = { .q = "a", .limit = 5, .cursor = bad[i] };
        uint64_t cid = rig_call(rig, &search_call, &ask, nobody);

        rig_run(rig);
        assert_int_equal(rig_reply(rig, cid, &search_call, NULL), ERR_INVALID);
        assert_string_equal(rig_problem(rig, cid).errors[0].field, "cursor");
    }
}

static void suggestions_are_of_what_anyone_may_find(void **state)
{
    struct rig *rig = *state;
    struct video open = film(1, 1, "Open sea"), closed = film(2, 1, "Opera, at home");
    struct suggest_reply reply;
    uint64_t cid;

    page(rig, NULL, 0, false);
    closed.visibility = VISIBILITY_PRIVATE;
    changed(rig, &open, 1);
    changed(rig, &closed, 2);
    cid = rig_call(rig, &suggest_call, &(struct suggest) { .q = "ope", .limit = 5 },
                   rig_person(rig, 1, ROLE_VIEWER));
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &suggest_call, &reply), 0);
    assert_int_equal(reply.items_n, 1);
    assert_string_equal(reply.items[0], "Open sea");
}

static void the_old_index_serves_while_a_new_one_grows(void **state)
{
    struct rig *rig = *state;
    struct video stays = film(1, 2, "stays"), goes = film(2, 2, "goes"), late = film(3, 2, "late");
    struct video all[] = { stays, goes, late }, before = film(2, 1, "goes");
    uint64_t generation;

    page(rig, all, 2, false);
    generation = rebuild(rig);
    assert_int_equal(generation, 2);
    assert_int_equal(rebuild(rig), 2); /* it is under way */
    assert_int_equal(count_found(rig, "stays"), 1);
    page(rig, &stays, 1, true);
    assert_int_equal(status(rig).generation, 1);
    /* What happens in the meantime happens to both. */
    rig_event(rig, &video_deleted_event, &(struct video_deleted) { .video_id = goes.id, .rev = 3 }, 1);
    rig_run(rig);
    changed(rig, &late, 2);
    assert_int_equal(count_found(rig, "goes"), 0);
    assert_int_equal(count_found(rig, "late"), 1);
    page(rig, (struct video[]) { before, late }, 2, false); /* a page that was read before the video was deleted */
    assert_int_equal(status(rig).generation, 2);
    assert_int_equal(status(rig).documents, 2);
    assert_int_equal(count_found(rig, "goes"), 0);
    assert_int_equal(count_found(rig, "stays"), 1);
    assert_int_equal(count_found(rig, "late"), 1);
}

static void a_restart_goes_on_where_the_scan_was(void **state)
{
    struct rig *rig = *state;
    struct video all[] = { film(1, 1, "one film"), film(2, 1, "another film") };

    page(rig, all, 1, true);
    assert_non_null(fake_next(FAKE_CALL, "catalog.scan")); /* asked, and lost with the process */
    rig_restart(rig);
    assert_true(id_equal(page(rig, all + 1, 1, false), all[0].id));
    assert_int_equal(status(rig).documents, 2);
    rig_restart(rig);
    assert_null(fake_next(FAKE_CALL, "catalog.scan"));
    assert_int_equal(count_found(rig, "film"), 2);
}

static void videos_with_much_text_end_a_page_early(void **state)
{
    struct rig *rig = *state;
    struct video all[10];
    char text[10001];
    unsigned pages = 0;
    size_t at = 0;

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = i % 5 == 4 ? ' ' : (char)('a' + i * i % 7);
    text[sizeof(text) - 1] = 0;
    for (unsigned i = 0; i < 10; i++) {
        all[i] = film(i + 1, 1, "long film");
        all[i].description = text;
    }
    while (status(rig).rebuilding) {
        page(rig, all + at, 10 - at, false);
        at = status(rig).rebuilding ? status(rig).scanned : 10;
        assert_true(++pages < 10);
    }
    assert_true(pages > 1);
    assert_int_equal(count_found(rig, "long"), 10);
}

static void a_catalog_that_is_away_is_asked_again(void **state)
{
    struct rig *rig = *state;
    struct video one = film(1, 1, "one");

    rig_answer(rig, fake_next(FAKE_CALL, "catalog.scan"), &scan_call, ERR_UNAVAILABLE, NULL);
    rig_run(rig);
    assert_null(fake_next(FAKE_CALL, "catalog.scan"));
    rig_advance(rig, 2000);
    page(rig, &one, 1, false);
    assert_int_equal(count_found(rig, "one"), 1);
}

static void events_that_were_lost_are_made_up_for(void **state)
{
    struct rig *rig = *state;
    struct video one = film(1, 5, "one");

    page(rig, NULL, 0, false);
    rig_lost(rig, "catalog");
    page(rig, &one, 1, false);
    assert_int_equal(status(rig).generation, 2);
    assert_int_equal(count_found(rig, "one"), 1);
}

/* Whatever call of the store fails while an event is handled: after a restart, and with the event delivered
 * again, the video stands there once, as it is now. */
static void an_event_survives_any_store_failure(void **state)
{
    enum store_fault kinds[] = { STORE_FAULT_LOST, STORE_FAULT_COMMITTED };
    struct rig *rig = *state;
    unsigned struck_n = 0;
    uint64_t seq = 0;

    page(rig, NULL, 0, false);
    for (size_t k = 0; k < 2; k++) {
        for (unsigned n = 1;; n += 3) { /* every third: there are hundreds */
            char title[32], word[16];
            bool struck;
            struct video v;

            seq++;
            snprintf(word, sizeof(word), "w%llu", (unsigned long long)seq);
            snprintf(title, sizeof(title), "common %s", word);
            v = film(1, seq, title);
            rig_event(rig, &video_changed_event, &(struct video_changed) { .video_id = v.id, .video = v }, seq);
            store_fault_arm(n, kinds[k]);
            rig_run(rig);
            struck = store_fault_arm(1, kinds[k]);
            store_fault_disarm();
            rig_restart(rig);
            assert_non_null(rig_actor(rig));
            changed(rig, &v, seq);
            assert_int_equal(count_found(rig, word), 1);
            assert_int_equal(count_found(rig, "common"), 1);
            assert_int_equal(status(rig).documents, 1);
            assert_true(n < 1000);
            if (!struck)
                break;
            struck_n++;
        }
    }
    assert_true(struck_n > 20);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(a_new_index_reads_the_catalog_to_its_end),
        T(a_hit_shows_what_a_list_needs),
        T(every_event_of_a_video_is_heard),
        T(an_owner_finds_his_own_and_nobody_else_does),
        T(pages_follow_one_another),
        T(a_cursor_that_is_not_ours_is_refused),
        T(suggestions_are_of_what_anyone_may_find),
        T(the_old_index_serves_while_a_new_one_grows),
        T(a_restart_goes_on_where_the_scan_was),
        T(videos_with_much_text_end_a_page_early),
        T(a_catalog_that_is_away_is_asked_again),
        T(events_that_were_lost_are_made_up_for),
        T(an_event_survives_any_store_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

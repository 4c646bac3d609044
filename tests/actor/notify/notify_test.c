/* Notify as an actor: who is told what, once, and by which way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "actors/notify/notify.h"
#include "data/store/table.h"
#include "gen/auth.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "gen/fetcher.h"
#include "gen/notify.h"
#include "tests/harness/rig.h"

static const char *const with_mail[] = { "notify.mail_from=kinobus@example.org",
                                         "front.public_url=https://video.example.org/", NULL };
static const char *const few_notes[] = { "notify.notes_per_user=10", NULL };

static int begin(void **state)
{
    return rig_open(state, &notify_actor, NULL);
}

static int begin_with_mail(void **state)
{
    return rig_open(state, &notify_actor, with_mail);
}

static int begin_with_few(void **state)
{
    return rig_open(state, &notify_actor, few_notes);
}

static int fill_the_disk(void *self, struct actor *actor)
{
    store_fault_full(STORE_FAULT_NO_COMMIT);
    return 0;
}

/* Its first turn is undone, and comes again. */
static int begin_on_a_full_disk(void **state)
{
    static struct actor_def def;
    int r;

    def = notify_actor;
    def.open = fill_the_disk;
    r = rig_open(state, &def, with_mail);
    store_fault_full(STORE_FAULT_ROOM);
    rig_advance(*state, 1000);
    return r;
}

static uint64_t revs = 3; /* each event of a video shows a later one */

static struct video film(const char *title)
{
    return (struct video) { .id = { { 1, [15] = 7 } },
                            .rev = revs++,
                            .owner_id = rig_user(1),
                            .title = title,
                            .reason = "The file holds no picture." };
}

static void ready(struct rig *rig, const char *title, uint64_t seq)
{
    struct video v = film(title);

    rig_event(rig, &video_ready_event, &(struct video_ready) { .video_id = v.id, .video = v }, seq);
    rig_run(rig);
}

static struct list_notifications_reply list(struct rig *rig, unsigned who, uint64_t limit, const char *cursor)
{
    struct list_notifications ask = { .limit = limit, .cursor = cursor };
    uint64_t cid = rig_call(rig, &list_notifications_call, &ask, rig_person(rig, who, ROLE_VIEWER));
    struct list_notifications_reply reply;

    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &list_notifications_call, &reply), 0);
    return reply;
}

static int mark(struct rig *rig, unsigned who, struct id up_to)
{
    struct mark_read ask = { .up_to = up_to };
    uint64_t cid = rig_call(rig, &mark_read_call, &ask, rig_person(rig, who, ROLE_VIEWER));

    rig_run(rig);
    return rig_reply(rig, cid, &mark_read_call, NULL);
}

/* Answers as auth, for the question that was asked last. */
static void auth_says(struct rig *rig, int err, bool disabled)
{
    struct user user = { .id = rig_user(1), .email = "ann@example.org", .disabled = disabled };

    rig_answer(rig, fake_next(FAKE_CALL, "auth.contact"), &contact_call, err, &user);
    rig_run(rig);
}

static void an_owner_is_told_in_the_app(void **state)
{
    struct rig *rig = *state;
    struct list_notifications_reply notes;
    struct notified event;
    struct video v = film("My film");

    rig_event(rig, &video_playable_event, &(struct video_playable) { .video_id = v.id, .video = v }, 1);
    rig_run(rig);
    rig_advance(rig, 1000);
    ready(rig, "My film", 2);
    rig_advance(rig, 1000);
    v.rev = revs++;
    rig_event(rig, &video_failed_event, &(struct video_failed) { .video_id = v.id, .video = v }, 3);
    rig_run(rig);
    notes = list(rig, 1, 10, NULL);
    assert_int_equal(notes.items_n, 3);
    assert_int_equal(notes.unread, 3);
    assert_string_equal(notes.items[0].kind, "video_failed");
    assert_string_equal(notes.items[0].title, "My film could not be made");
    assert_string_equal(notes.items[0].body, "The file holds no picture.");
    assert_string_equal(notes.items[1].kind, "video_ready");
    assert_string_equal(notes.items[2].kind, "video_playable");
    assert_true(id_equal(notes.items[0].video_id, v.id));
    assert_false(notes.items[0].read);
    assert_int_equal(list(rig, 2, 10, NULL).items_n, 0);
    rig_read(rig, fake_next(FAKE_APPEND, "notify.notified"), &notified_type, &event);
    assert_true(id_equal(event.user_id, rig_user(1)));
    assert_string_equal(event.notification.kind, "video_playable");
    assert_int_equal(fake_count(FAKE_CALL, "auth.contact"), 0); /* no mail is set up */
}

static void what_is_read_stays_read(void **state)
{
    struct rig *rig = *state;
    struct list_notifications_reply notes;

    for (unsigned i = 1; i <= 3; i++) {
        ready(rig, "Film", i);
        rig_advance(rig, 1000);
    }
    notes = list(rig, 1, 10, NULL);
    assert_int_equal(mark(rig, 2, notes.items[1].id), ERR_NOT_FOUND); /* somebody else's */
    assert_int_equal(mark(rig, 1, notes.items[1].id), 0);
    notes = list(rig, 1, 10, NULL);
    assert_int_equal(notes.unread, 1);
    assert_false(notes.items[0].read);
    assert_true(notes.items[1].read && notes.items[2].read);
    assert_int_equal(mark(rig, 1, ID_NONE), 0);
    assert_int_equal(list(rig, 1, 10, NULL).unread, 0);
    rig_restart(rig);
    assert_int_equal(list(rig, 1, 10, NULL).unread, 0);
    assert_int_equal(mark(rig, 1, ID_NONE), 0);
}

static void pages_follow_one_another(void **state)
{
    struct rig *rig = *state;
    struct list_notifications_reply notes;
    const char *cursor = NULL;
    int64_t last = INT64_MAX;
    unsigned seen = 0, pages = 0;

    for (unsigned i = 1; i <= 5; i++) {
        ready(rig, "Film", i);
        rig_advance(rig, 1000);
    }
    do {
        notes = list(rig, 1, 2, cursor);
        for (size_t i = 0; i < notes.items_n; i++, seen++) {
            assert_true(notes.items[i].created_at < last);
            last = notes.items[i].created_at;
        }
        cursor = notes.next;
        assert_true(++pages < 5);
    } while (cursor && *cursor);
    assert_int_equal(seen, 5);
    assert_int_equal(pages, 3);
}

static void the_oldest_go_where_there_are_too_many(void **state)
{
    struct rig *rig = *state;
    struct list_notifications_reply notes;
    char title[16];

    for (unsigned i = 1; i <= 13; i++) {
        snprintf(title, sizeof(title), "Film %u", i);
        ready(rig, title, i);
        rig_advance(rig, 1000);
    }
    notes = list(rig, 1, 100, NULL);
    assert_int_equal(notes.items_n, 10);
    assert_int_equal(notes.unread, 10);
    assert_string_equal(notes.items[9].title, "Film 4 is ready");
}

static void a_new_account_is_welcomed_without_mail(void **state)
{
    struct rig *rig = *state;
    struct user_created event = {
        .user_id = rig_user(3), .email = "bob@example.org", .name = "Bob", .verify_token = "tok"
    };

    rig_event(rig, &user_created_event, &event, 1);
    rig_run(rig);
    assert_string_equal(list(rig, 3, 5, NULL).items[0].title, "Welcome, Bob");
    assert_int_equal(fake_count(FAKE_PUT, NULL), 0);
}

static void a_new_account_gets_the_link_that_verifies_it(void **state)
{
    struct rig *rig = *state;
    struct user_created event = {
        .user_id = rig_user(3), .email = "bob@example.org", .name = "Bob\r\nBcc: x@y", .verify_token = "AbC-123_x"
    };
    struct send_mail mail;

    rig_event(rig, &user_created_event, &event, 1);
    rig_run(rig);
    rig_read(rig, fake_next(FAKE_PUT, "fetcher.send_mail"), &send_mail_type, &mail);
    assert_string_equal(mail.to, "bob@example.org");
    assert_string_equal(mail.from, "kinobus@example.org");
    assert_non_null(strstr(mail.body, "\nhttps://video.example.org/verify?token=AbC-123_x\n"));
    assert_non_null(strstr(mail.body, "Hello Bob  Bcc: x@y,\n")); /* one line, whatever the name is */
    assert_int_equal(strncmp(mail.message_id, "note_", 5), 0);
    assert_non_null(strstr(mail.message_id, "@example.org"));
}

static void links_begin_with_what_the_front_is_told(void **state)
{
    static const struct value_def settings = { .name = "settings.front", .type = &setting_text_type };
    struct rig *rig = *state;
    struct user_created event = { .user_id = rig_user(3),
                                  .email = "bob@example.org",
                                  .verify_token = "AbC-123_x" };
    struct send_mail mail;

    rig_value(rig, &settings, "public_url", &(struct setting_text) { .text = "https://films.example.net" });
    rig_value(rig, &settings, "port", &(struct setting_text) { .text = "not of our business" });
    rig_event(rig, &user_created_event, &event, 1);
    rig_run(rig);
    rig_read(rig, fake_next(FAKE_PUT, "fetcher.send_mail"), &send_mail_type, &mail);
    assert_non_null(strstr(mail.body, "\nhttps://films.example.net/verify?token=AbC-123_x\n"));
}

static void an_owner_is_mailed_at_the_address_that_auth_tells(void **state)
{
    struct rig *rig = *state;
    struct send_mail mail;
    struct contact ask;
    char id[ID_TEXT_SIZE];
    const struct fake_sent *asked;

    ready(rig, "My film", 1);
    assert_int_equal(fake_count(FAKE_PUT, NULL), 0);
    asked = fake_next(FAKE_CALL, "auth.contact");
    rig_read(rig, asked, &contact_type, &ask);
    assert_true(id_equal(ask.id, rig_user(1)));
    rig_answer(rig, asked, &contact_call, 0, &(struct user) { .id = rig_user(1), .email = "ann@example.org" });
    rig_run(rig);
    rig_read(rig, fake_next(FAKE_PUT, "fetcher.send_mail"), &send_mail_type, &mail);
    assert_string_equal(mail.to, "ann@example.org");
    assert_string_equal(mail.subject, "My film is ready");
    assert_non_null(strstr(mail.body, id_format("video", film("").id, id)));
    assert_non_null(strstr(mail.body, "https://video.example.org/watch/video_"));
}

static void a_mail_is_not_lost_between_question_and_answer(void **state)
{
    struct rig *rig = *state;

    ready(rig, "My film", 1);
    assert_non_null(fake_next(FAKE_CALL, "auth.contact")); /* asked, and lost with the process */
    rig_restart(rig);
    auth_says(rig, ERR_UNAVAILABLE, false);
    assert_null(fake_next(FAKE_CALL, "auth.contact"));
    rig_advance(rig, 30000);
    auth_says(rig, 0, false);
    assert_int_equal(fake_count(FAKE_PUT, "fetcher.send_mail"), 1);
    rig_confirm(rig);
    rig_restart(rig);
    rig_advance(rig, 60000);
    assert_null(fake_next(FAKE_CALL, "auth.contact"));
    assert_int_equal(fake_count(FAKE_PUT, "fetcher.send_mail"), 1);
}

static void a_mail_waits_for_room_on_the_disk(void **state)
{
    struct rig *rig = *state;

    ready(rig, "My film", 1);
    store_fault_full(STORE_FAULT_NO_COMMIT);
    auth_says(rig, 0, false);
    store_fault_full(STORE_FAULT_ROOM);
    assert_int_equal(fake_count(FAKE_PUT, "fetcher.send_mail"), 0);
    rig_advance(rig, 30000);
    auth_says(rig, 0, false);
    assert_int_equal(fake_count(FAKE_PUT, "fetcher.send_mail"), 1);
    rig_advance(rig, 30000);
    assert_null(fake_next(FAKE_CALL, "auth.contact"));
}

static void a_start_on_a_full_disk_starts_the_clock_in_the_end(void **state)
{
    struct rig *rig = *state;

    ready(rig, "My film", 1);
    auth_says(rig, ERR_UNAVAILABLE, false);
    rig_advance(rig, 30000);
    auth_says(rig, 0, false);
    assert_int_equal(fake_count(FAKE_PUT, "fetcher.send_mail"), 1);
}

static void who_is_gone_or_disabled_gets_no_mail(void **state)
{
    struct rig *rig = *state;

    ready(rig, "One", 1);
    auth_says(rig, ERR_NOT_FOUND, false);
    ready(rig, "Two", 2);
    auth_says(rig, 0, true);
    assert_int_equal(fake_count(FAKE_PUT, NULL), 0);
    rig_restart(rig);
    assert_null(fake_next(FAKE_CALL, "auth.contact"));
}

static void titles_are_text_and_no_templates(void **state)
{
    struct rig *rig = *state;
    struct send_mail mail;

    ready(rig, "{link} {title}\nSubject: x", 1);
    auth_says(rig, 0, false);
    rig_read(rig, fake_next(FAKE_PUT, "fetcher.send_mail"), &send_mail_type, &mail);
    assert_string_equal(mail.subject, "{link} {title} Subject: x is ready");
    assert_string_equal(list(rig, 1, 1, NULL).items[0].title, "{link} {title} Subject: x is ready");
}

static void an_event_tells_once_whatever_call_of_the_store_fails(void **state)
{
    enum store_fault kinds[] = { STORE_FAULT_LOST, STORE_FAULT_COMMITTED };
    struct rig *rig = *state;
    unsigned struck_n = 0;
    uint64_t seq = 0;

    for (size_t k = 0; k < 2; k++) {
        for (unsigned n = 1;; n++) {
            struct video v = film("Film");
            struct video_ready event = { .video_id = v.id, .video = v };
            bool struck;

            seq++;
            rig_event(rig, &video_ready_event, &event, seq);
            store_fault_arm(n, kinds[k]);
            rig_run(rig);
            struck = store_fault_arm(1, kinds[k]);
            store_fault_disarm();
            rig_restart(rig);
            assert_non_null(rig_actor(rig));
            rig_event(rig, &video_ready_event, &event, seq); /* the broker delivers behind the cursor */
            rig_run(rig);
            assert_int_equal(list(rig, 1, 100, NULL).unread, seq);
            assert_int_equal(list(rig, 1, 100, NULL).items_n, seq);
            rig_confirm(rig);
            rig_advance(rig, 1000);
            assert_true(n < 90);
            if (!struck)
                break;
            struck_n++;
        }
    }
    assert_true(struck_n > 10);
}

/* The stream's events are gone, and the catalog is asked: the question. */
static const struct fake_sent *lose(struct rig *rig, const char *stream)
{
    rig_lost(rig, stream);
    return fake_next(FAKE_CALL, "catalog.scan");
}

static void what_was_lost_is_made_up_for_from_the_catalog_and_told_once(void **state)
{
    struct rig *rig = *state;
    struct video told = film("Told"), ready_one = film("Ready"), failed = film("Failed"),
                 trashed = film("Trashed");
    struct video *all[] = { &told, &ready_one, &failed, &trashed };
    struct scan_reply page = { .more = true };
    const struct fake_sent *asked;
    struct scan ask;

    for (size_t i = 0; i < 4; i++) {
        all[i]->id.b[14] = (uint8_t)(i + 1);
        all[i]->state = i == 2 ? VIDEO_STATE_FAILED : VIDEO_STATE_READY;
        all[i]->life = i == 3 ? LIFE_STATE_TRASHED : LIFE_STATE_LIVE;
    }
    rig_event(rig, &video_ready_event, &(struct video_ready) { .video_id = told.id, .video = told }, 1);
    rig_run(rig);
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 1);
    told.rev += 5; /* it was edited since */
    asked = lose(rig, "catalog");
    page.items = (struct video[]) { told, ready_one };
    page.items_n = 2;
    rig_answer(rig, asked, &scan_call, 0, &page);
    rig_run(rig);
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 2);
    rig_restart(rig);                                      /* in the midst of it: it goes on behind the page */
    assert_non_null(fake_next(FAKE_CALL, "catalog.scan")); /* of the process that died */
    asked = fake_next(FAKE_CALL, "catalog.scan");
    rig_read(rig, asked, &scan_type, &ask);
    assert_true(id_equal(ask.after, ready_one.id));
    rig_answer(rig, asked, &scan_call, ERR_UNAVAILABLE, NULL);
    rig_run(rig);
    rig_advance(rig, 5000);
    page = (struct scan_reply) { .items = (struct video[]) { failed, trashed }, .items_n = 2 };
    rig_answer(rig, fake_next(FAKE_CALL, "catalog.scan"), &scan_call, 0, &page);
    rig_run(rig);
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 3);
    /* The same, as events that were appended while it was read. */
    rig_event(rig, &video_failed_event, &(struct video_failed) { .video_id = failed.id, .video = failed }, 101);
    rig_event(rig, &video_ready_event, &(struct video_ready) { .video_id = ready_one.id, .video = ready_one },
              102);
    rig_run(rig);
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 3);
    failed.rev++; /* tried again, in vain */
    rig_event(rig, &video_failed_event, &(struct video_failed) { .video_id = failed.id, .video = failed }, 103);
    rig_run(rig);
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 4);
    rig_restart(rig);
    assert_null(fake_next(FAKE_CALL, "catalog.scan"));
    assert_null(lose(rig, "auth"));
}

static void who_begins_anew_tells_nothing_of_what_was(void **state)
{
    struct rig *rig = *state;
    struct video old = film("Old"), fresh;
    struct scan_reply page = { .items = &old, .items_n = 1 };

    old.state = VIDEO_STATE_READY;
    old.life = LIFE_STATE_LIVE;
    rig_answer(rig, lose(rig, "catalog"), &scan_call, 0, &page);
    rig_run(rig);
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 0);
    fresh = film("Fresh");
    fresh.id.b[14] = 9;
    fresh.state = VIDEO_STATE_READY;
    fresh.life = LIFE_STATE_LIVE;
    page.items = (struct video[]) { old, fresh };
    page.items_n = 2;
    rig_answer(rig, lose(rig, "catalog"), &scan_call, 0, &page);
    rig_run(rig);
    assert_string_equal(list(rig, 1, 10, NULL).items[0].title, "Fresh is ready");
    assert_int_equal(list(rig, 1, 10, NULL).items_n, 1);
}

int main(void)
{
#define T(name, how) cmocka_unit_test_setup_teardown(name, how, rig_close)
    const struct CMUnitTest tests[] = {
        T(what_was_lost_is_made_up_for_from_the_catalog_and_told_once, begin),
        T(who_begins_anew_tells_nothing_of_what_was, begin),
        T(an_owner_is_told_in_the_app, begin),
        T(what_is_read_stays_read, begin),
        T(pages_follow_one_another, begin),
        T(the_oldest_go_where_there_are_too_many, begin_with_few),
        T(a_new_account_is_welcomed_without_mail, begin),
        T(a_new_account_gets_the_link_that_verifies_it, begin_with_mail),
        T(links_begin_with_what_the_front_is_told, begin_with_mail),
        T(an_owner_is_mailed_at_the_address_that_auth_tells, begin_with_mail),
        T(a_mail_is_not_lost_between_question_and_answer, begin_with_mail),
        T(a_mail_waits_for_room_on_the_disk, begin_with_mail),
        T(a_start_on_a_full_disk_starts_the_clock_in_the_end, begin_on_a_full_disk),
        T(who_is_gone_or_disabled_gets_no_mail, begin_with_mail),
        T(titles_are_text_and_no_templates, begin_with_mail),
        T(an_event_tells_once_whatever_call_of_the_store_fails, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

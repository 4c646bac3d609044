/* rights_test - who may watch what, rule by rule; what they are told; and what becomes of URLs when a window closes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/playback/playback.h"
#include "tests/actor/playback/viewer.h"

#define HOUR_MS (3600 * INT64_C(1000))
#define DAY_MS  (24 * HOUR_MS)

static char countries_path[] = "/tmp/rights-test-XXXXXX";

/* 0.0.0.0/2 is in DE, 64.0.0.0/2 in FR, the rest is not in it: two nodes of 24 bits, two records, and what describes them (MaxMind DB
 * File Format Specification 2.0). */
static int countries_write(void **state)
{
    static const unsigned char file[] = "\0\0\1"   /* node 0: 0 goes to node 1, */
                                        "\0\0\2"   /* and 1 nowhere */
                                        "\0\0\x12" /* node 1: 0 is the record at 0 (2 nodes and 16), */
                                        "\0\0\x28" /* and 1 the one at 22 */
                                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                        "\xe1\x47"
                                        "country"
                                        "\xe1\x48"
                                        "iso_code"
                                        "\x42"
                                        "DE"
                                        "\xe1\x47"
                                        "country"
                                        "\xe1\x48"
                                        "iso_code"
                                        "\x42"
                                        "FR"
                                        "\xab\xcd\xef"
                                        "MaxMind.com"
                                        "\xe9"
                                        "\x4a"
                                        "node_count"
                                        "\xc1\2"
                                        "\x4b"
                                        "record_size"
                                        "\xa1\x18"
                                        "\x4a"
                                        "ip_version"
                                        "\xa1\4"
                                        "\x4d"
                                        "database_type"
                                        "\x44"
                                        "Test"
                                        "\x49"
                                        "languages"
                                        "\0\4"
                                        "\x5b"
                                        "binary_format_major_version"
                                        "\xa1\2"
                                        "\x5b"
                                        "binary_format_minor_version"
                                        "\xa0"
                                        "\x4b"
                                        "build_epoch"
                                        "\1\2\1"
                                        "\x4b"
                                        "description"
                                        "\xe0";
    int fd = mkstemp(countries_path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, sizeof(file) - 1), sizeof(file) - 1);
    return close(fd);
}

static int countries_delete(void **state)
{
    return unlink(countries_path);
}

static int begin(void **state)
{
    static char set[128];
    static const char *sets[] = { set, "playback.streams_max=2", NULL };

    snprintf(set, sizeof(set), "playback.country_database=%s", countries_path);
    return rig_open(state, &playback_actor, sets);
}

/* Who they are: */
enum { NOBODY = 0, OWNER = 1, VIEWER = 2, MODERATOR = 3 };

struct entitled {
    const char *what;
    enum visibility visibility; /* 0: public */
    int64_t from, until;        /* from now, in hours; 0: none */
    enum region_rule rule;
    const char *countries; /* "DE" */
    unsigned age;
    int who;
    const char *birthday; /* NULL: auth is not asked */
    const char *address;
    int want;       /* 0, or the error */
    const char *by; /* rules that refuse, or that others would meet */
};

static const struct entitled cases[] = {
    { "what is open is for anybody", .who = NOBODY },
    { "an owner is told that others do not see it", VISIBILITY_PRIVATE, .who = OWNER, .by = "visibility" },
    { "so is a moderator", VISIBILITY_PRIVATE, .who = MODERATOR, .by = "visibility" },
    { "before its window", .from = 2, .who = VIEWER, .want = ERR_FORBIDDEN, .by = "window" },
    { "in it", .from = -2, .until = 2, .who = NOBODY },
    { "after it", .from = -3, .until = -2, .who = NOBODY, .want = ERR_FORBIDDEN, .by = "window" },
    { "its owner may at any time", .until = -2, .who = OWNER, .by = "window" },
    { "in the right country", .rule = REGION_RULE_ONLY, .countries = "DE", .address = "10.1.2.3" },
    { "in a wrong one", .rule = REGION_RULE_ONLY, .countries = "DE", .address = "80.1.2.3", .want = ERR_FORBIDDEN,
      .by = "region" },
    { "everywhere but there", .rule = REGION_RULE_EXCEPT, .countries = "DE", .address = "80.1.2.3" },
    { "there", .rule = REGION_RULE_EXCEPT, .countries = "DE", .address = "::ffff:10.1.2.3", .want = ERR_FORBIDDEN,
      .by = "region" },
    { "nobody knows where", .rule = REGION_RULE_EXCEPT, .countries = "DE", .address = "200.1.2.3",
      .want = ERR_FORBIDDEN, .by = "region" },
    { "no address at all", .rule = REGION_RULE_ONLY, .countries = "DE", .want = ERR_FORBIDDEN, .by = "region" },
    { "an address that is none", .rule = REGION_RULE_ONLY, .countries = "DE", .address = "here",
      .want = ERR_FORBIDDEN, .by = "region" },
    { "IPv6, which the database lacks", .rule = REGION_RULE_ONLY, .countries = "DE", .address = "2001:db8::1",
      .want = ERR_FORBIDDEN, .by = "region" },
    { "its owner anywhere", .rule = REGION_RULE_ONLY, .countries = "DE", .address = "80.1.2.3", .who = OWNER,
      .by = "region" },
    { "an age of nobody", .age = 16, .who = NOBODY, .want = ERR_UNAUTHENTICATED, .by = "age" },
    { "an age that was not told", .age = 16, .who = VIEWER, .birthday = "", .want = ERR_FORBIDDEN, .by = "age" },
    { "sixteen tomorrow", .age = 16, .who = VIEWER, .birthday = "2010-11-22", .want = ERR_FORBIDDEN, .by = "age" },
    { "sixteen today", .age = 16, .who = VIEWER, .birthday = "2010-11-21" },
    { "long before 1970", .age = 16, .who = VIEWER, .birthday = "1931-01-02" },
    { "its owner at any age", .age = 16, .who = OWNER, .by = "age" },
    { "all at once, in their order", .until = -1, .rule = REGION_RULE_ONLY, .countries = "DE", .age = 18,
      .who = NOBODY, .want = ERR_FORBIDDEN, .by = "window region age" },
    { "and to its owner", VISIBILITY_PRIVATE, 1, 0, REGION_RULE_ONLY, "DE", 18, OWNER,
      .by = "visibility window region age" },
};

static struct playable film_of(struct rig *rig, const struct entitled *c)
{
    static const char *countries[1];
    struct playable film = viewer_film(1);
    struct video *v = &film.video;

    v->visibility = c->visibility ? c->visibility : VISIBILITY_PUBLIC;
    v->has_window = c->from || c->until;
    v->window = (struct watch_window) { .has_from = c->from != 0,
                                        .from = rig_now(rig) + c->from * HOUR_MS,
                                        .has_until = c->until != 0,
                                        .until = rig_now(rig) + c->until * HOUR_MS };
    countries[0] = c->countries;
    v->has_regions = c->countries != NULL;
    v->regions = (struct watch_regions) { .rule = c->rule,
                                          .countries = countries,
                                          .countries_n = c->countries != NULL };
    v->minimum_age = c->age;
    return film;
}

static struct rig_ask asker(struct rig *rig, int who)
{
    static const enum role roles[] = {
        [OWNER] = ROLE_CREATOR, [VIEWER] = ROLE_VIEWER, [MODERATOR] = ROLE_MODERATOR
    };

    return who == NOBODY ? viewer_nobody : rig_person(rig, (unsigned)who, roles[who]);
}

/* As auth and the catalog answer for it. */
static uint64_t ask(struct rig *rig, const struct playable *film, int who, const char *birthday,
                    const char *address, struct id play)
{
    struct start_playback body = { .id = film->video.id, .address = address, .session_id = play };
    uint64_t cid = rig_call(rig, &start_playback_call, &body, asker(rig, who));
    const struct fake_sent *asked;

    rig_run(rig);
    viewer_catalog(rig, 0, film);
    asked = fake_next(FAKE_CALL, "auth.get_me");
    assert_int_equal(asked != NULL, birthday != NULL);
    if (asked) {
        rig_answer(rig, asked, &get_me_call, 0,
                   &(struct user) { .id = rig_user((unsigned)who), .birthday = birthday });
        rig_run(rig);
        viewer_catalog(rig, 0, film);
    }
    return cid;
}

static const char *named(const struct refusal *refusals, size_t n, char to[static 100])
{
    to[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        assert_true(strlen(refusals[i].sentence) > 10);
        snprintf(to + strlen(to), 100 - strlen(to), "%s%s", i ? " " : "", refusals[i].rule);
    }
    return to;
}

static void each_rule_decides_and_says_why(void **state)
{
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct entitled *c = &cases[i];
        struct playable film = film_of(rig, c);
        uint64_t cid = ask(rig, &film, c->who, c->birthday, c->address, (struct id) { 0 });
        struct playing reply = { 0 };
        char names[100];
        int r = rig_reply(rig, cid, &start_playback_call, &reply);

        if (r != c->want)
            fail_msg("%s: answered %d, not %d", c->what, r, c->want);
        if (r == 0) {
            assert_string_equal(named(reply.others_meet, reply.others_meet_n, names), c->by ? c->by : "");
        } else {
            struct problem problem = rig_problem(rig, cid);

            assert_string_equal(named(problem.refusals, problem.refusals_n, names), c->by);
            assert_string_equal(problem.detail, problem.refusals[0].sentence);
        }
        rig_advance(rig, 2 * 60 * 1000); /* no playback of before is on */
    }
}

static void set_to(struct rig *rig, const char *name, const char *text)
{
    static const struct value_def settings = { .name = "settings.playback", .type = &setting_text_type };

    rig_value(rig, &settings, name, &(struct setting_text) { .text = text });
    rig_run(rig);
}

static int watched_by(struct rig *rig, int who, const char *address)
{
    static const char *germany[] = { "DE" };
    struct playable film = viewer_film(1);
    uint64_t cid;

    film.video.has_regions = address != NULL;
    film.video.regions = (struct watch_regions) { .rule = REGION_RULE_ONLY,
                                                  .countries = germany,
                                                  .countries_n = 1 };
    cid = ask(rig, &film, who, NULL, address, (struct id) { 0 });
    rig_advance(rig, 2 * 60 * 1000);
    return rig_reply(rig, cid, &start_playback_call, NULL);
}

static void a_platform_may_be_for_accounts_or_for_some_of_them_alone(void **state)
{
    struct rig *rig = *state;
    struct playable film = viewer_film(1);
    struct problem problem;

    set_to(rig, "audience", "viewer");
    assert_int_equal(watched_by(rig, NOBODY, NULL), ERR_UNAUTHENTICATED);
    assert_int_equal(watched_by(rig, VIEWER, NULL), 0);
    set_to(rig, "audience", "creator");
    assert_int_equal(watched_by(rig, VIEWER, NULL), ERR_FORBIDDEN);
    assert_int_equal(watched_by(rig, OWNER, NULL), 0);
    assert_int_equal(watched_by(rig, MODERATOR, NULL), 0);
    problem = rig_problem(rig, ask(rig, &film, VIEWER, NULL, NULL, (struct id) { 0 }));
    assert_string_equal(problem.refusals[0].rule, "role");
    assert_string_equal(problem.detail, "Only accounts of the role creator and above may watch here.");
}

static void a_database_may_be_absent_come_later_and_be_replaced(void **state)
{
    static char other[sizeof(countries_path) + 4];
    struct rig *rig = *state;

    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), 0);
    snprintf(other, sizeof(other), "%s.two", countries_path);
    set_to(rig, "country_database", other);
    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), ERR_FORBIDDEN);
    set_to(rig, "unknown_country", "allowed");
    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), 0);
    set_to(rig, "unknown_country", "refused");
    assert_int_equal(link(countries_path, other), 0);
    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), 0);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), 0); /* what was open stays */
    assert_int_equal(symlink("/dev/null", other), 0);
    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), 0); /* what is none does not take its place */
    assert_int_equal(unlink(other), 0);
    set_to(rig, "country_database", "");
    assert_int_equal(watched_by(rig, NOBODY, "10.0.0.1"), ERR_FORBIDDEN);
}

static void a_refusal_says_from_when_and_until_when(void **state)
{
    struct rig *rig = *state;
    struct playable soon = film_of(rig, &(struct entitled) { .from = 2 });
    struct playable late = film_of(rig, &(struct entitled) { .until = -2 });
    struct problem problem;

    problem = rig_problem(rig, ask(rig, &soon, NOBODY, NULL, NULL, (struct id) { 0 }));
    assert_true(problem.refusals[0].has_from && !problem.refusals[0].has_until);
    assert_int_equal(problem.refusals[0].from, rig_now(rig) + 2 * HOUR_MS);
    assert_string_equal(problem.detail, "It can be watched from 21 November 2026, 07:10 UTC on.");
    problem = rig_problem(rig, ask(rig, &late, NOBODY, NULL, NULL, (struct id) { 0 }));
    assert_true(!problem.refusals[0].has_from && problem.refusals[0].has_until);
    assert_string_equal(problem.detail, "It could be watched until 21 November 2026, 03:10 UTC.");
}

static void an_account_has_so_many_playbacks_and_one_that_goes_on_is_none_more(void **state)
{
    struct rig *rig = *state;
    struct playable film = viewer_film(1);
    struct playing first = viewer_started(rig, &film, asker(rig, VIEWER)), again;
    uint64_t cid;

    viewer_started(rig, &film, asker(rig, VIEWER));
    cid = ask(rig, &film, VIEWER, NULL, NULL, (struct id) { 0 });
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, NULL), ERR_QUOTA_EXCEEDED);
    assert_string_equal(rig_problem(rig, cid).refusals[0].rule, "streams");
    cid = ask(rig, &film, VIEWER, NULL, NULL, first.session_id);
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, &again), 0);
    assert_true(id_equal(again.session_id, first.session_id));
    film.video.window = (struct watch_window) { .has_until = true, .until = rig_now(rig) - 1 };
    film.video.has_window = true;
    cid = ask(rig, &film, VIEWER, NULL, NULL, first.session_id); /* but all rules are asked of it again */
    assert_int_equal(rig_reply(rig, cid, &start_playback_call, NULL), ERR_FORBIDDEN);
}

static void no_url_outlives_the_window_but_its_owners(void **state)
{
    struct rig *rig = *state;
    struct playable film = film_of(rig, &(struct entitled) { .from = -1, .until = 2 });
    struct playing playing = viewer_started(rig, &film, viewer_nobody);

    assert_int_equal(playing.expires_at, film.video.window.until / 1000 * 1000);
    assert_non_null(strstr(playing.hls_url, ".open."));
    assert_non_null(strstr(playing.poster_url, ".openimg."));
    film.video.window.until = rig_now(rig) - 1;
    playing = viewer_started(rig, &film, asker(rig, OWNER));
    assert_non_null(strstr(playing.hls_url, ".owner."));
    assert_true(playing.expires_at > rig_now(rig) + HOUR_MS);
}

/* What the front was told last; 0: nothing since. */
static enum media_refused told(struct rig *rig)
{
    struct media_denied value = { .refused = 0 };
    const struct fake_sent *sent;

    while ((sent = fake_next(FAKE_SET, "playback.media_denied")))
        rig_read(rig, sent, &media_denied_type, &value);
    return value.refused;
}

static void changed(struct rig *rig, struct playable *film, uint64_t seq)
{
    film->video.rev = 10 + seq;
    rig_event(rig, &video_changed_event,
              &(struct video_changed) { .video_id = film->video.id, .video = film->video }, seq);
    rig_run(rig);
}

static void urls_are_taken_back_when_a_window_closes_and_given_again_when_it_opens(void **state)
{
    struct rig *rig = *state;
    struct playable film = viewer_film(1);

    changed(rig, &film, 1);
    assert_int_equal(told(rig), 0);
    film = film_of(rig, &(struct entitled) { .from = 1, .until = 3 });
    changed(rig, &film, 2);
    assert_int_equal(told(rig), MEDIA_REFUSED_CLOSED);
    assert_int_equal(viewer_rows(rig, &play_window_table), 1);
    rig_advance(rig, HOUR_MS - 1000);
    assert_int_equal(told(rig), 0);
    rig_advance(rig, 1000);
    assert_int_equal(told(rig), MEDIA_REFUSED_NONE);
    film.video.window.until = rig_now(rig) + 10000; /* its owner thinks better of it */
    changed(rig, &film, 3);
    assert_int_equal(told(rig), MEDIA_REFUSED_NONE);
    rig_restart(rig);
    rig_advance(rig, 9000);
    assert_int_not_equal(told(rig), MEDIA_REFUSED_CLOSED);
    rig_advance(rig, 1000);
    assert_int_equal(told(rig), MEDIA_REFUSED_CLOSED);
    assert_int_equal(viewer_rows(rig, &play_window_table), 0);
    film.video.has_window = false;
    changed(rig, &film, 4);
    assert_int_equal(told(rig), MEDIA_REFUSED_NONE);
}

static void urls_of_when_everybody_might_watch_are_taken_back_when_some_may(void **state)
{
    struct rig *rig = *state;
    struct playable film = viewer_film(1);
    struct playing playing;

    assert_non_null(strstr(viewer_started(rig, &film, viewer_nobody).hls_url, ".open."));
    film = film_of(rig, &(struct entitled) { .rule = REGION_RULE_EXCEPT, .countries = "DE", .until = 1 });
    changed(rig, &film, 1);
    assert_int_equal(told(rig), MEDIA_REFUSED_LIMITED);
    assert_int_equal(rig_reply(rig, ask(rig, &film, NOBODY, NULL, "80.1.2.3", (struct id) { 0 }),
                               &start_playback_call, &playing),
                     0);
    assert_non_null(strstr(playing.hls_url, ".some."));
    assert_non_null(strstr(playing.poster_url, ".openimg."));
    rig_advance(rig, HOUR_MS);
    assert_int_equal(told(rig), MEDIA_REFUSED_CLOSED);
    film.video.has_window = false;
    changed(rig, &film, 2);
    assert_int_equal(told(rig), MEDIA_REFUSED_LIMITED);
    film.video.has_regions = false;
    changed(rig, &film, 3);
    assert_int_equal(told(rig), MEDIA_REFUSED_NONE);
    film.video.minimum_age = 12;
    changed(rig, &film, 4);
    assert_int_equal(told(rig), MEDIA_REFUSED_LIMITED);
}

static void a_window_of_a_video_that_is_private_or_gone_is_no_news(void **state)
{
    struct rig *rig = *state;
    struct playable film = film_of(rig, &(struct entitled) { .until = 1 });

    changed(rig, &film, 1);
    film.video.visibility = VISIBILITY_PRIVATE;
    changed(rig, &film, 2);
    assert_int_equal(told(rig), MEDIA_REFUSED_OPEN);
    assert_int_equal(viewer_rows(rig, &play_window_table), 0);
    film.video.visibility = VISIBILITY_PUBLIC;
    changed(rig, &film, 3);
    assert_int_equal(told(rig), MEDIA_REFUSED_NONE);
    rig_event(rig, &video_deleted_event, &(struct video_deleted) { .video_id = film.video.id, .rev = 20 }, 4);
    rig_run(rig);
    assert_int_equal(told(rig), MEDIA_REFUSED_ALL);
    rig_advance(rig, HOUR_MS / 2);
    rig_advance(rig, HOUR_MS / 2 + 1000);
    assert_int_equal(told(rig), MEDIA_REFUSED_ALL);
}

/* However often the store fails: the window closes once the process is there again. */
static void a_window_closes_whatever_the_store_does(void **state)
{
    enum store_fault kinds[] = { STORE_FAULT_LOST, STORE_FAULT_COMMITTED };
    struct rig *rig = *state;
    unsigned struck_n = 0, seq = 0;

    for (size_t k = 0; k < 2; k++) {
        for (unsigned n = 1;; n++) {
            struct playable film = viewer_film(1);
            bool struck;

            film.video.has_window = true;
            film.video.window = (struct watch_window) { .has_until = true, .until = rig_now(rig) + 5000 };
            changed(rig, &film, ++seq);
            store_fault_arm(n, kinds[k]);
            rig_advance(rig, 5000);
            struck = store_fault_arm(1, kinds[k]);
            store_fault_disarm();
            rig_restart(rig);
            rig_advance(rig, 1000);
            assert_int_equal(viewer_rows(rig, &play_window_table), 0);
            assert_int_equal(told(rig), MEDIA_REFUSED_CLOSED);
            assert_true(n < 30);
            if (!struck)
                break;
            struck_n++;
        }
    }
    assert_true(struck_n > 1);
}

/* And when the turn that saw it is undone, and its timer with it: the event comes again. */
static void a_window_closes_though_the_turn_that_saw_it_was_undone(void **state)
{
    struct rig *rig = *state;
    unsigned struck_n = 0;

    for (unsigned n = 1;; n++) {
        struct playable film = viewer_film(1);
        bool struck;

        film.video.has_window = true;
        film.video.window = (struct watch_window) { .has_until = true, .until = rig_now(rig) + 5000 };
        store_fault_arm(n, STORE_FAULT_LOST);
        changed(rig, &film, n);
        struck = store_fault_arm(1, STORE_FAULT_LOST);
        store_fault_disarm();
        if (!rig_actor(rig))
            rig_restart(rig);
        if (struck)
            changed(rig, &film, n);
        for (unsigned s = 0; s < 70; s++)
            rig_advance(rig, 1000);
        assert_int_equal(told(rig), MEDIA_REFUSED_CLOSED);
        assert_int_equal(viewer_rows(rig, &play_window_table), 0);
        assert_true(n < 60);
        if (!struck)
            break;
        struck_n++;
    }
    assert_true(struck_n > 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(each_rule_decides_and_says_why),
        T(a_platform_may_be_for_accounts_or_for_some_of_them_alone),
        T(a_database_may_be_absent_come_later_and_be_replaced),
        T(a_refusal_says_from_when_and_until_when),
        T(an_account_has_so_many_playbacks_and_one_that_goes_on_is_none_more),
        T(no_url_outlives_the_window_but_its_owners),
        T(urls_are_taken_back_when_a_window_closes_and_given_again_when_it_opens),
        T(urls_of_when_everybody_might_watch_are_taken_back_when_some_may),
        T(a_window_of_a_video_that_is_private_or_gone_is_no_news),
        T(a_window_closes_whatever_the_store_does),
        T(a_window_closes_though_the_turn_that_saw_it_was_undone),
    };

    return cmocka_run_group_tests(tests, countries_write, countries_delete);
}

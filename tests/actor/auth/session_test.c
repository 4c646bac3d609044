/* auth on a fake bus: logins as they are held, seen and ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "gen/errors.h"
#include "tests/actor/auth/people.h"

static void a_browser_gets_a_cookie_and_no_token(void **state)
{
    struct rig *rig = *state;
    struct login_result web, token;
    struct user user;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, true, &web), 0);
    assert_non_null(web.session);
    assert_null(web.access_token);
    assert_null(web.refresh_token);
    assert_int_equal(people_exchange(rig, web.session, &token), 0);
    assert_int_equal(people_me(rig, token.access_token, &user), 0);

    assert_int_equal(people_ask(rig, &logout_call, &(struct logout) { 0 }, token.access_token, NULL), 0);
    assert_int_equal(people_me(rig, token.access_token, &user),
                     ERR_UNAUTHENTICATED); /* at once, not when it runs out */
    assert_int_equal(people_exchange(rig, web.session, &token), ERR_UNAUTHENTICATED);
}

static void a_session_ends_when_it_is_not_used_and_at_last_anyway(void **state)
{
    const int64_t day = INT64_C(24) * 3600 * 1000;
    struct rig *rig = *state;
    struct login_result web, token;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, true, &web), 0);
    for (int i = 0; i < 8; i++) {
        rig_advance(rig, 11 * day); /* 14 idle days are allowed, 90 in all */
        assert_int_equal(people_exchange(rig, web.session, &token), 0);
    }
    rig_advance(rig, 3 * day);
    assert_int_equal(people_exchange(rig, web.session, &token), ERR_UNAUTHENTICATED);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, true, &web), 0);
    rig_advance(rig, 15 * day);
    assert_int_equal(people_exchange(rig, web.session, &token), ERR_UNAUTHENTICATED);
}

static void a_refresh_whose_answer_was_lost_is_answered_again(void **state)
{
    struct rig *rig = *state;
    struct login_result first, second, again, third;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &first), 0);
    assert_int_equal(people_refresh(rig, first.refresh_token, &second), 0);
    assert_string_not_equal(first.refresh_token, second.refresh_token);
    rig_advance(rig, 9000);
    assert_int_equal(people_refresh(rig, first.refresh_token, &again), 0);
    assert_string_equal(again.refresh_token, second.refresh_token);
    assert_int_equal(people_refresh(rig, second.refresh_token, &third), 0);
}

static void a_refresh_token_used_twice_ends_its_session(void **state)
{
    struct rig *rig = *state;
    struct login_result first, second, other;
    struct refresh_reused event;
    struct user user;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &other),
                     0); /* another session of the same person */
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &first), 0);
    assert_int_equal(people_refresh(rig, first.refresh_token, &second), 0);
    rig_advance(rig, 11000);
    assert_int_equal(people_refresh(rig, first.refresh_token, &second), ERR_UNAUTHENTICATED);
    assert_int_equal(people_refresh(rig, second.refresh_token, &second), ERR_UNAUTHENTICATED);
    assert_int_equal(people_me(rig, second.access_token, &user), ERR_UNAUTHENTICATED);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.refresh_reused"), &refresh_reused_type, &event);
    assert_int_equal(people_me(rig, other.access_token, &user), 0);
    assert_int_equal(people_refresh(rig, other.refresh_token, &other), 0);
}

static void a_new_password_ends_what_the_old_one_began_but_the_session_that_asked(void **state)
{
    struct rig *rig = *state;
    struct login_result mine, other, web, token, changed;
    struct user user;
    struct change_password change = { .old_password = "not it at all", .password = "another fine password" };

    assert_int_equal(people_register(rig, "a@b.c", &user), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &mine), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &other), 0);
    assert_int_equal(people_ask(rig, &change_password_call, &change, mine.access_token, NULL), ERR_FORBIDDEN);
    change.old_password = PASSWORD;
    assert_int_equal(people_ask(rig, &change_password_call, &change, mine.access_token, &changed), 0);
    assert_int_equal(people_me(rig, mine.access_token, &user), ERR_UNAUTHENTICATED);
    assert_int_equal(people_me(rig, changed.access_token, &user), 0);
    assert_int_equal(people_refresh(rig, mine.refresh_token, &mine), 0);
    assert_int_equal(people_refresh(rig, other.refresh_token, &other), ERR_UNAUTHENTICATED);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &other), ERR_UNAUTHENTICATED);

    assert_int_equal(people_login(rig, "a@b.c", "another fine password", true, &web), 0);
    assert_int_equal(people_exchange(rig, web.session, &token), 0);
    change = (struct change_password) { .old_password = "another fine password",
                                        .password = "a third one, longer" };
    assert_int_equal(people_ask(rig, &change_password_call, &change, token.access_token, &changed), 0);
    assert_null(changed.access_token);
    assert_int_equal(people_exchange(rig, web.session, &token),
                     ERR_UNAUTHENTICATED); /* a browser gets a new cookie */
    assert_int_equal(people_exchange(rig, changed.session, &token), 0);
}

static void a_refresh_token_that_was_made_up_ends_nothing(void **state)
{
    struct rig *rig = *state;
    struct login_result first, second;
    char forged[201];

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &first), 0);
    snprintf(forged, sizeof(forged), "%s", first.refresh_token); /* the right id, another secret */
    for (size_t i = 30; i < 80; i += 7) {
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        assert_int_equal(people_refresh(rig, forged, &second), ERR_UNAUTHENTICATED);
    }
    assert_null(fake_next(FAKE_APPEND, "auth.refresh_reused"));
    assert_int_equal(people_refresh(rig, first.refresh_token, &second), 0);
}

static void a_refresh_token_of_long_ago_ends_its_session_too(void **state)
{
    struct rig *rig = *state;
    struct login_result first, last;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &first), 0);
    assert_int_equal(people_refresh(rig, first.refresh_token, &last), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(people_refresh(rig, last.refresh_token, &last), 0);
    assert_int_equal(people_refresh(rig, first.refresh_token, &first), ERR_UNAUTHENTICATED);
    assert_non_null(fake_next(FAKE_APPEND, "auth.refresh_reused"));
    assert_int_equal(people_refresh(rig, last.refresh_token, &last), ERR_UNAUTHENTICATED);
}

static struct list_sessions_reply sessions(struct rig *rig, const char *token, uint64_t limit, const char *cursor)
{
    struct list_sessions_reply reply;

    assert_int_equal(people_ask(rig, &list_sessions_call,
                                &(struct list_sessions) { .limit = limit, .cursor = cursor }, token, &reply),
                     0);
    return reply;
}

static void somebody_sees_where_he_is_logged_in_and_ends_it(void **state)
{
    struct rig *rig = *state;
    struct login_result one, two, other;
    struct list_sessions_reply seen;
    struct user user;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_register(rig, "o@b.c", NULL), 0);
    assert_int_equal(
        people_ask(
            rig, &login_call,
            &(struct login) { .email = "a@b.c", .password = PASSWORD, .client = "phone", .address = "192.0.2.4" },
            NULL, &one),
        0);
    rig_advance(rig, 1000);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &two), 0);
    assert_int_equal(people_login(rig, "o@b.c", PASSWORD, false, &other), 0);
    seen = sessions(rig, two.access_token, 1, NULL);
    assert_int_equal(seen.items_n, 1);
    assert_true(seen.items[0].current);
    assert_non_null(seen.next);
    seen = sessions(rig, two.access_token, 1, seen.next);
    assert_int_equal(seen.items_n, 1);
    assert_null(seen.next);
    assert_false(seen.items[0].current);
    assert_string_equal(seen.items[0].client, "phone");
    assert_string_equal(seen.items[0].from, "192.0.2.4");
    assert_int_equal(people_ask(rig, &end_session_call, &(struct end_session) { .id = seen.items[0].id },
                                other.access_token, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(people_me(rig, one.access_token, &user), 0);
    assert_int_equal(people_ask(rig, &end_session_call, &(struct end_session) { .id = seen.items[0].id },
                                two.access_token, NULL),
                     0);
    assert_int_equal(people_me(rig, one.access_token, &user), ERR_UNAUTHENTICATED);
    assert_int_equal(people_refresh(rig, one.refresh_token, &one), ERR_UNAUTHENTICATED);
    assert_int_equal(sessions(rig, two.access_token, 10, NULL).items_n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, people_begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(a_browser_gets_a_cookie_and_no_token),
        T(a_session_ends_when_it_is_not_used_and_at_last_anyway),
        T(a_refresh_whose_answer_was_lost_is_answered_again),
        T(a_refresh_token_used_twice_ends_its_session),
        T(a_new_password_ends_what_the_old_one_began_but_the_session_that_asked),
        T(a_refresh_token_that_was_made_up_ends_nothing),
        T(a_refresh_token_of_long_ago_ends_its_session_too),
        T(somebody_sees_where_he_is_logged_in_and_ends_it),
    };

    return cmocka_run_group_tests(tests, people_open, people_close);
}

/* auth on a fake bus: accounts, their addresses and roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "tests/actor/auth/people.h"

static void the_first_start_makes_one_administrator(void **state)
{
    struct rig *rig = *state;
    struct login_result result;

    assert_int_equal(people_login(rig, "admin@localhost", ADMIN, false, &result), 0);
    assert_int_equal(result.user.role, ROLE_ADMIN);
    rig_restart(rig);
    people_relay_keys(rig);
    assert_int_equal(people_login(rig, "admin@localhost", ADMIN, false, &result), 0);
    assert_int_equal(people_me(rig, result.access_token, &result.user),
                     0); /* the same key as before the restart */
}

static void who_registers_can_log_in_and_is_known(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    struct user user, seen;
    struct user_created event;

    assert_int_equal(people_register(rig, "Ann@Example.org", &user), 0);
    assert_int_equal(user.role, ROLE_CREATOR);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &event);
    assert_true(id_equal(event.user_id, user.id));
    assert_null(event.verify_token);

    assert_int_equal(people_login(rig, "ann@example.ORG", PASSWORD, false, &result), 0);
    assert_non_null(result.refresh_token);
    assert_null(result.session);
    assert_int_equal(result.expires_at, rig_now(rig) + 600000);
    assert_int_equal(people_me(rig, result.access_token, &seen), 0);
    assert_true(id_equal(seen.id, user.id));
    assert_string_equal(seen.email, "Ann@Example.org");
    rig_advance(rig, 700000);
    assert_int_equal(people_me(rig, result.access_token, &seen), ERR_UNAUTHENTICATED);
}

static void an_address_has_one_account_however_it_is_written(void **state)
{
    struct rig *rig = *state;
    struct register_user twice = { .email = "a@b.c", .password = PASSWORD };
    uint64_t first, second;

    first = rig_call(rig, &register_user_call, &twice, (struct rig_ask) { 0 });
    second = rig_call(rig, &register_user_call, &(struct register_user) { .email = "A@B.C", .password = PASSWORD },
                      (struct rig_ask) { 0 });
    rig_run(rig); /* both were hashed before either was kept */
    assert_int_equal(rig_reply(rig, first, &register_user_call, NULL), 0);
    assert_int_equal(rig_reply(rig, second, &register_user_call, NULL), ERR_CONFLICT);
    assert_int_equal(people_register(rig, "a@b.C", NULL), ERR_CONFLICT);
}

static void what_cannot_be_an_address_or_a_password_is_refused_with_its_field(void **state)
{
    static const char *const wrong[] = { "nobody",  "@b.c",    "aa@",    "a@b@c",
                                         "a b@c.d", "a@b.c\n", "-a@b.c", "a<b@c.d" };
    struct rig *rig = *state;
    struct register_user guessed = { .email = "a@b.c", .password = "Password123" };
    uint64_t cid;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(people_register(rig, wrong[i], NULL), ERR_INVALID);
    cid = rig_call(rig, &register_user_call, &guessed, (struct rig_ask) { 0 });
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &register_user_call, NULL), ERR_INVALID);
    assert_string_equal(rig_problem(rig, cid).errors[0].field, "password");
}

static const char *const mailing = "kinobus@example.org";

/* The platform sends mail from now on. */
static void set_up_mail(struct rig *rig)
{
    static const struct value_def settings = { .name = "settings.notify", .type = &setting_text_type };

    rig_value(rig, &settings, "mail_from", &(struct setting_text) { .text = mailing });
    rig_run(rig);
}

static int ask_reset(struct rig *rig, const char *email)
{
    return people_ask(rig, &ask_reset_call, &(struct ask_reset) { .email = email }, NULL, NULL);
}

static int reset(struct rig *rig, const char *token, const char *password)
{
    return people_ask(rig, &reset_password_call, &(struct reset_password) { .token = token, .password = password },
                      NULL, NULL);
}

static void a_forgotten_password_is_set_anew_by_mail(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    struct link_asked link;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(ask_reset(rig, "a@b.c"), ERR_UNSUPPORTED); /* and says so */
    set_up_mail(rig);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), 0);
    assert_int_equal(ask_reset(rig, "A@b.c"), 0);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.link_asked"), &link_asked_type, &link);
    assert_int_equal(link.purpose, LINK_PURPOSE_RESET);
    assert_string_equal(link.email, "a@b.c");
    assert_int_equal(reset(rig, link.token, "12345678"), ERR_INVALID);
    assert_int_equal(reset(rig, link.token, "a password of today"), 0);
    assert_int_equal(reset(rig, link.token, "a password of today"), ERR_NOT_FOUND); /* good once */
    assert_int_equal(people_refresh(rig, result.refresh_token, &result), ERR_UNAUTHENTICATED);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), ERR_UNAUTHENTICATED);
    assert_int_equal(people_login(rig, "a@b.c", "a password of today", false, &result), 0);

    assert_int_equal(ask_reset(rig, "a@b.c"), 0);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.link_asked"), &link_asked_type, &link);
    rig_advance(rig, 21 * 60 * 1000);
    assert_int_equal(reset(rig, link.token, "a password of today"), ERR_GONE);
}

static void who_asks_for_a_reset_learns_nothing_and_floods_nobody(void **state)
{
    struct rig *rig = *state;

    set_up_mail(rig);
    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(ask_reset(rig, "a@b.c"), 0);
        assert_int_equal(ask_reset(rig, "nobody@b.c"), 0);
    }
    assert_int_equal(fake_count(FAKE_APPEND, "auth.link_asked"), 3);
}

static void the_link_that_proves_an_address_can_be_asked_for_again(void **state)
{
    static const struct value_def settings = { .name = "settings.auth", .type = &setting_text_type };
    struct rig *rig = *state;
    struct login_result result;
    struct user_created first;
    struct link_asked again;
    struct user user;

    set_up_mail(rig);
    rig_value(rig, &settings, "verify_mail", &(struct setting_text) { .text = "true" });
    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &first);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), 0);
    assert_int_equal(
        people_ask(rig, &ask_verification_call, &(struct ask_verification) { 0 }, result.access_token, NULL), 0);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.link_asked"), &link_asked_type, &again);
    assert_int_equal(again.purpose, LINK_PURPOSE_VERIFY);
    assert_int_equal(
        people_ask(rig, &verify_email_call, &(struct verify_email) { .token = first.verify_token }, NULL, NULL),
        ERR_NOT_FOUND);
    assert_int_equal(
        people_ask(rig, &verify_email_call, &(struct verify_email) { .token = again.token }, NULL, &user), 0);
    assert_int_equal(user.role, ROLE_CREATOR);
    assert_int_equal(
        people_ask(rig, &ask_verification_call, &(struct ask_verification) { 0 }, result.access_token, NULL),
        ERR_CONFLICT);
}

static void roles_are_given_by_an_administrator_and_carried_by_new_tokens(void **state)
{
    struct rig *rig = *state;
    struct login_result admin, ann;
    struct user user, other;
    struct update_user promote = { .role = ROLE_MODERATOR, .has_role = true };

    assert_int_equal(people_register(rig, "a@b.c", &user), 0);
    assert_int_equal(people_register(rig, "o@b.c", &other), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &ann), 0);
    assert_int_equal(people_login(rig, "admin@localhost", ADMIN, false, &admin), 0);
    promote.id = user.id;
    assert_int_equal(people_ask(rig, &update_user_call, &promote, ann.access_token, NULL), ERR_FORBIDDEN);
    promote.id = other.id;
    assert_int_equal(people_ask(rig, &update_user_call, &promote, ann.access_token, NULL), ERR_FORBIDDEN);
    promote.id = user.id;
    assert_int_equal(people_ask(rig, &update_user_call, &promote, admin.access_token, &user), 0);
    assert_int_equal(user.role, ROLE_MODERATOR);
    assert_int_equal(people_me(rig, ann.access_token, &user), ERR_UNAUTHENTICATED);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &ann), 0);
    assert_int_equal(ann.user.role, ROLE_MODERATOR);

    assert_int_equal(
        people_ask(rig, &get_user_call, &(struct get_user) { .id = other.id }, ann.access_token, &other), 0);
    assert_null(other.email); /* others see a name */
    assert_string_equal(other.name, "Ann");
    promote = (struct update_user) { .id = user.id, .disabled = true, .has_disabled = true };
    assert_int_equal(people_ask(rig, &update_user_call, &promote, admin.access_token, &user), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &ann), ERR_UNAUTHENTICATED);
}

static void a_birthday_is_told_once_and_shown_to_nobody_else(void **state)
{
    static const char *const none[] = { "2010-02-30", "1900-02-29", "2199-01-01", "1879-12-31",
                                        "10-10-2010", "2010-1-01x", "2010_01_01" };
    struct rig *rig = *state;
    struct login_result admin, ann, ben;
    struct user user;
    struct update_user tell = { .birthday = "1968-02-29" };

    assert_int_equal(people_register(rig, "a@b.c", &user), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &ann), 0);
    assert_int_equal(people_register(rig, "o@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "o@b.c", PASSWORD, false, &ben), 0);
    assert_int_equal(people_login(rig, "admin@localhost", ADMIN, false, &admin), 0);
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        struct update_user wrong = { .id = user.id, .birthday = none[i] };

        assert_int_equal(people_ask(rig, &update_user_call, &wrong, ann.access_token, NULL), ERR_INVALID);
    }
    tell.id = user.id;
    assert_int_equal(people_ask(rig, &update_user_call, &tell, ann.access_token, NULL), 0);
    assert_int_equal(people_ask(rig, &update_user_call, &tell, ann.access_token, NULL),
                     0); /* the same is no change */
    tell.birthday = "1950-01-01";
    assert_int_equal(people_ask(rig, &update_user_call, &tell, ann.access_token, NULL), ERR_FORBIDDEN);
    assert_int_equal(people_me(rig, ann.access_token, &user), 0);
    assert_string_equal(user.birthday, "1968-02-29");
    assert_int_equal(
        people_ask(rig, &get_user_call, &(struct get_user) { .id = tell.id }, ben.access_token, &user), 0);
    assert_null(user.birthday);
    assert_int_equal(people_ask(rig, &update_user_call, &tell, admin.access_token, &user), 0);
    assert_string_equal(user.birthday, "1950-01-01");
}

static void an_address_is_proved_once_and_in_time(void **state)
{
    static const struct value_def settings = { .name = "settings.auth", .type = &setting_text_type };
    struct rig *rig = *state;
    struct user_created event;
    struct verify_email verify = { 0 };
    struct user user;

    rig_value(rig, &settings, "verify_mail", &(struct setting_text) { .text = "true" });
    assert_int_equal(people_register(rig, "a@b.c", &user), 0);
    assert_false(user.verified);
    assert_int_equal(user.role, ROLE_VIEWER);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &event);
    verify.token = event.verify_token;
    assert_int_equal(people_ask(rig, &verify_email_call, &verify, NULL, &user), 0);
    assert_true(user.verified);
    assert_int_equal(user.role, ROLE_CREATOR);
    assert_int_equal(people_ask(rig, &verify_email_call, &verify, NULL, &user), ERR_NOT_FOUND);

    assert_int_equal(people_register(rig, "late@b.c", &user), 0);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &event);
    verify.token = event.verify_token;
    rig_advance(rig, INT64_C(49) * 3600 * 1000);
    assert_int_equal(people_ask(rig, &verify_email_call, &verify, NULL, &user), ERR_GONE);
}

static void what_is_not_a_token_of_ours_is_refused_without_harm(void **state)
{
    static const char *const wrong[] = { "aaaaaaaaaaaaaaaaaaaa", "!!!!!!!!!!!!!!!!!!!!!!!!",
                                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    struct rig *rig = *state;
    struct login_result result;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(people_refresh(rig, wrong[i], &result), ERR_UNAUTHENTICATED);
        assert_int_equal(people_ask(rig, &exchange_session_call,
                                    &(struct exchange_session) { .session = wrong[i] }, NULL, &result),
                         ERR_UNAUTHENTICATED);
        assert_int_equal(
            people_ask(rig, &verify_email_call, &(struct verify_email) { .token = wrong[i] }, NULL, NULL),
            ERR_NOT_FOUND);
    }
}

static void no_secret_is_kept_as_it_was_given(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    char path[256];
    const char *secrets[3];
    size_t len, got;
    char *all;
    FILE *f;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), 0);
    secrets[0] = PASSWORD;
    secrets[1] = result.refresh_token;
    secrets[2] = result.access_token;
    snprintf(path, sizeof(path), "%s/auth/data.mdb", actor_state_dir(rig_actor(rig)));
    f = fopen(path, "r");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    len = (size_t)ftell(f);
    rewind(f);
    all = malloc(len);
    assert_non_null(all);
    got = fread(all, 1, len, f);
    fclose(f);
    assert_non_null(memmem(all, got, "a@b.c", 5)); /* it is the right file */
    for (size_t i = 0; i < 3; i++)
        assert_null(memmem(all, got, secrets[i], strlen(secrets[i])));
    free(all);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, people_begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(the_first_start_makes_one_administrator),
        T(who_registers_can_log_in_and_is_known),
        T(an_address_has_one_account_however_it_is_written),
        T(what_cannot_be_an_address_or_a_password_is_refused_with_its_field),
        T(a_forgotten_password_is_set_anew_by_mail),
        T(who_asks_for_a_reset_learns_nothing_and_floods_nobody),
        T(the_link_that_proves_an_address_can_be_asked_for_again),
        T(roles_are_given_by_an_administrator_and_carried_by_new_tokens),
        T(a_birthday_is_told_once_and_shown_to_nobody_else),
        T(an_address_is_proved_once_and_in_time),
        T(what_is_not_a_token_of_ours_is_refused_without_harm),
        T(no_secret_is_kept_as_it_was_given),
    };

    return cmocka_run_group_tests(tests, people_open, people_close);
}

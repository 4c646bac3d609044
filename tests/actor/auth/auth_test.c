/* auth on a fake bus: accounts, passwords, sessions and tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/auth/auth.h"
#include "data/store/table.h"
#include "gen/errors.h"
#include "tests/harness/rig.h"

#define ADMIN    "the first one's password"
#define PASSWORD "correct horse battery"

static char password_file[] = "/tmp/kinobus-auth-XXXXXX";
static char password_setting[128];
static const char *sets[] = { "auth.hash_kib=8192", "auth.hash_passes=1", password_setting, NULL };

/* The keys that auth publishes are those that its runtime verifies with, as the broker would see to. */
static void relay_keys(struct rig *rig)
{
    const struct fake_sent *sent, *last = NULL;
    struct keys keys;

    while ((sent = fake_next(FAKE_SET, "auth.keys")))
        last = sent;
    rig_read(rig, last, &keys_type, &keys);
    rig_value(rig, &keys_value, "", &keys);
}

/* What auth says of ended sessions and epochs comes back to it, too. */
static void relay_revoked(struct rig *rig)
{
    const struct fake_sent *sent;
    struct revoked revoked;

    while ((sent = fake_next(FAKE_SET, "auth.revoked"))) {
        rig_read(rig, sent, &revoked_type, &revoked);
        rig_value(rig, &revoked_value, sent->key, &revoked);
    }
}

static int begin(void **state)
{
    *state = rig_new(&auth_actor, sets);
    assert_non_null(rig_actor(*state));
    relay_keys(*state);
    return 0;
}

static int end(void **state)
{
    struct rig *rig = *state;

    rig_free(&rig);
    return 0;
}

static int ask(struct rig *rig, const struct call_def *call, const void *body, const char *token, void *reply)
{
    uint64_t cid = rig_call(rig, call, body, (struct rig_ask) { .token = token });

    rig_run(rig);
    relay_revoked(rig);
    return rig_reply(rig, cid, call, reply);
}

static int reg(struct rig *rig, const char *email, struct user *user)
{
    return ask(rig, &register_user_call,
               &(struct register_user) { .email = email, .password = PASSWORD, .name = "Ann" }, NULL, user);
}

static int login(struct rig *rig, const char *email, const char *password, bool web, struct login_result *result)
{
    return ask(rig, &login_call, &(struct login) { .email = email, .password = password, .web = web }, NULL,
               result);
}

static int me(struct rig *rig, const char *token, struct user *user)
{
    return ask(rig, &get_me_call, &(struct get_me) { 0 }, token, user);
}

static int refresh(struct rig *rig, const char *token, struct login_result *result)
{
    return ask(rig, &refresh_call, &(struct refresh) { .refresh_token = token }, NULL, result);
}

static void the_first_start_makes_one_administrator(void **state)
{
    struct rig *rig = *state;
    struct login_result result;

    assert_int_equal(login(rig, "admin@localhost", ADMIN, false, &result), 0);
    assert_int_equal(result.user.role, ROLE_ADMIN);
    rig_restart(rig);
    relay_keys(rig);
    assert_int_equal(login(rig, "admin@localhost", ADMIN, false, &result), 0);
    assert_int_equal(me(rig, result.access_token, &result.user), 0); /* the same key as before the restart */
}

static void who_registers_can_log_in_and_is_known(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    struct user user, seen;
    struct user_created event;

    assert_int_equal(reg(rig, "Ann@Example.org", &user), 0);
    assert_int_equal(user.role, ROLE_CREATOR);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &event);
    assert_true(id_equal(event.user_id, user.id));
    assert_null(event.verify_token);

    assert_int_equal(login(rig, "ann@example.ORG", PASSWORD, false, &result), 0);
    assert_non_null(result.refresh_token);
    assert_null(result.session);
    assert_int_equal(result.expires_at, rig_now(rig) + 600000);
    assert_int_equal(me(rig, result.access_token, &seen), 0);
    assert_true(id_equal(seen.id, user.id));
    assert_string_equal(seen.email, "Ann@Example.org");
    rig_advance(rig, 700000);
    assert_int_equal(me(rig, result.access_token, &seen), ERR_UNAUTHENTICATED);
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
    assert_int_equal(reg(rig, "a@b.C", NULL), ERR_CONFLICT);
}

static void what_cannot_be_an_address_or_a_password_is_refused_with_its_field(void **state)
{
    static const char *const wrong[] = { "nobody",  "@b.c",    "aa@",    "a@b@c",
                                         "a b@c.d", "a@b.c\n", "-a@b.c", "a<b@c.d" };
    struct rig *rig = *state;
    struct register_user guessed = { .email = "a@b.c", .password = "Password123" };
    uint64_t cid;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(reg(rig, wrong[i], NULL), ERR_INVALID);
    cid = rig_call(rig, &register_user_call, &guessed, (struct rig_ask) { 0 });
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &register_user_call, NULL), ERR_INVALID);
    assert_string_equal(rig_problem(rig, cid).errors[0].field, "password");
}

static void wrong_passwords_slow_an_account_down_and_never_lock_it(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    uint64_t cid;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(login(rig, "a@b.c", "wrong password", false, &result), ERR_UNAUTHENTICATED);
    cid = rig_call(rig, &login_call, &(struct login) { .email = "a@b.c", .password = PASSWORD },
                   (struct rig_ask) { 0 });
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &login_call, NULL), ERR_RATE_LIMITED);
    assert_int_equal(rig_problem(rig, cid).retry_after_ms, 2000);
    rig_advance(rig, 2000);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &result), 0);
    assert_int_equal(login(rig, "a@b.c", "wrong password", false, &result),
                     ERR_UNAUTHENTICATED); /* counted anew */
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &result), 0);
}

static void what_was_counted_against_an_account_outlives_a_restart(void **state)
{
    struct rig *rig = *state;
    struct login_result result;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(login(rig, "a@b.c", "wrong password", false, &result), ERR_UNAUTHENTICATED);
    rig_restart(rig);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &result), ERR_RATE_LIMITED);
}

static void nobody_learns_which_accounts_exist(void **state)
{
    struct rig *rig = *state;
    struct login_result result;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(login(rig, "a@b.c", "wrong password", false, &result), ERR_UNAUTHENTICATED);
        assert_int_equal(login(rig, "x@y.z", "wrong password", false, &result), ERR_UNAUTHENTICATED);
    }
    assert_int_equal(login(rig, "a@b.c", "wrong password", false, &result), ERR_RATE_LIMITED);
    assert_int_equal(login(rig, "x@y.z", "wrong password", false, &result), ERR_RATE_LIMITED);
}

static void a_browser_gets_a_cookie_and_no_token(void **state)
{
    struct rig *rig = *state;
    struct login_result web, token;
    struct user user;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, true, &web), 0);
    assert_non_null(web.session);
    assert_null(web.access_token);
    assert_null(web.refresh_token);
    assert_int_equal(
        ask(rig, &exchange_session_call, &(struct exchange_session) { .session = web.session }, NULL, &token), 0);
    assert_int_equal(me(rig, token.access_token, &user), 0);

    assert_int_equal(ask(rig, &logout_call, &(struct logout) { 0 }, token.access_token, NULL), 0);
    assert_int_equal(me(rig, token.access_token, &user), ERR_UNAUTHENTICATED); /* at once, not when it runs out */
    assert_int_equal(
        ask(rig, &exchange_session_call, &(struct exchange_session) { .session = web.session }, NULL, &token),
        ERR_UNAUTHENTICATED);
}

static void a_session_ends_when_it_is_not_used_and_at_last_anyway(void **state)
{
    const int64_t day = INT64_C(24) * 3600 * 1000;
    struct rig *rig = *state;
    struct login_result web, token;
    struct exchange_session exchange;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, true, &web), 0);
    exchange.session = web.session;
    for (int i = 0; i < 8; i++) {
        rig_advance(rig, 11 * day); /* 14 idle days are allowed, 90 in all */
        assert_int_equal(ask(rig, &exchange_session_call, &exchange, NULL, &token), 0);
    }
    rig_advance(rig, 3 * day);
    assert_int_equal(ask(rig, &exchange_session_call, &exchange, NULL, &token), ERR_UNAUTHENTICATED);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, true, &web), 0);
    exchange.session = web.session;
    rig_advance(rig, 15 * day);
    assert_int_equal(ask(rig, &exchange_session_call, &exchange, NULL, &token), ERR_UNAUTHENTICATED);
}

static void a_refresh_whose_answer_was_lost_is_answered_again(void **state)
{
    struct rig *rig = *state;
    struct login_result first, second, again, third;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &first), 0);
    assert_int_equal(refresh(rig, first.refresh_token, &second), 0);
    assert_string_not_equal(first.refresh_token, second.refresh_token);
    rig_advance(rig, 9000);
    assert_int_equal(refresh(rig, first.refresh_token, &again), 0);
    assert_string_equal(again.refresh_token, second.refresh_token);
    assert_int_equal(refresh(rig, second.refresh_token, &third), 0);
}

static void a_refresh_token_used_twice_ends_its_session(void **state)
{
    struct rig *rig = *state;
    struct login_result first, second, other;
    struct refresh_reused event;
    struct user user;

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &other), 0); /* another session of the same person */
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &first), 0);
    assert_int_equal(refresh(rig, first.refresh_token, &second), 0);
    rig_advance(rig, 11000);
    assert_int_equal(refresh(rig, first.refresh_token, &second), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(rig, second.refresh_token, &second), ERR_UNAUTHENTICATED);
    assert_int_equal(me(rig, second.access_token, &user), ERR_UNAUTHENTICATED);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.refresh_reused"), &refresh_reused_type, &event);
    assert_int_equal(me(rig, other.access_token, &user), 0);
    assert_int_equal(refresh(rig, other.refresh_token, &other), 0);
}

static void a_new_password_ends_what_the_old_one_began(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    struct user user;
    struct update_user change = { .password = "another fine password" };

    assert_int_equal(reg(rig, "a@b.c", &user), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &result), 0);
    change.id = user.id;
    assert_int_equal(ask(rig, &update_user_call, &change, result.access_token, &user), ERR_INVALID);
    change.old_password = "not it at all";
    assert_int_equal(ask(rig, &update_user_call, &change, result.access_token, &user), ERR_FORBIDDEN);
    change.old_password = PASSWORD;
    assert_int_equal(ask(rig, &update_user_call, &change, result.access_token, &user), 0);
    assert_int_equal(me(rig, result.access_token, &user), ERR_UNAUTHENTICATED);
    assert_int_equal(refresh(rig, result.refresh_token, &result), ERR_UNAUTHENTICATED);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &result), ERR_UNAUTHENTICATED);
    assert_int_equal(login(rig, "a@b.c", "another fine password", false, &result), 0);
}

static void roles_are_given_by_an_administrator_and_carried_by_new_tokens(void **state)
{
    struct rig *rig = *state;
    struct login_result admin, ann;
    struct user user, other;
    struct update_user promote = { .role = ROLE_MODERATOR, .has_role = true };

    assert_int_equal(reg(rig, "a@b.c", &user), 0);
    assert_int_equal(reg(rig, "o@b.c", &other), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &ann), 0);
    assert_int_equal(login(rig, "admin@localhost", ADMIN, false, &admin), 0);
    promote.id = user.id;
    assert_int_equal(ask(rig, &update_user_call, &promote, ann.access_token, NULL), ERR_FORBIDDEN);
    promote.id = other.id;
    assert_int_equal(ask(rig, &update_user_call, &promote, ann.access_token, NULL), ERR_FORBIDDEN);
    promote.id = user.id;
    assert_int_equal(ask(rig, &update_user_call, &promote, admin.access_token, &user), 0);
    assert_int_equal(user.role, ROLE_MODERATOR);
    assert_int_equal(me(rig, ann.access_token, &user), ERR_UNAUTHENTICATED);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &ann), 0);
    assert_int_equal(ann.user.role, ROLE_MODERATOR);

    assert_int_equal(ask(rig, &get_user_call, &(struct get_user) { .id = other.id }, ann.access_token, &other), 0);
    assert_null(other.email); /* others see a name */
    assert_string_equal(other.name, "Ann");
    promote = (struct update_user) { .id = user.id, .disabled = true, .has_disabled = true };
    assert_int_equal(ask(rig, &update_user_call, &promote, admin.access_token, &user), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &ann), ERR_UNAUTHENTICATED);
}

static void an_address_is_proved_once_and_in_time(void **state)
{
    static const struct value_def settings = { .name = "settings.auth", .type = &setting_text_type };
    struct rig *rig = *state;
    struct user_created event;
    struct verify_email verify;
    struct user user;

    rig_value(rig, &settings, "verify_mail", &(struct setting_text) { .text = "true" });
    assert_int_equal(reg(rig, "a@b.c", &user), 0);
    assert_false(user.verified);
    assert_int_equal(user.role, ROLE_VIEWER);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &event);
    verify.token = event.verify_token;
    assert_int_equal(ask(rig, &verify_email_call, &verify, NULL, &user), 0);
    assert_true(user.verified);
    assert_int_equal(user.role, ROLE_CREATOR);
    assert_int_equal(ask(rig, &verify_email_call, &verify, NULL, &user), ERR_NOT_FOUND);

    assert_int_equal(reg(rig, "late@b.c", &user), 0);
    rig_read(rig, fake_next(FAKE_APPEND, "auth.user_created"), &user_created_type, &event);
    verify.token = event.verify_token;
    rig_advance(rig, INT64_C(49) * 3600 * 1000);
    assert_int_equal(ask(rig, &verify_email_call, &verify, NULL, &user), ERR_GONE);
}

static void what_is_not_a_token_of_ours_is_refused_without_harm(void **state)
{
    static const char *const wrong[] = { "aaaaaaaaaaaaaaaaaaaa", "!!!!!!!!!!!!!!!!!!!!!!!!",
                                         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    struct rig *rig = *state;
    struct login_result result;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(refresh(rig, wrong[i], &result), ERR_UNAUTHENTICATED);
        assert_int_equal(
            ask(rig, &exchange_session_call, &(struct exchange_session) { .session = wrong[i] }, NULL, &result),
            ERR_UNAUTHENTICATED);
        assert_int_equal(ask(rig, &verify_email_call, &(struct verify_email) { .token = wrong[i] }, NULL, NULL),
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

    assert_int_equal(reg(rig, "a@b.c", NULL), 0);
    assert_int_equal(login(rig, "a@b.c", PASSWORD, false, &result), 0);
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
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_first_start_makes_one_administrator),
        T(who_registers_can_log_in_and_is_known),
        T(an_address_has_one_account_however_it_is_written),
        T(what_cannot_be_an_address_or_a_password_is_refused_with_its_field),
        T(wrong_passwords_slow_an_account_down_and_never_lock_it),
        T(what_was_counted_against_an_account_outlives_a_restart),
        T(nobody_learns_which_accounts_exist),
        T(a_browser_gets_a_cookie_and_no_token),
        T(a_session_ends_when_it_is_not_used_and_at_last_anyway),
        T(a_refresh_whose_answer_was_lost_is_answered_again),
        T(a_refresh_token_used_twice_ends_its_session),
        T(a_new_password_ends_what_the_old_one_began),
        T(roles_are_given_by_an_administrator_and_carried_by_new_tokens),
        T(an_address_is_proved_once_and_in_time),
        T(what_is_not_a_token_of_ours_is_refused_without_harm),
        T(no_secret_is_kept_as_it_was_given),
    };
    int fd = mkstemp(password_file), failed;

    if (fd < 0 || write(fd, ADMIN "\n", strlen(ADMIN) + 1) < 0)
        return 1;
    close(fd);
    snprintf(password_setting, sizeof(password_setting), "auth.admin_password_file=%s", password_file);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(password_file);
    return failed;
}

/* auth on a fake bus: whoever guesses is slowed down, whoever belongs there is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "actors/auth/password.h"
#include "gen/errors.h"
#include "tests/actor/auth/people.h"

static void wrong_passwords_slow_an_account_down_and_never_lock_it(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    uint64_t cid;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(people_login(rig, "a@b.c", "wrong password", false, &result), ERR_UNAUTHENTICATED);
    cid = rig_call(rig, &login_call, &(struct login) { .email = "a@b.c", .password = PASSWORD },
                   (struct rig_ask) { 0 });
    rig_run(rig);
    assert_int_equal(rig_reply(rig, cid, &login_call, NULL), ERR_RATE_LIMITED);
    assert_int_equal(rig_problem(rig, cid).retry_after_ms, 2000);
    rig_advance(rig, 2000);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), 0);
    assert_int_equal(people_login(rig, "a@b.c", "wrong password", false, &result),
                     ERR_UNAUTHENTICATED); /* counted anew */
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), 0);
}

static void what_was_counted_against_an_account_outlives_a_restart(void **state)
{
    struct rig *rig = *state;
    struct login_result result;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(people_login(rig, "a@b.c", "wrong password", false, &result), ERR_UNAUTHENTICATED);
    rig_restart(rig);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &result), ERR_RATE_LIMITED);
}

static void nobody_learns_which_accounts_exist(void **state)
{
    struct rig *rig = *state;
    struct login_result result;

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(people_login(rig, "a@b.c", "wrong password", false, &result), ERR_UNAUTHENTICATED);
        assert_int_equal(people_login(rig, "x@y.z", "wrong password", false, &result), ERR_UNAUTHENTICATED);
    }
    assert_int_equal(people_login(rig, "a@b.c", "wrong password", false, &result), ERR_RATE_LIMITED);
    assert_int_equal(people_login(rig, "x@y.z", "wrong password", false, &result), ERR_RATE_LIMITED);
}

static void whoever_sits_at_my_browser_does_not_guess_my_password_at_leisure(void **state)
{
    struct rig *rig = *state;
    struct login_result mine;
    struct change_password change = { .old_password = "not it at all", .password = "another fine password" };

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_login(rig, "a@b.c", PASSWORD, false, &mine), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(people_ask(rig, &change_password_call, &change, mine.access_token, NULL), ERR_FORBIDDEN);
    assert_int_equal(people_ask(rig, &change_password_call, &change, mine.access_token, NULL), ERR_RATE_LIMITED);
}

static int login_from(struct rig *rig, const char *email, const char *password, const char *address,
                      const char *device, struct login_result *result)
{
    struct login asked = { .email = email, .password = password, .address = address, .device = device };

    return people_ask(rig, &login_call, &asked, NULL, result);
}

static void who_logged_in_before_is_not_slowed_down_by_strangers(void **state)
{
    struct rig *rig = *state;
    struct login_result mine, result;
    char address[32];

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    assert_int_equal(people_register(rig, "o@b.c", NULL), 0);
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "192.0.2.1", NULL, &mine), 0);
    assert_non_null(mine.device);
    for (int i = 0; i < 11; i++) { /* a guess each from eleven networks: no one of them is slowed down */
        snprintf(address, sizeof(address), "198.51.100.%d", i);
        assert_int_equal(login_from(rig, "a@b.c", "wrong password", address, NULL, &result), ERR_UNAUTHENTICATED);
    }
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "203.0.113.1", NULL, &result), ERR_RATE_LIMITED);
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "203.0.113.1", "made-up", &result), ERR_RATE_LIMITED);
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "203.0.113.1", mine.device, &result), 0);
    assert_string_equal(result.device, mine.device);

    assert_int_equal(login_from(rig, "o@b.c", PASSWORD, "192.0.2.1", mine.device, &result), 0);
    for (int i = 0; i < 4; i++) /* it is good for its own account alone */
        assert_int_equal(login_from(rig, "o@b.c", "wrong password", "192.0.2.1", mine.device, &result),
                         ERR_UNAUTHENTICATED);
    assert_int_equal(login_from(rig, "o@b.c", PASSWORD, "192.0.2.1", mine.device, &result), ERR_RATE_LIMITED);
    for (int i = 0; i < 4; i++) /* and no licence to guess */
        assert_int_equal(login_from(rig, "a@b.c", "wrong password", "192.0.2.1", mine.device, &result),
                         ERR_UNAUTHENTICATED);
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "192.0.2.1", mine.device, &result), ERR_RATE_LIMITED);
}

static void one_network_does_not_try_many_accounts(void **state)
{
    struct rig *rig = *state;
    struct login_result result;
    char email[32], address[64];

    assert_int_equal(people_register(rig, "a@b.c", NULL), 0);
    for (int i = 0; i < 21; i++) {
        snprintf(email, sizeof(email), "n%d@b.c", i);
        snprintf(address, sizeof(address), "2001:db8:0:7:%x::1", i + 1); /* one /64 */
        assert_int_equal(login_from(rig, email, "wrong password", address, NULL, &result), ERR_UNAUTHENTICATED);
    }
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "2001:db8:0:7::99", NULL, &result), ERR_RATE_LIMITED);
    assert_int_equal(people_ask(rig, &register_user_call,
                                &(struct register_user) {
                                    .email = "x@y.z", .password = PASSWORD, .address = "2001:db8:0:7::9" },
                                NULL, NULL),
                     ERR_RATE_LIMITED);
    assert_int_equal(login_from(rig, "a@b.c", PASSWORD, "2001:db8:0:8::1", NULL, &result), 0);
}

static void an_account_that_is_not_there_costs_a_hash_too(void **state)
{
    struct password_job job = { .passes = 1, .memory = 8192 * 1024, .password = PASSWORD };

    password_run(&job);
    assert_false(job.right);
    assert_non_null(strstr(job.made, "argon2id"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, people_begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(wrong_passwords_slow_an_account_down_and_never_lock_it),
        T(what_was_counted_against_an_account_outlives_a_restart),
        T(nobody_learns_which_accounts_exist),
        T(whoever_sits_at_my_browser_does_not_guess_my_password_at_leisure),
        T(who_logged_in_before_is_not_slowed_down_by_strangers),
        T(one_network_does_not_try_many_accounts),
        cmocka_unit_test(an_account_that_is_not_there_costs_a_hash_too),
    };

    return cmocka_run_group_tests(tests, people_open, people_close);
}

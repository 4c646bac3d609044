/* Settings: built-in < file < environment < command line < bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/log.h"
#include "actors/runtime/settings.h"
#include "gen/auth.h"
#include "gen/errors.h"

static int begin(void **state)
{
    *state = settings_new("auth", &auth_settings_type, NULL, 0);
    return 0;
}

static int end(void **state)
{
    struct settings *settings = *state;

    settings_free(&settings);
    return 0;
}

static int read_file(struct settings *settings, const char *text, char error[static 256])
{
    char path[] = "/tmp/kinobus-settings-XXXXXX";
    int fd = mkstemp(path), r;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    r = settings_read_file(settings, path, error);
    unlink(path);
    return r;
}

static const struct auth_settings *own(const struct settings *settings)
{
    return settings_own(settings);
}

static void the_highest_source_wins_whatever_came_last(void **state)
{
    char *environment[] = { (char *)"HOME=/", (char *)"KINOBUS_AUTH_SESSION_DAYS=4", (char *)"KINOBUS_CATALOG_X=1",
                            NULL };
    struct settings *s = *state;
    char error[256];

    assert_int_equal(own(s)->session_days, 90);
    assert_string_equal(settings_source(s, "auth.session_days"), "built-in");
    assert_int_equal(settings_from_bus(s, "auth.session_days", "6", error), 0);
    assert_int_equal(settings_read_set(s, "auth.session_days=5", error), 0);
    assert_int_equal(settings_read_env(s, environment, error), 0);
    assert_int_equal(read_file(s, "auth.session_days = 3\n", error), 0);
    assert_int_equal(own(s)->session_days, 6);
    assert_string_equal(settings_source(s, "auth.session_days"), "bus");
    assert_int_equal(settings_from_bus(s, "auth.session_days", NULL, error), 0);
    assert_int_equal(own(s)->session_days, 5);
    assert_string_equal(settings_source(s, "auth.session_days"), "command line");
}

static void a_file_has_comments_quotes_and_lines_of_others(void **state)
{
    struct settings *s = *state;
    char error[256];

    assert_int_equal(read_file(s,
                               "# of the platform\n\n  auth.default_role=viewer\ncatalog.whatever = 1\n"
                               "auth.admin_email = \" a b@c \"\nauth.verify_mail = yes\nauth.slots = 9\n",
                               error),
                     0);
    assert_int_equal(own(s)->default_role, ROLE_VIEWER);
    assert_string_equal(own(s)->admin_email, " a b@c ");
    assert_true(own(s)->verify_mail);
    assert_int_equal(settings_common(s)->slots, 9);
    assert_string_equal(settings_source(s, "auth.slots"), "file");
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    struct settings *s = *state;
    char *environment[] = { (char *)"KINOBUS_AUTH_HASH_KIB=1", NULL };
    char error[256];

    assert_int_equal(read_file(s, "auth.session_days = 3\nauth.session_days = 0\n", error), ERR_INVALID);
    assert_non_null(strstr(error, ":2: auth.session_days must be at least 1"));
    assert_int_equal(read_file(s, "session_days = 3\n", error), ERR_INVALID);
    assert_non_null(strstr(error, ":1: 'session_days' does not say whose setting it is, as in auth.session_days"));
    assert_int_equal(read_file(s, "auth.colour = red\n", error), ERR_NOT_FOUND);
    assert_non_null(strstr(error, "auth has no setting 'colour'"));
    assert_int_equal(read_file(s, "what\n", error), ERR_INVALID);
    assert_non_null(strstr(error, "'what' is not NAME.SETTING = VALUE"));
    assert_int_equal(settings_read_env(s, environment, error), ERR_INVALID);
    assert_string_equal(error, "environment: auth.hash_kib must be at least 8192");
    assert_int_equal(settings_read_set(s, "auth.default_role=king", error), ERR_INVALID);
    assert_string_equal(error, "auth.default_role must be one of viewer, creator, moderator, admin");
    assert_int_equal(settings_read_file(s, "/nonexistent/kinobus.conf", error), ERR_IO);
    assert_int_equal(own(s)->session_days, 3); /* what was right before stays */
    assert_int_equal(own(s)->default_role, ROLE_CREATOR);
}

static void values_in_a_log_line_cannot_break_it(void **state)
{
    char to[64];

    assert_string_equal(log_quote("plain-1.5", to, sizeof(to)), "plain-1.5");
    assert_string_equal(log_quote("", to, sizeof(to)), "\"\"");
    assert_string_equal(log_quote(NULL, to, sizeof(to)), "\"\"");
    assert_string_equal(log_quote("a b", to, sizeof(to)), "\"a b\"");
    assert_string_equal(log_quote("a=b", to, sizeof(to)), "\"a=b\"");
    assert_string_equal(log_quote("x\" result=OK\n", to, sizeof(to)), "\"x\\\" result=OK\\x0a\"");
    memset(to, 'z', sizeof(to));
    assert_true(strlen(log_quote("0123456789012345678901234567890123456789", to, 20)) < 20);
    assert_true(strlen(log_quote("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", to, 20)) < 20);
}

static void what_another_declares_is_set_under_its_name_alone(void **state)
{
    static const char *const shared[] = { "front.default_role" };
    char *environment[] = { (char *)"KINOBUS_FRONT_DEFAULT_ROLE=viewer", (char *)"KINOBUS_FRONT_PORT=x", NULL };
    struct settings *s = settings_new("auth", &auth_settings_type, shared, 1);
    struct arena *arena = arena_new();
    struct settings_shown shown;
    char error[256];

    assert_int_equal(settings_read_env(s, environment, error), 0);
    assert_int_equal(own(s)->default_role, ROLE_VIEWER);
    assert_int_equal(read_file(s, "front.default_role = moderator\nfront.port = what\n", error), 0);
    assert_int_equal(own(s)->default_role, ROLE_VIEWER); /* the environment is above a file */
    assert_true(settings_concerns(s, "front.default_role"));
    assert_false(settings_concerns(s, "front.port"));
    assert_int_equal(settings_from_bus(s, "front.default_role", "admin", error), 0);
    assert_int_equal(own(s)->default_role, ROLE_ADMIN);
    assert_int_equal(read_file(s, "auth.default_role = viewer\n", error), ERR_NOT_FOUND);
    assert_non_null(strstr(error, ":1: auth has no setting 'default_role': it goes by front.default_role"));
    assert_int_equal(settings_from_bus(s, "front.default_role", "king", error), ERR_INVALID);
    assert_non_null(strstr(error, "front.default_role must be"));
    settings_show(s, arena, &shown);
    for (size_t i = 0; i < shown.settings_n; i++)
        assert_string_not_equal(shown.settings[i].name, "default_role"); /* its owner shows it */
    arena_free(&arena);
    settings_free(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_highest_source_wins_whatever_came_last),
        T(a_file_has_comments_quotes_and_lines_of_others),
        T(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(what_another_declares_is_set_under_its_name_alone),
        T(values_in_a_log_line_cannot_break_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

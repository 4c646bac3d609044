/* filter_test - what a tap's filter lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "broker/server/filter.h"
#include "gen/errors.h"

static const uint8_t trace[FRAME_TRACE] = { 0xab, 0xcd, 0x01 };

/* A failed call of shop.price, from web to shop. */
static bool wants(const char *text)
{
    struct tap_show show = {
        .kind = BUS_TAP_ERROR, .from = "shop", .to = "web", .name = bytes_of_text("shop.price"), .err = ERR_BUSY
    };
    struct frame_head head = { .trace = bytes_of(trace, sizeof trace) };
    struct buf packed = { 0 };
    struct filter filter;
    bool yes;

    frame_build_head(&packed, &head);
    show.head = buf_bytes(&packed);
    assert_int_equal(filter_parse(&filter, bytes_of_text(text)), 0);
    yes = filter_wants(&filter, &show);
    filter_free(&filter);
    buf_free(&packed);
    return yes;
}

static void each_term_looks_at_its_part_of_a_message(void **state)
{
    static const char *const good[] = { "",           ">",         "shop.*",     "from=shop",
                                        "to=web",     "actor=web", "actor=shop", "kind=error",
                                        "error=busy", "error=*",   "trace=ab",   "trace=abcd01" };
    static const char *const bad[] = { "web.*",      "shop",       "from=web",      "to=shop",
                                       "actor=mail", "kind=reply", "error=timeout", "trace=ac" };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!wants(good[i]))
            fail_msg("refused: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (wants(bad[i]))
            fail_msg("wanted: %s", bad[i]);
    }
}

static void one_of_a_kind_must_hold_and_all_kinds_and_nothing_that_is_denied(void **state)
{
    (void)state;
    assert_true(wants("mail.sent shop.price"));
    assert_true(wants("kind=call kind=error actor=web"));
    assert_false(wants("shop.price kind=call"));
    assert_false(wants("shop.* !shop.price"));
    assert_false(wants("!from=shop"));
    assert_true(wants("shop.* !kind=call !error=timeout"));
}

static void an_unknown_kind_an_unknown_error_and_too_many_terms_are_refused(void **state)
{
    struct filter filter;
    char many[33 * 2 + 1] = "";

    (void)state;
    assert_int_equal(filter_parse(&filter, bytes_of_text("kind=nothing")), ERR_INVALID);
    assert_int_equal(filter_parse(&filter, bytes_of_text("error=nothing")), ERR_INVALID);
    for (unsigned i = 0; i < 33; i++)
        strcat(many, "a ");
    assert_int_equal(filter_parse(&filter, bytes_of_text(many)), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_term_looks_at_its_part_of_a_message),
        cmocka_unit_test(one_of_a_kind_must_hold_and_all_kinds_and_nothing_that_is_denied),
        cmocka_unit_test(an_unknown_kind_an_unknown_error_and_too_many_terms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* policy_test - who may say what, and what a policy file may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "broker/server/policy.h"
#include "gen/errors.h"
#include "gen/policy.h"

static struct bytes text(const char *t)
{
    return bytes_of_text(t);
}

static void patterns_match_words_not_characters(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } rows[] = {
        { "a.b", "a.b", true },
        { "a.b", "a.bc", false },
        { "a.b", "a", false },
        { "a", "a.b", false },
        { "a.*", "a.b", true },
        { "a.*", "a.b.c", false },
        { "a.*", "a", false },
        { "*.b", "a.b", true },
        { "a.*.c", "a.b.c", true },
        { "a.*.c", "a.b.d", false },
        { ">", "a", true },
        { ">", "a.b.c", true },
        { "a.>", "a.b.c", true },
        { "a.>", "a", false },
        { "*", "a", true },
        { "*", "a.b", false },
        { "$sys.>", "$sys.dead.ls", true },
        { "a.*", "a.", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(policy_match(rows[i].pattern, text(rows[i].name)), rows[i].matches);
}

static void nothing_is_allowed_without_a_row_and_deny_wins(void **state)
{
    struct policy policy = { 0 };
    char error[256];

    (void)state;
    assert_int_equal(policy_parse(&policy,
                                  "kinobus-policy 1\nallow web call shop.*\ndeny web call shop.close\n"
                                  "allow * watch open\nallow root call >\ndeny * call secret.>\n",
                                  "t", error),
                     0);
    assert_true(policy_allows(&policy, "web", VERB_CALL, text("shop.buy")));
    assert_false(policy_allows(&policy, "web", VERB_CALL, text("shop.close")));
    assert_false(policy_allows(&policy, "web", VERB_OFFER, text("shop.buy")));
    assert_false(policy_allows(&policy, "webb", VERB_CALL, text("shop.buy")));
    assert_true(policy_allows(&policy, "anybody", VERB_WATCH, text("open")));
    assert_true(policy_allows(&policy, "root", VERB_CALL, text("a.b")));
    assert_false(policy_allows(&policy, "root", VERB_CALL, text("secret.b")));
    policy_free(&policy);
}

static void a_queue_has_the_properties_of_its_last_row(void **state)
{
    struct policy policy = { 0 };
    const struct policy_queue *queue;
    char error[256];

    (void)state;
    assert_int_equal(
        policy_parse(&policy,
                     "queue a.b attempts=9\nqueue a.b lease_ms=5 backoff_ms=10,20 done=a.x "
                     "dead=a.y max=7 priority=1\nservice a single\nstream a keep_s=3 keep_bytes=4000\n"
                     "call a.look reads\nvalue a.v ttl_ms=0\n",
                     "t", error),
        0);
    queue = policy_queue(&policy, text("a.b"));
    assert_non_null(queue);
    assert_int_equal(policy.queues_n, 1);
    assert_int_equal(queue->attempts, 5);
    assert_int_equal(queue->lease_ms, 5);
    assert_int_equal(queue->backoff_from_ms, 10);
    assert_int_equal(queue->backoff_to_ms, 20);
    assert_int_equal(queue->max, 7);
    assert_string_equal(queue->done, "a.x");
    assert_string_equal(queue->dead, "a.y");
    assert_true(policy_single(&policy, text("a")));
    assert_true(policy_reads(&policy, text("a.look")));
    assert_false(policy_reads(&policy, text("a.loo")));
    assert_int_equal(policy.streams[0].keep_ms, 3000);
    assert_int_equal(policy.streams[0].keep_bytes, 4000);
    policy_free(&policy);
}

static void a_line_that_is_not_understood_is_an_error_that_names_it(void **state)
{
    static const char *const bad[] = {
        "allow web call",
        "allow web shout a.b",
        "allow web call a..b",
        "allow web call a.>.b",
        "allow WEB call a",
        "permit web call a.b",
        "queue a.b lease_ms=0",
        "queue a.b lease_ms=x",
        "queue a.b backoff_ms=9,1",
        "queue a.b done=noword",
        "queue a.b color=red",
        "queue",
        "stream a.b",
        "stream a keep_bytes=0",
        "stream a keep_bytes=many",
        "service a double",
        "kinobus-policy 2",
        "allow web call a.b extra",
        "queue a.b attempts=70000",
        "allow web call a.b*",
        "call a.b",
        "call a.b writes",
        "call a.b reads twice",
    };
    char error[256];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct policy policy = { 0 };
        char lines[200] = "# a comment\n";

        strcat(lines, bad[i]);
        assert_int_equal(policy_parse(&policy, lines, "file", error), ERR_INVALID);
        assert_non_null(strstr(error, "file:2: "));
        assert_non_null(strstr(error, bad[i]));
        policy_free(&policy);
    }
}

static void the_policy_of_this_build_is_understood_and_keeps_roles_apart(void **state)
{
    struct policy policy = { 0 };
    char error[256] = "";

    (void)state;
    if (policy_parse(&policy, policy_text, "built-in", error) < 0)
        fail_msg("%s", error);
    assert_true(policy_allows(&policy, "catalog", VERB_OFFER, text("catalog")));
    assert_false(policy_allows(&policy, "front", VERB_OFFER, text("catalog")));
    assert_false(policy_allows(&policy, "transcode", VERB_CALL, text("auth.login")));
    assert_true(policy_allows(&policy, "cli", VERB_TAP, text(">")));
    assert_true(policy_reads(&policy, text("catalog.get_video")));
    assert_false(policy_reads(&policy, text("catalog.create_video")));
    assert_false(policy_allows(&policy, "front", VERB_TAP, text(">")));
    policy_free(&policy);
}

static void the_row_that_decides_is_named_and_a_denial_before_an_allowance(void **state)
{
    struct policy policy = { 0 };
    char error[256];

    (void)state;
    assert_int_equal(policy_parse(&policy, "allow web call shop.*\ndeny * call shop.till\n", "file", error), 0);
    assert_string_equal(policy_decides(&policy, "web", VERB_CALL, text("shop.price"))->pattern, "shop.*");
    assert_true(policy_decides(&policy, "web", VERB_CALL, text("shop.till"))->deny);
    assert_null(policy_decides(&policy, "web", VERB_PUT, text("shop.price")));
    policy_free(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_words_not_characters),
        cmocka_unit_test(nothing_is_allowed_without_a_row_and_deny_wins),
        cmocka_unit_test(a_queue_has_the_properties_of_its_last_row),
        cmocka_unit_test(a_line_that_is_not_understood_is_an_error_that_names_it),
        cmocka_unit_test(the_row_that_decides_is_named_and_a_denial_before_an_allowance),
        cmocka_unit_test(the_policy_of_this_build_is_understood_and_keeps_roles_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the front watches of others: who offers what, and what everybody has counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gen/common.h"
#include "web/front/peers.h"
#include "web/front/tallies.h"

/* {"role": "x", "offers": ["catalog", "more"]} */
static const char offers[] = "\x82\xa4role\xa1x\xa6offers\x92\xa7"
                             "catalog\xa4more";

static void a_service_is_there_while_somebody_offers_it(void **state)
{
    struct peers *peers = peers_new();

    assert_false(peers_offer(peers, "catalog"));
    peers_value(peers, "catalog/1", bytes_of_text(offers));
    peers_value(peers, "catalog/2", bytes_of_text(offers));
    assert_true(peers_offer(peers, "catalog"));
    assert_true(peers_offer(peers, "more"));
    assert_false(peers_offer(peers, "cat"));
    peers_value(peers, "catalog/1", bytes_of(NULL, 0));
    assert_true(peers_offer(peers, "catalog"));
    peers_value(peers, "catalog/2", bytes_of_text("\x80"));
    assert_false(peers_offer(peers, "catalog"));
    peers_value(peers, "catalog/3", bytes_of_text(offers));
    peers_clear(peers);
    assert_false(peers_offer(peers, "catalog"));
    peers_free(&peers);
}

static void what_the_registry_cannot_mean_is_passed_over(void **state)
{
    struct peers *peers = peers_new();

    peers_value(peers, "", bytes_of_text(offers));
    peers_value(peers, "a", bytes_of_text("\xc1"));
    peers_value(peers, "b", bytes_of_text("\x81\xa6offers\xa1x"));
    peers_value(peers, "c", bytes_of_text("\x81\xa6offers\x91\x01"));
    assert_false(peers_offer(peers, "catalog"));
    peers_free(&peers);
}

static void pack(const char *actor, const char *name, uint64_t value, bool gauge, struct buf *out)
{
    struct counted counter = { .name = name, .value = value, .gauge = gauge, .doc = "Back\\slash\nand break." };
    struct counts counts = { .actor = actor, .counters = &counter, .counters_n = 1 };

    buf_reset(out);
    assert_int_equal(counts_pack(&counts, out), 0);
}

static void metrics_stand_together_with_one_head_each(void **state)
{
    struct tallies *tallies = tallies_new();
    struct buf body = { 0 }, own = { 0 }, out = { 0 };
    struct tally mine = { .actor = "front", .instance = "me" };

    pack("catalog", "turns", 5, false, &body);
    tallies_value(tallies, "metrics.catalog", "c1", buf_bytes(&body));
    pack("front", "turns", 99, false, &body);
    tallies_value(tallies, "metrics.front", "me",
                  buf_bytes(&body)); /* an older word of our own: not counted twice */
    pack("auth", "in_hand", 2, true, &body);
    tallies_value(tallies, "metrics.auth", "a\"1", buf_bytes(&body));
    pack("front", "turns", 7, false, &own);
    mine.body = buf_bytes(&own);
    tallies_write(tallies, &mine, &out);
    assert_string_equal(buf_text(&out), "# HELP kinobus_in_hand Back\\\\slash\\nand break.\n"
                                        "# TYPE kinobus_in_hand gauge\n"
                                        "kinobus_in_hand{actor=\"auth\",instance=\"a\\\"1\"} 2\n"
                                        "# HELP kinobus_turns_total Back\\\\slash\\nand break.\n"
                                        "# TYPE kinobus_turns_total counter\n"
                                        "kinobus_turns_total{actor=\"catalog\",instance=\"c1\"} 5\n"
                                        "kinobus_turns_total{actor=\"front\",instance=\"me\"} 7\n");
    tallies_value(tallies, "metrics.catalog", "c1", bytes_of(NULL, 0));
    buf_reset(&out);
    tallies_write(tallies, &mine, &out);
    assert_null(strstr(buf_text(&out), "catalog"));
    buf_free(&body);
    buf_free(&own);
    buf_free(&out);
    tallies_free(&tallies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_service_is_there_while_somebody_offers_it),
        cmocka_unit_test(what_the_registry_cannot_mean_is_passed_over),
        cmocka_unit_test(metrics_stand_together_with_one_head_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

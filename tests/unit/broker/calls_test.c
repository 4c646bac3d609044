/* calls_test - sessions and calls between real clients through a real broker. */
#include "tests/unit/broker/live.h"

#include <stdlib.h>
#include <string.h>

static struct bytes text(const char *t)
{
    return bytes_of_text(t);
}

static void echo(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_REQUEST)
        bus_reply(peer->bus, seen->number, text(seen->body));
}

static struct peer *offering(struct live *live, uint32_t epoch, void (*answer)(struct peer *, const struct seen *))
{
    struct peer *shop = live_join(live, "shop", epoch);

    shop->answer = answer;
    assert_int_equal(bus_offer(shop->bus, "shop", 4, true), 0);
    live_until(live, shop->counted[SEEN_UP] == 1);
    return shop;
}

static void a_call_reaches_who_offers_the_service_and_its_answer_comes_back(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, echo), *web = live_join(live, "web", 0);
    struct bus_head head = { .subject = "token", .key = text("k1") };
    uint64_t cid;

    assert_int_equal(bus_call(web->bus, "shop.price", &head, text("tea"), 5000, &cid), 0);
    live_until(live, web->counted[SEEN_REPLY] == 1);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, 0);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->number, cid);
    assert_string_equal(peer_seen(web, SEEN_REPLY, 0)->body, "tea");
    assert_string_equal(peer_seen(shop, SEEN_REQUEST, 0)->name, "shop.price");
    assert_string_equal(peer_seen(shop, SEEN_REQUEST, 0)->from, "web");
    assert_string_equal(peer_seen(shop, SEEN_REQUEST, 0)->text, "token");
}

static void large_mirror(struct peer *peer, const struct seen *seen)
{
    static char body[300000];

    if (seen->kind == SEEN_REQUEST)
        bus_reply(peer->bus, seen->number, bytes_of(body, seen->size));
}

static void a_large_body_travels_whole_and_one_above_the_limit_does_not_leave(void **state)
{
    struct live *live = *state;
    struct peer *web;
    char *body = calloc(1, BUS_CALL_MAX + 1);
    uint64_t cid;

    offering(live, 1, large_mirror);
    web = live_join(live, "web", 0);
    assert_int_equal(bus_call(web->bus, "shop.price", NULL, bytes_of(body, 300000), 5000, &cid), 0);
    live_until(live, web->counted[SEEN_REPLY] == 1);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->size, 300000);
    assert_int_equal(bus_call(web->bus, "shop.price", NULL, bytes_of(body, BUS_CALL_MAX + 1), 5000, &cid),
                     ERR_TOO_LARGE);
    free(body);
}

static void refuse(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_REQUEST)
        bus_reply_error(peer->bus, seen->number, ERR_QUOTA_EXCEEDED, text("why"));
}

static void an_error_comes_back_as_the_same_error_with_its_document(void **state)
{
    struct live *live = *state;
    struct peer *web;
    uint64_t cid;

    offering(live, 1, refuse);
    web = live_join(live, "web", 0);
    bus_call(web->bus, "shop.price", NULL, text(""), 5000, &cid);
    live_until(live, web->counted[SEEN_REPLY] == 1);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, ERR_QUOTA_EXCEEDED);
    assert_string_equal(peer_seen(web, SEEN_REPLY, 0)->body, "why");
}

static void what_the_policy_does_not_allow_is_refused(void **state)
{
    struct live *live = *state;
    struct peer *web = live_join(live, "web", 0);
    uint64_t cid;

    bus_call(web->bus, "worker.look", NULL, text(""), 5000, &cid);
    bus_offer(web->bus, "shop", 1, false);
    live_until(live, web->counted[SEEN_REPLY] == 1 && web->counted[SEEN_REFUSED] == 2);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, ERR_FORBIDDEN);
}

static void a_wrong_secret_ends_the_connection_for_good(void **state)
{
    struct live *live = *state;
    struct peer *stranger = live_join(live, "nobody", 0);

    live_until(live, stranger->counted[SEEN_DOWN] == 1);
    assert_int_equal(peer_seen(stranger, SEEN_DOWN, 0)->err, ERR_FORBIDDEN);
    assert_int_equal(bus_timeout_ms(stranger->bus, live_ms()), -1);
}

static void a_deadline_that_passes_ends_the_call_and_cancels_it_at_the_worker(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, NULL), *web = live_join(live, "web", 0);
    uint64_t cid;

    bus_call(web->bus, "shop.price", NULL, text("x"), 100, &cid);
    live_until(live, web->counted[SEEN_REPLY] == 1 && shop->counted[SEEN_CANCEL] == 1);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, ERR_TIMEOUT);
    assert_int_equal(bus_reply(shop->bus, peer_seen(shop, SEEN_REQUEST, 0)->number, text("late")), ERR_GONE);
}

static void who_did_not_answer_in_time_is_given_the_next_that_waits(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, NULL), *web = live_join(live, "web", 0);
    uint64_t cid;

    for (int i = 0; i < 5; i++) /* one more than it takes at a time */
        bus_call(web->bus, "shop.price", NULL, text("x"), i < 4 ? 100 : 60000, &cid);
    live_until(live, shop->counted[SEEN_REQUEST] == 5);
    assert_true(shop->counted[SEEN_CANCEL] >= 1);
}

static void a_caller_that_leaves_cancels_what_it_asked(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, NULL), *web = live_join(live, "web", 0);
    uint64_t cid;

    bus_call(web->bus, "shop.price", NULL, text("x"), 60000, &cid);
    live_until(live, shop->counted[SEEN_REQUEST] == 1);
    live_leave(web);
    live_until(live, shop->counted[SEEN_CANCEL] == 1);
}

static void a_worker_that_leaves_is_told_to_the_caller(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, NULL), *web = live_join(live, "web", 0);
    uint64_t cid;

    bus_call(web->bus, "shop.price", NULL, text("x"), 60000, &cid);
    live_until(live, shop->counted[SEEN_REQUEST] == 1);
    live_leave(shop);
    live_until(live, web->counted[SEEN_REPLY] == 1);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, ERR_WORKER_LOST);
}

static void no_more_calls_than_slots_are_given_and_the_rest_waits(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, NULL), *web = live_join(live, "web", 0);
    uint64_t cid;

    for (int i = 0; i < 6; i++)
        bus_call(web->bus, "shop.price", NULL, text("x"), 60000, &cid);
    live_until(live, shop->counted[SEEN_REQUEST] == 4);
    for (size_t i = 0; i < 4; i++)
        bus_reply(shop->bus, peer_seen(shop, SEEN_REQUEST, i)->number, text(""));
    live_until(live, shop->counted[SEEN_REQUEST] == 6 && web->counted[SEEN_REPLY] == 4);
}

static void a_service_that_is_single_has_one_process(void **state)
{
    struct live *live = *state;
    struct peer *second;

    offering(live, 1, NULL);
    second = live_join(live, "shop", 0);
    bus_offer(second->bus, "shop", 1, true);
    live_until(live, second->counted[SEEN_REFUSED] == 1);
    assert_int_equal(peer_seen(second, SEEN_REFUSED, 0)->err, ERR_CONFLICT);
}

static void a_later_opening_of_a_store_fences_the_earlier_one_off(void **state)
{
    struct live *live = *state;
    struct peer *old = offering(live, 1, NULL), *new = live_join(live, "shop", 2), *stale;

    live_until(live, new->counted[SEEN_UP] == 1 && old->counted[SEEN_DOWN] == 1);
    assert_int_equal(peer_seen(old, SEEN_DOWN, 0)->err, ERR_CONFLICT);
    stale = live_join(live, "shop", 1);
    live_until(live, stale->counted[SEEN_DOWN] == 1);
    assert_int_equal(peer_seen(stale, SEEN_DOWN, 0)->err, ERR_CONFLICT);
}

static void clients_come_back_after_the_broker_was_away_and_calls_made_meanwhile_are_answered(void **state)
{
    struct live *live = *state;
    struct peer *shop = offering(live, 1, echo), *web = live_join(live, "web", 0);
    uint64_t cid;

    live_until(live, web->counted[SEEN_UP] == 1);
    live_stop(live);
    live_until(live, web->counted[SEEN_DOWN] == 1 && shop->counted[SEEN_DOWN] == 1);
    assert_int_equal(bus_call(web->bus, "shop.price", NULL, text("later"), 15000, &cid), 0);
    live_start(live);
    live_until(live, web->counted[SEEN_REPLY] == 1);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, 0);
    assert_true(peer_seen(web, SEEN_UP, 1)->flag);
    assert_int_equal(peer_seen(web, SEEN_UP, 1)->number, peer_seen(web, SEEN_UP, 0)->number + 1);
}

/* What libzmq closes in its own thread may still be there when the next connection is made. */
static void a_client_that_reconnects_at_once_does_not_meet_its_own_past(void **state)
{
    struct live *live = *state;
    struct peer *web = live_join(live, "web", 0);

    live_until(live, web->counted[SEEN_UP] == 1);
    live_stop(live);
    live_until(live, web->counted[SEEN_DOWN] == 1);
    bus_process(web->bus, live_ms() + 200);
    live_start(live);
    live_until(live, web->counted[SEEN_UP] == 2);
}

static void a_value_is_shown_when_it_is_set_expires_and_who_comes_later_sees_it_too(void **state)
{
    struct live *live = *state;
    struct peer *shop = live_join(live, "shop", 1), *reader = live_join(live, "reader", 0), *late;

    bus_watch(reader->bus, "shop.open");
    live_until(live, shop->counted[SEEN_UP] == 1 && reader->counted[SEEN_UP] == 1);
    bus_set(shop->bus, "shop.open", "monday", text("yes"), 0);
    bus_set(shop->bus, "shop.open", "now", text("a"), 300);
    live_until(live, reader->counted[SEEN_VALUE] == 3); /* both, and then the end of the second */
    assert_true(peer_seen(reader, SEEN_VALUE, 2)->flag);
    assert_string_equal(peer_seen(reader, SEEN_VALUE, 2)->key, "now");
    live_stop(live);
    live_start(live); /* the one without an end lasts */
    late = live_join(live, "reader", 0);
    bus_watch(late->bus, "shop.open");
    live_until(live, late->counted[SEEN_VALUE] == 1);
    assert_string_equal(peer_seen(late, SEEN_VALUE, 0)->key, "monday");
    assert_string_equal(peer_seen(late, SEEN_VALUE, 0)->body, "yes");
}

static void a_value_without_the_right_is_refused(void **state)
{
    struct live *live = *state;
    struct peer *web = live_join(live, "web", 0);

    live_until(live, web->counted[SEEN_UP] == 1);
    assert_int_equal(bus_set(web->bus, "shop.open", "", text("x"), 0), 0);
    live_until(live, web->counted[SEEN_REFUSED] == 1);
    assert_int_equal(bus_set(web->bus, "shop.open", "", text("x"), 0), ERR_FORBIDDEN);
}

static void a_tap_sees_a_call_and_its_answer_and_nothing_that_its_filter_excludes(void **state)
{
    struct live *live = *state;
    struct peer *cli = live_join(live, "cli", 0), *web = live_join(live, "web", 0);
    uint64_t cid;

    offering(live, 1, echo);
    bus_tap(cli->bus, "shop.price actor=web", 1, false);
    live_until(live, cli->counted[SEEN_UP] == 1);
    bus_call(cli->bus, "$sys.stats", NULL, text(""), 5000, &cid); /* the tap stands once this is answered */
    live_until(live, cli->counted[SEEN_REPLY] == 1);
    bus_call(web->bus, "shop.cost", NULL, text("no"), 5000, &cid);
    bus_call(web->bus, "shop.price", NULL, text("tea"), 5000, &cid);
    live_until(live, cli->counted[SEEN_TAP] == 2);
    assert_int_equal(peer_seen(cli, SEEN_TAP, 0)->tap, BUS_TAP_CALL);
    assert_string_equal(peer_seen(cli, SEEN_TAP, 0)->from, "web");
    assert_string_equal(peer_seen(cli, SEEN_TAP, 0)->text, "shop");
    assert_string_equal(peer_seen(cli, SEEN_TAP, 0)->body, "tea");
    assert_int_equal(peer_seen(cli, SEEN_TAP, 1)->tap, BUS_TAP_REPLY);
}

/* Calls by hundreds while the operator's process does nothing; `n` of them are answered in the end. */
static void flood(struct peer *web, struct peer *shop, unsigned n)
{
    int64_t began = live_ms();
    uint64_t cid;

    for (unsigned asked = 0; asked < n; asked += 100) {
        for (unsigned i = 0; i < 100; i++)
            assert_int_equal(bus_call(web->bus, "shop.price", NULL, text("tea"), PATIENCE_MS, &cid), 0);
        while (web->counted[SEEN_REPLY] < asked + 100 && !live_late(began)) {
            bus_process(web->bus, live_ms());
            bus_process(shop->bus, live_ms());
        }
    }
}

static void what_a_slow_tap_misses_is_counted_exactly(void **state)
{
    struct live *live = *state;
    struct peer *cli = live_join(live, "cli", 0), *web = live_join(live, "web", 0), *shop;
    size_t shown = 0, dropped = 0;
    uint64_t cid;

    shop = offering(live, 1, echo);
    bus_tap(cli->bus, "shop.price", 1, false);
    bus_call(cli->bus, "$sys.stats", NULL, text(""), 5000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 1 && web->counted[SEEN_UP] == 1);
    flood(web, shop, 1000); /* two messages each, and room for 1024 */
    live_until(live, cli->counted[SEEN_TAP] >= 1025);
    for (size_t i = 0; i < cli->counted[SEEN_TAP]; i++) {
        const struct seen *seen = peer_seen(cli, SEEN_TAP, i);

        shown += seen->tap != BUS_TAP_DROPPED;
        dropped += seen->tap == BUS_TAP_DROPPED ? seen->size : 0;
    }
    assert_true(dropped > 0);
    assert_int_equal(shown + dropped, 2000);
}

static void a_filter_with_a_word_that_means_nothing_is_refused(void **state)
{
    struct live *live = *state;
    struct peer *cli = live_join(live, "cli", 0);

    bus_tap(cli->bus, "kind=cal", 1, false);
    live_until(live, cli->counted[SEEN_REFUSED] == 1);
    assert_int_equal(peer_seen(cli, SEEN_REFUSED, 0)->err, ERR_INVALID);
}

static void the_broker_answers_operators_about_itself(void **state)
{
    static const char *const names[] = { "$sys.queues", "$sys.peers",  "$sys.services", "$sys.streams",
                                         "$sys.stats",  "$sys.values", "$sys.why",      "$sys.dead.ls" };
    struct live *live = *state;
    struct peer *cli = live_join(live, "cli", 0), *web = live_join(live, "web", 0);
    size_t n = sizeof names / sizeof *names;
    uint64_t cid;

    for (size_t i = 0; i < n; i++)
        bus_call(cli->bus, names[i], NULL, text(""), 5000, &cid);
    bus_call(cli->bus, "$sys.nothing", NULL, text(""), 5000, &cid);
    bus_call(web->bus, "$sys.stats", NULL, text(""), 5000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == n + 1 && web->counted[SEEN_REPLY] == 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(peer_seen(cli, SEEN_REPLY, i)->err, 0);
    assert_int_equal(peer_seen(cli, SEEN_REPLY, n)->err, ERR_UNKNOWN_NAME);
    assert_int_equal(peer_seen(web, SEEN_REPLY, 0)->err, ERR_FORBIDDEN);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_setup, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(a_call_reaches_who_offers_the_service_and_its_answer_comes_back),
        LIVE(a_large_body_travels_whole_and_one_above_the_limit_does_not_leave),
        LIVE(an_error_comes_back_as_the_same_error_with_its_document),
        LIVE(what_the_policy_does_not_allow_is_refused),
        LIVE(a_wrong_secret_ends_the_connection_for_good),
        LIVE(a_deadline_that_passes_ends_the_call_and_cancels_it_at_the_worker),
        LIVE(who_did_not_answer_in_time_is_given_the_next_that_waits),
        LIVE(a_caller_that_leaves_cancels_what_it_asked),
        LIVE(a_worker_that_leaves_is_told_to_the_caller),
        LIVE(no_more_calls_than_slots_are_given_and_the_rest_waits),
        LIVE(a_service_that_is_single_has_one_process),
        LIVE(a_later_opening_of_a_store_fences_the_earlier_one_off),
        LIVE(clients_come_back_after_the_broker_was_away_and_calls_made_meanwhile_are_answered),
        LIVE(a_client_that_reconnects_at_once_does_not_meet_its_own_past),
        LIVE(a_value_is_shown_when_it_is_set_expires_and_who_comes_later_sees_it_too),
        LIVE(a_value_without_the_right_is_refused),
        LIVE(a_tap_sees_a_call_and_its_answer_and_nothing_that_its_filter_excludes),
        LIVE(what_a_slow_tap_misses_is_counted_exactly),
        LIVE(a_filter_with_a_word_that_means_nothing_is_refused),
        LIVE(the_broker_answers_operators_about_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

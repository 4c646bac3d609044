/* pause_test - a queue that an operator has stopped, and lets go on. */
#include "tests/unit/broker/live.h"

#include <string.h>

#include "broker/client/mp.h"

static void put(struct peer *shop, uint64_t seq, const char *body)
{
    struct bus_head head = { .job = live_id(body), .key = bytes_of_text("video") };

    assert_int_equal(bus_put(shop->bus, "shop.pack", seq, &head, bytes_of_text(body)), 0);
}

/* What a call with one member is answered. */
static const struct seen *ask(struct live *live, struct peer *peer, const char *call, const char *member,
                              const char *text)
{
    size_t before = peer->counted[SEEN_REPLY];
    struct buf body = { 0 };
    uint64_t cid;

    mp_put_map(&body, 1);
    mp_put_str(&body, member);
    mp_put_str(&body, text);
    assert_int_equal(bus_call(peer->bus, call, NULL, buf_bytes(&body), 5000, &cid), 0);
    live_until(live, peer->counted[SEEN_REPLY] == before + 1);
    buf_free(&body);
    return peer_seen(peer, SEEN_REPLY, before);
}

static void assert_changed(struct live *live, struct peer *cli, const char *call, uint8_t n)
{
    const uint8_t expected[] = { 0x81, 0xa7, 'c', 'h', 'a', 'n', 'g', 'e', 'd', n };
    const struct seen *answer = ask(live, cli, call, "queue", "shop.pack");

    assert_int_equal(answer->err, 0);
    assert_int_equal(answer->size, sizeof expected);
    assert_memory_equal(answer->body, expected, sizeof expected);
}

/* What the broker has told the worker until now has arrived: its own call was answered behind it. */
static void heard(struct live *live, struct peer *worker)
{
    size_t before = worker->counted[SEEN_REPLY];
    uint64_t cid;

    assert_int_equal(bus_call(worker->bus, "shop.price", NULL, (struct bytes) { 0 }, 5000, &cid), 0);
    live_until(live, worker->counted[SEEN_REPLY] == before + 1);
}

static void ack_it(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_JOB)
        assert_int_equal(bus_ack(peer->bus, seen->number, bytes_of_text("done")), 0);
}

static void answer_it(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_REQUEST)
        assert_int_equal(bus_reply(peer->bus, seen->number, bytes_of_text("7")), 0);
}

static void a_paused_queue_takes_and_ends_jobs_and_gives_none_until_it_goes_on(void **state)
{
    struct live *live = *state;
    struct peer *shop = live_join(live, "shop", 1), *worker = live_join(live, "worker", 0),
                *cli = live_join(live, "cli", 0);

    shop->answer = answer_it;
    bus_offer(shop->bus, "shop", 8, true);
    bus_take(worker->bus, "shop.pack", 1, 0);
    live_until(live, shop->counted[SEEN_UP] == 1);
    put(shop, 1, "at work");
    live_until(live, worker->counted[SEEN_JOB] == 1);
    put(shop, 2, "waits");
    assert_changed(live, cli, "$sys.queue.pause", 1);
    assert_changed(live, cli, "$sys.queue.pause", 0);
    put(shop, 3, "is new");
    worker->answer = ack_it;
    assert_int_equal(bus_ack(worker->bus, peer_seen(worker, SEEN_JOB, 0)->number, bytes_of_text("done")), 0);
    live_until(live, shop->counted[SEEN_OK] == 3 && worker->counted[SEEN_SETTLED] == 1);
    heard(live, worker);
    assert_int_equal(worker->counted[SEEN_JOB], 1);
    assert_non_null(memmem(ask(live, cli, "$sys.why", "key", "video")->body, 64, "paused", 6));

    live_stop(live);
    live_start(live);
    live_until(live, shop->counted[SEEN_UP] == 2 && worker->counted[SEEN_UP] == 2 && cli->counted[SEEN_UP] == 2);
    put(shop, 4, "came after the start");
    live_until(live, shop->counted[SEEN_OK] == 4);
    heard(live, worker);
    assert_int_equal(worker->counted[SEEN_JOB], 1);
    assert_changed(live, cli, "$sys.queue.resume", 1);
    live_until(live, worker->counted[SEEN_SETTLED] == 4);
    assert_string_equal(peer_seen(worker, SEEN_JOB, 1)->body, "waits");
    assert_string_equal(peer_seen(worker, SEEN_JOB, 2)->body, "is new");
    assert_string_equal(peer_seen(worker, SEEN_JOB, 3)->body, "came after the start");
    assert_changed(live, cli, "$sys.queue.resume", 0);
}

static void a_queue_that_is_not_there_and_a_role_that_may_not_are_refused(void **state)
{
    struct live *live = *state;
    struct peer *cli = live_join(live, "cli", 0), *web = live_join(live, "web", 0);

    assert_int_equal(ask(live, cli, "$sys.queue.pause", "queue", "shop.paint")->err, ERR_NOT_FOUND);
    assert_int_equal(ask(live, cli, "$sys.queue.resume", "other", "shop.pack")->err, ERR_NOT_FOUND);
    assert_int_equal(ask(live, web, "$sys.queue.pause", "queue", "shop.pack")->err, ERR_FORBIDDEN);
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_setup, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(a_paused_queue_takes_and_ends_jobs_and_gives_none_until_it_goes_on),
        LIVE(a_queue_that_is_not_there_and_a_role_that_may_not_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

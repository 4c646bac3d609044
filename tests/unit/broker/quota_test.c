/* quota_test - what one peer may have at a time, and how its bounds are told while the broker runs. */
#include "tests/unit/broker/bare.h"

#include <string.h>

#include "gen/common.h"

/* As `kinobus config set` does: a lasting value. */
static void told(const char *setting, const char *text)
{
    struct setting_text value = { .text = text };
    struct buf body = { 0 };
    struct frame_head head = { .key = bytes_of_text(setting) };

    assert_int_equal(setting_text_pack(&value, &body), 0);
    bare_say(0, (struct frame) { .command = FRAME_OPEN, .code = VERB_SET, .handle = 40 },
             &(struct frame_head) { .topic = bytes_of_text("settings.broker") }, (struct bytes) { 0 });
    bare_say(0, (struct frame) { .command = FRAME_SET, .handle = 40 }, &head, buf_bytes(&body));
    bare_commit();
    bare_forget();
    buf_free(&body);
}

static void append(uint64_t seq, size_t size)
{
    static const char body[65536];

    bare_say(0, (struct frame) { .command = FRAME_APPEND, .handle = BARE_SOLD, .seq = seq }, NULL,
             bytes_of(body, size));
}

static void a_peer_says_no_more_in_a_second_than_it_may(void **state)
{
    (void)state;
    bare_hello(0);
    told("peer_per_s", "10");
    bare_pass(1000);
    for (uint64_t seq = 1; seq <= 11; seq++)
        append(seq, 1);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 429);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.seq, 11);
    bare_say(0, (struct frame) { .command = FRAME_REQ, .handle = BARE_CALL, .cid = 1, .ms = 1000 }, NULL,
             (struct bytes) { 0 });
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.code, 429);
    bare_commit();
    bare_forget();
    bare_pass(200);
    append(11, 1);
    append(12, 1);
    append(13, 1);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.seq, 13);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 429);
}

static void a_peer_has_no_more_bytes_on_their_way_than_it_may(void **state)
{
    uint64_t seq = 0;

    (void)state;
    bare_hello(0);
    told("in_flight_bytes", "65536");
    while (!bare_said(FRAME_OK, 0))
        append(++seq, 4096);
    assert_in_range(seq, 15, 17);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 429);
    bare_commit();
    bare_forget();
    append(seq, 4096);
    bare_commit();
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.code, 200);
}

static unsigned count(uint8_t command)
{
    unsigned n = 0;

    while (bare_said(command, n))
        n++;
    return n;
}

static void a_follower_has_no_more_bytes_than_it_may_and_misses_nothing(void **state)
{
    enum { EVENTS = 50 };
    unsigned had = 0;

    (void)state;
    bare_hello(0);
    told("credit_bytes", "65536");
    bare_say(0, (struct frame) { .command = FRAME_SUB, .handle = BARE_FOLLOW, .code = 256 }, NULL,
             (struct bytes) { 0 });
    for (uint64_t seq = 1; seq <= EVENTS; seq++)
        append(seq, 4096);
    bare_commit();
    assert_in_range(count(FRAME_EVT), 15, 16);
    while (had < EVENTS) {
        assert_true(count(FRAME_EVT) > had); /* it is never left waiting */
        assert_int_equal(bare_said(FRAME_EVT, had)->frame.seq, had + 1);
        assert_in_range(count(FRAME_EVT) - had, 1, 16);
        bare_say(0, (struct frame) { .command = FRAME_CURSOR, .handle = BARE_FOLLOW, .seq = ++had, .code = 1 },
                 NULL, (struct bytes) { 0 });
        bare_commit();
    }
    assert_int_equal(count(FRAME_EVT), EVENTS);
}

static void put(uint64_t seq, uint8_t priority, size_t size)
{
    static const uint8_t body[65536];
    struct id job = { { 9, (uint8_t)seq } };

    bare_say(0, (struct frame) { .command = FRAME_PUT, .handle = BARE_PUT, .seq = seq },
             &(struct frame_head) { .job = frame_of_id(&job), .priority = priority }, bytes_of(body, size));
}

static void take(uint16_t credit, uint32_t spare)
{
    bare_say(0, (struct frame) { .command = FRAME_CREDIT, .handle = BARE_TAKE, .code = credit, .ms = spare }, NULL,
             (struct bytes) { 0 });
    bare_commit();
}

/* The n-th job that was given ends. */
static void ack(unsigned n)
{
    bare_say(0, (struct frame) { .command = FRAME_ACK, .cid = bare_said(FRAME_JOB, n)->frame.cid }, NULL,
             (struct bytes) { 0 });
    bare_commit();
}

static void a_worker_has_no_more_bytes_than_it_may_but_for_what_is_urgent(void **state)
{
    (void)state;
    bare_hello(0);
    told("credit_bytes", "65536");
    put(1, 1, 65536); /* more than that with its head: one is always given */
    put(2, 1, 65536);
    put(3, 1, 65536);
    bare_commit();
    take(8, 1);
    assert_int_equal(count(FRAME_JOB), 1);
    put(4, BUS_URGENT, 65536);
    bare_commit();
    assert_int_equal(count(FRAME_JOB), 2);
    assert_int_equal(bare_said(FRAME_JOB, 1)->frame.seq, 4);
    ack(1);
    assert_int_equal(count(FRAME_JOB), 2); /* the first one alone is as much as it may have */
    ack(0);
    assert_int_equal(count(FRAME_JOB), 3);
    ack(2);
    assert_int_equal(count(FRAME_JOB), 4);
    assert_int_equal(bare_said(FRAME_JOB, 3)->frame.seq, 3);
}

static void urgent_jobs_have_room_beside_others_and_not_beside_each_other(void **state)
{
    (void)state;
    bare_hello(0);
    for (uint64_t seq = 1; seq <= 3; seq++)
        put(seq, BUS_URGENT, 1);
    put(4, 1, 1);
    put(5, 1, 1);
    bare_commit();
    take(2, 2);
    assert_int_equal(count(FRAME_JOB), 2);
    ack(0);
    assert_int_equal(count(FRAME_JOB), 3);
    ack(1);
    ack(2);
    assert_int_equal(count(FRAME_JOB), 5); /* those that were not, when there is no other any more */
    for (uint64_t seq = 6; seq <= 8; seq++)
        put(seq, BUS_URGENT, 1);
    bare_commit();
    assert_int_equal(count(FRAME_JOB), 7);
    ack(3);
    assert_int_equal(count(FRAME_JOB), 7); /* two of them are at work, whatever else is free */
    ack(5);
    assert_int_equal(count(FRAME_JOB), 8);
}

static uint16_t verdict(uint64_t seq)
{
    for (unsigned n = count(FRAME_OK); n-- > 0;) {
        if (bare_said(FRAME_OK, n)->frame.seq == seq)
            return bare_said(FRAME_OK, n)->frame.code;
    }
    return 0;
}

static void a_peer_stores_no_more_than_it_may_and_what_it_stored_still_ends(void **state)
{
    const uint64_t most = (1u << 20) / 65536;
    struct queue *queue = names_queue(bare_of()->broker, bytes_of_text("a.b"));

    (void)state;
    bare_hello(0);
    told("peer_stored_bytes", "1048576");
    for (uint64_t seq = 1; seq <= most; seq++)
        put(seq, 1, 65536);
    bare_commit();
    assert_int_equal(verdict(most - 1), 200);
    assert_int_equal(verdict(most), 507); /* a head has bytes, too */
    append(most, 65536);
    assert_int_equal(bare_said(FRAME_OK, count(FRAME_OK) - 1)->frame.code,
                     507); /* one bound for all that it stores */
    take(1, 0);
    ack(0);
    assert_int_equal(bare_said(FRAME_ACK, 0)->frame.code, 200);
    put(most, 1, 65000);
    bare_commit();
    assert_int_equal(verdict(most), 200);
    assert_int_equal(queue->bytes, bus_store_totals(bare_of()->broker->store, queue->id).bytes);
    while (count(FRAME_ACK) < most)
        ack(count(FRAME_ACK));
    assert_int_equal(queue->bytes, 0);
}

static void a_setting_is_taken_over_and_a_wrong_one_is_not(void **state)
{
    (void)state;
    bare_hello(0);
    told("window", "3");
    assert_int_equal(bare_of()->broker->settings->window, 3);
    told("window", "0");
    told("nonsense", "1");
    assert_int_equal(bare_of()->broker->settings->window, 3);
    for (uint64_t seq = 1; seq <= 4; seq++)
        append(seq, 1);
    assert_int_equal(bare_said(FRAME_OK, 0)->frame.seq, 4);
}

static void its_counters_and_settings_are_values_like_those_of_every_actor(void **state)
{
    static const char *const names[] = { "metrics.broker", "config.broker" };

    (void)state;
    bare_hello(0);
    bare_pass(1);
    for (uint32_t i = 0; i < 2; i++) {
        bare_forget();
        bare_say(0, (struct frame) { .command = FRAME_OPEN, .code = VERB_WATCH, .handle = 50 + i },
                 &(struct frame_head) { .topic = bytes_of_text(names[i]) }, (struct bytes) { 0 });
        bare_say(0, (struct frame) { .command = FRAME_WATCH, .handle = 50 + i }, NULL, (struct bytes) { 0 });
        assert_non_null(bare_said(FRAME_VAL, 0));
        assert_true(bare_said(FRAME_VAL, 0)->size > 100);
    }
}

static void offer(uint8_t who, uint16_t slots)
{
    bare_say(who, (struct frame) { .command = FRAME_OFFER, .handle = BARE_OFFER, .code = slots }, NULL,
             bytes_of(NULL, 0));
}

/* How many calls a peer can make until one is refused. */
static unsigned asks_until_refused(uint8_t who)
{
    unsigned n = 0;

    bare_forget();
    while (!bare_said(FRAME_ERR, 0))
        bare_say(who, (struct frame) { .command = FRAME_REQ, .handle = BARE_CALL, .cid = ++n, .ms = 60000 }, NULL,
                 bytes_of(NULL, 0));
    assert_int_equal(bare_said(FRAME_ERR, 0)->frame.code, 1000 - ERR_BUSY);
    return n - 1;
}

static void nobody_fills_a_service_so_that_others_cannot_ask_it(void **state)
{
    (void)state;
    for (uint8_t who = 0; who < 4; who++)
        bare_hello(who);
    told("calls_waiting", "12");
    offer(0, 1);
    assert_int_equal(asks_until_refused(1), 7); /* one is answered, and of twelve places half */
    assert_int_equal(asks_until_refused(2), 3);
    assert_int_equal(asks_until_refused(3), 2);
    bare_say(1, (struct frame) { .command = FRAME_BYE }, NULL, bytes_of(NULL, 0));
    bare_commit();
    bare_forget();
    bare_say(2, (struct frame) { .command = FRAME_REQ, .handle = BARE_CALL, .cid = 99, .ms = 60000 }, NULL,
             bytes_of(NULL, 0));
    assert_null(bare_said(FRAME_ERR, 0));
}

static void a_peers_share_of_those_who_wait_is_a_setting(void **state)
{
    (void)state;
    bare_hello(0);
    bare_hello(1);
    told("calls_waiting", "12");
    told("calls_waiting_share", "50");
    offer(0, 1);
    assert_int_equal(asks_until_refused(1), 5);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, bare_setup, bare_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_peer_says_no_more_in_a_second_than_it_may),
        CASE(a_peer_has_no_more_bytes_on_their_way_than_it_may),
        CASE(a_follower_has_no_more_bytes_than_it_may_and_misses_nothing),
        CASE(a_worker_has_no_more_bytes_than_it_may_but_for_what_is_urgent),
        CASE(urgent_jobs_have_room_beside_others_and_not_beside_each_other),
        CASE(a_peer_stores_no_more_than_it_may_and_what_it_stored_still_ends),
        CASE(a_setting_is_taken_over_and_a_wrong_one_is_not),
        CASE(nobody_fills_a_service_so_that_others_cannot_ask_it),
        CASE(a_peers_share_of_those_who_wait_is_a_setting),
        CASE(its_counters_and_settings_are_values_like_those_of_every_actor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* jobs_test - jobs and events between real clients, across losses of workers and of the broker. */
#include "tests/unit/broker/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/client/mp.h"

static struct bytes text(const char *t)
{
    return bytes_of_text(t);
}

static struct peer *owner(struct live *live, uint32_t epoch)
{
    struct peer *shop = live_join(live, "shop", epoch);

    live_until(live, shop->counted[SEEN_UP] == 1);
    return shop;
}

static void put(struct peer *shop, uint64_t seq, const char *body, uint8_t priority, uint32_t delay_ms)
{
    struct bus_head head = {
        .job = live_id(body), .key = text("video"), .priority = priority, .delay_ms = delay_ms
    };

    assert_int_equal(bus_put(shop->bus, "shop.pack", seq, &head, text(body)), 0);
}

static void append(struct peer *shop, uint64_t seq, const char *event, const char *body)
{
    struct bus_head head = { .key = text("k") };

    assert_int_equal(bus_append(shop->bus, event, seq, &head, text(body)), 0);
}

static void ack_it(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_JOB)
        assert_int_equal(bus_ack(peer->bus, seen->number, text("result")), 0);
}

static void a_job_is_confirmed_delivered_acknowledged_and_its_end_is_an_event(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0);
    const struct seen *job, *done;

    worker->answer = ack_it;
    bus_take(worker->bus, "shop.pack", 2, 0);
    bus_follow(shop->bus, "shop", "shop.packed,shop.spoilt", "shop", (struct bus_cursor) { 0 });
    put(shop, 1, "box", 0, 0);
    live_until(live,
               shop->counted[SEEN_OK] == 1 && shop->counted[SEEN_EVENT] == 1 && worker->counted[SEEN_SETTLED]);
    job = peer_seen(worker, SEEN_JOB, 0);
    done = peer_seen(shop, SEEN_EVENT, 0);
    assert_string_equal(job->body, "box");
    assert_string_equal(job->name, "shop.pack");
    assert_string_equal(job->from, "shop");
    assert_int_equal(job->attempt, 1);
    assert_false(job->flag);
    assert_string_equal(done->name, "shop.packed");
    assert_string_equal(done->body, "result");
    assert_string_equal(done->key, "video");
    assert_string_equal(done->from, "worker");
    assert_int_equal(done->attempt, 1);
    assert_true(id_equal(done->job, live_id("box")));
    assert_int_equal(peer_seen(worker, SEEN_SETTLED, 0)->err, 0);
}

static void a_message_sent_twice_is_a_duplicate_and_takes_effect_once(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0);

    put(shop, 7, "once", 0, 0);
    live_until(live, shop->counted[SEEN_OK] == 1);
    put(shop, 7, "once", 0, 0);
    put(shop, 9, "next", 0, 0);
    live_until(live, shop->counted[SEEN_OK] == 3);
    assert_false(peer_seen(shop, SEEN_OK, 0)->flag);
    assert_true(peer_seen(shop, SEEN_OK, 1)->flag);
    assert_false(peer_seen(shop, SEEN_OK, 2)->flag);
    worker->answer = ack_it;
    bus_take(worker->bus, "shop.pack", 8, 0);
    live_until(live, worker->counted[SEEN_SETTLED] == 2);
    assert_int_equal(worker->counted[SEEN_JOB], 2);
}

static void messages_put_in_one_turn_leave_together_and_each_is_confirmed(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1);

    for (uint64_t seq = 1; seq <= 600; seq++) {
        struct bus_head head = { .job = live_id("j"), .key = bytes_of_text("k") };

        assert_int_equal(bus_put(shop->bus, "shop.pack", seq, &head, bytes_of_text("box")), 0);
    }
    assert_int_equal(bus_timeout_ms(shop->bus, live_ms()), 0); /* the last ones have not left yet */
    live_until(live, shop->counted[SEEN_OK] == 600);
    for (size_t n = 0; n < 600; n++)
        assert_int_equal(peer_seen(shop, SEEN_OK, n)->number, n + 1);
}

static void jobs_come_by_priority_and_then_in_their_order(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0);
    static const char *const order[] = { "urgent", "first", "second", "last" };

    put(shop, 1, "last", 1, 0);
    put(shop, 2, "first", 5, 0);
    put(shop, 3, "urgent", 200, 0);
    put(shop, 4, "second", 5, 0);
    live_until(live, shop->counted[SEEN_OK] == 4);
    worker->answer = ack_it;
    bus_take(worker->bus, "shop.pack", 1, 0);
    live_until(live, worker->counted[SEEN_SETTLED] == 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(peer_seen(worker, SEEN_JOB, i)->body, order[i]);
}

static void a_worker_whose_hands_are_full_is_given_what_is_urgent(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0);

    put(shop, 1, "at work", 200, 0);
    put(shop, 2, "must wait", 200, 0);
    live_until(live, shop->counted[SEEN_OK] == 2);
    bus_take(worker->bus, "shop.pack", 1, 1);
    live_until(live, worker->counted[SEEN_JOB] == 1);
    put(shop, 3, "urgent", BUS_URGENT, 0);
    put(shop, 4, "urgent, too", 255, 0);
    live_until(live, worker->counted[SEEN_JOB] == 2);
    live_until(live, shop->counted[SEEN_OK] == 4);
    assert_int_equal(worker->counted[SEEN_JOB], 2); /* its spare hand is full now, too */
    assert_true(strncmp(peer_seen(worker, SEEN_JOB, 1)->body, "urgent", 6) == 0);
    bus_ack(worker->bus, peer_seen(worker, SEEN_JOB, 1)->number, (struct bytes) { 0 });
    live_until(live, worker->counted[SEEN_JOB] == 3); /* the other urgent one, and not what must wait */
    assert_true(strncmp(peer_seen(worker, SEEN_JOB, 2)->body, "urgent", 6) == 0);
    worker->answer = ack_it;
    bus_ack(worker->bus, peer_seen(worker, SEEN_JOB, 0)->number, (struct bytes) { 0 });
    bus_ack(worker->bus, peer_seen(worker, SEEN_JOB, 2)->number, (struct bytes) { 0 });
    live_until(live, worker->counted[SEEN_JOB] == 4);
    assert_string_equal(peer_seen(worker, SEEN_JOB, 3)->body, "must wait");
}

static void fail_it(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_JOB)
        assert_int_equal(bus_nack(peer->bus, seen->number, 0, false, ERR_IO, "no tape"), 0);
}

static void a_job_that_keeps_failing_is_tried_as_often_as_its_queue_says_and_then_dead(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0), *cli = live_join(live, "cli", 0);
    const struct seen *dead;
    uint64_t cid;

    worker->answer = fail_it;
    bus_take(worker->bus, "shop.pack", 1, 0);
    bus_follow(shop->bus, "shop", NULL, "shop", (struct bus_cursor) { 0 });
    put(shop, 1, "broken", 0, 0);
    live_until(live, shop->counted[SEEN_EVENT] == 1);
    dead = peer_seen(shop, SEEN_EVENT, 0);
    assert_string_equal(dead->name, "shop.spoilt");
    assert_string_equal(dead->body, "broken");
    assert_string_equal(dead->text, "no tape");
    assert_int_equal(dead->err, ERR_IO);
    assert_int_equal(dead->attempt, 3);
    assert_int_equal(worker->counted[SEEN_JOB], 3);
    assert_true(peer_seen(worker, SEEN_JOB, 1)->flag);
    /* An operator looks at it, and asks for one that is not there. */
    bus_call(cli->bus, "$sys.dead.show", NULL, bytes_of("\x82\xa5queue\xa9shop.pack\xa3seq\x01", 22), 5000, &cid);
    bus_call(cli->bus, "$sys.dead.show", NULL, bytes_of("\x82\xa5queue\xa9shop.pack\xa3seq\x02", 22), 5000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 2);
    assert_int_equal(peer_seen(cli, SEEN_REPLY, 0)->err, 0);
    assert_int_equal(peer_seen(cli, SEEN_REPLY, 1)->err, ERR_NOT_FOUND);
    /* It is tried again: map { queue: "shop.pack", seq: 1 } */
    worker->answer = ack_it;
    bus_call(cli->bus, "$sys.dead.requeue", NULL, bytes_of("\x82\xa5queue\xa9shop.pack\xa3seq\x01", 22), 5000,
             &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 3 && shop->counted[SEEN_EVENT] == 2);
    assert_int_equal(peer_seen(cli, SEEN_REPLY, 2)->err, 0);
    assert_string_equal(peer_seen(shop, SEEN_EVENT, 1)->name, "shop.packed");
}

static void all_dead_jobs_of_a_queue_are_requeued_by_one_call(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0), *cli = live_join(live, "cli", 0);
    struct buf ask = { 0 };
    uint64_t cid;

    worker->answer = fail_it;
    bus_take(worker->bus, "shop.pack", 8, 0);
    for (uint64_t seq = 1; seq <= 5; seq++)
        put(shop, seq, "broken", 0, 0);
    bus_follow(shop->bus, "shop", "shop.spoilt,shop.packed", "shop", (struct bus_cursor) { 0 });
    live_until(live, shop->counted[SEEN_EVENT] == 5);
    worker->answer = ack_it;
    mp_put_map(&ask, 2);
    mp_put_str(&ask, "queue");
    mp_put_str(&ask, "shop.pack");
    mp_put_str(&ask, "all");
    mp_put_bool(&ask, true);
    bus_call(cli->bus, "$sys.dead.requeue", NULL, buf_bytes(&ask), 5000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 1 && shop->counted[SEEN_EVENT] == 10);
    assert_memory_equal(peer_seen(cli, SEEN_REPLY, 0)->body,
                        "\x81\xa7"
                        "changed\x05",
                        10);
    assert_string_equal(peer_seen(shop, SEEN_EVENT, 9)->name, "shop.packed");
    buf_free(&ask);
}

/* What the shop's call of $sys.withdraw for this key answers: 0x81 and up are small numbers of msgpack. */
static const char *withdraw(struct live *live, struct peer *shop, const char *key)
{
    size_t before = shop->counted[SEEN_REPLY];
    struct buf ask = { 0 };
    uint64_t cid;

    mp_put_map(&ask, 1);
    mp_put_str(&ask, "key");
    mp_put_str(&ask, key);
    bus_call(shop->bus, "$sys.withdraw", NULL, buf_bytes(&ask), 5000, &cid);
    live_until(live, shop->counted[SEEN_REPLY] == before + 1);
    buf_free(&ask);
    return peer_seen(shop, SEEN_REPLY, before)->body;
}

static void jobs_that_nobody_wants_any_more_are_withdrawn_by_who_put_them(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0), *cli = live_join(live, "cli", 0);
    struct bus_head other = { .job = live_id("other"), .key = text("other") };

    live_until(live, cli->counted[SEEN_UP] == 1);
    bus_take(worker->bus, "shop.pack", 1, 0); /* holds the first one, and says nothing */
    for (uint64_t seq = 1; seq <= 3; seq++)
        put(shop, seq, "box", 0, 0);
    put(shop, 4, "later", 0, 60000);
    assert_int_equal(bus_put(shop->bus, "shop.pack", 5, &other, text("kept")), 0);
    live_until(live, shop->counted[SEEN_OK] == 5 && worker->counted[SEEN_JOB] == 1);
    assert_memory_equal(withdraw(live, cli, "video"), "\x83\xa9withdrawn\x00\xa4held\x00", 18);
    worker->answer = ack_it;
    assert_memory_equal(withdraw(live, shop, "video"), "\x83\xa9withdrawn\x03\xa4held\x01", 18);
    live_until(live, worker->counted[SEEN_LEASE_LOST] == 1 && worker->counted[SEEN_SETTLED] == 1);
    assert_int_equal(peer_seen(worker, SEEN_LEASE_LOST, 0)->err, ERR_CANCELLED);
    assert_int_equal(worker->counted[SEEN_JOB], 2); /* the next it got is the one of another key */
    assert_string_equal(peer_seen(worker, SEEN_JOB, 1)->body, "kept");
    bus_follow(shop->bus, "shop", "shop.packed,shop.spoilt", "shop", (struct bus_cursor) { 0 });
    live_until(live, shop->counted[SEEN_EVENT] == 1); /* of that one alone */
    assert_memory_equal(withdraw(live, shop, "video"), "\x83\xa9withdrawn\x00\xa4held\x01", 18);
}

static void wait_first(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_JOB && peer->counted[SEEN_JOB] <= 5)
        bus_nack(peer->bus, seen->number, 1, true, ERR_WAIT, NULL);
    else
        ack_it(peer, seen);
}

static void a_job_handed_back_to_wait_does_not_use_up_its_attempts(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0);

    worker->answer = wait_first;
    bus_take(worker->bus, "shop.pack", 1, 0);
    bus_follow(shop->bus, "shop", NULL, NULL, (struct bus_cursor) { 0 });
    put(shop, 1, "slow", 0, 0);
    live_until(live, shop->counted[SEEN_EVENT] == 1);
    assert_string_equal(peer_seen(shop, SEEN_EVENT, 0)->name, "shop.packed");
    assert_int_equal(peer_seen(shop, SEEN_EVENT, 0)->attempt, 1);
}

static void a_worker_that_leaves_gives_its_job_to_another(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *first = live_join(live, "worker", 0),
                *second = live_join(live, "worker", 0);

    bus_take(first->bus, "shop.pack", 1, 0);
    put(shop, 1, "box", 0, 0);
    live_until(live, first->counted[SEEN_JOB] == 1);
    second->answer = ack_it;
    bus_take(second->bus, "shop.pack", 1, 0);
    live_leave(first);
    live_until(live, second->counted[SEEN_SETTLED] == 1);
    assert_int_equal(peer_seen(second, SEEN_JOB, 0)->attempt, 1);
}

/* Takes one job and then does nothing, until it is killed. */
static void sleeper(const char *dir)
{
    struct live *mine = calloc(1, sizeof *mine);

    strcpy(mine->dir, dir);
    bus_take(live_join(mine, "worker", 0)->bus, "shop.pack", 1, 0);
    for (;;)
        live_pump(mine, 1000);
}

static const struct seen *tapped(const struct peer *cli, const char *name)
{
    const struct seen *seen;

    for (size_t i = 0; (seen = peer_seen(cli, SEEN_TAP, i)) && strcmp(seen->name, name) != 0; i++)
        ;
    return seen;
}

static bool tapped_kind(const struct peer *cli, enum bus_tap_kind kind)
{
    const struct seen *seen;

    for (size_t i = 0; (seen = peer_seen(cli, SEEN_TAP, i)); i++) {
        if (seen->tap == kind)
            return true;
    }
    return false;
}

static void a_worker_that_is_killed_gives_its_job_to_another_at_once(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *cli = live_join(live, "cli", 0), *worker;
    pid_t pid = live_process(sleeper, live->dir);
    uint64_t cid;

    bus_tap(cli->bus, "actor=worker", 1, true);
    bus_call(cli->bus, "$sys.stats", NULL, (struct bytes) { 0 }, 5000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 1); /* the tap stands: what comes now is seen */
    put(shop, 1, "box", 0, 0);
    live_until(live, tapped_kind(cli, BUS_TAP_JOB));
    worker = live_join(live, "worker", 0);
    worker->answer = ack_it;
    bus_take(worker->bus, "shop.pack", 1, 0);
    live_kill(pid);
    live_until(live, worker->counted[SEEN_SETTLED] == 1 && tapped(cli, "gone"));
    assert_int_equal(tapped(cli, "gone")->err, ERR_WORKER_LOST); /* the death was seen, not a heartbeat missed */
    assert_true(peer_seen(worker, SEEN_JOB, 0)->flag);
}

static void a_lease_outlives_the_broker_and_its_end_is_committed_once(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0),
                *other = live_join(live, "worker", 0);
    uint64_t lease;

    bus_follow(shop->bus, "shop", NULL, "shop", (struct bus_cursor) { 0 });
    bus_take(worker->bus, "shop.pack", 1, 0);
    put(shop, 1, "box", 0, 0);
    live_until(live, worker->counted[SEEN_JOB] == 1 && other->counted[SEEN_UP] == 1);
    lease = peer_seen(worker, SEEN_JOB, 0)->number;
    live_stop(live);
    live_until(live, worker->counted[SEEN_DOWN] == 1 && other->counted[SEEN_DOWN] == 1);
    assert_int_equal(bus_ack(worker->bus, lease, text("made while the broker was away")), 0);
    other->answer = ack_it;
    bus_take(other->bus, "shop.pack", 1, 0);
    live_start(live);
    live_until(live, worker->counted[SEEN_SETTLED] == 1 && shop->counted[SEEN_EVENT] == 1);
    assert_int_equal(peer_seen(worker, SEEN_SETTLED, 0)->err, 0);
    assert_string_equal(peer_seen(shop, SEEN_EVENT, 0)->body, "made while the broker was away");
    assert_int_equal(other->counted[SEEN_JOB], 0);
}

/* Its places mean other jobs: what was in hand is lost, and ends nothing there. */
static void leases_of_a_broker_that_lost_its_disk_are_lost(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0), *other;
    char command[128];

    bus_take(worker->bus, "shop.pack", 2, 0);
    put(shop, 1, "done", 0, 0);
    put(shop, 2, "in hand", 0, 0);
    live_until(live, worker->counted[SEEN_JOB] == 2);
    live_stop(live);
    live_until(live, worker->counted[SEEN_DOWN] == 1 && shop->counted[SEEN_DOWN] == 1);
    assert_int_equal(bus_ack(worker->bus, peer_seen(worker, SEEN_JOB, 0)->number, text("of the old job")), 0);
    bus_take(worker->bus, "shop.pack", 0, 0);
    snprintf(command, sizeof command, "rm -r %s/broker", live->dir);
    assert_int_equal(system(command), 0);
    live_start(live);
    live_until(live, shop->counted[SEEN_UP] == 2);
    put(shop, 3, "another", 0, 0);
    put(shop, 4, "and another", 0, 0);
    live_until(live, shop->counted[SEEN_OK] == 4 && worker->counted[SEEN_UP] == 2);
    live_until(live, worker->counted[SEEN_SETTLED] == 1 && worker->counted[SEEN_LEASE_LOST] == 1);
    assert_int_equal(peer_seen(worker, SEEN_SETTLED, 0)->err, ERR_LEASE_LOST);
    assert_int_equal(peer_seen(worker, SEEN_LEASE_LOST, 0)->err, ERR_LEASE_LOST);
    other = live_join(live, "worker", 0);
    other->answer = ack_it;
    bus_take(other->bus, "shop.pack", 2, 0);
    live_until(live, other->counted[SEEN_SETTLED] == 2);
}

static void jobs_and_lanes_survive_a_restart(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker;

    for (uint64_t seq = 1; seq <= 20; seq++)
        put(shop, seq, "box", 0, seq > 15 ? 100 : 0);
    live_until(live, shop->counted[SEEN_OK] == 20);
    live_stop(live);
    live_start(live);
    live_until(live, shop->counted[SEEN_UP] == 2);
    put(shop, 20, "box", 0, 0);
    live_until(live, shop->counted[SEEN_OK] == 21);
    assert_true(peer_seen(shop, SEEN_OK, 20)->flag);
    worker = live_join(live, "worker", 0);
    worker->answer = ack_it;
    bus_take(worker->bus, "shop.pack", 4, 0);
    live_until(live, worker->counted[SEEN_SETTLED] == 20);
}

static void a_job_whose_time_ran_out_is_dead_and_nobody_works_on_it(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *worker = live_join(live, "worker", 0);
    struct bus_head head = { .job = live_id("late"), .ttl_ms = 1, .delay_ms = 20 };

    bus_follow(shop->bus, "shop", NULL, NULL, (struct bus_cursor) { 0 });
    bus_take(worker->bus, "shop.pack", 1, 0);
    assert_int_equal(bus_put(shop->bus, "shop.pack", 1, &head, text("late")), 0);
    live_until(live, shop->counted[SEEN_EVENT] == 1);
    assert_string_equal(peer_seen(shop, SEEN_EVENT, 0)->name, "shop.spoilt");
    assert_int_equal(peer_seen(shop, SEEN_EVENT, 0)->err, ERR_EXPIRED);
    assert_int_equal(worker->counted[SEEN_JOB], 0);
}

static void a_backup_is_a_store_that_opens_with_an_id_of_its_own(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *cli = live_join(live, "cli", 0);
    struct bus_store_options copy = { .any_filesystem = true, .no_thread = true };
    struct buf ask = { 0 };
    struct bus_store *store;
    char dir[100];
    uint64_t cid;

    put(shop, 1, "box", 0, 0);
    live_until(live, shop->counted[SEEN_OK] == 1);
    snprintf(dir, sizeof dir, "%s/copy", live->dir);
    mp_put_map(&ask, 1);
    mp_put_str(&ask, "dir");
    mp_put_str(&ask, dir);
    bus_call(cli->bus, "$sys.backup", NULL, buf_bytes(&ask), 15000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 1);
    assert_int_equal(peer_seen(cli, SEEN_REPLY, 0)->err, 0);
    copy.dir = dir;
    assert_int_equal(bus_store_open(&copy, &store), 0);
    assert_false(id_equal(bus_store_id(store), live->broker->store_id));
    bus_store_close(&store);
    buf_free(&ask);
}

static void only_an_owner_of_a_store_may_produce(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 0);
    struct bus_head head = { .job = live_id("x") };

    assert_int_equal(bus_put(shop->bus, "shop.pack", 1, &head, text("x")), ERR_UNSUPPORTED);
}

static void read_it(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_EVENT)
        bus_cursor(peer->bus, "shop", seen->number);
}

static void a_group_goes_on_where_it_was_and_gets_only_what_it_asked_for_and_may_see(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *reader = live_join(live, "reader", 0), *again;

    reader->answer = read_it;
    bus_follow(reader->bus, "shop", NULL, "readers", (struct bus_cursor) { 0 });
    append(shop, 1, "shop.sold", "one");
    append(shop, 2, "shop.bought", "secret");
    append(shop, 3, "shop.sold", "two");
    live_until(live, reader->counted[SEEN_EVENT] == 2 && shop->counted[SEEN_OK] == 3);
    assert_string_equal(peer_seen(reader, SEEN_EVENT, 1)->body, "two");
    live_leave(reader);
    append(shop, 4, "shop.sold", "three");
    live_until(live, shop->counted[SEEN_OK] == 4);
    live_stop(live);
    live_start(live);
    again = live_join(live, "reader", 0);
    bus_follow(again->bus, "shop", NULL, "readers", (struct bus_cursor) { 0 });
    live_until(live, again->counted[SEEN_TAIL] == 1);
    assert_int_equal(again->counted[SEEN_EVENT], 1);
    assert_string_equal(peer_seen(again, SEEN_EVENT, 0)->body, "three");
}

static void a_follower_never_has_more_events_in_hand_than_its_credit(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *reader = live_join(live, "reader", 0), *cli = live_join(live, "cli", 0);
    uint64_t cid;

    for (uint64_t seq = 1; seq <= 600; seq++)
        append(shop, seq, "shop.sold", "x");
    live_until(live, shop->counted[SEEN_OK] == 600);
    bus_follow(reader->bus, "shop", NULL, NULL, (struct bus_cursor) { 0 });
    live_until(live, reader->counted[SEEN_EVENT] == 256);
    bus_call(cli->bus, "$sys.stats", NULL, text(""), 5000, &cid);
    live_until(live, cli->counted[SEEN_REPLY] == 1);
    assert_int_equal(reader->counted[SEEN_EVENT], 256);
    reader->answer = read_it;
    bus_cursor(reader->bus, "shop", 256);
    live_until(live, reader->counted[SEEN_EVENT] == 600 && reader->counted[SEEN_TAIL] == 1);
    for (size_t i = 0; i < 600; i++)
        assert_int_equal(peer_seen(reader, SEEN_EVENT, i)->number, i + 1);
}

static void a_cursor_of_another_store_is_told_that_events_are_lost(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *reader = live_join(live, "reader", 0);
    struct bus_cursor foreign = { live_id("other"), 77 };

    append(shop, 1, "shop.sold", "one");
    live_until(live, shop->counted[SEEN_OK] == 1);
    bus_follow(reader->bus, "shop", "shop.sold", NULL, foreign);
    live_until(live, reader->counted[SEEN_LOST] == 1 && reader->counted[SEEN_EVENT] == 1);
    assert_int_equal(peer_seen(reader, SEEN_LOST, 0)->number, 0);
}

static void a_follower_from_the_end_gets_only_what_comes_then(void **state)
{
    struct live *live = *state;
    struct peer *shop = owner(live, 1), *reader = live_join(live, "reader", 0);

    append(shop, 1, "shop.sold", "old");
    live_until(live, shop->counted[SEEN_OK] == 1);
    bus_follow(reader->bus, "shop", NULL, NULL, (struct bus_cursor) { .seq = BUS_FROM_END });
    live_until(live, reader->counted[SEEN_TAIL] == 1);
    assert_int_equal(peer_seen(reader, SEEN_TAIL, 0)->number, 1);
    append(shop, 2, "shop.sold", "new");
    live_until(live, reader->counted[SEEN_EVENT] == 1);
    assert_string_equal(peer_seen(reader, SEEN_EVENT, 0)->body, "new");
}

#define LIVE(test) cmocka_unit_test_setup_teardown(test, live_setup, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE(a_job_is_confirmed_delivered_acknowledged_and_its_end_is_an_event),
        LIVE(a_message_sent_twice_is_a_duplicate_and_takes_effect_once),
        LIVE(messages_put_in_one_turn_leave_together_and_each_is_confirmed),
        LIVE(jobs_come_by_priority_and_then_in_their_order),
        LIVE(a_worker_whose_hands_are_full_is_given_what_is_urgent),
        LIVE(a_job_that_keeps_failing_is_tried_as_often_as_its_queue_says_and_then_dead),
        LIVE(all_dead_jobs_of_a_queue_are_requeued_by_one_call),
        LIVE(jobs_that_nobody_wants_any_more_are_withdrawn_by_who_put_them),
        LIVE(a_job_handed_back_to_wait_does_not_use_up_its_attempts),
        LIVE(a_worker_that_leaves_gives_its_job_to_another),
        LIVE(a_worker_that_is_killed_gives_its_job_to_another_at_once),
        LIVE(a_lease_outlives_the_broker_and_its_end_is_committed_once),
        LIVE(leases_of_a_broker_that_lost_its_disk_are_lost),
        LIVE(jobs_and_lanes_survive_a_restart),
        LIVE(a_job_whose_time_ran_out_is_dead_and_nobody_works_on_it),
        LIVE(a_backup_is_a_store_that_opens_with_an_id_of_its_own),
        LIVE(only_an_owner_of_a_store_may_produce),
        LIVE(a_group_goes_on_where_it_was_and_gets_only_what_it_asked_for_and_may_see),
        LIVE(a_follower_never_has_more_events_in_hand_than_its_credit),
        LIVE(a_cursor_of_another_store_is_told_that_events_are_lost),
        LIVE(a_follower_from_the_end_gets_only_what_comes_then),
    };

    live_forker();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

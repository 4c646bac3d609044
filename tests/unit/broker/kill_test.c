/* kill_test - the broker is killed with SIGKILL again and again under load, and nothing it confirmed is lost or
 * happens twice: every job put ends in exactly one event, and events keep their order. */
#include "tests/unit/broker/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JOBS = 6000, KILLS = 30 };

static uint64_t next_seq, confirmed_upto, last_event;
static uint8_t confirmed[JOBS + 1], ended[JOBS + 1];
static unsigned ended_n, duplicates;

static void broker_process(const char *dir)
{
    struct live *live = calloc(1, sizeof *live);

    strcpy(live->dir, dir);
    live_start(live);
    pthread_join(live->thread, NULL);
}

static struct id job_id(uint64_t seq)
{
    char text[16];

    snprintf(text, sizeof text, "%u", (unsigned)seq);
    return live_id(text);
}

static void put_more(struct peer *shop)
{
    while (next_seq <= JOBS) {
        struct bus_head head = { .job = job_id(next_seq), .key = bytes_of_text("k") };

        if (bus_put(shop->bus, "shop.pack", next_seq, &head, bytes_of_text("box")) < 0)
            return;
        next_seq++;
    }
}

static void owner_says(struct peer *peer, const struct seen *seen)
{
    uint64_t seq = 0;

    if (seen->kind == SEEN_UP) {
        next_seq = confirmed_upto + 1; /* what was not confirmed is put again, in order */
    } else if (seen->kind == SEEN_OK) {
        confirmed[seen->number] = 1;
        duplicates += seen->flag;
        while (confirmed_upto < JOBS && confirmed[confirmed_upto + 1])
            confirmed_upto++;
    } else if (seen->kind == SEEN_NO) {
        next_seq = seen->number;
    } else if (seen->kind == SEEN_EVENT && seen->number > last_event) {
        last_event = seen->number;
        assert_string_equal(seen->name, "shop.packed");
        seq = strtoull((const char *)seen->job.b + 1, NULL, 10);
        assert_in_range(seq, 1, JOBS);
        assert_int_equal(ended[seq], 0); /* twice would be one too many */
        ended[seq] = 1;
        ended_n++;
        bus_cursor(peer->bus, "shop", seen->number);
    }
}

static void worker_says(struct peer *peer, const struct seen *seen)
{
    if (seen->kind == SEEN_JOB)
        bus_ack(peer->bus, seen->number, bytes_of_text("done"));
}

static void a_broker_that_is_killed_under_load_loses_nothing_and_repeats_nothing(void **state)
{
    struct live *live = *state;
    struct peer *shop, *workers[2];
    unsigned seed = 11;
    pid_t pid;

    live_stop(live);
    pid = live_process(broker_process, live->dir);
    next_seq = 1;
    shop = live_join(live, "shop", 1);
    shop->answer = owner_says;
    bus_follow(shop->bus, "shop", NULL, "shop", (struct bus_cursor) { 0 });
    for (int i = 0; i < 2; i++) {
        workers[i] = live_join(live, "worker", 0);
        workers[i]->answer = worker_says;
        bus_take(workers[i]->bus, "shop.pack", 16, 0);
    }
    for (unsigned kills = 0; kills < KILLS; kills++) {
        unsigned until = ended_n + 1 + rand_r(&seed) % (JOBS / KILLS);

        live_until(live, (put_more(shop), ended_n >= until || ended_n == JOBS));
        for (int pumps = rand_r(&seed) % 4; pumps > 0; pumps--)
            live_pump(live, 1); /* strike in the midst of a commit, too */
        put_more(shop);
        live_kill(pid);
        pid = live_process(broker_process, live->dir);
    }
    live_until(live, (put_more(shop), ended_n == JOBS && confirmed_upto == JOBS));
    assert_int_equal(last_event, JOBS);
    print_message("killed %d times, %u repetitions recognised\n", KILLS, duplicates);
    for (size_t i = 0; i < live->peers_n; i++)
        bus_close(&live->peers[i].bus, 0);
    live_kill(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_broker_that_is_killed_under_load_loses_nothing_and_repeats_nothing,
                                        live_setup, live_teardown),
    };

    live_forker();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

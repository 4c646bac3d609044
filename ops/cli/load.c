/* load - see load.h. What ends is begun anew at once, in the same place of a table, until the time is over. */
#include "ops/cli/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/cli.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"

#define LOAD_VALUE "cli.bench"

enum { LOAD_DEADLINE_MS = 10000, LOAD_KEY = 32 };

struct place {
    bool busy;
    uint64_t cid; /* of a call; of a value: the number that it was set to */
    int64_t began_us;
};

struct loading {
    struct link *link;
    const struct load *load;
    struct load_result *result;
    int64_t until_us; /* nothing is begun any more */
    uint64_t number;
    unsigned busy;
    bool tidying;
    size_t room; /* of result->took_us */
    struct place places[LOAD_WINDOW_MOST];
};

/* Two benchmarks at a time do not take each other's values for theirs. */
static void load_key(char key[static LOAD_KEY], size_t place)
{
    snprintf(key, LOAD_KEY, "%ld-%zu", (long)getpid(), place);
}

static int load_set(struct loading *l, size_t i, uint64_t number)
{
    struct bench bench = { .number = number };
    struct buf body = { 0 };
    char key[LOAD_KEY];
    int r = bench_pack(&bench, &body);

    load_key(key, i);
    if (r == 0)
        r = bus_set(link_bus(l->link), LOAD_VALUE, key, buf_bytes(&body), 0);
    buf_free(&body);
    return r;
}

static void load_failed(struct loading *l, int err)
{
    l->result->failed++;
    l->result->err = err;
}

static void load_begin(struct loading *l, size_t i)
{
    static const struct bus_head head;
    struct place *place = &l->places[i];
    int r;

    if (clock_mono_us() >= l->until_us || l->result->n + l->busy >= LOAD_TAKEN_MOST)
        return;
    place->began_us = clock_mono_us();
    place->cid = ++l->number;
    r = l->load->call
            ? bus_call(link_bus(l->link), l->load->call, &head, l->load->body, LOAD_DEADLINE_MS, &place->cid)
            : load_set(l, i, place->cid);
    place->busy = r == 0;
    l->busy += place->busy;
    if (r < 0)
        load_failed(l, r);
}

static void load_end(struct loading *l, size_t i, int err)
{
    struct load_result *result = l->result;

    l->places[i].busy = false;
    l->busy--;
    if (err < 0) {
        load_failed(l, err);
        return; /* what is refused is not asked again at once: the broker would hear of nothing else */
    }
    if (result->n == l->room) {
        l->room = l->room ? 2 * l->room : 4096;
        result->took_us = realloc(result->took_us, l->room * sizeof(*result->took_us));
        if (!result->took_us)
            abort();
    }
    result->took_us[result->n++] = (uint32_t)(clock_mono_us() - l->places[i].began_us);
    load_begin(l, i);
}

static void load_on_reply(void *ctx, uint64_t cid, int err)
{
    struct loading *l = ctx;

    for (size_t i = 0; i < l->load->window; i++) {
        if (l->places[i].busy && l->places[i].cid == cid) {
            load_end(l, i, err);
            return;
        }
    }
}

/* Which of our places a key is of; LOAD_WINDOW_MOST: of none. */
static size_t load_place(const struct loading *l, const char *key)
{
    const char *dash = strchr(key, '-');
    size_t i = dash ? strtoul(dash + 1, NULL, 10) : LOAD_WINDOW_MOST;
    char mine[LOAD_KEY];

    if (i >= l->load->window)
        return LOAD_WINDOW_MOST;
    load_key(mine, i);
    return strcmp(mine, key) == 0 && l->places[i].busy ? i : LOAD_WINDOW_MOST;
}

static void load_on_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct loading *l = ctx;
    size_t i = strcmp(name, LOAD_VALUE) == 0 ? load_place(l, key) : LOAD_WINDOW_MOST;
    struct wire_error err;
    struct bench bench;

    if (i == LOAD_WINDOW_MOST)
        return;
    if (l->tidying) {
        l->places[i].busy = body.data != NULL;
        l->busy -= !body.data;
    } else if (body.data && bench_unpack(body, NULL, &bench, &err) == 0 && bench.number == l->places[i].cid) {
        load_end(l, i, 0);
    }
}

static int load_by_time(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return (one > other) - (one < other);
}

/* Until what is under way has ended. */
static int load_wait(struct loading *l)
{
    int64_t last_us = l->until_us + LOAD_DEADLINE_MS * INT64_C(1000) * 2;

    while (clock_mono_us() < l->until_us || l->busy) {
        if (clock_mono_us() >= last_us)
            return ERR_TIMEOUT;
        if (!link_wait(l->link, 10))
            return ERR_INTERRUPTED;
        for (size_t i = 0; i < l->load->window; i++) /* those that were refused, every now and then */
            if (!l->places[i].busy)
                load_begin(l, i);
    }
    return 0;
}

/* The values go, and it is waited for that, unless a signal came. */
static void load_tidy(struct loading *l)
{
    int64_t last_us = clock_mono_us() + LOAD_DEADLINE_MS * INT64_C(1000);
    char key[LOAD_KEY];

    l->tidying = true;
    l->busy = 0;
    for (size_t i = 0; i < l->load->window; i++) {
        load_key(key, i);
        l->places[i].busy = bus_set(link_bus(l->link), LOAD_VALUE, key, (struct bytes) { 0 }, 0) == 0;
        l->busy += l->places[i].busy;
    }
    bus_flush(link_bus(l->link));
    while (l->busy && clock_mono_us() < last_us && link_wait(l->link, 1))
        ;
}

int load_run(struct link *link, const struct load *load, struct load_result *ret)
{
    struct loading l = { .link = link, .load = load, .result = ret };
    const struct link_hearing hearing = { load_on_reply, load_on_value, &l };
    int64_t began_us = clock_mono_us();
    int r = 0;

    *ret = (struct load_result) { 0 };
    l.until_us = began_us + load->for_ms * 1000;
    if (!load->call)
        r = bus_watch(link_bus(link), LOAD_VALUE);
    link_hear(link, &hearing);
    for (size_t i = 0; i < load->window && r == 0; i++)
        load_begin(&l, i);
    if (r == 0)
        r = load_wait(&l);
    if (!load->call)
        load_tidy(&l);
    link_hear(link, NULL);
    qsort(ret->took_us, ret->n, sizeof(*ret->took_us), load_by_time);
    ret->per_s = (double)ret->n * 1e6 / (double)(clock_mono_us() - began_us);
    return r;
}

/* shown - what the broker is told and what it has counted: the values config.broker and metrics.broker, as every actor
 * has them; and what settings.broker says while it runs. */
#include <stdio.h>
#include <string.h>

#include "actors/runtime/log.h"
#include "actors/runtime/settings.h"
#include "broker/server/broker.h"
#include "gen/common.h"
#include "gen/errors.h"

enum { SHOWN_MS = 5000, SHOWN_TTL_MS = 15000 };

void shown_count(struct broker *b)
{
    struct bus_store_counts store = bus_store_counts(b->store);

    b->counters[BROKER_COMMITS] = store.commit.n;
    b->counters[BROKER_STORE_OPERATIONS] = store.operations;
    b->counters[BROKER_STORE_PERCENT] = bus_store_percent(b->store);
    b->counters[BROKER_SESSIONS] = b->sessions.n;
    b->counters[BROKER_KEYS_REFUSED] = zap_refused(b->zap);
    b->counters[BROKER_JOBS_READY] = b->counters[BROKER_JOBS_HELD] = b->counters[BROKER_JOBS_DEAD] = 0;
    for (struct hnode *node = hmap_first(&b->queues); node; node = hmap_next(&b->queues, node)) {
        const struct queue *queue = HMAP_OF(node, struct queue, node);

        b->counters[BROKER_JOBS_READY] += queue->ready;
        b->counters[BROKER_JOBS_HELD] += queue->held;
        b->counters[BROKER_JOBS_DEAD] += queue->dead;
    }
}

static void shown_value(struct broker *b, const char *name, struct bytes body)
{
    char key[ID_TEXT_SIZE];

    value_set(b, name, bytes_of_text(id_format(NULL, b->instance, key)), body, "broker", SHOWN_TTL_MS);
}

static void shown_counters(struct broker *b)
{
    struct counted counters[BROKER_COUNTERS];
    struct counts counts = {
        .actor = "broker", .at = b->wall_ms, .counters = counters, .counters_n = BROKER_COUNTERS
    };
    struct buf body = { 0 };

    shown_count(b);
    for (unsigned i = 0; i < BROKER_COUNTERS; i++) {
        const struct counter_def *def = &broker_counters[i];

        counters[i] = (struct counted) {
            .name = def->name, .doc = def->doc, .gauge = def->gauge, .value = b->counters[i]
        };
    }
    if (counts_pack(&counts, &body) == 0)
        shown_value(b, "metrics.broker", buf_bytes(&body));
    buf_free(&body);
}

static void shown_settings(struct broker *b)
{
    struct arena *arena = arena_new();
    struct settings_shown shown;
    struct buf body = { 0 };

    settings_show(b->told, arena, &shown);
    if (settings_shown_pack(&shown, &body) == 0)
        shown_value(b, "config.broker", buf_bytes(&body));
    buf_free(&body);
    arena_free(&arena);
}

static void shown_tick(void *ctx, struct timer *timer)
{
    struct broker *b = ctx;

    shown_counters(b);
    shown_settings(b);
    timer_set(&b->timers, timer, b->now_ms + SHOWN_MS);
}

void shown_start(struct broker *b)
{
    b->shown.fire = shown_tick;
    timer_set(&b->timers, &b->shown, b->now_ms);
}

void shown_setting(struct broker *b, struct bytes key, struct bytes body)
{
    char name[128], error[256] = "", quoted[600];
    struct arena *arena = arena_new();
    struct setting_text value = { 0 };
    int r = 0;

    snprintf(name, sizeof name, "broker.%.*s", (int)key.len, key.len ? (const char *)key.data : "");
    if (body.data)
        r = setting_text_unpack(body, arena, &value, NULL);
    if (r == 0)
        r = settings_from_bus(b->told, name, body.data ? value.text : NULL, error);
    b->settings = settings_own(b->told);
    log_set_level((enum log_at)settings_common(b->told)->log);
    if (r < 0)
        log_line(LOG_AT_WARNING, "setting", "name=%s result=%s why=%s", name, err_name(r),
                 log_quote(error, quoted, sizeof quoted));
    else
        log_line(LOG_AT_INFO, "setting", "name=%s value=%s", name,
                 body.data ? log_quote(value.text, quoted, sizeof quoted) : "-");
    arena_free(&arena);
    if (b->shown.fire)
        shown_settings(b);
}

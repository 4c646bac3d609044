/* counts - what the process has counted, as the value metrics.NAME under a key of its own; the front shows them all at
 * /metrics. And its settings, as config.NAME. Values with a short life: who stopped disappears. */
#include <stdio.h>
#include <string.h>

#include "actors/runtime/internal.h"

static void counts_add(struct counts *to, const struct counter_def *defs, const uint64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to->counters[to->counters_n++] = (struct counted) {
            .name = defs[i].name, .value = values[i], .gauge = defs[i].gauge, .doc = defs[i].doc
        };
}

void counts_publish(struct actor *actor)
{
    const struct actor_schema *schema = actor->schema;
    struct counted counters[COUNTERS_COUNTERS + 256];
    struct counts all = { .actor = schema->name, .at = actor_now(actor), .counters = counters };
    struct buf buf = { 0 };
    char name[80];

    if (!actor->up || actor->counts_at > actor_mono(actor))
        return;
    actor->counts_at = actor_mono(actor) + COUNTS_MS;
    actor->counts[0][COUNTERS_IN_HAND] = actor->in_hand;
    counts_add(&all, counters_counters, actor->counts[0], COUNTERS_COUNTERS);
    counts_add(&all, schema->counters, actor->counts[1], schema->counters_n < 200 ? schema->counters_n : 200);
    snprintf(name, sizeof(name), "metrics.%s", schema->name);
    if (counts_pack(&all, &buf) == 0)
        bus_set(actor->bus, name, actor->instance, buf_bytes(&buf), COUNTS_TTL_MS);
    buf_free(&buf);
}

void settings_publish(struct actor *actor)
{
    struct settings_shown shown;
    struct buf buf = { 0 };
    char name[80];

    if (!actor->up || actor->config_at > actor_mono(actor))
        return;
    actor->config_at = actor_mono(actor) + CONFIG_MS;
    settings_show(actor->settings, actor->arena, &shown);
    snprintf(name, sizeof(name), "config.%s", actor->schema->name);
    if (settings_shown_pack(&shown, &buf) == 0)
        bus_set(actor->bus, name, actor->instance, buf_bytes(&buf), CONFIG_TTL_MS);
    buf_free(&buf);
    arena_reset(actor->arena);
}

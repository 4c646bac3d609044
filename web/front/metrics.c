/* metrics - see metrics.h */
#include "web/front/metrics.h"

#include <stdio.h>

#include "gen/common.h"
#include "web/front/link.h"
#include "web/front/tallies.h"

#include "gen/errors.h"
#include "gen/policy.h"

#define METRICS_TTL_MS 30000

static void metrics_pack(struct front *front, struct buf *out)
{
    struct counted counters[FRONT_COUNTERS];
    struct counts counts = {
        .actor = "front", .at = front_now(), .counters = counters, .counters_n = FRONT_COUNTERS
    };

    for (unsigned i = 0; i < FRONT_COUNTERS; i++) {
        const struct counter_def *def = &front_schema.counters[i];

        counters[i] = (struct counted) {
            .name = def->name, .doc = def->doc, .gauge = def->gauge, .value = atomic_load(&front->counters[i])
        };
    }
    counts_pack(&counts, out);
}

void metrics_publish(struct front *front)
{
    struct buf body = { 0 };
    char key[ID_TEXT_SIZE];

    metrics_pack(front, &body);
    link_set(front->link, "metrics.front", id_format(NULL, front->instance, key), buf_bytes(&body),
             METRICS_TTL_MS);
    buf_free(&body);
}

/* Names live as long as the process. */
size_t metrics_names(const char **ret, size_t room)
{
    static char names[64][80];
    size_t n = 0;

    for (unsigned i = 0; i < policy_actors_n && n < room && n < 64; i++) {
        snprintf(names[n], sizeof(names[n]), "metrics.%s", policy_actors[i]);
        ret[n] = names[n];
        n++;
    }
    return n;
}

void metrics_serve(struct exchange *x, const struct router_path *path)
{
    struct buf own = { 0 }, text = { 0 };
    char key[ID_TEXT_SIZE];
    struct tally mine = { .actor = "front", .instance = id_format(NULL, x->front->instance, key) };

    x->what = "metrics";
    if (gate_header(x->request, "X-Forwarded-For") || gate_header(x->request, "X-Edge")) {
        exchange_problem(x, ERR_NOT_FOUND, "There is no such page.");
        return;
    }
    metrics_pack(x->front, &own);
    mine.body = buf_bytes(&own);
    tallies_write(x->front->tallies, &mine, &text);
    exchange_send(x, 200, "text/plain; version=0.0.4; charset=utf-8", buf_bytes(&text));
    buf_free(&own);
    buf_free(&text);
}

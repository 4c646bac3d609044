/* tallies - see tallies.h */
#include "web/front/tallies.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gen/common.h"

struct tallies {
    pthread_mutex_t lock;
    struct tallies_entry {
        char name[120], key[256]; /* name "": empty */
        struct buf body;
    } entries[TALLIES_MAX];
};

/* One sample of one instance, for sorting by metric. */
struct tallies_sample {
    const char *metric, *actor, *instance, *doc;
    uint64_t value;
    bool gauge;
};

struct tallies *tallies_new(void)
{
    struct tallies *t = calloc(1, sizeof(*t));

    if (!t)
        abort();
    pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tallies_free(struct tallies **tallies)
{
    if (!*tallies)
        return;
    for (unsigned i = 0; i < TALLIES_MAX; i++)
        buf_free(&(*tallies)->entries[i].body);
    pthread_mutex_destroy(&(*tallies)->lock);
    free(*tallies);
    *tallies = NULL;
}

void tallies_value(struct tallies *tallies, const char *name, const char *key, struct bytes body)
{
    struct tallies_entry *place = NULL;

    if (strlen(name) >= sizeof(place->name) || strlen(key) >= sizeof(place->key))
        return;
    pthread_mutex_lock(&tallies->lock);
    for (unsigned i = 0; i < TALLIES_MAX; i++) {
        struct tallies_entry *e = &tallies->entries[i];

        if (strcmp(e->name, name) == 0 && strcmp(e->key, key) == 0) {
            place = e;
            break;
        }
        if (!place && !e->name[0])
            place = e;
    }
    if (place && body.data) {
        strcpy(place->name, name);
        strcpy(place->key, key);
        buf_reset(&place->body);
        buf_put(&place->body, body.data, body.len);
    } else if (place) {
        place->name[0] = '\0';
    }
    pthread_mutex_unlock(&tallies->lock);
}

/* ---- written */

struct tallies_set {
    struct arena *arena;
    struct tallies_sample *samples;
    size_t n, room;
};

static void tallies_add(struct tallies_set *set, const char *instance, struct bytes body)
{
    struct counts counts = { 0 };

    if (counts_unpack(body, set->arena, &counts, NULL) < 0)
        return;
    for (size_t i = 0; i < counts.counters_n; i++) {
        const struct counted *c = &counts.counters[i];

        if (set->n == set->room) {
            set->room = set->room ? set->room * 2 : 256;
            set->samples = realloc(set->samples, set->room * sizeof(*set->samples));
            if (!set->samples)
                abort();
        }
        set->samples[set->n++] = (struct tallies_sample) { .metric = c->name,
                                                           .actor = counts.actor,
                                                           .doc = c->doc,
                                                           .instance = arena_strdup(set->arena, instance),
                                                           .value = c->value,
                                                           .gauge = c->gauge };
    }
}

static int tallies_order(const void *a, const void *b)
{
    const struct tallies_sample *x = a, *y = b;
    int r = strcmp(x->metric, y->metric);

    r = r ? r : strcmp(x->actor, y->actor);
    return r ? r : strcmp(x->instance, y->instance);
}

/* Prometheus' text form: backslash and line break are escaped, in labels the quote too. */
static void tallies_escape(struct buf *out, const char *text, bool label)
{
    for (; text && *text; text++) {
        if (*text == '\\' || (label && *text == '"'))
            buf_put(out, "\\", 1);
        if (*text == '\n')
            buf_put_text(out, "\\n");
        else
            buf_put(out, text, 1);
    }
}

static void tallies_sample(struct buf *out, const struct tallies_sample *s, bool first)
{
    const char *end = s->gauge ? "" : "_total";

    if (first) {
        buf_printf(out, "# HELP kinobus_%s%s ", s->metric, end);
        tallies_escape(out, s->doc, false);
        buf_printf(out, "\n# TYPE kinobus_%s%s %s\n", s->metric, end, s->gauge ? "gauge" : "counter");
    }
    buf_printf(out, "kinobus_%s%s{actor=\"", s->metric, end);
    tallies_escape(out, s->actor, true);
    buf_put_text(out, "\",instance=\"");
    tallies_escape(out, s->instance, true);
    buf_printf(out, "\"} %" PRIu64 "\n", s->value);
}

void tallies_write(struct tallies *tallies, const struct tally *own, struct buf *out)
{
    struct tallies_set set = { .arena = arena_new() };

    tallies_add(&set, own->instance, own->body);
    pthread_mutex_lock(&tallies->lock);
    for (unsigned i = 0; i < TALLIES_MAX; i++) {
        const struct tallies_entry *e = &tallies->entries[i];

        if (e->name[0] && strcmp(e->key, own->instance) != 0)
            tallies_add(&set, e->key, buf_bytes(&e->body));
    }
    pthread_mutex_unlock(&tallies->lock);
    if (set.n > 0)
        qsort(set.samples, set.n, sizeof(*set.samples), tallies_order);
    for (size_t i = 0; i < set.n; i++)
        tallies_sample(out, &set.samples[i],
                       i == 0 || strcmp(set.samples[i].metric, set.samples[i - 1].metric) != 0);
    free(set.samples);
    arena_free(&set.arena);
}

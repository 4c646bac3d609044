/* finder - see finder.h */
#include "actors/index/finder.h"

#include <stdlib.h>
#include <string.h>

#include "actors/index/alike.h"
#include "gen/errors.h"

struct held {
    struct id video;
    uint32_t counts[RANK_FIELDS];
    double worth;
};

struct group {
    struct alikes alike;
    double idf;
    bool gathered; /* its rows are in held, by falling video */
    struct held *held;
    size_t held_n, held_cap;
};

struct finder {
    const struct finder_options *o;
    struct reading reading;
    struct group *groups;
    size_t n;
    struct rank_lengths mean;
    struct finder_result *result;
};

/* ---- what a group's words stand in */

static void finder_hold(struct group *group, const struct index_posting *row, double worth)
{
    if (group->held_n == group->held_cap) {
        group->held_cap = group->held_cap ? group->held_cap * 2 : 256;
        group->held = realloc(group->held, group->held_cap * sizeof(*group->held));
        if (!group->held)
            abort();
    }
    group->held[group->held_n++] = (struct held) {
        .video = row->video_id,
        .worth = worth,
        .counts = { (uint32_t)row->title, (uint32_t)row->tags, (uint32_t)row->people, (uint32_t)row->description },
    };
}

static int finder_compare_held(const void *a, const void *b)
{
    return -id_compare(((const struct held *)a)->video, ((const struct held *)b)->video);
}

static int finder_gather_word(struct finder *f, struct group *group, const struct alike *alike, uint64_t most)
{
    struct index_posting row = { .generation = f->o->generation->number, .word = alike->word };
    struct table_walk walk;
    int r = table_walk_start(&walk, f->o->txn, &index_posting_table, TABLE_PRIMARY, &row, 2, TABLE_DOWN,
                             (struct bytes) { 0 });

    while (r == 0 && reading_one(&f->reading)) {
        r = table_walk_next(&walk, f->reading.scratch, &row);
        if (r <= 0)
            break;
        if (most-- == 0) {
            f->reading.cut = true;
            break;
        }
        finder_hold(group, &row, alike->worth);
        r = 0;
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

/* Reads the rows of every word of a group, of each at most so many. */
static int finder_gather(struct finder *f, struct group *group, uint64_t each)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < group->alike.n; i++)
        r = finder_gather_word(f, group, &group->alike.list[i], each);
    if (group->held_n)
        qsort(group->held, group->held_n, sizeof(*group->held), finder_compare_held);
    group->gathered = true;
    return r;
}

static const struct held *finder_first_held(const struct group *group, struct id video)
{
    size_t low = 0, high = group->held_n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (id_compare(group->held[middle].video, video) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return &group->held[low];
}

/* ---- one document */

static void finder_better(struct finder *f, const struct rank_lengths *lengths, const uint32_t *counts,
                          double worth, double *best)
{
    double score = worth * rank_word(counts, lengths, &f->mean);

    if (score > *best)
        *best = score;
}

/* How well a document fits one word of the query; 0: not at all. */
static int finder_score(struct finder *f, struct group *group, struct id video, const struct rank_lengths *lengths,
                        double *ret)
{
    struct index_posting row;
    int r = 0;

    *ret = 0;
    if (group->gathered) {
        for (const struct held *h = finder_first_held(group, video);
             h < group->held + group->held_n && id_equal(h->video, video); h++)
            finder_better(f, lengths, h->counts, h->worth, ret);
        return 0;
    }
    for (size_t i = 0; i < group->alike.n && reading_one(&f->reading); i++) {
        r = index_posting_get(f->o->txn, f->reading.scratch, f->o->generation->number, group->alike.list[i].word,
                              video, &row);
        if (r < 0 && r != ERR_NOT_FOUND)
            return r;
        if (r == 0)
            finder_better(f, lengths,
                          (uint32_t[]) { (uint32_t)row.title, (uint32_t)row.tags, (uint32_t)row.people,
                                         (uint32_t)row.description },
                          group->alike.list[i].worth, ret);
    }
    return 0;
}

static int finder_candidate(struct finder *f, struct id video)
{
    struct rank_hit hit = { .id = video };
    struct index_document doc;
    struct rank_lengths lengths;
    int r;

    if (!reading_one(&f->reading))
        return 0;
    r = index_document_get(f->o->txn, f->reading.scratch, f->o->generation->number, video, &doc);
    if (r < 0)
        return r == ERR_NOT_FOUND ? ERR_CORRUPT : r;
    if (!doc.found && (id_is_zero(f->o->viewer) || !id_equal(doc.owner_id, f->o->viewer)))
        return 0;
    lengths = (struct rank_lengths) { { (double)doc.title_words, (double)doc.tag_words, (double)doc.people_words,
                                        (double)doc.description_words } };
    for (size_t i = 0; i < f->n; i++) {
        double score;

        r = finder_score(f, &f->groups[i], video, &lengths, &score);
        if (r < 0 || score <= 0)
            return r;
        hit.score += f->groups[i].idf * score;
    }
    f->result->total++;
    ranking_add(&f->result->ranking, &hit);
    return 0;
}

/* ---- all of it */

static int finder_group(struct finder *f, const struct query_word *asked, struct group *group)
{
    uint64_t all = f->o->generation->documents;
    int r = alikes_find(&f->reading, asked, &group->alike);

    if (group->alike.documents > all)
        group->alike.documents = all;
    group->idf = rank_idf(all, group->alike.documents);
    return r;
}

static struct group *finder_rarest(struct finder *f)
{
    struct group *rarest = &f->groups[0];

    for (size_t i = 1; i < f->n; i++)
        if (f->groups[i].alike.documents < rarest->alike.documents)
            rarest = &f->groups[i];
    return rarest;
}

/* A group with many words is read whole where that takes fewer rows than to look every candidate up. */
static int finder_gather_others(struct finder *f, const struct group *rarest)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < f->n; i++) {
        struct group *group = &f->groups[i];

        if (!group->gathered && group->alike.documents <= rarest->held_n * group->alike.n &&
            group->alike.documents < f->o->rows / 4)
            r = finder_gather(f, group, group->alike.documents);
    }
    return r;
}

static int finder_walk(struct finder *f)
{
    struct group *rarest = finder_rarest(f);
    int r = finder_gather(f, rarest, f->o->rows / 2 / rarest->alike.n);

    if (r == 0)
        r = finder_gather_others(f, rarest);
    for (size_t i = 0; r == 0 && i < rarest->held_n; i++)
        if (i == 0 || !id_equal(rarest->held[i].video, rarest->held[i - 1].video))
            r = finder_candidate(f, rarest->held[i].video);
    return r;
}

static void finder_means(struct finder *f)
{
    const struct index_generation *g = f->o->generation;
    double n = g->documents ? (double)g->documents : 1;

    f->mean = (struct rank_lengths) { { (double)g->title_words / n, (double)g->tag_words / n,
                                        (double)g->people_words / n, (double)g->description_words / n } };
}

int finder_run(const struct finder_options *options, const struct query *query, struct finder_result *ret)
{
    struct finder f = {
        .o = options,
        .n = query->n,
        .result = ret,
        .reading = { .txn = options->txn,
                     .arena = options->arena,
                     .stems = options->stems,
                     .generation = options->generation->number,
                     .most = options->rows },
    };
    bool possible = query->n > 0;
    int r = 0;

    *ret = (struct finder_result) { .rows = 0 };
    ranking_init(&ret->ranking, options->arena, options->most, options->place);
    f.groups = arena_alloc_n(options->arena, query->n + 1, sizeof(*f.groups));
    f.reading.scratch = arena_new();
    finder_means(&f);
    for (size_t i = 0; r == 0 && possible && i < query->n; i++) {
        r = finder_group(&f, &query->words[i], &f.groups[i]);
        possible = f.groups[i].alike.n > 0;
    }
    if (r == 0 && possible)
        r = finder_walk(&f);
    for (size_t i = 0; i < query->n; i++)
        free(f.groups[i].held);
    arena_free(&f.reading.scratch);
    ret->rows = f.reading.rows;
    ret->cut = f.reading.cut;
    return r;
}

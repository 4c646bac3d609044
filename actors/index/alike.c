/* alike - see alike.h */
#include "actors/index/alike.h"

#include <string.h>

#include "actors/index/typo.h"
#include "gen/errors.h"

/* A stem may be that of another word, a beginning is not yet a word, and a slip may be none. */
#define ALIKE_STEM      0.8
#define ALIKE_BEGINNING 0.5
#define ALIKE_SLIP      0.3

bool reading_one(struct reading *reading)
{
    if (reading->rows >= reading->most) {
        reading->cut = true;
        return false;
    }
    reading->rows++;
    arena_reset(reading->scratch);
    return true;
}

static void alikes_put(struct reading *reading, struct alikes *alikes, const struct index_word *row, double worth)
{
    alikes->list[alikes->n++] = (struct alike) { arena_strdup(reading->arena, row->word), worth };
    alikes->documents += row->documents;
}

static int alikes_add(struct reading *reading, struct alikes *alikes, const char *word, double worth)
{
    struct index_word row;
    int r;

    for (size_t i = 0; i < alikes->n; i++)
        if (strcmp(alikes->list[i].word, word) == 0)
            return 0;
    if (alikes->n == ALIKE_MOST || !reading_one(reading))
        return 0;
    r = index_word_get(reading->txn, reading->scratch, reading->generation, word, &row);
    if (r == 0)
        alikes_put(reading, alikes, &row, worth);
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* ---- stems */

/* The languages of most documents, those first. */
static int alikes_languages(struct reading *reading, struct index_language best[static ALIKE_LANGUAGES],
                            size_t *ret_n)
{
    struct index_language row = { .generation = reading->generation };
    struct table_walk walk;
    size_t n = 0;
    int r = table_walk_start(&walk, reading->txn, &index_language_table, TABLE_PRIMARY, &row, 1, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, reading->arena, &row)) > 0) {
        size_t at = n;

        while (at > 0 && row.documents > best[at - 1].documents)
            at--;
        n += n < ALIKE_LANGUAGES;
        if (at < n)
            memmove(&best[at + 1], &best[at], (n - at - 1) * sizeof(*best));
        if (at < n)
            best[at] = row;
        r = 0;
    }
    table_walk_end(&walk);
    *ret_n = n;
    return r;
}

static int alikes_add_stems(struct reading *reading, struct alikes *alikes, const struct word *word)
{
    struct index_language languages[ALIKE_LANGUAGES];
    size_t n;
    int r = alikes_languages(reading, languages, &n);

    for (size_t i = 0; r == 0 && i < n; i++) {
        const char *stem = stems_of(reading->stems, reading->arena, languages[i].language, word);

        if (stem)
            r = alikes_add(reading, alikes, stem, ALIKE_STEM);
    }
    return r;
}

/* ---- walks over words: from a key that ends inside of a word, at the first word that begins so */

struct beginning {
    const char *text;
    size_t len;
    struct table_walk walk;
};

static int alikes_walk(struct reading *reading, struct beginning *beginning)
{
    struct index_word row = { .generation = reading->generation };
    struct buf from = { 0 };
    int r;

    buf_put_u64(&from, row.generation);
    buf_put(&from, beginning->text, beginning->len);
    r = table_walk_start(&beginning->walk, reading->txn, &index_word_table, TABLE_PRIMARY, &row, 1, TABLE_UP,
                         buf_bytes(&from));
    buf_free(&from);
    return r;
}

/* 1: a word that begins so, 0: there is none any more, or the bound is met. */
static int alikes_next(struct reading *reading, struct beginning *beginning, struct index_word *row)
{
    int r = reading_one(reading) ? table_walk_next(&beginning->walk, reading->scratch, row) : 0;

    return r > 0 && strncmp(row->word, beginning->text, beginning->len) != 0 ? 0 : r;
}

static int alikes_add_continued(struct reading *reading, struct alikes *alikes, const char *text)
{
    struct beginning beginning = { .text = text, .len = strlen(text) };
    struct index_word row;
    size_t most = alikes->n + ALIKE_CONTINUED;
    int r = alikes_walk(reading, &beginning);

    while (r == 0 && alikes->n < most && alikes->n < ALIKE_MOST &&
           (r = alikes_next(reading, &beginning, &row)) > 0) {
        r = 0;
        if (strcmp(row.word, text) != 0) /* itself is there already, and worth more */
            alikes_put(reading, alikes, &row, ALIKE_BEGINNING);
    }
    table_walk_end(&beginning.walk);
    return r < 0 ? r : 0;
}

/* ---- slips */

struct meant {
    struct index_word row;
    unsigned slips;
};

/* Fewer slips first, then what more documents hold. */
static void alikes_keep(struct reading *reading, struct meant best[static ALIKE_MEANT], size_t *n,
                        const struct index_word *row, unsigned slips)
{
    size_t at = *n;

    while (at > 0 && (slips < best[at - 1].slips ||
                      (slips == best[at - 1].slips && row->documents > best[at - 1].row.documents)))
        at--;
    if (at == ALIKE_MEANT)
        return;
    *n += *n < ALIKE_MEANT;
    memmove(&best[at + 1], &best[at], (*n - at - 1) * sizeof(*best));
    best[at] = (struct meant) { .row = *row, .slips = slips };
    best[at].row.word = arena_strdup(reading->arena, row->word);
}

static int alikes_add_meant(struct reading *reading, struct alikes *alikes, const struct query_word *asked)
{
    struct beginning beginning = { .text = asked->word.folded, .len = typo_sure(asked->word.folded) };
    struct meant best[ALIKE_MEANT];
    struct index_word row;
    size_t n = 0;
    int r;

    if (!beginning.len || asked->word.paired)
        return 0;
    r = alikes_walk(reading, &beginning);
    for (unsigned i = 0; r == 0 && i < ALIKE_MEANT_ROWS && (r = alikes_next(reading, &beginning, &row)) > 0; i++) {
        unsigned slips = typo_between(asked->word.folded, row.word, asked->prefix);

        if (slips)
            alikes_keep(reading, best, &n, &row, slips);
        r = 0;
    }
    table_walk_end(&beginning.walk);
    for (size_t i = 0; i < n; i++)
        alikes_put(reading, alikes, &best[i].row, ALIKE_SLIP / best[i].slips);
    return r < 0 ? r : 0;
}

int alikes_find(struct reading *reading, const struct query_word *asked, struct alikes *ret)
{
    int r;

    *ret = (struct alikes) { .n = 0 };
    r = alikes_add(reading, ret, asked->word.folded, 1);
    if (r == 0)
        r = alikes_add_stems(reading, ret, &asked->word);
    if (r == 0 && asked->prefix)
        r = alikes_add_continued(reading, ret, asked->word.folded);
    if (r == 0 && ret->n == 0)
        r = alikes_add_meant(reading, ret, asked);
    return r;
}

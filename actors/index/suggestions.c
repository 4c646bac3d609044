/* suggestions - see suggestions.h */
#include "actors/index/suggestions.h"

#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

/* The texts of a document, sorted, each once. */
struct texts {
    const char **list;
    size_t n;
};

static int texts_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void texts_add(struct texts *texts, const char *text)
{
    if (text && *text && strlen(text) <= SUGGESTION_BYTES)
        texts->list[texts->n++] = text;
}

static struct texts texts_of(struct arena *arena, const struct index_document *doc, const struct index_text *text)
{
    struct texts texts = { .n = 0 };
    size_t kept = 0;

    if (!doc)
        return texts;
    texts.list = arena_alloc_n(arena, 1 + text->tags_n + text->people_n, sizeof(*texts.list));
    texts_add(&texts, doc->title);
    for (size_t i = 0; i < text->tags_n; i++)
        texts_add(&texts, text->tags[i]);
    for (size_t i = 0; i < text->people_n; i++)
        texts_add(&texts, text->people[i]);
    if (texts.n)
        qsort(texts.list, texts.n, sizeof(*texts.list), texts_compare);
    for (size_t i = 0; i < texts.n; i++)
        if (!kept || strcmp(texts.list[kept - 1], texts.list[i]) != 0)
            texts.list[kept++] = texts.list[i];
    texts.n = kept;
    return texts;
}

static int suggestions_count(struct store_txn *txn, struct arena *arena, uint64_t generation, const char *text,
                             int more)
{
    struct index_suggestion row;
    const char *typed;
    int r = words_typed(arena, text, SUGGESTION_TYPED_BYTES + 1, &typed);

    if (r < 0 || !*typed)
        return r;
    r = index_suggestion_get(txn, arena, generation, typed, text, &row);
    if (r == ERR_NOT_FOUND)
        row = (struct index_suggestion) { .generation = generation, .typed = typed, .text = text };
    else if (r < 0)
        return r;
    if (more < 0 && row.documents <= 1)
        return index_suggestion_del(txn, generation, typed, text);
    row.documents += (uint64_t)(int64_t)more;
    return index_suggestion_put(txn, &row);
}

int suggestions_change(struct store_txn *txn, struct arena *arena, const struct index_document *old,
                       const struct index_text *old_text, const struct index_document *new,
                       const struct index_text *new_text)
{
    struct texts a = texts_of(arena, old, old_text), b = texts_of(arena, new, new_text);
    size_t i = 0, j = 0;
    int r = 0;

    while (r == 0 && (i < a.n || j < b.n)) {
        int order = i == a.n ? 1 : j == b.n ? -1 : strcmp(a.list[i], b.list[j]);

        if (order < 0)
            r = suggestions_count(txn, arena, old->generation, a.list[i++], -1);
        else if (order > 0)
            r = suggestions_count(txn, arena, new->generation, b.list[j++], 1);
        else
            i++, j++;
    }
    return r;
}

struct found {
    const char *text;
    uint64_t documents;
};

/* Keeps the `most` that are used most, those met first ahead among equals. */
static void suggestions_keep(struct found *best, size_t *n, size_t most, const struct index_suggestion *row)
{
    size_t at = *n;

    for (size_t i = 0; i < *n; i++)
        if (strcmp(best[i].text, row->text) == 0)
            return;
    while (at > 0 && row->documents > best[at - 1].documents)
        at--;
    if (at == most)
        return;
    if (*n == most)
        (*n)--;
    memmove(&best[at + 1], &best[at], (*n - at) * sizeof(*best));
    best[at] = (struct found) { row->text, row->documents };
    (*n)++;
}

int suggestions_find(struct store_txn *txn, struct arena *arena, uint64_t generation, const char *beginning,
                     size_t most, const char ***ret, size_t *ret_n)
{
    struct found *best = arena_alloc_n(arena, most + 1, sizeof(*best));
    struct index_suggestion row = { .generation = generation };
    struct buf from = { 0 };
    struct table_walk walk;
    const char *typed;
    size_t n = 0;
    int r = words_typed(arena, beginning, SUGGESTION_TYPED_BYTES + 1, &typed);

    if (r < 0 || !*typed) {
        *ret_n = 0;
        return r;
    }
    /* The walk begins behind the bytes of a key that ends inside of a text: at the first text that begins so. */
    buf_put_u64(&from, generation);
    buf_put_text(&from, typed);
    r = table_walk_start(&walk, txn, &index_suggestion_table, TABLE_PRIMARY, &row, 1, TABLE_UP, buf_bytes(&from));
    for (size_t i = 0; r == 0 && i < SUGGESTIONS_LOOKED_AT; i++) {
        r = table_walk_next(&walk, arena, &row);
        if (r <= 0 || strncmp(row.typed, typed, strlen(typed)) != 0)
            break;
        suggestions_keep(best, &n, most, &row);
        r = 0;
    }
    table_walk_end(&walk);
    buf_free(&from);
    *ret = arena_alloc_n(arena, most + 1, sizeof(**ret));
    for (size_t i = 0; i < n; i++)
        (*ret)[i] = best[i].text;
    *ret_n = n;
    return r < 0 ? r : 0;
}

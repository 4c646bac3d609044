/* document - see document.h */
#include "actors/index/document.h"

#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

/* Words of each field, all tags or people together. */
static const uint32_t document_most[RANK_FIELDS] = {
    [RANK_TITLE] = 100,
    [RANK_TAGS] = 300,
    [RANK_PEOPLE] = 500,
    [RANK_DESCRIPTION] = 2000,
};

struct builder {
    struct arena *arena;
    struct stems *stems;
    const char *language;
    struct document_word *list;
    size_t n, cap;
    uint32_t lengths[RANK_FIELDS];
};

static void document_add(struct builder *b, const char *word, enum rank_field field)
{
    if (b->n == b->cap) {
        struct document_word *old = b->list;

        b->cap = b->cap ? b->cap * 2 : 64;
        b->list = arena_alloc_n(b->arena, b->cap, sizeof(*b->list));
        if (b->n)
            memcpy(b->list, old, b->n * sizeof(*old));
    }
    b->list[b->n] = (struct document_word) { .word = word };
    b->list[b->n++].counts[field] = 1;
}

static int document_field(struct builder *b, enum rank_field field, const char *text)
{
    struct words words;
    int r = words_split(b->arena, text, document_most[field] - b->lengths[field], WORDS_INDEX, &words);

    for (size_t i = 0; r == 0 && i < words.n; i++) {
        const char *stem = stems_of(b->stems, b->arena, b->language, &words.list[i]);

        document_add(b, words.list[i].folded, field);
        if (stem)
            document_add(b, stem, field);
        b->lengths[field]++;
    }
    return r;
}

static int document_compare(const void *a, const void *b)
{
    const struct document_word *x = a, *y = b;

    return strcmp(x->word, y->word);
}

/* Each word once, its counts added up. */
static void document_collapse(struct builder *b)
{
    size_t kept = 0;

    if (b->n == 0)
        return;
    qsort(b->list, b->n, sizeof(*b->list), document_compare);
    for (size_t i = 1; i < b->n; i++) {
        if (strcmp(b->list[kept].word, b->list[i].word) == 0)
            for (size_t f = 0; f < RANK_FIELDS; f++)
                b->list[kept].counts[f] += b->list[i].counts[f];
        else
            b->list[++kept] = b->list[i];
    }
    b->n = kept + 1;
}

int document_words(struct arena *arena, struct stems *stems, const char *title, const struct index_text *text,
                   struct document_words *ret)
{
    struct builder b = { .arena = arena, .stems = stems, .language = stems_language(stems, text->language) };
    int r = document_field(&b, RANK_TITLE, title);

    for (size_t i = 0; r == 0 && i < text->tags_n; i++)
        r = document_field(&b, RANK_TAGS, text->tags[i]);
    for (size_t i = 0; r == 0 && i < text->people_n; i++)
        r = document_field(&b, RANK_PEOPLE, text->people[i]);
    if (r == 0)
        r = document_field(&b, RANK_DESCRIPTION, text->description);
    if (r < 0)
        return r;
    document_collapse(&b);
    *ret = (struct document_words) { .list = b.list, .n = b.n, .language = b.language };
    memcpy(ret->lengths, b.lengths, sizeof(ret->lengths));
    return 0;
}

const char *document_beginning(struct arena *arena, const char *text, size_t most)
{
    size_t len = 0, chars = 0;

    if (!text || !*text)
        return NULL;
    for (; text[len]; len++)
        if (((unsigned char)text[len] & 0xc0) != 0x80 && chars++ == most)
            break;
    return arena_strndup(arena, text, len);
}

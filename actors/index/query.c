/* query - see query.h */
#include "actors/index/query.h"

#include <string.h>

static bool query_one_character(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n == 1;
}

/* A word said twice asks for no more than once; what the last one adds is that it may go on. */
static void query_add(struct query *query, const struct word *word, bool prefix)
{
    for (size_t i = 0; i < query->n; i++) {
        if (strcmp(query->words[i].word.folded, word->folded) == 0) {
            if (!prefix)
                return;
            memmove(&query->words[i], &query->words[i + 1], (query->n - i - 1) * sizeof(query->words[i]));
            query->n--;
            break;
        }
    }
    query->words[query->n++] = (struct query_word) { .word = *word, .prefix = prefix };
}

int query_read(struct arena *arena, const char *text, struct query *ret)
{
    struct words words;
    int r;

    *ret = (struct query) { .n = 0 };
    r = words_split(arena, text, QUERY_WORDS, WORDS_QUERY, &words);
    if (r < 0)
        return r;
    for (size_t i = 0; i < words.n; i++) {
        const struct word *word = &words.list[i];
        /* One character of a script without spaces begins a pair wherever it stands. */
        bool alone = word->paired && query_one_character(word->folded);

        query_add(ret, word, alone || i + 1 == words.n);
    }
    return 0;
}

/* Any text: words and queries keep their bounds, and no word is empty, too long, or not UTF-8. */
#include <stdlib.h>
#include <string.h>

#include "actors/index/query.h"
#include "actors/index/stem.h"
#include "actors/index/typo.h"
#include "schemas/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
    size_t chars;

    if (!*text || strlen(text) > WORD_BYTES || !wire_utf8(text, strlen(text), &chars))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stems *stems;
    struct arena *arena = arena_new();
    char *text = arena_strndup(arena, (const char *)data, size);
    struct words words;
    struct query query;
    const char *typed, *stem;
    size_t chars;
    bool utf8 = wire_utf8(text, strlen(text), &chars);

    if (!stems)
        stems = stems_new();
    if ((words_split(arena, text, 200, WORDS_INDEX, &words) == 0) != utf8 || words.n > 200)
        abort();
    for (size_t i = 0; i < words.n; i++) {
        check(words.list[i].plain);
        check(words.list[i].folded);
        stem = stems_of(stems, arena, stems_language(stems, i % 2 ? "de" : "en"), &words.list[i]);
        if (stem && (stem[0] != ':' || strlen(stem) > WORD_BYTES + 4))
            abort();
    }
    for (size_t i = 1; i < words.n; i++)
        if (typo_between(words.list[i - 1].folded, words.list[i].folded, i % 2) > 2 ||
            typo_sure(words.list[i].folded) > strlen(words.list[i].folded))
            abort();
    if (query_read(arena, text, &query) == 0 && query.n > QUERY_WORDS)
        abort();
    if (words_typed(arena, text, 50, &typed) == 0 && strlen(typed) > 49)
        abort();
    arena_free(&arena);
    return 0;
}

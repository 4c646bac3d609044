/* stem - see stem.h */
#include "actors/index/stem.h"

#include <ctype.h>
#include <libstemmer.h>
#include <stdlib.h>
#include <string.h>

/* What Debian's libstemmer 2.2 has, by ISO 639-1. */
static const char *const languages[] = {
    "ar", "ca", "da", "de", "el", "en", "es", "eu", "fi", "fr", "ga", "hi", "hu", "hy",
    "id", "it", "lt", "ne", "nl", "no", "pt", "ro", "ru", "sr", "sv", "ta", "tr", "yi",
};

#define STEMS_N (sizeof(languages) / sizeof(*languages))

struct stems {
    struct sb_stemmer *of[STEMS_N]; /* made when first needed */
};

struct stems *stems_new(void)
{
    struct stems *stems = calloc(1, sizeof(*stems));

    if (!stems)
        abort();
    return stems;
}

void stems_free(struct stems **stems)
{
    if (!*stems)
        return;
    for (size_t i = 0; i < STEMS_N; i++)
        sb_stemmer_delete((*stems)->of[i]);
    free(*stems);
    *stems = NULL;
}

static size_t stems_find(struct stems *stems, const char *code)
{
    for (size_t i = 0; i < STEMS_N; i++) {
        if (strcmp(languages[i], code) != 0)
            continue;
        if (!stems->of[i])
            stems->of[i] = sb_stemmer_new(code, NULL);
        return stems->of[i] ? i : STEMS_N;
    }
    return STEMS_N;
}

const char *stems_language(struct stems *stems, const char *tag)
{
    char code[3] = { 0 };
    size_t i;

    if (!tag || !*tag || strcmp(tag, "und") == 0)
        return "en";
    if (strcspn(tag, "-_") != 2)
        return "";
    code[0] = (char)tolower((unsigned char)tag[0]);
    code[1] = (char)tolower((unsigned char)tag[1]);
    if (strcmp(code, "nb") == 0 || strcmp(code, "nn") == 0)
        strcpy(code, "no");
    i = stems_find(stems, code);
    return i < STEMS_N ? languages[i] : "";
}

const char *stems_of(struct stems *stems, struct arena *arena, const char *language, const struct word *word)
{
    size_t i = stems_find(stems, language);
    const sb_symbol *stem;
    const char *text;

    if (i == STEMS_N || word->paired)
        return NULL;
    stem = sb_stemmer_stem(stems->of[i], (const sb_symbol *)word->plain, (int)strlen(word->plain));
    if (!stem)
        abort(); /* no memory left */
    text = arena_strndup(arena, (const char *)stem, (size_t)sb_stemmer_length(stems->of[i]));
    return *text ? arena_printf(arena, ":%s:%s", language, words_fold(arena, text)) : NULL;
}

/* query - what somebody typed, as the words that a video must hold: all of them, the last as the beginning
 * of a word. Pure. */
#pragma once

#include "actors/index/words.h"

enum {
    QUERY_WORDS = 16, /* further ones are not looked at */
};

struct query_word {
    struct word word;
    bool prefix;
};

struct query {
    struct query_word words[QUERY_WORDS];
    size_t n;
};

/* ERR_INVALID: not UTF-8. No words at all is no error: nothing is found. */
int query_read(struct arena *arena, const char *text, struct query *ret);

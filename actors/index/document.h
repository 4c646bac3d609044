/* document - a video as the words of its fields, before they meet the store. Pure.
 *
 * A field has a bound on its words; what a text says behind them is not found. So an event costs a bounded
 * number of rows, whatever somebody writes. */
#pragma once

#include "actors/index/rank.h"
#include "actors/index/stem.h"
#include "gen/index.h"

/* A word and how often it stands in each field; sorted, each word once. Stems are words as well. */
struct document_word {
    const char *word;
    uint32_t counts[RANK_FIELDS];
};

struct document_words {
    struct document_word *list;
    size_t n;
    uint32_t lengths[RANK_FIELDS]; /* words of each field, without stems */
    const char *language;          /* of the stems; "": none */
};

int document_words(struct arena *arena, struct stems *stems, const char *title, const struct index_text *text,
                   struct document_words *ret);

/* The beginning of a text, at most so many characters; NULL when there is none. */
const char *document_beginning(struct arena *arena, const char *text, size_t most);

/* words - text as the words that are indexed and searched.
 *
 * Text is brought to NFKC_Casefold (Unicode, chapter 3.13) and cut where something stands that is neither a
 * letter, a mark nor a number: the rules of UAX #29 without those for punctuation inside of words, so that
 * "l'homme" holds "homme". Scripts written without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) are cut
 * into overlapping pairs of characters, as Lucene's CJKBigramFilter does; the last character of a run stands
 * alone as well when a document is indexed, so that every character begins some word.
 *
 * A word has two forms: plain, which stemmers understand, and folded, without the accents of Latin, Greek
 * and Cyrillic (U+0300 to U+036F), which is indexed: "cafe" finds "Café". Pure: no state, no clock. Weak
 * spot: a word is cut at WORD_BYTES, and long ones that begin alike are one word. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "schemas/wire/arena.h"

enum {
    WORD_BYTES = 64,    /* of a word, in either form */
    WORDS_ANALYSIS = 1, /* counts up when text comes out as other words than before: the index is then rebuilt */
};

struct word {
    const char *plain, *folded;
    bool paired; /* of a script without spaces: no stem */
};

struct words {
    struct word *list;
    size_t n;
};

enum words_use { WORDS_INDEX, WORDS_QUERY };

/* At most `most` words, in the order of the text; all of it in the arena. ERR_INVALID: not UTF-8. */
int words_split(struct arena *arena, const char *text, size_t most, enum words_use use, struct words *ret);

/* The whole text as one run of folded words, with single spaces between: how a suggestion is looked up. At
 * most `size` bytes with the NUL, cut between characters. ERR_INVALID: not UTF-8. */
int words_typed(struct arena *arena, const char *text, size_t size, const char **ret);

/* A word, or a stem, without its accents. */
const char *words_fold(struct arena *arena, const char *plain);

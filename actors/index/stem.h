/* stem - words brought to their stems, by Snowball's rules (libstemmer).
 *
 * A stem is indexed as ":en:run": no word begins with a colon, so that stems and words share a table and a
 * prefix of what somebody types never meets a stem. Text in a language that Snowball does not know has no
 * stems; text without a language is taken for English. */
#pragma once

#include "actors/index/words.h"

struct stems;

struct stems *stems_new(void);
void stems_free(struct stems **stems);

/* The language of a BCP 47 tag as stems are marked with, "" when there are no rules for it. NULL and "":
 * English. */
const char *stems_language(struct stems *stems, const char *tag);

/* ":en:run" in the arena; NULL where a stem says no more than the word. */
const char *stems_of(struct stems *stems, struct arena *arena, const char *language, const struct word *word);

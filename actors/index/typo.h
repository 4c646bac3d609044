/* typo - whether a word may be what somebody meant to type. Pure.
 *
 * Counted are letters that are wrong, missing, too many, or two that changed places (optimal string
 * alignment). Words of under four characters are what they are; from four on one slip is forgiven, from
 * eight on two; the first two characters must be right, which is what makes looking for them cheap. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
    TYPO_FROM = 4, /* characters of the shortest word that is forgiven a slip */
    TYPO_TWO_FROM = 8,
    TYPO_SURE = 2, /* characters at the beginning that must be right */
};

/* The bytes of a word's sure beginning; 0: the word is too short to be forgiven anything. */
size_t typo_sure(const char *typed);

/* How many slips lie between them: 1 or 2, 0: more than are forgiven, or none at all. goes_on: what was
 * typed may be the beginning of the word. */
unsigned typo_between(const char *typed, const char *word, bool goes_on);

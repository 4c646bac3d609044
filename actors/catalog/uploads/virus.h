/* virus - what a virus scanner says of originals, and what follows from it.
 *
 * Where catalog.clamd names one, each original that has become complete is looked at, as a job of the fetcher: by whatever way
 * its bytes came, once. What it came to is a row, and shown to the owner: waiting, clean, partial (nothing was found in the part
 * that it looked at: no more than that was said), infected, failed (it could not say).
 *
 * Nothing rests on it: what parses an original is jailed, whatever a scanner thinks of it, and what viewers get is made anew. So
 * a video is made, and may be published, meanwhile (catalog.publish_scanned holds it back until there is an answer, or none will
 * come). One that is infected is refused: nobody gets any of it, it is withdrawn, its owner told. Its original stays where it is,
 * so that it can be looked at again, until the video is deleted.
 *
 * Asks again  when the video is tried again (retry_video): of what is infected, and of what could not be said. Found clean by
 *             then, as far as it was looked at before, its media goes on where it was
 * Weak spot   what was complete before a scanner was set up is not looked at; a signature that is learnt later finds nothing in
 *             what was found clean before */
#pragma once

#include "actors/catalog/catalog.h"

/* All bytes are there. */
int virus_ask(struct doing *d);
/* It is not to be published yet. */
bool virus_holds(const struct doing *d);

/* Somebody tries again: 1: it is asked for, and the video not saved yet; 0: there is nothing to look at again. ERR_CONFLICT: it is
 * refused, and cannot be looked at now. */
int virus_retry(struct doing *d);

/* The jobs are lost: those that are waited for are put again, after this turn. */
int virus_ask_again(struct turn *t);

/* What is known; ERR_NOT_FOUND: nothing was asked. In words, for people, as far as there are any. */
int virus_of(struct turn *t, struct id video, struct virus_row *ret);
const char *virus_words(struct turn *t, const struct virus_row *row);

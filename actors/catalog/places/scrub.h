/* scrub - all that lies in the store is read now and then, and held against what it should be (compare.h).
 *
 * A pass goes over the videos that live, one after the other: the parts of an original, then what was made of it. It reads
 * catalog.scrub_kib_per_s and no more, and begins anew catalog.scrub_every_ms after it began. Where it was is written down video
 * by video. What is damaged is a row, told once as the event object_damaged, in why, by list_damage and as a counter; it is
 * gone as soon as the object is found whole again. Nothing is deleted and nothing repaired: what to do, restoring a backup or
 * making a video anew, is for people.
 *
 * Weak spot  playlists, pictures and indexes have no sums in the catalog: they are not read. A damaged object is found by the
 *            next pass, not when it is served */
#pragma once

#include "actors/catalog/catalog.h"

struct scrub *scrub_new(void); /* free() ends it, when no slice is under way */
/* The clock of it; begun once. */
int scrub_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx);

/* What was found in a video, the first of them in words; NULL: nothing. */
int scrub_says(struct turn *t, struct id video, unsigned *ret_n, int64_t *ret_since, const char **ret_words);

/* views - playbacks that are followed: from when they begin until nothing is heard of them any more.
 *
 * A view is a record from start_playback on, so that nobody reports what never began; it counts as one when its player has shown
 * something. It ends view_idle_s after its last report, as the event view_ended. */
#pragma once

#include "actors/playback/actor.h"
#include "gen/catalog.h"

/* How many playbacks of the caller's account are on, streams_max at most; 0 where nobody counts them: they may be any number, nobody
 * is known, or `of` (or zero) is one of this video that goes on. */
int views_on(struct turn *t, struct id of, struct id video, unsigned *ret);

/* A playback of this video begins for whoever asks, or goes on: `of` is one of theirs that does, or zero. *ret_play: its id.
 * Where views_max are open, nothing is kept and nobody is refused. */
int views_begin(struct turn *t, struct id of, const struct video *video, struct id *ret_play);

/* Ends those that nothing was heard of for long enough, a bounded number at a time, and days that are kept no longer; and again in a
 * minute. */
int views_tend(struct playback *self, struct turn *t);

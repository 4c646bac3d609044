/* views - playbacks that are followed: from when they begin until nothing is heard of them any more.
 *
 * A view is a record from start_playback on, so that nobody reports what never began; it counts as one when its player has shown
 * something. It ends view_idle_s after its last report, as the event view_ended. */
#pragma once

#include "actors/playback/actor.h"
#include "gen/catalog.h"

/* A playback of this video begins for whoever asks, or goes on: `of` is one of theirs that does, or zero. *ret_play: its id.
 * ERR_QUOTA_EXCEEDED, said to the caller: their account has streams_max already. Where views_max are open, nothing is kept and
 * nobody is refused. */
int views_begin(struct turn *t, struct id of, const struct video *video, struct id *ret_play);

/* Ends those that nothing was heard of for long enough, a bounded number at a time, and days that are kept no longer; and again in a
 * minute. */
int views_tend(struct playback *self, struct turn *t);

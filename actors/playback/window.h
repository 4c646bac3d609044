/* window - when a video may be watched: URLs that were handed out while it was open are taken back when it closes.
 *
 * A URL never outlives the window that it was made in; but the owner may move the end to a time before that. What is to come of
 * windows is the record play_window, which a timer looks at. */
#pragma once

#include "actors/playback/actor.h"
#include "gen/catalog.h"

/* Whether its window is open, or it has none. */
bool window_is_open(const struct video *video, int64_t now);

/* Whether not everybody may watch it even then: regions, an age. */
bool window_is_limited(const struct video *video);

/* The video is so now: its URLs are good, refused, or refused but for pictures, or refused where everybody had them; and what the clock has to do with them later. */
int window_follow(struct playback *self, struct turn *t, const struct video *video);
/* There are no more URLs of it that would come and go. */
int window_forget(struct turn *t, struct id video);

/* Opens and closes what is due, and comes again when the next is. */
int window_tend(struct playback *self, struct turn *t);

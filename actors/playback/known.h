/* known - what playback remembers of videos that somebody began, so that lists need not ask the catalog for
 * each. */
#pragma once

#include "actors/playback/actor.h"

/* Remembers a video as the catalog shows it, unless something newer is known. */
int known_put(struct turn *t, const struct video *video);

/* ERR_NOT_FOUND: never heard of, or deleted. */
int known_get(struct turn *t, struct id video, struct play_video *ret);

/* Whether whoever asks may watch it, as far as is known. */
bool known_allows(const struct turn *t, const struct play_video *video);
bool known_is_open(const struct video *video);

/* Goes on forgetting positions in deleted videos, a slice at a time. */
int known_forget(struct playback *self, struct turn *t);

/* rescan - what happened while events were lost, read from the catalog's videos.
 *
 * Of each video the last thing that its owner was told is kept: so that nothing is told twice, by an event or by a rescan.
 * A rescan goes page by page, and on after a restart. One that was never told anything before it (a new store) tells
 * nothing of the past: it only learns where everybody is. */
#pragma once

#include "actors/notify/actor.h"
#include "gen/catalog.h"

/* Whether this is news of the video, which is then kept as told: 1, 0, or an error. kind: that of the template. */
int rescan_is_news(struct turn *t, const struct video *video, const char *kind);

/* Events of this stream are gone. */
int rescan_lost(void *self, struct turn *t, const char *stream);
/* The session is up: an unfinished one goes on. */
int rescan_resume(struct notify *self, struct turn *t);
/* The same by the clock, where nothing was heard of it for long. */
int rescan_tend(struct notify *self, struct turn *t);

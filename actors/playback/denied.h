/* denied - media URLs that are taken back before they end: of videos that turned private, whose
 * window closed, and of those that are gone.
 *
 * A URL carries its right in itself, so whoever checks it must be told: the value media_denied, one per video, for as long
 * as URLs from before may be open. It is told again whenever the bus is there anew, and hourly. */
#pragma once

#include "actors/playback/actor.h"

/* What its URLs are worth since this revision of the video. Older news is passed over. */
int denied_tell(struct turn *t, struct id video, uint64_t rev, enum media_refused refused);

/* Forgets what has ended, and tells the rest again. */
int denied_tend(struct turn *t);

/* kept - the watchlist: what people keep to watch later. */
#pragma once

#include "actors/playback/actor.h"

/* Whether it is on the caller's; nothing is on that of somebody who is not known. */
int kept_has(struct turn *t, struct id video, bool *ret);

/* rights - when, where and by whom a video may be watched, as its owner says. Here it is kept; playback decides by it. */
#pragma once

#include "actors/catalog/catalog.h"

/* Takes what was asked into the row. ERR_INVALID, said to the caller: an end before its beginning, no such country. */
int rights_set(struct turn *t, struct video_row *row, const struct update_video *ask);

/* Whether its window is open, or it has none. */
bool rights_are_open(const struct video_row *row, int64_t now);

/* What is for its owner alone is not shown to others. */
void rights_hide(struct video *video);

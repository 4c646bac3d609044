/* loud - how loud a sound of a video is, kept with its rendition once all of its runs are done. */
#pragma once

#include "actors/catalog/catalog.h"
#include "actors/catalog/media/loudness.h"

/* 1: measured, now or before; 0: nothing of it can be heard, or its runs were made before anybody measured. */
int loud_measure(struct doing *d, const struct plan *plan, const char *dir, struct loudness *ret);

/* What was measured, for who is told of tracks. 1: the rendition is there, whether it was measured or not; 0: it is not. */
int loud_show(struct doing *d, const char *dir, struct playable_track *ret);

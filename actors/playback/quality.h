/* quality - how good it was to watch: sums of what players told, and a score.
 *
 * Score       the linear model of X. Yin, A. Jindal, V. Sekar, B. Sinopoli: "A Control-Theoretic Approach for Dynamic Adaptive Video
 *             Streaming over HTTP", SIGCOMM 2015, section 3.1: the bitrate that was shown, less the changes of it between chunks,
 *             less mu for each second that it stood still or that the first picture was waited for. As there, mu is the best
 *             bitrate (a second lost costs what a second at the best quality is worth) and a chunk is 4 s. As a part of what
 *             the best quality without any of that is worth: 0 (or worse) to 100
 * Unknown     where a player does not know bitrates, only time counts: what was shown is worth the best
 * Sums        of a view are told again and again; what a day gets is the difference to what was told before */
#pragma once

#include "actors/playback/actor.h"

enum { QUALITY_CHUNK_S = 4, QUALITY_TIMES = 10 };

/* What is between the last report and this one goes to the day of now. tried: the playback has just begun. */
int quality_add(struct turn *t, const struct play_view *before, const struct play_view *after, bool tried);

/* 0 to 100; -1: nothing was shown. */
int quality_score(const struct play_quality *sum);
/* Of one view. */
int quality_of_view(const struct play_view *view);

/* Days that are kept no longer go, a bounded number at a time. */
int quality_tend(struct turn *t);

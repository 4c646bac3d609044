/* extra - ladders in other codecs than H.264: of videos that are ready, when nothing else is to be done.
 *
 * Each that was asked for is a row of the version's, and a track of its plan behind all others; so a track stays where it is when
 * one fails and is asked for once more. A video is ready without them, and stays so whatever becomes of them. */
#pragma once

#include "actors/catalog/catalog.h"

/* The tracks of the version's extras join its plan. */
void extra_plan(const struct version_row *version, struct plan *plan);

/* What the settings say of a video that is ready is asked for. */
int extra_by_policy(struct doing *d);
/* Whether it is of interest, by the settings, that somebody begins to watch a video that is ready; and that somebody did. */
bool extra_counts_plays(struct turn *t, const struct video_row *row, const struct version_row *version);
int extra_played(struct doing *d, struct version_row *version);

/* A run of the track failed for good: its ladder is given up. */
int extra_give_up(struct doing *d, struct version_row *version, struct plan *plan, size_t track,
                  const char *reason);

/* How far the n-th extra of a version is, for people. */
int extra_why(struct doing *d, const struct version_row *version, const struct plan *plan, size_t n,
              struct why_part *ret);

/* All runs of the track are done: 1. */
int extra_is_whole(struct doing *d, const struct plan *plan, size_t track);
/* How many ladders are whole: with each there are new final playlists. */
int extra_count(struct doing *d, const struct plan *plan, uint64_t *ret);
/* The playlists that have them lie there. */
int extra_written(struct doing *d, struct version_row *version, const struct plan *plan);

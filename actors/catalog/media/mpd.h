/* mpd - the text of a static DASH manifest over the same files as the HLS playlists. Pure; ISO/IEC 23009-1, profile
 * isoff-live with a SegmentTimeline, since the first segments are shorter. */
#pragma once

#include "actors/catalog/media/hls.h"

/* Appends to out. Bandwidths are measured peaks. */
void mpd_write(struct buf *out, const struct hls_set *set);

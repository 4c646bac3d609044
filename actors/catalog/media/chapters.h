/* chapters - the two files that say where the chapters of a video begin: Apple's JSON, which an HLS master names, and WebVTT
 * for the `chapters` track of a page. Pure. A chapter ends where the next begins, the last with the video; what begins
 * behind the end is left out. */
#pragma once

#include "gen/transcode.h"
#include "schemas/wire/buf.h"

/* How many begin before the end. */
size_t chapters_count(const struct probed_chapter *chapters, size_t n, double seconds);

void chapters_json(struct buf *out, const struct probed_chapter *chapters, size_t n, double seconds);
void chapters_vtt(struct buf *out, const struct probed_chapter *chapters, size_t n, double seconds);

/* marks - where reading of a file without an index can begin, while it is still arriving: a run notes where the keyframes lie
 * that it passes, and runs after it begin at the last one before their own first frame, instead of at the file's start.
 *
 * For Matroska (the keyframe's cluster) and MPEG transport streams (its first packet). Times are in microseconds from the
 * origin. Marks are hints: where one turns out to lie too late, whoever jumped goes back further. */
#pragma once

#include "actors/transcode/worker/input.h"

/* Notes a keyframe of the picture track, unless the file has arrived or its kind has no marks. */
void marks_note(struct input *in, const AVPacket *packet);

/* Jumps to the last mark given at or before the time, in the track's time base. -1: there is none. */
int marks_jump(struct input *in, unsigned track, int64_t time);

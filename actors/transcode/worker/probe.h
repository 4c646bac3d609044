/* probe - what an original holds: tracks, their shape, how long it lasts and how far that is proven, where its
 * keyframes lie. Decodes a few pictures of each picture track; believes what was decoded over what a header says. */
#pragma once

#include "actors/transcode/media/control.h"
#include "gen/transcode.h"

_Noreturn void probe_run(const struct probe *job, const struct control_terms *terms);

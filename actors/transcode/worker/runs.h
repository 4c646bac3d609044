/* video_run - one decode for all renditions of a run: demux and decode, scale, and an encoder for each rendition, in
 * threads of their own with short queues between them.
 * copy_run - a rendition whose packets are the source's own; refused when one of them is not as the plan says.
 * audio_run - the AAC frames of a run, poster_run - images of one moment, text_run - all cues of text tracks,
 * and board_run - pictures of a rung as tiles. Each ends the process. */
#pragma once

#include "actors/transcode/media/control.h"
#include "gen/transcode.h"

_Noreturn void video_run(const struct encode_run *run, const struct control_terms *terms);
_Noreturn void copy_run(const struct encode_run *run);
_Noreturn void audio_run(const struct encode_run *run, const struct control_terms *terms);
_Noreturn void poster_run(const struct encode_run *run, const struct control_terms *terms);
_Noreturn void text_run(const struct encode_run *run);
_Noreturn void board_run(const struct encode_run *run);

/* Sends the report and ends: what is common to all kinds of runs. */
_Noreturn void run_finish(const struct encode_run *run, struct run_done *done);

/* Ends the process over an input that did not open. */
_Noreturn void run_refuse(bool gone, int error, const char *why);

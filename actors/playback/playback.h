/* playback - may somebody watch this, with what, and from where.
 *
 * Serves     start_playback, save_progress, continue_watching, posters, list_downloads   (schemas/playback.toml)
 * Decides    who of those that may see a video may watch it: rights.h
 * Asks       catalog.get_playable, in the name of whoever asks: what they may see is decided there; catalog.note_watched; auth.get_me,
 *            in their name, for the birthday
 * Follows    the catalog's videos: changed, ready, published, deleted
 * Announces  the value media_keys: what media URLs are checked with, by the front and by an edge; the value
 *            media_denied: of which videos URLs are taken back, because they turned private, their window closed or they were deleted
 * Keeps      the keys, positions, and of videos that somebody began what their lists show, in $state/playback
 * Hands out  paths with the right to fetch one version of one video in them (actors/runtime/media_token),
 * good for
 *            playback.media_token_hours, rounded up to the hour, or until the video's window closes
 * When busy  answers what the runtime answers; it keeps no request itself
 * Weak spot  positions are not bounded per person, but by the videos that there are; a URL that was handed out
 *            stays good until it ends when the video may no longer be kept as a file, or has other regions or another age than before;
 *            whoever has a URL of what is for everybody may hand it on to somebody in another country */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def playback_actor;

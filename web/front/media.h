/* media - /media/{token}/{video}/{version}/...: what playlists, players and caches fetch.
 *
 * The right lies in the path (actors/runtime/media_token), so that relative URLs in playlists inherit it, and
 * is checked without a call. Everything but a growing playlist is immutable; shared caches may keep it as
 * long as the token lives. Whatever is wrong with the right is answered 403, whatever is wrong with the name
 * behind it 404. */
#pragma once

#include "web/front/router.h"

void media_serve(struct exchange *x, const struct router_path *path);

/* GET /api/v1/videos/stream/{id}: begins a playback and sends the player to its manifest. */
void media_stream(struct exchange *x, const struct router_path *path);

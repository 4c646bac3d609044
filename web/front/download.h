/* download - /media/{token}/{video}/{version}/dl/{pictures}/{sound}/{name}.mp4: one file of a rendition of pictures and one
 * of sound ("none": without), to be kept.
 *
 * Nothing is encoded and no file is made: what it holds follows from the renditions' tables (fragments.bin, init.mp4), and its
 * bytes are read from the segments as they are asked for, so that its length is known and ranges are answered. The token must be
 * of a class for files (MEDIA_TOKEN_FILE): who may watch may not always keep. The name is the one that the file is offered
 * to be kept under, whatever it says. */
#pragma once

#include "actors/runtime/media_token/media_token.h"
#include "web/front/router.h"

/* Of an address whose token is good for what it grants, from its sixth segment on. x->cache is set by the caller. */
void download_serve(struct exchange *x, const struct router_path *path, const struct media_grant *grant);

/* Content-Disposition's value (RFC 6266, 8187) for a name of UTF-8, in the arena. */
const char *download_disposition(struct arena *arena, const char *name);

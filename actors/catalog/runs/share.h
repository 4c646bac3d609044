/* share - whose turn it is. Work that waits has a stage: first previews and sounds, of videos that somebody watches while they
 * are made before those of others, then the rest, and other codecs last of all. Within a stage the
 * account goes first whose work took least so far, pictures and their sizes counted; and of an account the video that waits
 * longest. Who comes begins where the one that is furthest behind stands: turns are not saved up. */
#pragma once

#include "actors/catalog/catalog.h"

enum share_stage {
    SHARE_NONE, /* nothing is left to release */
    SHARE_AHEAD,
    SHARE_REST,
    SHARE_WATCHED, /* as SHARE_AHEAD, and there is somebody whose player will soon be where it ends */
    SHARE_EXTRA,   /* of a video that is ready: another codec */
};

/* The version waits at this stage from now on, or where it waited already. The caller saves the row. */
int share_want(struct turn *t, struct version_row *version, struct id owner, enum share_stage stage);

/* The account had this much done for it. */
int share_spend(struct turn *t, struct id owner, uint64_t work);

/* Offers what waits to `serve`, in order, until it answers 1 (served) or an error. 0: nobody could be served. */
typedef int share_serve(struct catalog *self, struct turn *t, struct version_row *version);
int share_next(struct catalog *self, struct turn *t, share_serve *serve);

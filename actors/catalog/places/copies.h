/* copies - a second place for what lies on the local disk (catalog.far), and what it has of each video.
 *
 * What is complete is copied there: the original when its last byte has come, all media when the video is ready, and what changes
 * then, such as playlists, with each change. A row per video says what is to be copied and what lies there, verified; it is
 * written when that is so, and from it all goes on after a crash: what was copied is found there, and what was begun is begun
 * anew. catalog.keep_local_h after that, or when the disk fills, the local copies of originals and segments go, each held
 * against the other in the same moment. Readers see one store (data/blobs/tier.h): which place has an object is nobody's concern.
 *
 * When it fails  it is tried again, after 5 seconds at first and 5 minutes at most; `kinobus why` and the log say what the store
 *                said. What lies here serves on; what only that place has is 503 meanwhile. A deleted video is gone when both
 *                have deleted it
 * Another place  named by catalog.far, before the one that it was, gets all that lies here, and what only that one has; then that one
 *                lets go of it, each object held against the other in the same moment. While it is not named any more what only it
 *                has is not found: its row keeps that place's name, and why says so
 * At a time      catalog.far_carries videos
 * Weak spot      the two are held against each other by size and time where a hash is not told (originals);
 *                what the store does with its bytes afterwards, scrub sees as far as sizes and hashes tell, and reads nothing */
#pragma once

#include "actors/catalog/catalog.h"

/* self->blobs is both places from then on. An error: a sentence was printed. */
int copies_open(struct catalog *self, const struct catalog_settings *settings);
void copies_stop(struct copies *copies); /* what is asked of it ends soon; NULL: nothing is */
void copies_free(struct copies **copies);
/* The same over stores that are open, for tests; its own from now on. */
void copies_over(struct catalog *self, struct blobs *far, const char *place);
void copies_over_before(struct catalog *self, struct blobs *before, const char *place);

/* The other place, and what it is called. One of its name, or the present one (NULL), for those who have it sign
 * (data/blobs/s3_direct.h): NULL, there is none that does. */
const char *copies_place(const struct catalog *self);
struct blobs *copies_store(const struct catalog *self, const char *place);
/* Its original was put there, and lies there alone. */
int copies_came_there(struct doing *d, const char *place);

/* What lies here, and nothing else: for the loop, which waits for no network. */
struct blobs *copies_near(const struct catalog *self);

int copies_clock(void *self, struct turn *t, int err, const void *reply, const void *ctx); /* begun once */
int copies_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx);
int copies_want(struct doing *d); /* the video was saved */

/* Who made a run once more may have put here what only the other place had by then: it is looked at again, and goes. */
int copies_stray(struct catalog *self, struct turn *t, struct id video);

/* Whether something is done with a video's objects; it ends soon then. */
bool copies_end(struct catalog *self, struct id video);

/* An object that only the other place has, and the loop has to read: soon. */
int copies_bring(struct catalog *self, struct turn *t, const char *name);

/* Where a video's bytes lie: a word, since when, and a sentence; NULL: there is no second place. */
int copies_say(const struct catalog *self, struct turn *t, const struct video_row *video, const char **ret_word,
               int64_t *ret_since, const char **ret_words);

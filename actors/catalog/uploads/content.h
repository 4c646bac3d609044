/* content - which file an original is, by SHA-256 of all its bytes, and whether its owner has it in another video already.
 *
 * That of a file that is not long whoever receives it makes (data/blobs keeps it beside the object); all else is read once, when
 * it is complete, on the pool and in slices. A row stands for it until it is made: what fails, as the store is away, or ends with the
 * process is asked for again by the clock, after a minute at first and every six hours at last, twenty times in all. What is found
 * out is told, and nothing follows from it: two videos of one file are their owner's choice. */
#pragma once

#include "actors/catalog/catalog.h"

/* All bytes are there: the sum, where it is known without reading; else a row that says it is to be made. */
int content_look(struct doing *d);
/* Makes it where it is still to be made. In a turn of its own, or that ends with it; ctx: the video's id. */
int content_ask(void *self, struct turn *t, int err, const void *reply, const void *ctx);
int content_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx);
void content_close(struct catalog *self); /* the pool has ended */

/* The oldest other video of the same owner that lives and has the same original, if it is older; else zero. */
int content_same(struct turn *t, const struct video_row *row, struct id *ret);
/* 1: it failed so far, and the row says how; 0: it did not; ERR_NOT_FOUND: it is not to be made. */
int content_say(struct turn *t, struct id video, struct content_row *ret);

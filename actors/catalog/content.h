/* content - which file an original is, by SHA-256 of all its bytes, and whether its owner has it in another video already.
 *
 * That of a file that is not long whoever receives it makes (data/blobs keeps it beside the object); all else is read once, when
 * it is complete, on the pool and in slices. What is found out is told, and nothing follows from it: two videos of one file are
 * their owner's choice. */
#pragma once

#include "actors/catalog/catalog.h"

/* All bytes are there: the sum, where it is known without reading. */
int content_look(struct doing *d);
/* The same, with whatever must be read for it, after the commit. Nothing to do where it is known. */
int content_ask(struct catalog *self, struct turn *t, struct id video);
/* The oldest other video of the same owner that lives and has the same original, if it is older; else zero. */
int content_same(struct turn *t, const struct video_row *row, struct id *ret);

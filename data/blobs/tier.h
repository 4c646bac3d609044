/* tier - two places as one: what is asked for is looked for in the first, and in the second when it is not there.
 *
 * Whoever reads sees an object as long as one of them has it; a copy may be made and another one removed meanwhile. The second
 * is not asked for what the first has, so that it may fail while that serves.
 *
 * Puts       into the first alone, and so is what grows: put_new asks whether the name is new there, and not in the second, so that
 *            what is made does not wait for a network, nor for a store that is away. Who puts a name that only the second has
 *            makes the same bytes of it (MEDIA.md), and the first goes before the second until it is let go of again
 *            (copies_stray); bytes that differ stay, and are told of
 * Deletes    in both, and sweeps both; an answer of 0 says that neither has it
 * fd         what only the second has, has no descriptor: *ret_fd is -1, info is filled, and blob_read has the bytes
 * Lists      both, each name once */
#pragma once

#include "data/blobs/blobs.h"

/* Both are its own from now on. */
struct blobs *blobs_tier(struct blobs *first, struct blobs *second);

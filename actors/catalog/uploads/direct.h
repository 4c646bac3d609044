/* direct - uploads whose bytes never come here: their parts are put straight into the second place, an S3 store, by whoever uploads.
 *
 * An upload is opened as any other (room is asked of the owner's quota, not of the disk), and with the first URL that is asked for a
 * multipart upload begins in the store. This process has the secret that signs; a front hands on what it is told. When all parts
 * are there they are held against what was declared, joined, and the video goes its way: its original is read where it lies, by
 * ranges, and its row of copies says that it lies there alone (copy_row.came_there).
 *
 * Left behind  nothing: an upload that is dropped, expires or whose video is deleted is given up in the store, and what a crash
 *              left there is swept, as no row knows of it
 * Asked twice  all of it may be: who completes once more is answered the same, also when the first answer was lost
 * Checked      each part's length by its URL's signature, by the list of parts at the end, and the whole object's after it was
 *              joined; ETags as far as the client tells them. SHA-256 of all of it is made when it is complete, as of every
 *              original of several parts (content.h)
 * Weak spot    while parts arrive nothing is looked at: a direct upload plays when it is complete, not before. Who has a URL may put
 *              that part until it ends */
#pragma once

#include "actors/catalog/catalog.h"

int direct_up(struct catalog *self, struct turn *t); /* what was begun before is known to the store again */

/* Whether the store has begun to collect an upload's parts. */
bool direct_is_begun(const struct upload *upload);

/* Of a video whose parts are on their way there, a sentence; NULL: they are not. */
int direct_say(struct turn *t, struct id video, const char **ret_words);

int catalog_create_direct_upload(struct catalog *, struct turn *, const struct create_direct_upload *,
                                 struct direct_upload *);
int catalog_get_direct_upload(struct catalog *, struct turn *, const struct get_direct_upload *,
                              struct direct_upload *);
int catalog_sign_parts(struct catalog *, struct turn *, const struct sign_parts *, struct sign_parts_reply *);
int catalog_complete_direct_upload(struct catalog *, struct turn *, const struct complete_direct_upload *,
                                   struct video *);
int catalog_drop_direct_upload(struct catalog *, struct turn *, const struct drop_direct_upload *);

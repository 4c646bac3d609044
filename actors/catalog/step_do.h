/* step_do - what the steps do beyond their new state; step.c names them in its tables. Each may change the
 * row and ask for announcements; the save comes later, once. */
#pragma once

#include "actors/catalog/catalog.h"

/* columns.c */
int upload_tell(struct doing *d);
int upload_completed(struct doing *d);
int upload_expired(struct doing *d);
int upload_dropped(struct doing *d);
int upload_not_fetched(struct doing *d);
int upload_reopened(struct doing *d);
int media_playable(struct doing *d);
int media_ready(struct doing *d);
int media_renewed(struct doing *d);
int media_fail(struct doing *d);
int media_refuse(struct doing *d);
int media_anew(struct doing *d);
int media_recover(struct doing *d);
bool release_is_allowed(const struct doing *d); /* by its media and its date, and by what a virus scanner said */
int release_try(struct doing *d);               /* publishes it where that is allowed, and not done */
int release_publish(struct doing *d);
int release_withdraw(struct doing *d);
int life_trash(struct doing *d);
int life_restore(struct doing *d);
int life_delete(struct doing *d);

/* media.c */
int media_ask_probe(struct doing *d);
int media_wait_bytes(struct doing *d);
int media_begin(struct doing *d);

/* runs.c */
int media_retry_runs(struct doing *d);

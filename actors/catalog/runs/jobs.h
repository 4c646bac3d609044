/* jobs - of a video's jobs: whether one can be put, and what the broker has of them: shown to who asks why, and withdrawn
 * when the video is gone. */
#pragma once

#include "actors/catalog/catalog.h"

/* Asks the broker; the continuation's reply is a struct bytes for jobs_add(). */
int jobs_ask(struct turn *t, struct id video, turn_then *then, const void *ctx, size_t ctx_len);
/* Adds what the broker answered. What is broken in it is left out. */
void jobs_add(struct turn *t, struct bytes answer, struct why_reply *reply);

/* What keeps a job from being put, as a sentence; NULL: nothing. Its numbers come from a stranger's file, and what cannot be put
 * would undo the turn, whoever's videos that is about. */
const char *jobs_wrong(struct turn *t, const struct wire_type *type, const void *job);

/* After the commit the video's jobs are withdrawn: nobody begins them any more, and who has one hears so. As good as can
 * be: a job that is missed is done in vain, and its result is not looked at. */
void jobs_withdraw(struct turn *t, struct id video);

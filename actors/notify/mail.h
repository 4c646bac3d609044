/* mail - what is told by mail as well, where mail is set up.
 *
 * A mail to an account waits in a row until auth has told the address; the row goes in the commit that puts
 * the job. */
#pragma once

#include "actors/notify/actor.h"

bool mail_is_set_up(const struct turn *t);

/* To an account. note: the notification that it belongs to, which names it for ever. */
int mail_to_user(struct turn *t, struct id note, struct id user, const char *subject, const char *body);
/* To an address that is known. */
int mail_to_address(struct turn *t, struct id note, const char *to, const char *subject, const char *body);

/* Asks again for what has no answer yet: at the start, and by the clock. Some of it, where there is very much. */
int mail_resume(struct turn *t);

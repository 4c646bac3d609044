/* notify - tells people what happened: in the app, and by mail where mail is set up.
 *
 * Serves     list_notifications, mark_read                                  (schemas/notify.toml)
 * Follows    catalog: video_playable, video_ready, video_failed; auth: user_created,
 *            link_asked
 * Announces  notified, which the front passes on to open pages              Puts  fetcher.send_mail
 * Keeps      notifications, the newest notify.notes_per_user of each person, and mails whose address is
 * being asked
 *            for, in $state/notify
 * Mails      only when notify.mail_from is set. A mail's row, the question for its address, and the job that
 * sends it
 *            are such that a kill in between loses no mail; its Message-ID is made once
 * Weak spot  what happened while events were lost (a broker without its disk) is not told */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def notify_actor;

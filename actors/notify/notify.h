/* notify - tells people what happened: in the app, and by mail where mail is set up.
 *
 * Serves     list_notifications, mark_read                                  (schemas/notify.toml)
 * Follows    catalog: video_playable, video_ready, video_failed, video_deleted; auth: user_created, link_asked
 * Announces  notified, which the front passes on to open pages              Puts  fetcher.send_mail
 * Keeps      notifications, the newest notify.notes_per_user of each person, what was told last of each video, and mails
 *            whose address is being asked for, in $state/notify
 * Mails      only when notify.mail_from is set. A mail's row, the question for its address, and the job that sends it
 *            are such that a kill in between loses no mail; its Message-ID is made once
 * When lost  (a broker without its disk) it reads the catalog anew, and tells owners what they were not told (rescan.h)
 * Weak spot  a video that failed, was tried again and failed the same way while events were lost is told once */
#pragma once

#include "actors/runtime/actor.h"

extern const struct actor_def notify_actor;

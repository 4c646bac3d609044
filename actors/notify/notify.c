/* notify - the actor; see notify.h */
#include "actors/notify/notify.h"

#include "actors/notify/mail.h"
#include "actors/notify/rescan.h"

enum { NOTIFY_TICK_MS = 30000 };

/* Nothing waits for an answer that does not come, or that was undone with its turn. */
static int notify_tick(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    int r = turn_after(t, NOTIFY_TICK_MS, notify_tick, NULL, 0);

    if (r == 0)
        r = mail_resume(t);
    return r < 0 ? r : rescan_tend(self, t);
}

static int notify_up(void *self_, struct turn *t)
{
    struct notify *self = self_;
    int r = mail_resume(t);

    if (r == 0)
        r = rescan_resume(self, t);
    if (r < 0 || self->ticking)
        return r;
    turn_remember(t, &self->ticking, sizeof(self->ticking));
    self->ticking = true;
    return turn_after(t, NOTIFY_TICK_MS, notify_tick, NULL, 0);
}

static const struct notify_handlers handlers = {
    .list_notifications = notify_on_list,
    .mark_read = notify_on_mark_read,
    .on_catalog_video_playable = notify_on_playable,
    .on_catalog_video_ready = notify_on_ready,
    .on_catalog_video_failed = notify_on_failed,
    .on_catalog_video_deleted = notify_on_deleted,
    .on_auth_link_asked = notify_on_link_asked,
    .on_auth_user_created = notify_on_user_created,
};

const struct actor_def notify_actor = {
    .name = "notify",
    .schema = &notify_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct notify),
    .up = notify_up,
    .lost = rescan_lost,
};

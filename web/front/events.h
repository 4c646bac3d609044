/* events - GET /api/v1/events: server-sent events of the caller's own videos and notifications.
 *
 *     event: notification          a struct notification as JSON
 *     event: video_progress        a struct video_progress as JSON
 *     event: lost                  some are missing: ask anew
 *     : heartbeat                  every 15 s
 *
 * Each of the first two has an id. A page that comes back with Last-Event-ID is told what it missed, or `lost` when
 * that is not kept any more or the front was started since (hub.h); browsers come back by themselves. The stream
 * ends when the session does, and when the front drains. */
#pragma once

#include "web/front/router.h"

void events_serve(struct exchange *x, const struct router_path *path);

/* From the bus thread. */
void events_notified(struct front *front, struct bytes body);
void events_progress(struct front *front, struct bytes body);

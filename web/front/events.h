/* events - GET /api/v1/events: server-sent events of the caller's own videos and notifications.
 *
 *     event: notification          a struct notification as JSON
 *     event: video_progress        a struct video_progress as JSON
 *     event: lost                  messages were dropped because the page read too slowly: ask anew
 *     : heartbeat                  every 15 s
 *
 * Nothing is replayed: Last-Event-ID is taken and means nothing, as the page asks for the state when it
 * begins. The stream ends when the session does, and when the front drains; browsers come back by themselves.
 * */
#pragma once

#include "web/front/router.h"

void events_serve(struct exchange *x, const struct router_path *path);

/* From the bus thread. */
void events_notified(struct front *front, struct bytes body);
void events_progress(struct front *front, struct bytes body);

/* actor - what the handlers of notify share. */
#pragma once

#include "actors/runtime/turn.h"
#include "gen/notify.h"

struct notify { /* what it knows is in its store */
    bool ticking;
    int64_t paged; /* when a page of the rescan was asked for */
};

/* notes.c */
int notify_on_list(struct notify *self, struct turn *t, const struct list_notifications *ask,
                   struct list_notifications_reply *reply);
int notify_on_mark_read(struct notify *self, struct turn *t, const struct mark_read *ask);

/* rescan.c */
int notify_on_deleted(struct notify *self, struct turn *t, const struct video_deleted *event);

/* events.c */
/* Tells the owner of a video, in the app and by mail. */
struct template;
int events_video(struct turn *t, const struct template *template, const struct video *video);
int notify_on_playable(struct notify *self, struct turn *t, const struct video_playable *event);
int notify_on_ready(struct notify *self, struct turn *t, const struct video_ready *event);
int notify_on_failed(struct notify *self, struct turn *t, const struct video_failed *event);
int notify_on_link_asked(struct notify *self, struct turn *t, const struct link_asked *event);
int notify_on_user_created(struct notify *self, struct turn *t, const struct user_created *event);

/* actor - what the handlers of playback share. */
#pragma once

#include "actors/runtime/turn.h"
#include "gen/playback.h"

enum { PLAYBACK_OVERDUE_MS = 10000 };

struct playback {
    /* When ticks are due; 0: none is on its way. One that is overdue was undone with the turn that set it. */
    int64_t tending, forgetting, viewing, windowing;
    struct country_db *countries; /* NULL: none is configured, or nobody asked yet */
};

/* start.c */
int playback_on_start(struct playback *self, struct turn *t, const struct start_playback *ask,
                      struct playing *reply);
int playback_on_posters(struct playback *self, struct turn *t, const struct posters *ask,
                        struct posters_reply *reply);

/* download.c */
int playback_on_downloads(struct playback *self, struct turn *t, const struct list_downloads *ask,
                          struct list_downloads_reply *reply);

/* progress.c */
int playback_on_save(struct playback *self, struct turn *t, const struct save_progress *ask);

/* lists.c */
int playback_on_watching(struct playback *self, struct turn *t, const struct continue_watching *ask,
                         struct continue_watching_reply *reply);
int playback_on_history(struct playback *self, struct turn *t, const struct watch_history *ask,
                        struct watch_history_reply *reply);
int playback_on_forget_watched(struct playback *self, struct turn *t, const struct forget_watched *ask);
int playback_on_forget_history(struct playback *self, struct turn *t, const struct forget_history *ask,
                               struct forget_history_reply *reply);

/* views.c */
int playback_on_report(struct playback *self, struct turn *t, const struct report_playback *ask);

/* quality.c */
int playback_on_quality(struct playback *self, struct turn *t, const struct video_quality *ask,
                        struct video_quality_reply *reply);

/* kept.c */
int playback_on_keep(struct playback *self, struct turn *t, const struct keep_for_later *ask);
int playback_on_drop(struct playback *self, struct turn *t, const struct drop_from_watchlist *ask);
int playback_on_watchlist(struct playback *self, struct turn *t, const struct watchlist *ask,
                          struct watchlist_reply *reply);

/* known.c */
int playback_on_changed(struct playback *self, struct turn *t, const struct video_changed *event);
int playback_on_ready(struct playback *self, struct turn *t, const struct video_ready *event);
int playback_on_published(struct playback *self, struct turn *t, const struct video_published *event);
int playback_on_deleted(struct playback *self, struct turn *t, const struct video_deleted *event);

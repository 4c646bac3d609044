/* playback - the actor; see playback.h */
#include "actors/playback/playback.h"

#include "actors/playback/country.h"
#include "actors/playback/keys.h"
#include "actors/playback/known.h"
#include "actors/playback/views.h"
#include "actors/playback/window.h"

static int playback_up(void *me, struct turn *t)
{
    int r = keys_tend(me, t);

    if (r == 0)
        r = views_tend(me, t);
    if (r == 0)
        r = window_tend(me, t);
    return r < 0 ? r : known_forget(me, t);
}

static void playback_close(void *me)
{
    country_close(&((struct playback *)me)->countries);
}

static const struct playback_handlers handlers = {
    .start_playback = playback_on_start,
    .save_progress = playback_on_save,
    .continue_watching = playback_on_watching,
    .watch_history = playback_on_history,
    .forget_watched = playback_on_forget_watched,
    .forget_history = playback_on_forget_history,
    .watchlist = playback_on_watchlist,
    .keep_for_later = playback_on_keep,
    .drop_from_watchlist = playback_on_drop,
    .report_playback = playback_on_report,
    .video_quality = playback_on_quality,
    .posters = playback_on_posters,
    .list_downloads = playback_on_downloads,
    .on_catalog_video_changed = playback_on_changed,
    .on_catalog_video_ready = playback_on_ready,
    .on_catalog_video_published = playback_on_published,
    .on_catalog_video_deleted = playback_on_deleted,
};

const struct actor_def playback_actor = {
    .name = "playback",
    .schema = &playback_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct playback),
    .up = playback_up,
    .close = playback_close,
};

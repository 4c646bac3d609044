/* known - see known.h */
#include "actors/playback/known.h"

#include "actors/playback/denied.h"
#include "actors/playback/window.h"
#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

enum { KNOWN_FORGET_ROWS = 500 };

bool known_is_open(const struct video *video)
{
    return video->life == LIFE_STATE_LIVE && video->release == RELEASE_STATE_PUBLISHED &&
           (video->visibility == VISIBILITY_PUBLIC || video->visibility == VISIBILITY_UNLISTED);
}

static int known_replace(struct turn *t, const struct video *video, struct play_video *old)
{
    struct play_video row = {
        .video_id = video->id,
        .video_rev = video->rev,
        .owner_id = video->owner_id,
        .title = video->title,
        .open = known_is_open(video),
        .version = video->version,
        .duration_ms = video->duration_ms,
        .has_poster = video->has_poster,
        .poster = video->poster,
    };

    return old && old->video_rev >= video->rev ? 0 : play_video_put(turn_txn(t), &row);
}

int known_put(struct turn *t, const struct video *video)
{
    struct play_video old;
    int r = play_video_get(turn_txn(t), turn_arena(t), video->id, &old);

    if (r == ERR_NOT_FOUND)
        return known_replace(t, video, NULL);
    return r < 0 ? r : known_replace(t, video, &old);
}

int known_get(struct turn *t, struct id video, struct play_video *ret)
{
    int r = play_video_get(turn_txn(t), turn_arena(t), video, ret);

    return r == 0 && ret->gone ? ERR_NOT_FOUND : r;
}

bool known_allows(const struct turn *t, const struct play_video *video)
{
    return video->open || turn_may_manage(t, video->owner_id);
}

/* ---- events: of videos that nobody began nothing is kept, but that their URLs were taken back */

static int known_change(struct playback *self, struct turn *t, const struct video *video)
{
    struct play_video old;
    int r = video->version ? window_follow(self, t, video) : 0;

    if (r == 0)
        r = play_video_get(turn_txn(t), turn_arena(t), video->id, &old);
    if (r == ERR_NOT_FOUND)
        return 0;
    return r < 0 ? r : known_replace(t, video, &old);
}

int playback_on_changed(struct playback *self, struct turn *t, const struct video_changed *event)
{
    return known_change(self, t, &event->video);
}

int playback_on_ready(struct playback *self, struct turn *t, const struct video_ready *event)
{
    return known_change(self, t, &event->video);
}

int playback_on_published(struct playback *self, struct turn *t, const struct video_published *event)
{
    return known_change(self, t, &event->video);
}

int playback_on_deleted(struct playback *self, struct turn *t, const struct video_deleted *event)
{
    struct play_video row;
    int r = denied_tell(t, event->video_id, event->rev, MEDIA_REFUSED_ALL);

    if (r == 0)
        r = window_forget(t, event->video_id);
    if (r == 0)
        r = play_video_get(turn_txn(t), turn_arena(t), event->video_id, &row);
    if (r == ERR_NOT_FOUND) { /* nobody who is known began it; what players told of it goes, too */
        row = (struct play_video) { .video_id = event->video_id };
        r = 0;
    }
    if (r == 0 && (row.gone || row.video_rev > event->rev))
        return 0;
    row.gone = true;
    row.video_rev = event->rev;
    if (r == 0)
        r = play_video_put(turn_txn(t), &row);
    return r < 0 ? r : known_forget(self, t);
}

/* ---- forgetting: what people have of a video that is gone */

union known_row {
    struct play_position position;
    struct play_kept kept;
    struct play_view view;
    struct play_quality quality;
};

/* Those that the walk finds, until *rows have gone. */
static int known_forget_rows(struct turn *t, const struct table_def *table, int index,
                             const union known_row *first, unsigned *rows)
{
    union known_row row;
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), table, index, first, 1, TABLE_UP, (struct bytes) { 0 });

    while (r == 0 && *rows > 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        r = table_del(turn_txn(t), table, &row);
        turn_count(t, PLAYBACK_POSITIONS_FORGOTTEN, table == &play_position_table);
        (*rows)--;
    }
    table_walk_end(&walk);
    return r;
}

/* 1: there is more. */
static int known_forget_video(struct turn *t, const struct play_video *video, unsigned *rows)
{
    const struct {
        const struct table_def *table;
        int index; /* begins with the video */
        union known_row first;
    } all[] = {
        { &play_position_table, PLAY_POSITION_BY_VIDEO, { .position = { .video_id = video->video_id } } },
        { &play_kept_table, PLAY_KEPT_BY_VIDEO, { .kept = { .video_id = video->video_id } } },
        { &play_view_table, PLAY_VIEW_BY_VIDEO, { .view = { .video_id = video->video_id } } },
        { &play_quality_table, TABLE_PRIMARY, { .quality = { .video_id = video->video_id } } },
    };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof all / sizeof *all; i++)
        r = known_forget_rows(t, all[i].table, all[i].index, &all[i].first, rows);
    if (r < 0 || *rows == 0)
        return r < 0 ? r : 1;
    return play_video_del(turn_txn(t), video->video_id);
}

static int known_forget_slice(struct turn *t)
{
    unsigned rows = KNOWN_FORGET_ROWS;
    struct play_video video;
    int r = 0;

    while (r == 0) {
        r = table_find(turn_txn(t), &play_video_table, PLAY_VIDEO_BY_GONE, &(struct play_video) { .gone = true },
                       1, turn_arena(t), &video);
        if (r == ERR_NOT_FOUND)
            return 0;
        if (r == 0)
            r = known_forget_video(t, &video, &rows);
    }
    return r;
}

static int known_forget_tick(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct playback *self = me;

    self->forgetting = 0;
    return known_forget(self, t);
}

int known_forget(struct playback *self, struct turn *t)
{
    int r = known_forget_slice(t);

    if (r <= 0 || (self->forgetting && turn_now(t) < self->forgetting + PLAYBACK_OVERDUE_MS))
        return r < 0 ? r : 0;
    self->forgetting = turn_now(t);
    return turn_after(t, 0, known_forget_tick, NULL, 0);
}

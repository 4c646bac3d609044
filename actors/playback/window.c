/* window - see window.h */
#include "actors/playback/window.h"

#include "actors/playback/denied.h"
#include "actors/playback/known.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum { WINDOW_TEND_ROWS = 500, WINDOW_LONGEST_MS = 3600 * 1000 };

bool window_is_open(const struct video *video, int64_t now)
{
    const struct watch_window *w = &video->window;

    return !video->has_window || ((!w->has_from || now >= w->from) && (!w->has_until || now < w->until));
}

bool window_is_limited(const struct video *video)
{
    return video->has_regions || video->minimum_age;
}

int window_forget(struct turn *t, struct id video)
{
    int r = play_window_del(turn_txn(t), video);

    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Tells what its URLs are worth now, and keeps when that changes. */
static int window_apply(struct turn *t, struct play_window *row)
{
    int64_t now = turn_now(t);
    bool open = now >= row->from && (!row->until || now < row->until);
    int r = denied_tell(t, row->video_id, row->video_rev,
                        !open          ? MEDIA_REFUSED_CLOSED
                        : row->limited ? MEDIA_REFUSED_LIMITED
                                       : MEDIA_REFUSED_NONE);

    row->next_at = now < row->from ? row->from : now < row->until ? row->until : 0;
    if (r < 0)
        return r;
    return row->next_at ? play_window_put(turn_txn(t), row) : window_forget(t, row->video_id);
}

int window_follow(struct playback *self, struct turn *t, const struct video *video)
{
    struct play_window row = { .video_id = video->id,
                               .video_rev = video->rev,
                               .limited = window_is_limited(video) };
    bool refused = video->media == MEDIA_STATE_REFUSED;
    int r;

    if (refused || !known_is_open(video)) {
        r = denied_tell(t, video->id, video->rev, refused ? MEDIA_REFUSED_ALL : MEDIA_REFUSED_OPEN);
        return r < 0 ? r : window_forget(t, video->id);
    }
    if (video->has_window) {
        row.from = video->window.has_from ? video->window.from : 0;
        row.until = video->window.has_until ? video->window.until : 0;
    }
    r = window_apply(t, &row);
    return r < 0 ? r : window_tend(self, t);
}

static int window_tick(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct playback *self = me;

    self->windowing = 0;
    return window_tend(self, t);
}

/* A timer for this moment, where none comes before it. */
static int window_wake(struct playback *self, struct turn *t, int64_t at)
{
    int64_t now = turn_now(t), longest = now + WINDOW_LONGEST_MS;

    at = at > longest ? longest : at;
    if (self->windowing && self->windowing <= at && now < self->windowing + PLAYBACK_OVERDUE_MS)
        return 0;
    self->windowing = at;
    return turn_after(t, at > now ? (uint32_t)(at - now) : 0, window_tick, NULL, 0);
}

int window_tend(struct playback *self, struct turn *t)
{
    struct play_window row;
    int r = 0;

    for (unsigned n = 0; r == 0 && n < WINDOW_TEND_ROWS; n++) {
        struct table_walk walk;

        r = table_walk_start(&walk, turn_txn(t), &play_window_table, PLAY_WINDOW_BY_NEXT, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });
        if (r == 0)
            r = table_walk_next(&walk, turn_arena(t), &row);
        table_walk_end(&walk);
        if (r <= 0) /* no window has anything to come */
            return r;
        if (row.next_at > turn_now(t))
            return window_wake(self, t, row.next_at);
        r = window_apply(t, &row);
    }
    return r < 0 ? r : window_wake(self, t, turn_now(t));
}

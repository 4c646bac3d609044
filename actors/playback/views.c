/* views - see views.h */
#include "actors/playback/views.h"

#include "actors/playback/quality.h"
#include "actors/playback/window.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum {
    VIEWS_TEND_MS = 60 * 1000,
    VIEWS_TEND_ROWS = 500,
    VIEWS_ON_MS = 90 * 1000,    /* players report twice a minute */
    VIEWS_CLOCK_MS = 60 * 1000, /* how far the clocks of viewers may differ from ours over a view */
};

/* Those of the caller that are on, as far as their players have told. */
static int views_streams(struct turn *t, unsigned most, unsigned *ret)
{
    struct play_view row = { .viewer_id = turn_subject(t)->user_id };
    int64_t since = turn_now(t) - VIEWS_ON_MS;
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &play_view_table, PLAY_VIEW_BY_VIEWER, &row, 1, TABLE_DOWN,
                             (struct bytes) { 0 });

    *ret = 0;
    while (r == 0 && *ret < most && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        r = 0;
        if (row.heard_at < since)
            break;
        *ret += row.state <= PLAY_STATE_PAUSED;
    }
    table_walk_end(&walk);
    return r;
}

/* Whether it is a playback of this video by whoever asks now. */
static int views_goes_on(struct turn *t, struct id of, struct id video, bool *ret)
{
    struct play_view row;
    int r = id_is_zero(of) ? ERR_NOT_FOUND : play_view_get(turn_txn(t), turn_arena(t), of, &row);

    *ret = r == 0 && id_equal(row.video_id, video) && id_equal(row.viewer_id, turn_subject(t)->user_id);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int views_on(struct turn *t, struct id of, struct id video, unsigned *ret)
{
    const struct playback_settings *settings = turn_settings(t);
    bool goes_on;
    int r;

    *ret = 0;
    if (settings->streams_max == 0 || !turn_subject(t)->known)
        return 0;
    r = views_goes_on(t, of, video, &goes_on);
    return r < 0 || goes_on ? r : views_streams(t, (unsigned)settings->streams_max, ret);
}

int views_begin(struct turn *t, struct id of, const struct video *video, struct id *ret_play)
{
    const struct playback_settings *settings = turn_settings(t);
    struct play_view row = { .id = of,
                             .video_id = video->id,
                             .owner_id = video->owner_id,
                             .viewer_id = turn_subject(t)->user_id,
                             .started_at = turn_now(t),
                             .heard_at = turn_now(t),
                             .state = PLAY_STATE_STARTING };
    bool goes_on;
    uint64_t n;
    int r = views_goes_on(t, of, video->id, &goes_on);

    *ret_play = of;
    if (r < 0 || goes_on)
        return r;
    *ret_play = row.id = turn_id(t);
    r = table_count(turn_txn(t), &play_view_table, &n);
    if (r == 0 && n >= settings->views_max) {
        turn_count(t, PLAYBACK_SESSIONS_NOT_FOLLOWED, 1);
        return 0;
    }
    return r < 0 ? r : play_view_put(turn_txn(t), &row);
}

/* The first report is what makes it a try: a page that was opened and left at once, or a list that asks ahead, is none. */
int playback_on_report(struct playback *self, struct turn *t, const struct report_playback *ask)
{
    struct play_view before, after;
    int r = play_view_get(turn_txn(t), turn_arena(t), ask->id, &before);

    if (r == ERR_NOT_FOUND)
        return turn_fail(t, ERR_NOT_FOUND, "id",
                         "is of no playback that is followed: it has ended, or never began");
    if (r < 0 || ask->number <= before.number)
        return r;
    if (turn_now(t) - before.started_at + VIEWS_CLOCK_MS < (int64_t)(ask->played_ms + ask->stalled_ms))
        return turn_fail(t, ERR_INVALID, "played_ms",
                         "with stalled_ms is more than the time since the playback began");
    after = before;
    after.heard_at = turn_now(t);
    after.number = ask->number;
    after.state = ask->state;
    after.has_startup_ms = ask->has_startup_ms || before.has_startup_ms;
    after.startup_ms = before.has_startup_ms ? before.startup_ms : ask->startup_ms;
    after.played_ms = ask->played_ms;
    after.stalls = ask->stalls;
    after.stalled_ms = ask->stalled_ms;
    after.bitrate_kbps = ask->bitrate_kbps;
    after.top_kbps = ask->top_kbps;
    after.switches = ask->switches;
    after.switched_kbps = ask->switched_kbps;
    after.dropped_frames = ask->dropped_frames;
    after.error = ask->error;
    r = quality_add(t, &before, &after, before.number == 0);
    return r < 0 ? r : play_view_put(turn_txn(t), &after);
}

/* ---- their end */

/* Of one that nobody ever reported on nothing is told. */
static int views_end(struct turn *t, const struct play_view *view)
{
    int score = quality_of_view(view), r = 0;
    struct view_ended event = { .video_id = view->video_id,
                                .play_id = view->id,
                                .owner_id = view->owner_id,
                                .started_at = view->started_at,
                                .ended_at = view->heard_at,
                                .state = view->state,
                                .has_startup_ms = view->has_startup_ms,
                                .startup_ms = view->startup_ms,
                                .played_ms = view->played_ms,
                                .stalls = view->stalls,
                                .stalled_ms = view->stalled_ms,
                                .bitrate_kbps = view->bitrate_kbps,
                                .top_kbps = view->top_kbps,
                                .switches = view->switches,
                                .dropped_frames = view->dropped_frames,
                                .error = view->error,
                                .has_score = score >= 0,
                                .score = score >= 0 ? (uint64_t)score : 0 };

    if (view->number)
        r = emit_view_ended(t, &event);
    return r < 0 ? r : play_view_del(turn_txn(t), view->id);
}

static int views_end_idle(struct turn *t)
{
    const struct playback_settings *settings = turn_settings(t);
    int64_t before = turn_now(t) - (int64_t)settings->view_idle_s * 1000;
    struct play_view row;
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &play_view_table, PLAY_VIEW_BY_HEARD, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    for (unsigned n = 0; r == 0 && n < VIEWS_TEND_ROWS && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0;
         n++) {
        r = 0;
        if (row.heard_at > before)
            break;
        r = views_end(t, &row);
    }
    table_walk_end(&walk);
    return r;
}

static int views_tick(void *me, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct playback *self = me;

    int r;

    self->viewing = 0;
    r = window_tend(self, t); /* whose own timer is undone with a turn that fails */
    return r < 0 ? r : views_tend(self, t);
}

int views_tend(struct playback *self, struct turn *t)
{
    int r = views_end_idle(t);

    if (r == 0)
        r = quality_tend(t);
    if (r < 0 || (self->viewing && turn_now(t) < self->viewing + PLAYBACK_OVERDUE_MS))
        return r;
    self->viewing = turn_now(t) + VIEWS_TEND_MS;
    return turn_after(t, VIEWS_TEND_MS, views_tick, NULL, 0);
}

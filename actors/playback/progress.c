/* progress - where people are in videos, and what they have begun. */
#include "actors/playback/keys.h"
#include "actors/playback/known.h"
#include "actors/runtime/page/page.h"
#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

enum { PROGRESS_LOOKED_AT = 500 }; /* rows per page: videos that the caller may no longer see are passed over */

static bool progress_finished(struct turn *t, uint64_t position_ms, uint64_t duration_ms)
{
    const struct playback_settings *settings = turn_settings(t);

    return duration_ms && position_ms * 100 >= duration_ms * settings->finished_percent;
}

static int progress_put(struct turn *t, const struct save_progress *ask, uint64_t duration_ms)
{
    struct id user = turn_subject(t)->user_id;
    struct play_position row = { .user_id = user,
                                 .video_id = ask->id,
                                 .position_ms = ask->position_ms,
                                 .duration_ms = duration_ms ? duration_ms : ask->duration_ms,
                                 .updated_at = turn_now(t) };

    if (row.position_ms && !progress_finished(t, row.position_ms, row.duration_ms))
        row.watcher_id = user;
    turn_count(t, PLAYBACK_POSITIONS_SAVED, 1);
    return play_position_put(turn_txn(t), &row);
}

/* A video that is not known yet, or not for the caller as far as is known: the catalog decides. */
static int progress_answer(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct playable *playable = answer;
    const struct save_progress *ask = ctx;
    int r;

    if (err < 0)
        return err == ERR_CONFLICT ? turn_fail(t, ERR_NOT_FOUND, NULL, "nothing of the video can be watched yet")
                                   : err;
    r = known_put(t, &playable->video);
    return r < 0 ? r : progress_put(t, ask, playable->video.duration_ms);
}

int playback_on_save(struct playback *self, struct turn *t, const struct save_progress *ask)
{
    struct play_video video;
    int r;

    if (!turn_subject(t)->known)
        return turn_fail(t, ERR_UNAUTHENTICATED, NULL, "positions are kept for people");
    r = known_get(t, ask->id, &video);
    if (r == 0 && known_allows(t, &video))
        return progress_put(t, ask, video.duration_ms);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = ask_get_playable(t, &(struct get_playable) { .id = ask->id }, progress_answer, ask, sizeof(*ask));
    return r < 0 ? r : TURN_LATER;
}

/* ---- what was begun */

/* 1: shown, 0: not for the caller. */
static int progress_show(struct turn *t, const struct play_position *row, struct watching *ret)
{
    struct play_video video;
    int r = known_get(t, row->video_id, &video);

    if (r == ERR_NOT_FOUND || (r == 0 && !known_allows(t, &video)))
        return 0;
    if (r < 0)
        return r;
    *ret = (struct watching) { .video_id = row->video_id,
                               .title = video.title,
                               .position_ms = row->position_ms,
                               .duration_ms = video.duration_ms ? video.duration_ms : row->duration_ms,
                               .updated_at = row->updated_at };
    if (video.has_poster && video.version)
        r = keys_poster_path(t, video.video_id, video.version, video.poster, video.open ? "open" : "owner", true,
                             &ret->poster_url);
    return r < 0 ? r : 1;
}

/* Fills the page; one more that would be shown says that there is another page. */
static int progress_walk(struct turn *t, struct table_walk *walk, size_t limit,
                         struct continue_watching_reply *reply)
{
    struct play_position row;
    struct watching shown;
    struct bytes at = { 0 };
    unsigned looked = 0;
    int r = 0;

    while (looked++ < PROGRESS_LOOKED_AT && (r = table_walk_next(walk, turn_arena(t), &row)) > 0) {
        r = progress_show(t, &row, &shown);
        if (r < 0)
            return r;
        if (r > 0 && reply->items_n == limit) {
            reply->next = page_cursor_text(turn_arena(t), at);
            return 0;
        }
        if (r > 0)
            reply->items[reply->items_n++] = shown;
        at = arena_bytes(turn_arena(t), table_walk_at(walk));
    }
    if (r >= 0 && looked > PROGRESS_LOOKED_AT)
        reply->next = page_cursor_text(turn_arena(t), at);
    return r < 0 ? r : 0;
}

int playback_on_watching(struct playback *self, struct turn *t, const struct continue_watching *ask,
                         struct continue_watching_reply *reply)
{
    struct play_position mine = { .watcher_id = turn_subject(t)->user_id };
    struct table_walk walk;
    struct bytes after;
    int r;

    if (!turn_subject(t)->known)
        return turn_fail(t, ERR_UNAUTHENTICATED, NULL, "positions are kept for people");
    r = page_cursor_read(turn_arena(t), ask->cursor, &after);
    if (r == 0)
        r = table_walk_start(&walk, turn_txn(t), &play_position_table, PLAY_POSITION_BY_UNFINISHED, &mine, 1,
                             TABLE_DOWN, after);
    if (r < 0)
        return r == ERR_INVALID ? turn_fail(t, r, "cursor", "is not one that this list answered") : r;
    reply->items = arena_alloc_n(turn_arena(t), ask->limit + 1, sizeof(*reply->items));
    r = progress_walk(t, &walk, ask->limit, reply);
    table_walk_end(&walk);
    return r;
}

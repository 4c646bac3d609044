/* progress - where people are in videos. */
#include "actors/playback/known.h"
#include "actors/playback/lists.h"
#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

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

    r = lists_need_person(t);
    if (r < 0)
        return r;
    r = known_get(t, ask->id, &video);
    if (r == 0 && known_allows(t, &video))
        return progress_put(t, ask, video.duration_ms);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = ask_get_playable(t, &(struct get_playable) { .id = ask->id }, progress_answer, ask, sizeof(*ask));
    return r < 0 ? r : TURN_LATER;
}

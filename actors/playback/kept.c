/* kept - the watchlist: what people keep to watch later. */
#include "actors/playback/kept.h"

#include "actors/playback/known.h"
#include "actors/playback/lists.h"
#include "data/store/table.h"
#include "gen/catalog.h"
#include "gen/errors.h"

int kept_has(struct turn *t, struct id video, bool *ret)
{
    const struct subject *who = turn_subject(t);
    struct play_kept row;
    int r = ERR_NOT_FOUND;

    if (who->known)
        r = play_kept_get(turn_txn(t), turn_arena(t), who->user_id, video, &row);
    *ret = r == 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int kept_count(struct turn *t, uint64_t most, uint64_t *ret)
{
    struct play_kept row = { .user_id = turn_subject(t)->user_id };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &play_kept_table, TABLE_PRIMARY, &row, 1, TABLE_UP,
                             (struct bytes) { 0 });

    *ret = 0;
    while (r == 0 && *ret < most && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        (*ret)++;
        r = 0;
    }
    table_walk_end(&walk);
    return r;
}

static int kept_put(struct turn *t, struct id video)
{
    const struct playback_settings *settings = turn_settings(t);
    struct play_kept row = { .user_id = turn_subject(t)->user_id, .video_id = video, .kept_at = turn_now(t) };
    uint64_t n = 0;
    bool has;
    int r = kept_has(t, video, &has);

    if (r < 0 || has)
        return r;
    r = kept_count(t, settings->watchlist_max, &n);
    if (r == 0 && n >= settings->watchlist_max)
        return turn_fail(t, ERR_QUOTA_EXCEEDED, NULL,
                         "the watchlist has %llu videos, as many as it may: take one off it first",
                         (unsigned long long)n);
    return r < 0 ? r : play_kept_put(turn_txn(t), &row);
}

static int kept_answer(void *me, struct turn *t, int err, const void *answer, const void *ctx)
{
    const struct playable *playable = answer;
    int r;

    if (err < 0)
        return err == ERR_CONFLICT ? turn_fail(t, ERR_NOT_FOUND, NULL, "nothing of the video can be watched yet")
                                   : err;
    r = known_put(t, &playable->video);
    return r < 0 ? r : kept_put(t, playable->video.id);
}

/* A video that is not known yet, or not for the caller as far as is known: the catalog decides. */
int playback_on_keep(struct playback *self, struct turn *t, const struct keep_for_later *ask)
{
    struct play_video video;
    int r = lists_need_person(t);

    if (r == 0)
        r = known_get(t, ask->id, &video);
    if (r == 0 && known_allows(t, &video))
        return kept_put(t, ask->id);
    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    r = ask_get_playable(t, &(struct get_playable) { .id = ask->id }, kept_answer, NULL, 0);
    return r < 0 ? r : TURN_LATER;
}

int playback_on_drop(struct playback *self, struct turn *t, const struct drop_from_watchlist *ask)
{
    int r = lists_need_person(t);

    if (r == 0)
        r = play_kept_del(turn_txn(t), turn_subject(t)->user_id, ask->id);
    return r == ERR_NOT_FOUND ? turn_fail(t, r, "id", "is of no video on the watchlist") : r;
}

int playback_on_watchlist(struct playback *self, struct turn *t, const struct watchlist *ask,
                          struct watchlist_reply *reply)
{
    struct lists_page page;
    int r = lists_page(t, LISTS_KEPT, ask->cursor, ask->limit, &page);

    *reply = (struct watchlist_reply) { .items = page.items, .items_n = page.items_n, .next = page.next };
    return r;
}

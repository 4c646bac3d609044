/* lists - see lists.h */
#include "actors/playback/lists.h"

#include "actors/playback/keys.h"
#include "actors/playback/known.h"
#include "actors/runtime/page/page.h"
#include "data/store/table.h"
#include "gen/errors.h"

/* A record of any list. */
union lists_record {
    struct play_position position;
    struct play_kept kept;
};

static struct watching lists_of_position(const union lists_record *record)
{
    const struct play_position *row = &record->position;

    return (struct watching) { .video_id = row->video_id,
                               .position_ms = row->position_ms,
                               .duration_ms = row->duration_ms,
                               .updated_at = row->updated_at };
}

static struct watching lists_of_kept(const union lists_record *record)
{
    return (struct watching) { .video_id = record->kept.video_id, .updated_at = record->kept.kept_at };
}

/* Each index begins with the person whose list it is. */
static const struct {
    const struct table_def *table;
    int index;
    struct watching (*item)(const union lists_record *record);
} lists[] = {
    [LISTS_BEGUN] = { &play_position_table, PLAY_POSITION_BY_UNFINISHED, lists_of_position },
    [LISTS_SEEN] = { &play_position_table, PLAY_POSITION_BY_USER, lists_of_position },
    [LISTS_KEPT] = { &play_kept_table, PLAY_KEPT_BY_USER, lists_of_kept },
};

int lists_need_person(struct turn *t)
{
    return turn_subject(t)->known
               ? 0
               : turn_fail(t, ERR_UNAUTHENTICATED, NULL, "lists and positions are kept for people");
}

/* How far one is in a video that was kept. */
static int lists_position(struct turn *t, struct id video, uint64_t *ret_ms)
{
    struct play_position row = { .position_ms = 0 };
    int r = play_position_get(turn_txn(t), turn_arena(t), turn_subject(t)->user_id, video, &row);

    *ret_ms = r == 0 ? row.position_ms : 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* 1: shown, 0: not for the caller. */
static int lists_show(struct turn *t, enum lists_kind kind, struct watching *item)
{
    struct play_video video;
    int r = known_get(t, item->video_id, &video);

    if (r < 0 || !known_allows(t, &video))
        return r == ERR_NOT_FOUND ? 0 : r;
    item->title = video.title;
    item->duration_ms = video.duration_ms ? video.duration_ms : item->duration_ms;
    if (kind == LISTS_KEPT)
        r = lists_position(t, item->video_id, &item->position_ms);
    if (r == 0 && video.has_poster && video.version)
        r = keys_poster_path(t, video.video_id, video.version, video.poster, video.open, true, &item->poster_url);
    return r < 0 ? r : 1;
}

/* Fills the page; one more that would be shown says that there is another page. */
static int lists_fill(struct turn *t, enum lists_kind kind, struct table_walk *walk, size_t limit,
                      struct lists_page *ret)
{
    union lists_record record;
    struct bytes at = { 0 };
    unsigned looked = 0;
    int r = 0;

    while (looked++ < LISTS_LOOKED_AT && (r = table_walk_next(walk, turn_arena(t), &record)) > 0) {
        struct watching item = lists[kind].item(&record);

        r = lists_show(t, kind, &item);
        if (r < 0)
            return r;
        if (r > 0 && ret->items_n == limit) {
            ret->next = page_cursor_text(turn_arena(t), at);
            return 0;
        }
        if (r > 0)
            ret->items[ret->items_n++] = item;
        at = arena_bytes(turn_arena(t), table_walk_at(walk));
    }
    if (r >= 0 && looked > LISTS_LOOKED_AT)
        ret->next = page_cursor_text(turn_arena(t), at);
    return r < 0 ? r : 0;
}

int lists_page(struct turn *t, enum lists_kind kind, const char *cursor, uint64_t limit, struct lists_page *ret)
{
    struct id me = turn_subject(t)->user_id;
    const union lists_record first[] = {
        [LISTS_BEGUN] = { .position = { .watcher_id = me } },
        [LISTS_SEEN] = { .position = { .user_id = me } },
        [LISTS_KEPT] = { .kept = { .user_id = me } },
    };
    struct table_walk walk;
    struct bytes after;
    int r = lists_need_person(t);

    *ret = (struct lists_page) { 0 };
    if (r < 0)
        return r;
    r = page_cursor_read(turn_arena(t), cursor, &after);
    if (r == 0)
        r = table_walk_start(&walk, turn_txn(t), lists[kind].table, lists[kind].index, &first[kind], 1, TABLE_DOWN,
                             after);
    if (r < 0)
        return r == ERR_INVALID ? turn_fail(t, r, "cursor", "is not one that this list answered") : r;
    ret->items = arena_alloc_n(turn_arena(t), limit + 1, sizeof(*ret->items));
    r = lists_fill(t, kind, &walk, limit, ret);
    table_walk_end(&walk);
    return r;
}

/* ---- what was begun, what was seen */

int playback_on_watching(struct playback *self, struct turn *t, const struct continue_watching *ask,
                         struct continue_watching_reply *reply)
{
    struct lists_page page;
    int r = lists_page(t, LISTS_BEGUN, ask->cursor, ask->limit, &page);

    *reply = (struct continue_watching_reply) { .items = page.items, .items_n = page.items_n, .next = page.next };
    return r;
}

int playback_on_history(struct playback *self, struct turn *t, const struct watch_history *ask,
                        struct watch_history_reply *reply)
{
    struct lists_page page;
    int r = lists_page(t, LISTS_SEEN, ask->cursor, ask->limit, &page);

    *reply = (struct watch_history_reply) { .items = page.items, .items_n = page.items_n, .next = page.next };
    return r;
}

int playback_on_forget_watched(struct playback *self, struct turn *t, const struct forget_watched *ask)
{
    int r = lists_need_person(t);

    if (r == 0)
        r = play_position_del(turn_txn(t), turn_subject(t)->user_id, ask->id);
    return r == ERR_NOT_FOUND ? turn_fail(t, r, "id", "is of no video in the history") : r;
}

int playback_on_forget_history(struct playback *self, struct turn *t, const struct forget_history *ask,
                               struct forget_history_reply *reply)
{
    struct play_position row = { .user_id = turn_subject(t)->user_id };
    struct table_walk walk;
    int r = lists_need_person(t);

    if (r < 0)
        return r;
    r = table_walk_start(&walk, turn_txn(t), &play_position_table, TABLE_PRIMARY, &row, 1, TABLE_UP,
                         (struct bytes) { 0 });
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        reply->more = reply->forgotten == LISTS_LOOKED_AT;
        if (reply->more) {
            r = 0;
            break;
        }
        r = play_position_del(turn_txn(t), row.user_id, row.video_id);
        reply->forgotten++;
    }
    table_walk_end(&walk);
    return r;
}

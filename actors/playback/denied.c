/* denied - see denied.h */
#include "actors/playback/denied.h"

#include "actors/playback/keys.h"
#include "data/store/table.h"
#include "gen/errors.h"

static int denied_publish(struct turn *t, const struct play_denied *row)
{
    char key[ID_TEXT_SIZE];
    struct media_denied value = { .video_id = row->video_id, .refused = row->refused };

    return set_media_denied(t, id_format("video", row->video_id, key), &value);
}

int denied_tell(struct turn *t, struct id video, uint64_t rev, enum media_refused refused)
{
    struct play_denied row;
    int r = play_denied_get(turn_txn(t), turn_arena(t), video, &row);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == 0 && row.video_rev > rev)
        return 0;
    if (r == ERR_NOT_FOUND && refused == MEDIA_REFUSED_NONE)
        return 0;
    if (r == ERR_NOT_FOUND || row.refused != refused)
        turn_count(t, PLAYBACK_VIDEOS_CLOSED, refused != MEDIA_REFUSED_NONE);
    row = (struct play_denied) {
        .video_id = video, .video_rev = rev, .refused = refused, .until = turn_now(t) + KEYS_OPEN_MS
    };
    r = play_denied_put(turn_txn(t), &row);
    return r < 0 ? r : denied_publish(t, &row);
}

int denied_tend(struct turn *t)
{
    struct table_walk walk;
    struct play_denied row;
    int r = table_walk_start(&walk, turn_txn(t), &play_denied_table, PLAY_DENIED_BY_UNTIL, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0)
        r = row.until <= turn_now(t) ? play_denied_del(turn_txn(t), row.video_id) : denied_publish(t, &row);
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

/* next - what to offer after a video: what its owner made next, else the newest of the owner's, else the newest there is. */
#include "actors/catalog/catalog.h"
#include "actors/catalog/rights.h"
#include "data/store/table.h"
#include "gen/errors.h"

enum { NEXT_LOOKED_AT = 200 };

/* Anybody finds it, and something of it can be watched now. */
static bool next_fits(const struct turn *t, const struct video_row *row, struct id except)
{
    return row->listed_at && row->announced && rights_are_open(row, turn_now(t)) && !id_equal(row->id, except);
}

/* The first that fits, of a bounded number. ERR_NOT_FOUND: none does. */
static int next_walk(struct turn *t, int index, const struct video_row *prefix, size_t prefix_n,
                     enum table_order order, struct bytes after, struct id except, struct video_row *ret)
{
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, index, prefix, prefix_n, order, after);

    for (unsigned n = 0; r == 0 && n < NEXT_LOOKED_AT; n++) {
        r = table_walk_next(&walk, turn_arena(t), ret);
        if (r <= 0) {
            r = r < 0 ? r : ERR_NOT_FOUND;
        } else if (next_fits(t, ret, except)) {
            table_walk_end(&walk);
            return 0;
        } else {
            r = 0;
        }
    }
    table_walk_end(&walk);
    return r < 0 ? r : ERR_NOT_FOUND;
}

/* Where the row stands among its owner's. */
static int next_place(struct turn *t, const struct video_row *row, struct bytes *ret)
{
    struct table_walk walk;
    struct video_row at;
    int r = table_walk_start(&walk, turn_txn(t), &video_row_table, VIDEO_ROW_BY_OWNER, row, 3, TABLE_UP,
                             (struct bytes) { 0 });

    *ret = (struct bytes) { 0 };
    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &at)) > 0) {
        r = 0;
        if (!id_equal(at.id, row->id))
            continue;
        *ret = arena_bytes(turn_arena(t), table_walk_at(&walk));
        break;
    }
    table_walk_end(&walk);
    return r;
}

int catalog_next_up(struct catalog *self, struct turn *t, const struct next_up *ask, struct next_up_reply *reply)
{
    struct video_row row;
    struct bytes place;
    struct doing d;
    int r = video_load(self, t, ask->id, &d);

    if (r == 0 && !video_may_see(t, &d.row))
        r = ERR_NOT_FOUND;
    if (r == 0)
        r = next_place(t, &d.row, &place);
    if (r < 0)
        return r;
    r = place.len ? next_walk(t, VIDEO_ROW_BY_OWNER, &d.row, 2, TABLE_UP, place, ask->id, &row) : ERR_NOT_FOUND;
    if (r == ERR_NOT_FOUND) {
        struct video_row own = { .owner_id = d.row.owner_id, .life = LIFE_STATE_LIVE };

        r = next_walk(t, VIDEO_ROW_BY_OWNER, &own, 2, TABLE_DOWN, (struct bytes) { 0 }, ask->id, &row);
    }
    if (r == ERR_NOT_FOUND)
        r = next_walk(t, VIDEO_ROW_BY_LISTED, NULL, 0, TABLE_DOWN, (struct bytes) { 0 }, ask->id, &row);
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    reply->has_video = true;
    video_show(&row, turn_arena(t), &reply->video);
    rights_hide(&reply->video);
    return 0;
}

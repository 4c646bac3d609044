/* share - see share.h. A row for each account that has work, in order of what it spent; it goes with the last of it. */
#include "actors/catalog/runs/share.h"

static const enum share_stage share_order[] = { SHARE_WATCHED, SHARE_AHEAD, SHARE_REST, SHARE_EXTRA };

enum { SHARE_STAGES = sizeof(share_order) / sizeof(*share_order) };

/* What the account that is furthest behind has spent; 0 when none has work. */
static int share_least(struct turn *t, uint64_t *ret)
{
    struct share_row row = { 0 };
    int r = table_find(turn_txn(t), &share_row_table, SHARE_ROW_BY_SPENT, NULL, 0, turn_arena(t), &row);

    *ret = r == 0 ? row.spent : 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static int share_enter(struct turn *t, struct id owner)
{
    struct share_row row;
    int r = share_row_get(turn_txn(t), turn_arena(t), owner, &row);

    if (r != ERR_NOT_FOUND)
        return r;
    row = (struct share_row) { .owner_id = owner };
    r = share_least(t, &row.spent);
    return r < 0 ? r : share_row_put(turn_txn(t), &row);
}

int share_want(struct turn *t, struct version_row *version, struct id owner, enum share_stage stage)
{
    version->owner_id = owner;
    version->stage = stage;
    if (stage == SHARE_NONE) {
        version->wants_at = 0;
        return 0;
    }
    if (!version->wants_at)
        version->wants_at = turn_now(t);
    return share_enter(t, owner);
}

int share_spend(struct turn *t, struct id owner, uint64_t work)
{
    struct share_row row;
    int r = share_row_get(turn_txn(t), turn_arena(t), owner, &row);

    if (r < 0)
        return r == ERR_NOT_FOUND ? 0 : r;
    row.spent += work;
    return share_row_put(turn_txn(t), &row);
}

/* The account's videos of one stage, those that wait longest first. *ret_any: there are some. */
static int share_owner(struct catalog *self, struct turn *t, struct id owner, enum share_stage stage,
                       share_serve *serve, bool *ret_any)
{
    struct version_row version = { .stage = stage, .owner_id = owner };
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), &version_row_table, VERSION_ROW_BY_STAGE, &version, 2, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &version)) > 0) {
        *ret_any = true;
        r = serve(self, t, &version);
    }
    table_walk_end(&walk);
    return r;
}

/* An account without work leaves the queue. */
static int share_leave(struct turn *t, struct id owner)
{
    struct version_row version;
    int r = ERR_NOT_FOUND;

    for (unsigned i = 0; r == ERR_NOT_FOUND && i < SHARE_STAGES; i++)
        r = table_find(turn_txn(t), &version_row_table, VERSION_ROW_BY_STAGE,
                       &(struct version_row) { .stage = share_order[i], .owner_id = owner }, 2, turn_arena(t),
                       &version);
    return r == ERR_NOT_FOUND ? share_row_del(turn_txn(t), owner) : r;
}

static int share_at(struct catalog *self, struct turn *t, enum share_stage stage, share_serve *serve)
{
    struct table_walk walk;
    struct share_row row;
    int r = table_walk_start(&walk, turn_txn(t), &share_row_table, SHARE_ROW_BY_SPENT, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &row)) > 0) {
        bool any = false;

        r = share_owner(self, t, row.owner_id, stage, serve, &any);
        if (r == 0 && !any)
            r = share_leave(t, row.owner_id);
    }
    table_walk_end(&walk);
    return r;
}

int share_next(struct catalog *self, struct turn *t, share_serve *serve)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < SHARE_STAGES; i++)
        r = share_at(self, t, share_order[i], serve);
    return r;
}

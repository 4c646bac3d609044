/* owner - what the people who upload are called, as auth tells it. */
#include "actors/catalog/catalog.h"
#include "gen/errors.h"

int catalog_on_user_changed(struct catalog *self, struct turn *t, const struct user_changed *changed)
{
    struct owner_row row;
    int r = owner_row_get(turn_txn(t), turn_arena(t), changed->user_id, &row);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == 0 && row.told_rev > changed->rev)
        return 0;
    row = (struct owner_row) { .owner_id = changed->user_id, .name = changed->name, .told_rev = changed->rev };
    return owner_row_put(turn_txn(t), &row);
}

const char *owner_name(struct turn *t, struct id owner_id)
{
    struct owner_row row;

    return owner_row_get(turn_txn(t), turn_arena(t), owner_id, &row) == 0 ? row.name : NULL;
}

/* room - what an upload may take, asked before its bytes come: of its owner's quota, and of the disk.
 *
 * An upload of a declared length counts in full from its creation on. One whose length is deferred counts as it grows,
 * and the rest of it once the length is told. */
#include "actors/catalog/places/copies.h"
#include "actors/catalog/uploads/upload.h"

int room_charge(struct turn *t, struct id owner, int64_t bytes)
{
    uint64_t quota = catalog_settings_of(t)->quota_bytes, before;
    struct usage_row row;
    int r = usage_row_get(turn_txn(t), turn_arena(t), owner, &row);

    if (r < 0 && r != ERR_NOT_FOUND)
        return r;
    if (r == ERR_NOT_FOUND)
        row = (struct usage_row) { .owner_id = owner };
    before = row.bytes;
    if (bytes < 0)
        row.bytes -= (uint64_t)-bytes < row.bytes ? (uint64_t)-bytes : row.bytes;
    else
        row.bytes += (uint64_t)bytes;
    if (bytes > 0 && quota && row.bytes > quota)
        return turn_fail(
            t, ERR_QUOTA_EXCEEDED, "length",
            "is %lld bytes more than your quota has room for: your originals may take %llu bytes in all, "
            "%llu of them are taken",
            (long long)(row.bytes - quota), (unsigned long long)quota, (unsigned long long)before);
    return usage_row_put(turn_txn(t), &row);
}

/* What open uploads have been promised and have not used yet; those that no disk holds take none. */
static int room_promised(struct turn *t, uint64_t *ret)
{
    struct table_walk walk;
    struct upload upload;
    uint64_t sum = 0;
    int r = table_walk_start(&walk, turn_txn(t), &upload_table, UPLOAD_BY_END, NULL, 0, TABLE_UP,
                             (struct bytes) { 0 });

    while (r == 0 && (r = table_walk_next(&walk, turn_arena(t), &upload)) > 0) {
        if (!upload.part_size && upload.has_length && upload.length > upload.offset)
            sum += upload.length - upload.offset;
        r = 0;
    }
    table_walk_end(&walk);
    *ret = sum;
    return r;
}

int room_reserve(struct catalog *self, struct turn *t, uint64_t bytes)
{
    uint64_t room = 0, total, promised = 0, keep = catalog_settings_of(t)->reserve_bytes;
    int r = blobs_space(copies_near(self), &room, &total);

    if (r == 0)
        r = room_promised(t, &promised);
    if (r < 0)
        return r;
    if (room < keep || room - keep < promised || room - keep - promised < bytes)
        return turn_fail(
            t, ERR_STORE_FULL, "length",
            "does not fit on the disk: %llu more bytes are asked for; %llu are free, of which %llu are "
            "promised to uploads under way and %llu are kept back",
            (unsigned long long)bytes, (unsigned long long)room, (unsigned long long)promised,
            (unsigned long long)keep);
    return 0;
}

int room_grow(struct catalog *self, struct turn *t, struct id owner, uint64_t bytes)
{
    int r = room_reserve(self, t, 0);

    return r < 0 ? r : room_charge(t, owner, (int64_t)bytes); /* the last: who is refused is charged nothing */
}

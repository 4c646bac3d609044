#include "actors/runtime/rotation/rotation.h"

int rotation_keys(struct turn *t, const struct table_def *table, size_t most, struct rotation_key *ret,
                  size_t *ret_n)
{
    struct table_walk walk;
    int r = table_walk_start(&walk, turn_txn(t), table, TABLE_PRIMARY, NULL, 0, TABLE_DOWN, (struct bytes) { 0 });

    *ret_n = 0;
    while (r == 0 && *ret_n < most && (r = table_walk_next(&walk, turn_arena(t), &ret[*ret_n])) > 0) {
        (*ret_n)++;
        r = 0;
    }
    table_walk_end(&walk);
    return r < 0 ? r : 0;
}

static int rotation_make(struct turn *t, const struct table_def *table, uint64_t kid)
{
    uint8_t secret[SEALED_KEY_SIZE];
    struct rotation_key key = { .kid = kid, .key = bytes_of(secret, sizeof(secret)), .created_at = turn_now(t) };

    turn_random(t, secret, sizeof(secret));
    turn_log(t, "key", "table=%s kid=%llu", table->name, (unsigned long long)kid);
    return table_put(turn_txn(t), table, &key);
}

/* What lies behind the first key that was followed by another so long ago that nothing made with it is good. */
static int rotation_retire(struct turn *t, const struct rotation *how, const struct rotation_key *keys, size_t n)
{
    int r = 0;

    for (size_t i = 1; r == 0 && i < n; i++)
        if (i >= ROTATION_KEYS || keys[i - 1].created_at + how->good_ms < turn_now(t))
            r = table_del(turn_txn(t), how->table, &keys[i]);
    return r;
}

int rotation_tend(struct turn *t, const struct rotation *how, struct rotation_key ret[static ROTATION_KEYS],
                  size_t *ret_n)
{
    struct rotation_key keys[ROTATION_KEYS + 1];
    size_t n;
    int r = rotation_keys(t, how->table, ROTATION_KEYS + 1, keys, &n);
    bool due = r == 0 && (n == 0 || keys[0].created_at + how->every_ms <= turn_now(t));

    if (due)
        r = rotation_make(t, how->table, n ? keys[0].kid + 1 : 1);
    if (r == 0)
        r = rotation_retire(t, how, keys, n);
    if (r == 0)
        r = rotation_keys(t, how->table, ROTATION_KEYS, ret, ret_n);
    return r < 0 ? r : due;
}

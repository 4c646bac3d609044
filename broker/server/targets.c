/* targets - queues and streams: the numbers of their names, their next sequence numbers, and how much they hold.
 *
 * A row for each is written with the commit that changed it, so that a start reads a row per name, however much waits.
 * What was written before rows held all of these totals is counted, once. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/mp.h"
#include "broker/server/engine.h"
#include "gen/errors.h"

enum { TARGETS_MAX = 65536, TARGET_FIELDS = 7 };

static int targets_pair(struct bus_store *store, struct store_txn *txn, struct bytes key, uint64_t *ret)
{
    struct bytes payload;
    uint64_t unused;
    int r = engine_get(store, txn, ROWS_META, key, &payload);

    return r < 0 ? r : record_unpack_pair(payload, ret, &unused);
}

static int targets_put_pair(struct bus_store *store, struct store_txn *txn, struct bytes key, uint64_t value)
{
    buf_reset(&store->scratch);
    record_pack_pair(&store->scratch, value, 0);
    return engine_put(store, txn, ROWS_META, key, buf_bytes(&store->scratch));
}

/* "seq" and the number. */
static struct record_key targets_key(uint32_t id)
{
    struct record_key key = {
        .b = { 's', 'e', 'q', (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id }, .len = 7
    };

    return key;
}

static void targets_pack(struct buf *out, const struct target_row *row)
{
    mp_put_array(out, TARGET_FIELDS);
    mp_put_uint(out, row->next);
    mp_put_uint(out, 0);
    mp_put_uint(out, row->totals.ready);
    mp_put_uint(out, row->totals.held);
    mp_put_uint(out, row->totals.dead);
    mp_put_uint(out, row->totals.bytes);
    mp_put_uint(out, (uint64_t)row->paused_ms);
}

/* *ret_counted: the row holds totals of all that is counted now. */
static int targets_unpack(struct bytes in, struct target_row *ret, bool *ret_counted)
{
    struct mp mp = mp_of(in);
    uint64_t unused, paused_ms = 0;
    uint32_t n;

    if (!mp_get_array(&mp, &n) || n < 2 || !mp_get_uint(&mp, &ret->next) || !mp_get_uint(&mp, &unused))
        return ERR_CORRUPT;
    *ret_counted = n >= TARGET_FIELDS;
    if (!*ret_counted)
        return 0;
    if (!mp_get_uint(&mp, &ret->totals.ready) || !mp_get_uint(&mp, &ret->totals.held) ||
        !mp_get_uint(&mp, &ret->totals.dead) || !mp_get_uint(&mp, &ret->totals.bytes) ||
        !mp_get_uint(&mp, &paused_ms))
        return ERR_CORRUPT;
    ret->paused_ms = (int64_t)paused_ms;
    return 0;
}

static void targets_count_row(struct bus_store *store, enum engine_table table, struct bytes key,
                              struct bytes value, uint32_t id, struct store_totals *totals)
{
    uint64_t *const counters[ENGINE_TABLES] = {
        [ROWS_JOB] = &totals->ready, [ROWS_HELD] = &totals->held, [ROWS_DEAD] = &totals->dead
    };
    struct event_record event;
    struct job_record record;
    struct bytes payload;
    struct job_key job = { 0 };
    uint64_t seq;
    int64_t due;
    bool whose = table == ROWS_JOB    ? record_read_job_key(key, &job)
                 : table == ROWS_HELD ? record_read_held_key(key, &due, &job)
                                      : record_read_pair_key(key, &job.queue, &seq);

    if (!whose || job.queue != id)
        return;
    if (counters[table])
        *counters[table] += 1;
    if (engine_open_row(store, table, key, value, &payload) < 0)
        return;
    if (table == ROWS_EVENT && record_unpack_event(payload, &event) == 0)
        totals->bytes += event.head.len + event.body.len;
    else if (table != ROWS_EVENT && record_unpack_job(payload, &record, NULL, NULL) == 0)
        totals->bytes += record.head.len + record.body.len;
}

static int targets_count(struct bus_store *store, struct store_txn *txn, uint32_t id, struct store_totals *totals)
{
    static const enum engine_table tables[] = { ROWS_JOB, ROWS_HELD, ROWS_DEAD, ROWS_EVENT };
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof tables / sizeof *tables; i++) {
        struct store_cursor *cursor = NULL;
        struct bytes key, value;

        r = store_cursor_open(txn, store->tables[tables[i]], &cursor);
        if (r == 0)
            r = store_cursor_first(cursor, &key, &value);
        for (; r == 0; r = store_cursor_next(cursor, &key, &value))
            targets_count_row(store, tables[i], key, value, id, totals);
        store_cursor_close(&cursor);
        r = r == ERR_NOT_FOUND ? 0 : r;
    }
    return r;
}

static void targets_grow(struct bus_store *store, uint32_t n)
{
    if (n <= store->targets_n)
        return;
    store->targets = realloc(store->targets, n * sizeof *store->targets);
    if (!store->targets)
        abort();
    for (; store->targets_n < n; store->targets_n++)
        store->targets[store->targets_n] = (struct target) { .now.next = 1, .committed.next = 1 };
}

static int targets_read(struct bus_store *store, struct store_txn *txn, uint32_t id)
{
    struct record_key key = targets_key(id);
    struct target_row row = { .next = 1 };
    struct bytes payload;
    bool counted;
    int r = engine_get(store, txn, ROWS_META, record_bytes(&key), &payload);

    targets_grow(store, id + 1);
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r == 0)
        r = targets_unpack(payload, &row, &counted);
    if (r == 0 && !counted) {
        r = targets_count(store, txn, id, &row.totals);
        store->targets[id].dirty = true;
    }
    store->targets[id].now = row;
    return r;
}

int targets_save(struct bus_store *store, struct store_txn *txn)
{
    for (uint32_t id = 0; id < store->targets_n; id++) {
        struct record_key key = targets_key(id);
        int r;

        if (!store->targets[id].dirty)
            continue;
        buf_reset(&store->scratch);
        targets_pack(&store->scratch, &store->targets[id].now);
        r = engine_put(store, txn, ROWS_META, record_bytes(&key), buf_bytes(&store->scratch));
        if (r < 0)
            return r;
    }
    return 0;
}

void targets_settle(struct bus_store *store, bool committed)
{
    for (uint32_t id = 0; id < store->targets_n; id++) {
        struct target *target = &store->targets[id];

        if (committed)
            target->committed = target->now;
        else
            target->now = target->committed;
        target->dirty = false;
    }
}

struct target_row *targets_change(struct bus_store *store, uint32_t target)
{
    targets_grow(store, target + 1);
    store->targets[target].dirty = true;
    return &store->targets[target].now;
}

struct store_totals bus_store_totals(const struct bus_store *store, uint32_t target)
{
    return target < store->targets_n ? store->targets[target].committed.totals : (struct store_totals) { 0 };
}

int64_t bus_store_paused_ms(const struct bus_store *store, uint32_t queue)
{
    return queue < store->targets_n ? store->targets[queue].committed.paused_ms : 0;
}

/* Every number that was ever given, also to names that the policy no longer has: what they hold goes on counting. */
int targets_load(struct bus_store *store)
{
    static const char last[] = "last";
    struct store_txn *txn = NULL;
    uint64_t ids = 0;
    int r = store_begin_write(store->env, &txn);

    if (r == 0)
        r = targets_pair(store, txn, bytes_of(last, 4), &ids);
    r = r == ERR_NOT_FOUND ? 0 : r;
    if (r == 0 && ids >= TARGETS_MAX)
        r = ERR_CORRUPT;
    for (uint32_t id = 1; r == 0 && id <= ids; id++)
        r = targets_read(store, txn, id);
    if (r == 0)
        r = targets_save(store, txn);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    targets_settle(store, r == 0);
    return r;
}

static struct record_key targets_name_key(enum bus_target kind, const char *name)
{
    struct record_key key = { .b = { 'd', 'e', 'f', (uint8_t)kind }, .len = 4 };
    size_t len = strnlen(name, 250);

    memcpy(key.b + key.len, name, len);
    key.len += len;
    return key;
}

static int targets_define(struct bus_store *store, struct store_txn *txn, struct bytes key, uint32_t *ret)
{
    static const char last[] = "last";
    uint64_t id;
    int r = targets_pair(store, txn, key, &id);

    if (r == ERR_NOT_FOUND) {
        r = targets_pair(store, txn, bytes_of(last, 4), &id);
        if (r == ERR_NOT_FOUND)
            id = r = 0;
        if (r == 0 && ++id >= TARGETS_MAX)
            r = ERR_STORE_FULL;
        if (r == 0)
            r = targets_put_pair(store, txn, bytes_of(last, 4), id);
        if (r == 0)
            r = targets_put_pair(store, txn, key, id);
        if (r == 0)
            targets_grow(store, (uint32_t)id + 1);
    }
    if (r == 0)
        *ret = (uint32_t)id;
    return r;
}

int bus_store_define(struct bus_store *store, enum bus_target kind, const char *name, uint32_t *ret_id)
{
    struct record_key key = targets_name_key(kind, name);
    struct store_txn *txn = NULL;
    int r = store_begin_write(store->env, &txn);

    if (r == 0)
        r = targets_define(store, txn, record_bytes(&key), ret_id);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    return r;
}

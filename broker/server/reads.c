/* reads - what the router looks up, from its snapshot. */
#include <string.h>

#include "broker/server/engine.h"
#include "gen/errors.h"

int bus_store_read_begin(struct bus_store *store)
{
    return store->reading ? 0 : store_begin_read(store->env, &store->reading);
}

void bus_store_read_end(struct bus_store *store)
{
    store_abort(&store->reading);
}

int bus_store_job(struct bus_store *store, struct job_key job, struct job_record *ret)
{
    struct record_key key = record_job_key(job);
    struct bytes payload;
    int r = engine_get(store, store->reading, ROWS_JOB, record_bytes(&key), &payload);

    return r < 0 ? r : record_unpack_job(payload, ret, NULL, NULL);
}

/* The first row at or behind `from`; ERR_NOT_FOUND. The views live as long as the snapshot. */
static int read_seek(struct bus_store *store, enum engine_table table, struct bytes from, struct bytes *key,
                     struct bytes *value)
{
    struct store_cursor *cursor = NULL;
    int r = store_cursor_open(store->reading, store->tables[table], &cursor);

    if (r == 0)
        r = store_cursor_seek(cursor, from, key, value);
    store_cursor_close(&cursor);
    return r;
}

int bus_store_next_jobs(struct bus_store *store, uint32_t queue, struct job_key after, struct job_key *ret,
                        size_t room, size_t *ret_n)
{
    struct record_key from = record_behind_job((struct job_key) { queue, after.priority, after.seq });
    struct store_cursor *cursor = NULL;
    struct bytes key, value;
    int r = store_cursor_open(store->reading, store->tables[ROWS_JOB], &cursor);

    *ret_n = 0;
    if (r == 0)
        r = store_cursor_seek(cursor, record_bytes(&from), &key, &value);
    while (r == 0) {
        if (!record_read_job_key(key, &ret[*ret_n]))
            r = ERR_CORRUPT;
        else if (ret[*ret_n].queue != queue || ++*ret_n == room)
            break;
        else
            r = store_cursor_next(cursor, &key, &value);
    }
    store_cursor_close(&cursor);
    return r == ERR_NOT_FOUND ? 0 : r;
}

int bus_store_next_job(struct bus_store *store, uint32_t queue, struct job_key after, struct job_key *ret)
{
    struct job_key next;
    size_t n;
    int r = bus_store_next_jobs(store, queue, after, &next, 1, &n);

    if (r == 0 && n)
        *ret = next;
    return r < 0 || n ? r : ERR_NOT_FOUND;
}

int bus_store_next_due(struct bus_store *store, int64_t *ret_due_ms)
{
    struct bytes key, value;
    struct job_key job;
    int r = read_seek(store, ROWS_HELD, bytes_of("", 1), &key, &value);

    if (r < 0)
        return r;
    return record_read_held_key(key, ret_due_ms, &job) ? 0 : ERR_CORRUPT;
}

int bus_store_event(struct bus_store *store, uint32_t stream, uint64_t from, uint64_t *ret_seq,
                    struct event_record *ret)
{
    struct record_key at = record_pair_key(stream, from);
    struct bytes key, value, payload;
    uint32_t of;
    int r = read_seek(store, ROWS_EVENT, record_bytes(&at), &key, &value);

    if (r < 0)
        return r;
    if (!record_read_pair_key(key, &of, ret_seq))
        return ERR_CORRUPT;
    if (of != stream)
        return ERR_NOT_FOUND;
    r = engine_open_row(store, ROWS_EVENT, key, value, &payload);
    return r < 0 ? r : record_unpack_event(payload, ret);
}

int bus_store_event_at(struct bus_store *store, uint32_t stream, uint64_t first, uint64_t last, int64_t time_ms,
                       uint64_t *ret_seq)
{
    uint64_t from = first, to = last + 1, seq;
    struct event_record event;

    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        int r = bus_store_event(store, stream, middle, &seq, &event);

        if (r < 0 && r != ERR_NOT_FOUND)
            return r;
        if (r == 0 && seq < to && event.time_ms < time_ms)
            from = seq + 1;
        else
            to = middle;
    }
    *ret_seq = from;
    return 0;
}

/* first: of the oldest event kept; last: of the newest ever. An empty stream has first = last + 1. */
int bus_store_stream_bounds(struct bus_store *store, uint32_t stream, uint64_t *ret_first, uint64_t *ret_last)
{
    struct event_record event;
    int r;

    *ret_last = store->targets[stream].committed.next - 1;
    r = bus_store_event(store, stream, 0, ret_first, &event);
    if (r == ERR_NOT_FOUND)
        *ret_first = *ret_last + 1;
    return r == ERR_NOT_FOUND ? 0 : r;
}

/* Walks one table; row() answers 0 to go on. */
typedef int read_row(struct bus_store *store, void *ctx, struct bytes key, struct bytes payload);

static int read_walk(struct bus_store *store, enum engine_table table, read_row *row, void *ctx)
{
    struct store_cursor *cursor = NULL;
    struct bytes key, value, payload;
    int r = store_cursor_open(store->reading, store->tables[table], &cursor);

    if (r == 0)
        r = store_cursor_first(cursor, &key, &value);
    while (r == 0) {
        r = engine_open_row(store, table, key, value, &payload);
        if (r == 0)
            r = row(store, ctx, key, payload);
        if (r == 0)
            r = store_cursor_next(cursor, &key, &value);
    }
    store_cursor_close(&cursor);
    return r == ERR_NOT_FOUND ? 0 : r;
}

struct held_walk {
    int (*each)(void *ctx, const struct held_job *);
    void *ctx;
};

static int read_held_row(struct bus_store *store, void *ctx, struct bytes key, struct bytes payload)
{
    struct held_walk *walk = ctx;
    struct held_job held;
    int r;

    if (!record_read_held_key(key, &held.due_ms, &held.key))
        return ERR_CORRUPT;
    r = record_unpack_job(payload, &held.record, NULL, NULL);
    return r < 0 ? r : walk->each(walk->ctx, &held);
}

static int read_dead_row(struct bus_store *store, void *ctx, struct bytes key, struct bytes payload)
{
    struct held_walk *walk = ctx;
    struct held_job dead = { 0 };
    int r;

    if (!record_read_pair_key(key, &dead.key.queue, &dead.key.seq))
        return ERR_CORRUPT;
    r = record_unpack_job(payload, &dead.record, &dead.key.priority, &dead.due_ms);
    return r < 0 ? r : walk->each(walk->ctx, &dead);
}

int bus_store_held(struct bus_store *store, int (*each)(void *ctx, const struct held_job *), void *ctx)
{
    struct held_walk walk = { each, ctx };

    return read_walk(store, ROWS_HELD, read_held_row, &walk);
}

/* due_ms: when it died. */
int bus_store_dead_jobs(struct bus_store *store, int (*each)(void *ctx, const struct held_job *), void *ctx)
{
    struct held_walk walk = { each, ctx };

    return read_walk(store, ROWS_DEAD, read_dead_row, &walk);
}

struct lease_walk {
    int (*each)(void *ctx, const struct store_lease *);
    void *ctx;
};

static int read_lease_row(struct bus_store *store, void *ctx, struct bytes key, struct bytes payload)
{
    struct lease_walk *walk = ctx;
    struct store_lease lease;
    int r = record_read_job_key(key, &lease.key) ? 0 : ERR_CORRUPT;

    if (r == 0)
        r = record_unpack_lease(payload, &lease.attempts, &lease.instance);
    return r < 0 ? r : walk->each(walk->ctx, &lease);
}

int bus_store_leases(struct bus_store *store, int (*each)(void *ctx, const struct store_lease *), void *ctx)
{
    struct lease_walk walk = { each, ctx };

    return read_walk(store, ROWS_LEASE, read_lease_row, &walk);
}

struct cursor_walk {
    int (*each)(void *ctx, uint32_t stream, struct bytes group, uint64_t seq);
    void *ctx;
};

static int read_cursor_row(struct bus_store *store, void *ctx, struct bytes key, struct bytes payload)
{
    struct cursor_walk *walk = ctx;
    const uint8_t *at = key.data;
    uint64_t seq, when;
    int r;

    if (key.len < 4)
        return ERR_CORRUPT;
    r = record_unpack_pair(payload, &seq, &when);
    if (r < 0)
        return r;
    return walk->each(walk->ctx, (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3],
                      bytes_of(at + 4, key.len - 4), seq);
}

int bus_store_cursors(struct bus_store *store,
                      int (*each)(void *ctx, uint32_t stream, struct bytes group, uint64_t), void *ctx)
{
    struct cursor_walk walk = { each, ctx };

    return read_walk(store, ROWS_CURSOR, read_cursor_row, &walk);
}

struct value_walk {
    int (*each)(void *ctx, struct bytes name, struct bytes key, struct bytes body);
    void *ctx;
};

static int read_value_row(struct bus_store *store, void *ctx, struct bytes key, struct bytes payload)
{
    struct value_walk *walk = ctx;
    const char *at = key.data, *end = memchr(at, 0, key.len);

    if (!end)
        return ERR_CORRUPT;
    return walk->each(walk->ctx, bytes_of(at, (size_t)(end - at)),
                      bytes_of(end + 1, key.len - (size_t)(end - at) - 1), payload);
}

int bus_store_values(struct bus_store *store,
                     int (*each)(void *ctx, struct bytes name, struct bytes key, struct bytes body), void *ctx)
{
    struct value_walk walk = { each, ctx };

    return read_walk(store, ROWS_VALUE, read_value_row, &walk);
}

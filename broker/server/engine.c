/* engine - opening and closing, the numbers of names, and rows in their envelopes. */
#include "broker/server/engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/client/mp.h"
#include "data/store/envelope.h"
#include "gen/errors.h"

enum { ENGINE_TYPE = 0xfe00, ENGINE_VERSION = 1, ENGINE_TARGETS = 65536 };

static const char *const table_names[ENGINE_TABLES] = { "meta", "job", "held", "lease", "dead",
                                                        "lane", "evt", "cur",  "lvc" };

struct store_op *store_op_new(enum store_kind kind)
{
    struct store_op *op = calloc(1, sizeof *op);

    if (!op)
        abort();
    op->kind = kind;
    return op;
}

void store_op_free(struct store_op *op)
{
    if (!op)
        return;
    free(op->name);
    free(op->from);
    free(op->promoted);
    buf_free(&op->memory);
    free(op);
}

void store_op_record(struct store_op *op, const struct job_record *record)
{
    struct bytes *parts[] = { &op->record.head, &op->record.body, &op->record.text };
    size_t at = 0;

    op->record = *record;
    buf_reset(&op->memory);
    buf_put(&op->memory, record->head.data, record->head.len);
    buf_put(&op->memory, record->body.data, record->body.len);
    buf_put(&op->memory, record->text.data, record->text.len);
    for (size_t i = 0; i < 3; i++) {
        if (parts[i]->data)
            parts[i]->data = op->memory.data ? op->memory.data + at : (const uint8_t *)"";
        at += parts[i]->len;
    }
}

int engine_put(struct bus_store *store, struct store_txn *txn, enum engine_table table, struct bytes key,
               struct bytes payload)
{
    int r;

    buf_reset(&store->sealed);
    r = envelope_seal(store->env, (uint16_t)(ENGINE_TYPE + table), ENGINE_VERSION, key, payload, &store->sealed);
    return r < 0 ? r : store_put(txn, store->tables[table], key, buf_bytes(&store->sealed));
}

int engine_open_row(struct bus_store *store, enum engine_table table, struct bytes key, struct bytes value,
                    struct bytes *ret_payload)
{
    uint16_t version;

    return envelope_open(store->env, (uint16_t)(ENGINE_TYPE + table), key, value, &version, ret_payload);
}

int engine_get(struct bus_store *store, struct store_txn *txn, enum engine_table table, struct bytes key,
               struct bytes *ret_payload)
{
    struct bytes value;
    int r = store_get(txn, store->tables[table], key, &value);

    return r < 0 ? r : engine_open_row(store, table, key, value, ret_payload);
}

int engine_del(struct bus_store *store, struct store_txn *txn, enum engine_table table, struct bytes key)
{
    return store_del(txn, store->tables[table], key);
}

static int engine_pair(struct bus_store *store, struct store_txn *txn, struct bytes key, uint64_t *ret)
{
    struct bytes payload;
    uint64_t unused;
    int r = engine_get(store, txn, ROWS_META, key, &payload);

    return r < 0 ? r : record_unpack_pair(payload, ret, &unused);
}

static int engine_put_pair(struct bus_store *store, struct store_txn *txn, struct bytes key, uint64_t value)
{
    buf_reset(&store->scratch);
    record_pack_pair(&store->scratch, value, 0);
    return engine_put(store, txn, ROWS_META, key, buf_bytes(&store->scratch));
}

static void engine_grow_counters(struct bus_store *store, uint32_t n)
{
    if (n <= store->counters_n)
        return;
    store->counters = realloc(store->counters, n * sizeof *store->counters);
    if (!store->counters)
        abort();
    for (; store->counters_n < n; store->counters_n++)
        store->counters[store->counters_n] = (struct counter) { .next = 1, .committed = 1 };
}

/* The row of a target's counter: "seq" and the number. */
static struct record_key engine_counter_key(uint32_t id)
{
    struct record_key key = {
        .b = { 's', 'e', 'q', (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id }, .len = 7
    };

    return key;
}

int engine_save_counters(struct bus_store *store, struct store_txn *txn)
{
    for (uint32_t id = 0; id < store->counters_n; id++) {
        struct record_key key = engine_counter_key(id);
        int r;

        if (!store->counters[id].dirty)
            continue;
        r = engine_put_pair(store, txn, record_bytes(&key), store->counters[id].next);
        if (r < 0)
            return r;
    }
    return 0;
}

static int engine_load_counter(struct bus_store *store, struct store_txn *txn, uint32_t id)
{
    struct record_key key = engine_counter_key(id);
    uint64_t next;
    int r = engine_pair(store, txn, record_bytes(&key), &next);

    engine_grow_counters(store, id + 1);
    if (r == ERR_NOT_FOUND)
        return 0;
    if (r == 0)
        store->counters[id] = (struct counter) { .next = next, .committed = next };
    return r;
}

static struct record_key engine_def_key(enum bus_target kind, const char *name)
{
    struct record_key key = { .b = { 'd', 'e', 'f', (uint8_t)kind }, .len = 4 };
    size_t len = strnlen(name, 250);

    memcpy(key.b + key.len, name, len);
    key.len += len;
    return key;
}

static int engine_define(struct bus_store *store, struct store_txn *txn, struct bytes key, uint32_t *ret)
{
    static const char last[] = "last";
    uint64_t id;
    int r = engine_pair(store, txn, key, &id);

    if (r == ERR_NOT_FOUND) {
        r = engine_pair(store, txn, bytes_of(last, 4), &id);
        if (r == ERR_NOT_FOUND)
            id = r = 0;
        if (r == 0 && ++id >= ENGINE_TARGETS)
            r = ERR_STORE_FULL;
        if (r == 0)
            r = engine_put_pair(store, txn, bytes_of(last, 4), id);
        if (r == 0)
            r = engine_put_pair(store, txn, key, id);
    }
    if (r == 0)
        r = engine_load_counter(store, txn, (uint32_t)id);
    if (r == 0)
        *ret = (uint32_t)id;
    return r;
}

int bus_store_define(struct bus_store *store, enum bus_target kind, const char *name, uint32_t *ret_id)
{
    struct record_key key = engine_def_key(kind, name);
    struct store_txn *txn = NULL;
    int r = store_begin_write(store->env, &txn);

    if (r == 0)
        r = engine_define(store, txn, record_bytes(&key), ret_id);
    if (r == 0)
        r = store_commit(&txn);
    store_abort(&txn);
    return r;
}

static int engine_open_tables(struct bus_store *store)
{
    for (size_t i = 0; i < ENGINE_TABLES; i++) {
        int r = store_db(store->env, table_names[i], &store->tables[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

int bus_store_open(const struct bus_store_options *options, struct bus_store **ret)
{
    struct store_options env = { .dir = options->dir,
                                 .map_size = options->map_size,
                                 .max_dbs = ENGINE_TABLES + 1,
                                 .any_filesystem = options->any_filesystem };
    struct bus_store *store = calloc(1, sizeof *store);
    int r;

    if (!store)
        abort();
    STAILQ_INIT(&store->submitted);
    STAILQ_INIT(&store->done);
    STAILQ_INIT(&store->dirty_lanes);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->work, NULL);
    store->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = store->event < 0 ? ERR_IO : store_open(&env, &store->env);
    if (r == 0)
        r = engine_open_tables(store);
    if (r == 0 && !options->no_thread)
        r = engine_writer_start(store);
    if (r < 0) {
        bus_store_close(&store);
        return r;
    }
    *ret = store;
    return 0;
}

void bus_store_close(struct bus_store **store_at)
{
    struct bus_store *store = *store_at;
    struct store_op *op;

    *store_at = NULL;
    if (!store)
        return;
    engine_writer_stop(store);
    while ((op = STAILQ_FIRST(&store->submitted))) {
        STAILQ_REMOVE_HEAD(&store->submitted, link);
        store_op_free(op);
    }
    while ((op = bus_store_done(store)))
        store_op_free(op);
    bus_store_read_end(store);
    store_close(&store->env);
    if (store->event >= 0)
        close(store->event);
    pthread_mutex_destroy(&store->lock);
    pthread_cond_destroy(&store->work);
    lanes_forget(store);
    buf_free(&store->scratch);
    buf_free(&store->sealed);
    free(store->counters);
    free(store);
}

struct id bus_store_id(const struct bus_store *store)
{
    return store_uuid(store->env);
}

uint32_t bus_store_incarnation(const struct bus_store *store)
{
    return store_epoch(store->env);
}

/* engine - opening and closing, and rows in their envelopes. */
#include "broker/server/engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "data/store/envelope.h"
#include "gen/errors.h"

enum { ENGINE_TYPE = 0xfe00, ENGINE_VERSION = 1 };

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
                                 .any_filesystem = options->any_filesystem,
                                 .journal = true };
    struct bus_store *store = calloc(1, sizeof *store);
    int r;

    if (!store)
        abort();
    STAILQ_INIT(&store->submitted);
    STAILQ_INIT(&store->done);
    STAILQ_INIT(&store->taken);
    STAILQ_INIT(&store->to_warm);
    STAILQ_INIT(&store->dirty_lanes);
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->work, NULL);
    pthread_cond_init(&store->cold, NULL);
    store->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r = store->event < 0 ? ERR_IO : store_open(&env, &store->env);
    if (r == 0)
        r = engine_open_tables(store);
    if (r == 0)
        r = targets_load(store);
    if (r == 0 && !options->no_thread)
        r = engine_writer_start(store);
    if (r == 0 && !options->no_thread)
        r = engine_warmer_start(store);
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
    engine_warmer_stop(store);
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
    pthread_cond_destroy(&store->cold);
    lanes_forget(store);
    buf_free(&store->scratch);
    buf_free(&store->sealed);
    free(store->targets);
    free(store);
}

bool bus_store_can(const struct bus_store *store, enum store_kind kind)
{
    (void)store;
    return kind < STORE_KINDS;
}

struct id bus_store_id(const struct bus_store *store)
{
    return store_uuid(store->env);
}

uint32_t bus_store_incarnation(const struct bus_store *store)
{
    return store_epoch(store->env);
}

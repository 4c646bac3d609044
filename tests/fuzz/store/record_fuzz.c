/* record_fuzz - what lies in a store, turned into structs: records of the catalog, rows of outbox and inbox.
 *
 * Two ways in: the bytes as a value, and the bytes as a payload under a good envelope, as
 * if whoever wrote them had been wrong. Nothing may crash; what is decoded as a record must pack again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/store/inbox.h"
#include "data/store/open_table.h"
#include "data/store/outbox.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "tests/fuzz/scratch.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct store *store;
static const struct table_def *const tables[] = { &video_row_table, &upload_table,        &version_row_table,
                                                  &run_row_table,   &rendition_row_table, &segment_row_table };

static void must(int r)
{
    if (r < 0)
        abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct store_options options = { .dir = scratch_folder(), .map_size = 64 << 20, .any_filesystem = true };

    must(store_open(&options, &store));
    must(outbox_open(store));
    must(inbox_open(store));
    return 0;
}

static void fuzz_record(const struct table_def *def, struct bytes payload, struct arena *arena)
{
    static const uint8_t key_data[16] = { 1 };
    struct bytes key = bytes_of(key_data, sizeof(key_data));
    struct buf sealed = { 0 }, packed = { 0 };
    void *record = arena_alloc(arena, def->size);
    struct key entry;

    must(envelope_seal(store, def->number, def->version, key, payload, &sealed));
    if (table_decode(store, def, key, buf_bytes(&sealed), arena, record) == 0) {
        must(wire_pack(def->type, record, &packed));
        for (size_t i = 0; i < def->indexes_n; i++)
            key_of_index(def, &def->indexes[i], record, &entry);
    }
    buf_free(&sealed);
    buf_free(&packed);
}

/* A row under a good envelope where a box would look for it; the transaction is thrown away. */
static void fuzz_put(struct store_txn *txn, const char *name, uint16_t type, struct bytes key,
                     struct bytes payload)
{
    struct buf sealed = { 0 };
    struct store_db *db = NULL;

    for (size_t i = 0; i < store->dbs_n; i++)
        if (strcmp(store->dbs[i]->name, name) == 0)
            db = store->dbs[i];
    must(envelope_seal(store, type, 1, key, payload, &sealed));
    must(store_put(txn, db, key, buf_bytes(&sealed)));
    buf_free(&sealed);
}

static void fuzz_boxes(struct bytes payload, struct arena *arena)
{
    static const uint8_t seq[8] = { [7] = 1 };
    struct outbox_refusal refusal;
    struct inbox_parked parked;
    struct outbox_row row;
    struct store_txn *txn;

    must(store_begin_write(store, &txn));
    fuzz_put(txn, "$outbox", ENVELOPE_OUTBOX, bytes_of(seq, 8), payload);
    fuzz_put(txn, "$refused", ENVELOPE_REFUSED, bytes_of(seq, 8), payload);
    fuzz_put(txn, "$parked", ENVELOPE_PARKED, bytes_of("s\0k\0\0\0\0\0\0\0\0\1", 12), payload);
    outbox_next(txn, arena, 0, &row);
    outbox_refused_next(txn, arena, 0, &refusal);
    inbox_parked_next(txn, arena, "s", "k", NULL, &parked);
    outbox_refuse(txn, 1, 2, ERR_INVALID, "fuzz");
    store_abort(&txn);
}

/* Keys of entries come from the disk, too. */
static void fuzz_entry(const struct table_def *def, struct bytes entry)
{
    struct bytes primary;

    for (size_t i = 0; i < def->indexes_n; i++)
        if (key_primary(&def->indexes[i], entry, &primary) == 0 && primary.len > entry.len)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct bytes view, payload;
    uint16_t version;

    if (size > 0) {
        const struct table_def *def = tables[data[0] % (sizeof(tables) / sizeof(tables[0]))];

        view = bytes_of(data + 1, size - 1);
        envelope_open(store, def->number, bytes_of("k", 1), view, &version, &payload); /* the fuzzer sees hashes */
        fuzz_record(def, view, arena);
        fuzz_entry(def, view);
        fuzz_boxes(view, arena);
    }
    arena_free(&arena);
    return 0;
}

/* table - typed records in a store: a key, indexes, a revision, and a checksum over table, key and value.
 *
 * The schema compiler emits one struct table_def per [record] and typed wrappers around these functions. A
 * record is the C struct of its wire_type; the fields of its key are part of it.
 *
 * Keys        memcmp order is value order: id 16 bytes; uint, time and enum 8 bytes big-endian; int the
 *             same with the sign flipped; text its bytes and a 0; bool 1 byte. An index entry is the
 *             indexed fields, then the key
 * Values      an envelope (envelope.h) around the packed struct; a flipped bit is ERR_CORRUPT, never a
 *             wrong record
 * Revision    table_put counts the field named rev up from what is stored, in the record handed in, too
 * Versions    a value written at an earlier version is upgraded when read (def->upgrade), and rewritten by
 *             the next put or the sweep of data/migrate; one of a later version is ERR_VERSION
 *             An index that is added needs a new version of the table, and data/migrate's sweep before it is
 *             whole; one whose fields change needs a new name
 * Refuses     keys and index entries over 511 bytes (ERR_TOO_LARGE); lists, structs, floats and bytes as
 *             key fields */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/store/env.h"
#include "schemas/wire/arena.h"
#include "schemas/wire/wire.h"

#define TABLE_NO_REV SIZE_MAX

/* One field of a key or an index: where it lies in the record's struct, and how it is encoded. */
struct table_key {
    enum wire_kind kind; /* WIRE_BOOL, WIRE_INT, WIRE_UINT, WIRE_TEXT, WIRE_ID, WIRE_TIME or WIRE_ENUM */
    size_t offset;
};

struct table_index {
    const char *name;
    const struct table_key *keys;
    size_t keys_n;
    bool sparse; /* a record whose first indexed field is absent (zero, NULL or "") has no entry */
    bool unique; /* a second record with the same indexed fields is ERR_EXISTS */
};

struct table_def {
    const char *name; /* of the database; its indexes are NAME.INDEX */
    uint16_t number;  /* in every value's checksum; never reused; below 0xff00 */
    uint16_t version; /* of the struct; counts up with each change that needs more than skipping unknown fields */
    const struct wire_type *type;
    size_t size; /* sizeof the struct */
    const struct table_key *keys;
    size_t keys_n;
    const struct table_index *indexes;
    size_t indexes_n;
    size_t rev_offset; /* of `uint64_t rev`, or TABLE_NO_REV */

    /* Makes a record of a value written at an earlier version. NULL: the wire format's own rules are
     * enough. */
    int (*upgrade)(uint16_t from, struct bytes packed, struct arena *arena, void *ret);
};

/* Opens the databases of these tables, once, after store_open. ERR_VERSION when a table was written by a
 * later version of the program. */
int table_open(struct store *store, const struct table_def *const *defs, size_t defs_n);

/* `key` is a record of which only the key fields are read. What table_get fills borrows from the arena
 * alone. */
int table_get(struct store_txn *txn, const struct table_def *def, struct arena *arena, const void *key, void *ret);
int table_put(struct store_txn *txn, const struct table_def *def, void *record);     /* inserts or replaces */
int table_put_new(struct store_txn *txn, const struct table_def *def, void *record); /* ERR_EXISTS */
int table_del(struct store_txn *txn, const struct table_def *def, const void *key);  /* ERR_NOT_FOUND */
int table_rewrite(struct store_txn *txn, const struct table_def *def,
                  void *record); /* at this version, its rev kept */
int table_count(struct store_txn *txn, const struct table_def *def, uint64_t *ret);

/* Walks. By the primary key (TABLE_PRIMARY) or by the n-th index; over all records, or over those whose
 * first prefix_n fields equal the ones of `prefix`; onwards from where an earlier walk stood (`after`:
 * opaque bytes of table_walk_at, from another transaction or another day; ERR_INVALID when they do not fit
 * the walk).
 *
 *     struct table_walk walk;
 *     r = table_walk_start(&walk, txn, &video_table, VIDEO_BY_OWNER, &(struct video){ .owner_id = me }, 1,
 *                          TABLE_DOWN, after);
 *     while (r == 0 && (r = table_walk_next(&walk, arena, &video)) > 0)
 *         ...                                             1: a record, 0: the end, negative: an error
 *     table_walk_end(&walk);                              always, also after an error
 *
 * Records may be put and deleted while walking: a walk goes on behind the row it gave last. */
#define TABLE_PRIMARY (-1)

enum table_order { TABLE_UP, TABLE_DOWN };

struct table_walk {
    struct store_txn *txn;
    const struct table_def *def;
    const struct table_index *index; /* NULL: the primary key */
    enum table_order order;
    struct store_cursor *cursor;
    uint16_t prefix_n, at_n;
    bool started;
    uint8_t prefix[STORE_KEY_MAX], at[STORE_KEY_MAX];
};

int table_walk_start(struct table_walk *walk, struct store_txn *txn, const struct table_def *def, int index,
                     const void *prefix, size_t prefix_n, enum table_order order, struct bytes after);
int table_walk_next(struct table_walk *walk, struct arena *arena, void *ret);
struct bytes table_walk_at(
    const struct table_walk *walk); /* of the last record given; lives as long as the walk */
void table_walk_end(struct table_walk *walk);

/* The first record of an index with these fields: a look-up by a unique index, or any by another. */
int table_find(struct store_txn *txn, const struct table_def *def, int index, const void *prefix, size_t prefix_n,
               struct arena *arena, void *ret);

/* Reads every row of every table given and checks it: envelope, shape, and that rows and index entries
 * name each other exactly. What is wrong is counted in the report, not returned. */
int table_verify(struct store *store, const struct table_def *const *defs, size_t defs_n,
                 struct store_report *ret);

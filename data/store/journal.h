/* journal - what was committed since the store's file was last synced. Private to data/store.
 *
 * LMDB pays two syncs for a commit: pages all over its file, then the meta page. A store that is opened with a journal
 * pays one, of a few blocks in a row: what the transaction wrote is appended to the journal and synced, then LMDB
 * commits without a sync. When the journal has grown, the file is synced beside the work (a checkpoint), and the journal
 * begins anew.
 *
 * Between two checkpoints nothing is known of the file's order on the disk, so a start does not look at what the file
 * says of itself: it puts back the meta page of the last checkpoint, and does again what the journal holds. That this
 * page's tree is whole is what a read transaction stands for that lasts from one checkpoint to the next: LMDB never
 * overwrites a page that a reader may see. It is done so after every end, also an orderly one: there is one way to start.
 *
 * Two files, DIR/journal.0 and .1, take turns: generation g is written to file g & 1. Each begins with a base block (the
 * checkpoint from which its generation goes on: a meta page, and which data.mdb it belongs to), then records, each on
 * blocks of its own, so that no write touches what was acknowledged before:
 *
 *     generation u64, number u64, length u64, check u64, then changes: kind u8, length of the database's name u8, of the
 *     key u16, of the value u32; name, key, value
 *
 * The base of generation g + 1 is written when the checkpoint is on the disk; until then a start goes from the base of g
 * through the records of g and of g + 1. Numbers go on over both, so that a record that is missing is noticed. */
#pragma once

#include <lmdb.h>
#include <pthread.h>

#include "data/store/env.h"
#include "schemas/wire/buf.h"

enum {
    JOURNAL_BLOCK = 4096,
    JOURNAL_RECORDS = 32 * JOURNAL_BLOCK, /* where they begin: behind a base with the largest page there is */
    JOURNAL_GROW = 1024 * 1024,
    JOURNAL_TURN = 24 * 1024 * 1024, /* of records: then a checkpoint */
    JOURNAL_MOST = 48 * 1024 * 1024, /* of a file: whoever commits waits for the checkpoint that is under way */
    JOURNAL_COMMITS = 2048, /* then a checkpoint, too: pages freed since the last one cannot be used again */
    JOURNAL_ROOM = 8 * 1024 * 1024, /* that is left for one record when the next turn has to wait */
    JOURNAL_KEY = 16,
    JOURNAL_PLACE = 16,
    JOURNAL_CHANGE = 8, /* bytes before a change's name */
};
#define JOURNAL_MAGIC                        \
    {                                        \
        'K', 'i', 'n', 'o', 'r', 'e', 'd', 1 \
    }

enum journal_change { JOURNAL_PUT = 1, JOURNAL_DEL, JOURNAL_CLEAR };

/* What a base block holds before the meta page, which lies in the next block. In the machine's own order, as LMDB's. */
struct journal_base {
    uint8_t magic[8];
    uint8_t key[JOURNAL_KEY];     /* of the checks */
    uint8_t place[JOURNAL_PLACE]; /* which data.mdb: env_place */
    uint64_t generation, number;  /* number: of its first record */
    uint64_t txn;                 /* that the meta page is of */
    uint64_t page_size;
    uint64_t check; /* over what is before it, and the page */
};

struct journal_record {
    uint64_t generation, number, length, check;
};

struct journal {
    int fds[2];
    int data_fd;              /* of data.mdb */
    uint64_t made[2];         /* bytes of each file that lie on the disk: writing there needs no new place */
    uint64_t at;              /* where the next record begins */
    unsigned commits;         /* of this generation */
    struct journal_base base; /* of this generation; number: of the next record */
    MDB_txn *pin;             /* nothing that the last checkpoint holds is overwritten */
    struct buf spare;         /* room for the next transaction's changes */

    pthread_t thread; /* makes checkpoints */
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t turned;
    MDB_txn *next_pin;        /* of the checkpoint under way; NULL: none */
    struct journal_base next; /* it is the thread's then, with its meta page: */
    uint8_t *page;
    bool stopping, failed;
};

static inline uint64_t journal_blocks(uint64_t len)
{
    return (len + JOURNAL_BLOCK - 1) / JOURNAL_BLOCK * JOURNAL_BLOCK;
}

struct store_txn;

/* recover.c: before LMDB opens its file, which is put back to the last checkpoint; and after. ERR_CONFLICT: the journal
 * holds what belongs to another data.mdb. ERR_CORRUPT: something acknowledged is missing. wanted false: a store that
 * has a journal keeps it all the same. */
int journal_find(struct store *store, bool wanted);
int journal_replay(struct store *store);
void journal_check(const uint8_t key[JOURNAL_KEY], const void *head, size_t head_len, struct bytes payload,
                   uint64_t *ret);
uint64_t journal_base_check(const struct journal_base *base, const uint8_t *page);

/* journal.c */
int journal_begin(struct store *store);  /* from here on commits are journalled */
void journal_end(struct store *store);   /* all is in the file */
int journal_settle(struct store *store); /* a checkpoint, now */
void journal_note(struct store_txn *txn, enum journal_change change, const struct store_db *db, struct bytes key,
                  struct bytes value);
void journal_lend(struct store_txn *txn); /* room for its changes, until it has ended */
void journal_take_back(struct store_txn *txn);
int journal_commit(struct store_txn *txn); /* in the place of mdb_txn_commit */

/* env.c */
int env_read_place(const struct store *store, uint8_t ret[JOURNAL_PLACE]);

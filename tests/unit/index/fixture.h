/* fixture - an index in a store of its own, and videos to put into it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/index/finder.h"
#include "actors/index/postings.h"
#include "actors/index/suggestions.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "schemas/wire/actor.h"

static const struct table_def *const fixture_tables[] = {
    &index_generation_table, &index_document_table,   &index_text_table,     &index_word_table,
    &index_posting_table,    &index_suggestion_table, &index_language_table, &index_tombstone_table,
};
#define FIXTURE_TABLES (sizeof(fixture_tables) / sizeof(*fixture_tables))

struct fixture {
    char dir[PATH_MAX];
    struct store *store;
    struct arena *arena;
    struct stems *stems;
    struct index_generation one;
};

static int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static inline struct store_txn *fixture_begin(struct fixture *f)
{
    struct store_txn *txn;

    assert_int_equal(store_begin_write(f->store, &txn), 0);
    return txn;
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct store_options options = { .dir = f->dir, .map_size = 64 << 20, .any_filesystem = true };
    const char *tmp = getenv("TMPDIR");
    struct store_txn *txn;

    snprintf(f->dir, sizeof(f->dir), "%s/kinobus-index-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    assert_int_equal(store_open(&options, &f->store), 0);
    assert_int_equal(table_open(f->store, fixture_tables, FIXTURE_TABLES), 0);
    f->arena = arena_new();
    f->stems = stems_new();
    txn = fixture_begin(f);
    assert_int_equal(generation_begin(txn, f->arena, 1000, &f->one), 0);
    assert_int_equal(store_commit(&txn), 0);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_fault_disarm();
    store_close(&f->store);
    arena_free(&f->arena);
    stems_free(&f->stems);
    nftw(f->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

#define with_index(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static inline struct id numbered(unsigned n)
{
    return (struct id) { { 1, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } };
}

/* A video that anyone may find; n tells it from others, and its owner is number 1000. */
static inline struct video published(unsigned n, uint64_t rev, const char *title)
{
    return (struct video) {
        .id = numbered(n),
        .rev = rev,
        .owner_id = numbered(1000),
        .owner_name = "Ann",
        .title = title,
        .visibility = VISIBILITY_PUBLIC,
        .state = VIDEO_STATE_READY,
        .release = RELEASE_STATE_PUBLISHED,
        .life = LIFE_STATE_LIVE,
        .created_at = 1000 + n,
    };
}

/* Puts in a transaction of its own; answers what postings_put did. */
static inline int put(struct fixture *f, const struct video *video)
{
    struct store_txn *txn = fixture_begin(f);
    int r = postings_put(txn, f->arena, f->stems, &f->one, video);

    assert_int_equal(store_commit(&txn), 0);
    return r;
}

static inline int del(struct fixture *f, unsigned n, uint64_t rev)
{
    struct store_txn *txn = fixture_begin(f);
    int r = postings_del(txn, f->arena, f->stems, &f->one, numbered(n), rev);

    assert_int_equal(store_commit(&txn), 0);
    return r;
}

static inline uint64_t rows(struct fixture *f, const struct table_def *table)
{
    struct store_txn *txn;
    uint64_t n;

    assert_int_equal(store_begin_read(f->store, &txn), 0);
    assert_int_equal(table_count(txn, table, &n), 0);
    store_abort(&txn);
    return n;
}

/* The numbers of the videos found, in their order: "3 1". */
static inline const char *found_by(struct fixture *f, struct id viewer, uint64_t bound, const char *text,
                                   struct finder_result *result)
{
    struct finder_options options = {
        .arena = f->arena, .stems = f->stems, .generation = &f->one, .viewer = viewer, .rows = bound, .most = 50
    };
    struct query query;
    char *all = arena_strdup(f->arena, "");

    assert_int_equal(query_read(f->arena, text, &query), 0);
    assert_int_equal(store_begin_read(f->store, &options.txn), 0);
    assert_int_equal(finder_run(&options, &query, result), 0);
    store_abort(&options.txn);
    for (size_t i = 0; i < result->ranking.n; i++)
        all = arena_printf(f->arena, "%s%s%u", all, i ? " " : "",
                           result->ranking.best[i].id.b[14] << 8 | result->ranking.best[i].id.b[15]);
    return all;
}

static inline const char *found(struct fixture *f, const char *text)
{
    struct finder_result result;

    return found_by(f, ID_NONE, 10000, text, &result);
}

static inline const char *suggested(struct fixture *f, const char *beginning, size_t most)
{
    char *all = arena_strdup(f->arena, "");
    struct store_txn *txn;
    const char **list;
    size_t n;

    assert_int_equal(store_begin_read(f->store, &txn), 0);
    assert_int_equal(suggestions_find(txn, f->arena, f->one.number, beginning, most, &list, &n), 0);
    store_abort(&txn);
    for (size_t i = 0; i < n; i++)
        all = arena_printf(f->arena, "%s%s%s", all, i ? "|" : "", list[i]);
    return all;
}

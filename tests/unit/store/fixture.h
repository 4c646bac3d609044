/* fixture - a store in a directory of its own, for the tests of data/store. */
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

#include "data/store/env.h"
#include "gen/errors.h"

struct fixture {
    char dir[PATH_MAX], store_dir[PATH_MAX + 8];
    struct store *store;
    struct store_db *t; /* one database that is always open */
};

static int fixture_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static inline void fixture_open(struct fixture *f)
{
    struct store_options options = { .dir = f->store_dir, .map_size = 64 << 20, .any_filesystem = true };

    assert_int_equal(store_open(&options, &f->store), 0);
    assert_int_equal(store_db(f->store, "t", &f->t), 0);
}

static inline void fixture_reopen(struct fixture *f)
{
    store_close(&f->store);
    fixture_open(f);
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    snprintf(f->dir, sizeof(f->dir), "%s/kinobus-store-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->store_dir, sizeof(f->store_dir), "%s/s", f->dir);
    fixture_open(f);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_fault_disarm();
    store_close(&f->store);
    nftw(f->dir, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

#define with_store(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

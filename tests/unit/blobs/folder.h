/* folder - a folder of blobs for each test. */
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
#include <sys/stat.h>

#include "data/blobs/blobs.h"
#include "gen/errors.h"

struct fixture {
    char dir[PATH_MAX];
    struct blobs *blobs;
};

static inline void open_blobs(struct fixture *f)
{
    char uri[PATH_MAX + 8];

    snprintf(uri, sizeof(uri), "file:%s", f->dir);
    assert_int_equal(blobs_open(uri, &f->blobs), 0);
}

static inline int make_folder(struct fixture *f)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(f->dir, sizeof(f->dir), "%s/kinobus-blobs-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    open_blobs(f);
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static inline void remove_folder(struct fixture *f)
{
    blobs_close(&f->blobs);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    *state = f;
    return make_folder(f);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    remove_folder(f);
    free(f);
    return 0;
}

static inline int put_new(struct fixture *f, const char *name, const char *text, struct blob_info *info)
{
    return blob_put_new(f->blobs, name, bytes_of_text(text), info);
}

static inline bool reads(struct fixture *f, const char *name, const char *text)
{
    char buf[256];
    size_t got = 0;

    return blob_read(f->blobs, name, 0, buf, sizeof(buf), &got) == 0 && got == strlen(text) &&
           memcmp(buf, text, got) == 0;
}

/* All files that lie there, also those that are no objects. */
static unsigned debris;
static inline int count_debris(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    debris += type == FTW_F && path[ftw->base] == '.';
    return 0;
}

static inline int count_one(void *ctx, const char *name, const struct blob_info *info)
{
    ++*(unsigned *)ctx;
    return 0;
}

static inline unsigned count(struct fixture *f, const char *prefix)
{
    unsigned n = 0;

    assert_int_equal(blob_list(f->blobs, prefix, count_one, &n), 0);
    return n;
}

#define with_blobs(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* order_test - what a power cut could leave, seen from the order of system calls; and each of them failing once.
 *
 * The calls are wrapped by the linker: they are written down, and the n-th of them can be made to fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/blobs/blobs.h"
#include "gen/errors.h"

static char calls[512]; /* w write, p pwrite, d fdatasync, r rename, f fsync, m mkdir */
static unsigned fail_at;
static int fail_with;

/* Notes the call; true when it is to fail. */
static bool note(char what)
{
    size_t n = strlen(calls);

    if (n + 1 < sizeof(calls)) {
        calls[n] = what;
        calls[n + 1] = 0;
    }
    if (!fail_at || --fail_at)
        return false;
    errno = fail_with;
    return true;
}

ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
ssize_t __real_pwrite(int fd, const void *data, size_t len, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_mkdirat(int dir, const char *path, mode_t mode);
int __wrap_mkdirat(int dir, const char *path, mode_t mode);

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    return note('w') ? -1 : __real_write(fd, data, len);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
    return note('p') ? -1 : __real_pwrite(fd, data, len, at);
}

int __wrap_fdatasync(int fd)
{
    return note('d') ? -1 : __real_fdatasync(fd);
}

int __wrap_fsync(int fd)
{
    return note('f') ? -1 : __real_fsync(fd);
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return note('r') ? -1 : __real_renameat2(from_dir, from, to_dir, to, flags);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return note('r') ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_mkdirat(int dir, const char *path, mode_t mode)
{
    return note('m') ? -1 : __real_mkdirat(dir, path, mode);
}

struct fixture {
    char dir[PATH_MAX];
    struct blobs *blobs;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char uri[PATH_MAX + 8];
    const char *tmp = getenv("TMPDIR");

    snprintf(f->dir, sizeof(f->dir), "%s/kinobus-order-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(uri, sizeof(uri), "file:%s", f->dir);
    fail_at = 0;
    *calls = 0;
    *state = f;
    return blobs_open(uri, &f->blobs);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    fail_at = 0;
    blobs_close(&f->blobs);
    nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static void bytes_are_synced_before_their_name_and_the_folder_after(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(blob_put_new(f->blobs, "a", bytes_of_text("x"), NULL), 0);
    assert_string_equal(calls, "wdrf");
    *calls = 0;
    assert_int_equal(blob_put(f->blobs, "a", bytes_of_text("y"), NULL), 0);
    assert_string_equal(calls, "wdrf");
}

static void each_new_folder_is_synced_into_the_one_above_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(blob_put_new(f->blobs, "a/b/c", bytes_of_text("x"), NULL), 0);
    assert_string_equal(calls, "mfmfwdrf");
    *calls = 0;
    assert_int_equal(blob_put_new(f->blobs, "a/b/d", bytes_of_text("x"), NULL), 0);
    assert_string_equal(calls, "wdrf"); /* it is known to last by now */
}

static void what_is_there_already_is_synced_before_it_is_counted_on(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(blob_put_new(f->blobs, "a", bytes_of_text("x"), NULL), 0);
    *calls = 0;
    assert_int_equal(blob_put_new(f->blobs, "a", bytes_of_text("x"), NULL), ERR_EXISTS);
    assert_string_equal(calls, "wdrf");
}

static void a_frontier_is_promised_after_the_bytes_it_promises(void **state)
{
    struct fixture *f = *state;
    struct blob_grow *g;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "a", &g, &frontier), 0);
    *calls = 0;
    assert_int_equal(blob_grow_append(g, "x", 1), 0);
    assert_int_equal(blob_grow_sync(g, &frontier), 0);
    assert_string_equal(calls, "wdpd");
    *calls = 0;
    assert_int_equal(blob_grow_seal(&g, NULL), 0);
    assert_string_equal(calls, "drf");
}

static void whichever_call_fails_a_put_says_so_and_leaves_all_or_nothing(void **state)
{
    static const int errors[] = { EIO, ENOSPC };
    struct fixture *f = *state;

    for (unsigned e = 0; e < 2; e++) {
        for (unsigned n = 1;; n++) {
            char name[64], there[8];
            size_t got = 0;

            snprintf(name, sizeof(name), "e%u/n%u/x", e, n);
            fail_at = n;
            fail_with = errors[e];
            int r = blob_put_new(f->blobs, name, bytes_of_text("whole"), NULL);
            bool struck = fail_at == 0;
            fail_at = 0;
            if (!struck) {
                assert_int_equal(r, 0);
                assert_int_equal(n, 9); /* two folders, bytes, name: eight calls */
                break;
            }
            assert_int_equal(r, errors[e] == EIO ? ERR_IO : ERR_STORE_FULL);
            int read = blob_read(f->blobs, name, 0, there, sizeof(there), &got);
            assert_true(read == ERR_NOT_FOUND || (read == 0 && got == 5 && memcmp(there, "whole", 5) == 0));
            r = blob_put_new(f->blobs, name, bytes_of_text("whole"), NULL); /* and the next try makes it so */
            assert_true(r == 0 || r == ERR_EXISTS);
        }
    }
}

static void after_a_failed_sync_no_frontier_is_promised_any_more(void **state)
{
    struct fixture *f = *state;

    for (unsigned n = 1; n <= 3; n++) { /* the bytes, the frontier, its sync */
        struct blob_grow *g;
        uint64_t frontier, before;

        assert_int_equal(blob_grow_open(f->blobs, "a", &g, &before), 0);
        assert_int_equal(blob_grow_append(g, "x", 1), 0);
        fail_at = n;
        fail_with = EIO;
        assert_int_equal(blob_grow_sync(g, &frontier), ERR_IO);
        assert_int_equal(frontier, before);
        assert_int_equal(blob_grow_sync(g, &frontier), ERR_IO); /* never tried again: pages may be gone */
        assert_int_equal(blob_grow_append(g, "y", 1), ERR_IO);
        assert_int_equal(blob_grow_seal(&g, NULL), ERR_IO);
    }
}

#define with_blobs(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_blobs(bytes_are_synced_before_their_name_and_the_folder_after),
        with_blobs(each_new_folder_is_synced_into_the_one_above_it),
        with_blobs(what_is_there_already_is_synced_before_it_is_counted_on),
        with_blobs(a_frontier_is_promised_after_the_bytes_it_promises),
        with_blobs(whichever_call_fails_a_put_says_so_and_leaves_all_or_nothing),
        with_blobs(after_a_failed_sync_no_frontier_is_promised_any_more),
    };

    return cmocka_run_group_tests_name("blobs_order", tests, NULL, NULL);
}

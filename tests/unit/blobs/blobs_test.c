/* blobs_test - what is the file backend's own: names and links, what deleting and sweeping take, what a killed writer leaves.
 * What holds for every backend is stated in conform.c. */
#include "tests/unit/blobs/folder.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void names_that_could_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = { "",      "/a",       "a/",
                                       "a//b",  "../a",     "a/../b",
                                       "a/.",   ".hidden",  "a/.t.1",
                                       "A",     "a b",      "a\\b",
                                       "a/b\n", "\xc3\xa4", "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17" };
    struct fixture *f = *state;
    char longest[BLOB_NAME_MAX + 2];
    size_t got;
    char c;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(blob_name_valid(bad[i]));
        assert_int_equal(put_new(f, bad[i], "x", NULL), ERR_INVALID);
        assert_int_equal(blob_read(f->blobs, bad[i], 0, &c, 1, &got), ERR_INVALID);
        assert_int_equal(blob_delete(f->blobs, bad[i]), ERR_INVALID);
    }
    memset(longest, 'a', sizeof(longest));
    longest[BLOB_NAME_MAX + 1] = 0;
    assert_false(blob_name_valid(longest));
    assert_true(blob_name_valid("media/video_01h455vb4pex5vsknk084sn02q/1/v/h264-720/000001.m4s"));
    assert_int_equal(count(f, ""), 0);
}

static void symbolic_links_lead_nowhere(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 16];
    char c;
    size_t got;

    snprintf(path, sizeof(path), "%s/link", f->dir);
    assert_int_equal(symlink("/etc", path), 0);
    snprintf(path, sizeof(path), "%s/file", f->dir);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(blob_read(f->blobs, "link/passwd", 0, &c, 1, &got), ERR_INVALID);
    assert_int_equal(blob_read(f->blobs, "file", 0, &c, 1, &got), ERR_INVALID);
    assert_true(put_new(f, "link/x", "x", NULL) < 0);
    assert_int_equal(count(f, ""), 0);
}

static void deleting_is_idempotent(void **state)
{
    struct fixture *f = *state;
    struct blob_grow *g;
    uint64_t frontier;

    assert_int_equal(put_new(f, "a/b", "x", NULL), 0);
    assert_int_equal(blob_delete(f->blobs, "a/b"), 0);
    assert_int_equal(blob_delete(f->blobs, "a/b"), 0);
    assert_int_equal(blob_delete(f->blobs, "no/such"), 0);
    assert_int_equal(blob_grow_open(f->blobs, "a/g", &g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "x", 1), 0);
    assert_int_equal(blob_grow_sync(g, &frontier), 0);
    blob_grow_close(&g);
    assert_int_equal(blob_delete(f->blobs, "a/g"), 0);
    assert_int_equal(count(f, ""), 0);
    debris = 0;
    nftw(f->dir, count_debris, 8, FTW_PHYS);
    assert_int_equal(debris, 0);
}

static void a_deleted_tree_takes_nothing_else_and_can_be_filled_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(put_new(f, "media/v1/1/a", "x", NULL), 0);
    assert_int_equal(put_new(f, "media/v1/2/b/c", "x", NULL), 0);
    assert_int_equal(put_new(f, "media/v2/1/a", "x", NULL), 0);
    assert_int_equal(blob_delete_tree(f->blobs, ""), ERR_INVALID);
    assert_int_equal(blob_delete_tree(f->blobs, "media/v1/"), 0);
    assert_int_equal(blob_delete_tree(f->blobs, "media/v1/"), 0);
    assert_int_equal(count(f, ""), 1);
    assert_int_equal(put_new(f, "media/v1/1/a", "y", NULL), 0);
    assert_true(reads(f, "media/v1/1/a", "y"));
}

static void the_sweep_takes_what_a_crash_left_and_no_object(void **state)
{
    struct fixture *f = *state;
    struct blob_writer *w;
    unsigned removed;

    assert_int_equal(put_new(f, "a/b", "x", NULL), 0);
    assert_int_equal(blob_new(f->blobs, "a/c", &w), 0);
    assert_int_equal(blobs_sweep(f->blobs, 3600000, &removed), 0);
    assert_int_equal(removed, 0); /* somebody is still writing it */
    assert_int_equal(blobs_sweep(f->blobs, -1000, &removed), 0);
    assert_int_equal(removed, 1);
    blob_abort(&w);
    assert_true(reads(f, "a/b", "x"));
}

/* The child puts objects and grows one, and tells what is durable, until it is killed. */
static void write_until_killed(struct fixture *f, int tell)
{
    struct blob_grow *g;
    uint64_t frontier;

    if (blob_grow_open(f->blobs, "raw/g", &g, &frontier))
        _exit(1);
    for (uint32_t n = 1;; n++) {
        uint64_t told[2] = { n, 0 };
        char name[64];

        snprintf(name, sizeof(name), "d%u/e/%u", n % 7, n);
        if (blob_put_new(f->blobs, name, bytes_of(&n, sizeof(n)), NULL) < 0 && n > 10000)
            _exit(2);
        if (blob_grow_append(g, &n, sizeof(n)) || blob_grow_sync(g, &told[1]))
            _exit(3);
        if (write(tell, told, sizeof(told)) != sizeof(told))
            _exit(4);
    }
}

static void a_killed_writer_loses_nothing_it_told(void **state)
{
    struct fixture *f = *state;

    for (unsigned round = 0; round < 6; round++) {
        uint64_t told[2], objects = 0, frontier = 0, reopened;
        struct blob_grow *g;
        int pipes[2], status;
        pid_t child;

        assert_int_equal(pipe(pipes), 0);
        child = fork();
        if (child == 0) {
            close(pipes[0]);
            write_until_killed(f, pipes[1]);
        }
        close(pipes[1]);
        while (objects < 4 + 9 * round && read(pipes[0], told, sizeof(told)) == sizeof(told))
            objects = told[0], frontier = told[1];
        kill(child, SIGKILL);
        while (read(pipes[0], told, sizeof(told)) == sizeof(told))
            objects = told[0], frontier = told[1];
        close(pipes[0]);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        for (uint32_t n = 1; n <= objects; n++) {
            char name[64];
            uint32_t there = 0;
            size_t got;

            snprintf(name, sizeof(name), "d%u/e/%u", n % 7, n);
            assert_int_equal(blob_read(f->blobs, name, 0, &there, sizeof(there), &got), 0);
            assert_int_equal(there, n);
        }
        assert_int_equal(blob_grow_open(f->blobs, "raw/g", &g, &reopened), 0);
        assert_true(reopened >= frontier);
        blob_grow_close(&g);
    }
}

static void an_unknown_backend_is_unsupported(void **state)
{
    struct blobs *blobs;

    assert_int_equal(blobs_open("s3://bucket", &blobs), ERR_UNSUPPORTED);
    assert_int_equal(blobs_open("/no/scheme", &blobs), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_blobs(names_that_could_lead_elsewhere_are_refused),
        with_blobs(symbolic_links_lead_nowhere),
        with_blobs(deleting_is_idempotent),
        with_blobs(a_deleted_tree_takes_nothing_else_and_can_be_filled_again),
        with_blobs(the_sweep_takes_what_a_crash_left_and_no_object),
        with_blobs(a_killed_writer_loses_nothing_it_told),
        cmocka_unit_test(an_unknown_backend_is_unsupported),
    };

    return cmocka_run_group_tests_name("blobs", tests, NULL, NULL);
}

/* grow_test - objects that are read while they are written: frontiers, sums, and who works at once. */
#include "tests/unit/blobs/folder.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

static void a_growing_object_is_readable_up_to_its_frontier(void **state)
{
    struct fixture *f = *state;
    struct blob_info info;
    struct blob_grow *g;
    uint64_t frontier;
    char buf[16];
    size_t got;

    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(frontier, 0);
    assert_int_equal(blob_grow_append(g, "hello ", 6), 0);
    assert_int_equal(blob_read(f->blobs, "raw/v/1", 0, buf, sizeof(buf), &got), ERR_WAIT); /* not durable yet */
    assert_int_equal(blob_grow_sync(g, &frontier), 0);
    assert_int_equal(frontier, 6);
    assert_int_equal(blob_grow_append(g, "world", 5), 0);
    assert_int_equal(blob_read(f->blobs, "raw/v/1", 0, buf, sizeof(buf), &got), 0);
    assert_int_equal(got, 6);
    assert_int_equal(blob_read(f->blobs, "raw/v/1", 6, buf, 1, &got), ERR_WAIT);
    assert_int_equal(blob_stat(f->blobs, "raw/v/1", &info), 0);
    assert_true(info.growing && info.size == 6);
    assert_int_equal(count(f, "raw/"), 1);
    assert_int_equal(blob_grow_seal(&g, &info), 0);
    assert_true(!info.growing && info.size == 11);
    assert_true(reads(f, "raw/v/1", "hello world"));
    assert_int_equal(blob_read(f->blobs, "raw/v/1", 11, buf, 1, &got), ERR_EOF);
    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), ERR_EXISTS);
}

static void growing_goes_on_at_the_frontier_after_a_crash(void **state)
{
    struct fixture *f = *state;
    struct blob_info info;
    struct blob_grow *g;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "kept", 4), 0);
    assert_int_equal(blob_grow_sync(g, NULL), 0);
    assert_int_equal(blob_grow_append(g, "never promised", 14), 0);
    blob_grow_close(&g);
    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(frontier, 4);
    assert_int_equal(blob_grow_append(g, ", on", 4), 0);
    assert_int_equal(blob_grow_seal(&g, &info), 0);
    assert_true(!info.growing && info.size == 8);
    assert_true(reads(f, "raw/v/1", "kept, on"));
}

static void one_writer_at_a_time_grows_an_object(void **state)
{
    struct fixture *f = *state;
    struct blob_grow *g, *second;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &second, &frontier), ERR_LOCKED);
    blob_grow_close(&g);
    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    blob_grow_close(&g);
}

static void sum_is(struct blob_told *told, const char *text)
{
    uint8_t want[SHA256_SIZE], got[SHA256_SIZE];
    struct sha256 sum;

    assert_int_equal(sha256_length(&told->sum), strlen(text));
    sha256_init(&sum);
    sha256_update(&sum, text, strlen(text));
    sha256_final(&sum, want);
    sha256_final(&told->sum, got);
    assert_memory_equal(got, want, sizeof(want));
}

static void what_has_grown_tells_what_it_should_hold(void **state)
{
    struct fixture *f = *state;
    struct blob_told told;
    struct blob_grow *g;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "over ", 5), 0);
    assert_int_equal(blob_grow_sync(g, NULL), 0);
    assert_int_equal(blob_grow_sum(g), 0);
    assert_int_equal(blob_grow_append(g, "thr", 3), 0);
    assert_int_equal(blob_grow_sync(g, NULL), 0);
    assert_int_equal(blob_grow_append(g, "and dropped", 11), 0);
    assert_int_equal(blob_told(f->blobs, "raw/v/1", &told), ERR_WAIT);
    blob_grow_close(&g); /* as a crash does */
    assert_int_equal(blob_grow_open(f->blobs, "raw/v/1", &g, &frontier), 0);
    assert_int_equal(frontier, 8);
    assert_int_equal(blob_grow_append(g, "ee lives", 8), 0);
    assert_int_equal(blob_grow_sync(g, NULL), 0);
    assert_int_equal(blob_grow_sum(g), 0);
    assert_int_equal(blob_grow_seal(&g, NULL), 0);
    assert_int_equal(blob_told(f->blobs, "raw/v/1", &told), 0);
    assert_int_equal(told.size, 16);
    sum_is(&told, "over three lives");
    assert_int_equal(blob_delete(f->blobs, "raw/v/1"), 0);
    assert_int_equal(blob_told(f->blobs, "raw/v/1", &told), ERR_NOT_FOUND);
    debris = 0;
    nftw(f->dir, count_debris, 8, FTW_PHYS);
    assert_int_equal(debris, 0);
    assert_int_equal(put_new(f, "raw/v/2", "whole", NULL), 0);
    assert_int_equal(blob_told(f->blobs, "raw/v/2", &told), ERR_NOT_FOUND);
}

/* A frontier of 16 bytes was all that a slot held once. */
static void a_sum_that_was_not_written_down_is_made_from_the_start(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX + 16];
    struct blob_told told;
    struct blob_grow *g;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "a", &g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "x", 1), 0);
    assert_int_equal(blob_grow_sync(g, NULL), 0);
    assert_int_equal(blob_grow_sum(g), 0);
    blob_grow_close(&g);
    snprintf(path, sizeof(path), "%s/.f.a", f->dir);
    assert_int_equal(truncate(path, 16), 0);
    assert_int_equal(blob_grow_open(f->blobs, "a", &g, &frontier), 0);
    assert_int_equal(frontier, 1);
    assert_int_equal(blob_grow_append(g, "y", 1), 0);
    assert_int_equal(blob_grow_seal(&g, NULL), 0);
    assert_int_equal(blob_told(f->blobs, "a", &told), 0);
    sum_is(&told, "");
    assert_int_equal(blob_grow_open(f->blobs, "b", &g, &frontier), 0);
    assert_int_equal(blob_grow_append(g, "xyz", 3), 0);
    assert_int_equal(blob_grow_sync(g, NULL), 0);
    blob_grow_close(&g);
    assert_int_equal(blob_grow_open(f->blobs, "b", &g, &frontier), 0);
    assert_int_equal(blob_grow_sum(g), 0);
    assert_int_equal(blob_grow_seal(&g, NULL), 0);
    assert_int_equal(blob_told(f->blobs, "b", &told), 0);
    sum_is(&told, "xyz");
}

struct keeping {
    struct blob_grow *grow;
    uint64_t upto, frontier;
    int r;
};

static void *keep_and_sum(void *arg)
{
    struct keeping *k = arg;

    k->r = blob_grow_keep(k->grow, k->upto, &k->frontier);
    if (k->r == 0)
        k->r = blob_grow_sum(k->grow);
    return NULL;
}

static void append_five(struct blob_grow *g, unsigned round, struct sha256 *sum)
{
    static char piece[100000];

    for (unsigned i = 0; i < 5; i++) {
        memset(piece, (int)(round * 5 + i), sizeof(piece));
        assert_int_equal(blob_grow_append(g, piece, sizeof(piece)), 0);
        if (sum)
            sha256_update(sum, piece, sizeof(piece));
    }
}

static void what_is_appended_while_it_is_kept_is_promised_later(void **state)
{
    struct fixture *f = *state;
    uint8_t want[SHA256_SIZE], got[SHA256_SIZE];
    struct keeping k = { 0 };
    struct blob_told told;
    struct sha256 sum;
    uint64_t frontier;
    char there;
    size_t n;

    sha256_init(&sum);
    assert_int_equal(blob_grow_open(f->blobs, "a", &k.grow, &frontier), 0);
    for (unsigned round = 0; round < 20; round++) {
        pthread_t thread;

        k.upto = round * UINT64_C(500000);
        assert_int_equal(pthread_create(&thread, NULL, keep_and_sum, &k), 0);
        append_five(k.grow, round, &sum);
        pthread_join(thread, NULL);
        assert_int_equal(k.r, 0);
        assert_int_equal(k.frontier, k.upto);
        assert_int_equal(blob_read(f->blobs, "a", k.frontier, &there, 1, &n), ERR_WAIT);
    }
    blob_grow_close(&k.grow); /* what came after the last keep is gone */
    assert_int_equal(blob_grow_open(f->blobs, "a", &k.grow, &frontier), 0);
    assert_int_equal(frontier, k.upto);
    append_five(k.grow, 19, NULL);
    assert_int_equal(blob_grow_sync(k.grow, NULL), 0);
    assert_int_equal(blob_grow_sum(k.grow), 0);
    assert_int_equal(blob_grow_seal(&k.grow, NULL), 0);
    assert_int_equal(blob_told(f->blobs, "a", &told), 0);
    sha256_final(&sum, want);
    sha256_final(&told.sum, got);
    assert_memory_equal(got, want, sizeof(want));
}

/* What a torn write of the frontier leaves: either of its slots is junk. */
static void a_torn_frontier_costs_no_promised_byte(void **state)
{
    struct fixture *f = *state;
    struct blob_grow *g;
    uint64_t frontier;
    char path[PATH_MAX + 16], slots[2][512];
    int fd;

    snprintf(path, sizeof(path), "%s/.f.a", f->dir);
    assert_int_equal(blob_grow_open(f->blobs, "a", &g, &frontier), 0);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(blob_grow_append(g, "x", 1), 0);
        assert_int_equal(blob_grow_sync(g, &frontier), 0);
    }
    fd = open(path, O_RDWR);
    memset(slots, 0, sizeof(slots));
    assert_true(pread(fd, slots, sizeof(slots), 0) > 512);
    assert_int_equal(blob_grow_append(g, "x", 1), 0);
    assert_int_equal(blob_grow_sync(g, &frontier), 0);
    blob_grow_close(&g);
    for (int slot = 0; slot < 2; slot++) { /* the write of 4 that tore over the slot it was for */
        char now[512] = { 0 };

        assert_true(pread(fd, now, sizeof(now), slot * 512) > 0);
        if (memcmp(now, slots[slot], sizeof(now)) != 0)
            assert_int_equal(pwrite(fd, "torn", 4, slot * 512 + 5), 4);
    }
    close(fd);
    assert_int_equal(blob_grow_open(f->blobs, "a", &g, &frontier), 0);
    assert_int_equal(frontier, 3);
    blob_grow_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_blobs(a_growing_object_is_readable_up_to_its_frontier),
        with_blobs(growing_goes_on_at_the_frontier_after_a_crash),
        with_blobs(one_writer_at_a_time_grows_an_object),
        with_blobs(what_has_grown_tells_what_it_should_hold),
        with_blobs(a_sum_that_was_not_written_down_is_made_from_the_start),
        with_blobs(what_is_appended_while_it_is_kept_is_promised_later),
        with_blobs(a_torn_frontier_costs_no_promised_byte),
    };

    return cmocka_run_group_tests_name("blobs_grow", tests, NULL, NULL);
}

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/transcode/source.h"
#include "gen/errors.h"

#define HEAD "raw/v/head"
#define TAIL "raw/v/tail"

struct fixture {
    char folder[64];
    struct blobs *blobs;
    char buf[64];
    size_t got;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char uri[80];

    strcpy(f->folder, "/tmp/kinobus-source-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(uri, sizeof(uri), "file:%s", f->folder);
    *state = f;
    return blobs_open(uri, &f->blobs);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[96];

    blobs_close(&f->blobs);
    snprintf(command, sizeof(command), "rm -rf %s", f->folder);
    free(f);
    return system(command);
}

static int read_at(struct fixture *f, const struct source *s, uint64_t offset, size_t len)
{
    f->got = 0;
    memset(f->buf, 0, sizeof(f->buf));
    return source_read(s, offset, f->buf, len, &f->got);
}

static void a_part_may_begin_within_its_object(void **state)
{
    struct fixture *f = *state;
    struct source_part parts[] = { { 0, 2, HEAD, false, 1 }, { 2, 3, HEAD, false, 2 } };
    struct source s = { f->blobs, parts, 2, 5, true };

    blob_put(f->blobs, HEAD, bytes_of_text("abcde"), NULL);
    assert_int_equal(read_at(f, &s, 0, 9), 0);
    assert_string_equal(f->buf, "bc");
    assert_int_equal(read_at(f, &s, 3, 9), 0);
    assert_string_equal(f->buf, "de");
    assert_int_equal(read_at(f, &s, 5, 9), ERR_EOF);
}

static void parts_are_read_as_one_file(void **state)
{
    struct fixture *f = *state;
    struct source_part parts[] = { { 0, 5, HEAD, false }, { 5, 6, TAIL, false } };
    struct source s = { f->blobs, parts, 2, 11, true };

    assert_int_equal(blob_put_new(f->blobs, HEAD, bytes_of("hello", 5), NULL), 0);
    assert_int_equal(blob_put_new(f->blobs, TAIL, bytes_of(" world", 6), NULL), 0);
    assert_int_equal(read_at(f, &s, 3, 40), 0);
    assert_string_equal(f->buf, "lo");
    assert_int_equal(read_at(f, &s, 5, 40), 0);
    assert_string_equal(f->buf, " world");
    assert_int_equal(read_at(f, &s, 11, 1), ERR_EOF);
    assert_int_equal(read_at(f, &s, UINT64_MAX, 1), ERR_EOF);
}

static void a_gap_between_parts_waits(void **state)
{
    struct fixture *f = *state;
    struct source_part parts[] = { { 0, 5, HEAD, false }, { 100, 6, TAIL, false } };
    struct source s = { f->blobs, parts, 2, 106, false };

    assert_int_equal(read_at(f, &s, 4, 40), 0);
    assert_int_equal(f->got, 1);
    assert_int_equal(read_at(f, &s, 5, 40), ERR_WAIT);
    assert_int_equal(read_at(f, &s, 99, 40), ERR_WAIT);
    assert_int_equal(read_at(f, &s, 100, 40), 0);
    assert_int_equal(read_at(f, &s, 106, 40), ERR_EOF);
}

static void before_the_first_part_waits(void **state)
{
    struct fixture *f = *state;
    struct source_part parts[] = { { 100, 6, TAIL, false } };
    struct source s = { f->blobs, parts, 1, 106, false };

    assert_int_equal(read_at(f, &s, 0, 40), ERR_WAIT);
}

static void a_growing_part_is_read_to_its_frontier(void **state)
{
    struct fixture *f = *state;
    struct source_part part = { 0, 0, "raw/v/grow", true };
    struct source s = { f->blobs, &part, 1, 0, false };
    struct blob_grow *grow = NULL;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "raw/v/grow", &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, "abcdef", 6), 0);
    assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    assert_int_equal(read_at(f, &s, 4, 40), 0);
    assert_string_equal(f->buf, "ef");
    assert_int_equal(read_at(f, &s, 6, 40), ERR_WAIT);
    blob_grow_close(&grow);
}

static void a_growing_part_ends_where_the_next_begins(void **state)
{
    struct fixture *f = *state;
    struct source_part parts[] = { { 0, 0, "raw/v/long", true }, { 3, 6, TAIL, false } };
    struct source s = { f->blobs, parts, 2, 9, false };
    struct blob_grow *grow = NULL;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(f->blobs, "raw/v/long", &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, "abcdef", 6), 0);
    assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    assert_int_equal(read_at(f, &s, 1, 40), 0);
    assert_string_equal(f->buf, "bc");
    blob_grow_close(&grow);
}

static void a_deleted_object_is_told_from_one_that_is_to_come(void **state)
{
    struct fixture *f = *state;
    struct source_part part = { 0, 5, "raw/v/never", false };
    struct source s = { f->blobs, &part, 1, 5, true };

    assert_int_equal(read_at(f, &s, 0, 40), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_read_as_one_file),
        cmocka_unit_test(a_part_may_begin_within_its_object),
        cmocka_unit_test(a_gap_between_parts_waits),
        cmocka_unit_test(before_the_first_part_waits),
        cmocka_unit_test(a_growing_part_is_read_to_its_frontier),
        cmocka_unit_test(a_growing_part_ends_where_the_next_begins),
        cmocka_unit_test(a_deleted_object_is_told_from_one_that_is_to_come),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

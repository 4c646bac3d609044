/* The shelf: what is fresh is taken from it, and it never grows past its bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/front/shelf.h"

static struct bytes text(const char *t)
{
    return bytes_of_text(t);
}

static bool has(struct shelf *shelf, const char *name, int64_t now, const char *wanted)
{
    struct shelf_text *got = shelf_take(shelf, name, now);
    bool same = got && got->plain.len == strlen(wanted) && memcmp(got->plain.data, wanted, got->plain.len) == 0;

    if (got)
        shelf_give_back(shelf, &got);
    return same;
}

static void what_was_put_is_there_for_a_moment(void **state)
{
    struct shelf *shelf = shelf_new(1 << 20);
    struct shelf_text *put = shelf_put(shelf, "a", text("playlist"), 7, 1000);

    assert_int_equal(put->modified, 7);
    assert_true(has(shelf, "a", 1000, "playlist"));
    assert_false(has(shelf, "b", 1000, "playlist"));
    assert_true(has(shelf, "a", 1000 + SHELF_FRESH_MS - 1, "playlist"));
    assert_false(has(shelf, "a", 1000 + SHELF_FRESH_MS, "playlist"));
    shelf_give_back(shelf, &put);
    assert_null(put);
    shelf_free(&shelf);
}

static void who_holds_a_text_keeps_it_when_another_takes_its_place(void **state)
{
    struct shelf *shelf = shelf_new(1 << 20);
    struct shelf_text *first = shelf_put(shelf, "a", text("first"), 0, 0), *second;

    second = shelf_put(shelf, "a", text("second"), 0, 0);
    assert_memory_equal(first->plain.data, "first", 5);
    assert_true(has(shelf, "a", 0, "second"));
    shelf_give_back(shelf, &first);
    shelf_give_back(shelf, &second);
    shelf_free(&shelf);
}

static void texts_are_compressed_once(void **state)
{
    char same[2000];
    struct shelf *shelf = shelf_new(1 << 20);
    struct shelf_text *put;

    memset(same, 'x', sizeof(same));
    put = shelf_put(shelf, "a", bytes_of(same, sizeof(same)), 0, 0);
    assert_true(put->packed.len > 0 && put->packed.len < 200);
    assert_memory_equal(put->packed.data, "\x1f\x8b", 2);
    shelf_give_back(shelf, &put);
    put = shelf_put(shelf, "b", text(""), 0, 0);
    assert_int_equal(put->packed.len, 0);
    shelf_give_back(shelf, &put);
    shelf_free(&shelf);
}

static void it_never_holds_more_than_it_may(void **state)
{
    struct shelf *shelf = shelf_new(20000);
    char name[16], data[1000];
    unsigned there = 0;

    for (unsigned i = 0; i < 500; i++) {
        struct shelf_text *put;

        for (size_t b = 0; b < sizeof(data); b++)
            data[b] = (char)((i * 31 + b * b * 7 + b) % 251);
        snprintf(name, sizeof(name), "%u", i);
        put = shelf_put(shelf, name, bytes_of(data, sizeof(data)), 0, 0);
        shelf_give_back(shelf, &put);
    }
    for (unsigned i = 0; i < 500; i++) {
        struct shelf_text *got;

        snprintf(name, sizeof(name), "%u", i);
        got = shelf_take(shelf, name, 0);
        there += got != NULL;
        if (got)
            shelf_give_back(shelf, &got);
    }
    assert_in_range(there, 5, 20);
    shelf_free(&shelf);
    shelf = shelf_new(0); /* none is kept, and all is served */
    struct shelf_text *put = shelf_put(shelf, "a", text("x"), 0, 0);
    assert_false(has(shelf, "a", 0, "x"));
    shelf_give_back(shelf, &put);
    shelf_free(&shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_there_for_a_moment),
        cmocka_unit_test(who_holds_a_text_keeps_it_when_another_takes_its_place),
        cmocka_unit_test(texts_are_compressed_once),
        cmocka_unit_test(it_never_holds_more_than_it_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

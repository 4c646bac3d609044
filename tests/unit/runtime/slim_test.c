/* What starting alone needed is given back, and what is needed again is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "actors/runtime/ready/slim.h"

enum { SIZE = 1 << 20, PAGE = 4096 };

static const char table[SIZE] = { [5] = 7, [SIZE - 1] = 9 };

/* KiB that are there of what the table is mapped with. */
static unsigned long there(void)
{
    unsigned long kib = 0, from, to;
    bool found = false;
    char line[512];
    FILE *f = fopen("/proc/self/smaps", "r");

    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            found = from <= (uintptr_t)table && (uintptr_t)table < to;
        else if (found && sscanf(line, "Rss: %lu", &kib) == 1)
            break;
    }
    fclose(f);
    return kib;
}

static void what_is_read_alone_is_given_back_and_comes_again(void **state)
{
    volatile const char *at = table;
    unsigned sum = 0;

    for (size_t i = 0; i < SIZE; i += PAGE)
        sum += (unsigned)at[i];
    assert_int_equal(sum, 0);
    assert_true(there() >= SIZE / 1024);
    slim_down();
    assert_true(there() < SIZE / 1024 / 2);
    assert_int_equal(at[5], 7);
    assert_int_equal(at[SIZE - 1], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_read_alone_is_given_back_and_comes_again) };

    return cmocka_run_group_tests_name("runtime_slim", tests, NULL, NULL);
}

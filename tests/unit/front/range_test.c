/* Byte ranges, joined and bounded; what cannot be read is ignored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "web/front/http/range.h"

static char text[1024];

/* "whole", "outside", or the ranges as "0-1,5-9". */
static const char *ask(const char *header, uint64_t size)
{
    struct range set[RANGE_MAX];
    size_t n, len = 0;
    enum range_kind kind = range_parse(header, size, set, &n);

    if (kind != RANGE_PARTS)
        return kind == RANGE_WHOLE ? "whole" : "outside";
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%llu-%llu", i ? "," : "",
                                (unsigned long long)set[i].from, (unsigned long long)set[i].to);
    return text;
}

static void one_range_is_cut_to_the_object(void **state)
{
    assert_string_equal(ask("bytes=0-2000", 1000), "0-999");
    assert_string_equal(ask("bytes=0-0", 1000), "0-0");
    assert_string_equal(ask("bytes=999-", 1000), "999-999");
    assert_string_equal(ask("bytes=-1", 1000), "999-999");
    assert_string_equal(ask("bytes=-5000", 1000), "0-999");
    assert_string_equal(ask("Bytes= 5-9 ", 1000), "5-9");
    assert_string_equal(ask("bytes=5-99999999999999999999999", 1000), "5-999");
}

static void past_the_end_is_outside(void **state)
{
    assert_string_equal(ask("bytes=1000-", 1000), "outside");
    assert_string_equal(ask("bytes=5000-6000,7000-", 1000), "outside");
    assert_string_equal(ask("bytes=-0", 1000), "outside");
    assert_string_equal(ask("bytes=0-", 0), "outside");
    assert_string_equal(ask("bytes=-1", 0), "outside");
    assert_string_equal(ask("bytes=99999999999999999999999-", 1000), "outside");
}

static void several_ranges_come_in_order_and_joined(void **state)
{
    assert_string_equal(ask("bytes=10-19,0-4", 1000), "0-4,10-19");
    assert_string_equal(ask("bytes=0-9,10-19", 1000), "0-19");
    assert_string_equal(ask("bytes=0-9, 5-14 ,2000-", 1000), "0-14");
    assert_string_equal(ask("bytes=0-1,4-5,8-9,1-8", 1000), "0-9");
    assert_string_equal(ask("bytes=0-1,,4-5", 1000), "0-1,4-5");
}

static void what_is_no_byte_range_is_ignored(void **state)
{
    static const char *const headers[] = { "bytes",      "bytes=",     "bytes=-",       "bytes=a-b", "bytes=5-2",
                                           "bytes=0-1x", "items=0-1",  "bytes=0-1;2-3", "bytes=--1", "bytes=1",
                                           "bytes=,",    "bytes=+1-2", "bytes=0 -1" };

    assert_string_equal(ask(NULL, 1000), "whole");
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
        if (strcmp(ask(headers[i], 1000), "whole") != 0)
            fail_msg("not ignored: %s", headers[i]);
}

static void many_small_ranges_are_answered_whole(void **state)
{
    char header[1024] = "bytes=0-0";

    for (int i = 1; i < RANGE_MAX; i++)
        sprintf(header + strlen(header), ",%d-%d", i * 2, i * 2);
    assert_int_equal(ask(header, 1000)[0], '0');
    strcat(header, ",100-100");
    assert_string_equal(ask(header, 1000), "whole");
    strcpy(strrchr(header, ','), ",1-1"); /* joins two that are there */
    assert_int_equal(ask(header, 1000)[0], '0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_cut_to_the_object),
        cmocka_unit_test(past_the_end_is_outside),
        cmocka_unit_test(several_ranges_come_in_order_and_joined),
        cmocka_unit_test(what_is_no_byte_range_is_ignored),
        cmocka_unit_test(many_small_ranges_are_answered_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

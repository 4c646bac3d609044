/* Ids, times, arenas and buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "gen/errors.h"
#include "schemas/wire/time.h"
#include "schemas/wire/wire.h"

static void an_id_keeps_its_time_version_and_order(void **state)
{
    uint8_t low[10] = { 0 }, high[10];
    struct id first, second, third;

    memset(high, 0xff, sizeof(high));
    first = id_make(1700000000000, low);
    second = id_make(1700000000000, high);
    third = id_make(1700000000001, low);
    assert_int_equal(id_time(first), 1700000000000);
    assert_int_equal(first.b[6] >> 4, 7);
    assert_int_equal(second.b[6] >> 4, 7);
    assert_int_equal(second.b[8] >> 6, 2);
    assert_true(id_compare(first, second) < 0 && id_compare(second, third) < 0);
    assert_false(id_is_zero(first));
}

static void an_id_is_written_as_the_specification_of_typeid_says(void **state)
{
    /* the example of the TypeID specification */
    const struct id id = { { 0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b, 0xbc, 0xce, 0xb3, 0x02, 0x09, 0x9a,
                             0x80, 0x57 } };
    struct id max, back;
    char text[ID_TEXT_SIZE];

    assert_string_equal(id_format("prefix", id, text), "prefix_01h455vb4pex5vsknk084sn02q");
    assert_int_equal(id_parse("prefix", text, &back), 0);
    assert_true(id_equal(id, back));
    memset(&max, 0xff, sizeof(max));
    assert_string_equal(id_format(NULL, max, text), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
    assert_int_equal(id_parse("", text, &back), 0);
    assert_true(id_equal(max, back));
    assert_string_equal(id_format("", ID_NONE, text), "00000000000000000000000000");
}

static void what_is_not_an_id_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "video",
        "video_",
        "video_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "video_01h455vb4pex5vsknk084sn02",
        "audio_01h455vb4pex5vsknk084sn02q",
        "video_01h455vb4pex5vsknk084sn02qq",
        "video_01H455vb4pex5vsknk084sn02q",
        "video_01h455vb4pex5vsknk084sn0lq",
        "video-01h455vb4pex5vsknk084sn02q",
        " video_01h455vb4pex5vsknk084sn02q",
    };
    struct id id;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(id_parse("video", wrong[i], &id), ERR_INVALID);
}

static void times_are_written_and_read_as_rfc_3339(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *again; /* NULL: the same */
    } times[] = {
        { "1970-01-01T00:00:00Z", 0, NULL },
        { "2026-11-21T05:10:00.123Z", 1795237800123, NULL },
        { "2026-11-21T05:10:00.123456789Z", 1795237800123, "2026-11-21T05:10:00.123Z" },
        { "2026-11-21 07:40:00.5+02:30", 1795237800500, "2026-11-21T05:10:00.500Z" },
        { "2026-11-21t05:10:00z", 1795237800000, "2026-11-21T05:10:00Z" },
        { "2024-02-29T23:59:60Z", 1709251199999, "2024-02-29T23:59:59.999Z" },
        { "9999-12-31T23:59:59.999Z", TIME_MAX, NULL },
    };
    char text[TIME_TEXT_SIZE];
    int64_t ms;

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        assert_int_equal(time_parse(times[i].text, &ms), 0);
        assert_true(ms == times[i].ms);
        assert_string_equal(time_format(ms, text), times[i].again ? times[i].again : times[i].text);
    }
}

static void what_is_not_a_time_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T05:10Z",
        "2026-11-21T05:10:00",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T05:60:00Z",
        "2026-11-21T05:10:61Z",
        "2026-11-21T05:10:00.Z",
        "2026-11-21T05:10:00+2:00",
        "2026-11-21T05:10:00+02:00x",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "+026-11-21T05:10:00Z",
    };
    int64_t ms;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(time_parse(wrong[i], &ms), ERR_INVALID);
}

static void utf8_is_what_unicode_says_it_is(void **state)
{
    static const char *const good[] = { "",
                                        "a",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
                                       "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                       "\xc2",         "\xe1\x80",         "\xf1\x80\x80",     "a\xffz" };
    size_t chars;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(wire_utf8(good[i], strlen(good[i]), NULL));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(wire_utf8(bad[i], strlen(bad[i]), NULL));
    assert_false(wire_utf8("a\0b", 3, NULL));
    assert_true(wire_utf8("aøж🚌", 9, &chars));
    assert_int_equal(chars, 4);
}

static void an_arena_gives_aligned_zeroed_memory_of_any_size(void **state)
{
    struct arena *arena = arena_new();

    for (size_t round = 0; round < 3; round++) {
        for (size_t size = 0; size < 70000; size = size * 2 + 1) {
            unsigned char *given = arena_alloc(arena, size);

            assert_int_equal((uintptr_t)given % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < size; i++)
                assert_int_equal(given[i], 0);
            memset(given, 0xaa, size);
        }
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    assert_string_equal(arena_printf(arena, "%d %s", 7, "x"), "7 x");
    assert_null(arena_strdup(arena, NULL));
    arena_free(&arena);
    assert_null(arena);
}

static void a_buffer_grows_and_writes_big_endian(void **state)
{
    struct buf buf = { 0 };

    buf_put_u16(&buf, 0x0102);
    buf_put_u32(&buf, 0x03040506);
    buf_put_u64(&buf, 0x0708090a0b0c0d0e);
    for (size_t i = 0; i < buf.len; i++)
        assert_int_equal(buf.data[i], i + 1);
    buf_reset(&buf);
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i % 10);
    assert_int_equal(buf.len, 2000);
    assert_int_equal(strlen(buf_text(&buf)), 2000);
    buf_free(&buf);
    assert_null(buf.data);
}

static void errors_travel_over_the_bus_and_come_back_the_same(void **state)
{
    for (int code = 1; code < 200; code++) {
        int err = err_from_code((uint64_t)code);

        if (err == ERR_INTERNAL && code != -ERR_INTERNAL)
            continue;
        assert_int_equal(err_from_bus(err_to_bus(err)), err);
        assert_int_equal(err_from_slug(err_slug(err)), err);
        assert_true(err_http(err) >= 400 && *err_title(err));
    }
    assert_int_equal(err_from_bus(200), 0);
    assert_int_equal(err_from_bus(9999), ERR_INTERNAL);
    assert_int_equal(err_to_bus(0), 200);
    assert_string_equal(err_name(ERR_BUSY), "ERR_BUSY");
    assert_true(err_retryable(ERR_BUSY) && !err_retryable(ERR_FORBIDDEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_keeps_its_time_version_and_order),
        cmocka_unit_test(an_id_is_written_as_the_specification_of_typeid_says),
        cmocka_unit_test(what_is_not_an_id_is_refused),
        cmocka_unit_test(times_are_written_and_read_as_rfc_3339),
        cmocka_unit_test(what_is_not_a_time_is_refused),
        cmocka_unit_test(utf8_is_what_unicode_says_it_is),
        cmocka_unit_test(an_arena_gives_aligned_zeroed_memory_of_any_size),
        cmocka_unit_test(a_buffer_grows_and_writes_big_endian),
        cmocka_unit_test(errors_travel_over_the_bus_and_come_back_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

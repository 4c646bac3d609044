/* Structs to msgpack and back, with the generated C of tests/schema/samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen/errors.h"
#include "gen/library.h"
#include "schemas/wire/time.h"

static const struct id item_id = { { 1, 2, 3, 4, 5, 6, 0x70, 8, 0x80, 10, 11, 12, 13, 14, 15, 16 } };
static const struct id shelf_id = { { 9, 9, 9 } };

struct fixture {
    struct arena *arena;
    struct buf buf;
    struct wire_error err;
};

static int begin(void **state)
{
    static struct fixture f;

    f = (struct fixture) { .arena = arena_new() };
    *state = &f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;

    arena_free(&f->arena);
    buf_free(&f->buf);
    return 0;
}

/* The bytes of a text of hexadecimal digits. */
static struct bytes hex(struct fixture *f, const char *text)
{
    size_t len = strlen(text) / 2;
    uint8_t *to = arena_alloc(f->arena, len);
    unsigned byte;

    for (size_t i = 0; i < len; i++) {
        assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
        to[i] = (uint8_t)byte;
    }
    return bytes_of(to, len);
}

static struct item whole_item(void)
{
    static const char *tags[] = { "a", "ø" };
    static struct author authors[] = { { .name = "Ada" }, { .name = "Bo", .born = 1, .has_born = true } };
    static struct id parts[] = { { { 5 } } };

    return (struct item) { .id = item_id,
                           .rev = 7,
                           .title = "Atlas",
                           .kind = KIND_MAP,
                           .pages = 300,
                           .price = 2.5,
                           .shift = -3,
                           .has_shift = true,
                           .tags = tags,
                           .tags_n = 2,
                           .authors = authors,
                           .authors_n = 2,
                           .cover = bytes_of("\0\1\2", 3),
                           .lent = true,
                           .added = 1234567890123,
                           .box = { 3, 4 },
                           .has_spare = true,
                           .spare = { 0, 7 },
                           .note = "torn",
                           .shelf_id = shelf_id,
                           .parts = parts,
                           .parts_n = 1,
                           .has_parts = true };
}

static void what_is_packed_comes_back(void **state)
{
    struct fixture *f = *state;
    struct item in = whole_item(), out;

    assert_int_equal(item_pack(&in, &f->buf), 0);
    assert_int_equal(item_unpack(buf_bytes(&f->buf), f->arena, &out, &f->err), 0);
    assert_true(id_equal(out.id, item_id) && id_equal(out.shelf_id, shelf_id) &&
                id_equal(out.parts[0], in.parts[0]));
    assert_int_equal(out.rev, 7);
    assert_string_equal(out.title, "Atlas");
    assert_int_equal(out.kind, KIND_MAP);
    assert_int_equal(out.pages, 300);
    assert_true(out.price == 2.5 && out.lent && out.has_shift && out.has_spare && out.has_parts);
    assert_int_equal(out.shift, -3);
    assert_int_equal(out.tags_n, 2);
    assert_string_equal(out.tags[1], "ø");
    assert_int_equal(out.authors_n, 2);
    assert_false(out.authors[0].has_born);
    assert_true(out.authors[1].has_born);
    assert_true(bytes_equal(out.cover, in.cover));
    assert_int_equal(out.added, 1234567890123);
    assert_int_equal(out.box.height, 4);
    assert_int_equal(out.spare.height, 7);
    assert_string_equal(out.note, "torn");
}

static void what_is_absent_takes_no_room_and_reads_as_its_default(void **state)
{
    struct fixture *f = *state;
    struct item in = { .id = item_id, .title = "t" }, out;

    wire_init(&item_type, &in);
    assert_int_equal(item_pack(&in, &f->buf), 0);
    /* id, title, and the two defaults that zero would not say */
    assert_memory_equal(f->buf.data,
                        hex(f, "8401c41001020304050670088"
                               "00a0b0c0d0e0f10"
                               "03a17404010514")
                            .data,
                        f->buf.len);
    assert_int_equal(item_unpack(hex(f, "8201c41001020304050670088"
                                        "00a0b0c0d0e0f10"
                                        "03a174"),
                                 f->arena, &out, &f->err),
                     0);
    assert_int_equal(out.kind, KIND_BOOK);
    assert_int_equal(out.pages, 20);
    assert_int_equal(out.box.height, 7);
    assert_null(out.note);
    assert_false(out.has_shift || out.has_spare || out.has_parts);
}

static void an_optional_list_may_be_there_and_empty(void **state)
{
    struct fixture *f = *state;
    struct item in = { .id = item_id, .title = "t", .pages = 1, .kind = KIND_BOOK, .has_parts = true }, out;

    assert_int_equal(item_pack(&in, &f->buf), 0);
    assert_int_equal(item_unpack(buf_bytes(&f->buf), f->arena, &out, &f->err), 0);
    assert_true(out.has_parts);
    assert_int_equal(out.parts_n, 0);
}

static void fields_that_are_not_known_are_skipped(void **state)
{
    struct fixture *f = *state;
    struct loan loan;

    /* 1: id, 2: since 5, 7: a nested map and list, 300: text */
    assert_int_equal(loan_unpack(hex(f, "8401c410010203040506700880"
                                        "0a0b0c0d0e0f10"
                                        "0205"
                                        "0781a1789301c302"
                                        "cd012ca161"),
                                 f->arena, &loan, &f->err),
                     0);
    assert_int_equal(loan.since, 5);
    assert_null(loan.reader);
}

/* Packs the item without asking whether it may be, by validating nothing: through its own bounds it would not pass. */
static void refused(struct fixture *f, struct item item, const char *path, const char *sentence)
{
    f->buf.len = 0;
    assert_int_equal(wire_pack_err(&item_type, &item, &f->buf, &f->err), ERR_INVALID);
    assert_int_equal(f->buf.len, 0);
    assert_string_equal(f->err.path, path);
    assert_string_equal(f->err.sentence, sentence);
}

static void every_bound_is_kept_and_named_with_its_path(void **state)
{
    struct fixture *f = *state;
    const char *four[] = { "a", "b", "c", "d" }, *longs[] = { "ok", "fünf5" }, *empty[] = { "" };
    struct author nameless[] = { { .name = "Ada" }, { 0 } },
                  unborn[] = { { .name = "A", .born = -1, .has_born = true } };
    struct item item = whole_item();

#define WITH(...)             \
    ({                        \
        struct item x = item; \
        x.__VA_ARGS__;        \
        x;                    \
    })
    refused(f, WITH(id = ID_NONE), "id", "is required");
    refused(f, WITH(title = NULL), "title", "is required");
    refused(f, WITH(title = ""), "title", "must be at least 1 character");
    refused(f, WITH(title = "12345678901"), "title", "must be at most 10 characters");
    refused(f, WITH(title = "\xff"), "title", "must be UTF-8");
    refused(f, WITH(kind = 9), "kind", "must be one of book, map");
    refused(f, WITH(pages = 0), "pages", "must be at least 1");
    refused(f, WITH(pages = 5001), "pages", "must be at most 5000");
    refused(f, WITH(price = -0.5), "price", "must be at least 0");
    refused(f, WITH(price = 1000.5), "price", "must be at most 1000");
    refused(f, WITH(price = __builtin_nan("")), "price", "must be a finite number");
    refused(f, WITH(shift = -6), "shift", "must be at least -5");
    refused(f, WITH(shift = 6), "shift", "must be at most 5");
    refused(f, WITH(tags = four, x.tags_n = 4), "tags", "must have at most 3 items");
    refused(f, WITH(tags = longs, x.tags_n = 2), "tags[1]", "must be at most 4 characters");
    refused(f, WITH(tags = empty, x.tags_n = 1), "tags[0]", "must be at least 1 character");
    refused(f, WITH(authors = nameless), "authors[1].name", "is required");
    refused(f, WITH(authors = unborn, x.authors_n = 1), "authors[0].born",
            "must be a moment between 1970 and 9999");
    refused(f, WITH(cover = bytes_of("1", 1)), "cover", "must be at least 2 bytes");
    refused(f, WITH(cover = bytes_of("123456789", 9)), "cover", "must be at most 8 bytes");
    refused(f, WITH(added = TIME_MAX + 1), "added", "must be a moment between 1970 and 9999");
    refused(f, WITH(box.width = 101), "box.width", "must be at most 100");
    refused(f, WITH(note = "1234567890123456789012345678901"), "note", "must be at most 30 characters");
#undef WITH
}

static void a_length_counts_characters_not_bytes(void **state)
{
    struct fixture *f = *state;
    struct item item = whole_item();

    item.title = "Привет мир"; /* 10 characters, 19 bytes */
    assert_int_equal(item_pack(&item, &f->buf), 0);
}

static void bytes_are(struct fixture *f, const char *what, int err, const char *path, const char *sentence)
{
    struct item item;

    assert_int_equal(item_unpack(hex(f, what), f->arena, &item, &f->err), err);
    assert_string_equal(f->err.path, path);
    assert_string_equal(f->err.sentence, sentence);
}

static void what_comes_from_outside_is_refused_before_it_costs_anything(void **state)
{
    struct fixture *f = *state;

    bytes_are(f, "", ERR_MALFORMED, "", "is empty");
    bytes_are(f, "c1", ERR_MALFORMED, "", "is not msgpack, or was cut short");
    bytes_are(f, "c70101aa", ERR_MALFORMED, "", "is not msgpack, or was cut short"); /* an extension */
    bytes_are(f, "dfffffffff", ERR_MALFORMED, "", "claims more than it holds");      /* 4 billion members */
    bytes_are(f, "ddffffffff", ERR_MALFORMED, "", "claims more than it holds");
    bytes_are(f, "81", ERR_MALFORMED, "", "claims more than it holds");
    bytes_are(f, "8103a5616263", ERR_MALFORMED, "", "claims more than it holds"); /* 5 characters, 3 there */
    bytes_are(f, "8103dbffffffff", ERR_MALFORMED, "", "claims more than it holds");
    bytes_are(f, "8103cd01", ERR_MALFORMED, "", "claims more than it holds");
    bytes_are(f, "8103d9", ERR_MALFORMED, "", "is not msgpack, or was cut short");
    bytes_are(f, "8000", ERR_MALFORMED, "", "has bytes behind its end");
    bytes_are(f, "8103a1ff", ERR_MALFORMED, "", "holds a text that is not UTF-8, or has a NUL");
    bytes_are(f, "8103a100", ERR_MALFORMED, "", "holds a text that is not UTF-8, or has a NUL");
    bytes_are(f, "81a16101", ERR_MALFORMED, "", "has a field without a number");
    bytes_are(f, "8203a17403a174", ERR_MALFORMED, "", "has field 3 twice");
    bytes_are(f, "8150919191919191919101", ERR_MALFORMED, "", "is nested deeper than 8 levels");
    bytes_are(f, "80", ERR_INVALID, "id", "is required");
    bytes_are(f, "90", ERR_INVALID, "", "must be a struct");
    bytes_are(f, "8101c403aabbcc", ERR_INVALID, "id", "must be an id of 16 bytes");
    bytes_are(f, "810303", ERR_INVALID, "title", "must be a text");
    bytes_are(f, "810409", ERR_INVALID, "kind", "has no name for 9 in kind");
    bytes_are(f, "8105ff", ERR_INVALID, "pages", "must be a whole number, not negative");
    bytes_are(f, "8107cfffffffffffffffff", ERR_INVALID, "shift", "must be a whole number of 64 bits");
    bytes_are(f, "810a01", ERR_INVALID, "cover", "must be bytes");
    bytes_are(f, "810b01", ERR_INVALID, "lent", "must be true or false");
    bytes_are(f, "8106a131", ERR_INVALID, "price", "must be a number");
    bytes_are(f, "810801", ERR_INVALID, "tags", "must be a list");
    bytes_are(f, "81089401020304", ERR_INVALID, "tags", "must have at most 3 items");
    bytes_are(f, "81089201a0", ERR_INVALID, "tags[0]", "must be a text");
    bytes_are(f,
              "81099181"
              "01c0",
              ERR_INVALID, "authors[0].name", "must be a text");
    bytes_are(f, "8109918101a0", ERR_INVALID, "id", "is required");
    bytes_are(f, "810d91", ERR_MALFORMED, "", "claims more than it holds");
    bytes_are(f, "810d01", ERR_INVALID, "box", "must be a struct");
}

static void more_values_than_a_type_can_have_are_refused(void **state)
{
    struct fixture *f = *state;
    struct stock stock;
    uint8_t many[2100] = { 0x81, 0x09, 0xdc, 0x08, 0x00 }; /* an unknown field that is a list of 2048 numbers */

    assert_int_equal(stock_unpack(bytes_of(many, 5 + 2048), f->arena, &stock, &f->err), ERR_TOO_LARGE);
    many[3] = 0x03; /* 768 of them pass: a newer sender may say more than we know */
    assert_int_equal(stock_unpack(bytes_of(many, 5 + 768), f->arena, &stock, &f->err), 0);
}

static void every_cut_of_a_message_is_refused(void **state)
{
    struct fixture *f = *state;
    struct item in = whole_item(), out;
    uint8_t *cut;

    assert_int_equal(item_pack(&in, &f->buf), 0);
    for (size_t len = 0; len < f->buf.len; len++) {
        cut = malloc(len ? len : 1); /* its own block, so that a sanitizer sees a read past it */
        assert_non_null(cut);
        memcpy(cut, f->buf.data, len);
        assert_true(item_unpack(bytes_of(cut, len), f->arena, &out, &f->err) < 0);
        free(cut);
    }
}

static void every_flipped_bit_is_read_without_harm(void **state)
{
    struct fixture *f = *state;
    struct item in = whole_item(), out;
    uint8_t *flipped;

    assert_int_equal(item_pack(&in, &f->buf), 0);
    for (size_t bit = 0; bit < 8 * f->buf.len; bit++) {
        flipped = malloc(f->buf.len);
        assert_non_null(flipped);
        memcpy(flipped, f->buf.data, f->buf.len);
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (item_unpack(bytes_of(flipped, f->buf.len), f->arena, &out, &f->err) == 0)
            assert_int_equal(wire_validate(&item_type, &out, &f->err), 0);
        else
            assert_true(f->err.err < 0 && f->err.sentence[0]);
        free(flipped);
        arena_reset(f->arena);
    }
}

static void a_copy_owes_nothing_to_its_original(void **state)
{
    struct fixture *f = *state;
    struct arena *other = arena_new();
    struct item in = whole_item(), first, second;

    assert_int_equal(item_pack(&in, &f->buf), 0);
    assert_int_equal(item_unpack(buf_bytes(&f->buf), other, &first, &f->err), 0);
    wire_copy(&item_type, &first, f->arena, &second);
    arena_free(&other);
    assert_string_equal(second.title, "Atlas");
    assert_string_equal(second.tags[0], "a");
    assert_string_equal(second.authors[1].name, "Bo");
    assert_int_equal(second.parts_n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_is_packed_comes_back),
        T(what_is_absent_takes_no_room_and_reads_as_its_default),
        T(an_optional_list_may_be_there_and_empty),
        T(fields_that_are_not_known_are_skipped),
        T(every_bound_is_kept_and_named_with_its_path),
        T(a_length_counts_characters_not_bytes),
        T(what_comes_from_outside_is_refused_before_it_costs_anything),
        T(more_values_than_a_type_can_have_are_refused),
        T(every_cut_of_a_message_is_refused),
        T(every_flipped_bit_is_read_without_harm),
        T(a_copy_owes_nothing_to_its_original),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

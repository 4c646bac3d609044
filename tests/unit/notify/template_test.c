/* Templates: what is filled in stays what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "actors/notify/template.h"
#include "schemas/wire/wire.h"

static struct arena *arena;

static const char *fill(const char *text, const char *title, size_t most)
{
    return template_fill(arena, text, &(struct template_values) { .title = title, .link = "L" }, most);
}

static void names_are_replaced_by_values(void **state)
{
    assert_string_equal(fill("{title}: {link}{link}", "T", 100), "T: LL");
    assert_string_equal(fill("{reason}", "T", 100), "");
    assert_string_equal(fill("{other} {title", "T", 100), "{other} {title");
}

static void what_is_filled_in_is_not_read_again(void **state)
{
    assert_string_equal(fill("<{title}>", "{link}{title}", 100), "<{link}{title}>");
}

static void what_is_filled_in_stays_in_its_line(void **state)
{
    assert_string_equal(fill("a\n{title}\nb", "x\r\ny\tz\x7f", 100), "a\nx  y z \nb");
}

static void a_long_text_is_cut_between_characters(void **state)
{
    const char *cut = fill("{title}", "ääääääääää", 4);
    size_t chars;

    assert_string_equal(cut, "äää\u2026");
    assert_true(wire_utf8(cut, strlen(cut), &chars));
    assert_int_equal(chars, 4);
    assert_string_equal(fill("{title}", "abcd", 4), "abcd");
}

static int setup(void **state)
{
    arena = arena_new();
    return 0;
}

static int teardown(void **state)
{
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_replaced_by_values),
        cmocka_unit_test(what_is_filled_in_is_not_read_again),
        cmocka_unit_test(what_is_filled_in_stays_in_its_line),
        cmocka_unit_test(a_long_text_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

/* Listeners for server-sent events: who is told what, and what a slow one loses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gen/errors.h"
#include "web/front/hub.h"

static struct id person(uint8_t n)
{
    return (struct id) { { n } };
}

static int setup(void **state)
{
    *state = hub_new();
    return 0;
}

static int teardown(void **state)
{
    struct hub *hub = *state;

    hub_free(&hub);
    return 0;
}

static void tell(struct hub *hub, uint8_t who, const char *text)
{
    hub_publish(hub, person(who), bytes_of_text(text));
}

static void a_message_reaches_all_pages_of_one_person(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a, *b, *other;
    struct buf got = { 0 };

    assert_int_equal(hub_join(hub, person(1), &a), 0);
    assert_int_equal(hub_join(hub, person(1), &b), 0);
    assert_int_equal(hub_join(hub, person(2), &other), 0);
    tell(hub, 1, "one\n");
    tell(hub, 1, "two\n");
    assert_int_equal(hub_take(hub, a, 1000, &got), HUB_MESSAGE);
    assert_string_equal(buf_text(&got), "one\ntwo\n");
    assert_int_equal(hub_take(hub, b, 1000, &got), HUB_MESSAGE);
    assert_string_equal(buf_text(&got), "one\ntwo\n");
    assert_int_equal(hub_take(hub, other, 0, &got), HUB_QUIET);
    assert_int_equal(got.len, 0);
    assert_int_equal(hub_take(hub, a, 0, &got), HUB_QUIET);
    hub_leave(hub, &a);
    hub_leave(hub, &b);
    hub_leave(hub, &other);
    assert_int_equal(hub_count(hub), 0);
    buf_free(&got);
}

static void a_slow_page_loses_the_oldest_and_is_told(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };

    hub_join(hub, person(1), &a);
    tell(hub, 1, "lost first\n");
    tell(hub, 1, "lost second\n");
    for (int i = 0; i < HUB_RING; i++)
        tell(hub, 1, "kept\n");
    assert_int_equal(hub_take(hub, a, 1000, &got), HUB_MESSAGE);
    assert_null(strstr(buf_text(&got), "lost first"));
    assert_null(strstr(buf_text(&got), "lost second"));
    assert_memory_equal(got.data, "event: lost\ndata: {\"messages\":2}\n\n", 34);
    assert_int_equal(hub_take(hub, a, 0, &got), HUB_QUIET);
    hub_leave(hub, &a);
    buf_free(&got);
}

static void places_are_counted_per_person_and_in_all(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *all[HUB_LISTENERS], *more;
    unsigned n = 0;

    for (; n < HUB_PER_USER; n++)
        assert_int_equal(hub_join(hub, person(1), &all[n]), 0);
    assert_int_equal(hub_join(hub, person(1), &more), ERR_RATE_LIMITED);
    for (uint8_t who = 2; n < HUB_LISTENERS; who++, n++)
        assert_int_equal(hub_join(hub, person(who), &all[n]), 0);
    assert_int_equal(hub_join(hub, person(200), &more), ERR_BUSY);
    hub_leave(hub, &all[0]);
    assert_int_equal(hub_join(hub, person(200), &all[0]), 0);
    for (n = 0; n < HUB_LISTENERS; n++)
        hub_leave(hub, &all[n]);
}

static void stopping_sends_everybody_home(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };

    hub_join(hub, person(1), &a);
    hub_stop(hub);
    assert_int_equal(hub_take(hub, a, 60000, &got), HUB_END);
    hub_leave(hub, &a);
    assert_int_equal(hub_join(hub, person(1), &a), ERR_BUSY);
    buf_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_reaches_all_pages_of_one_person, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_page_loses_the_oldest_and_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(places_are_counted_per_person_and_in_all, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_sends_everybody_home, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

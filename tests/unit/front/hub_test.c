/* Listeners for server-sent events: who is told what, and what a slow one loses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Without the lines that hold ids. */
static const char *bare(struct buf *got)
{
    static char text[512];
    size_t n = 0;

    for (const char *line = buf_text(got); *line;) {
        size_t len = strcspn(line, "\n") + 1;

        if (strncmp(line, "id: ", 4) != 0) {
            assert_true(n + len < sizeof(text));
            memcpy(text + n, line, len);
            n += len;
        }
        line += len;
    }
    text[n] = '\0';
    return text;
}

/* Where a listener stands, as it would send it in Last-Event-ID. */
static const char *stands(struct hub *hub, struct hub_listener *l, char to[static 64])
{
    struct buf hello = { 0 };

    hub_hello(hub, l, &hello);
    assert_int_equal(sscanf(buf_text(&hello), "id: %63s", to), 1);
    buf_free(&hello);
    return to;
}

static void a_message_reaches_all_pages_of_one_person(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a, *b, *other;
    struct buf got = { 0 };

    assert_int_equal(hub_join(hub, person(1), NULL, &a), 0);
    assert_int_equal(hub_join(hub, person(1), NULL, &b), 0);
    assert_int_equal(hub_join(hub, person(2), NULL, &other), 0);
    tell(hub, 1, "one\n");
    tell(hub, 1, "two\n");
    assert_int_equal(hub_take(hub, a, -1, 1000, &got), HUB_MESSAGE);
    assert_string_equal(bare(&got), "one\ntwo\n");
    assert_int_equal(hub_take(hub, b, -1, 1000, &got), HUB_MESSAGE);
    assert_string_equal(bare(&got), "one\ntwo\n");
    assert_int_equal(hub_take(hub, other, -1, 0, &got), HUB_QUIET);
    assert_int_equal(got.len, 0);
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_QUIET);
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

    hub_join(hub, person(1), NULL, &a);
    tell(hub, 1, "lost first\n");
    tell(hub, 1, "lost second\n");
    for (int i = 0; i < HUB_RING; i++)
        tell(hub, 1, "kept\n");
    assert_int_equal(hub_take(hub, a, -1, 1000, &got), HUB_MESSAGE);
    assert_null(strstr(buf_text(&got), "lost first"));
    assert_null(strstr(buf_text(&got), "lost second"));
    assert_memory_equal(got.data, "event: lost\ndata: {}\n\n", 22);
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_QUIET);
    hub_leave(hub, &a);
    buf_free(&got);
}

static void who_comes_back_is_told_what_it_missed(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };
    char last[64];

    hub_join(hub, person(1), NULL, &a);
    tell(hub, 1, "seen\n");
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_MESSAGE);
    assert_int_equal(sscanf(buf_text(&got), "id: %63s", last), 1);
    hub_leave(hub, &a);
    tell(hub, 1, "missed\n");
    tell(hub, 2, "not hers\n");
    tell(hub, 1, "missed too\n");
    hub_join(hub, person(1), last, &a);
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_MESSAGE);
    assert_string_equal(bare(&got), "missed\nmissed too\n");
    stands(hub, a, last);
    hub_leave(hub, &a);
    hub_join(hub, person(1), last, &a);
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_QUIET);
    hub_leave(hub, &a);
    buf_free(&got);
}

static void what_is_not_kept_any_more_is_said_to_be_lost(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };
    char last[64], other[80];
    const char *const wrong[] = { other, "7", "x", "ffffffffffffffffff-1", "-1", "0-0", "0-99999999999999999999",
                                  last };

    hub_join(hub, person(1), NULL, &a);
    stands(hub, a, last);
    snprintf(other, sizeof(other), "%c%s", last[0] == '0' ? '1' : '0', last + 1);
    hub_leave(hub, &a);
    for (int i = 0; i <= HUB_RING; i++)
        tell(hub, 2, "somebody else's\n");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        hub_join(hub, person(1), wrong[i], &a);
        assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_MESSAGE);
        assert_string_equal(buf_text(&got), "event: lost\ndata: {}\n\n");
        assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_QUIET);
        hub_leave(hub, &a);
    }
    buf_free(&got);
}

static void others_messages_push_nobody_out(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };

    hub_join(hub, person(1), NULL, &a);
    for (int i = 0; i < 3 * HUB_RING; i++)
        tell(hub, 2, "somebody else's\n");
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_QUIET);
    tell(hub, 1, "hers\n");
    assert_int_equal(hub_take(hub, a, -1, 0, &got), HUB_MESSAGE);
    assert_string_equal(bare(&got), "hers\n");
    hub_leave(hub, &a);
    buf_free(&got);
}

static void a_client_that_hangs_up_is_seen_at_once(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    hub_join(hub, person(1), NULL, &a);
    assert_int_equal(hub_take(hub, a, pair[0], 0, &got), HUB_QUIET);
    close(pair[1]);
    assert_int_equal(hub_take(hub, a, pair[0], 60000, &got), HUB_GONE);
    close(pair[0]);
    hub_leave(hub, &a);
    buf_free(&got);
}

static void places_are_counted_per_person_and_in_all(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *all[HUB_LISTENERS], *more;
    unsigned n = 0;

    for (; n < HUB_PER_USER; n++)
        assert_int_equal(hub_join(hub, person(1), NULL, &all[n]), 0);
    assert_int_equal(hub_join(hub, person(1), NULL, &more), ERR_RATE_LIMITED);
    for (uint8_t who = 2; n < HUB_LISTENERS; who++, n++)
        assert_int_equal(hub_join(hub, person(who), NULL, &all[n]), 0);
    assert_int_equal(hub_join(hub, person(200), NULL, &more), ERR_BUSY);
    hub_leave(hub, &all[0]);
    assert_int_equal(hub_join(hub, person(200), NULL, &all[0]), 0);
    for (n = 0; n < HUB_LISTENERS; n++)
        hub_leave(hub, &all[n]);
}

static void stopping_sends_everybody_home(void **state)
{
    struct hub *hub = *state;
    struct hub_listener *a;
    struct buf got = { 0 };

    hub_join(hub, person(1), NULL, &a);
    hub_stop(hub);
    assert_int_equal(hub_take(hub, a, -1, 60000, &got), HUB_END);
    hub_leave(hub, &a);
    assert_int_equal(hub_join(hub, person(1), NULL, &a), ERR_BUSY);
    buf_free(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_reaches_all_pages_of_one_person, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_page_loses_the_oldest_and_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(who_comes_back_is_told_what_it_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_kept_any_more_is_said_to_be_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(others_messages_push_nobody_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_hangs_up_is_seen_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(places_are_counted_per_person_and_in_all, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_sends_everybody_home, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

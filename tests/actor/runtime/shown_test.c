/* Settings and counters: what others see of an actor while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"
#include "tests/harness/rig.h"

static int begin(void **state)
{
    return rig_open(state, &library_actor, NULL);
}

static void settings_come_from_the_bus_while_it_runs(void **state)
{
    static const struct value_def settings = { .name = "settings.library", .type = &setting_text_type };
    struct rig *rig = *state;
    const struct library_settings *now = actor_settings(rig_actor(rig));

    assert_int_equal(now->fine, 3);
    assert_string_equal(now->motto, "Return it.");
    rig_value(rig, &settings, "fine", &(struct setting_text) { .text = "9" });
    rig_value(rig, &settings, "motto", &(struct setting_text) { .text = "Hush." });
    rig_run(rig);
    now = actor_settings(rig_actor(rig));
    assert_int_equal(now->fine, 9);
    assert_string_equal(now->motto, "Hush.");
    rig_value(rig, &settings, "fine",
              &(struct setting_text) { .text = "10" }); /* out of its bounds: passed over */
    rig_value(rig, &settings, "nonsense", &(struct setting_text) { .text = "1" });
    rig_value(rig, &settings, "motto", NULL);
    rig_run(rig);
    now = actor_settings(rig_actor(rig));
    assert_int_equal(now->fine, 9);
    assert_string_equal(now->motto, "Return it.");
}

static void its_settings_are_shown_with_where_they_came_from(void **state)
{
    static const struct value_def settings = { .name = "settings.library", .type = &setting_text_type };
    struct rig *rig = *state;
    const struct fake_sent *sent, *last = NULL;
    struct settings_shown shown;
    unsigned found = 0;

    rig_value(rig, &settings, "fine", &(struct setting_text) { .text = "5" });
    rig_run(rig);
    while ((sent = fake_next(FAKE_SET, "config.library")))
        last = sent;
    rig_read(rig, last, &settings_shown_type, &shown);
    for (size_t i = 0; i < shown.settings_n; i++) {
        const struct setting_shown *s = &shown.settings[i];

        found += strcmp(s->name, "fine") == 0 && strcmp(s->value, "5") == 0 && strcmp(s->source, "bus") == 0;
        found += strcmp(s->name, "motto") == 0 && strcmp(s->value, "Return it.") == 0 &&
                 strcmp(s->source, "built-in") == 0;
        found += strcmp(s->name, "log") == 0 && strcmp(s->value, "info") == 0;
    }
    assert_int_equal(found, 3);
}

static void what_it_counts_is_shown_as_a_value(void **state)
{
    struct rig *rig = *state;
    const struct fake_sent *sent, *last = NULL;
    struct counts counts;
    unsigned found = 0;

    rig_call(rig, &create_item_call, &(struct create_item) { .title = "one", .kind = KIND_BOOK },
             rig_person(rig, 1, ROLE_CREATOR));
    rig_run(rig);
    rig_advance(rig, 6000);
    while ((sent = fake_next(FAKE_SET, "metrics.library")))
        last = sent;
    rig_read(rig, last, &counts_type, &counts);
    assert_string_equal(counts.actor, "library");
    for (size_t i = 0; i < counts.counters_n; i++) {
        found += strcmp(counts.counters[i].name, "items_added") == 0 && counts.counters[i].value == 1;
        found += strcmp(counts.counters[i].name, "calls") == 0 && counts.counters[i].value == 1;
    }
    assert_int_equal(found, 2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, rig_close)
    const struct CMUnitTest tests[] = {
        T(settings_come_from_the_bus_while_it_runs),
        T(its_settings_are_shown_with_where_they_came_from),
        T(what_it_counts_is_shown_as_a_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

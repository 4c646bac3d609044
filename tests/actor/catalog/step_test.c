/* step_test - the four step tables: what they list, and that nothing else is a step. */
#include "tests/actor/catalog/fake.h"

#include <string.h>

#include "actors/catalog/step.h"

struct expected {
    int in;
    enum step_on on[12]; /* 0 ends */
};

static const struct expected uploads[] = {
    { UPLOAD_STATE_WAITING, { ON_OPENED, ON_BYTES, ON_ALL_BYTES, ON_IDLE, ON_DROPPED, ON_NOT_FETCHED } },
    { UPLOAD_STATE_RECEIVING, { ON_OPENED, ON_BYTES, ON_ALL_BYTES, ON_IDLE, ON_DROPPED, ON_NOT_FETCHED } },
    { UPLOAD_STATE_COMPLETE, { 0 } }, /* nothing takes a whole original away but the end of its video */
    { UPLOAD_STATE_EXPIRED, { ON_OPENED } },
};

static const struct expected medias[] = {
    { MEDIA_STATE_NONE, { ON_ENOUGH, ON_NOT_FETCHED, ON_INFECTED } },
    { MEDIA_STATE_PROBING,
      { ON_NEED_MORE, ON_ENOUGH, ON_PROBED, ON_REFUSED, ON_PROBE_DEAD, ON_NO_BYTES, ON_NOT_FETCHED,
        ON_INFECTED } },
    { MEDIA_STATE_PROCESSING, { ON_PLAYABLE, ON_WRITTEN, ON_RUN_DEAD, ON_NO_BYTES, ON_NOT_FETCHED, ON_INFECTED } },
    { MEDIA_STATE_READY,
      { ON_WRITTEN, ON_INFECTED } }, /* what is late cannot move it; playlists with another codec leave it there */
    { MEDIA_STATE_FAILED,
      { ON_PLAYABLE, ON_RUN_DEAD, ON_WRITTEN, ON_RECOVERED, ON_OPENED, ON_RETRY_PROBE, ON_RETRY_RUNS,
        ON_INFECTED } },
    { MEDIA_STATE_REFUSED, { ON_RETRY_PROBE, ON_RETRY_RUNS } }, /* no run that ends, and no file, brings it back */
};

static const struct expected releases[] = {
    { RELEASE_STATE_DRAFT, { ON_DATE, ON_NO_DATE, ON_ALLOWED, ON_BARRED } },
    { RELEASE_STATE_SCHEDULED, { ON_DATE, ON_NO_DATE, ON_ALLOWED, ON_BARRED } },
    { RELEASE_STATE_PUBLISHED, { ON_DATE, ON_BARRED } },
};

static const struct expected lives[] = {
    { LIFE_STATE_LIVE, { ON_TRASH, ON_DELETE } },
    { LIFE_STATE_TRASHED, { ON_RESTORE, ON_DELETE } },
    { LIFE_STATE_DELETING, { 0 } }, /* no way back */
};

static void check_table(enum step_column column, const struct expected *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (enum step_on on = ON_OPENED; on <= ON_DELETE; on++) {
            struct video_row row = {
                .upload = rows[i].in, .media = rows[i].in, .release = rows[i].in, .life = rows[i].in
            };
            bool listed = false;

            for (const enum step_on *e = rows[i].on; *e; e++)
                listed |= *e == on;
            if (step_is_known(&row, column, on) != listed)
                fail_msg("column %d, state %d: %s is %s a step", column, rows[i].in, step_on_name(on),
                         listed ? "not" : "");
        }
    }
}

#define CHECK(column, rows) check_table(column, rows, sizeof(rows) / sizeof(rows[0]))

static void the_tables_list_these_steps_and_no_others(void **state)
{
    CHECK(STEP_UPLOAD, uploads);
    CHECK(STEP_MEDIA, medias);
    CHECK(STEP_RELEASE, releases);
    CHECK(STEP_LIFE, lives);
}

static void every_event_has_a_name(void **state)
{
    for (enum step_on on = ON_OPENED; on <= ON_DELETE; on++)
        assert_true(step_on_name(on) && strlen(step_on_name(on)) > 3);
}

static void what_is_not_listed_is_refused_counted_and_changes_nothing(void **state)
{
    struct fake *f = *state;
    struct doing d = { .self = &f->self,
                       .t = fake_begin(f),
                       .row = { .media = MEDIA_STATE_READY, .media_since = 7 } };

    assert_int_equal(step_take(&d, STEP_MEDIA, ON_RUN_DEAD), ERR_CONFLICT);
    assert_int_equal(d.row.media, MEDIA_STATE_READY);
    assert_int_equal(d.row.media_since, 7);
    assert_int_equal(d.events, 0);
    assert_int_equal(f->counters[CATALOG_STEPS_REFUSED], 1);
    fake_end(f, 0);
}

static void a_step_into_another_state_notes_when(void **state)
{
    struct fake *f = *state;
    struct doing d = { .self = &f->self, .t = fake_begin(f), .row = { .life = LIFE_STATE_LIVE, .life_since = 7 } };

    assert_int_equal(step_take(&d, STEP_LIFE, ON_TRASH), 0);
    assert_int_equal(d.row.life, LIFE_STATE_TRASHED);
    assert_int_equal(d.row.life_since, f->now);
    fake_end(f, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_list_these_steps_and_no_others),
        cmocka_unit_test(every_event_has_a_name),
        cmocka_unit_test_setup_teardown(what_is_not_listed_is_refused_counted_and_changes_nothing, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(a_step_into_another_state_notes_when, fake_setup, fake_teardown),
    };

    return cmocka_run_group_tests_name("catalog_step", tests, NULL, NULL);
}

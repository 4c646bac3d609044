/* The fetcher as an actor: which mails it gives back, and which it gives up, imports of which nothing is to be fetched, and virus
 * scans that nobody is there for. What servers do, and clamd, is in tests/unit/fetcher. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "actors/fetcher/fetcher.h"
#include "gen/catalog.h"
#include "gen/errors.h"
#include "gen/fetcher.h"
#include "tests/harness/rig.h"

static const char *const nobody_listens[] = { "fetcher.smtp_url=smtp://127.0.0.1:1", "fetcher.smtp_tls=never",
                                              NULL };

static const char *const no_scanner[] = { "catalog.clamd=unix:/nowhere/clamd.ctl", NULL };
static const char *const no_place[] = { "catalog.clamd=/run/clamd.ctl", NULL };

static int begin_with_scanner(void **state)
{
    return rig_open(state, &fetcher_actor, no_scanner);
}

static int begin_with_no_place(void **state)
{
    return rig_open(state, &fetcher_actor, no_place);
}

static int begin(void **state)
{
    return rig_open(state, &fetcher_actor, NULL);
}

static int begin_with_server(void **state)
{
    return rig_open(state, &fetcher_actor, nobody_listens);
}

static struct send_mail mail(void)
{
    return (struct send_mail) { .to = "ann@example.org",
                                .from = "kinobus@example.org",
                                .subject = "Hello",
                                .body = "Text",
                                .message_id = "note_1@example.org" };
}

static void take(struct rig *rig, const struct send_mail *job)
{
    rig_job(rig, &send_mail_job, job, (struct id) { { 5 } }, 1);
    rig_run(rig);
}

static void without_a_mail_server_mail_is_given_up(void **state)
{
    struct rig *rig = *state;
    struct send_mail job = mail();
    const struct fake_sent *term;

    take(rig, &job);
    term = fake_next(FAKE_TERM, NULL);
    assert_non_null(term);
    assert_int_equal(term->err, ERR_UNSUPPORTED);
    assert_non_null(strstr(term->text, "fetcher.smtp_url"));
}

static void a_mail_that_cannot_be_written_is_given_up(void **state)
{
    struct rig *rig = *state;
    struct send_mail job = mail();
    const struct fake_sent *term;

    job.to = "ann@example.org\nBcc: x@y";
    take(rig, &job);
    term = fake_next(FAKE_TERM, NULL);
    assert_non_null(term);
    assert_int_equal(term->err, ERR_INVALID);
    assert_string_equal(term->text, "to: cannot stand in a mail");
    assert_int_equal(fake_count(FAKE_ACK, NULL), 0);
}

static void a_server_that_is_away_gives_the_mail_back(void **state)
{
    struct rig *rig = *state;
    struct send_mail job = mail();
    const struct fake_sent *nack;

    take(rig, &job);
    nack = fake_next(FAKE_NACK, NULL);
    assert_non_null(nack);
    assert_int_equal(nack->err, ERR_UNAVAILABLE);
    assert_false(nack->flag); /* an attempt is counted */
    assert_true(nack->text && *nack->text);
    assert_int_equal(fake_count(FAKE_ACK, NULL) + fake_count(FAKE_TERM, NULL), 0);
}

/* ---- imports: what the catalog says of a job before anything is fetched */

static const struct fake_sent *ask_what_to_fetch(struct rig *rig)
{
    const struct fake_sent *asked;
    struct begin_import ask;

    rig_job(rig, &import_job, &(struct import) { .video_id = { { 7 } } }, (struct id) { { 5 } }, 1);
    rig_run(rig);
    asked = fake_next(FAKE_CALL, "catalog.begin_import");
    assert_non_null(asked);
    rig_read(rig, asked, &begin_import_type, &ask);
    assert_true(id_equal(ask.job_id, (struct id) { { 5 } }));
    return asked;
}

static enum import_outcome outcome(struct rig *rig)
{
    const struct fake_sent *ack = fake_next(FAKE_ACK, NULL);
    struct import_done done;

    rig_run(rig);
    assert_non_null(ack);
    rig_read(rig, ack, &import_done_type, &done);
    return done.outcome;
}

static void an_import_that_nobody_waits_for_is_done(void **state)
{
    struct rig *rig = *state;

    rig_answer(rig, ask_what_to_fetch(rig), &begin_import_call, ERR_GONE, NULL);
    rig_run(rig);
    assert_int_equal(outcome(rig), IMPORT_OUTCOME_GONE);
}

static void one_that_was_told_to_be_complete_before_is_done(void **state)
{
    struct import_order order = { .upload_id = { { 1 } }, .complete = true };
    struct rig *rig = *state;

    rig_answer(rig, ask_what_to_fetch(rig), &begin_import_call, 0, &order);
    rig_run(rig);
    assert_int_equal(outcome(rig), IMPORT_OUTCOME_STORED);
}

static void without_the_catalog_it_is_given_back_and_no_attempt_counted(void **state)
{
    struct rig *rig = *state;
    const struct fake_sent *nack;

    rig_answer(rig, ask_what_to_fetch(rig), &begin_import_call, ERR_UNAVAILABLE, NULL);
    rig_run(rig);
    nack = fake_next(FAKE_NACK, NULL);
    assert_non_null(nack);
    assert_true(nack->flag);
}

/* ---- virus scans */

static const struct fake_sent *scan(struct rig *rig, enum fake_kind what)
{
    struct source_part part = { .length = 10, .blob = "raw/v/a" };

    rig_job(rig, &scan_original_job,
            &(struct scan_original) { .video_id = { { 7 } }, .parts = &part, .parts_n = 1 }, (struct id) { { 5 } },
            1);
    rig_run(rig);
    assert_int_equal(fake_count(FAKE_ACK, NULL), 0);
    return fake_next(what, NULL);
}

static void without_a_scanner_a_scan_waits_for_one(void **state)
{
    const struct fake_sent *nack = scan(*state, FAKE_NACK);

    assert_non_null(nack);
    assert_false(nack->flag); /* not for ever */
    assert_non_null(strstr(nack->text, "catalog.clamd is empty"));
}

static void where_no_scanner_listens_it_is_tried_again(void **state)
{
    const struct fake_sent *nack = scan(*state, FAKE_NACK);

    assert_non_null(nack);
    assert_int_equal(nack->err, ERR_UNAVAILABLE);
    assert_false(nack->flag);
    assert_non_null(strstr(nack->text, "takes no connection at /nowhere/clamd.ctl"));
}

static void a_setting_that_names_no_place_can_be_repaired_meanwhile(void **state)
{
    const struct fake_sent *nack = scan(*state, FAKE_NACK);

    assert_non_null(nack);
    assert_non_null(strstr(nack->text, "\"/run/clamd.ctl\" is neither unix:PATH nor tcp:HOST:PORT"));
}

int main(void)
{
#define T(name, how) cmocka_unit_test_setup_teardown(name, how, rig_close)
    const struct CMUnitTest tests[] = {
        T(without_a_mail_server_mail_is_given_up, begin),
        T(a_mail_that_cannot_be_written_is_given_up, begin_with_server),
        T(a_server_that_is_away_gives_the_mail_back, begin_with_server),
        T(an_import_that_nobody_waits_for_is_done, begin),
        T(one_that_was_told_to_be_complete_before_is_done, begin),
        T(without_the_catalog_it_is_given_back_and_no_attempt_counted, begin),
        T(without_a_scanner_a_scan_waits_for_one, begin),
        T(where_no_scanner_listens_it_is_tried_again, begin_with_scanner),
        T(a_setting_that_names_no_place_can_be_repaired_meanwhile, begin_with_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

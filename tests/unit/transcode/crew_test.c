/* Several workers at once, seen from the loop; the liar plays them. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/transcode/crew.h"
#include "tests/harness/patience.h"
#include "tests/unit/transcode/short_run.h"

#define MOST 4

struct fixture {
    char folder[64], program[PATH_MAX];
    struct blobs *blobs;
    struct crew *crew;
    unsigned ended, notes;
    struct crew_result *results[MOST]; /* by what was kept */
    enum attend_end ends[MOST];
};

static void on_ended(void *ctx, struct crew_result *result)
{
    struct fixture *f = ctx;

    assert_true(result->kept < MOST && !f->results[result->kept]);
    f->results[result->kept] = result;
    f->ends[result->kept] = result->outcome.end;
    f->ended++;
}

static void on_note(void *ctx, const struct crew_note *note)
{
    struct fixture *f = ctx;

    assert_true(note->kept < MOST);
    assert_int_equal(note->progress.total, 20);
    f->notes++;
}

static int set_up(void **state)
{
    static const struct crew_events events = { .ended = on_ended, .note = on_note };
    struct fixture *f = calloc(1, sizeof(*f));
    char uri[80];
    ssize_t n = readlink("/proc/self/exe", f->program, sizeof(f->program) - 64);

    strcpy(f->folder, "/tmp/kinobus-crew-XXXXXX");
    if (n <= 0 || !mkdtemp(f->folder))
        return -1;
    f->program[n] = 0;
    strcpy(strrchr(f->program, '/'), "/../../tools/transcode-liar");
    snprintf(uri, sizeof(uri), "file:%s", f->folder);
    *state = f;
    return blobs_open(uri, &f->blobs) < 0 ? -1 : crew_open(&events, f, &f->crew);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[96];

    crew_close(&f->crew);
    for (unsigned i = 0; i < MOST; i++)
        if (f->results[i])
            crew_forget(f->results[i]);
    blobs_close(&f->blobs);
    snprintf(command, sizeof(command), "rm -rf %s", f->folder);
    free(f);
    return system(command);
}

/* Starts a worker that plays this part; what it is told dies at once, as a turn's arena does. */
static void start(struct fixture *f, uint64_t kept, const char *part)
{
    struct attend how = { .blobs = f->blobs,
                          .program = f->program,
                          .threads = 1,
                          .attempt = 1,
                          .stall_ms = PATIENCE_MS,
                          .wait_ms = PATIENCE_MS,
                          .keep_stderr = true };
    struct short_run played;

    short_run_init(&played, part);
    assert_int_equal(crew_start(f->crew, &how, NULL, (struct crew_job) { .run = &played.run }, kept), 0);
    memset(&played, 'x', sizeof(played));
}

static void await(struct fixture *f, unsigned ended)
{
    while (f->ended < ended) {
        patience_await(crew_fd(f->crew));
        crew_collect(f->crew);
    }
}

static void each_ends_for_itself(void **state)
{
    struct fixture *f = *state;

    start(f, 0, "honest");
    start(f, 1, "crash");
    start(f, 2, "other_time");
    await(f, 3);
    assert_int_equal(f->ends[0], ATTEND_DONE);
    assert_int_equal(f->results[0]->made.renditions[0].segments_n, 2);
    assert_string_equal(f->results[0]->job.run->renditions[0].dir, "v/honest");
    assert_int_equal(f->ends[1], ATTEND_FAILED);
    assert_false(f->results[1]->outcome.killed);
    assert_int_equal(f->ends[2], ATTEND_FAILED);
    assert_true(f->results[2]->outcome.killed);
}

static void one_is_cancelled_and_the_other_is_not(void **state)
{
    struct fixture *f = *state;

    start(f, 0, "silent");
    start(f, 1, "silent");
    crew_cancel(f->crew, 1);
    await(f, 1);
    assert_int_equal(f->ends[1], ATTEND_CANCELLED);
    assert_null(f->results[0]);
    crew_cancel(f->crew, 0);
    await(f, 2);
}

static void progress_is_told_while_one_works(void **state)
{
    struct fixture *f = *state;

    start(f, 0, "pretend");
    while (!f->notes) {
        patience_await(crew_fd(f->crew));
        crew_collect(f->crew);
    }
    crew_cancel(f->crew, 0);
    await(f, 1);
}

static void closing_ends_what_is_at_work(void **state)
{
    struct fixture *f = *state;

    start(f, 0, "silent");
    start(f, 1, "pretend");
    crew_close(&f->crew);
    assert_null(f->crew);
    assert_int_equal(f->ended, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_ends_for_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_is_cancelled_and_the_other_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(progress_is_told_while_one_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_ends_what_is_at_work, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

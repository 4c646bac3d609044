/* The parent against a worker that lies (liar.c): each part that it plays must end as it should, and leave nothing in
 * the store that was not checked. */
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

#include "actors/transcode/attend.h"
#include "gen/errors.h"
#include "tests/harness/patience.h"
#include "tests/unit/transcode/short_run.h"

struct fixture {
    char folder[64], program[PATH_MAX];
    struct blobs *blobs;
    struct arena *arena;
    struct run_done done;
    struct attend_outcome outcome;
    atomic_bool cancel;
    unsigned attempt;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char uri[80], *slash;
    ssize_t n = readlink("/proc/self/exe", f->program, sizeof(f->program) - 64);

    strcpy(f->folder, "/tmp/kinobus-attend-XXXXXX");
    if (n <= 0 || !mkdtemp(f->folder))
        return -1;
    f->program[n] = 0;
    slash = strrchr(f->program, '/');
    strcpy(slash, "/../../tools/transcode-liar");
    snprintf(uri, sizeof(uri), "file:%s", f->folder);
    f->arena = arena_new();
    f->attempt = 1;
    *state = f;
    return blobs_open(uri, &f->blobs);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[96];

    blobs_close(&f->blobs);
    arena_free(&f->arena);
    snprintf(command, sizeof(command), "rm -rf %s", f->folder);
    free(f);
    return system(command);
}

/* Two segments of one GOP of 10 frames, from a worker that plays this part. Only one that does nothing is to be ended for it: the
 * others may be slow to begin. */
static enum attend_end play(struct fixture *f, const char *part)
{
    bool idle = strcmp(part, "silent") == 0 || strcmp(part, "pretend") == 0;
    struct attend how = { .blobs = f->blobs,
                          .program = f->program,
                          .threads = 1,
                          .attempt = f->attempt,
                          .stall_ms = idle ? 400 : PATIENCE_MS,
                          .wait_ms = 300,
                          .keep_stderr = true,
                          .cancel = &f->cancel };
    struct short_run played;

    short_run_init(&played, part);
    attend_run(&how, &played.run, f->arena, &f->done, &f->outcome);
    assert_true(f->outcome.end == ATTEND_DONE || *f->outcome.reason);
    return f->outcome.end;
}

static bool stored(struct fixture *f, const char *part, const char *object)
{
    char name[100];

    snprintf(name, sizeof(name), "media/v/1/v/%s/%s", part, object);
    return blob_stat(f->blobs, name, &(struct blob_info) { 0 }) == 0;
}

static void assert_fails(struct fixture *f, const char *part, const char *sentence)
{
    assert_int_equal(play(f, part), ATTEND_FAILED);
    if (!strstr(f->outcome.reason, sentence))
        fail_msg("%s: %s", part, f->outcome.reason);
}

static void an_honest_run_is_kept_and_reported(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(play(f, "honest"), ATTEND_DONE);
    assert_true(stored(f, "honest", "init.mp4") && stored(f, "honest", "000001.m4s") &&
                stored(f, "honest", "000002.m4s"));
    assert_int_equal(f->done.renditions_n, 1);
    assert_string_equal(f->done.renditions[0].codec, "avc1.64001f");
    assert_int_equal(f->done.renditions[0].segments_n, 2);
    assert_int_equal(f->done.renditions[0].segments[1].start, 10);
    assert_int_equal(f->done.renditions[0].segments[1].gops_n, 1);
    assert_int_equal(f->done.renditions[0].segments[1].hash.len, BLOB_HASH_SIZE);
    assert_int_equal(play(f, "honest"), ATTEND_DONE); /* again: what is there first counts */
}

static void an_end_at_the_plan_is_no_lie(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(play(f, "end"), ATTEND_DONE);
    assert_true(f->done.has_end);
    assert_int_equal(f->done.end, 20);
}

static void a_segment_that_is_missing_is_noticed(void **state)
{
    assert_fails(*state, "early", "not whole");
    assert_fails(*state, "short", "not whole");
}

static void a_segment_that_was_not_planned_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_fails(f, "other_number", "not the one that is due");
    assert_fails(f, "another", "not the one that is due");
    assert_false(stored(f, "another", "000003.m4s"));
    assert_fails(f, "other_time", "not as it must be");
    assert_false(stored(f, "other_time", "000001.m4s"));
    assert_fails(f, "init_twice", "came twice");
}

static void a_worker_outside_its_jail_gets_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(play(f, "open_jail"), ATTEND_NO_JAIL);
    assert_fails(f, "no_hello", "before HELLO");
    assert_false(stored(f, "no_hello", "init.mp4"));
}

static void garbage_ends_it(void **state)
{
    assert_fails(*state, "garbage", "no known kind or length");
}

static void a_length_beyond_reason_is_not_allocated(void **state)
{
    assert_fails(*state, "promise", "no known kind or length");
}

static void output_beyond_the_plan_ends_it(void **state)
{
    assert_int_equal(play(*state, "disk"), ATTEND_FAILED);
}

static void silence_ends_it(void **state)
{
    assert_fails(*state, "silent", "nothing was decoded");
}

static void saying_the_same_again_is_not_work(void **state)
{
    assert_fails(*state, "pretend", "nothing was decoded");
}

static void a_crash_is_told_by_its_signal(void **state)
{
    assert_fails(*state, "crash", "SIGKILL");
}

static void a_gop_that_nothing_survives_is_left_out_at_last(void **state)
{
    struct fixture *f = *state;

    for (f->attempt = 1; f->attempt < 3; f->attempt++)
        assert_fails(f, "stumble_1", "SIGSEGV");
    assert_int_equal(play(f, "stumble_1"), ATTEND_DONE);
    assert_true(f->done.damaged >= 10);
    assert_int_equal(f->done.warnings_n, 1);
    assert_string_equal(f->done.warnings[0],
                        "The picture stands still between 0.4 s and 0.8 s: it could not be decoded there.");
    assert_int_equal(play(f, "stumble_0"), ATTEND_DONE);
    assert_non_null(strstr(f->done.warnings[0], "between 0.0 s and 0.8 s"));
    assert_fails(f, "crash", "SIGKILL"); /* whatever is left out */
    f->attempt = 1;
}

static void waiting_for_bytes_hands_the_run_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(play(f, "wait"), ATTEND_WAIT);
    assert_int_equal(f->outcome.offset, 1000);
}

static void a_cancelled_run_ends_at_once(void **state)
{
    struct fixture *f = *state;

    atomic_store(&f->cancel, true);
    assert_int_equal(play(f, "silent"), ATTEND_CANCELLED);
    atomic_store(&f->cancel, false);
}

static void a_worker_that_is_not_there_is_an_error(void **state)
{
    struct fixture *f = *state;
    char kept[PATH_MAX];

    strcpy(kept, f->program);
    strcpy(f->program, "/nowhere/kinobus-worker");
    assert_fails(f, "honest", "does not start");
    strcpy(f->program, kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_run_is_kept_and_reported),
        cmocka_unit_test(an_end_at_the_plan_is_no_lie),
        cmocka_unit_test(a_segment_that_is_missing_is_noticed),
        cmocka_unit_test(a_segment_that_was_not_planned_is_refused),
        cmocka_unit_test(a_worker_outside_its_jail_gets_nothing),
        cmocka_unit_test(garbage_ends_it),
        cmocka_unit_test(a_length_beyond_reason_is_not_allocated),
        cmocka_unit_test(output_beyond_the_plan_ends_it),
        cmocka_unit_test(silence_ends_it),
        cmocka_unit_test(saying_the_same_again_is_not_work),
        cmocka_unit_test(a_crash_is_told_by_its_signal),
        cmocka_unit_test(a_gop_that_nothing_survives_is_left_out_at_last),
        cmocka_unit_test(waiting_for_bytes_hands_the_run_back),
        cmocka_unit_test(a_cancelled_run_ends_at_once),
        cmocka_unit_test(a_worker_that_is_not_there_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}

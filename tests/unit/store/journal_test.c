/* journal_test - what a journalled store holds after a kill, and after a power cut that kept any of the pages that were not
 * synced and lost the others. */
#include "tests/unit/store/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "data/store/journal.h"

enum { PAGE = 4096, MANY = 2 * JOURNAL_COMMITS + 100 };

static void open_with(struct fixture *f, bool journal)
{
    struct store_options options = {
        .dir = f->store_dir, .map_size = 512u << 20, .any_filesystem = true, .journal = journal
    };

    assert_int_equal(store_open(&options, &f->store), 0);
    assert_int_equal(store_db(f->store, "t", &f->t), 0);
}

static int setup(void **state)
{
    struct fixture *f;
    int r = fixture_setup(state);

    f = *state;
    store_close(&f->store);
    return r;
}

/* The n-th commit: a row of its own, one that all change, and one that is gone with the next. */
static void commit(struct fixture *f, uint32_t n, size_t size)
{
    uint32_t before = n - 1;
    uint8_t *value = calloc(1, size + sizeof n);
    struct store_txn *txn;

    memcpy(value, &n, sizeof n);
    assert_int_equal(store_begin_write(f->store, &txn), 0);
    assert_int_equal(store_put(txn, f->t, bytes_of(&n, sizeof n), bytes_of(value, size + sizeof n)), 0);
    assert_int_equal(store_put(txn, f->t, bytes_of("last", 5), bytes_of(&n, sizeof n)), 0);
    assert_int_equal(store_fact_put(txn, bytes_of("gone", 5), bytes_of(&n, sizeof n)), 0);
    if (n > 1 && before % 3 == 0)
        assert_int_equal(store_del(txn, f->t, bytes_of(&before, sizeof before)), 0);
    assert_int_equal(store_commit(&txn), 0);
    free(value);
}

/* Exactly the first n commits, or one more that nobody heard of. How many. */
static uint32_t holds(struct fixture *f, uint32_t n)
{
    struct store_report report;
    struct store_txn *txn;
    struct bytes view;
    uint32_t last = 0;

    assert_int_equal(store_verify(f->store, &report), 0);
    assert_int_equal(report.bad_rows, 0);
    assert_int_equal(store_begin_read(f->store, &txn), 0);
    if (store_get(txn, f->t, bytes_of("last", 5), &view) == 0)
        memcpy(&last, view.data, sizeof last);
    assert_in_range(last, n, n + 1);
    for (uint32_t i = 1; i <= last; i++)
        assert_int_equal(store_get(txn, f->t, bytes_of(&i, sizeof i), &view),
                         i % 3 == 0 && i < last ? ERR_NOT_FOUND : 0);
    store_abort(&txn);
    return last;
}

static void path_of(const struct fixture *f, const char *name, char path[PATH_MAX + 32])
{
    snprintf(path, PATH_MAX + 32, "%s/%s", f->store_dir, name);
}

static void copy(const struct fixture *f, const char *from, const char *to)
{
    char command[3 * PATH_MAX];

    snprintf(command, sizeof command, "cp %s/%s %s/%s", f->store_dir, from, f->store_dir, to);
    assert_int_equal(system(command), 0);
}

/* A process that makes commits and is killed after the n-th; the file as its last checkpoint before `from` left it is
 * kept as `synced`. */
static void killed_at(struct fixture *f, uint32_t from, uint32_t n, size_t size)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        open_with(f, true);
        copy(f, "data.mdb", "synced");
        for (uint32_t i = from; i <= n; i++)
            commit(f, i, size);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

/* Pages that were not synced are lost, each or not as the seed says. */
static void power_cut(const struct fixture *f, unsigned seed, unsigned lost_of_8)
{
    char path[PATH_MAX + 32], old_path[PATH_MAX + 32];
    uint8_t old[PAGE];
    struct stat st;
    int now, then;

    path_of(f, "data.mdb", path);
    path_of(f, "synced", old_path);
    now = open(path, O_RDWR);
    then = open(old_path, O_RDONLY);
    assert_true(now >= 0 && then >= 0);
    assert_int_equal(fstat(now, &st), 0);
    for (off_t at = 0; at < st.st_size; at += PAGE) {
        memset(old, 0, sizeof old);
        if ((unsigned)rand_r(&seed) % 8 >= lost_of_8 || pread(then, old, sizeof old, at) < 0)
            continue;
        assert_int_equal(pwrite(now, old, sizeof old, at), sizeof old);
    }
    close(now);
    close(then);
}

static void all_that_was_committed_outlives_a_power_cut(void **state)
{
    struct fixture *f = *state;
    uint32_t done = 0;

    for (unsigned round = 0; round < 24; round++) {
        uint32_t n = done + 1 + round * 7 % 40;

        killed_at(f, done + 1, n, round % 5 ? 100 : 20000);
        power_cut(f, round, round % 9);
        open_with(f, true);
        assert_int_equal(holds(f, n), n);
        if (round % 3 == 0) { /* and again, when it is cut off before it has begun to work */
            store_close(&f->store);
            open_with(f, true);
            assert_int_equal(holds(f, n), n);
        }
        assert_true(store_epoch(f->store) > round);
        store_close(&f->store);
        done = n;
    }
}

static void commits_of_several_generations_outlive_a_kill(void **state)
{
    struct fixture *f = *state;

    killed_at(f, 1, MANY, 10);
    open_with(f, true);
    assert_int_equal(holds(f, MANY), MANY);
    store_close(&f->store);
    killed_at(f, MANY + 1, MANY + 3, 30 << 20); /* more than one turn of the journal */
    open_with(f, true);
    assert_int_equal(holds(f, MANY + 3), MANY + 3);
}

static void what_is_larger_than_the_journal_is_committed_all_the_same(void **state)
{
    struct fixture *f = *state;

    killed_at(f, 1, 2, JOURNAL_MOST + PAGE);
    open_with(f, true);
    assert_int_equal(holds(f, 2), 2);
}

/* The file that holds records after `killed_at`, and the size of each with its blocks. */
static int journal_fd(const struct fixture *f, off_t *size)
{
    struct journal_record record = { 0 };
    char path[PATH_MAX + 32], name[16];

    for (unsigned i = 0; i < 2; i++) {
        int fd;

        snprintf(name, sizeof name, "journal.%u", i);
        path_of(f, name, path);
        fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        assert_int_equal(pread(fd, &record, sizeof record, JOURNAL_RECORDS), sizeof record);
        if (record.generation) {
            *size = (off_t)journal_blocks(sizeof record + record.length);
            return fd;
        }
        close(fd);
    }
    fail();
    return -1;
}

static void spoil(const struct fixture *f, unsigned n)
{
    off_t size;
    int fd = journal_fd(f, &size);

    assert_int_equal(pwrite(fd, "x", 1, JOURNAL_RECORDS + (n - 1) * size + 60), 1);
    close(fd);
}

static void a_last_record_that_is_half_written_never_happened(void **state)
{
    struct fixture *f = *state;

    killed_at(f, 1, 5, 100);
    spoil(f, 5);
    open_with(f, true);
    assert_int_equal(holds(f, 4), 4);
}

static void a_record_that_is_missing_before_others_is_noticed(void **state)
{
    struct store_options options = { .any_filesystem = true, .journal = true };
    struct fixture *f = *state;
    struct store *store;

    killed_at(f, 1, 5, 100);
    spoil(f, 3);
    options.dir = f->store_dir;
    assert_int_equal(store_open(&options, &store), ERR_CORRUPT);
}

/* As when a backup is put in the place of data.mdb, and the journal forgotten. */
static void replace(const struct fixture *f)
{
    char from[PATH_MAX + 32], to[PATH_MAX + 32];

    copy(f, "data.mdb", "other");
    path_of(f, "other", from);
    path_of(f, "data.mdb", to);
    assert_int_equal(rename(from, to), 0);
}

static void a_journal_of_another_file_is_not_put_into_this_one(void **state)
{
    struct store_options options = { .any_filesystem = true, .journal = true };
    struct fixture *f = *state;
    struct store *store;

    options.dir = f->store_dir;
    open_with(f, true);
    commit(f, 1, 10);
    store_close(&f->store);
    replace(f); /* nothing is in the journal: harmless */
    open_with(f, true);
    assert_int_equal(holds(f, 1), 1);
    store_close(&f->store);
    killed_at(f, 2, 5, 100);
    replace(f);
    assert_int_equal(store_open(&options, &store), ERR_CONFLICT);
}

static void a_store_that_has_a_journal_keeps_it(void **state)
{
    struct fixture *f = *state;

    killed_at(f, 1, 5, 100);
    open_with(f, false);
    assert_int_equal(holds(f, 5), 5);
    commit(f, 6, 10);
    store_close(&f->store);
    killed_at(f, 7, 8, 100);
    open_with(f, false);
    assert_int_equal(holds(f, 8), 8);
}

static void a_commit_that_fails_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    enum store_fault outcomes[] = { STORE_FAULT_LOST, STORE_FAULT_COMMITTED };

    for (uint32_t i = 0, n = 0; i < 2; i++) {
        struct store_txn *txn;
        uint32_t next;

        open_with(f, true);
        commit(f, ++n, 10);
        next = n + 1;
        assert_int_equal(store_begin_write(f->store, &txn), 0);
        assert_int_equal(store_put(txn, f->t, bytes_of(&next, sizeof next), bytes_of_text("x")), 0);
        assert_int_equal(store_put(txn, f->t, bytes_of("last", 5), bytes_of(&next, sizeof next)), 0);
        store_fault_arm(1, outcomes[i]);
        assert_int_equal(store_commit(&txn), ERR_OUTCOME_UNKNOWN);
        store_fault_disarm();
        store_close(&f->store);
        open_with(f, true);
        n = outcomes[i] == STORE_FAULT_COMMITTED ? next : n;
        assert_int_equal(holds(f, n), n);
        store_close(&f->store);
    }
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(all_that_was_committed_outlives_a_power_cut),
        CASE(commits_of_several_generations_outlive_a_kill),
        CASE(what_is_larger_than_the_journal_is_committed_all_the_same),
        CASE(a_last_record_that_is_half_written_never_happened),
        CASE(a_record_that_is_missing_before_others_is_noticed),
        CASE(a_journal_of_another_file_is_not_put_into_this_one),
        CASE(a_store_that_has_a_journal_keeps_it),
        CASE(a_commit_that_fails_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* env_test - opening, transactions, cursors, copies, and what a killed writer leaves. */
#include "tests/unit/store/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "schemas/wire/bytes.h"

static struct store_txn *writing(struct fixture *f)
{
    struct store_txn *txn;

    assert_int_equal(store_begin_write(f->store, &txn), 0);
    return txn;
}

static struct store_txn *reading(struct fixture *f)
{
    struct store_txn *txn;

    assert_int_equal(store_begin_read(f->store, &txn), 0);
    return txn;
}

static void put(struct fixture *f, const char *key, const char *value)
{
    struct store_txn *txn = writing(f);

    assert_int_equal(store_put(txn, f->t, bytes_of_text(key), bytes_of_text(value)), 0);
    assert_int_equal(store_commit(&txn), 0);
}

static bool has(struct fixture *f, const char *key, const char *value)
{
    struct store_txn *txn = reading(f);
    struct bytes view = { 0 };
    int r = store_get(txn, f->t, bytes_of_text(key), &view);
    bool same = r == 0 && bytes_equal(view, bytes_of_text(value));

    store_abort(&txn);
    return same;
}

static void a_new_store_has_an_identity_that_a_reopening_keeps(void **state)
{
    struct fixture *f = *state;
    struct id uuid = store_uuid(f->store);

    assert_false(id_is_zero(uuid));
    assert_true(store_is_new(f->store));
    assert_int_equal(store_epoch(f->store), 1);
    fixture_reopen(f);
    assert_true(id_equal(uuid, store_uuid(f->store)));
    assert_false(store_is_new(f->store));
    assert_int_equal(store_epoch(f->store), 2);
}

static void a_second_owner_is_refused(void **state)
{
    struct fixture *f = *state;
    struct store_options options = { .dir = f->store_dir, .any_filesystem = true };
    struct store *second = NULL;

    assert_int_equal(store_open(&options, &second), ERR_BUSY);
    assert_null(second);
}

static void a_store_that_must_exist_is_not_made(void **state)
{
    struct fixture *f = *state;
    struct store_options options = { .any_filesystem = true, .must_exist = true };
    struct store *store = NULL;
    char dir[PATH_MAX];

    snprintf(dir, sizeof(dir), "%.4000s/none", f->dir);
    options.dir = dir;
    assert_int_equal(store_open(&options, &store), ERR_NOT_FOUND);
}

static void a_file_that_is_no_store_is_corrupt(void **state)
{
    struct fixture *f = *state;
    struct store_options options = { .dir = f->store_dir, .any_filesystem = true };
    char path[PATH_MAX + 32], junk[8192];
    FILE *file;

    store_close(&f->store);
    snprintf(path, sizeof(path), "%s/data.mdb", f->store_dir);
    file = fopen(path, "w");
    memset(junk, 'x', sizeof(junk));
    assert_int_equal(fwrite(junk, sizeof(junk), 1, file), 1);
    fclose(file);
    assert_int_equal(store_open(&options, &f->store), ERR_CORRUPT);
}

static void an_aborted_write_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);

    assert_int_equal(store_put(txn, f->t, bytes_of_text("a"), bytes_of_text("1")), 0);
    store_abort(&txn);
    assert_null(txn);
    assert_false(has(f, "a", "1"));
}

static void a_child_fails_alone(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f), *child;

    assert_int_equal(store_begin_child(txn, &child), 0);
    assert_int_equal(store_put(child, f->t, bytes_of_text("lost"), bytes_of_text("1")), 0);
    store_abort(&child);
    assert_int_equal(store_begin_child(txn, &child), 0);
    assert_int_equal(store_put(child, f->t, bytes_of_text("kept"), bytes_of_text("2")), 0);
    assert_int_equal(store_commit(&child), 0);
    assert_int_equal(store_commit(&txn), 0);
    assert_true(has(f, "kept", "2"));
    assert_false(has(f, "lost", "1"));
}

static void a_reader_sees_the_moment_it_began(void **state)
{
    struct fixture *f = *state;
    struct store_txn *before = reading(f);
    struct bytes view;

    put(f, "a", "1");
    assert_int_equal(store_get(before, f->t, bytes_of_text("a"), &view), ERR_NOT_FOUND);
    store_abort(&before);
    assert_true(has(f, "a", "1"));
}

static void put_new_keeps_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn;

    put(f, "a", "1");
    txn = writing(f);
    assert_int_equal(store_put_new(txn, f->t, bytes_of_text("a"), bytes_of_text("2")), ERR_EXISTS);
    assert_int_equal(store_del(txn, f->t, bytes_of_text("b")), ERR_NOT_FOUND);
    assert_int_equal(store_commit(&txn), 0); /* refusals do no harm to the rest */
    assert_true(has(f, "a", "1"));
}

static void a_key_has_a_bound(void **state)
{
    struct fixture *f = *state;
    char key[STORE_KEY_MAX + 1] = { 0 };
    struct store_txn *txn = writing(f);

    assert_int_equal(store_put(txn, f->t, bytes_of(key, sizeof(key)), bytes_of("", 0)), ERR_TOO_LARGE);
    assert_int_equal(store_put(txn, f->t, bytes_of(key, 0), bytes_of("", 0)), ERR_INVALID);
    assert_int_equal(store_put(txn, f->t, bytes_of(key, STORE_KEY_MAX), bytes_of("", 0)), 0);
    assert_int_equal(store_commit(&txn), 0);
}

static void a_snapshot_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = reading(f), *child;

    assert_int_equal(store_put(txn, f->t, bytes_of_text("a"), bytes_of_text("1")), ERR_INVALID);
    assert_int_equal(store_begin_child(txn, &child), ERR_INVALID);
    store_abort(&txn);
}

static void a_thread_never_waits_for_its_own_transaction(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f), *second;
    struct store_db *late;

    assert_int_equal(store_begin_write(f->store, &second), ERR_INVALID);
    assert_int_equal(store_db(f->store, "late", &late), ERR_INVALID);
    store_abort(&txn);
    assert_int_equal(store_db(f->store, "late", &late), 0);
}

static void cursors_go_both_ways_and_stop_at_the_ends(void **state)
{
    struct fixture *f = *state;
    struct bytes key, view;
    struct store_cursor *c;
    struct store_txn *txn;

    put(f, "b", "2");
    put(f, "a", "1");
    put(f, "c", "3");
    txn = reading(f);
    assert_int_equal(store_cursor_open(txn, f->t, &c), 0);
    assert_int_equal(store_cursor_first(c, &key, &view), 0);
    assert_true(bytes_equal(key, bytes_of_text("a")));
    assert_int_equal(store_cursor_prev(c, &key, &view), ERR_NOT_FOUND);
    assert_int_equal(store_cursor_seek(c, bytes_of_text("aa"), &key, &view), 0);
    assert_true(bytes_equal(key, bytes_of_text("b")) && bytes_equal(view, bytes_of_text("2")));
    assert_int_equal(store_cursor_next(c, &key, &view), 0);
    assert_int_equal(store_cursor_next(c, &key, &view), ERR_NOT_FOUND);
    assert_int_equal(store_cursor_last(c, &key, &view), 0);
    assert_true(bytes_equal(key, bytes_of_text("c")));
    store_cursor_close(&c);
    store_abort(&txn);
}

static void a_cursor_deletes_where_it_stands(void **state)
{
    struct fixture *f = *state;
    struct bytes key, view;
    struct store_cursor *c;
    struct store_txn *txn;
    uint64_t n;

    put(f, "a", "1");
    put(f, "b", "2");
    put(f, "c", "3");
    txn = writing(f);
    assert_int_equal(store_cursor_open(txn, f->t, &c), 0);
    assert_int_equal(store_cursor_seek(c, bytes_of_text("b"), &key, &view), 0);
    assert_int_equal(store_cursor_del(c), 0);
    assert_int_equal(store_cursor_next(c, &key, &view), 0);
    assert_true(bytes_equal(key, bytes_of_text("c")));
    store_cursor_close(&c);
    assert_int_equal(store_count(txn, f->t, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(store_clear(txn, f->t), 0);
    assert_int_equal(store_count(txn, f->t, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(store_commit(&txn), 0);
}

static void a_full_map_says_so_and_loses_nothing_committed(void **state)
{
    struct fixture *f = *state;
    struct store_options options = { .dir = f->store_dir, .map_size = 1 << 20, .any_filesystem = true };
    struct store_usage usage;
    static char value[64 << 10];
    int r = 0;

    put(f, "a", "1");
    store_close(&f->store);
    assert_int_equal(store_open(&options, &f->store), 0);
    assert_int_equal(store_db(f->store, "t", &f->t), 0);
    for (unsigned n = 0; r == 0 && n < 64; n++) {
        struct store_txn *txn = writing(f);
        uint8_t key[2] = { 'k', (uint8_t)n };

        r = store_put(txn, f->t, bytes_of(key, 2), bytes_of(value, sizeof(value)));
        if (r == 0)
            r = store_commit(&txn);
        else
            store_abort(&txn);
    }
    assert_int_equal(r, ERR_STORE_FULL);
    assert_false(store_is_broken(f->store));
    assert_int_equal(store_usage(f->store, &usage), 0);
    assert_true(usage.percent >= 60 && usage.percent <= 100);
    assert_true(has(f, "a", "1"));
}

static void usage_counts_what_is_free_again(void **state)
{
    struct fixture *f = *state;
    static char value[1 << 20];
    struct store_usage full, empty;
    struct store_txn *txn = NULL;

    txn = writing(f);
    assert_int_equal(store_put(txn, f->t, bytes_of_text("big"), bytes_of(value, sizeof(value))), 0);
    assert_int_equal(store_commit(&txn), 0);
    assert_int_equal(store_usage(f->store, &full), 0);
    txn = writing(f);
    assert_int_equal(store_del(txn, f->t, bytes_of_text("big")), 0);
    assert_int_equal(store_commit(&txn), 0);
    assert_int_equal(store_usage(f->store, &empty), 0);
    assert_true(full.used_bytes >= sizeof(value));
    assert_true(empty.free_bytes >= sizeof(value));
    assert_true(empty.percent < full.percent);
}

static void a_backup_opens_as_another_store_with_the_same_rows(void **state)
{
    struct fixture *f = *state;
    struct id uuid = store_uuid(f->store);
    char dir[PATH_MAX + 8];

    put(f, "a", "1");
    snprintf(dir, sizeof(dir), "%s/b", f->dir);
    assert_int_equal(store_backup(f->store, dir), 0);
    assert_int_equal(store_backup(f->store, dir), ERR_EXISTS);
    put(f, "later", "2");
    store_close(&f->store);
    strcpy(f->store_dir, dir);
    fixture_open(f);
    assert_true(has(f, "a", "1"));
    assert_false(has(f, "later", "2"));
    assert_true(store_is_new(f->store));
    assert_false(id_equal(uuid, store_uuid(f->store)));
    assert_int_equal(store_epoch(f->store), 1);
    uuid = store_uuid(f->store);
    fixture_reopen(f);
    assert_true(id_equal(uuid, store_uuid(f->store)));
}

static void a_copied_file_mints_a_new_uuid(void **state)
{
    struct fixture *f = *state;
    struct id uuid = store_uuid(f->store);
    char command[3 * PATH_MAX];

    store_close(&f->store);
    snprintf(command, sizeof(command), "cd %s && cp s/data.mdb copy && mv copy s/data.mdb", f->dir);
    assert_int_equal(system(command), 0);
    fixture_open(f);
    assert_true(store_is_new(f->store));
    assert_false(id_equal(uuid, store_uuid(f->store)));
}

/* The child writes pairs a(n), b(n) and tells each committed n through the pipe until it is killed. */
static void write_until_killed(const char *dir, int tell)
{
    struct store_options options = { .dir = dir, .map_size = 64 << 20, .any_filesystem = true };
    struct store *store;
    struct store_txn *txn;
    struct store_db *t;

    if (store_open(&options, &store) || store_db(store, "t", &t))
        _exit(1);
    for (uint32_t n = 1;; n++) {
        uint32_t a[2] = { 'a', n }, b[2] = { 'b', n };

        if (store_begin_write(store, &txn) || store_put(txn, t, bytes_of(a, sizeof(a)), bytes_of(&n, 4)) ||
            store_put(txn, t, bytes_of(b, sizeof(b)), bytes_of(&n, 4)) || store_commit(&txn))
            _exit(2);
        if (write(tell, &n, sizeof(n)) != sizeof(n))
            _exit(3);
    }
}

static void check_pairs(struct fixture *f, uint32_t told)
{
    struct store_txn *txn = reading(f);
    struct bytes view;
    uint32_t n;

    for (n = 1; n < told + 10; n++) {
        uint32_t a[2] = { 'a', n }, b[2] = { 'b', n };
        int ra = store_get(txn, f->t, bytes_of(a, sizeof(a)), &view);
        int rb = store_get(txn, f->t, bytes_of(b, sizeof(b)), &view);

        assert_int_equal(ra, rb); /* never half a transaction */
        if (n <= told)
            assert_int_equal(ra, 0); /* never less than what was told */
    }
    store_abort(&txn);
}

static void a_writer_killed_in_a_commit_loses_nothing_it_told(void **state)
{
    struct fixture *f = *state;

    for (unsigned round = 0; round < 8; round++) {
        uint32_t told = 0, n;
        int pipes[2], status;
        pid_t child;

        store_close(&f->store);
        assert_int_equal(pipe(pipes), 0);
        child = fork();
        if (child == 0) {
            close(pipes[0]);
            write_until_killed(f->store_dir, pipes[1]);
        }
        close(pipes[1]);
        while (told < 5 + 13 * round && read(pipes[0], &n, sizeof(n)) == sizeof(n))
            told = n;
        kill(child, SIGKILL); /* wherever it is by now: in a put, in a sync, between two commits */
        while (read(pipes[0], &n, sizeof(n)) == sizeof(n))
            told = n;
        close(pipes[0]);
        waitpid(child, &status, 0);
        assert_true(WIFSIGNALED(status));
        fixture_open(f);
        check_pairs(f, told);
    }
}

static int put_once(struct fixture *f, const char *key)
{
    struct store_txn *txn = NULL;
    int r = store_begin_write(f->store, &txn);

    if (r == 0)
        r = store_put(txn, f->t, bytes_of_text(key), bytes_of_text("v"));
    if (r == 0)
        return store_commit(&txn);
    store_abort(&txn);
    return r;
}

static void every_call_fails_once(struct fixture *f, enum store_fault mode)
{
    unsigned n = 1, unknown = 0;
    char key[32];
    int r;

    for (; store_fault_arm(n, mode); n++) {
        snprintf(key, sizeof(key), "%d-%u", mode, n);
        r = put_once(f, key);
        if (r == 0)
            break;
        if (r != ERR_OUTCOME_UNKNOWN) {
            assert_false(has(f, key, "v"));
            continue;
        }
        unknown++;
        assert_true(store_is_broken(f->store));
        assert_int_equal(put_once(f, key), ERR_OUTCOME_UNKNOWN); /* no more work, until a restart finds out */
        fixture_reopen(f);
        assert_int_equal(has(f, key, "v"), mode == STORE_FAULT_COMMITTED);
    }
    store_fault_disarm();
    assert_true(has(f, key, "v"));
    assert_int_equal(n, 4); /* begin, put, commit, and the run that met no fault */
    assert_int_equal(unknown, 1);
}

static void a_store_tells_the_truth_whichever_call_fails(void **state)
{
    struct fixture *f = *state;

    every_call_fails_once(f, STORE_FAULT_LOST);
    every_call_fails_once(f, STORE_FAULT_COMMITTED);
}

static void a_failed_write_lets_the_transaction_only_abort(void **state)
{
    struct fixture *f = *state;
    struct store_txn *txn = writing(f);

    assert_int_equal(store_put(txn, f->t, bytes_of_text("a"), bytes_of_text("1")), 0);
    store_fault_arm(1, STORE_FAULT_LOST);
    assert_int_equal(store_put(txn, f->t, bytes_of_text("b"), bytes_of_text("2")), ERR_IO);
    store_fault_disarm();
    assert_int_equal(store_commit(&txn), ERR_IO); /* the caller forgot to look */
    assert_false(store_is_broken(f->store));
    assert_false(has(f, "a", "1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_store(a_new_store_has_an_identity_that_a_reopening_keeps),
        with_store(a_second_owner_is_refused),
        with_store(a_store_that_must_exist_is_not_made),
        with_store(a_file_that_is_no_store_is_corrupt),
        with_store(an_aborted_write_leaves_nothing),
        with_store(a_child_fails_alone),
        with_store(a_reader_sees_the_moment_it_began),
        with_store(put_new_keeps_what_is_there),
        with_store(a_key_has_a_bound),
        with_store(a_snapshot_cannot_be_written),
        with_store(a_thread_never_waits_for_its_own_transaction),
        with_store(cursors_go_both_ways_and_stop_at_the_ends),
        with_store(a_cursor_deletes_where_it_stands),
        with_store(a_full_map_says_so_and_loses_nothing_committed),
        with_store(usage_counts_what_is_free_again),
        with_store(a_backup_opens_as_another_store_with_the_same_rows),
        with_store(a_copied_file_mints_a_new_uuid),
        with_store(a_writer_killed_in_a_commit_loses_nothing_it_told),
        with_store(a_store_tells_the_truth_whichever_call_fails),
        with_store(a_failed_write_lets_the_transaction_only_abort),
    };

    return cmocka_run_group_tests_name("store_env", tests, NULL, NULL);
}

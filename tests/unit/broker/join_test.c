/* Join files and the table of keys: what is written is read, and what is wrong is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/client/curve.h"
#include "gen/errors.h"

struct fixture {
    char dir[64], path[100];
    struct curve_join join;
    char text[2000];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct curve_pair broker, own;

    assert_non_null(f);
    strcpy(f->dir, "/tmp/join-test-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof f->path, "%s/file", f->dir);
    assert_int_equal(curve_make(&broker), 0);
    assert_int_equal(curve_make(&own), 0);
    f->join = (struct curve_join) { .endpoint = "tcp://192.0.2.1:5570", .role = "transcode", .name = "attic" };
    memcpy(f->join.broker, broker.public_key, sizeof broker.public_key);
    memcpy(f->join.secret, own.secret_key, sizeof own.secret_key);
    curve_join_text(&f->join, f->text, sizeof f->text);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    assert_int_equal(rmdir(f->dir), 0); /* nothing temporary is left */
    free(f);
    return 0;
}

static void write_text(const struct fixture *f, const char *text, unsigned mode)
{
    char error[256];

    assert_int_equal(curve_write_file(f->path, text, mode, false, error), 0);
}

static void a_join_file_is_read_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct curve_join read;
    char error[256];

    write_text(f, f->text, 0600);
    assert_int_equal(curve_join_read(f->path, &read, error), 0);
    assert_memory_equal(&read, &f->join, sizeof read);
}

static void a_join_file_that_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;
    struct curve_join read;
    char error[256];

    for (unsigned bit = 1; bit < 0100; bit <<= 1) {
        write_text(f, f->text, 0600 | bit);
        assert_int_equal(curve_join_read(f->path, &read, error), ERR_FORBIDDEN);
        assert_non_null(strstr(error, "chmod 600"));
    }
}

static void what_is_missing_or_wrong_in_a_join_file_is_told(void **state)
{
    static const char *const names[] = { "endpoint", "role", "name", "broker", "secret" };
    struct fixture *f = *state;
    struct curve_join read;
    char error[256], text[2100], line[32];

    assert_int_equal(curve_join_read(f->path, &read, error), ERR_NOT_FOUND);
    for (size_t i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "\n%s", names[i]);
        memcpy(text, f->text, sizeof f->text);
        strstr(text, line)[1] = '#'; /* the line is a comment now */
        write_text(f, text, 0600);
        assert_int_equal(curve_join_read(f->path, &read, error), ERR_INVALID);
        assert_non_null(strstr(error, names[i]));
        snprintf(text, sizeof text, "%s%s = x\n", f->text, names[i]); /* said twice */
        write_text(f, text, 0600);
        assert_int_equal(curve_join_read(f->path, &read, error), ERR_INVALID);
        assert_non_null(strstr(error, "line 7"));
    }
    write_text(f, "", 0600);
    assert_int_equal(curve_join_read(f->path, &read, error), ERR_INVALID);
    write_text(f, "no equals sign", 0600);
    assert_int_equal(curve_join_read(f->path, &read, error), ERR_INVALID);
    assert_non_null(strstr(error, "line 1"));
    assert_int_equal(curve_join_read(f->dir, &read, error), ERR_INVALID);
}

static void every_cut_of_a_join_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct curve_join read;
    char error[256], text[2000];

    for (size_t len = strlen(f->text) - 2; len > 7; len -= 7) {
        snprintf(text, sizeof text, "%.*s", (int)len, f->text);
        write_text(f, text, 0600);
        assert_int_not_equal(curve_join_read(f->path, &read, error), 0);
    }
}

static void a_table_is_read_as_it_was_written_and_finds_each_key(void **state)
{
    struct fixture *f = *state;
    struct curve_row rows[20] = { { .made_ms = 0 } };
    struct curve_table table = { rows, 20 }, read;
    char error[256];

    for (size_t i = 0; i < 20; i++) {
        struct curve_pair pair;

        assert_int_equal(curve_make(&pair), 0);
        snprintf(rows[i].role, sizeof rows[i].role, "role-%zu", i);
        snprintf(rows[i].name, sizeof rows[i].name, "Host.%zu", i);
        memcpy(rows[i].key, pair.public_key, sizeof pair.public_key);
        rows[i].made_ms = (int64_t)i;
    }
    assert_int_equal(curve_table_write(f->path, &table, error), 0);
    assert_int_equal(curve_table_read(f->path, &read, error), 0);
    for (size_t i = 0; i < 20; i++) {
        const struct curve_row *row = curve_table_find(&read, rows[i].key);

        assert_non_null(row);
        assert_string_equal(row->role, rows[i].role);
        assert_string_equal(row->name, rows[i].name);
        assert_int_equal(row->made_ms, rows[i].made_ms);
    }
    assert_null(curve_table_find(&read, ""));
    assert_null(curve_table_find(&read, f->join.secret));
    curve_table_free(&read);
}

static void a_line_that_is_not_understood_spoils_the_table_and_is_named(void **state)
{
    static const char *const lines[] = {
        "worker",         "worker attic KEY",    "worker attic KEY 1 more", "Worker attic KEY 1",
        "w at/tic KEY 1", "worker attic KEYx 1", "worker attic KEY soon"
    };
    struct fixture *f = *state;
    struct curve_table read;
    char error[256], text[400];

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *hole = strstr(lines[i], "KEY");
        int before = hole ? (int)(hole - lines[i]) : (int)strlen(lines[i]);

        snprintf(text, sizeof text, "kinobus-peers 1\n# a comment\n%.*s%s%s\n", before, lines[i],
                 hole ? f->join.broker : "", hole ? hole + 3 : "");
        write_text(f, text, 0644);
        assert_int_equal(curve_table_read(f->path, &read, error), ERR_INVALID);
        assert_non_null(strstr(error, "line 3"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_join_file_is_read_as_it_was_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_join_file_that_others_may_read_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_missing_or_wrong_in_a_join_file_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(every_cut_of_a_join_file_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_table_is_read_as_it_was_written_and_finds_each_key, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_that_is_not_understood_spoils_the_table_and_is_named, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* s3_fail_test - the S3 backend when something is wrong: an address, credentials, a store that is busy, cuts, loses answers, is
 * late or gone, and what a crash leaves. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/blobs/s3_stage.h"

#define PART ((size_t)5 * 1024 * 1024)

static int opened(void **state)
{
    *state = s3_open(s3_uri(), PATIENCE_MS, NULL);
    return 0;
}

static int closed(void **state)
{
    struct blobs *blobs = *state;
    int r;

    s3_tell("{\"clear\": true}");
    r = blob_delete_tree(blobs, "media/v/");
    blobs_close(&blobs);
    return r;
}

static int put_text(struct blobs *blobs, const char *name, const char *text, struct blob_info *info)
{
    return blob_put_new(blobs, name, bytes_of_text(text), info);
}

static bool holds(struct blobs *blobs, const char *name, const char *text)
{
    char buf[64];
    size_t got;

    return blob_read(blobs, name, 0, buf, sizeof(buf), &got) == 0 && got == strlen(text) &&
           !memcmp(buf, text, got);
}

/* ---- what an operator wrote */

static void an_address_that_is_none_is_told_in_a_sentence(void **state)
{
    static const struct {
        const char *uri, *says;
    } bad[] = {
        { "s3:videos", "s3://BUCKET" },
        { "s3://", "no name of a bucket" },
        { "s3://ab", "no name of a bucket" },
        { "s3://Videos", "no name of a bucket" },
        { "s3://videos/a//b", "prefix" },
        { "s3://videos/Films", "prefix" },
        { "s3://videos/../x", "prefix" },
        { "s3://videos?region=a b", "no region" },
        { "s3://videos?region=", "no region" },
        { "s3://videos?endpoint=ftp://x", "no http://" },
        { "s3://videos?endpoint=http://x/path", "no http://" },
        { "s3://videos?endpoint=http://u@x", "no http://" },
        { "s3://videos?secret=x", "none of endpoint=" },
        { "s3://videos?region", "none of endpoint=" },
        { "s3://videos?credentials=/none/of/it", "cannot be read" },
    };
    const struct blobs_s3_options how = { .lines = 1 };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char error[S3_SAID_MAX] = "";
        struct blobs *blobs;

        assert_int_equal(blobs_s3_open(bad[i].uri, &how, &blobs, error), ERR_INVALID);
        if (!strstr(error, bad[i].says))
            fail_msg("%s: %s", bad[i].uri, error);
    }
}

static void write_file(const char *path, const char *text, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
}

static void credentials_that_others_may_read_or_that_are_none_are_refused(void **state)
{
    const struct blobs_s3_options how = { .lines = 1 };
    char path[] = "/tmp/kinobus-keys-XXXXXX", where[256], error[S3_SAID_MAX];
    struct blobs *blobs;

    close(mkstemp(path));
    snprintf(where, sizeof(where), "s3://videos?credentials=%s", path);
    write_file(path, "aws_access_key_id = a\naws_secret_access_key = b\n", 0640);
    assert_int_equal(blobs_s3_open(where, &how, &blobs, error), ERR_INVALID);
    assert_non_null(strstr(error, "chmod 600"));
    write_file(path, "[default]\naws_access_key_id = a\n", 0600);
    assert_int_equal(blobs_s3_open(where, &how, &blobs, error), ERR_INVALID);
    assert_non_null(strstr(error, "aws_secret_access_key"));
    write_file(path, "[default]\n aws_access_key_id=a\naws_secret_access_key =  b  \n", 0600);
    assert_int_equal(blobs_s3_open(where, &how, &blobs, error), 0);
    assert_string_equal(blobs_s3_place(blobs), "videos at s3.us-east-1.amazonaws.com");
    blobs_close(&blobs);
    unlink(path);
    unsetenv("AWS_ACCESS_KEY_ID");
    assert_int_equal(blobs_s3_open("s3://videos", &how, &blobs, error), ERR_INVALID);
    assert_non_null(strstr(error, "there are no credentials"));
    setenv("AWS_ACCESS_KEY_ID", "a", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
    assert_int_equal(blobs_s3_open("s3://videos/a/b/?region=eu-west-1", &how, &blobs, error), 0);
    assert_string_equal(blobs_s3_place(blobs), "videos/a/b at s3.eu-west-1.amazonaws.com");
    blobs_close(&blobs);
}

static void a_wrong_secret_is_said_and_a_new_one_is_read_by_the_next_request(void **state)
{
    struct blobs *blobs = *state;
    char said[S3_SAID_MAX];

    s3_tell("{\"secret\": \"another\"}");
    assert_int_equal(blobs_s3_try(blobs), ERR_FORBIDDEN);
    blobs_s3_said(blobs, said);
    assert_non_null(strstr(said, "403 SignatureDoesNotMatch"));
    assert_int_equal(put_text(blobs, "media/v/a", "x", NULL), ERR_FORBIDDEN);
    s3_tell("{\"secret\": \"a_secret_of_tests/with+signs=\"}");
    assert_int_equal(blobs_s3_try(blobs), 0);
    assert_int_equal(put_text(blobs, "media/v/a", "x", NULL), 0);
}

static void who_only_reads_has_credentials_of_his_own(void **state)
{
    struct blobs_s3_options how = { .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .lines = 1 };
    char path[] = "/tmp/kinobus-keys-XXXXXX", where[1200], error[S3_SAID_MAX] = "";
    struct blobs *blobs = NULL;

    close(mkstemp(path));
    write_file(path, "aws_access_key_id = A\naws_secret_access_key = B\n", 0600);
    snprintf(where, sizeof(where), "%s&readers=%s", s3_uri(), path);
    for (unsigned i = 0; i < 2; i++) {
        how.reads = i == 1;
        assert_int_equal(blobs_s3_open(where, &how, &blobs, error), 0);
        assert_int_equal(blobs_s3_try(blobs), how.reads ? ERR_FORBIDDEN : 0);
        blobs_close(&blobs);
    }
    unlink(path);
}

static void a_bucket_that_is_not_there_is_no_missing_object(void **state)
{
    char where[1024], byte, said[S3_SAID_MAX];
    struct blobs *blobs;
    size_t got;

    snprintf(where, sizeof(where), "s3://others%s", s3_uri() + strlen("s3://videos"));
    blobs = s3_open(where, 0, NULL);
    assert_int_equal(blobs_s3_try(blobs), ERR_UNAVAILABLE);
    assert_int_equal(blob_read(blobs, "media/v/a", 0, &byte, 1, &got), ERR_UNAVAILABLE);
    blobs_s3_said(blobs, said);
    assert_non_null(strstr(said, "NoSuchBucket"));
    blobs_close(&blobs);
}

static void several_places_are_read_and_the_first_is_put_into(void **state)
{
    const struct blobs_s3_options how = { .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .lines = 1 };
    const char *uri = s3_uri(), *at = strstr(uri, "/films");
    struct blobs *all = NULL, *before = *state;
    char list[4096], error[S3_SAID_MAX] = "";
    struct blob_info info;

    snprintf(list, sizeof(list), " %.*s/new%s  %s ", (int)(at - uri), uri, at + strlen("/films"), uri);
    assert_int_equal(blobs_s3_open_all(list, &how, &all, error), 0);
    assert_int_equal(put_text(before, "media/v/a", "x", NULL), 0);
    assert_true(holds(all, "media/v/a", "x"));
    assert_int_equal(put_text(all, "media/v/b", "y", NULL), 0);
    assert_int_equal(blob_stat(before, "media/v/b", &info), ERR_NOT_FOUND);
    assert_int_equal(blob_delete_tree(all, "media/"), 0);
    assert_int_equal(blob_stat(before, "media/v/a", &info), ERR_NOT_FOUND);
    blobs_close(&all);

    snprintf(list, sizeof(list), "%s %s %s %s %s", uri, uri, uri, uri, uri);
    assert_int_equal(blobs_s3_open_all(list, &how, &all, error), ERR_INVALID);
    assert_string_equal(error, "s3: more than 4 places are named");
    snprintf(list, sizeof(list), "%s s3://", uri);
    assert_int_equal(blobs_s3_open_all(list, &how, &all, error), ERR_INVALID);
    assert_int_equal(blobs_s3_open_all("  ", &how, &all, error), ERR_INVALID);
    assert_non_null(strstr(error, "s3://BUCKET/PREFIX"));
}

static void what_a_folder_has_not_is_read_from_the_places_behind_it(void **state)
{
    const struct blobs_s3_options how = { .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .lines = 1 };
    struct blobs *all = NULL, *behind = *state;
    char dir[] = "/tmp/kinobus-behind-XXXXXX", error[S3_SAID_MAX] = "?", command[100];
    struct blob_info info;

    assert_non_null(mkdtemp(dir));
    assert_int_equal(put_text(behind, "media/v/a", "x", NULL), 0);
    assert_int_equal(blobs_s3_open_behind(dir, "", &how, &all, error), 0);
    assert_string_equal(error, "");
    assert_int_equal(blob_stat(all, "media/v/a", &info), ERR_NOT_FOUND);
    blobs_close(&all);
    assert_int_equal(blobs_s3_open_behind(dir, s3_uri(), &how, &all, error), 0);
    assert_true(holds(all, "media/v/a", "x"));
    assert_int_equal(put_text(all, "media/v/b", "y", NULL), 0);
    assert_int_equal(blob_stat(behind, "media/v/b", &info), ERR_NOT_FOUND);
    blobs_close(&all);
    assert_int_equal(blobs_s3_open_behind(dir, "s3://", &how, &all, error), ERR_INVALID);
    assert_null(all);
    assert_non_null(strstr(error, "no name of a bucket"));
    assert_true(blobs_s3_open_behind("/dev/null", s3_uri(), &how, &all, error) < 0);
    assert_string_equal(error, "");
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void who_does_not_answer_is_said_too(void **state)
{
    char said[S3_SAID_MAX];
    struct blobs *blobs;
    struct blobs_s3_options how = { .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .lines = 1 };

    setenv("AWS_ACCESS_KEY_ID", "a", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "b", 1);
    assert_int_equal(blobs_s3_open("s3://videos?endpoint=http://127.0.0.1:1", &how, &blobs, said), 0);
    assert_int_equal(blobs_s3_try(blobs), ERR_UNAVAILABLE);
    blobs_s3_said(blobs, said);
    assert_non_null(strstr(said, "no answer: "));
    blobs_close(&blobs);
}

/* ---- a store that fails */

static void what_is_answered_try_later_is_tried_again(void **state)
{
    struct blobs *blobs = *state, *hasty = s3_open(s3_uri(), 0, NULL);
    struct blob_info info;

    s3_tell("{\"match\": \"PUT \", \"status\": 503, \"times\": 2}");
    assert_int_equal(put_text(blobs, "media/v/a", "x", &info), 0);
    assert_true(holds(blobs, "media/v/a", "x"));
    s3_tell("{\"match\": \"HEAD \", \"status\": 500, \"times\": 1}");
    assert_int_equal(blob_stat(blobs, "media/v/a", &info), 0);
    s3_tell("{\"match\": \"GET \", \"status\": 503, \"times\": 9}");
    assert_false(holds(hasty, "media/v/a", "x"));
    blobs_close(&hasty);
}

static void an_answer_that_was_lost_is_no_second_object(void **state)
{
    struct blobs *blobs = *state;
    struct blob_info info = { 0 };

    s3_tell("{\"match\": \"PUT \", \"lose\": true, \"times\": 1}");
    assert_int_equal(put_text(blobs, "media/v/a", "mine", &info), 0);
    assert_int_equal(info.size, 4);
    assert_int_equal(put_text(blobs, "media/v/a", "other", &info), ERR_EXISTS);
    s3_tell("{\"match\": \"DELETE \", \"lose\": true, \"times\": 1}");
    assert_int_equal(blob_delete(blobs, "media/v/a"), 0);
    assert_int_equal(blob_stat(blobs, "media/v/a", &info), ERR_NOT_FOUND);
}

static void bytes_that_are_missing_are_asked_for_again(void **state)
{
    struct blobs *blobs = *state;

    assert_int_equal(put_text(blobs, "media/v/a", "0123456789", NULL), 0);
    s3_tell("{\"match\": \"GET \", \"cut\": 4, \"times\": 2}");
    assert_true(holds(blobs, "media/v/a", "0123456789"));
    s3_tell("{\"match\": \"list-type\", \"cut\": 100, \"times\": 1}");
    unsigned n = 0;
    assert_int_equal(blob_list(blobs, "media/v/", count_one, &n), 0);
    assert_int_equal(n, 1);
}

static void parts_that_fail_are_sent_again_and_what_cannot_be_ended_leaves_nothing(void **state)
{
    struct blobs *blobs = *state;
    uint8_t *data = calloc(1, PART);
    struct blob_writer *w;
    struct blob_info info;
    unsigned n = 9;

    s3_tell("{\"match\": \"partNumber=2\", \"swallow\": true, \"times\": 1}");
    s3_tell("{\"match\": \"partNumber=1\", \"lose\": true, \"times\": 1}");
    assert_int_equal(blob_new(blobs, "media/v/a", &w), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(blob_write(w, data, PART), 0);
    assert_int_equal(blob_commit(&w, NULL), 0);
    assert_int_equal(blob_stat(blobs, "media/v/a", &info), 0);
    assert_int_equal(info.size, 3 * PART);

    s3_tell("{\"match\": \"POST /videos/films/media/v/c?uploadId\", \"lose\": true, \"times\": 1}");
    assert_int_equal(blob_new(blobs, "media/v/c", &w), 0);
    assert_int_equal(blob_write(w, data, PART), 0);
    assert_int_equal(blob_commit(&w, NULL), 0);

    s3_tell("{\"match\": \"POST /videos/films/media/v/b?uploadId\", \"status\": 403, \"code\": \"AccessDenied\", "
            "\"times\": 1}");
    assert_int_equal(blob_new(blobs, "media/v/b", &w), 0);
    assert_int_equal(blob_write(w, data, PART), 0);
    assert_int_equal(blob_commit(&w, NULL), ERR_FORBIDDEN);
    assert_int_equal(blob_stat(blobs, "media/v/b", &info), ERR_NOT_FOUND);
    assert_int_equal(blobs_sweep(blobs, 0, &n), 0);
    assert_int_equal(n, 0);
    free(data);
}

static void what_a_crash_left_is_swept_and_what_is_being_written_is_not(void **state)
{
    struct blobs *blobs = *state, *other = s3_open(s3_uri(), PATIENCE_MS, NULL);
    uint8_t *data = calloc(1, PART);
    struct blob_writer *w, *lost;
    unsigned n = 0;

    assert_int_equal(blob_new(blobs, "media/v/a", &w), 0);
    assert_int_equal(blob_write(w, data, PART), 0);
    assert_int_equal(blob_new(other, "media/v/b", &lost), 0);
    assert_int_equal(blob_write(lost, data, PART), 0);
    assert_int_equal(blobs_sweep(blobs, 3600000, &n), 0); /* it is young */
    assert_int_equal(n, 0);
    assert_int_equal(blobs_sweep(blobs, 0, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(blob_commit(&w, NULL), 0);
    assert_int_equal(blob_commit(&lost, NULL), ERR_GONE);
    blobs_close(&other);
    free(data);
}

/* ---- a store that is late, or gone */

static void *cancel_soon(void *ctx)
{
    usleep(100000);
    atomic_store((atomic_bool *)ctx, true);
    return NULL;
}

static void who_waits_can_be_told_to_stop(void **state)
{
    atomic_bool cancel = false;
    struct blobs *blobs = s3_open(s3_uri(), PATIENCE_MS, &cancel);
    pthread_t thread;
    char byte;
    size_t got;

    s3_tell("{\"match\": \"GET \", \"wait\": 3600, \"times\": 1}");
    pthread_create(&thread, NULL, cancel_soon, &cancel);
    assert_int_equal(blob_read(blobs, "media/v/a", 0, &byte, 1, &got), ERR_CANCELLED);
    pthread_join(thread, NULL);
    blobs_close(&blobs);
}

static void after_nobody_answered_nobody_is_asked_for_a_while(void **state)
{
    const struct blobs_s3_options how = {
        .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .rest_ms = PATIENCE_MS, .lines = 1
    };
    char error[S3_SAID_MAX], byte;
    struct blobs *blobs;
    size_t got;

    assert_int_equal(blobs_s3_open(s3_uri(), &how, &blobs, error), 0);
    assert_int_equal(put_text(blobs, "media/v/a", "x", NULL), 0);
    s3_tell("{\"match\": \"GET \", \"status\": 503, \"times\": 1}");
    assert_int_equal(blob_read(blobs, "media/v/a", 0, &byte, 1, &got), ERR_UNAVAILABLE);
    assert_int_equal(blob_read(blobs, "media/v/a", 0, &byte, 1, &got),
                     ERR_UNAVAILABLE); /* it would answer by now */
    blobs_close(&blobs);
    assert_true(holds(*state, "media/v/a", "x"));
}

int main(void)
{
#define with_store(test) cmocka_unit_test_setup_teardown(test, opened, closed)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_that_is_none_is_told_in_a_sentence),
        cmocka_unit_test(credentials_that_others_may_read_or_that_are_none_are_refused),
        with_store(a_wrong_secret_is_said_and_a_new_one_is_read_by_the_next_request),
        cmocka_unit_test(who_only_reads_has_credentials_of_his_own),
        with_store(a_bucket_that_is_not_there_is_no_missing_object),
        with_store(several_places_are_read_and_the_first_is_put_into),
        with_store(what_a_folder_has_not_is_read_from_the_places_behind_it),
        cmocka_unit_test(who_does_not_answer_is_said_too),
        with_store(what_is_answered_try_later_is_tried_again),
        with_store(an_answer_that_was_lost_is_no_second_object),
        with_store(bytes_that_are_missing_are_asked_for_again),
        with_store(parts_that_fail_are_sent_again_and_what_cannot_be_ended_leaves_nothing),
        with_store(what_a_crash_left_is_swept_and_what_is_being_written_is_not),
        with_store(who_waits_can_be_told_to_stop),
        with_store(after_nobody_answered_nobody_is_asked_for_a_while),
    };

    return cmocka_run_group_tests_name("blobs_s3_fail", tests, s3_group_setup, s3_group_teardown);
}

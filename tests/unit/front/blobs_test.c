/* blobs_test - the blobs over HTTP: the backend at one end and a front at the other, in one process. What is true of every
 * backend first (tests/unit/blobs/conform.c), then what rights allow, and requests that no backend of ours would make. */
#include "tests/unit/front/blob_stage.h"

#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_right_opens_its_folder_and_nothing_else(void **state)
{
    static const char *const outside[] = { "raw/w/a",          "raw/v",          "raw/vv/a",
                                           "raw/V/a",          "RAW/v/a",        "raw/v/../w/a",
                                           "raw/v/%2e%2e/w/a", "raw/v/%2E./w/a", "raw/v%2F..%2Fw/a",
                                           "raw/v/./a",        "raw//v/a",       "./raw/v/a",
                                           "raw/v/..\\w\\a",   "media/v/a",      "" };
    struct conform *c = *state;
    char right[BLOB_RIGHT_SIZE];

    assert_int_equal(put_new(&c->folder, "raw/v/a", "mine", NULL), 0);
    assert_int_equal(put_new(&c->folder, "raw/v/b/c", "mine too", NULL), 0);
    assert_int_equal(put_new(&c->folder, "raw/w/a", "another's", NULL), 0);
    assert_int_equal(put_new(&c->folder, "media/v/a", "another's", NULL), 0);
    right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", soon());
    assert_int_equal(get(right, "raw/v/a"), 200);
    assert_int_equal(get(right, "raw/v/b/c"), 200);
    assert_int_equal(get(right, "raw/v/none"), 404);
    assert_int_equal(get(right, "raw/w/a"), 403);
    for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
        struct answer a = ask("GET", right, outside[i], "", "");

        assert_true(a.status >= 400 && a.status < 500);
        assert_null(strstr(a.text, "mine"));
        assert_null(strstr(a.text, "another's"));
    }
}

static void a_right_is_good_for_what_it_says_until_it_ends(void **state)
{
    struct conform *c = *state;
    char right[BLOB_RIGHT_SIZE];

    assert_int_equal(put_new(&c->folder, "raw/v/a", "mine", NULL), 0);
    assert_int_equal(put(right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", soon()), "raw/v/new", "x"), 403);
    assert_int_equal(get(right_of(right, 1, BLOB_RIGHT_PUT_NEW, "raw/v/", soon()), "raw/v/a"), 403);
    assert_int_equal(put(right, "raw/v/new", "x"), 201);
    assert_int_equal(put(right, "raw/v/new", "y"), 409);
    assert_true(reads(&c->folder, "raw/v/new", "x"));
    assert_int_equal(ask("DELETE", right, "raw/v/new", "", "").status, 405);
    assert_int_equal(get(right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", front_now() / 1000 - 1), "raw/v/a"), 403);
    assert_int_equal(get(right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", front_now() / 1000 + 3600), "raw/v/a"),
                     200);
}

static bool refused(const char *right)
{
    int status = get(right, "raw/v/a");

    return status == 403 || status == 404; /* 404: no right could look so */
}

static void a_right_that_was_changed_anywhere_is_none(void **state)
{
    struct conform *c = *state;
    char right[BLOB_RIGHT_SIZE];
    size_t len;

    assert_int_equal(put_new(&c->folder, "raw/v/a", "mine", NULL), 0);
    right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", soon());
    len = strlen(right);
    for (size_t i = 0; i < len; i++) {
        char kept = right[i];

        right[i] = kept == '1' ? '2' : '1';
        assert_true(refused(right));
        right[i] = kept == 'r' ? 'n' : '.';
        if (right[i] != kept)
            assert_true(refused(right));
        right[i] = kept;
    }
    assert_int_equal(get(right, "raw/v/a"), 200);
    strcpy(right + len, "A");
    assert_true(refused(right));
    right[len - 1] = 0;
    assert_true(refused(right));
}

static void no_answer_repeats_a_right(void **state)
{
    char right[BLOB_RIGHT_SIZE];
    struct answer a = ask("GET", right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", soon()), "raw/w/a", "", "");

    assert_int_equal(a.status, 403);
    assert_non_null(strstr(a.text, "/blobs/-/raw/w/a"));
    assert_null(strstr(a.text, right));
}

static void what_is_put_is_checked_and_leaves_nothing_otherwise(void **state)
{
    static const char *const no_hash = "Content-Length: 3\r\n";
    static const char *const other_hash =
        "Content-Length: 3\r\nBlob-Hash: 0000000000000000000000000000000000000000000000000000000000000000\r\n";
    static const char *const short_hash = "Content-Length: 3\r\nBlob-Hash: bddd81\r\n";
    static const char
        *const too_long = "Content-Length: 4194305\r\n"
                          "Blob-Hash: bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
                          "\r\n";
    static const char
        *const no_length = "Blob-Hash: bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
                           "\r\n";
    struct conform *c = *state;
    char right[BLOB_RIGHT_SIZE];

    right_of(right, 1, BLOB_RIGHT_PUT_NEW, "media/v/1/", soon());
    assert_int_equal(ask("PUT", right, "media/v/1/a", no_hash, "abc").status, 412);
    assert_int_equal(ask("PUT", right, "media/v/1/a", short_hash, "abc").status, 412);
    assert_int_equal(ask("PUT", right, "media/v/1/a", other_hash, "abc").status, 460);
    assert_int_equal(ask("PUT", right, "media/v/1/a", too_long, "").status, 413);
    assert_int_equal(ask("PUT", right, "media/v/1/a", no_length, "").status, 411);
    assert_int_equal(count(&c->folder, ""), 0);
    debris = 0;
    nftw(c->folder.dir, count_debris, 8, FTW_PHYS);
    assert_int_equal(debris, 0);
    assert_int_equal(put(right, "media/v/1/a", "abc"), 201);
}

static void a_body_that_breaks_off_leaves_nothing(void **state)
{
    struct conform *c = *state;
    char right[BLOB_RIGHT_SIZE], text[1024];
    int fd = dial(), n;

    right_of(right, 1, BLOB_RIGHT_PUT_NEW, "media/v/1/", soon());
    n = snprintf(text, sizeof(text),
                 "PUT /blobs/%s/media/v/1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nBlob-Hash: "
                 "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319\r\n\r\nab",
                 right);
    assert_int_equal(write(fd, text, (size_t)n), n);
    shutdown(fd, SHUT_WR);
    hear(fd);
    while (atomic_load(&front.counters[FRONT_IN_FLIGHT]) > 0)
        usleep(1000);
    assert_int_equal(count(&c->folder, ""), 0);
    debris = 0;
    nftw(c->folder.dir, count_debris, 8, FTW_PHYS);
    assert_int_equal(debris, 0);
}

/* The backend's side of the same. */
static void without_a_right_nothing_is_asked_and_with_a_bad_one_the_front_says_no(void **state)
{
    struct conform *c = *state;
    struct blobs *blobs = open_http(PATIENCE_MS);
    char right[BLOB_RIGHT_SIZE], byte;
    uint64_t requests = atomic_load(&front.counters[FRONT_REQUESTS]);
    size_t got;

    assert_int_equal(put_new(&c->folder, "raw/v/a", "mine", NULL), 0);
    assert_int_equal(blob_read(blobs, "raw/v/a", 0, &byte, 1, &got), ERR_FORBIDDEN);
    assert_int_equal(blob_put_new(blobs, "raw/v/b", bytes_of_text("x"), NULL), ERR_FORBIDDEN);
    assert_int_equal(atomic_load(&front.counters[FRONT_REQUESTS]), requests);
    assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, "raw/v/", "../x"), ERR_INVALID);
    assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, "raw/v/", ""), ERR_INVALID);
    right_of(right, 1, BLOB_RIGHT_READ, "raw/w/", soon());
    assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, "raw/v/", right), 0);
    assert_int_equal(blob_read(blobs, "raw/v/a", 0, &byte, 1, &got), ERR_FORBIDDEN);
    blobs_close(&blobs);
}

static void reads_that_follow_each_other_are_few_requests(void **state)
{
    struct conform *c = *state;
    struct bytes data = { .data = calloc(1, 4 << 20), .len = 4 << 20 };
    uint64_t requests;
    char piece[65536];
    size_t got;

    assert_int_equal(blob_put_new(c->folder.blobs, "raw/v/a", data, NULL), 0);
    requests = atomic_load(&front.counters[FRONT_REQUESTS]);
    for (uint64_t at = 0; at < data.len; at += got)
        assert_int_equal(blob_read(c->blobs, "raw/v/a", at, piece, sizeof(piece), &got), 0);
    /* 64 pieces: 1, 1, 2, 4, 8 of them, and 16 at a time from there on */
    assert_true(atomic_load(&front.counters[FRONT_REQUESTS]) - requests <= 9);
    assert_int_equal(blobs_traffic(c->blobs).read, data.len);
    free((void *)(uintptr_t)data.data);
}

static void only_urls_of_a_front_are_opened(void **state)
{
    static const char *const bad[] = {
        "",           "ftp://a",     "http://",         "https:///x", "http://a b",
        "http://a?b", "http://a@b/", "file:/tmp/blobs", "http://a#b", "front:8080"
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct blobs_http_options how = { .url = bad[i] };
        struct blobs *blobs;

        assert_int_equal(blobs_http_open(&how, &blobs), ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_http(a_right_opens_its_folder_and_nothing_else),
        with_http(a_right_is_good_for_what_it_says_until_it_ends),
        with_http(a_right_that_was_changed_anywhere_is_none),
        with_http(no_answer_repeats_a_right),
        with_http(what_is_put_is_checked_and_leaves_nothing_otherwise),
        with_http(a_body_that_breaks_off_leaves_nothing),
        with_http(without_a_right_nothing_is_asked_and_with_a_bad_one_the_front_says_no),
        with_http(reads_that_follow_each_other_are_few_requests),
        cmocka_unit_test(only_urls_of_a_front_are_opened),
    };
    int failed;

    if (start_front(NULL) < 0)
        return 1;
    failed = conform_run("blobs_http", http_setup, http_teardown, http_another);
    failed += cmocka_run_group_tests_name("front_blobs", tests, NULL, NULL);
    stop_front(NULL);
    return failed;
}

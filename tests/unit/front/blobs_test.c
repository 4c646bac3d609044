/* blobs_test - the blobs over HTTP: the backend at one end and a front at the other, in one process. What is true of every
 * backend first (tests/unit/blobs/conform.c), then what rights allow, and requests that no backend of ours would make. */
#include "tests/unit/blobs/conform.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/runtime/blob_right/blob_right.h"
#include "actors/runtime/log.h"
#include "data/blobs/http.h"
#include "gen/catalog.h"
#include "web/front/hub.h"
#include "web/front/keyring.h"
#include "web/front/server.h"
#include "web/front/uploads.h"

#define SECRETS 2

static struct front_settings settings;
static struct front front;
static uint8_t secrets[SECRETS][BLOB_RIGHT_KEY_SIZE];

/* ---- a front */

static unsigned free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

/* As the catalog publishes them. */
static void tell_keys(void)
{
    struct blob_key keys[SECRETS];
    struct blob_keys value = { .keys = keys, .keys_n = SECRETS };
    struct buf packed = { 0 };

    for (unsigned i = 0; i < SECRETS; i++) {
        randombytes_buf(secrets[i], sizeof(secrets[i]));
        keys[i] = (struct blob_key) { .kid = i + 1, .key = bytes_of(secrets[i], sizeof(secrets[i])) };
    }
    assert_int_equal(blob_keys_pack(&value, &packed), 0);
    keyring_value(front.keyring, "catalog.blob_keys", "", buf_bytes(&packed));
    buf_free(&packed);
}

static int start_front(void **state)
{
    char error[256] = "";

    log_set_level(LOG_AT_ERROR);
    settings = (struct front_settings) {
        .address = "127.0.0.1", .port = free_port(), .threads = 24, .blobs = 16, .blob_mib = 4, .blob_s = 60
    };
    front.settings = &settings;
    front.web_dir = -1;
    front.hub = hub_new();
    front.uploads = uploads_new(1, 1000);
    front.keyring = keyring_new();
    tell_keys();
    if (server_start(&front, error) < 0) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    return 0;
}

static int stop_front(void **state)
{
    server_stop(&front, 5000);
    hub_free(&front.hub);
    uploads_free(&front.uploads);
    keyring_free(&front.keyring);
    return 0;
}

/* ---- a handle of the backend */

static const char *right_of(char to[static BLOB_RIGHT_SIZE], unsigned kid, enum blob_right_may may,
                            const char *folder, int64_t expires_s)
{
    struct blob_right right = { .kid = kid, .may = may, .expires_s = expires_s };

    assert_true(blob_right_mint(&right, folder, secrets[kid - 1], to));
    return to;
}

static int64_t soon(void)
{
    return front_now() / 1000 + 600;
}

static struct blobs *open_http(unsigned patience_ms)
{
    char url[64];
    struct blobs_http_options how = {
        .url = url, .connect_ms = 2000, .quiet_s = 10, .patience_ms = patience_ms, .ahead = 1 << 20
    };
    struct blobs *blobs = NULL;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/", (unsigned)settings.port);
    assert_int_equal(blobs_http_open(&how, &blobs), 0);
    return blobs;
}

static struct blobs *http_another(struct conform *c)
{
    static const char *const folders[] = { "media/v/", "raw/v/" };
    struct blobs *blobs = open_http(5000);
    char right[BLOB_RIGHT_SIZE];

    for (unsigned i = 0; i < 2; i++) {
        right_of(right, i + 1, BLOB_RIGHT_READ, folders[i], soon());
        assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, folders[i], right), 0);
        right_of(right, i + 1, BLOB_RIGHT_PUT_NEW, folders[i], soon());
        assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_PUT_NEW, folders[i], right), 0);
    }
    return blobs;
}

static int http_setup(void **state)
{
    struct conform *c = calloc(1, sizeof(*c));

    if (make_folder(&c->folder) < 0)
        return -1;
    front.blobs = c->folder.blobs;
    c->blobs = http_another(c);
    *state = c;
    return 0;
}

static int http_teardown(void **state)
{
    struct conform *c = *state;

    blobs_close(&c->blobs);
    remove_folder(&c->folder);
    free(c);
    return 0;
}

/* ---- requests made by hand */

struct answer {
    int status;
    char text[4096];
};

static int dial(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)settings.port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static struct answer hear(int fd)
{
    struct answer a = { 0 };
    size_t len = 0;
    ssize_t n;

    while (len < sizeof(a.text) - 1 && (n = read(fd, a.text + len, sizeof(a.text) - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    sscanf(a.text, "HTTP/1.1 %d", &a.status);
    return a;
}

static struct answer ask(const char *method, const char *right, const char *name, const char *headers,
                         const char *body)
{
    char text[4096];
    int fd = dial(), n;

    n = snprintf(text, sizeof(text), "%s /blobs/%s/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n%s",
                 method, right, name, headers, body);
    assert_int_equal(write(fd, text, (size_t)n), n);
    return hear(fd);
}

static int get(const char *right, const char *name)
{
    return ask("GET", right, name, "", "").status;
}

/* With the hash and the length of what is put. */
static int put(const char *right, const char *name, const char *body)
{
    char headers[256], hex[2 * BLOB_HASH_SIZE + 1];
    uint8_t hash[BLOB_HASH_SIZE];

    crypto_generichash(hash, sizeof(hash), (const uint8_t *)body, strlen(body), NULL, 0);
    snprintf(headers, sizeof(headers), "Content-Length: %zu\r\nBlob-Hash: %s\r\n", strlen(body),
             sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash)));
    return ask("PUT", right, name, headers, body).status;
}

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
    struct blobs *blobs = open_http(5000);
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

/* The disk is full when a file may not grow any more: EFBIG is answered as ENOSPC is. */
static void a_full_store_says_so_and_keeps_no_part(void **state)
{
    struct conform *c = *state;
    struct bytes data = { .data = calloc(1, 2 << 20), .len = 2 << 20 };
    struct rlimit was, small = { .rlim_cur = 1 << 20 };

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small.rlim_max = was.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(blob_put_new(c->blobs, "media/v/1/a", data, NULL), ERR_STORE_FULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(count(&c->folder, ""), 0);
    debris = 0;
    nftw(c->folder.dir, count_debris, 8, FTW_PHYS);
    assert_int_equal(debris, 0);
    assert_int_equal(blob_put_new(c->blobs, "media/v/1/a", data, NULL), 0);
    free((void *)(uintptr_t)data.data);
}

static void as_many_as_may_be_are_served_and_the_next_one_tries_again(void **state)
{
    struct conform *c = *state;
    struct blobs *blobs = open_http(100);
    char right[BLOB_RIGHT_SIZE], byte;
    size_t got;

    assert_int_equal(put_new(&c->folder, "raw/v/a", "mine", NULL), 0);
    right_of(right, 1, BLOB_RIGHT_READ, "raw/v/", soon());
    assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, "raw/v/", right), 0);
    atomic_fetch_add(&front.counters[FRONT_BLOBS_OPEN], settings.blobs); /* so many are on their way */
    assert_int_equal(get(right, "raw/v/a"), 503);
    assert_int_equal(blob_read(blobs, "raw/v/a", 0, &byte, 1, &got), ERR_UNAVAILABLE);
    atomic_fetch_sub(&front.counters[FRONT_BLOBS_OPEN], settings.blobs);
    assert_int_equal(blob_read(blobs, "raw/v/a", 0, &byte, 1, &got), 0);
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
    assert_int_equal(blobs_http_traffic(c->blobs).read, data.len);
    free((void *)(uintptr_t)data.data);
}

/* ---- a server that fails, for a try or for good */

struct flaky {
    int listener, fails;
    pthread_t thread;
    unsigned port;
    bool swallow; /* hands the request on, and loses the answer */
};

/* What comes from one goes to the other; false: it ended, or was lost. */
static bool flaky_pump(int from, int to, bool swallow)
{
    char piece[8192];
    ssize_t n = read(from, piece, sizeof(piece));

    return n > 0 && !swallow && write(to, piece, (size_t)n) == n;
}

static void flaky_pass(int client, bool swallow)
{
    int server = dial();
    struct pollfd at[] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };
    bool on = true;

    while (on && poll(at, 2, -1) > 0) {
        if (at[1].revents) /* it was done, whether the client hears of it or not */
            on = flaky_pump(server, client, swallow);
        else if (at[0].revents)
            on = flaky_pump(client, server, false);
    }
    close(server);
}

static void *flaky_serve(void *arg)
{
    struct flaky *f = arg;

    for (;;) {
        int fd = accept(f->listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        if (f->fails-- <= 0)
            flaky_pass(fd, false);
        else if (f->swallow)
            flaky_pass(fd, true);
        close(fd);
    }
}

static struct blobs *open_flaky(struct flaky *f, unsigned patience_ms, const atomic_bool *cancel)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char url[64], right[BLOB_RIGHT_SIZE];
    struct blobs_http_options how = {
        .url = url, .connect_ms = 2000, .quiet_s = 10, .patience_ms = patience_ms, .cancel = cancel
    };
    socklen_t len = sizeof(at);
    struct blobs *blobs = NULL;

    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(f->listener, 8), 0);
    assert_int_equal(getsockname(f->listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, flaky_serve, f), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(at.sin_port));
    assert_int_equal(blobs_http_open(&how, &blobs), 0);
    right_of(right, 1, BLOB_RIGHT_PUT_NEW, "media/v/", soon());
    assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_PUT_NEW, "media/v/", right), 0);
    right_of(right, 1, BLOB_RIGHT_READ, "media/v/", soon());
    assert_int_equal(blobs_http_allow(blobs, BLOBS_HTTP_READ, "media/v/", right), 0);
    return blobs;
}

static void close_flaky(struct flaky *f, struct blobs **blobs)
{
    blobs_close(blobs);
    shutdown(f->listener, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->listener);
}

static void what_fails_on_the_way_is_tried_again(void **state)
{
    struct conform *c = *state;
    struct flaky f = { .fails = 3 };
    struct blobs *blobs = open_flaky(&f, 20000, NULL);
    char buf[8];
    size_t got;

    assert_int_equal(put_new(&c->folder, "media/v/a", "abc", NULL), 0);
    assert_int_equal(blob_read(blobs, "media/v/a", 0, buf, sizeof(buf), &got), 0);
    assert_int_equal(got, 3);
    close_flaky(&f, &blobs);
}

static void a_put_whose_answer_was_lost_finds_its_own_bytes(void **state)
{
    struct conform *c = *state;
    struct flaky f = { .fails = 1, .swallow = true };
    struct blobs *blobs = open_flaky(&f, 20000, NULL);
    struct blob_info info;

    assert_int_equal(blob_put_new(blobs, "media/v/a", bytes_of_text("abc"), &info), 0);
    assert_true(info.hashed && info.size == 3);
    assert_true(reads(&c->folder, "media/v/a", "abc"));
    assert_int_equal(blob_put_new(blobs, "media/v/a", bytes_of_text("abc"), &info), ERR_EXISTS);
    close_flaky(&f, &blobs);
}

static void patience_ends_and_cancelling_ends_it_sooner(void **state)
{
    struct flaky f = { .fails = 1000000 };
    atomic_bool cancel = false;
    struct blobs *blobs = open_flaky(&f, 200, &cancel);
    char byte;
    size_t got;

    assert_int_equal(blob_read(blobs, "media/v/a", 0, &byte, 1, &got), ERR_UNAVAILABLE);
    close_flaky(&f, &blobs);
    f = (struct flaky) { .fails = 1000000 };
    cancel = true;
    blobs = open_flaky(&f, 3600000, &cancel);
    assert_int_equal(blob_read(blobs, "media/v/a", 0, &byte, 1, &got), ERR_CANCELLED);
    close_flaky(&f, &blobs);
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
#define with_http(test) cmocka_unit_test_setup_teardown(test, http_setup, http_teardown)
    const struct CMUnitTest tests[] = {
        with_http(a_right_opens_its_folder_and_nothing_else),
        with_http(a_right_is_good_for_what_it_says_until_it_ends),
        with_http(a_right_that_was_changed_anywhere_is_none),
        with_http(no_answer_repeats_a_right),
        with_http(what_is_put_is_checked_and_leaves_nothing_otherwise),
        with_http(a_body_that_breaks_off_leaves_nothing),
        with_http(without_a_right_nothing_is_asked_and_with_a_bad_one_the_front_says_no),
        with_http(a_full_store_says_so_and_keeps_no_part),
        with_http(as_many_as_may_be_are_served_and_the_next_one_tries_again),
        with_http(reads_that_follow_each_other_are_few_requests),
        with_http(what_fails_on_the_way_is_tried_again),
        with_http(a_put_whose_answer_was_lost_finds_its_own_bytes),
        with_http(patience_ends_and_cancelling_ends_it_sooner),
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

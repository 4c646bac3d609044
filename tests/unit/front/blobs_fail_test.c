/* blobs_fail_test - the blobs over HTTP when something fails: a full disk, a front that has no place, a server that is lost for
 * a try or for good, with what it was told or before. */
#include "tests/unit/front/blob_stage.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

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
        .url = url, .connect_ms = PATIENCE_MS, .quiet_s = PATIENCE_S, .patience_ms = patience_ms, .cancel = cancel
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
    struct blobs *blobs = open_flaky(&f, PATIENCE_MS, NULL);
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
    struct blobs *blobs = open_flaky(&f, PATIENCE_MS, NULL);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_http(a_full_store_says_so_and_keeps_no_part),
        with_http(as_many_as_may_be_are_served_and_the_next_one_tries_again),
        with_http(what_fails_on_the_way_is_tried_again),
        with_http(a_put_whose_answer_was_lost_finds_its_own_bytes),
        with_http(patience_ends_and_cancelling_ends_it_sooner),
    };
    int failed;

    if (start_front(NULL) < 0)
        return 1;
    failed = cmocka_run_group_tests_name("front_blobs_fail", tests, NULL, NULL);
    stop_front(NULL);
    return failed;
}

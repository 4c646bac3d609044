/* An original through a clamd that is a thread of this program: what it gets, byte for byte, and what its answers, its limits and
 * its silence come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/fetcher/scan.h"
#include "gen/errors.h"

enum { FILM = 300000, CUT = 100001 };

struct world {
    char dir[64], path[100];
    int listener;
    pthread_t thread;
    struct blobs *blobs;
    uint8_t film[FILM], heard[FILM + 1];
    uint64_t heard_n; /* of the last stream */
    unsigned streams;
    /* what it does */
    const char *answer; /* NULL: it hangs up instead */
    uint64_t takes;     /* bytes of a stream: with one more it says so and hangs up */
    bool is_early;      /* it answers after the first chunk, and hangs up */
    bool is_silent;
};

/* ---- clamd */

static bool get(int fd, void *to, size_t len)
{
    for (size_t n = 0; n < len;) {
        ssize_t got = recv(fd, (char *)to + n, len - n, 0);

        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

static void say(int fd, const char *answer)
{
    if (answer)
        send(fd, answer, strlen(answer) + 1, MSG_NOSIGNAL);
}

static void serve_stream(struct world *w, int fd)
{
    static uint8_t chunk[1 << 20];
    char command[10];
    uint32_t len;

    w->heard_n = 0;
    w->streams++;
    if (!get(fd, command, sizeof(command)) || memcmp(command, "zINSTREAM", sizeof(command)) != 0)
        return;
    while (get(fd, &len, sizeof(len)) && (len = ntohl(len)) && len <= sizeof(chunk)) {
        if (w->heard_n + len > w->takes) {
            say(fd, "INSTREAM size limit exceeded. ERROR");
            return;
        }
        if (!get(fd, chunk, len))
            return;
        if (w->heard_n + len <= sizeof(w->heard))
            memcpy(w->heard + w->heard_n, chunk, len);
        w->heard_n += len;
        if (w->is_early)
            break;
    }
    if (w->is_silent)
        get(fd, &len, 1); /* until the other side has had enough */
    else
        say(fd, w->answer);
}

static void *serve(void *arg)
{
    struct world *w = arg;
    int fd;

    while ((fd = accept(w->listener, NULL, NULL)) >= 0) {
        serve_stream(w, fd);
        close(fd);
    }
    return NULL;
}

/* ---- the stage */

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    char uri[80];

    strcpy(w->dir, "/tmp/kinobus-scan-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(uri, sizeof(uri), "file:%s/blobs", w->dir);
    snprintf(w->path, sizeof(w->path), "%s/clamd.ctl", w->dir);
    assert_int_equal(blobs_open(uri, &w->blobs), 0);
    for (size_t i = 0; i < FILM; i++)
        w->film[i] = (uint8_t)(i * 2654435761U >> 13);
    assert_int_equal(blob_put_new(w->blobs, "raw/v/a", bytes_of(w->film, CUT), NULL), 0);
    assert_int_equal(blob_put_new(w->blobs, "raw/v/b", bytes_of(w->film + CUT - 7, FILM - CUT + 7), NULL), 0);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", w->path);
    w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(w->listener, 8), 0);
    w->takes = UINT64_MAX;
    w->answer = "stream: OK";
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[100];

    shutdown(w->listener, SHUT_RDWR);
    pthread_join(w->thread, NULL);
    close(w->listener);
    blobs_close(&w->blobs);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

/* The film of two objects; the second begins with bytes that are none of it. */
static struct scan_try *scan_of(struct world *w, uint64_t most)
{
    struct scan_try head = { .blobs = w->blobs, .timeout_s = 20, .most = most };
    struct buf block = { 0 };

    snprintf(head.place.path, sizeof(head.place.path), "%s", w->path);
    scan_make(&block, &head);
    assert_int_equal(scan_add(&block, 0, CUT, "raw/v/a"), 0);
    assert_int_equal(scan_add(&block, 7, FILM - CUT, "raw/v/b"), 0);
    return (struct scan_try *)block.data;
}

/* One try; free() it. */
static struct scan_try *scanned(struct world *w, uint64_t most, int expected)
{
    struct scan_try *scan = scan_of(w, most);

    assert_int_equal(scan_run(scan), expected);
    return scan;
}

static void all_of_an_original_is_sent_and_found_clean(void **state)
{
    struct world *w = *state;
    struct scan_try *scan = scanned(w, 1 << 20, 0);

    assert_int_equal(scan->end, SCAN_CLEAN);
    assert_int_equal(scan->looked, FILM);
    assert_int_equal(w->heard_n, FILM);
    assert_memory_equal(w->heard, w->film, FILM);
    assert_int_equal(w->streams, 1);
    free(scan);
}

static void what_is_found_has_a_name(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    w->answer = "stream: Eicar-Test-Signature FOUND";
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_INFECTED);
    assert_string_equal(scan->said, "Eicar-Test-Signature");
    free(scan);
}

static void of_a_longer_one_the_beginning_is_sent_and_that_is_said(void **state)
{
    struct world *w = *state;
    struct scan_try *scan = scanned(w, 200000, 0);

    assert_int_equal(scan->end, SCAN_PARTIAL);
    assert_int_equal(scan->looked, 200000);
    assert_int_equal(w->heard_n, 200000);
    assert_memory_equal(w->heard, w->film, 200000);
    assert_string_equal(scan->said, "clamd looked at the first 200000 of 300000 bytes");
    free(scan);
}

static void where_it_takes_less_less_is_sent(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    w->takes = 80000;
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_PARTIAL);
    assert_int_equal(scan->looked, FILM / 4);
    assert_memory_equal(w->heard, w->film, FILM / 4);
    assert_int_equal(w->streams, 3);
    assert_non_null(strstr(scan->said, "the first 75000 of 300000 bytes; it takes no more in a stream"));
    free(scan);
}

static void one_that_takes_next_to_nothing_is_of_no_use(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    w->takes = 1000;
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_UNSCANNABLE);
    assert_non_null(strstr(scan->said, "StreamMaxLength"));
    free(scan);
}

static void a_limit_of_its_own_that_it_tells_of_is_no_virus(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    w->answer = "stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND";
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_PARTIAL);
    assert_non_null(strstr(scan->said, "MaxScanSize"));
    assert_int_equal(scan->looked, 0); /* how far it came it does not say */
    free(scan);
}

static void what_it_finds_before_the_end_counts_and_nothing_else_does(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    w->is_early = true;
    w->answer = "stream: Bad FOUND";
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_INFECTED);
    free(scan);
    w->answer = "stream: OK";
    scan = scanned(w, 1 << 20, ERR_UNAVAILABLE);
    assert_string_equal(scan->said, "clamd answered before it had all");
    free(scan);
}

static void what_says_nothing_of_use_is_asked_again_later(void **state)
{
    static const struct {
        const char *answer, *said;
    } all[] = {
        { NULL, "hung up" },
        { "stream: Can't create temporary file ERROR", "clamd answered: Can't create temporary file" },
        { "220 mail.example ESMTP", "does not answer as clamd does: \"220 mail.example ESMTP\"" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct scan_try *scan;

        w->answer = all[i].answer;
        scan = scanned(w, 1 << 20, ERR_UNAVAILABLE);
        assert_non_null(strstr(scan->said, all[i].said));
        free(scan);
    }
}

static void what_does_not_answer_is_given_up(void **state)
{
    struct world *w = *state;
    struct scan_try *scan = scan_of(w, 1 << 20);

    w->is_silent = true;
    scan->timeout_s = 1;
    assert_int_equal(scan_run(scan), ERR_UNAVAILABLE);
    assert_string_equal(scan->said, "clamd did not answer in 1 seconds");
    free(scan);
}

static void where_nobody_listens_that_is_said(void **state)
{
    struct world *w = *state;
    struct scan_try *scan = scan_of(w, 1 << 20);

    strcpy(scan->place.path, "/nowhere/clamd.ctl");
    assert_int_equal(scan_run(scan), ERR_UNAVAILABLE);
    assert_string_equal(scan->said, "clamd takes no connection at /nowhere/clamd.ctl: No such file or directory");
    scan->place = (struct clamd_place) { .is_tcp = true, .host = "127.0.0.1", .port = "1" };
    assert_int_equal(scan_run(scan), ERR_UNAVAILABLE);
    assert_string_equal(scan->said, "clamd takes no connection at 127.0.0.1 port 1: Connection refused");
    free(scan);
}

static void an_original_that_is_not_there_is_gone(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    assert_int_equal(blob_delete(w->blobs, "raw/v/b"), 0);
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_GONE);
    free(scan);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(all_of_an_original_is_sent_and_found_clean),
        T(what_is_found_has_a_name),
        T(of_a_longer_one_the_beginning_is_sent_and_that_is_said),
        T(where_it_takes_less_less_is_sent),
        T(one_that_takes_next_to_nothing_is_of_no_use),
        T(a_limit_of_its_own_that_it_tells_of_is_no_virus),
        T(what_it_finds_before_the_end_counts_and_nothing_else_does),
        T(what_says_nothing_of_use_is_asked_again_later),
        T(what_does_not_answer_is_given_up),
        T(where_nobody_listens_that_is_said),
        T(an_original_that_is_not_there_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

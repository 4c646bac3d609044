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
#include "tests/harness/patience.h"

enum { FILM = 300000, CUT = 100001 };

/* What it does with a stream. */
struct manner {
    const char *answer; /* NULL: it hangs up instead */
    uint64_t takes;     /* bytes of a stream, 0: all. With one more it says so and hangs up */
    bool is_early;      /* it answers after the first chunk, and hangs up */
    bool is_silent;
};

struct world {
    char dir[64], path[100];
    int listener;
    pthread_t thread;
    struct blobs *blobs;
    uint8_t film[FILM];

    pthread_mutex_t lock; /* of what follows: the test and its clamd both have it */
    struct manner manner; /* from the next stream on */
    uint8_t heard[FILM + 1];
    uint64_t heard_n; /* of the last stream */
    unsigned streams;
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

static struct manner stream_begins(struct world *w)
{
    struct manner manner;

    pthread_mutex_lock(&w->lock);
    w->heard_n = 0;
    w->streams++;
    manner = w->manner;
    pthread_mutex_unlock(&w->lock);
    return manner;
}

/* How much it has heard of this stream by now. */
static uint64_t stream_hears(struct world *w, const uint8_t *chunk, size_t len)
{
    uint64_t n;

    pthread_mutex_lock(&w->lock);
    if (w->heard_n + len <= sizeof(w->heard))
        memcpy(w->heard + w->heard_n, chunk, len);
    n = w->heard_n += len;
    pthread_mutex_unlock(&w->lock);
    return n;
}

static void serve_stream(struct world *w, int fd)
{
    static uint8_t chunk[1 << 20];
    struct manner manner = stream_begins(w);
    uint64_t heard_n = 0;
    char command[10];
    uint32_t len;

    if (!get(fd, command, sizeof(command)) || memcmp(command, "zINSTREAM", sizeof(command)) != 0)
        return;
    while (get(fd, &len, sizeof(len)) && (len = ntohl(len)) && len <= sizeof(chunk)) {
        if (manner.takes && heard_n + len > manner.takes) {
            say(fd, "INSTREAM size limit exceeded. ERROR");
            return;
        }
        if (!get(fd, chunk, len))
            return;
        heard_n = stream_hears(w, chunk, len);
        if (manner.is_early)
            break;
    }
    if (manner.is_silent)
        get(fd, &len, 1); /* until the other side has had enough */
    else
        say(fd, manner.answer);
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
    pthread_mutex_init(&w->lock, NULL);
    w->manner.answer = "stream: OK";
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
    pthread_mutex_destroy(&w->lock);
    close(w->listener);
    blobs_close(&w->blobs);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    assert_int_equal(system(command), 0);
    free(w);
    return 0;
}

static void behaves(struct world *w, struct manner manner)
{
    pthread_mutex_lock(&w->lock);
    w->manner = manner;
    pthread_mutex_unlock(&w->lock);
}

/* So much of the film, from its start, was the last of so many streams. */
static void has_heard(struct world *w, uint64_t n, unsigned streams)
{
    uint64_t heard_n;
    unsigned begun;
    bool is_same;

    pthread_mutex_lock(&w->lock); /* no assertion in here: one that fails would leave it locked */
    heard_n = w->heard_n;
    begun = w->streams;
    is_same = memcmp(w->heard, w->film, n) == 0;
    pthread_mutex_unlock(&w->lock);
    assert_int_equal(heard_n, n);
    assert_true(is_same);
    assert_int_equal(begun, streams);
}

/* The film of two objects; the second begins with bytes that are none of it. */
static struct scan_try *scan_of(struct world *w, uint64_t most)
{
    struct scan_try head = { .blobs = w->blobs, .timeout_s = PATIENCE_S, .most = most };
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
    has_heard(w, FILM, 1);
    free(scan);
}

static void what_is_found_has_a_name(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    behaves(w, (struct manner) { .answer = "stream: Eicar-Test-Signature FOUND" });
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
    has_heard(w, 200000, 1);
    assert_string_equal(scan->said, "clamd looked at the first 200000 of 300000 bytes");
    free(scan);
}

static void where_it_takes_less_less_is_sent(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    behaves(w, (struct manner) { .answer = "stream: OK", .takes = 80000 });
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_PARTIAL);
    assert_int_equal(scan->looked, FILM / 4);
    has_heard(w, FILM / 4, 3);
    assert_non_null(strstr(scan->said, "the first 75000 of 300000 bytes; it takes no more in a stream"));
    free(scan);
}

static void one_that_takes_next_to_nothing_is_of_no_use(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    behaves(w, (struct manner) { .answer = "stream: OK", .takes = 1000 });
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_UNSCANNABLE);
    assert_non_null(strstr(scan->said, "StreamMaxLength"));
    free(scan);
}

static void a_limit_of_its_own_that_it_tells_of_is_no_virus(void **state)
{
    struct world *w = *state;
    struct scan_try *scan;

    behaves(w, (struct manner) { .answer = "stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND" });
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

    behaves(w, (struct manner) { .answer = "stream: Bad FOUND", .is_early = true });
    scan = scanned(w, 1 << 20, 0);
    assert_int_equal(scan->end, SCAN_INFECTED);
    free(scan);
    behaves(w, (struct manner) { .answer = "stream: OK", .is_early = true });
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

        behaves(w, (struct manner) { .answer = all[i].answer });
        scan = scanned(w, 1 << 20, ERR_UNAVAILABLE);
        assert_non_null(strstr(scan->said, all[i].said));
        free(scan);
    }
}

static void what_does_not_answer_is_given_up(void **state)
{
    struct world *w = *state;
    struct scan_try *scan = scan_of(w, 1 << 20);

    behaves(w, (struct manner) { .is_silent = true });
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

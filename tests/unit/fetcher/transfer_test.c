/* Transfers from a server that is a thread of this program and answers each connection from a list: what is asked for, what
 * becomes of the bytes, and that no spelling, name or redirect gets to where nobody may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "actors/fetcher/transfer.h"
#include "gen/errors.h"
#include "tests/harness/patience.h"

enum { ANSWERS = 8 };

struct world {
    char dir[64];
    int listener;
    unsigned short port;
    pthread_t thread;
    const char *const *answers; /* one a connection; NULL: it takes none */
    char heard[ANSWERS][2048];
    unsigned heard_n;
    struct blobs *blobs;
    struct import_order order;
    char url[200], etag[64], modified[64];
    uint64_t advanced, completed;
    unsigned answered, restarts;
    int says; /* what the catalog answers to steps */
    atomic_bool cancel;
    struct transfer_result result;
};

/* ---- the server */

static void *serve(void *arg)
{
    struct world *w = arg;

    for (; w->answers[w->heard_n]; w->heard_n++) {
        int fd = accept(w->listener, NULL, NULL);
        char *heard = w->heard[w->heard_n];
        const char *answer = w->answers[w->heard_n];
        size_t n = 0;

        if (fd < 0)
            return NULL;
        while (n < sizeof(w->heard[0]) - 1 && !strstr(heard, "\r\n\r\n")) {
            ssize_t got = read(fd, heard + n, sizeof(w->heard[0]) - 1 - n);

            if (got <= 0)
                break;
            n += (size_t)got;
        }
        if (write(fd, answer, strlen(answer)) != (ssize_t)strlen(answer))
            w->heard[w->heard_n][0] = 0;
        shutdown(fd, SHUT_WR);
        while (read(fd, &(char) { 0 }, 1) > 0)
            ;
        close(fd);
    }
    return NULL;
}

/* ---- the catalog */

static int tell_answered(void *ctx, struct import_answered *told, struct import_order *order)
{
    struct world *w = ctx;

    if (told->restart) {
        if (++w->restarts > 2)
            return ERR_CONFLICT;
        order->blob = w->restarts == 1 ? "raw/x/two" : "raw/x/three";
        order->has_length = false;
        order->etag = order->modified = NULL;
        return 0;
    }
    w->answered++;
    snprintf(w->etag, sizeof(w->etag), "%s", told->etag);
    snprintf(w->modified, sizeof(w->modified), "%s", told->modified);
    order->etag = w->etag;
    order->modified = w->modified;
    order->has_length |= told->has_length;
    order->length = told->length;
    return 0;
}

static int tell_advanced(void *ctx, const struct import_order *order, uint64_t offset)
{
    struct world *w = ctx;

    w->advanced = offset;
    return w->says;
}

static int tell_complete(void *ctx, const struct import_order *order, uint64_t length)
{
    ((struct world *)ctx)->completed = length;
    return 0;
}

/* ---- the stage */

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
    socklen_t len = sizeof(address);
    char uri[80];

    strcpy(w->dir, "/tmp/transfer-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(uri, sizeof(uri), "file:%s", w->dir);
    assert_int_equal(blobs_open(uri, &w->blobs), 0);
    w->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(w->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(w->listener, ANSWERS), 0);
    assert_int_equal(getsockname(w->listener, (struct sockaddr *)&address, &len), 0);
    w->port = ntohs(address.sin_port);
    w->order = (struct import_order) { .blob = "raw/x/one",
                                       .most_bytes = 1000,
                                       .until = ((int64_t)time(NULL) + PATIENCE_S) * 1000 };
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    char command[100];

    blobs_close(&w->blobs);
    close(w->listener);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    free(w);
    return system(command); /* NOLINT(cert-env33-c): a path of our own */
}

static enum transfer_end fetch_from(struct world *w, const char *host, const char *allow,
                                    const char *const *answers)
{
    struct transfer_how how = { .blobs = w->blobs,
                                .connect_s = 5,
                                .redirects = 2,
                                .slow_s = 30,
                                .tries = 2,
                                .cancel = &w->cancel,
                                .catalog = { tell_answered, tell_advanced, tell_complete, w } };

    assert_int_equal(guard_read(allow, &how.guard), 0);
    snprintf(w->url, sizeof(w->url), "http://%s:%u/film.mp4", host, w->port);
    w->order.url = w->url;
    w->answers = answers;
    w->heard_n = 0;
    assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
    transfer_run(&how, &w->order, &w->result);
    shutdown(w->listener, SHUT_RDWR);
    pthread_join(w->thread, NULL);
    return w->result.end;
}
#define FETCH(w, ...) fetch_from(w, "127.0.0.1", "127.0.0.1", (const char *const[]) { __VA_ARGS__, NULL })

static void holds(struct world *w, const char *name, const char *text)
{
    char there[200] = "";
    size_t got = 0;
    struct blob_info info;

    assert_int_equal(blob_stat(w->blobs, name, &info), 0);
    assert_int_equal(info.size, strlen(text));
    assert_int_equal(blob_read(w->blobs, name, 0, there, sizeof(there), &got), 0);
    assert_string_equal(there, text);
}

static void there_are(struct world *w, const char *text)
{
    struct blob_grow *grow;
    uint64_t frontier;

    assert_int_equal(blob_grow_open(w->blobs, w->order.blob, &grow, &frontier), 0);
    assert_int_equal(blob_grow_append(grow, text, strlen(text)), 0);
    assert_int_equal(blob_grow_sync(grow, &frontier), 0);
    blob_grow_close(&grow);
}

#define OK   "HTTP/1.1 200 OK\r\n"
#define PART "HTTP/1.1 206 Partial\r\n"
#define TEN  "Content-Length: 10\r\n"
#define TAG  "ETag: \"a\"\r\n"
#define END  "\r\n"

static void a_file_is_fetched(void **state)
{
    struct world *w = *state;

    assert_int_equal(FETCH(w, OK TEN TAG END "0123456789"), TRANSFER_STORED);
    holds(w, "raw/x/one", "0123456789");
    assert_int_equal(w->completed, 10);
    assert_int_equal(w->answered, 1);
    assert_null(strstr(w->heard[0], "Range"));
    assert_non_null(strstr(w->heard[0], "Accept-Encoding: identity\r\n"));
}

static void the_rest_is_asked_for_of_the_same_file(void **state)
{
    struct world *w = *state;

    assert_int_equal(FETCH(w, OK TEN TAG END "0123",
                           PART TAG "Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n" END "456789"),
                     TRANSFER_STORED);
    holds(w, "raw/x/one", "0123456789");
    assert_non_null(strstr(w->heard[1], "Range: bytes=4-\r\n"));
    assert_non_null(strstr(w->heard[1], "If-Range: \"a\"\r\n"));
}

static void without_a_tag_the_date_proves_it_and_without_both_nothing_is_asked_for(void **state)
{
    struct world *w = *state;

    there_are(w, "01");
    w->order.modified = "Sat, 21 Nov 2026 10:00:00 GMT";
    assert_int_equal(
        FETCH(w, PART "Content-Range: bytes 2-3/10\r\nContent-Length: 2\r\n" END "23", OK TEN END "0123456789"),
        TRANSFER_STORED);
    assert_non_null(strstr(w->heard[0], "If-Range: Sat, 21 Nov 2026 10:00:00 GMT\r\n"));
    assert_int_equal(w->restarts,
                     1); /* a part that is not all of the rest is none of a film that stays as it is */
    holds(w, "raw/x/two", "0123456789");
}

static void a_whole_file_is_held_against_what_is_there(void **state)
{
    struct world *w = *state;

    there_are(w, "0123");
    assert_int_equal(FETCH(w, OK TEN END "01234567", OK TEN END "0123456789"), TRANSFER_STORED);
    assert_null(strstr(w->heard[0], "Range"));
    assert_int_equal(w->restarts, 0);
    holds(w, "raw/x/one", "0123456789");
}

static void what_differs_is_begun_anew(void **state)
{
    struct world *w = *state;

    there_are(w, "0123");
    assert_int_equal(FETCH(w, OK TEN END "01x3456789", OK TEN END "01x3456789"), TRANSFER_STORED);
    assert_int_equal(w->restarts, 1);
    holds(w, "raw/x/two", "01x3456789");
}

static void parts_of_another_file_are_not_taken(void **state)
{
    static const char *const wrong[] = {
        PART "ETag: \"b\"\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n" END "456789",
        PART TAG "Content-Range: bytes 3-9/10\r\nContent-Length: 7\r\n" END "3456789",
        PART TAG "Content-Range: bytes 4-8/9\r\nContent-Length: 5\r\n" END "45678",
        PART TAG "Content-Length: 6\r\n" END "456789",
        "HTTP/1.1 416 No\r\nContent-Range: bytes */9\r\nContent-Length: 0\r\n" END,
    };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        void *own;
        struct world *w;

        setup(&own);
        w = own;
        there_are(w, "0123");
        w->order.etag = "\"a\"";
        w->order.has_length = true;
        w->order.length = 10;
        assert_int_equal(FETCH(w, wrong[i], OK TEN END "abcdefghij"), TRANSFER_STORED);
        assert_int_equal(w->restarts, 1);
        holds(w, "raw/x/two", "abcdefghij");
        teardown(&own);
    }
}

static void one_that_changes_all_the_time_is_given_up(void **state)
{
    struct world *w = *state;

    there_are(w, "x");
    assert_int_equal(FETCH(w, OK TEN END "0123456789", OK TEN TAG END "0123",
                           OK "Content-Length: 9\r\n" END "012345678", OK TEN TAG END "0123",
                           OK "Content-Length: 9\r\n" END "012345678"),
                     TRANSFER_REFUSED);
    assert_non_null(strstr(w->result.reason, "changed again and again"));
}

static void all_that_is_there_may_be_all_there_is(void **state)
{
    struct world *w = *state;

    there_are(w, "0123");
    w->order.etag = "\"a\"";
    assert_int_equal(FETCH(w, "HTTP/1.1 416 No\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n" END),
                     TRANSFER_STORED);
    assert_int_equal(w->completed, 4);
}

static void nobody_waits_for_it_any_more(void **state)
{
    struct world *w = *state;

    w->says = ERR_GONE;
    assert_int_equal(FETCH(w, OK TEN TAG END "0123", OK TEN TAG END "0123"), TRANSFER_GONE);
    w->says = 0;
}

static void what_is_cancelled_ends(void **state)
{
    struct world *w = *state;

    atomic_store(&w->cancel, true);
    assert_int_equal(FETCH(w, OK TEN TAG END "0123456789"), TRANSFER_CANCELLED);
}

static void what_takes_too_long_is_refused(void **state)
{
    struct world *w = *state;

    w->order.until = (int64_t)time(NULL) * 1000 - 1;
    assert_int_equal(FETCH(w, OK TEN TAG END "0123"), TRANSFER_REFUSED);
    assert_non_null(strstr(w->result.reason, "longer than is allowed"));
}

static void no_spelling_leads_to_what_is_refused(void **state)
{
    static const char *const hosts[] = { "127.0.0.1",     "2130706433",         "0x7f.1",  "0177.0.0.1", "127.1",
                                         "localhost",     "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]",      "[::]",
                                         "[fe80::1%25lo]" };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        void *own;

        setup(&own);
        w = own;
        if (fetch_from(w, hosts[i], "10.0.0.0/8", (const char *const[]) { OK TEN END "0123456789", NULL }) !=
                TRANSFER_REFUSED ||
            !strstr(w->result.reason, "no public server") || w->heard_n || !w->result.denied)
            fail_msg("%s: %s", hosts[i], w->result.reason);
        teardown(&own);
    }
}

static void no_redirect_leads_there_either(void **state)
{
    struct world *w = *state;
    char answer[200];

    snprintf(answer, sizeof(answer),
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:%u/x\r\nContent-Length: 0\r\n\r\n", w->port);
    assert_int_equal(FETCH(w, answer, OK TEN END "0123456789"), TRANSFER_REFUSED);
    assert_non_null(strstr(w->result.reason, "no public server"));
    assert_string_equal(w->result.denied_at, "127.0.0.2 (loopback)");
    assert_int_equal(w->heard_n, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_file_is_fetched),
        T(the_rest_is_asked_for_of_the_same_file),
        T(without_a_tag_the_date_proves_it_and_without_both_nothing_is_asked_for),
        T(a_whole_file_is_held_against_what_is_there),
        T(what_differs_is_begun_anew),
        cmocka_unit_test(parts_of_another_file_are_not_taken),
        T(one_that_changes_all_the_time_is_given_up),
        T(all_that_is_there_may_be_all_there_is),
        T(nobody_waits_for_it_any_more),
        T(what_is_cancelled_ends),
        T(what_takes_too_long_is_refused),
        T(no_spelling_leads_to_what_is_refused),
        T(no_redirect_leads_there_either),
    };

    curl_global_init(CURL_GLOBAL_DEFAULT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

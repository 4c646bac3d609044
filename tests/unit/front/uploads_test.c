/* The places of uploads: one writer each, so many at a time; who fell silent makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gen/errors.h"
#include "tests/harness/patience.h"
#include "web/front/uploads.h"

static struct id upload(uint8_t n)
{
    return (struct id) { { n } };
}

static int begin(struct uploads *uploads, uint8_t n)
{
    return uploads_begin(uploads, upload(n), NULL, UPLOADS_ASK);
}

static void one_request_writes_to_an_upload(void **state)
{
    struct uploads *uploads = uploads_new(4, 0);

    assert_int_equal(begin(uploads, 1), 0);
    assert_int_equal(begin(uploads, 1), ERR_LOCKED);
    assert_int_equal(begin(uploads, 2), 0);
    uploads_end(uploads, upload(1));
    assert_int_equal(begin(uploads, 1), 0);
    assert_int_equal(begin(uploads, 2), ERR_LOCKED);
    uploads_free(&uploads);
    assert_null(uploads);
}

static void places_are_bounded_and_come_back(void **state)
{
    struct uploads *uploads = uploads_new(4, 0);

    for (uint8_t i = 0; i < 4; i++)
        assert_int_equal(begin(uploads, i), 0);
    assert_int_equal(begin(uploads, 4), ERR_BUSY);
    assert_int_equal(begin(uploads, 3), ERR_LOCKED); /* before all places: it is the truer word */
    uploads_end(uploads, upload(9));
    assert_int_equal(begin(uploads, 4), ERR_BUSY);
    uploads_end(uploads, upload(0));
    assert_int_equal(begin(uploads, 4), 0);
    uploads_free(&uploads);
}

/* ---- by a connection, as in the front */

struct writer {
    struct uploads *uploads;
    struct mg_request_info request;
    int server, client;
    ssize_t read; /* what the last read answered */
};

static void writer_connect(struct writer *w)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
    socklen_t len = sizeof(address), from_len = sizeof(from);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    w->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(w->client, (struct sockaddr *)&address, sizeof(address)), 0);
    w->server = accept(listener, (struct sockaddr *)&from, &from_len);
    assert_true(w->server >= 0);
    close(listener);
    strcpy(w->request.remote_addr, "127.0.0.1");
    w->request.remote_port = ntohs(from.sin_port);
    w->request.server_port = ntohs(address.sin_port);
}

/* A request that reads until nothing comes any more, and leaves. */
static void *writer_read(void *ctx)
{
    struct writer *w = ctx;
    char bytes[16];

    while ((w->read = read(w->server, bytes, sizeof(bytes))) > 0)
        ;
    uploads_end(w->uploads, upload(1));
    return NULL;
}

static void newcomer_gets_place(enum uploads_how how)
{
    struct writer w = { .uploads = uploads_new(4, PATIENCE_MS) };
    pthread_t thread;

    writer_connect(&w);
    assert_int_equal(uploads_begin(w.uploads, upload(1), &w.request, UPLOADS_ASK), 0);
    pthread_create(&thread, NULL, writer_read, &w);
    assert_int_equal(write(w.client, "x", 1), 1);
    assert_int_equal(uploads_begin(w.uploads, upload(1), NULL, how), 1);
    pthread_join(thread, NULL);
    assert_int_equal(w.read, 0);
    close(w.client);
    close(w.server);
    uploads_free(&w.uploads);
}

static void one_that_fell_silent_makes_room(void **state)
{
    newcomer_gets_place(UPLOADS_ASK);
}

static void whoever_takes_it_need_not_wait(void **state)
{
    newcomer_gets_place(UPLOADS_TAKE);
}

static void all_are_cut_off_when_the_process_stops(void **state)
{
    struct writer w = { .uploads = uploads_new(4, UPLOADS_WAIT_MS) };
    pthread_t thread;

    writer_connect(&w);
    assert_int_equal(uploads_begin(w.uploads, upload(1), &w.request, UPLOADS_ASK), 0);
    pthread_create(&thread, NULL, writer_read, &w);
    uploads_stop(w.uploads);
    pthread_join(thread, NULL);
    assert_int_equal(w.read, 0);
    close(w.client);
    close(w.server);
    uploads_free(&w.uploads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_writes_to_an_upload),
        cmocka_unit_test(places_are_bounded_and_come_back),
        cmocka_unit_test(one_that_fell_silent_makes_room),
        cmocka_unit_test(whoever_takes_it_need_not_wait),
        cmocka_unit_test(all_are_cut_off_when_the_process_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

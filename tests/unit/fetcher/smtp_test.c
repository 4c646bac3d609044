/* One try with a mail server: what it heard, and what a refusal means. The server is a thread of this
 * program, that answers each command from a short script. */
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
#include <sys/socket.h>
#include <unistd.h>

#include "actors/fetcher/smtp.h"
#include "gen/errors.h"
#include "tests/harness/patience.h"

struct server {
    const char *to_rcpt, *to_message; /* what it answers; NULL: it hangs up instead */
    int listener;
    unsigned short port;
    pthread_t thread;
    char heard[16384];
    size_t heard_n;
};

static void say(int fd, const char *line)
{
    assert_true(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
}

/* The answer to a command; NULL: hang up. */
static const char *answer(struct server *s, const char *line, bool *data)
{
    if (*data) {
        if (strcmp(line, ".\r\n") != 0)
            return "";
        *data = false;
        return s->to_message;
    }
    if (strncmp(line, "RCPT", 4) == 0)
        return s->to_rcpt;
    if (strncmp(line, "DATA", 4) == 0) {
        *data = true;
        return "354 go on\r\n";
    }
    return strncmp(line, "QUIT", 4) == 0 ? "221 bye\r\n" : "250 well\r\n";
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int fd = accept(s->listener, NULL, NULL);
    FILE *in = fdopen(fd, "r");
    char line[2048];
    bool data = false;

    say(fd, "220 test\r\n");
    while (fgets(line, sizeof(line), in)) {
        const char *reply = answer(s, line, &data);

        s->heard_n += (size_t)snprintf(s->heard + s->heard_n, sizeof(s->heard) - s->heard_n, "%s", line);
        if (!reply)
            break;
        if (*reply)
            say(fd, reply);
    }
    fclose(in);
    return NULL;
}

static void server_begin(struct server *s)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(s->listener, 1), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
    shutdown(s->listener, SHUT_RDWR); /* a client that never came */
    close(s->listener);
    pthread_join(s->thread, NULL);
}

/* One try; what it said is copied. */
static int tried(struct server *s, enum smtp_tls tls, char said[SMTP_SAID])
{
    struct fetcher_settings settings = { .smtp_tls = tls, .smtp_timeout_s = PATIENCE_S };
    struct buf block = { 0 };
    char url[64];
    int r;

    snprintf(url, sizeof(url), "smtp://127.0.0.1:%u", s->port);
    settings.smtp_url = url;
    smtp_try_make(&block, &settings, "kinobus@example.org", "ann@example.org",
                  bytes_of_text("Subject: x\r\n\r\nfirst\r\n.\r\n..dots\r\nlast\r\n"));
    r = smtp_try((struct smtp_try *)block.data);
    strcpy(said, ((struct smtp_try *)block.data)->said);
    buf_free(&block);
    return r;
}

static void a_mail_arrives_as_it_was_written(void **state)
{
    struct server s = { .to_rcpt = "250 ok\r\n", .to_message = "250 queued as 42\r\n" };
    char said[SMTP_SAID];

    server_begin(&s);
    assert_int_equal(tried(&s, SMTP_TLS_NEVER, said), 0);
    server_end(&s);
    assert_string_equal(said, "250 queued as 42");
    assert_non_null(strstr(s.heard, "MAIL FROM:<kinobus@example.org>"));
    assert_non_null(strstr(s.heard, "RCPT TO:<ann@example.org>\r\n"));
    /* A line that begins with a dot gets another one: it does not end the mail. */
    assert_non_null(strstr(s.heard, "Subject: x\r\n\r\nfirst\r\n..\r\n...dots\r\nlast\r\n.\r\n"));
}

static void a_refusal_for_good_is_not_tried_again(void **state)
{
    struct server s = { .to_rcpt = "550 no such user\r\n", .to_message = "250 ok\r\n" };
    char said[SMTP_SAID];

    server_begin(&s);
    assert_int_equal(tried(&s, SMTP_TLS_NEVER, said), ERR_INVALID);
    server_end(&s);
    assert_string_equal(said, "550 no such user");
}

static void a_refusal_for_now_is_tried_again(void **state)
{
    struct server s = { .to_rcpt = "250 ok\r\n", .to_message = "451 come back later\r\n" };
    char said[SMTP_SAID];

    server_begin(&s);
    assert_int_equal(tried(&s, SMTP_TLS_NEVER, said), ERR_UNAVAILABLE);
    server_end(&s);
    assert_string_equal(said, "451 come back later");
}

static void a_server_that_hangs_up_before_its_answer_is_tried_again(void **state)
{
    struct server s = { .to_rcpt = "250 ok\r\n", .to_message = NULL };
    char said[SMTP_SAID];

    server_begin(&s);
    assert_int_equal(tried(&s, SMTP_TLS_NEVER, said), ERR_UNAVAILABLE);
    server_end(&s);
    assert_true(said[0]);
}

static void no_mail_leaves_in_the_clear_unless_it_may(void **state)
{
    struct server s = { .to_rcpt = "250 ok\r\n", .to_message = "250 ok\r\n" };
    char said[SMTP_SAID];

    server_begin(&s);
    assert_int_equal(tried(&s, SMTP_TLS_REQUIRED, said), ERR_UNAVAILABLE);
    server_end(&s);
    assert_null(strstr(s.heard, "RCPT"));
    assert_true(said[0]);
}

static void a_server_that_is_away_is_tried_again(void **state)
{
    struct server s = { .port = 1 }; /* nobody listens there */
    char said[SMTP_SAID];

    assert_int_equal(tried(&s, SMTP_TLS_NEVER, said), ERR_UNAVAILABLE);
    assert_true(said[0]);
}

static int setup(void **state)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int teardown(void **state)
{
    curl_global_cleanup();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_arrives_as_it_was_written),
        cmocka_unit_test(a_refusal_for_good_is_not_tried_again),
        cmocka_unit_test(a_refusal_for_now_is_tried_again),
        cmocka_unit_test(a_server_that_hangs_up_before_its_answer_is_tried_again),
        cmocka_unit_test(no_mail_leaves_in_the_clear_unless_it_may),
        cmocka_unit_test(a_server_that_is_away_is_tried_again),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

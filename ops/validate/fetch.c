/* fetch - the checker's side, and the courier's loop. The two ways of getting bytes are in courier.c. */
#include "ops/validate/fetch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ops/validate/courier.h"
#include "ops/validate/limits.h"

static int fetch_read(int fd, void *to, size_t len)
{
    for (char *at = to; len;) {
        ssize_t n = read(fd, at, len);

        if (n == 0 || (n < 0 && errno != EINTR))
            return -1;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int fetch_write(int fd, const void *from, size_t len)
{
    for (const char *at = from; len;) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int fetch_ask(int fd, const char *url, const struct errand *errand, struct buf *body, struct fetched *ret)
{
    struct errand ask = *errand;

    buf_reset(body);
    ask.url_len = (uint32_t)strlen(url);
    if (fetch_write(fd, &ask, sizeof(ask)) < 0 || fetch_write(fd, url, ask.url_len) < 0 ||
        fetch_read(fd, ret, sizeof(*ret)) < 0 || ret->len > ask.most)
        return -1;
    if (fetch_read(fd, buf_room(body, ret->len), ret->len) < 0)
        return -1;
    body->len += ret->len;
    ret->type[sizeof(ret->type) - 1] = ret->url[sizeof(ret->url) - 1] = ret->error[sizeof(ret->error) - 1] = 0;
    return 0;
}

int fetch_serve(int fd, int root)
{
    struct courier *courier = courier_new(root);
    struct buf body = { 0 };
    struct errand ask;
    int r = -1;

    while (courier) {
        char url[URL_MOST] = "";
        struct fetched answer = { .range_from = -1, .range_to = -1, .range_total = -1 };

        if (fetch_read(fd, &ask, sizeof(ask)) < 0) {
            r = 0;
            break;
        }
        if (ask.url_len >= URL_MOST || ask.most > SEGMENT_MOST || fetch_read(fd, url, ask.url_len) < 0)
            break;
        buf_reset(&body);
        courier_go(courier, url, &ask, &body, &answer);
        answer.len = body.len;
        if (fetch_write(fd, &answer, sizeof(answer)) < 0 || fetch_write(fd, body.data, body.len) < 0) {
            r = 0;
            break;
        }
    }
    courier_free(&courier);
    buf_free(&body);
    return r;
}

/* scan - see scan.h */
#include "actors/fetcher/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gen/errors.h"

enum {
    SCAN_PIECE = 64 * 1024,
    SCAN_LENGTH = 4,        /* bytes before a chunk */
    SCAN_LEAST = 64 * 1024, /* a clamd that takes less is of no use */
    SCAN_EARLY = 1,         /* it has answered, or hung up, before it had all */
};

struct scan_stream {
    struct scan_try *scan;
    int fd;
    uint64_t left; /* bytes that it is still to be sent */
    uint8_t *piece;
};

void scan_make(struct buf *block, const struct scan_try *head)
{
    struct scan_try *begun;

    buf_put(block, head, sizeof(*head));
    begun = (struct scan_try *)block->data;
    begun->parts_n = 0;
}

int scan_add(struct buf *block, uint64_t from, uint64_t length, const char *blob)
{
    struct scan_part part = { .from = from, .length = length };

    if (strlen(blob) >= sizeof(part.blob))
        return ERR_INVALID;
    memcpy(part.blob, blob, strlen(blob) + 1);
    buf_put(block, &part, sizeof(part));
    ((struct scan_try *)block->data)->parts_n++;
    return 0;
}

static int scan_say(struct scan_try *scan, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int scan_say(struct scan_try *scan, int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(scan->said, sizeof(scan->said), format, args);
    va_end(args);
    return err;
}

/* ---- the connection */

static int scan_socket(const struct scan_try *scan, int family, const struct sockaddr *at, socklen_t len)
{
    const struct timeval wait = { .tv_sec = scan->timeout_s };
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 && connect(fd, at, len) == 0)
        return fd;
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

static int scan_open_unix(struct scan_try *scan)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd;

    _Static_assert(sizeof(at.sun_path) >= CLAMD_PATH, "a path of a place is one of a socket");
    memcpy(at.sun_path, scan->place.path, CLAMD_PATH);
    fd = scan_socket(scan, AF_UNIX, (struct sockaddr *)&at, sizeof(at));
    return fd < 0 ? scan_say(scan, ERR_UNAVAILABLE, "clamd takes no connection at %s: %m", scan->place.path) : fd;
}

static int scan_open_tcp(struct scan_try *scan)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *all = NULL;
    int found = getaddrinfo(scan->place.host, scan->place.port, &hints, &all), fd = -1;

    if (found)
        return scan_say(scan, ERR_UNAVAILABLE, "clamd's host %s has no address: %s", scan->place.host,
                        gai_strerror(found));
    for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next)
        fd = scan_socket(scan, at->ai_family, at->ai_addr, at->ai_addrlen);
    if (fd < 0)
        scan_say(scan, 0, "clamd takes no connection at %s port %s: %m", scan->place.host, scan->place.port);
    freeaddrinfo(all);
    return fd < 0 ? ERR_UNAVAILABLE : fd;
}

/* ---- what it is sent */

static int scan_send(struct scan_stream *s, const void *data, size_t len)
{
    struct pollfd answer = { .fd = s->fd, .events = POLLIN };
    const uint8_t *at = data;

    if (poll(&answer, 1, 0) > 0)
        return SCAN_EARLY;
    while (len) {
        ssize_t n = send(s->fd, at, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return scan_say(s->scan, ERR_UNAVAILABLE, "clamd took no more bytes for %u seconds",
                            s->scan->timeout_s);
        if (n < 0 && errno != EINTR)
            return SCAN_EARLY; /* it may have said why */
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int scan_send_part(struct scan_stream *s, const struct scan_part *part)
{
    int r = 0;

    for (uint64_t at = 0; r == 0 && at < part->length && s->left;) {
        uint64_t want = part->length - at < s->left ? part->length - at : s->left;
        size_t got;

        r = blob_read(s->scan->blobs, part->blob, part->from + at, s->piece + SCAN_LENGTH,
                      want < SCAN_PIECE ? (size_t)want : SCAN_PIECE, &got);
        if (r < 0)
            return scan_say(s->scan, r, "the original cannot be read: %s", err_name(r));
        for (unsigned i = 0; i < SCAN_LENGTH; i++)
            s->piece[i] = (uint8_t)(got >> 8 * (SCAN_LENGTH - 1 - i));
        r = scan_send(s, s->piece, SCAN_LENGTH + got);
        at += got;
        s->left -= got;
    }
    return r;
}

static int scan_send_all(struct scan_stream *s)
{
    static const char begin[] = "zINSTREAM", end[SCAN_LENGTH];
    int r = scan_send(s, begin, sizeof(begin)); /* with its zero byte */

    for (size_t i = 0; r == 0 && i < s->scan->parts_n; i++)
        r = scan_send_part(s, &s->scan->parts[i]);
    return r == 0 ? scan_send(s, end, sizeof(end)) : r;
}

/* ---- what it answers */

static int scan_hear(struct scan_stream *s, struct clamd_answer *ret)
{
    char answer[CLAMD_ANSWER];
    size_t len = 0;

    while (len < sizeof(answer) && !(len && memchr(answer, 0, len))) {
        ssize_t n = recv(s->fd, answer + len, sizeof(answer) - len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return scan_say(s->scan, ERR_UNAVAILABLE, "clamd did not answer in %u seconds", s->scan->timeout_s);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    if (len == 0)
        return scan_say(s->scan, ERR_UNAVAILABLE, "clamd hung up without an answer");
    if (clamd_answer_read(answer, len, ret) < 0)
        return scan_say(s->scan, ERR_UNAVAILABLE, "what listens there does not answer as clamd does: \"%s\"",
                        ret->words);
    return ret->verdict == CLAMD_ERROR ? scan_say(s->scan, ERR_UNAVAILABLE, "clamd answered: %s", ret->words) : 0;
}

/* As one stream of so many bytes. */
static int scan_once(struct scan_try *scan, uint64_t most, struct clamd_answer *ret)
{
    struct scan_stream s = { .scan = scan, .left = most };
    int sent, r;

    s.fd = scan->place.is_tcp ? scan_open_tcp(scan) : scan_open_unix(scan);
    if (s.fd < 0)
        return s.fd;
    s.piece = malloc(SCAN_LENGTH + SCAN_PIECE);
    if (!s.piece)
        abort();
    sent = scan_send_all(&s);
    r = sent < 0 ? sent : scan_hear(&s, ret);
    free(s.piece);
    close(s.fd);
    scan->looked = most - s.left;
    if (r == 0 && sent == SCAN_EARLY && (ret->verdict == CLAMD_OK || ret->verdict == CLAMD_LIMITED))
        return scan_say(scan, ERR_UNAVAILABLE, "clamd answered before it had all");
    return r;
}

static int scan_ends(struct scan_try *scan, enum scan_end end)
{
    scan->end = end;
    return 0;
}

/* asked: bytes that it was to be sent at first. */
static int scan_judge(struct scan_try *scan, const struct clamd_answer *answer, uint64_t asked, uint64_t total)
{
    switch (answer->verdict) {
    case CLAMD_FOUND: scan_say(scan, 0, "%s", answer->words); return scan_ends(scan, SCAN_INFECTED);
    case CLAMD_LIMITED:
        scan->looked = 0; /* nobody knows where */
        scan_say(scan, 0, "clamd stopped at a limit of its own: %s", answer->words);
        return scan_ends(scan, SCAN_PARTIAL);
    case CLAMD_TOO_LONG:
        scan_say(scan, 0, "clamd takes not even %" PRIu64 " bytes in a stream: see its StreamMaxLength",
                 scan->looked);
        return scan_ends(scan, SCAN_UNSCANNABLE);
    default: break;
    }
    if (scan->looked == total)
        return scan_ends(scan, SCAN_CLEAN);
    scan_say(scan, 0, "clamd looked at the first %" PRIu64 " of %" PRIu64 " bytes%s", scan->looked, total,
             scan->looked < asked ? "; it takes no more in a stream (its StreamMaxLength)" : "");
    return scan_ends(scan, SCAN_PARTIAL);
}

int scan_run(struct scan_try *scan)
{
    struct clamd_answer answer = { .verdict = CLAMD_ERROR };
    uint64_t total = 0, asked, most;
    int r;

    for (size_t i = 0; i < scan->parts_n; i++)
        total += scan->parts[i].length;
    asked = most = total < scan->most ? total : scan->most;
    scan->said[0] = 0;
    for (;;) {
        r = scan_once(scan, most, &answer);
        if (r < 0 || answer.verdict != CLAMD_TOO_LONG || most / 2 < SCAN_LEAST)
            break;
        most /= 2;
    }
    if (r == ERR_NOT_FOUND)
        return scan_ends(scan, SCAN_GONE);
    return r < 0 ? r : scan_judge(scan, &answer, asked, total);
}

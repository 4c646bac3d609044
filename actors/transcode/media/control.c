#include "actors/transcode/media/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "actors/transcode/media/vtt.h"

static int send_all(int fd, struct iovec *iov, size_t n)
{
    while (n) {
        struct msghdr message = { .msg_iov = iov, .msg_iovlen = n };
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (sent < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        while (n && (size_t)sent >= iov->iov_len) {
            sent -= (ssize_t)iov->iov_len;
            iov++;
            n--;
        }
        if (n) {
            iov->iov_base = (char *)iov->iov_base + sent;
            iov->iov_len -= (size_t)sent;
        }
    }
    return 0;
}

int control_send(int fd, enum control_type type, unsigned slot, const void *a, size_t a_len, const void *b,
                 size_t b_len)
{
    struct control_head head = { .type = (uint16_t)type, .slot = (uint16_t)slot };
    struct iovec iov[3] = {
        { &head, sizeof(head) },
        { (void *)(uintptr_t)a, a_len },
        { (void *)(uintptr_t)b, b_len },
    };

    if (a_len > CONTROL_OBJECT_MAX || b_len > CONTROL_OBJECT_MAX - a_len)
        return -EMSGSIZE;
    head.length = (uint32_t)(a_len + b_len);
    return send_all(fd, iov, 3);
}

int control_recv(int fd, void *buf, size_t len)
{
    char *at = buf;

    while (len) {
        ssize_t got = recv(fd, at, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return -ECONNRESET;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

int64_t control_body_limit(bool from_worker, unsigned type)
{
    switch (type) {
    case CONTROL_JOB: return from_worker ? -1 : (1 << 20);
    case CONTROL_DATA: return from_worker ? -1 : CONTROL_READ_MAX;
    case CONTROL_WAIT:
    case CONTROL_EOF:
    case CONTROL_GONE: return from_worker ? -1 : 0;
    case CONTROL_HELLO: return from_worker ? (int64_t)sizeof(struct control_hello) : -1;
    case CONTROL_READ: return from_worker ? (int64_t)sizeof(struct control_read) : -1;
    case CONTROL_PROGRESS: return from_worker ? (int64_t)sizeof(struct control_progress) : -1;
    case CONTROL_INIT: return from_worker ? (64 << 10) : -1;
    case CONTROL_SEGMENT: return from_worker ? CONTROL_OBJECT_MAX : -1;
    case CONTROL_TEXT: return from_worker ? 4 + VTT_MOST : -1;
    case CONTROL_IMAGE:
    case CONTROL_INDEX: return from_worker ? (16 << 20) : -1;
    case CONTROL_LOG:
    case CONTROL_DONE: return from_worker ? 1024 : -1;
    case CONTROL_REPORT: return from_worker ? CONTROL_REPORT_MAX : -1;
    default: return -1;
    }
}

size_t control_body_least(unsigned type)
{
    switch (type) {
    case CONTROL_JOB: return sizeof(struct control_terms);
    case CONTROL_DATA: return 1;
    case CONTROL_HELLO: return sizeof(struct control_hello);
    case CONTROL_READ: return sizeof(struct control_read);
    case CONTROL_PROGRESS: return sizeof(struct control_progress);
    case CONTROL_INIT: return 8;
    case CONTROL_SEGMENT: return 4 + 8;
    case CONTROL_TEXT: return 4;
    case CONTROL_IMAGE: return 8 + 4;
    case CONTROL_LOG:
    case CONTROL_DONE: return 4;
    default: return 0;
    }
}

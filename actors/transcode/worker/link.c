#include "actors/transcode/worker/link.h"
#include "schemas/wire/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_EVERY_NS 200000000
#define WAIT_PAUSE_NS     50000000

static pthread_mutex_t send_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t progress_lock = PTHREAD_MUTEX_INITIALIZER;
static struct control_progress progress;
static int64_t progress_told;

void link_send(enum control_type type, unsigned slot, const void *a, size_t a_len, const void *b, size_t b_len)
{
    int r;

    pthread_mutex_lock(&send_lock);
    r = control_send(LINK_FD, type, slot, a, a_len, b, b_len);
    pthread_mutex_unlock(&send_lock);
    if (r < 0)
        _exit(3); /* the parent is gone; there is nobody to tell */
}

static void receive(void *buf, size_t len)
{
    if (control_recv(LINK_FD, buf, len) < 0)
        _exit(3);
}

static struct control_head receive_head(void)
{
    struct control_head head;

    receive(&head, sizeof(head));
    if ((int64_t)head.length > control_body_limit(false, head.type) || head.length < control_body_least(head.type))
        link_done(CONTROL_FAILED, "the parent sent a malformed message of type %u", head.type);
    return head;
}

void link_receive_job(struct control_terms *terms, const void **ret_job, size_t *ret_len)
{
    struct control_head head = receive_head();
    char *job;

    if (head.type != CONTROL_JOB)
        link_done(CONTROL_FAILED, "the parent sent message type %u where a job was due", head.type);
    receive(terms, sizeof(*terms));
    if (terms->version != CONTROL_VERSION)
        link_done(CONTROL_FAILED, "the parent speaks version %u of the control protocol, this worker %u",
                  terms->version, CONTROL_VERSION);
    *ret_len = head.length - sizeof(*terms);
    job = malloc(*ret_len ? *ret_len : 1);
    if (!job)
        link_done(CONTROL_FAILED, "no memory for the job");
    receive(job, *ret_len);
    *ret_job = job;
}

struct link_read_result link_read(uint64_t offset, void *buf, size_t len)
{
    struct control_read ask = { .offset = offset,
                                .length = len < CONTROL_READ_MAX ? (uint32_t)len : CONTROL_READ_MAX };

    for (;;) {
        struct control_head head;

        link_send(CONTROL_READ, 0, &ask, sizeof(ask), NULL, 0);
        head = receive_head();
        if (head.type == CONTROL_WAIT) {
            nanosleep(&(struct timespec) { .tv_nsec = WAIT_PAUSE_NS }, NULL);
            continue;
        }
        if (head.type == CONTROL_DATA) {
            if (head.length > ask.length)
                link_done(CONTROL_FAILED, "the parent sent %u bytes where %u were asked", head.length, ask.length);
            receive(buf, head.length);
        } else if (head.type != CONTROL_EOF && head.type != CONTROL_GONE) {
            link_done(CONTROL_FAILED, "the parent answered a read with message type %u", head.type);
        }
        return (struct link_read_result) { .answer = head.type, .length = head.length };
    }
}

void link_log(enum control_log level, const char *format, ...)
{
    uint32_t code = level;
    char text[600];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n <= 0)
        return;
    link_send(CONTROL_LOG, 0, &code, sizeof(code), text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void link_progress(unsigned work, uint64_t done)
{
    struct control_progress tell = { 0 };
    int64_t now = clock_mono_ns();

    pthread_mutex_lock(&progress_lock);
    progress.work += work;
    if (done > progress.done)
        progress.done = done;
    if (now - progress_told >= PROGRESS_EVERY_NS) {
        progress_told = now;
        tell = progress;
    }
    pthread_mutex_unlock(&progress_lock);
    if (tell.work)
        link_send(CONTROL_PROGRESS, 0, &tell, sizeof(tell), NULL, 0);
}

void link_name_thread(const char *name)
{
    prctl(PR_SET_NAME, name, 0, 0, 0); /* the kernel cuts it at 15 characters */
}

void link_done(enum control_end end, const char *format, ...)
{
    uint32_t code = end;
    char text[600] = "";
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        n = 0;
    link_send(CONTROL_DONE, 0, &code, sizeof(code), text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
    _exit(end == CONTROL_OK ? 0 : 1);
}

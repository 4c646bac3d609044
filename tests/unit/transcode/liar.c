/* A worker that an attacker has taken over: it does what the job's folder name says. attend_test starts it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/transcode/media/cmaf.h"
#include "actors/transcode/media/control.h"
#include "gen/transcode.h"

static const uint8_t parameter_sets[] = { 0, 0, 0, 5, 0x67, 0x64, 0x00, 0x1f, 0xac,
                                          0, 0, 0, 4, 0x68, 0xeb, 0xe3, 0xcb };
static const uint8_t idr[] = { 0, 0, 0, 3, 0x65, 1, 2 }, p_slice[] = { 0, 0, 0, 2, 0x41, 3 };
static const struct cmaf_track track = { .video = true,
                                         .timescale = 25,
                                         .sample_duration = 1,
                                         .width = 64,
                                         .height = 64,
                                         .config = parameter_sets,
                                         .config_len = sizeof(parameter_sets) };

static void tell(enum control_type type, unsigned slot, const void *a, size_t a_len, const void *b, size_t b_len)
{
    if (control_send(0, type, slot, a, a_len, b, b_len) < 0)
        _exit(3);
}

static void hello(uint32_t jail)
{
    struct control_hello h = { CONTROL_VERSION, 7, jail };

    tell(CONTROL_HELLO, 0, &h, sizeof(h), NULL, 0);
}

static void init(void)
{
    struct buf b = { 0 };

    cmaf_init(&track, &b);
    tell(CONTROL_INIT, 0, b.data, b.len, NULL, 0);
}

static void segment(uint32_t number, uint64_t at, unsigned n)
{
    struct cmaf_sample samples[10] = { { idr, sizeof(idr), 0, true } };
    struct buf b = { 0 };

    for (unsigned i = 1; i < n; i++)
        samples[i] = (struct cmaf_sample) { p_slice, sizeof(p_slice), 0, false };
    cmaf_fragment(&track, 1, at, samples, n, &b);
    tell(CONTROL_SEGMENT, 0, &number, sizeof(number), b.data, b.len);
}

static void report(const struct encode_run *run, bool has_end, uint64_t end)
{
    struct run_done done = { .video_id = run->video_id, .has_end = has_end, .end = end };
    struct buf b = { 0 };
    uint32_t code = CONTROL_OK;

    wire_pack(&run_done_type, &done, &b);
    tell(CONTROL_REPORT, 0, b.data, b.len, NULL, 0);
    tell(CONTROL_DONE, 0, &code, sizeof(code), NULL, 0);
}

static void garbage(void)
{
    for (unsigned i = 0; i < 4096; i++)
        tell((enum control_type)(rand() & 0xffff), (unsigned)rand(), &i, sizeof(i), &i, sizeof(i));
}

static void promise_too_much(void)
{
    struct control_head head = { .length = 0xffffffff, .type = CONTROL_SEGMENT };

    if (write(0, &head, sizeof(head)) != sizeof(head))
        _exit(3);
    pause();
}

static void pretend_to_work(void)
{
    for (uint64_t n = 0;; n++) {
        struct control_progress p = { .work = 1 };

        tell(CONTROL_PROGRESS, 0, &p, sizeof(p), NULL, 0);
        usleep(5000);
    }
}

static void read_on(uint64_t offset)
{
    struct control_read ask = { .offset = offset, .length = CONTROL_READ_MAX };
    struct control_head head;
    static char body[CONTROL_READ_MAX];

    for (;;) {
        tell(CONTROL_READ, 0, &ask, sizeof(ask), NULL, 0);
        if (control_recv(0, &head, sizeof(head)) < 0 || (head.length && control_recv(0, body, head.length) < 0))
            _exit(3);
    }
}

static void fill_the_disk(void)
{
    static char body[4 << 20];

    init();
    for (uint32_t number = 1;; number++)
        tell(CONTROL_SEGMENT, 0, &number, sizeof(number), body, sizeof(body));
}

/* Dies over a GOP as long as it is not told to leave it out. */
static void stumble(unsigned gop, uint64_t still)
{
    struct control_progress p = { .work = 1, .done = gop * 10 };

    if (still >> gop & 1)
        return;
    tell(CONTROL_PROGRESS, 0, &p, sizeof(p), NULL, 0);
    signal(SIGSEGV, SIG_DFL); /* of a sanitizer, which would end it otherwise */
    kill(getpid(), SIGSEGV);
}

static void act(const struct encode_run *run, const char *part, uint64_t still)
{
    const uint32_t all = CONTROL_JAIL_LIMITS | CONTROL_JAIL_LANDLOCK | CONTROL_JAIL_SECCOMP | CONTROL_JAIL_PROVED;

    if (strcmp(part, "no_hello") == 0)
        init();
    hello(strcmp(part, "open_jail") == 0 ? CONTROL_JAIL_LIMITS : all);
    if (strcmp(part, "garbage") == 0)
        garbage();
    else if (strcmp(part, "promise") == 0)
        promise_too_much();
    else if (strcmp(part, "silent") == 0)
        pause();
    else if (strcmp(part, "pretend") == 0)
        pretend_to_work();
    else if (strcmp(part, "wait") == 0)
        read_on(1000);
    else if (strcmp(part, "disk") == 0)
        fill_the_disk();
    else if (strcmp(part, "crash") == 0)
        raise(SIGKILL);
    else if (strcmp(part, "stumble_0") == 0)
        stumble(0, still);
    else if (strcmp(part, "stumble_1") == 0)
        stumble(1, still);
    init();
    if (strcmp(part, "init_twice") == 0)
        init();
    segment(strcmp(part, "other_number") == 0 ? 7 : 1, strcmp(part, "other_time") == 0 ? 3 : 0, 10);
    if (strcmp(part, "early") != 0)
        segment(2, 10, strcmp(part, "short") == 0 ? 4 : 10);
    if (strcmp(part, "another") == 0)
        segment(3, 20, 10);
    report(run, strcmp(part, "end") == 0, 20);
}

int main(void)
{
    struct arena *arena = arena_new();
    struct control_head head;
    struct control_terms terms;
    struct encode_run run;
    struct wire_error err;
    char *job;

    if (control_recv(0, &head, sizeof(head)) < 0 || control_recv(0, &terms, sizeof(terms)) < 0)
        return 3;
    job = malloc(head.length);
    if (!job || control_recv(0, job, head.length - sizeof(terms)) < 0)
        return 3;
    if (wire_unpack(&encode_run_type, bytes_of(job, head.length - sizeof(terms)), arena, &run, &err) < 0)
        return 4;
    act(&run, run.renditions[0].dir + 2, terms.still);
    return 0;
}

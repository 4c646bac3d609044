#include "actors/transcode/attend.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "actors/transcode/media/control.h"
#include "actors/transcode/publish.h"
#include "actors/transcode/source.h"
#include "actors/transcode/spawn.h"
#include "gen/errors.h"
#include "schemas/wire/clock.h"
#include "schemas/wire/plant.h"

#define MEMORY       (4ull << 30)
#define MEMORY_4K    (8ull << 30)
#define PIXELS_4K    (2560 * 1440)
#define TELL_MS      500
#define WALL_PER_CPU 4 /* a worker whose CPU time is n seconds may live 4 n, and what it waited */
#define ROW_BYTES    24

struct watch {
    const struct attend *how;
    struct attend_outcome *outcome;
    struct spawned worker;
    struct source source;
    struct control_terms terms;
    const struct encode_run *run; /* NULL: a probe */
    const struct probe *probe;
    struct publish publish;
    struct arena *arena;
    int64_t started, moved; /* ms: start, and the last sign of work */
    int64_t waiting;        /* ms since which it waits for bytes; 0: it does not */
    int64_t waited;         /* ms that it waited before */
    int64_t told;
    uint64_t work, done, total, sent;
    unsigned stall_ms;
    bool greeted, over, died, hung;
    uint8_t *report, *index;
    size_t report_len, index_len;
    char said[200]; /* the last line it logged */
};

static void say(struct watch *w, enum attend_end how, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void say(struct watch *w, enum attend_end how, const char *format, va_list args)
{
    vsnprintf(w->outcome->reason, sizeof(w->outcome->reason), format, args);
    w->outcome->end = how;
    w->over = true;
}

static int end(struct watch *w, enum attend_end how, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int end(struct watch *w, enum attend_end how, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(w, how, format, args);
    va_end(args);
    return -1;
}

/* The end of a worker that does what it must not. */
static int put_down(struct watch *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int put_down(struct watch *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(w, ATTEND_FAILED, format, args);
    va_end(args);
    w->outcome->killed = true;
    return -1;
}

/* Its end of the socketpair is closed: how it died is known once it is reaped. */
static int died(struct watch *w)
{
    w->died = true;
    return end(w, ATTEND_FAILED, "the worker died");
}

/* ---- time: what happens while nothing is said ---- */

static void tell(struct watch *w, int64_t now)
{
    struct attend_progress p = { w->done, w->total, w->waiting != 0, now - w->started };

    if (!w->how->progress || now - w->told < TELL_MS)
        return;
    w->told = now;
    w->how->progress(w->how->ctx, &p);
}

static int tick(struct watch *w)
{
    int64_t now = clock_mono_ms(), waited = w->waited + (w->waiting ? now - w->waiting : 0);

    tell(w, now);
    if (w->how->cancel && atomic_load(w->how->cancel))
        return end(w, ATTEND_CANCELLED, "cancelled");
    if (w->waiting && now - w->waiting >= w->how->wait_ms)
        return end(w, ATTEND_WAIT, "bytes from offset %" PRIu64 " on have not arrived", w->outcome->offset);
    w->hung = !w->waiting && now - w->moved >= w->stall_ms;
    if (w->hung)
        return put_down(w, "the worker was ended: nothing was decoded for %u ms", w->stall_ms);
    if (now - w->started - waited > (int64_t)w->terms.cpu_s * 1000 * WALL_PER_CPU)
        return put_down(w, "the worker was ended: it took longer than its plan allows");
    return 0;
}

static int pull(struct watch *w, void *buf, size_t len)
{
    char *at = buf;

    while (len) {
        ssize_t got = recv(w->worker.fd, at, len, 0);

        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            return died(w);
        if (got < 0) {
            if (tick(w) < 0)
                return -1;
            continue;
        }
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

static int push_all(struct watch *w, const void *data, size_t len)
{
    const char *at = data;

    while (len) {
        ssize_t sent = send(w->worker.fd, at, len, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return died(w);
        if (sent < 0) {
            if (tick(w) < 0)
                return -1;
            continue;
        }
        at += sent;
        len -= (size_t)sent;
    }
    return 0;
}

static int push(struct watch *w, enum control_type type, const void *a, size_t a_len, const void *b, size_t b_len)
{
    struct control_head head = { .length = (uint32_t)(a_len + b_len), .type = (uint16_t)type };

    if (push_all(w, &head, sizeof(head)) < 0 || push_all(w, a, a_len) < 0)
        return -1;
    return push_all(w, b, b_len);
}

/* ---- messages ---- */

static int lied(struct watch *w, const char *about)
{
    return put_down(w, "the worker was ended: it sent %s", about);
}

static void waits(struct watch *w, bool on)
{
    int64_t now = clock_mono_ms();

    if (on && !w->waiting)
        w->waiting = now;
    if (!on && w->waiting) {
        w->waited += now - w->waiting;
        w->waiting = 0;
        w->moved = now;
    }
}

/* The store took its time since then: that was not the worker's. */
static void pardon(struct watch *w, int64_t since)
{
    int64_t took = clock_mono_ms() - since;

    w->waited += took;
    w->moved += took;
}

/* What the store answered when neither bytes nor their end could be had. */
static int unread(struct watch *w, uint64_t offset, int error)
{
    w->outcome->error = error;
    if (error == ERR_CANCELLED)
        return end(w, ATTEND_CANCELLED, "cancelled");
    return end(w, ATTEND_FAILED, "the original cannot be read at %" PRIu64 ": %s", offset, err_name(error));
}

static int on_read(struct watch *w)
{
    struct control_read ask;
    uint8_t *data;
    size_t got = 0;
    int64_t began;
    int r;

    if (pull(w, &ask, sizeof(ask)) < 0)
        return -1;
    if (!ask.length || ask.length > CONTROL_READ_MAX)
        return lied(w, "a read of no or too many bytes");
    data = malloc(ask.length);
    if (!data)
        return end(w, ATTEND_FAILED, "no memory for a read");
    began = clock_mono_ms();
    r = source_read(&w->source, ask.offset, data, ask.length, &got);
    pardon(w, began);
    waits(w, r == ERR_WAIT);
    if (r == 0)
        r = push(w, CONTROL_DATA, data, got, NULL, 0);
    else if (r == ERR_EOF)
        r = push(w, CONTROL_EOF, NULL, 0, NULL, 0);
    else if (r == ERR_NOT_FOUND && w->how->copies_come)
        r = unread(w, ask.offset, ERR_UNAVAILABLE);
    else if (r == ERR_NOT_FOUND)
        r = push(w, CONTROL_GONE, NULL, 0, NULL, 0);
    else if (r == ERR_WAIT) {
        w->outcome->offset = ask.offset;
        r = tick(w) < 0 ? -1 : push(w, CONTROL_WAIT, NULL, 0, NULL, 0);
    } else
        r = unread(w, ask.offset, r);
    free(data);
    return r;
}

static int on_hello(struct watch *w)
{
    struct control_hello hello;
    const uint32_t need = CONTROL_JAIL_LIMITS | CONTROL_JAIL_SECCOMP | CONTROL_JAIL_PROVED |
                          (w->how->degraded ? 0 : CONTROL_JAIL_LANDLOCK);

    if (pull(w, &hello, sizeof(hello)) < 0)
        return -1;
    if (w->greeted || hello.version != CONTROL_VERSION)
        return lied(w, "another version of HELLO, or a second one");
    if ((hello.jail & need) != need)
        return end(w, ATTEND_NO_JAIL, "the worker's jail is not shut: %#x of %#x hold", hello.jail, need);
    w->greeted = true;
    w->outcome->landlock_abi = hello.landlock_abi;
    return 0;
}

static int on_progress(struct watch *w)
{
    struct control_progress p;

    if (pull(w, &p, sizeof(p)) < 0)
        return -1;
    if (p.work > w->work)
        w->moved = clock_mono_ms();
    w->work = p.work;
    w->done = p.done > w->total ? w->total : p.done;
    tell(w, clock_mono_ms());
    return tick(w);
}

/* Text from the jail, made printable. */
static void launder(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
}

static int on_text(struct watch *w, const struct control_head *head, uint32_t *ret_code, char *text, size_t size)
{
    size_t len = head->length - sizeof(*ret_code);

    if (len >= size)
        return lied(w, "a text that is too long");
    if (pull(w, ret_code, sizeof(*ret_code)) < 0 || pull(w, text, len) < 0)
        return -1;
    text[len] = 0;
    launder(text);
    return 0;
}

static int on_log(struct watch *w, const struct control_head *head)
{
    char text[1024];
    uint32_t level;

    if (on_text(w, head, &level, text, sizeof(text)) < 0)
        return -1;
    if (level >= CONTROL_LOG_COUNT)
        return lied(w, "a log line of no known level");
    PLANT(strlen(text) > 7);
    snprintf(w->said, sizeof(w->said), "%.180s", text);
    if (w->how->log)
        w->how->log(w->how->ctx, (int)level, text);
    return 0;
}

/* A body held whole: outputs count against what the plan allows. */
static uint8_t *body(struct watch *w, const struct control_head *head)
{
    uint8_t *data;

    w->sent += head->length;
    if (w->sent > w->terms.output_bytes) {
        put_down(w, "the worker was ended: it made more than the %" PRIu64 " bytes that its plan allows",
                 w->terms.output_bytes);
        return NULL;
    }
    data = malloc(head->length ? head->length : 1);
    if (!data) {
        end(w, ATTEND_FAILED, "no memory for %u bytes of output", head->length);
        return NULL;
    }
    if (pull(w, data, head->length) == 0)
        return data;
    free(data);
    return NULL;
}

static uint32_t word(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static int on_output(struct watch *w, const struct control_head *head)
{
    uint8_t *data = body(w, head);
    int64_t began = clock_mono_ms();
    int r;

    if (!data)
        return -1;
    if (head->type == CONTROL_INIT)
        r = publish_init(&w->publish, head->slot, bytes_of(data, head->length));
    else if (head->type == CONTROL_SEGMENT)
        r = publish_segment(&w->publish, head->slot, word(data), bytes_of(data + 4, head->length - 4));
    else if (head->type == CONTROL_TEXT)
        r = publish_text(&w->publish, head->slot, word(data), bytes_of(data + 4, head->length - 4));
    else
        r = publish_image(&w->publish, head->slot, word(data), word(data + 4),
                          bytes_of(data + 8, head->length - 8));
    free(data);
    pardon(w, began);
    w->moved = clock_mono_ms();
    if (r == 0)
        return 0;
    w->outcome->error = w->publish.error;
    return put_down(w, "the run's output was refused: %s", w->publish.why);
}

static int on_kept(struct watch *w, const struct control_head *head, uint8_t **to, size_t *to_len)
{
    if (*to)
        return lied(w, "a second report or index");
    *to = body(w, head);
    *to_len = head->length;
    return *to ? 0 : -1;
}

static int on_done(struct watch *w, const struct control_head *head)
{
    char text[1024];
    uint32_t code;

    if (on_text(w, head, &code, text, sizeof(text)) < 0)
        return -1;
    switch (code) {
    case CONTROL_OK: w->over = true; return 0;
    case CONTROL_REFUSED: return end(w, ATTEND_REFUSED, "%s", text);
    case CONTROL_IS_GONE: return end(w, ATTEND_GONE, "%s", text);
    case CONTROL_NO_JAIL: return end(w, ATTEND_NO_JAIL, "%s", text);
    case CONTROL_FAILED: return end(w, ATTEND_FAILED, "%s", text);
    default: return lied(w, "an end of no known kind");
    }
}

static int on_message(struct watch *w, const struct control_head *head)
{
    if (!w->greeted && head->type != CONTROL_HELLO && head->type != CONTROL_LOG && head->type != CONTROL_DONE)
        return lied(w, "something before HELLO");
    switch (head->type) {
    case CONTROL_HELLO: return on_hello(w);
    case CONTROL_READ: return on_read(w);
    case CONTROL_PROGRESS: return on_progress(w);
    case CONTROL_LOG: return on_log(w, head);
    case CONTROL_DONE: return on_done(w, head);
    case CONTROL_REPORT: return on_kept(w, head, &w->report, &w->report_len);
    case CONTROL_INDEX:
        return w->probe ? on_kept(w, head, &w->index, &w->index_len) : lied(w, "an index where a run was due");
    default: return w->run ? on_output(w, head) : lied(w, "media where a probe was due");
    }
}

static int talk(struct watch *w)
{
    while (!w->over) {
        struct control_head head;

        if (pull(w, &head, sizeof(head)) < 0)
            return -1;
        if ((int64_t)head.length > control_body_limit(true, head.type) ||
            head.length < control_body_least(head.type))
            return lied(w, "a message of no known kind or length");
        if (on_message(w, &head) < 0)
            return -1;
    }
    return 0;
}

/* ---- one worker, from start to end ---- */

static void live(struct watch *w, struct bytes job)
{
    char epitaph[120];
    int r = spawn_worker(w->how->program, w->how->keep_stderr, &w->worker);

    w->started = w->moved = clock_mono_ms();
    if (r < 0) {
        end(w, ATTEND_FAILED, "%s does not start: %s", w->how->program, strerror(-r));
        return;
    }
    if (push(w, CONTROL_JOB, &w->terms, sizeof(w->terms), job.data, job.len) == 0)
        talk(w);
    spawn_reap(&w->worker, true);
    w->outcome->wall_ms = clock_mono_ms() - w->started;
    if (w->died)
        end(w, ATTEND_FAILED, "the worker %s%s%s", spawn_epitaph(&w->worker, epitaph, sizeof(epitaph)),
            *w->said ? "; it last said: " : "", w->said);
}

static struct control_terms terms(const struct attend *how, enum control_kind kind)
{
    return (struct control_terms) { .version = CONTROL_VERSION,
                                    .kind = kind,
                                    .threads = how->threads ? how->threads : 1,
                                    .attempt = how->attempt ? how->attempt : 1,
                                    .degraded = how->degraded,
                                    .nice = how->nice,
                                    .memory = MEMORY,
                                    .still = how->still };
}

/* The report, as a struct that the schema's bounds were checked on. */
static int unpack(struct watch *w, const struct wire_type *type, void *ret)
{
    struct wire_error err = { 0 };

    if (!w->report)
        return end(w, ATTEND_FAILED, "the worker ended without a report");
    if (wire_unpack(type, bytes_of(w->report, w->report_len), w->arena, ret, &err) < 0)
        return end(w, ATTEND_FAILED, "the worker's report: %s %s", err.path, err.sentence);
    return 0;
}

static void release(struct watch *w, struct buf *packed)
{
    free(w->report);
    free(w->index);
    buf_free(packed);
}

static int put_index(struct watch *w, struct probe_done *ret)
{
    const char *name = arena_printf(w->arena, "%s/index.bin", w->probe->prefix);
    int r;

    if (w->index_len % ROW_BYTES || w->index_len / ROW_BYTES != ret->index_rows)
        return end(w, ATTEND_FAILED, "the worker's index has %zu bytes for %" PRIu64 " rows", w->index_len,
                   ret->index_rows);
    if (!w->index)
        return 0;
    r = blob_put_new(w->how->blobs, name, bytes_of(w->index, w->index_len), NULL);
    if (r == 0 || r == ERR_EXISTS)
        return 0;
    w->outcome->error = r;
    return end(w, ATTEND_FAILED, "storing %s: %s", name, err_name(r));
}

void attend_probe(const struct attend *how, const struct probe *job, struct arena *arena, struct probe_done *ret,
                  struct attend_outcome *outcome)
{
    struct watch w = { .how = how,
                       .outcome = outcome,
                       .probe = job,
                       .arena = arena,
                       .terms = terms(how, CONTROL_PROBE),
                       .stall_ms = how->stall_ms };
    struct buf packed = { 0 };

    *outcome = (struct attend_outcome) { .end = ATTEND_DONE };
    w.source = (struct source) { how->blobs, job->parts, job->parts_n, job->length, job->complete };
    w.terms.cpu_s = 120;
    w.terms.output_bytes = 20u << 20;
    if (wire_pack(&probe_type, job, &packed) < 0)
        end(&w, ATTEND_FAILED, "the job cannot be packed");
    else
        live(&w, buf_bytes(&packed));
    if (outcome->end == ATTEND_DONE && unpack(&w, &probe_done_type, ret) == 0 && ret->outcome == PROBE_OUTCOME_OK)
        put_index(&w, ret);
    ret->video_id = job->video_id; /* never the jail's word for whose it is */
    ret->version = job->version;
    release(&w, &packed);
}

static bool is_4k(const struct encode_run *run)
{
    for (size_t i = 0; i < run->renditions_n; i++)
        if (run->renditions[i].width * run->renditions[i].height > PIXELS_4K)
            return true;
    return false;
}

/* What the worker alone knows goes into the result, once all that was planned is there. */
static void finish_run(struct watch *w, struct run_done *ret)
{
    struct run_done report;

    if (unpack(w, &run_done_type, &report) < 0)
        return;
    if (publish_complete(&w->publish, report.has_end, report.end) < 0) {
        end(w, ATTEND_FAILED, "the run is not whole: %s", w->publish.why);
        return;
    }
    ret->has_end = report.has_end;
    ret->end = report.end;
    ret->damaged = report.damaged;
    ret->warnings = report.warnings;
    ret->warnings_n = report.warnings_n;
    ret->marks = report.marks;
    ret->marks_n = report.marks_n;
    ret->levels = report.levels;
    ret->has_peak = report.has_peak;
    ret->peak = report.peak;
    ret->cpu_ms = report.cpu_ms;
    ret->wall_ms = (uint64_t)w->outcome->wall_ms;
    w->outcome->bytes_made = w->publish.bytes;
    w->outcome->frames_made = w->publish.frames;
}

uint64_t attend_try(const struct attend *how, const struct encode_run *job, struct arena *arena,
                    struct run_done *ret, struct attend_outcome *outcome)
{
    struct watch w = { .how = how,
                       .outcome = outcome,
                       .run = job,
                       .arena = arena,
                       .terms = terms(how, CONTROL_RUN),
                       .stall_ms = how->stall_ms };
    const struct coding *coding = coding_of(job->renditions_n ? job->renditions[0].codec : 0);
    struct buf packed = { 0 };

    *outcome = (struct attend_outcome) { .end = ATTEND_DONE };
    w.source = (struct source) { how->blobs, job->parts, job->parts_n, job->length, job->complete };
    w.terms.cpu_s = publish_cpu_allowed(job);
    w.terms.output_bytes = publish_bytes_allowed(job);
    w.terms.memory = coding->memory * (is_4k(job) ? MEMORY_4K : MEMORY);
    w.stall_ms *= coding->patience;
    w.total = publish_frames_planned(job);
    if (publish_open(&w.publish, how->blobs, job, arena, ret) < 0)
        end(&w, ATTEND_REFUSED, "the run cannot be done: %s", w.publish.why);
    else if (wire_pack(&encode_run_type, job, &packed) < 0)
        end(&w, ATTEND_REFUSED, "the job cannot be packed");
    else
        live(&w, buf_bytes(&packed));
    if (outcome->end == ATTEND_DONE)
        finish_run(&w, ret);
    release(&w, &packed);
    return outcome->end == ATTEND_FAILED && w.greeted && (w.died || w.hung) ? w.done : UINT64_MAX;
}

#include "actors/transcode/transcode.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/runtime/turn.h"
#include "actors/transcode/crew.h"
#include "broker/client/bus.h"
#include "data/blobs/s3.h"
#include "gen/errors.h"
#include "gen/transcode.h"

#define WAIT_DELAY_MS     1000           /* a run whose bytes are missing comes back after this */
#define NO_ROOM_DELAY_MS  30000          /* and one that found the disk full after this */
#define NO_STORE_DELAY_MS 5000           /* and one that found no front to have the blobs by after this */
#define NO_JAIL_DELAY_MS  30000          /* a host that cannot jail leaves its jobs to others */
#define PART_MIB          16             /* an object that is put whole is not sent in parts */
#define RUN_MEMORY        (640ull << 20) /* what a run of 1080p takes, decoder and all rungs */

struct transcode {
    struct actor *actor;
    struct blobs *blobs; /* the folder, when all lies there; NULL: a handle for each job */
    char *places[2];     /* then: where the blobs are (crew.h) */
    bool borrows;        /* one of them is a front: the catalog lends rights */
    struct crew *crew;
    unsigned runs; /* at a time */
    char worker[PATH_MAX];
};

static const struct transcode_settings *settings(const struct turn *t)
{
    return turn_settings(t);
}

/* ---- the end of a job, in a turn of its own ---- */

static int count_done(struct turn *t, const struct crew_result *r)
{
    turn_count(t, TRANSCODE_RUNS_DONE, r->job.run != NULL);
    turn_count(t, TRANSCODE_FRAMES_ENCODED, r->outcome.frames_made);
    turn_count(t, TRANSCODE_BYTES_MADE, r->outcome.bytes_made);
    return 0;
}

static int give_back(struct turn *t, const struct crew_result *r)
{
    const struct attend_outcome *o = &r->outcome;

    switch (o->end) {
    case ATTEND_WAIT:
        turn_count(t, TRANSCODE_RUNS_WAITED, 1);
        return turn_nack(t, WAIT_DELAY_MS, true, ERR_WAIT, o->reason);
    case ATTEND_REFUSED: turn_count(t, TRANSCODE_RUNS_FAILED, 1); return turn_term(t, ERR_UNSUPPORTED, o->reason);
    case ATTEND_GONE: return turn_term(t, ERR_GONE, o->reason);
    case ATTEND_CANCELLED: return turn_nack(t, 0, true, ERR_CANCELLED, o->reason);
    case ATTEND_NO_JAIL:
        turn_log(t, "transcode.jail", "this host runs no worker: %s", o->reason);
        return turn_nack(t, NO_JAIL_DELAY_MS, true, ERR_UNAVAILABLE, o->reason);
    default:
        if (o->error == ERR_UNAVAILABLE ||
            o->error == ERR_CANCELLED) { /* not the video's fault, nor the worker's */
            turn_count(t, TRANSCODE_RUNS_WITHOUT_STORE, 1);
            return turn_nack(t, NO_STORE_DELAY_MS, true, o->error, o->reason);
        }
        turn_count(t, TRANSCODE_RUNS_FAILED, 1);
        turn_count(t, TRANSCODE_WORKERS_KILLED, o->killed);
        if (o->error == ERR_STORE_FULL) /* not the video's fault: it waits for room */
            return turn_nack(t, NO_ROOM_DELAY_MS, true, o->error, o->reason);
        return turn_nack(t, 0, false, o->error ? o->error : ERR_INTERNAL, o->reason);
    }
}

/* A probe that waits for bytes is an answer too: it says which. */
static int end_probe(struct turn *t, struct crew_result *r)
{
    if (r->outcome.end == ATTEND_WAIT) {
        const struct probe *ask = r->job.probe;
        struct probe_done need = { .video_id = ask->video_id,
                                   .version = ask->version,
                                   .outcome = PROBE_OUTCOME_NEED_MORE,
                                   .need_offset = r->outcome.offset,
                                   .proof = DURATION_PROOF_NONE };

        return done_probe(t, &need);
    }
    return r->outcome.end == ATTEND_DONE ? done_probe(t, &r->probed) : give_back(t, r);
}

static int end_run(struct turn *t, struct crew_result *r)
{
    if (r->outcome.end != ATTEND_DONE)
        return give_back(t, r);
    count_done(t, r);
    return done_encode_run(t, &r->made);
}

static int transcode_then_end(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct crew_result *r = *(struct crew_result *const *)ctx;
    const struct attend_outcome *o = &r->outcome;
    char id[ID_TEXT_SIZE];
    int e;

    turn_log(t, r->job.run ? "transcode.run" : "transcode.probe",
             "video=%s run=%" PRIu64 " end=%s took=%" PRId64 "ms made=%" PRIu64 "%s%s",
             id_format("video", r->job.run ? r->job.run->video_id : r->job.probe->video_id, id),
             r->job.run ? r->job.run->run : 0, crew_end_name(o->end), o->wall_ms, o->bytes_made,
             *o->reason ? " why=" : "", o->reason);
    turn_count(t, TRANSCODE_STORE_BYTES_READ, r->traffic.read);
    turn_count(t, TRANSCODE_STORE_BYTES_PUT, r->traffic.put);
    e = r->job.run ? end_run(t, r) : end_probe(t, r);
    crew_forget(r);
    return e;
}

static int transcode_then_tell(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    const struct crew_note *note = ctx;
    char id[ID_TEXT_SIZE], key[ID_TEXT_SIZE + 24];

    snprintf(key, sizeof(key), "%s/%" PRIu64, id_format("video", note->progress.video_id, id), note->progress.run);
    return set_run_progress(t, key, &note->progress);
}

/* ---- the crew calls from the loop ---- */

static void transcode_on_ended(void *ctx, struct crew_result *result)
{
    struct transcode *self = ctx;

    if (actor_resume(self->actor, result->kept, 0, transcode_then_end, &result, sizeof(result)) < 0)
        crew_forget(result); /* nobody waits for it any more */
}

static void transcode_on_note(void *ctx, const struct crew_note *note)
{
    struct transcode *self = ctx;

    actor_resume(self->actor, 0, 0, transcode_then_tell, note, sizeof(*note));
}

static void transcode_on_wake(void *state, struct actor *actor, int fd, short events, void *ctx)
{
    struct transcode *self = state;

    crew_collect(self->crew);
}

/* ---- jobs ---- */

static unsigned cores(const struct transcode_settings *s)
{
    long n = s->threads ? (long)s->threads : sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 2 : n > 64 ? 64 : (unsigned)n;
}

/* As many runs as cores, if half of the memory holds them. */
static unsigned runs_at_once(const struct transcode_settings *s)
{
    uint64_t room = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2 / RUN_MEMORY;
    unsigned n = cores(s);

    if (s->runs)
        return (unsigned)s->runs;
    return room < 1 ? 1 : room < n ? (unsigned)room : n;
}

/* A video's first seconds are waited for: their decoder may use every core, they go before all others, and the very first
 * ones before those that follow. The others share the cores. */
static unsigned niceness(const struct transcode_settings *s, uint8_t priority)
{
    return priority == UINT8_MAX ? 0 : (unsigned)(priority >= BUS_URGENT ? s->nice / 2 : s->nice);
}

static struct attend how(const struct transcode *self, struct turn *t)
{
    const struct transcode_settings *s = settings(t);
    bool urgent = turn_priority(t) >= BUS_URGENT;
    unsigned share = urgent ? cores(s) : cores(s) / self->runs;

    return (struct attend) { .blobs = self->blobs,
                             .program = self->worker,
                             .threads = share ? share : 1,
                             .attempt = turn_attempt(t),
                             .stall_ms = (unsigned)s->stall_ms,
                             .wait_ms = (unsigned)s->wait_ms,
                             .nice = niceness(s, turn_priority(t)),
                             .copies_come = self->places[0] && blobs_s3_is(self->places[0]) && !self->places[1],
                             .degraded = s->sandbox == SANDBOX_DEGRADED };
}

static struct crew_store store_of(const struct transcode *self, const struct transcode_settings *s)
{
    return (struct crew_store) { .places = { self->places[0], self->places[1] },
                                 .connect_ms = (unsigned)s->blobs_connect_ms,
                                 .quiet_s = (unsigned)s->blobs_quiet_s,
                                 .patience_ms = (unsigned)s->blobs_patience_s * 1000,
                                 .part_mib = PART_MIB,
                                 .ahead = (size_t)s->blobs_ahead_kib << 10 };
}

static int start(struct transcode *self, struct turn *t, struct crew_job job, const struct lend_reply *lent)
{
    struct crew_store store = store_of(self, settings(t));
    struct attend with = how(self, t);
    int r;

    store.lent = lent;
    r = crew_start(self->crew, &with, self->blobs ? NULL : &store, job, turn_keep(t));
    return r < 0 ? r : TURN_LATER;
}

/* Nobody waits for the job any more, or the catalog cannot tell: that is not the video's fault. */
static int not_lent(struct turn *t, int err)
{
    if (err == ERR_GONE)
        return turn_term(t, err, "no video waits for this any more");
    return turn_nack(t, NO_STORE_DELAY_MS, true, err, "the catalog lent no rights to the blobs");
}

static int start_lent(struct transcode *self, struct turn *t, int err, const struct lend_reply *lent,
                      struct crew_job job)
{
    return err < 0 ? not_lent(t, err) : start(self, t, job, lent);
}

/* A job that waits for what is lent. */
struct borrower {
    size_t len;
    uint8_t packed[];
};

static int borrow(struct turn *t, const struct wire_type *type, const void *job, turn_then *then)
{
    struct borrower borrower = { .len = 0 };
    struct buf ctx = { 0 };
    int r;

    buf_put(&ctx, &borrower, sizeof(borrower));
    r = wire_pack(type, job, &ctx);
    borrower.len = ctx.len - sizeof(borrower);
    memcpy(ctx.data, &borrower, sizeof(borrower));
    if (r == 0)
        r = ask_lend(t, &(struct lend) { .job_id = turn_job(t) }, then, ctx.data, ctx.len);
    buf_free(&ctx);
    return r < 0 ? r : TURN_LATER;
}

static int unpack(struct turn *t, const struct wire_type *type, const struct borrower *borrower, void *ret)
{
    return wire_unpack(type, bytes_of(borrower->packed, borrower->len), turn_arena(t), ret, NULL);
}

static int transcode_then_probe(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct probe job;
    int r = unpack(t, &probe_type, ctx, &job);

    return r < 0 ? r : start_lent(self, t, err, reply, (struct crew_job) { .probe = &job });
}

static int transcode_then_run(void *self, struct turn *t, int err, const void *reply, const void *ctx)
{
    struct encode_run job;
    int r = unpack(t, &encode_run_type, ctx, &job);

    return r < 0 ? r : start_lent(self, t, err, reply, (struct crew_job) { .run = &job });
}

static int transcode_on_probe(struct transcode *self, struct turn *t, const struct probe *job)
{
    if (self->borrows)
        return borrow(t, &probe_type, job, transcode_then_probe);
    return start(self, t, (struct crew_job) { .probe = job }, NULL);
}

static int transcode_on_encode_run(struct transcode *self, struct turn *t, const struct encode_run *job)
{
    if (self->borrows)
        return borrow(t, &encode_run_type, job, transcode_then_run);
    return start(self, t, (struct crew_job) { .run = job }, NULL);
}

/* ---- life ---- */

/* The worker lies beside this program. */
static int find_worker(struct transcode *self)
{
    ssize_t n = readlink("/proc/self/exe", self->worker, sizeof(self->worker) - sizeof("kinobus-worker"));
    char *slash;

    if (n <= 0)
        return ERR_IO;
    self->worker[n] = 0;
    slash = strrchr(self->worker, '/');
    if (!slash)
        return ERR_IO;
    strcpy(slash + 1, "kinobus-worker");
    if (access(self->worker, X_OK) == 0)
        return 0;
    fprintf(stderr, "transcode: no worker at %s: %s\n", self->worker, strerror(errno));
    return ERR_NOT_FOUND;
}

static bool is_set(const char *text)
{
    return text && *text;
}

static bool is_front(const char *place)
{
    return strncmp(place, "http://", 7) == 0 || strncmp(place, "https://", 8) == 0;
}

/* Once to see that it can be done; then by each job. */
static int open_places(struct transcode *self, const struct transcode_settings *s)
{
    struct crew_store store;
    char why[CREW_WHY_MAX] = "";
    const char *second = is_set(s->blobs) ? s->blobs_front : s->far;
    struct buf folder = { 0 };
    int r;

    if (is_set(s->blobs_front) && !blobs_s3_is(s->blobs)) {
        fprintf(stderr, "transcode: transcode.blobs_front is of use with transcode.blobs = s3://... alone\n");
        return ERR_INVALID;
    }
    buf_printf(&folder, "file:%s/blobs", actor_state_dir(self->actor));
    self->places[0] = strdup(is_set(s->blobs) ? s->blobs : buf_text(&folder));
    self->places[1] = is_set(second) ? strdup(second) : NULL;
    buf_free(&folder);
    for (unsigned i = 0; i < 2; i++)
        self->borrows |= self->places[i] && is_front(self->places[i]);
    store = store_of(self, s);
    r = crew_try(&store, why);
    if (r < 0)
        fprintf(stderr, "transcode: transcode.blobs, transcode.blobs_front, catalog.far: %s\n", why);
    return r;
}

static int transcode_open(void *state, struct actor *actor)
{
    static const struct crew_events events = { .ended = transcode_on_ended, .note = transcode_on_note };
    struct transcode *self = state;
    const struct transcode_settings *s = actor_settings(actor);
    int r = find_worker(self);

    self->actor = actor;
    self->runs = runs_at_once(s);
    actor_capacity(actor, self->runs, (unsigned)s->spare, 0);
    if (r == 0)
        r = is_set(s->blobs) || is_set(s->blobs_front) || is_set(s->far)
                ? open_places(self, s)
                : blobs_open_in(actor_state_dir(actor), &self->blobs);
    if (r == 0)
        r = crew_open(&events, self, &self->crew);
    if (r == 0)
        r = actor_poll(actor, crew_fd(self->crew), POLLIN, transcode_on_wake, NULL);
    return r;
}

static void transcode_close(void *state)
{
    struct transcode *self = state;

    crew_close(&self->crew);
    blobs_close(&self->blobs);
    free(self->places[0]);
    free(self->places[1]);
}

/* The lease ended or the job was cancelled: its worker has nobody to work for. */
static void transcode_gone(void *state, struct actor *actor, uint64_t kept)
{
    struct transcode *self = state;

    crew_cancel(self->crew, kept);
}

static const struct transcode_handlers handlers = {
    .take_probe = transcode_on_probe,
    .take_encode_run = transcode_on_encode_run,
};

const struct actor_def transcode_actor = {
    .name = "transcode",
    .schema = &transcode_schema,
    .handlers = &handlers,
    .self_size = sizeof(struct transcode),
    .stateless = true,
    .open = transcode_open,
    .close = transcode_close,
    .gone = transcode_gone,
};

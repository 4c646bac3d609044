#include "actors/transcode/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/transcode/media/control.h"
#include "data/blobs/http.h"
#include "data/blobs/s3.h"
#include "data/blobs/tier.h"
#include "gen/errors.h"

/* A job at work. The first member is what its end is told by. */
struct work {
    struct crew_result result;
    struct crew *crew;
    struct work *next;
    pthread_t thread;
    struct attend how;
    struct crew_store store; /* its first place NULL: the blobs are shared */
    struct lend_reply lent;
    struct arena *arena; /* of the thread: the job's copy and the result */
    union {
        struct probe probe;
        struct encode_run run;
    } copy;
    atomic_bool cancel;
    /* under the crew's lock */
    bool ended, noted;
    struct run_progress progress;
};

struct crew {
    struct crew_events events;
    void *ctx;
    int wake;
    pthread_mutex_t lock;
    struct work *works;
};

const char *crew_end_name(enum attend_end end)
{
    static const char *const names[] = { "done", "wait", "refused", "gone", "cancelled", "failed", "no_jail" };

    return names[end];
}

int crew_open(const struct crew_events *events, void *ctx, struct crew **ret)
{
    struct crew *b = calloc(1, sizeof(*b));

    if (!b)
        return ERR_NO_MEMORY;
    b->events = *events;
    b->ctx = ctx;
    b->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (b->wake < 0) {
        free(b);
        return ERR_IO;
    }
    pthread_mutex_init(&b->lock, NULL);
    *ret = b;
    return 0;
}

int crew_fd(const struct crew *b)
{
    return b->wake;
}

static void wake(struct crew *b)
{
    uint64_t one = 1;

    while (write(b->wake, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
}

void crew_forget(struct crew_result *result)
{
    struct work *w = (struct work *)result;

    arena_free(&w->arena);
    free(w);
}

/* ---- on the job's thread ---- */

static void note(void *ctx, const struct attend_progress *p)
{
    struct work *w = ctx;

    if (!w->result.job.run)
        return;
    pthread_mutex_lock(&w->crew->lock);
    w->progress = (struct run_progress) { .video_id = w->copy.run.video_id,
                                          .run = w->copy.run.run,
                                          .kind = w->copy.run.kind,
                                          .done = p->done,
                                          .total = p->total,
                                          .waiting = p->waiting,
                                          .wall_ms = (uint64_t)p->wall_ms };
    w->noted = true;
    pthread_mutex_unlock(&w->crew->lock);
    wake(w->crew);
}

static int open_http(const struct crew_store *s, const char *url, const atomic_bool *cancel, struct blobs **ret,
                     char why[CREW_WHY_MAX])
{
    const struct blobs_http_options how = { .url = url,
                                            .connect_ms = s->connect_ms,
                                            .quiet_s = s->quiet_s,
                                            .patience_ms = s->patience_ms,
                                            .ahead = s->ahead,
                                            .cancel = cancel };
    int r = blobs_http_open(&how, ret);

    for (size_t i = 0; r == 0 && s->lent && i < s->lent->lent_n; i++) {
        const struct lent *lent = &s->lent->lent[i];

        r = blobs_http_allow(*ret, lent->may == LENT_MAY_READ ? BLOBS_HTTP_READ : BLOBS_HTTP_PUT_NEW, lent->folder,
                             lent->right);
    }
    if (r == ERR_UNSUPPORTED)
        snprintf(why, CREW_WHY_MAX, "%s needs libcurl.so.4 (Debian: libcurl4)", url);
    else if (r < 0)
        snprintf(why, CREW_WHY_MAX, "%s is no http://HOST:PORT or https://HOST of a front: %s", url, err_name(r));
    return r;
}

static int open_place(const struct crew_store *s, const char *place, const atomic_bool *cancel, struct blobs **ret,
                      char why[CREW_WHY_MAX])
{
    const struct blobs_s3_options how = { .connect_ms = s->connect_ms,
                                          .quiet_s = s->quiet_s,
                                          .patience_ms = s->patience_ms,
                                          .ahead = s->ahead,
                                          .lines = 1,
                                          .part_mib = s->part_mib,
                                          .cancel = cancel,
                                          .reads = place == s->places[1] };
    int r;

    if (blobs_s3_is(place))
        return blobs_s3_open_all(place, &how, ret, why);
    if (strncmp(place, "file:", 5) != 0)
        return open_http(s, place, cancel, ret, why);
    r = blobs_open(place, ret);
    if (r < 0)
        snprintf(why, CREW_WHY_MAX, "%s cannot be opened: %s", place, err_name(r));
    return r;
}

static int open_store(const struct crew_store *s, const atomic_bool *cancel, struct blobs **ret,
                      char why[CREW_WHY_MAX])
{
    struct blobs *second = NULL;
    int r = open_place(s, s->places[0], cancel, ret, why);

    if (r == 0 && s->places[1]) {
        r = open_place(s, s->places[1], cancel, &second, why);
        if (r == 0)
            *ret = blobs_tier(*ret, second);
    }
    return r;
}

int crew_try(const struct crew_store *store, char why[CREW_WHY_MAX])
{
    struct blobs *blobs = NULL;
    int r = open_store(store, NULL, &blobs, why);

    blobs_close(&blobs);
    return r;
}

static void attend_job(struct work *w)
{
    if (w->result.job.run)
        attend_run(&w->how, &w->copy.run, w->arena, &w->result.made, &w->result.outcome);
    else
        attend_probe(&w->how, &w->copy.probe, w->arena, &w->result.probed, &w->result.outcome);
}

static void attend_apart(struct work *w)
{
    struct attend_outcome *o = &w->result.outcome;
    char why[CREW_WHY_MAX] = "";
    int r = open_store(&w->store, &w->cancel, &w->how.blobs, why);

    if (r == 0) {
        attend_job(w);
        w->result.traffic = blobs_traffic(w->how.blobs);
    } else {
        *o = (struct attend_outcome) { .end = ATTEND_FAILED, .error = r };
        snprintf(o->reason, sizeof(o->reason), "the blobs cannot be had: %.*s", 400, why);
    }
    blobs_close(&w->how.blobs);
}

static void *attend_one(void *ctx)
{
    struct work *w = ctx;
    struct crew *b = w->crew;

    if (w->store.places[0])
        attend_apart(w);
    else
        attend_job(w);
    pthread_mutex_lock(&b->lock);
    w->ended = true;
    pthread_mutex_unlock(&b->lock);
    wake(b);
    return NULL;
}

/* ---- on the loop ---- */

static void copy_job(struct work *w, struct crew_job job)
{
    if (job.run) {
        wire_copy(&encode_run_type, job.run, w->arena, &w->copy.run);
        w->result.job.run = &w->copy.run;
    } else {
        wire_copy(&probe_type, job.probe, w->arena, &w->copy.probe);
        w->result.job.probe = &w->copy.probe;
    }
}

static void copy_store(struct work *w, const struct crew_store *store)
{
    w->store = *store;
    for (unsigned i = 0; i < 2; i++)
        w->store.places[i] = store->places[i] ? arena_strdup(w->arena, store->places[i]) : NULL;
    if (store->lent) {
        wire_copy(&lend_reply_type, store->lent, w->arena, &w->lent);
        w->store.lent = &w->lent;
    }
}

int crew_start(struct crew *b, const struct attend *how, const struct crew_store *store, struct crew_job job,
               uint64_t kept)
{
    struct work *w = calloc(1, sizeof(*w));

    if (!w)
        return ERR_NO_MEMORY;
    w->crew = b;
    w->arena = arena_new();
    w->how = *how;
    w->how.cancel = &w->cancel;
    w->how.progress = note;
    w->how.ctx = w;
    w->result.kept = kept;
    copy_job(w, job);
    if (store)
        copy_store(w, store);
    if (pthread_create(&w->thread, NULL, attend_one, w) != 0) {
        crew_forget(&w->result);
        return ERR_BUSY;
    }
    w->next = b->works;
    b->works = w;
    return 0;
}

void crew_cancel(struct crew *b, uint64_t kept)
{
    for (struct work *w = b->works; w; w = w->next)
        if (w->result.kept == kept)
            atomic_store(&w->cancel, true);
}

/* Takes the works that ended out of the list, and copies what the others have to tell. */
static struct work *take_ended(struct crew *b)
{
    struct work *ended = NULL, **at = &b->works;

    pthread_mutex_lock(&b->lock);
    while (*at) {
        struct work *w = *at;

        if (w->ended) {
            *at = w->next;
            w->next = ended;
            ended = w;
        } else {
            at = &w->next;
        }
    }
    pthread_mutex_unlock(&b->lock);
    return ended;
}

static void tell_notes(struct crew *b)
{
    for (struct work *w = b->works; w; w = w->next) {
        struct crew_note n = { .kept = w->result.kept };
        bool noted;

        pthread_mutex_lock(&b->lock);
        noted = w->noted;
        w->noted = false;
        n.progress = w->progress;
        pthread_mutex_unlock(&b->lock);
        if (noted)
            b->events.note(b->ctx, &n);
    }
}

void crew_collect(struct crew *b)
{
    struct work *ended;
    uint64_t count;

    while (read(b->wake, &count, sizeof(count)) < 0 && errno == EINTR)
        continue;
    ended = take_ended(b);
    while (ended) {
        struct work *w = ended;

        ended = w->next;
        pthread_join(w->thread, NULL);
        b->events.ended(b->ctx, &w->result);
    }
    tell_notes(b);
}

void crew_close(struct crew **crew)
{
    struct crew *b = *crew;

    if (!b)
        return;
    for (struct work *w = b->works; w; w = w->next)
        atomic_store(&w->cancel, true);
    while (b->works) {
        struct work *w = b->works;

        b->works = w->next;
        pthread_join(w->thread, NULL);
        crew_forget(&w->result);
    }
    close(b->wake);
    pthread_mutex_destroy(&b->lock);
    free(b);
    *crew = NULL;
}

/* imports - see imports.h */
#include "actors/fetcher/imports.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "gen/errors.h"
#include "schemas/wire/arena.h"

enum { IMPORTS_LOOK_MS = 100, IMPORTS_AGAIN_MS = 500, IMPORTS_AGAIN_MOST = 240 };

struct import_work {
    struct imports *imports;
    struct import_work *next;
    pthread_t thread;
    struct id job, video;
    uint64_t kept;
    struct transfer_how how;
    struct import_order order;
    struct transfer_result result;
    struct arena *arena; /* of the thread; of the loop while that answers */
    atomic_bool cancel;
    /* under the lock */
    bool ended, asked, replied; /* asked: the loop has the question */
    struct imports_question question;
    int err;
    struct import_order *fresh; /* where the answer's order goes */
};

struct imports {
    struct imports_events events;
    void *ctx;
    int wake;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool closing;
    struct import_work *works;
};

int imports_open(const struct imports_events *events, void *ctx, struct imports **ret)
{
    struct imports *all = calloc(1, sizeof(*all));

    if (!all)
        return ERR_NO_MEMORY;
    all->events = *events;
    all->ctx = ctx;
    all->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (all->wake < 0) {
        free(all);
        return ERR_IO;
    }
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->answered, NULL);
    *ret = all;
    return 0;
}

int imports_fd(const struct imports *imports)
{
    return imports->wake;
}

static void imports_wake(struct imports *all)
{
    while (eventfd_write(all->wake, 1) < 0 && errno == EINTR)
        ;
}

/* ---- on the transfer's thread */

static void imports_moment(struct timespec *ret, long ms)
{
    clock_gettime(CLOCK_REALTIME, ret);
    ret->tv_nsec += ms * 1000000;
    ret->tv_sec += ret->tv_nsec / 1000000000;
    ret->tv_nsec %= 1000000000;
}

/* Puts the question and waits for the answer: what it points to is ours, so that once the loop has it nothing but the answer,
 * or the end of the loop, ends the wait. */
static int imports_ask_once(struct import_work *w, const struct imports_question *question,
                            struct import_order *order)
{
    struct imports *all = w->imports;
    struct timespec until;
    int err;

    pthread_mutex_lock(&all->lock);
    w->question = *question;
    w->asked = w->replied = false;
    w->fresh = order;
    imports_wake(all);
    while (!w->replied && !all->closing && (w->asked || !atomic_load(&w->cancel))) {
        imports_moment(&until, IMPORTS_LOOK_MS);
        pthread_cond_timedwait(&all->answered, &all->lock, &until);
    }
    err = w->replied ? w->err : ERR_CANCELLED;
    w->question.ask = IMPORTS_ASK_NONE;
    w->fresh = NULL;
    pthread_mutex_unlock(&all->lock);
    return err;
}

static bool imports_is_final(int err)
{
    switch (err) {
    case 0:
    case ERR_GONE:
    case ERR_NOT_FOUND:
    case ERR_FORBIDDEN:
    case ERR_TOO_LARGE:
    case ERR_QUOTA_EXCEEDED:
    case ERR_STORE_FULL:
    case ERR_CONFLICT:
    case ERR_INVALID:
    case ERR_CANCELLED: return true;
    }
    return false;
}

/* Until the catalog has answered: it may be started anew meanwhile. */
static int imports_ask_surely(struct import_work *w, const struct imports_question *question,
                              struct import_order *order)
{
    const struct timespec pause = { .tv_nsec = IMPORTS_AGAIN_MS * 1000000L };
    int err = imports_ask_once(w, question, order);

    for (unsigned n = 0; !imports_is_final(err) && n < IMPORTS_AGAIN_MOST; n++) {
        nanosleep(&pause, NULL);
        err = imports_ask_once(w, question, order);
    }
    return err;
}

static int imports_answered(void *ctx, struct import_answered *told, struct import_order *order)
{
    struct import_work *w = ctx;
    struct imports_question question = { .kept = w->kept, .ask = IMPORTS_ASK_ANSWERED, .answered = *told };

    question.answered.job_id = w->job;
    return imports_ask_surely(w, &question, order);
}

/* What the catalog does not hear now it hears with the next step, or finds in the object itself. */
static int imports_advanced(void *ctx, const struct import_order *order, uint64_t offset)
{
    struct import_work *w = ctx;
    struct imports_question question = {
        .kept = w->kept,
        .ask = IMPORTS_ASK_ADVANCED,
        .advanced = { .id = order->upload_id, .capability = order->capability, .offset = offset },
    };

    return imports_ask_once(w, &question, NULL);
}

static int imports_complete(void *ctx, const struct import_order *order, uint64_t length)
{
    struct import_work *w = ctx;
    struct imports_question question = {
        .kept = w->kept,
        .ask = IMPORTS_ASK_COMPLETE,
        .complete = { .id = order->upload_id, .capability = order->capability, .length = length },
    };

    return imports_ask_surely(w, &question, NULL);
}

static void *imports_run(void *ctx)
{
    struct import_work *w = ctx;

    transfer_run(&w->how, &w->order, &w->result);
    pthread_mutex_lock(&w->imports->lock);
    w->ended = true;
    pthread_mutex_unlock(&w->imports->lock);
    imports_wake(w->imports);
    return NULL;
}

/* ---- on the loop */

static void imports_free(struct import_work *w)
{
    arena_free(&w->arena);
    free(w);
}

int imports_start(struct imports *all, const struct transfer_how *how, const struct import_order *order,
                  struct id job, struct id video, uint64_t kept)
{
    struct import_work *w = calloc(1, sizeof(*w));

    if (!w)
        return ERR_NO_MEMORY;
    w->imports = all;
    w->job = job;
    w->video = video;
    w->kept = kept;
    w->arena = arena_new();
    wire_copy(&import_order_type, order, w->arena, &w->order);
    w->how = *how;
    w->how.cancel = &w->cancel;
    w->how.catalog = (struct transfer_catalog) { imports_answered, imports_advanced, imports_complete, w };
    pthread_mutex_lock(&all->lock);
    w->next = all->works;
    all->works = w;
    pthread_mutex_unlock(&all->lock);
    if (pthread_create(&w->thread, NULL, imports_run, w) == 0)
        return 0;
    all->works = w->next;
    imports_free(w);
    return ERR_BUSY;
}

static struct import_work *imports_find(struct imports *all, uint64_t kept)
{
    struct import_work *w = all->works;

    while (w && w->kept != kept)
        w = w->next;
    return w;
}

void imports_cancel(struct imports *all, uint64_t kept)
{
    struct import_work *w = imports_find(all, kept);

    if (w)
        atomic_store(&w->cancel, true);
}

void imports_answer(struct imports *all, uint64_t kept, int err, const struct import_order *order)
{
    struct import_work *w = imports_find(all, kept);

    pthread_mutex_lock(&all->lock);
    if (w && w->question.ask && w->asked) {
        if (err == 0 && order && w->fresh)
            wire_copy(&import_order_type, order, w->arena, w->fresh);
        w->err = err;
        w->replied = true;
        pthread_cond_broadcast(&all->answered);
    }
    pthread_mutex_unlock(&all->lock);
}

static void imports_pass_on(struct imports *all)
{
    for (struct import_work *w = all->works; w; w = w->next) {
        bool asks;

        pthread_mutex_lock(&all->lock);
        asks = w->question.ask && !w->asked;
        w->asked |= asks;
        pthread_mutex_unlock(&all->lock);
        if (asks)
            all->events.asks(all->ctx, &w->question);
    }
}

static void imports_take_ended(struct imports *all)
{
    struct import_work **at = &all->works;

    while (*at) {
        struct import_work *w = *at;
        struct imports_end end;
        bool ended;

        pthread_mutex_lock(&all->lock);
        ended = w->ended;
        pthread_mutex_unlock(&all->lock);
        if (!ended) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        pthread_join(w->thread, NULL);
        end = (struct imports_end) { .kept = w->kept, .video = w->video, .result = w->result };
        imports_free(w);
        all->events.ended(all->ctx, &end);
    }
}

void imports_collect(struct imports *all)
{
    eventfd_t n;

    while (eventfd_read(all->wake, &n) < 0 && errno == EINTR)
        ;
    imports_take_ended(all);
    imports_pass_on(all);
}

void imports_close(struct imports **imports)
{
    struct imports *all = *imports;

    if (!all)
        return;
    pthread_mutex_lock(&all->lock);
    all->closing = true;
    for (struct import_work *w = all->works; w; w = w->next)
        atomic_store(&w->cancel, true);
    pthread_cond_broadcast(&all->answered);
    pthread_mutex_unlock(&all->lock);
    while (all->works) {
        struct import_work *w = all->works;

        all->works = w->next;
        pthread_join(w->thread, NULL);
        imports_free(w);
    }
    close(all->wake);
    pthread_cond_destroy(&all->answered);
    pthread_mutex_destroy(&all->lock);
    free(all);
    *imports = NULL;
}

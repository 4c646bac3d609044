/* pool - a few threads for work that would hold up the loop: hashing passwords, running encoders, writing files.
 *
 * Work is a function and a block of bytes; it touches nothing else. Results come back through an eventfd. With
 * inline_, for tests, there are no threads: work is done when its result is asked for. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "actors/runtime/internal.h"
#include "gen/errors.h"

struct task {
    STAILQ_ENTRY(task) next;
    pool_work *work;
    struct message *then;
};
STAILQ_HEAD(tasks, task);

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct tasks waiting, done;
    unsigned waiting_n, threads_n;
    bool inline_, stopping;
    int event;
    pthread_t threads[];
};

static void *pool_thread(void *arg)
{
    struct pool *pool = arg;
    struct task *task;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (STAILQ_EMPTY(&pool->waiting) && !pool->stopping)
            pthread_cond_wait(&pool->more, &pool->lock);
        if (pool->stopping)
            break;
        task = STAILQ_FIRST(&pool->waiting);
        STAILQ_REMOVE_HEAD(&pool->waiting, next);
        pool->waiting_n--;
        pthread_mutex_unlock(&pool->lock);
        task->then->err = task->work(task->then->ctx);
        pthread_mutex_lock(&pool->lock);
        STAILQ_INSERT_TAIL(&pool->done, task, next);
        if (eventfd_write(pool->event, 1) < 0)
            break; /* the loop has gone */
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int pool_new(unsigned threads, bool inline_, struct pool **ret)
{
    struct pool *pool = calloc(1, sizeof(*pool) + threads * sizeof(pthread_t));
    sigset_t all, before;

    if (!pool)
        return ERR_NO_MEMORY;
    STAILQ_INIT(&pool->waiting);
    STAILQ_INIT(&pool->done);
    pool->inline_ = inline_;
    pool->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (; !inline_ && pool->threads_n < threads; pool->threads_n++)
        if (pthread_create(&pool->threads[pool->threads_n], NULL, pool_thread, pool))
            break;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->event < 0 || (!inline_ && pool->threads_n == 0)) {
        pool_free(&pool);
        return ERR_BUSY;
    }
    *ret = pool;
    return 0;
}

static void pool_drop(struct tasks *tasks)
{
    struct task *task;

    while ((task = STAILQ_FIRST(tasks))) {
        STAILQ_REMOVE_HEAD(tasks, next);
        message_free(&task->then);
        free(task);
    }
}

/* Waits for the work that is under way; what waits is dropped. */
void pool_free(struct pool **ret)
{
    struct pool *pool = *ret;

    *ret = NULL;
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads_n; i++)
        pthread_join(pool->threads[i], NULL);
    pool_drop(&pool->waiting);
    pool_drop(&pool->done);
    if (pool->event >= 0)
        close(pool->event);
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int pool_fd(const struct pool *pool)
{
    return pool->event;
}

unsigned pool_waiting(const struct pool *pool)
{
    struct pool *p = (struct pool *)pool;
    unsigned n;

    pthread_mutex_lock(&p->lock);
    n = p->waiting_n;
    pthread_mutex_unlock(&p->lock);
    return n;
}

void pool_submit(struct pool *pool, pool_work *work, struct message *then)
{
    struct task *task = malloc(sizeof(*task));

    if (!task)
        abort();
    *task = (struct task) { .work = work, .then = then };
    pthread_mutex_lock(&pool->lock);
    STAILQ_INSERT_TAIL(&pool->waiting, task, next);
    pool->waiting_n++;
    pthread_cond_signal(&pool->more);
    pthread_mutex_unlock(&pool->lock);
}

struct message *pool_done(struct pool *pool)
{
    struct tasks *from = pool->inline_ ? &pool->waiting : &pool->done;
    struct message *then = NULL;
    struct task *task;
    eventfd_t n;

    pthread_mutex_lock(&pool->lock);
    task = STAILQ_FIRST(from);
    if (task)
        STAILQ_REMOVE_HEAD(from, next);
    else if (eventfd_read(pool->event, &n) < 0 && errno != EAGAIN)
        abort();
    if (task && pool->inline_)
        pool->waiting_n--;
    pthread_mutex_unlock(&pool->lock);
    if (!task)
        return NULL;
    if (pool->inline_)
        task->then->err = task->work(task->then->ctx);
    then = task->then;
    free(task);
    return then;
}

/* door - see door.h */
#include "web/front/door.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "schemas/wire/buf.h"
#include "web/front/front.h"

#define DOOR_TAKEN         64 /* reads */
#define DOOR_CROWDED(most) ((most) - (most) / 4)

struct door_refused {
    int fd;
    int64_t at_ms;
};

static struct {
    atomic_uint inside, most;
    door_refuse_fn *refuse;
    void *ctx;
    pthread_mutex_t lock;
    unsigned n; /* lingering[0 .. n), the oldest first */
    struct door_refused lingering[DOOR_LINGERING];
} door = { .lock = PTHREAD_MUTEX_INITIALIZER };

static _Thread_local bool door_is_here;

void door_open(unsigned most, door_refuse_fn *refuse, void *ctx)
{
    door.refuse = refuse;
    door.ctx = ctx;
    atomic_store(&door.inside, 0);
    atomic_store(&door.most, most);
}

void door_here(void)
{
    door_is_here = true;
}

void door_left(void)
{
    atomic_fetch_sub(&door.inside, 1);
}

bool door_crowded(void)
{
    unsigned most = atomic_load(&door.most);

    return most && atomic_load(&door.inside) > DOOR_CROWDED(most);
}

/* Takes what came meanwhile, as a close with bytes unread is a reset; of who sends on and on no more than this. */
static void door_drop(int fd)
{
    char rest[4096];

    for (unsigned i = 0; i < DOOR_TAKEN && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++)
        ;
    close(fd);
}

/* Under the lock. */
static void door_drop_oldest(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        door_drop(door.lingering[i].fd);
    door.n -= n;
    for (unsigned i = 0; i < door.n; i++)
        door.lingering[i] = door.lingering[i + n];
}

void door_sweep(int64_t now_ms)
{
    unsigned n = 0;

    pthread_mutex_lock(&door.lock);
    while (n < door.n && now_ms - door.lingering[n].at_ms >= DOOR_LINGER_MS)
        n++;
    door_drop_oldest(n);
    pthread_mutex_unlock(&door.lock);
}

void door_close(void)
{
    atomic_store(&door.most, 0);
    pthread_mutex_lock(&door.lock);
    door_drop_oldest(door.n);
    pthread_mutex_unlock(&door.lock);
}

static void door_turn_away(int fd)
{
    struct buf answer = { 0 };
    int64_t now = front_monotonic();

    door.refuse(door.ctx, &answer);
    send(fd, answer.data, answer.len, MSG_DONTWAIT | MSG_NOSIGNAL); /* into a buffer that is empty, or to nobody */
    buf_free(&answer);
    shutdown(fd, SHUT_WR);
    door_sweep(now);
    pthread_mutex_lock(&door.lock);
    if (door.n == DOOR_LINGERING)
        door_drop_oldest(1);
    door.lingering[door.n++] = (struct door_refused) { fd, now };
    pthread_mutex_unlock(&door.lock);
}

/* In place of the C library's: also for libraries that take connections, whom it serves as that does. */
int accept(int fd, struct sockaddr *address, socklen_t *len)
{
    int one = accept4(fd, address, len, door_is_here ? SOCK_CLOEXEC : 0);
    unsigned most = atomic_load(&door.most);

    if (!door_is_here || most == 0)
        return one;
    if (one < 0) {
        if (errno == EMFILE || errno == ENFILE) /* it stays in the queue: who asks again at once asks in vain */
            nanosleep(&(struct timespec) { .tv_nsec = 20000000 }, NULL);
        return one;
    }
    if (atomic_fetch_add(&door.inside, 1) < most)
        return one;
    atomic_fetch_sub(&door.inside, 1);
    door_turn_away(one);
    errno = EAGAIN;
    return -1;
}

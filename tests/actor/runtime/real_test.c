/* The sample actors as processes of their own, on a real broker: what the fake bus says of it is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "broker/client/bus.h"
#include "gen/common.h"
#include "gen/errors.h"
#include "tests/actor/runtime/sample.h"
#include "tests/harness/patience.h"

struct real {
    char dir[64], broker[4096], policy[4096];
    pid_t broker_pid, library_pid, shelf_pid;
    struct bus *bus;
    struct arena *arena;
    bool up;
    uint64_t answered; /* cid of the last answer */
    int err;
    struct item item; /* of the last answer that was one */
    unsigned added, bound;
    struct item_added last_added;
    struct item_bound last_bound;
    uint64_t counted; /* items_added as library shows it */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the client: the operator's program */

static void real_up(void *ctx, const struct bus_welcome *welcome)
{
    ((struct real *)ctx)->up = true;
}

static void real_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct real *real = ctx;

    real->answered = cid;
    real->err = err;
    if (err == 0 && body.len)
        assert_int_equal(item_unpack(body, real->arena, &real->item, NULL), 0);
}

static void real_event(void *ctx, const char *stream, struct bus_cursor at, const struct bus_head *head,
                       struct bytes body)
{
    struct real *real = ctx;

    if (strcmp(head->name, "library.item_added") == 0) {
        assert_int_equal(item_added_unpack(body, real->arena, &real->last_added, NULL), 0);
        real->added++;
    } else if (strcmp(head->name, "library.item_bound") == 0) {
        assert_int_equal(item_bound_unpack(body, real->arena, &real->last_bound, NULL), 0);
        real->last_bound.job_id = head->job;
        real->bound++;
    }
    bus_cursor(real->bus, stream, at.seq);
}

static void real_value(void *ctx, const char *name, const char *key, struct bytes body)
{
    struct real *real = ctx;
    struct counts counts;

    if (!body.data)
        return;
    assert_int_equal(counts_unpack(body, real->arena, &counts, NULL), 0);
    for (size_t i = 0; i < counts.counters_n; i++)
        if (strcmp(counts.counters[i].name, "items_added") == 0)
            real->counted = counts.counters[i].value;
}

static const struct bus_events real_events = {
    .up = real_up, .reply = real_reply, .event = real_event, .value = real_value
};

/* Until it holds, or the test fails; woken by the bus, never by hope. */
#define real_until(REAL, CONDITION)                                                                            \
    do {                                                                                                       \
        int64_t late = now_ms() + PATIENCE_MS;                                                                 \
        while (!(CONDITION)) {                                                                                 \
            struct pollfd fd = { .fd = bus_fd((REAL)->bus), .events = POLLIN };                                \
            assert_true(now_ms() < late);                                                                      \
            bus_process((REAL)->bus, now_ms());                                                                \
            if (!(CONDITION))                                                                                  \
                poll(&fd, 1,                                                                                   \
                     bus_timeout_ms((REAL)->bus, now_ms()) < 50 ? bus_timeout_ms((REAL)->bus, now_ms()) : 50); \
        }                                                                                                      \
    } while (0)

/* ---- processes */

static void real_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static pid_t real_actor(struct real *real, const struct actor_def *def)
{
    char name[64];
    char *argv[] = { name, (char *)"--state", real->dir, (char *)"--any-filesystem", NULL };
    pid_t pid;

    snprintf(name, sizeof(name), "kinobus-%s", def->name);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execv("/proc/self/exe", argv); /* as main finds out by its name: threads are begun in no fork of others */
        _exit(127);
    }
    return pid;
}

static pid_t real_broker(struct real *real)
{
    char extra[128];
    char *argv[] = { real->broker,
                     (char *)"--state",
                     real->dir,
                     (char *)"--any-filesystem",
                     (char *)"--acl",
                     real->policy,
                     (char *)"--acl",
                     extra,
                     NULL };
    pid_t pid;

    snprintf(extra, sizeof(extra), "%s/policy", real->dir);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execv(real->broker, argv);
        _exit(127);
    }
    return pid;
}

static void real_end(pid_t *pid, int signal)
{
    int status;

    if (!*pid)
        return;
    kill(*pid, signal);
    assert_int_equal(waitpid(*pid, &status, 0), *pid);
    if (signal == SIGTERM)
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    *pid = 0;
}

static void real_place(struct real *real)
{
    static const char *const roles[] = { "library", "shelf", "cli" };
    char path[256], self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(len > 0);
    self[len] = 0; /* OUT/tests/actor/runtime_real */
    snprintf(real->broker, sizeof(real->broker), "%.3900s/bin/kinobus-broker", dirname(dirname(dirname(self))));
    snprintf(real->policy, sizeof(real->policy), "%.3900s/samples/gen/policy", self);
    strcpy(real->dir, "/tmp/kinobus-real-XXXXXX");
    assert_non_null(mkdtemp(real->dir));
    snprintf(path, sizeof(path), "%s/keys", real->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/keys/%s", real->dir, roles[i]);
        real_write(path, "0123456789abcdef0123456789abcdef\n");
    }
    snprintf(path, sizeof(path), "%s/policy", real->dir);
    real_write(
        path,
        "kinobus-policy 1\nallow cli call >\nallow cli follow >\nallow cli watch >\nallow cli set settings.*\n");
}

static int begin(void **state)
{
    struct real *real = calloc(1, sizeof(*real));
    char endpoint[128];
    struct bus_options options = { .endpoint = endpoint,
                                   .name = "cli",
                                   .secret = bytes_of_text("0123456789abcdef0123456789abcdef") };

    assert_non_null(real);
    *state = real;
    real->arena = arena_new();
    real_place(real);
    real->broker_pid = real_broker(real);
    real->library_pid = real_actor(real, &library_actor);
    real->shelf_pid = real_actor(real, &shelf_actor);
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/bus.sock", real->dir);
    assert_int_equal(bus_new(&options, &real_events, real, &real->bus), 0);
    real_until(real, real->up);
    assert_int_equal(bus_follow(real->bus, "library", NULL, NULL, (struct bus_cursor) { 0 }), 0);
    assert_int_equal(bus_watch(real->bus, "metrics.library"), 0);
    return 0;
}

static int real_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int end(void **state)
{
    struct real *real = *state;

    bus_close(&real->bus, 0);
    real_end(&real->shelf_pid, SIGTERM);
    real_end(&real->library_pid, SIGTERM);
    real_end(&real->broker_pid, SIGTERM);
    nftw(real->dir, real_remove, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&real->arena);
    free(real);
    return 0;
}

/* Calls until it is answered by somebody: before library offers, and while it restarts, there is nobody. */
static int create(struct real *real, const char *title, const char *key)
{
    struct bus_head head = { .idempotency = key };
    struct buf body = { 0 };
    uint64_t cid;

    assert_int_equal(create_item_pack(&(struct create_item) { .title = title, .kind = KIND_BOOK }, &body), 0);
    do {
        assert_int_equal(bus_call(real->bus, "library.create_item", &head, buf_bytes(&body), 5000, &cid), 0);
        real_until(real, real->answered == cid);
    } while (real->err == ERR_UNAVAILABLE || real->err == ERR_WORKER_LOST || real->err == ERR_UNKNOWN_NAME ||
             real->err == ERR_NO_SESSION);
    buf_free(&body);
    return real->err;
}

static void a_call_its_event_its_job_and_the_end_of_it_cross_a_real_broker(void **state)
{
    struct real *real = *state;

    assert_int_equal(create(real, "Atlas", NULL), 0);
    assert_string_equal(real->item.title, "Atlas");
    real_until(real, real->added == 1 && real->bound == 1);
    assert_true(id_equal(real->last_added.item_id, real->item.id));
    assert_int_equal(real->last_bound.pages, 7); /* shelf took the job and said so */
    assert_false(id_is_zero(real->last_bound.job_id));
    assert_int_equal(create(real, "Atlas", NULL), ERR_CONFLICT);
    real_until(real, real->counted == 1);
}

static void a_killed_actor_goes_on_where_it_was(void **state)
{
    struct real *real = *state;
    struct id first;

    assert_int_equal(create(real, "one", "key-1"), 0);
    first = real->item.id;
    real_end(&real->library_pid, SIGKILL);
    real->library_pid = real_actor(real, &library_actor);
    assert_int_equal(create(real, "one", "key-1"), 0);
    assert_true(id_equal(real->item.id, first));
    assert_int_equal(create(real, "two", "key-2"), 0);
    real_until(real, real->added == 2 && real->bound == 2);
}

static void a_killed_broker_loses_nothing_that_was_decided(void **state)
{
    struct real *real = *state;

    assert_int_equal(create(real, "one", "key-1"), 0);
    real->up = false;
    real_end(&real->broker_pid, SIGKILL);
    real->broker_pid = real_broker(real);
    real_until(real, real->up);
    assert_int_equal(create(real, "two", "key-2"), 0);
    real_until(real, real->bound == 2);
    assert_int_equal(real->added, 2);
}

int main(int argc, char **argv)
{
    if (!strcmp(argv[0], "kinobus-library"))
        return actor_main(&library_actor, argc, argv);
    if (!strcmp(argv[0], "kinobus-shelf"))
        return actor_main(&shelf_actor, argc, argv);
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(a_call_its_event_its_job_and_the_end_of_it_cross_a_real_broker),
        T(a_killed_actor_goes_on_where_it_was),
        T(a_killed_broker_loses_nothing_that_was_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

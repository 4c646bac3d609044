/* Each test forks, shuts the jail in the child, and does one thing in it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/transcode/worker/jail.h"
#include "actors/transcode/worker/link.h"

#define HELD 42 /* what a child ends with when the jail held */

static const struct control_terms terms = {
    .version = CONTROL_VERSION, .cpu_s = 20, .memory = 4ull << 30, .degraded = 1
};

/* Runs the deed inside and answers waitpid's status. */
static int inside(int (*deed)(void))
{
    int pair[2], status = 0;
    pid_t child;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct control_hello hello;

        dup2(pair[1], LINK_FD);
        jail_enter(&terms, &hello);
        _exit(hello.jail & CONTROL_JAIL_PROVED ? deed() : 1);
    }
    close(pair[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(pair[0]);
    return status;
}

static void assert_held(int (*deed)(void))
{
    int status = inside(deed);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), HELD);
}

static int open_file(void)
{
    return open("/etc/hostname", O_RDONLY) < 0 && errno == EACCES && open("new", O_CREAT | O_RDWR, 0600) < 0 ? HELD
                                                                                                             : 1;
}

static void no_file_opens(void **state)
{
    assert_held(open_file);
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EACCES && socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? HELD
                                                                                                         : 1;
}

static void no_socket_is_made(void **state)
{
    assert_held(make_socket);
}

static int fork_itself(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(1);
    return child < 0 ? HELD : 1;
}

static void no_process_is_made(void **state)
{
    assert_held(fork_itself);
}

static int run_shell(void)
{
    char *const none[] = { NULL };

    execve("/bin/sh", none, none);
    return errno == EACCES ? HELD : 1;
}

static void nothing_is_executed(void **state)
{
    assert_held(run_shell);
}

static void *thread_body(void *ctx)
{
    *(int *)ctx = 1;
    return NULL;
}

static int use_threads(void)
{
    pthread_t thread;
    int ran = 0;

    if (pthread_create(&thread, NULL, thread_body, &ran) != 0)
        return 1;
    pthread_join(thread, NULL);
    return ran ? HELD : 1;
}

static void threads_work(void **state)
{
    assert_held(use_threads);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int map_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return 1;
    return mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EPERM ? HELD : 1;
}

static void memory_never_becomes_code(void **state)
{
    assert_held(map_code);
}

static int take_too_much(void)
{
    return mmap(NULL, 5ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? HELD
                                                                                                            : 1;
}

static void memory_has_a_bound(void **state)
{
    assert_held(take_too_much);
}
#endif

static int trace_parent(void)
{
    syscall(SYS_ptrace, 0, 0, 0, 0);
    return 1;
}

static void what_is_not_listed_kills(void **state)
{
    int status = inside(trace_parent);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int kill_parent(void)
{
    kill(getppid(), 0);
    return 1;
}

static void no_other_process_is_signalled(void **state)
{
    int status = inside(kill_parent);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_file_opens),
        cmocka_unit_test(no_socket_is_made),
        cmocka_unit_test(no_process_is_made),
        cmocka_unit_test(nothing_is_executed),
        cmocka_unit_test(threads_work),
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
        cmocka_unit_test(memory_never_becomes_code),
        cmocka_unit_test(memory_has_a_bound),
#endif
        cmocka_unit_test(what_is_not_listed_kills),
        cmocka_unit_test(no_other_process_is_signalled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

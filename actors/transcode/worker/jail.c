#include "actors/transcode/worker/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/transcode/worker/link.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#if SANITIZED
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:allocator_may_return_null=1:handle_segv=0";
}
#endif

#define NOBODY 65534

static void limit(int what, const char *name, rlim_t most)
{
    struct rlimit now, want = { most, most };

    if (getrlimit(what, &now) == 0 && now.rlim_max < most)
        want.rlim_cur = want.rlim_max = now.rlim_max;
    if (setrlimit(what, &want) < 0)
        link_done(CONTROL_NO_JAIL, "setrlimit %s: %s", name, strerror(errno));
}

static void limits(const struct control_terms *terms)
{
    if (SANITIZED)
        link_log(CONTROL_LOG_WARNING, "sanitizer build: no limit on address space, no leak detection");
    else
        limit(RLIMIT_AS, "address space", terms->memory);
    if (setrlimit(RLIMIT_CPU, &(struct rlimit) { terms->cpu_s, terms->cpu_s + 2 }) < 0)
        link_done(CONTROL_NO_JAIL, "setrlimit CPU: %s", strerror(errno));
    limit(RLIMIT_CORE, "core", 0);
    limit(RLIMIT_FSIZE, "file size", 0);
    limit(RLIMIT_NOFILE, "descriptors", 8);
}

static void drop_rights(void)
{
    if (geteuid() == 0 &&
        (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
        link_done(CONTROL_NO_JAIL, "giving up root: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
        link_done(CONTROL_NO_JAIL, "prctl: %s", strerror(errno));
}

/* The kernel's structure, as of ABI 6: the header of the distribution ends at ABI 2. A kernel that knows less of it
 * accepts it as long as the tail is zero. */
struct landlock_ruleset {
    uint64_t files, network, scopes;
};

/* Refuses every right that a kernel of this ABI can handle: files 13, 14, 15, 16 bits, then TCP and scopes. */
static struct landlock_ruleset landlock_all(int abi)
{
    unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

    return (struct landlock_ruleset) {
        .files = (1ull << bits) - 1,
        .network = abi >= 4 ? 3 : 0,
        .scopes = abi >= 6 ? 3 : 0,
    };
}

/* Returns the ABI, or 0 where there is no Landlock and the terms allow that. */
static int landlock(const struct control_terms *terms)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, 1u /* version */), set;
    struct landlock_ruleset all;

    if (abi <= 0) {
        if (terms->degraded)
            return 0;
        link_done(CONTROL_NO_JAIL,
                  "this kernel has no Landlock (%s); transcode.sandbox=degraded starts without it",
                  strerror(errno));
    }
    all = landlock_all(abi);
    set = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0u);
    if (set < 0 || syscall(SYS_landlock_restrict_self, set, 0u) < 0)
        link_done(CONTROL_NO_JAIL, "Landlock ABI %d: %s", abi, strerror(errno));
    close(set);
    return abi;
}

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getrusage),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getcpu),
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(membarrier),
};

static const struct {
    int call, answer;
} refused[] = {
    { SCMP_SYS(open), EACCES },
    { SCMP_SYS(openat), EACCES },
    { SCMP_SYS(openat2), EACCES },
    { SCMP_SYS(creat), EACCES },
    { SCMP_SYS(access), EACCES },
    { SCMP_SYS(faccessat), EACCES },
    { SCMP_SYS(faccessat2), EACCES },
    { SCMP_SYS(stat), EACCES },
    { SCMP_SYS(lstat), EACCES },
    { SCMP_SYS(statx), EACCES },
    { SCMP_SYS(readlink), EACCES },
    { SCMP_SYS(readlinkat), EACCES },
    { SCMP_SYS(getcwd), EACCES },
    { SCMP_SYS(socket), EACCES },
    { SCMP_SYS(socketpair), EACCES },
    { SCMP_SYS(connect), EACCES },
    { SCMP_SYS(bind), EACCES },
    { SCMP_SYS(execve), EACCES },
    { SCMP_SYS(execveat), EACCES },
    { SCMP_SYS(fork), EACCES },
    { SCMP_SYS(vfork), EACCES },
    { SCMP_SYS(clone3), ENOSYS },
    { SCMP_SYS(ioctl), ENOTTY },
    { SCMP_SYS(set_mempolicy), EPERM },
    { SCMP_SYS(mbind), EPERM },
    { SCMP_SYS(io_uring_setup), ENOSYS },
    { SCMP_SYS(sched_setscheduler), EPERM },
    { SCMP_SYS(sched_setaffinity), EPERM },
    { SCMP_SYS(setpriority), EPERM },
};

static int allow_if(scmp_filter_ctx filter, int call, struct scmp_arg_cmp test)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &test);
}

/* What depends on an argument: threads but not processes, no executable memory, signals to itself alone. */
static int add_conditional(scmp_filter_ctx filter)
{
    const scmp_datum_t thread = CLONE_THREAD, exec = SANITIZED ? 0 : 4 /* PROT_EXEC */;
    const scmp_datum_t self = (scmp_datum_t)getpid();
    struct scmp_arg_cmp no_thread = SCMP_A0(SCMP_CMP_MASKED_EQ, thread, 0);
    struct scmp_arg_cmp not_name = SCMP_A0(SCMP_CMP_NE, PR_SET_NAME);
    struct scmp_arg_cmp executable = SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 4);
    int r;

    r = allow_if(filter, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread));
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(clone), 1, &no_thread);
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0));
    if (r == 0 && !SANITIZED)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mmap), 1, &executable);
    if (r == 0 && !SANITIZED)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(mprotect), 1, &executable);
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, self));
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1, &not_name);
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)); /* reading limits */
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(newfstatat), SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    if (r == 0)
        r = allow_if(filter, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_GETFL));
    return r;
}

static void filter_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int r = filter ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    for (size_t i = 0; r == 0 && i < sizeof(refused) / sizeof(*refused); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(refused[i].answer), refused[i].call, 0, NULL);
    if (r == 0)
        r = add_conditional(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    if (r < 0)
        link_done(CONTROL_NO_JAIL, "seccomp: %s", strerror(-r));
}

static void leaks(const char *what)
{
    link_done(CONTROL_NO_JAIL, "the jail leaks: %s worked from inside", what);
}

/* Tries what an attacker would try first. Raw calls, so that no library stands in between. */
static void prove(void)
{
    struct sockaddr_in there = { .sin_family = AF_INET,
                                 .sin_port = htons(9),
                                 .sin_addr = { htonl(INADDR_LOOPBACK) } };
    char *const args[] = { (char *)(uintptr_t) "/bin/true", NULL };
    long r;

    if (syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0) >= 0)
        leaks("open");
    if (syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0)
        leaks("socket");
    if (syscall(SYS_connect, LINK_FD, &there, sizeof(there)) >= 0 || errno != EACCES)
        leaks("connect");
    r = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (r == 0)
        _exit(4);
    if (r > 0) {
        waitpid((pid_t)r, NULL, 0);
        leaks("fork");
    }
    syscall(SYS_execve, args[0], args, NULL); /* a success would be a silent end: the parent misses HELLO */
    if (errno != EACCES)
        leaks("exec");
}

void jail_enter(const struct control_terms *terms, struct control_hello *hello)
{
    *hello = (struct control_hello) { .version = CONTROL_VERSION };
    limits(terms);
    hello->jail |= CONTROL_JAIL_LIMITS;
    if (setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + (int)terms->nice) < 0)
        link_log(CONTROL_LOG_INFO, "no lower priority for this worker: %s", strerror(errno));
    drop_rights();
    hello->landlock_abi = (uint32_t)landlock(terms);
    if (hello->landlock_abi)
        hello->jail |= CONTROL_JAIL_LANDLOCK;
    filter_calls();
    hello->jail |= CONTROL_JAIL_SECCOMP;
    prove();
    hello->jail |= CONTROL_JAIL_PROVED;
}

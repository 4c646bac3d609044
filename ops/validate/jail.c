#include "ops/validate/jail.h"

#include <errno.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ops/validate/limits.h"

/* A sanitizer needs its own memory, files and calls. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define JAIL_FD 3 /* behind the three of every program */

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static int jail_limit(int what, rlim_t most)
{
    struct rlimit now, want = { most, most };

    if (getrlimit(what, &now) == 0 && now.rlim_max < most)
        want.rlim_cur = want.rlim_max = now.rlim_max;
    return setrlimit(what, &want);
}

/* Nothing is allowed, so that nothing can be opened; a kernel without Landlock leaves that to seccomp. */
static void jail_landlock(void)
{
    struct landlock_ruleset_attr all = { .handled_access_fs = (1ull << 13) - 1 };
    int set = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0u);

    if (set >= 0) {
        (void)syscall(SYS_landlock_restrict_self, set, 0u);
        close(set);
    }
}

static int jail_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    struct scmp_arg_cmp data = SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0);
    int r = filter ? 0 : -ENOMEM;

    for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(*allowed); i++)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &data);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &data);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0, NULL);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0, NULL);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

int jail_enter(int *fd, const char **ret_why)
{
    *ret_why = "limits on memory, CPU, files or privileges could not be set";
    if ((!SANITIZED && jail_limit(RLIMIT_AS, (rlim_t)MEMORY_MB << 20) < 0) || jail_limit(RLIMIT_CPU, CPU_S) < 0 ||
        jail_limit(RLIMIT_CORE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -1;
    if (SANITIZED)
        return 0;
    *ret_why = "descriptors could not be closed";
    if (dup2(*fd, JAIL_FD) < 0 || syscall(SYS_close_range, JAIL_FD + 1u, ~0u, 0u) < 0)
        return -1;
    *fd = JAIL_FD;
    jail_landlock();
    *ret_why = "the filter of system calls could not be loaded";
    return jail_calls() < 0 ? -1 : 0;
}

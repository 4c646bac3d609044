#include "ops/supervisor/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ops/process/pidfile.h"
#include "ops/supervisor/secret.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MOST_MS = 10000,
    STEADY_MS = 30000, /* up for so long: what ends it then is a new failure, not the same one */
    STOP_MS = 10000,   /* between the request to stop and the end by force */
    ARGS_MOST = 24,
};

static const int64_t NEVER = INT64_MAX;

static void service_say(const struct service *service, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void service_say(const struct service *service, const char *fmt, ...)
{
    char line[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    fprintf(stderr, "supervisor service=%s %s\n", service->name, line);
}

void service_init(struct service *service, const struct service_row *row, const struct service_place *place,
                  unsigned number)
{
    *service = (struct service) { .row = row, .place = place, .pidfd = -1, .due_ms = NEVER };
    snprintf(service->name, sizeof(service->name), "%s-%u", row->name, number);
}

static int service_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

bool service_adopt(struct service *service, int64_t now_ms)
{
    struct pidfile file;
    bool lives = pidfile_read(service->place->run, service->name, &file);
    service->restarts = file.restarts;
    if (!lives)
        return false;
    int pidfd = service_pidfd(file.pid);
    if (pidfd < 0 || pidfile_starttime(file.pid) != file.starttime) {
        if (pidfd >= 0)
            close(pidfd);
        return false;
    }
    service->pid = file.pid;
    service->pidfd = pidfd;
    service->child = false;
    service->wanted = true;
    service->state = SERVICE_READY;
    service->started_ms = now_ms;
    service_say(service, "event=adopted pid=%d", (int)file.pid);
    return true;
}

/* Replaces the holes of one argument; what is too long is cut by nobody: the start fails. */
static bool service_fill(const struct service *service, const char *arg, char *out, size_t size)
{
    const struct {
        const char *hole, *value;
    } holes[] = { { "{state}", service->place->state },
                  { "{share}", service->place->share },
                  { "{bin}", service->place->bin },
                  { "{config}", service->place->config } };
    size_t used = 0;
    while (*arg) {
        const char *piece = arg;
        size_t len = 1, skip = 1;
        for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
            if (strncmp(arg, holes[i].hole, strlen(holes[i].hole)) == 0) {
                piece = holes[i].value;
                len = strlen(piece);
                skip = strlen(holes[i].hole);
            }
        }
        if (used + len >= size)
            return false;
        memcpy(out + used, piece, len);
        used += len;
        arg += skip;
    }
    out[used] = '\0';
    return true;
}

static int service_log_fd(const struct service *service)
{
    char path[80];
    snprintf(path, sizeof(path), "%s.log", service->name);
    return openat(service->place->logs, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/* In the child, between fork and exec: async-signal-safe calls alone. */
static void service_become(char *const argv[], char *const envp[], int log)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid(); /* a terminal's ^C reaches the supervisor alone, which stops the rest in order */
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0)
        dup2(null, 0);
    if (log >= 0) {
        dup2(log, 1);
        dup2(log, 2);
    }
    execve(argv[0], argv, envp);
    _exit(127);
}

/* The caller's environment, with NOTIFY_SOCKET set to ours; freed by the caller, its strings are not. */
static char **service_environment(const char *notify)
{
    size_t n = 0, used = 0;
    while (environ[n])
        n++;
    char **envp = calloc(n + 2, sizeof(*envp));
    if (!envp)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (strncmp(environ[i], "NOTIFY_SOCKET=", 14) != 0)
            envp[used++] = environ[i];
    }
    envp[used] = (char *)notify;
    return envp;
}

static pid_t service_spawn(const struct service *service)
{
    char filled[ARGS_MOST][PATH_MAX], number[16], notify[PATH_MAX];
    char *argv[ARGS_MOST + 1] = { NULL };
    size_t n = 0;
    if (*service->row->program == '/')
        snprintf(filled[n], sizeof(filled[n]), "%s", service->row->program);
    else
        snprintf(filled[n], sizeof(filled[n]), "%s/%s", service->place->bin, service->row->program);
    argv[n] = filled[n];
    n++;
    for (const char *const *arg = service->row->args; *arg && n < ARGS_MOST - 2; arg++) {
        if (!service_fill(service, *arg, filled[n], sizeof(filled[n]))) {
            errno = ENAMETOOLONG;
            return -1;
        }
        argv[n] = filled[n];
        n++;
    }
    int secret = service->row->role ? secret_open(service->place->keys, service->row->role) : -1;
    if (service->row->role && secret < 0)
        return -1;
    if (secret >= 0) {
        snprintf(number, sizeof(number), "%d", secret);
        argv[n++] = (char *)"--secret-fd";
        argv[n++] = number;
    }
    snprintf(notify, sizeof(notify), "NOTIFY_SOCKET=%s", service->place->notify);
    char **envp = service_environment(notify);
    int log = service_log_fd(service);
    pid_t pid = fork();
    if (pid == 0)
        service_become(argv, envp, log);
    int saved = errno;
    if (log >= 0)
        close(log);
    if (secret >= 0)
        close(secret);
    free(envp);
    errno = saved;
    return pid;
}

static void service_wait_to_start(struct service *service, int64_t now_ms)
{
    unsigned doublings = service->failures < 7 ? service->failures : 7;
    int64_t delay = (int64_t)BACKOFF_FIRST_MS << doublings;
    service->state = SERVICE_WAITING;
    service->due_ms = now_ms + (delay < BACKOFF_MOST_MS ? delay : BACKOFF_MOST_MS);
}

static void service_start(struct service *service, int64_t now_ms)
{
    pid_t pid = service_spawn(service);
    if (pid < 0) {
        service_say(service, "event=start_failed error=\"%s\"", strerror(errno));
        service->failures++;
        service_wait_to_start(service, now_ms);
        return;
    }
    service->pid = pid;
    service->pidfd = service_pidfd(pid);
    service->child = true;
    service->state = SERVICE_STARTING;
    service->started_ms = now_ms;
    service->due_ms = NEVER;
    struct pidfile file = { pid, pidfile_starttime(pid), service->restarts };
    if (pidfile_write(service->place->run, service->name, &file) < 0)
        service_say(service, "event=pidfile_failed error=\"%s\"", strerror(errno));
    service_say(service, "event=started pid=%d", (int)pid);
}

void service_want(struct service *service, bool wanted, int64_t now_ms)
{
    service->wanted = wanted;
    if (wanted && service->state == SERVICE_IDLE) {
        service->failures = 0;
        service_start(service, now_ms);
    } else if (!wanted && service->state == SERVICE_WAITING) {
        service->state = SERVICE_IDLE;
        service->due_ms = NEVER;
    } else if (!wanted && (service->state == SERVICE_STARTING || service->state == SERVICE_READY)) {
        kill(service->pid, service->row->stop);
        service->state = SERVICE_STOPPING;
        service->due_ms = now_ms + STOP_MS;
    }
}

void service_ready(struct service *service, int64_t now_ms)
{
    if (service->state != SERVICE_STARTING)
        return;
    service->state = SERVICE_READY;
    service_say(service, "event=ready pid=%d took=%lldms", (int)service->pid,
                (long long)(now_ms - service->started_ms));
}

/* What became of a child, in words; an adopted process takes its status with it. */
static void service_say_end(const struct service *service)
{
    siginfo_t info = { 0 };
    if (!service->child || waitid(P_PID, (id_t)service->pid, &info, WEXITED | WNOHANG) < 0) {
        service_say(service, "event=ended pid=%d", (int)service->pid);
    } else if (info.si_code == CLD_EXITED) {
        service_say(service, "event=ended pid=%d exit=%d", (int)service->pid, info.si_status);
    } else {
        service_say(service, "event=ended pid=%d signal=%d", (int)service->pid, info.si_status);
    }
}

bool service_is(const struct service *service, pid_t pid)
{
    return service->pid == pid || (!service->row->role && service->pid > 0 && getpgid(pid) == service->pid);
}

void service_ended(struct service *service, int64_t now_ms)
{
    if (!service->row->role)
        kill(-service->pid, SIGKILL); /* what a killed master leaves would keep its port */
    service_say_end(service);
    close(service->pidfd);
    service->pidfd = -1;
    service->pid = 0;
    service->due_ms = NEVER;
    pidfile_remove(service->place->run, service->name);
    if (!service->wanted) {
        service->state = SERVICE_IDLE;
        return;
    }
    service->restarts++;
    service->failures = now_ms - service->started_ms >= STEADY_MS ? 0 : service->failures + 1;
    service_wait_to_start(service, now_ms);
}

void service_tick(struct service *service, int64_t now_ms)
{
    if (now_ms < service->due_ms)
        return;
    service->due_ms = NEVER;
    if (service->state == SERVICE_WAITING)
        service_start(service, now_ms);
    else if (service->state == SERVICE_STOPPING) {
        service_say(service, "event=killed pid=%d why=\"no end %d ms after it was asked\"", (int)service->pid,
                    STOP_MS);
        kill(service->pid, SIGKILL);
    }
}

void service_close(struct service *service)
{
    if (service->pidfd >= 0)
        close(service->pidfd);
    service->pidfd = -1;
}

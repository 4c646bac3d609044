#include "ops/supervisor/supervisor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/runtime/ready/slim.h"
#include "ops/supervisor/demand.h"
#include "schemas/wire/clock.h"

/* The row's number of instances, or what KINOBUS_SUPERVISOR_<NAME>_INSTANCES says. */
static unsigned supervisor_instances(const struct service_row *row)
{
    char name[96];
    snprintf(name, sizeof(name), "KINOBUS_SUPERVISOR_%s_INSTANCES", row->name);
    for (char *c = name; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    const char *text = getenv(name);
    if (!text)
        return row->instances;
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    if (*end || end == text || n > 64) {
        fprintf(stderr, "supervisor error=\"%s=%s: say a number from 0 to 64\"\n", name, text);
        return row->instances;
    }
    return (unsigned)n;
}

/* STATE/run/ready is there while every service that is always wanted has been ready: `kinobus up` waits for it. */
static void supervisor_note_ready(struct supervisor *self)
{
    for (unsigned i = 0; i < self->services_n; i++) {
        if (self->services[i].wanted && self->services[i].state != SERVICE_READY)
            return;
    }
    slim_down();
    int fd = openat(self->place.run, "ready", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0)
        close(fd);
}

void supervisor_begin(struct supervisor *self)
{
    int64_t now_ms = clock_mono_ms();
    for (size_t r = 0; r < service_rows_n; r++) {
        unsigned instances = supervisor_instances(&service_rows[r]);
        for (unsigned i = 0; i < instances && self->services_n < SUPERVISOR_SERVICES; i++)
            service_init(&self->services[self->services_n++], &service_rows[r], &self->place, i + 1);
    }
    for (unsigned i = 0; i < self->services_n; i++) {
        struct service *service = &self->services[i];
        if (!service_adopt(service, now_ms) && !service->row->queues)
            service_want(service, true, now_ms);
    }
    supervisor_note_ready(self);
}

/* One datagram of sd_notify's protocol: lines, READY=1 among them. The kernel vouches for the sender's pid. */
static void supervisor_notified(struct supervisor *self, int64_t now_ms)
{
    char text[256], control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec iov = { text, sizeof(text) - 1 };
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    ssize_t n = recvmsg(self->notify, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n <= 0)
        return;
    text[n] = '\0';
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
    if (!head || head->cmsg_type != SCM_CREDENTIALS || !strstr(text, "READY=1"))
        return;
    struct ucred who;
    memcpy(&who, CMSG_DATA(head), sizeof(who));
    for (unsigned i = 0; i < self->services_n; i++) {
        if (service_is(&self->services[i], who.pid))
            service_ready(&self->services[i], now_ms);
    }
    supervisor_note_ready(self);
}

static bool supervisor_all_idle(const struct supervisor *self)
{
    for (unsigned i = 0; i < self->services_n; i++) {
        if (self->services[i].state != SERVICE_IDLE)
            return false;
    }
    return true;
}

/* Asks all but the broker to stop at once, and the broker when the others have ended: their last words go through it.
 * Called again whenever one has ended. */
static void supervisor_stop(struct supervisor *self, int64_t now_ms)
{
    bool others = false;
    for (unsigned i = 0; i < self->services_n; i++) {
        if (self->services[i].row == &service_rows[0])
            continue;
        service_want(&self->services[i], false, now_ms);
        others = others || self->services[i].state != SERVICE_IDLE;
    }
    for (unsigned i = 0; i < self->services_n && !others; i++)
        service_want(&self->services[i], false, now_ms);
}

static void supervisor_signalled(struct supervisor *self, int64_t now_ms)
{
    struct signalfd_siginfo info;
    if (read(self->signals, &info, sizeof(info)) != (ssize_t)sizeof(info) || info.ssi_signo == SIGCHLD)
        return;
    if (!self->stopping)
        fprintf(stderr, "supervisor event=stopping signal=%u\n", info.ssi_signo);
    self->stopping = true;
    supervisor_stop(self, now_ms);
}

static int supervisor_timeout(const struct supervisor *self, int64_t now_ms)
{
    int64_t due = INT64_MAX;
    for (unsigned i = 0; i < self->services_n; i++)
        due = self->services[i].due_ms < due ? self->services[i].due_ms : due;
    if (due == INT64_MAX)
        return -1;
    return due <= now_ms ? 0 : due - now_ms > 60000 ? 60000 : (int)(due - now_ms);
}

static void supervisor_look(struct supervisor *self, const struct pollfd *polled, const unsigned *which,
                            unsigned n)
{
    int64_t now = clock_mono_ms();
    for (unsigned i = 0; i < n; i++) {
        if (!(polled[i].revents & POLLIN))
            continue;
        struct service *service = &self->services[which[i]];
        if (service->pidfd == polled[i].fd)
            service_ended(service, now);
    }
    for (unsigned i = 0; i < self->services_n; i++)
        service_tick(&self->services[i], now);
    if (self->stopping)
        supervisor_stop(self, now);
}

void supervisor_run(struct supervisor *self)
{
    struct demand *demand = demand_new(self);
    while (!self->stopping || !supervisor_all_idle(self)) {
        struct pollfd polled[SUPERVISOR_SERVICES + 3];
        unsigned which[SUPERVISOR_SERVICES], n = 0;
        for (unsigned i = 0; i < self->services_n; i++) {
            if (self->services[i].pidfd < 0)
                continue;
            which[n] = i;
            polled[n++] = (struct pollfd) { self->services[i].pidfd, POLLIN, 0 };
        }
        polled[n] = (struct pollfd) { self->signals, POLLIN, 0 };
        polled[n + 1] = (struct pollfd) { self->notify, POLLIN, 0 };
        polled[n + 2] = (struct pollfd) { demand_fd(demand), POLLIN, 0 };
        int64_t now = clock_mono_ms();
        int wait = supervisor_timeout(self, now), other = demand_timeout(demand, now);
        if (other >= 0 && (wait < 0 || other < wait))
            wait = other;
        if (poll(polled, n + 3, wait) < 0 && errno != EINTR) {
            perror("supervisor: poll");
            break;
        }
        if (polled[n].revents & POLLIN)
            supervisor_signalled(self, clock_mono_ms());
        if (polled[n + 1].revents & POLLIN)
            supervisor_notified(self, clock_mono_ms());
        demand_process(demand, clock_mono_ms());
        supervisor_look(self, polled, which, n);
    }
    demand_free(&demand);
}

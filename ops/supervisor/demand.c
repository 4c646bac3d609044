#include "ops/supervisor/demand.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/client/bus.h"
#include "broker/client/mp.h"
#include "ops/supervisor/secret.h"
#include "ops/supervisor/supervisor.h"

enum { ASK_EVERY_MS = 1000, DEADLINE_MS = 5000, IDLE_MS = 60000 };

struct demand {
    struct supervisor *supervisor;
    struct bus *bus;
    int64_t now_ms, ask_at_ms;
    bool asked;                           /* an answer is on its way */
    int64_t busy_ms[SUPERVISOR_SERVICES]; /* when one of the service's queues had work last */
};

static bool demand_any(const struct supervisor *supervisor)
{
    for (unsigned i = 0; i < supervisor->services_n; i++) {
        if (supervisor->services[i].row->queues)
            return true;
    }
    return false;
}

/* One queue of the answer: its name, and how many jobs it has that somebody could work on. */
static bool demand_read(struct mp *mp, struct bytes *ret_name, uint64_t *ret_work)
{
    uint64_t ready = 0, leased = 0, paused_ms = 0;
    const struct {
        const char *name;
        uint64_t *number;
    } members[] = { { "ready", &ready }, { "leased", &leased }, { "paused_ms", &paused_ms } };
    uint32_t pairs;
    *ret_name = (struct bytes) { 0 };
    *ret_work = 0;
    if (!mp_get_map(mp, &pairs))
        return false;
    for (uint32_t i = 0; i < pairs; i++) {
        struct bytes key;
        bool got = false;
        if (!mp_get_data(mp, &key))
            return false;
        if (bytes_equal(key, bytes_of_text("name")))
            got = mp_get_data(mp, ret_name);
        for (size_t k = 0; k < sizeof(members) / sizeof(*members); k++)
            if (bytes_equal(key, bytes_of_text(members[k].name)))
                got = mp_get_uint(mp, members[k].number);
        if (!got && !mp_skip(mp))
            return false;
    }
    *ret_work = leased + (paused_ms ? 0 : ready);
    return true;
}

static bool demand_is_of(const struct service *service, struct bytes queue)
{
    for (const char *const *name = service->row->queues; name && *name; name++) {
        if (bytes_equal(queue, bytes_of_text(*name)))
            return true;
    }
    return false;
}

static void demand_apply(struct demand *self, struct bytes queue, bool work)
{
    for (unsigned i = 0; i < self->supervisor->services_n; i++) {
        struct service *service = &self->supervisor->services[i];
        if (!demand_is_of(service, queue))
            continue;
        if (work)
            self->busy_ms[i] = self->now_ms;
        if (work && !service->wanted)
            service_want(service, true, self->now_ms);
        else if (!work && service->wanted && self->now_ms - self->busy_ms[i] > IDLE_MS)
            service_want(service, false, self->now_ms);
    }
}

static void demand_reply(void *ctx, uint64_t cid, int err, struct bytes body)
{
    struct demand *self = ctx;
    struct mp mp = mp_of(body);
    uint32_t queues;
    (void)cid;
    self->asked = false;
    if (err < 0 || self->supervisor->stopping || !mp_get_array(&mp, &queues))
        return;
    for (uint32_t i = 0; i < queues; i++) {
        struct bytes name;
        uint64_t work;
        if (!demand_read(&mp, &name, &work))
            return;
        demand_apply(self, name, work > 0);
    }
}

static struct bus *demand_connect(struct demand *self)
{
    static const struct bus_events events = { .reply = demand_reply };
    char endpoint[PATH_MAX + 32], secret[SECRET_LEN];
    struct bus *bus = NULL;
    int fd = secret_open(self->supervisor->place.keys, "supervisor");
    ssize_t n = fd >= 0 ? read(fd, secret, sizeof(secret)) : -1;
    if (fd >= 0)
        close(fd);
    snprintf(endpoint, sizeof(endpoint), "ipc://%s/bus.sock", self->supervisor->place.state);
    struct bus_options options = { .endpoint = endpoint,
                                   .name = "supervisor",
                                   .secret = bytes_of(secret, n > 0 ? (size_t)n : 0) };
    int r = bus_new(&options, &events, self, &bus);
    if (r < 0)
        fprintf(stderr, "supervisor event=no_bus error=%d services=\"on demand\"\n", r);
    return bus;
}

struct demand *demand_new(struct supervisor *supervisor)
{
    if (!demand_any(supervisor))
        return NULL;
    struct demand *self = calloc(1, sizeof(*self));
    if (!self)
        abort();
    self->supervisor = supervisor;
    self->bus = demand_connect(self);
    return self;
}

void demand_free(struct demand **demand)
{
    if (!*demand)
        return;
    if ((*demand)->bus)
        bus_close(&(*demand)->bus, 0);
    free(*demand);
    *demand = NULL;
}

int demand_fd(const struct demand *demand)
{
    return demand && demand->bus ? bus_fd(demand->bus) : -1;
}

int demand_timeout(struct demand *demand, int64_t now_ms)
{
    if (!demand || !demand->bus)
        return -1;
    int64_t wait = demand->asked ? DEADLINE_MS : demand->ask_at_ms - now_ms;
    int64_t bus = bus_timeout_ms(demand->bus, now_ms);
    wait = wait < 0 ? 0 : wait;
    return (int)(bus >= 0 && bus < wait ? bus : wait);
}

void demand_process(struct demand *demand, int64_t now_ms)
{
    static const struct bus_head head;
    if (!demand || !demand->bus)
        return;
    demand->now_ms = now_ms;
    if (!demand->asked && now_ms >= demand->ask_at_ms && bus_is_up(demand->bus)) {
        uint64_t cid;
        demand->asked = bus_call(demand->bus, "$sys.queues", &head, (struct bytes) { 0 }, DEADLINE_MS, &cid) == 0;
        demand->ask_at_ms = now_ms + ASK_EVERY_MS;
    }
    bus_process(demand->bus, now_ms);
}

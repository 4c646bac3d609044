/* handle - the names a process uses. The client numbers them itself, so that OPEN and what follows it leave
 * together. */
#include <stdlib.h>
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"

static struct bus_handle *handle_find(struct bus *bus, enum frame_verb verb, const char *name, uint64_t hash)
{
    struct hnode *node = hmap_find(&bus->by_name, hash);

    for (; node; node = hmap_next_same(node->next, hash)) {
        struct bus_handle *handle = HMAP_OF(node, struct bus_handle, node);

        if (handle->verb == verb && strcmp(handle->name, name) == 0)
            return handle;
    }
    return NULL;
}

int bus_handle_of(struct bus *bus, enum frame_verb verb, const char *name, struct bus_handle **ret)
{
    struct bytes text = { name, strlen(name) };
    uint64_t hash = hmap_hash(HMAP_SEED + verb, text);
    struct bus_handle *handle = handle_find(bus, verb, name, hash);

    if (!handle) {
        if (!frame_name_ok(text) && verb != VERB_TAP)
            return ERR_INVALID;
        if (bus->handles_n == BUS_HANDLES)
            return ERR_BUSY;
        handle = calloc(1, sizeof *handle);
        if (!handle || !(handle->name = strdup(name)))
            abort();
        handle->verb = verb;
        handle->number = bus->handles_n;
        bus->handles[bus->handles_n++] = handle;
        hmap_add(&bus->by_name, &handle->node, hash);
    }
    *ret = handle;
    return 0;
}

struct bus_handle *bus_handle_at(const struct bus *bus, uint32_t number)
{
    return number < bus->handles_n ? bus->handles[number] : NULL;
}

int bus_handle_open(struct bus *bus, struct bus_handle *handle)
{
    struct frame frame = { .command = FRAME_OPEN, .code = handle->verb, .handle = handle->number };
    struct frame_head head = { .topic = { handle->name, strlen(handle->name) } };
    int r;

    if (handle->refused)
        return handle->refused;
    if (handle->open)
        return 0;
    r = bus_send(bus, &frame, &head, (struct bytes) { 0 });
    handle->open = r == 0;
    return r;
}

static void handle_declare(struct bus *bus, struct bus_handle *handle)
{
    struct frame frame = { .handle = handle->number, .code = (uint16_t)handle->amount };

    if (bus_handle_open(bus, handle) < 0)
        return;
    switch (handle->verb) {
    case VERB_OFFER:
        frame.command = FRAME_OFFER;
        frame.flags = handle->single ? FRAME_SINGLE : 0;
        break;
    case VERB_TAKE:
        frame.command = FRAME_CREDIT;
        frame.ms = handle->spare;
        break;
    case VERB_WATCH: frame.command = FRAME_WATCH; break;
    case VERB_FOLLOW: bus_follow_subscribe(bus, handle); return;
    default: return;
    }
    bus_send(bus, &frame, NULL, (struct bytes) { 0 });
}

/* Leases are shown before credit is given: the broker counts those that come back against it. */
void bus_handles_declare(struct bus *bus)
{
    for (uint32_t i = 0; i < bus->handles_n; i++) {
        bus->handles[i]->open = false;
        bus->handles[i]->refused = 0;
    }
    bus_leases_resume(bus);
    for (uint32_t i = 0; i < bus->handles_n; i++) {
        if (bus->handles[i]->active)
            handle_declare(bus, bus->handles[i]);
    }
    bus_tap_declare(bus);
}

void bus_handles_free(struct bus *bus)
{
    for (uint32_t i = 0; i < bus->handles_n; i++) {
        struct bus_handle *handle = bus->handles[i];

        if (handle->follow) {
            free(handle->follow->names);
            free(handle->follow->group);
            free(handle->follow);
        }
        free(handle->name);
        free(handle);
    }
    hmap_free(&bus->by_name);
}

/* Declares at once when the session is up, else when it is. */
static int handle_activate(struct bus *bus, struct bus_handle *handle)
{
    handle->active = true;
    if (bus->state == BUS_UP)
        handle_declare(bus, handle);
    return handle->refused;
}

int bus_offer(struct bus *bus, const char *service, unsigned slots, bool single)
{
    struct bus_handle *handle;
    int r = bus_handle_of(bus, VERB_OFFER, service, &handle);

    if (r < 0)
        return r;
    if (slots > UINT16_MAX)
        return ERR_INVALID;
    handle->amount = slots;
    handle->single = single;
    return handle_activate(bus, handle);
}

int bus_take(struct bus *bus, const char *queue, unsigned credit, unsigned spare)
{
    struct bus_handle *handle;
    int r = bus_handle_of(bus, VERB_TAKE, queue, &handle);

    if (r < 0)
        return r;
    if (credit > UINT16_MAX || spare > UINT16_MAX)
        return ERR_INVALID;
    handle->amount = credit;
    handle->spare = spare;
    return handle_activate(bus, handle);
}

int bus_watch(struct bus *bus, const char *name)
{
    struct bus_handle *handle;
    int r = bus_handle_of(bus, VERB_WATCH, name, &handle);

    return r < 0 ? r : handle_activate(bus, handle);
}

static struct bus_follow *follow_of(struct bus_handle *handle)
{
    if (!handle->follow)
        handle->follow = calloc(1, sizeof *handle->follow);
    if (!handle->follow)
        abort();
    return handle->follow;
}

static void text_set(char **text, const char *value)
{
    free(*text);
    *text = value ? strdup(value) : NULL;
    if (value && !*text)
        abort();
}

int bus_follow(struct bus *bus, const char *stream, const char *names, const char *group, struct bus_cursor from)
{
    struct bus_handle *handle;
    struct bus_follow *follow;
    int r = bus_handle_of(bus, VERB_FOLLOW, stream, &handle);

    if (r < 0)
        return r;
    if ((names && strlen(names) > 4096) || (group && strlen(group) > 64))
        return ERR_INVALID;
    follow = follow_of(handle);
    text_set(&follow->names, names);
    text_set(&follow->group, group);
    follow->at = from;
    follow->first = follow->n = 0;
    return handle_activate(bus, handle);
}

int bus_unfollow(struct bus *bus, const char *stream)
{
    struct frame frame = { .command = FRAME_UNSUB };
    struct bus_handle *handle;
    int r = bus_handle_of(bus, VERB_FOLLOW, stream, &handle);

    if (r < 0 || !handle->active)
        return r;
    handle->active = false;
    frame.handle = handle->number;
    return bus->state == BUS_UP ? bus_send(bus, &frame, NULL, (struct bytes) { 0 }) : 0;
}

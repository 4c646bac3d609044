/* head - between the head that callers see and the header map on the wire. */
#include <string.h>

#include "broker/client/private.h"
#include "gen/errors.h"

static struct bytes head_text(const char *text)
{
    return (struct bytes) { text, text ? strlen(text) : 0 };
}

static bool trace_present(const struct bus_trace *trace)
{
    static const struct bus_trace none;

    return memcmp(trace->trace, none.trace, sizeof none.trace) != 0;
}

/* ERR_INVALID when something is longer than the wire allows: the broker would end the session for it. */
int bus_head_out(const struct bus_head *head, uint8_t trace[FRAME_TRACE], struct frame_head *ret)
{
    *ret = (struct frame_head) { 0 };
    if (!head)
        return 0;
    if (trace_present(&head->trace)) {
        memcpy(trace, head->trace.trace, 16);
        memcpy(trace + 16, head->trace.span, 8);
        trace[24] = head->trace.flags;
        ret->trace = (struct bytes) { trace, FRAME_TRACE };
    }
    ret->subject = head_text(head->subject);
    ret->key = head->key;
    ret->idempotency = head_text(head->idempotency);
    ret->job = frame_of_id(&head->job);
    ret->priority = head->priority;
    ret->delay_ms = head->delay_ms;
    ret->ttl_ms = head->ttl_ms;
    if (ret->subject.len > 4096 || ret->key.len > BUS_KEY_MAX || ret->idempotency.len > 255)
        return ERR_INVALID;
    return 0;
}

const char *bus_string(struct bus *bus, struct bytes text)
{
    char *at = bus->strings + bus->strings_n;

    if (!text.data || bus->strings_n + text.len + 1 > sizeof bus->strings)
        return NULL;
    memcpy(at, text.data, text.len);
    at[text.len] = 0;
    bus->strings_n += text.len + 1;
    return at;
}

void bus_head_in(struct bus *bus, const struct frame *frame, const struct frame_head *in, struct bus_head *ret)
{
    bus->strings_n = 0;
    *ret = (struct bus_head) {
        .subject = bus_string(bus, in->subject),
        .key = in->key,
        .idempotency = bus_string(bus, in->idempotency),
        .job = frame_id(in->job),
        .priority = (uint8_t)in->priority,
        .ttl_ms = (uint32_t)in->ttl_ms,
        .name = bus_string(bus, in->name),
        .from = bus_string(bus, in->from),
        .attempt = (uint32_t)in->attempt,
        .time_ms = (int64_t)in->time_ms,
        .redelivered = frame->flags & FRAME_REDELIVERED,
        .err = in->error ? err_from_code(in->error) : 0,
        .err_text = bus_string(bus, in->text),
    };
    if (in->trace.data) {
        const uint8_t *trace = in->trace.data;

        memcpy(ret->trace.trace, trace, 16);
        memcpy(ret->trace.span, trace + 16, 8);
        ret->trace.flags = trace[24];
    }
}

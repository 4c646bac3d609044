/* tap - shows messages to an operator, filtered and sampled here. It runs on credit and never holds a message
 * back: what does not fit is counted, and told as dropped. */
#include <stdlib.h>

#include "broker/server/filter.h"
#include "gen/errors.h"

enum { TAP_GATHER = 64, TAP_GATHER_BYTES = 16 * 1024 };

/* What was gathered leaves, in one frame. */
static void tap_leave(struct broker *b, struct tap *tap)
{
    struct frame frame = {
        .command = FRAME_TAPMSG, .flags = FRAME_BATCH, .handle = tap->handle, .code = (uint16_t)tap->gathered_n
    };

    if (!tap->gathered_n)
        return;
    send_frame(b, tap->session, &frame, NULL, buf_bytes(&tap->gathered));
    buf_reset(&tap->gathered);
    tap->gathered_n = 0;
}

void tap_run(struct broker *b)
{
    struct tap *tap;

    LIST_FOREACH(tap, &b->taps, link)
    tap_leave(b, tap);
}

void tap_gone(struct broker *b, struct tap *tap)
{
    tap->session->tap = NULL;
    LIST_REMOVE(tap, link);
    b->taps_n--;
    filter_free(&tap->filter);
    buf_free(&tap->gathered);
    free(tap);
}

void tap_on_tap(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_TAP);
    struct filter filter;
    struct tap *tap;
    int r;

    if (!handle)
        return;
    if (s->tap)
        tap_gone(b, s->tap);
    if (!m->frame.code)
        return;
    r = filter_parse(&filter, m->head.filter);
    if (r < 0) {
        send_error(b, s, m->frame.handle, bytes_of_text(handle->name), r);
        return;
    }
    tap = calloc(1, sizeof *tap);
    if (!tap)
        abort();
    tap->session = s;
    tap->handle = m->frame.handle;
    tap->credit = m->frame.code;
    tap->sample = m->frame.ms ? m->frame.ms : 1;
    tap->headers_only = m->frame.flags & FRAME_HEADERS;
    tap->batches = m->frame.flags & FRAME_BATCH;
    tap->filter = filter;
    s->tap = tap;
    LIST_INSERT_HEAD(&b->taps, tap, link);
    b->taps_n++;
}

/* One message for the tap: into the frame that leaves at the end of the turn, unless it is large. */
static void tap_say(struct broker *b, struct tap *tap, const struct frame *frame, const struct frame_head *head,
                    struct bytes body)
{
    bool in_first;
    size_t at;

    tap->credit--;
    if (!tap->batches || body.len > FRAME_INLINE) {
        tap_leave(b, tap);
        send_frame(b, tap->session, frame, head, body);
        return;
    }
    at = tap->gathered.len;
    buf_put_u32(&tap->gathered, 0);
    frame_build(&tap->gathered, frame, head, body, &in_first);
    frame_put_length(&tap->gathered, at);
    if (++tap->gathered_n == TAP_GATHER || tap->gathered.len > TAP_GATHER_BYTES)
        tap_leave(b, tap);
}

static void tap_send(struct broker *b, struct tap *tap, const struct tap_show *show, const struct frame_head *of)
{
    struct frame frame = {
        .command = FRAME_TAPMSG, .handle = tap->handle, .code = (uint16_t)show->kind, .seq = show->seq
    };
    struct frame_head head = {
        .name = bytes_of_text(show->name),
        .from = bytes_of_text(show->from),
        .to = bytes_of_text(show->to),
        .key = of->key,
        .trace = of->trace,
        .job = of->job,
        .time_ms = (uint64_t)b->wall_ms,
        .attempt = show->attempt ? show->attempt : of->attempt,
        .size = show->body.len,
        .latency_us = show->latency_us < 0 ? 0 : (uint64_t)show->latency_us + 1,
        .error = (uint64_t)-show->err,
    };

    b->counters[BROKER_TAPS]++;
    tap_say(b, tap, &frame, &head, tap->headers_only ? bytes_of(NULL, 0) : show->body);
}

void tap_show(struct broker *b, const struct tap_show *show)
{
    struct frame_head head;
    struct tap *tap;

    if (frame_parse_head(show->head, &head) < 0)
        return;
    LIST_FOREACH(tap, &b->taps, link)
    {
        if (tap->session->lost || !filter_wants(&tap->filter, show, &head) || tap->count++ % tap->sample != 0)
            continue;
        if (tap->credit)
            tap_send(b, tap, show, &head);
        else
            tap->dropped++;
    }
}

/* What was dropped is told as soon as there is room again, before anything that came later. */
void tap_on_credit(struct broker *b, struct session *s, const struct message *m)
{
    struct tap *tap = s->tap;
    struct frame frame = { .command = FRAME_TAPMSG, .code = BUS_TAP_DROPPED };
    struct frame_head head = { .from = bytes_of_text("-"),
                               .to = bytes_of_text("-"),
                               .time_ms = (uint64_t)b->wall_ms };

    if (!tap)
        return;
    tap->credit += tap->credit < b->settings->credit ? m->frame.code : 0;
    if (!tap->dropped || !tap->credit)
        return;
    frame.handle = tap->handle;
    head.dropped = tap->dropped;
    tap->dropped = 0;
    tap_say(b, tap, &frame, &head, bytes_of(NULL, 0));
}

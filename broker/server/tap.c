/* tap - shows messages to an operator, filtered and sampled here. It runs on credit and never holds up what it looks at:
 * what does not fit is counted, and told as dropped. What is shown is gathered for a moment, because a message of its own
 * for each turn of the router would cost more than all that is shown in it. */
#include <stdlib.h>

#include "broker/server/filter.h"
#include "gen/errors.h"

enum { TAP_MS = 20, TAP_BYTES = 32 * 1024 };

/* Of a message's own head, what a tap may show: its key, trace, attempt and job. */
static const uint64_t tap_fields = 1u << 2 | 1u << 3 | 1u << 11 | 1u << 24;

static void tap_leave(struct broker *b, struct tap *tap)
{
    timer_stop(&b->timers, &tap->timer);
    send_out(b, tap->session, &tap->row);
}

static void tap_tick(void *ctx, struct timer *timer)
{
    tap_leave(ctx, HMAP_OF(timer, struct tap, timer));
}

void tap_gone(struct broker *b, struct tap *tap)
{
    tap_leave(b, tap);
    buf_free(&tap->row.buf);
    tap->session->tap = NULL;
    LIST_REMOVE(tap, link);
    b->taps_n--;
    filter_free(&tap->filter);
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
    tap->filter = filter;
    tap->timer.fire = tap_tick;
    s->tap = tap;
    LIST_INSERT_HEAD(&b->taps, tap, link);
    b->taps_n++;
}

/* Built for the first tap that wants it; what differs between taps is in the prefix alone. */
static void tap_pack(struct broker *b, const struct tap_show *show)
{
    struct frame_head head = {
        .name = show->name,
        .from = bytes_of_text(show->from),
        .to = bytes_of_text(show->to),
        .time_ms = (uint64_t)b->wall_ms,
        .size = show->body.len,
        .latency_us = show->latency_us < 0 ? 0 : (uint64_t)show->latency_us + 1,
        .error = (uint64_t)-show->err,
        .attempt = show->attempt,
    };

    buf_reset(&b->tapped);
    frame_build_head_with(&b->tapped, &head, show->head, show->attempt ? tap_fields & ~(1u << 11) : tap_fields);
}

/* The head lies in b->tapped. */
static void tap_say(struct broker *b, struct tap *tap, const struct frame *frame, struct bytes body)
{
    struct bytes head = buf_bytes(&b->tapped);

    tap->credit--;
    if (b->no_socket || body.len > FRAME_INLINE) {
        tap_leave(b, tap);
        send_raw(b, tap->session, frame, head, body);
        return;
    }
    if (!tap->row.n)
        timer_set(&b->timers, &tap->timer, b->now_ms + TAP_MS);
    send_into(b, tap->session, &tap->row, frame, head, body);
    if (tap->row.n == FRAME_BATCH_ITEMS || tap->row.buf.len >= TAP_BYTES)
        tap_leave(b, tap);
}

static void tap_send(struct broker *b, struct tap *tap, const struct tap_show *show)
{
    struct frame frame = {
        .command = FRAME_TAPMSG, .handle = tap->handle, .code = (uint16_t)show->kind, .seq = show->seq
    };

    b->counters[BROKER_TAPS]++;
    tap_say(b, tap, &frame, tap->headers_only ? bytes_of(NULL, 0) : show->body);
}

void tap_show(struct broker *b, const struct tap_show *show)
{
    bool packed = false;
    struct tap *tap;

    LIST_FOREACH(tap, &b->taps, link)
    {
        if (tap->session->lost || !filter_wants(&tap->filter, show) || tap->count++ % tap->sample != 0)
            continue;
        if (!tap->credit) {
            tap->dropped++;
            continue;
        }
        if (!packed)
            tap_pack(b, show);
        packed = true;
        tap_send(b, tap, show);
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
    buf_reset(&b->tapped);
    frame_build_head(&b->tapped, &head);
    tap_say(b, tap, &frame, bytes_of(NULL, 0));
}

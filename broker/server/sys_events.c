/* sys_events - what lies in a stream, for who looks back: from a number or a time on, or back from the end. */
#include <string.h>

#include "broker/server/filter.h"
#include "broker/server/sys.h"
#include "gen/errors.h"

enum {
    EVENTS_SCAN = 2000,  /* events looked at for one question */
    EVENTS_ROOM = 65536, /* kept free in an answer for the head of the last event */
};

struct sys_events {
    struct broker *b;
    const struct sys_ask *ask;
    const struct stream *stream;
    struct filter filter;
    struct buf rows;
    uint32_t n;
};

static void events_row(struct sys_events *events, uint64_t seq, const struct event_record *event)
{
    struct buf *rows = &events->rows;
    struct frame_head head;

    if (frame_parse_head(event->head, &head) < 0 || !filter_wants_stored(&events->filter, BUS_TAP_APPEND, &head) ||
        !policy_allows(&events->b->policy, events->ask->session->role, VERB_TAP, head.name))
        return;
    events->n++;
    mp_put_map(rows, 13);
    sys_pair_text(rows, "stream", bytes_of_text(events->stream->name));
    sys_pair_uint(rows, "seq", seq);
    sys_pair_int(rows, "time_ms", event->time_ms);
    sys_pair_text(rows, "name", head.name);
    sys_pair_text(rows, "from", head.from);
    sys_pair_key(rows, "key", head.key);
    sys_pair_trace(rows, "trace", head.trace);
    if (head.job.len)
        sys_pair_id(rows, "job", frame_id(head.job));
    else
        sys_pair_text(rows, "job", bytes_of_text(""));
    sys_pair_uint(rows, "attempts", head.attempt);
    sys_pair_text(rows, "error", bytes_of_text(head.error ? err_slug(err_from_code(head.error)) : ""));
    sys_pair_text(rows, "text", head.text);
    sys_pair_uint(rows, "size", event->body.len);
    mp_put_str(rows, "body");
    mp_put_bytes(rows, event->body);
}

/* From `at` on, or back from it. Answers where the next question begins; 0: nowhere. */
static int events_scan(struct sys_events *events, uint64_t at, uint64_t *ret_next)
{
    const struct stream *stream = events->stream;
    struct event_record event;
    uint64_t seq;

    for (unsigned n = 0; n < EVENTS_SCAN && at >= stream->first && at <= stream->last &&
                         events->n < events->ask->limit && events->rows.len < BUS_CALL_MAX - 2 * EVENTS_ROOM;
         n++) {
        int r = bus_store_event(events->b->store, stream->id, at, &seq, &event);

        if (r < 0 && r != ERR_NOT_FOUND)
            return r;
        if (r == 0 && (seq == at || !events->ask->back))
            events_row(events, seq, &event);
        if (r == ERR_NOT_FOUND && !events->ask->back)
            at = stream->last;
        at = events->ask->back ? at - 1 : (r == 0 ? seq : at) + 1;
    }
    *ret_next = at >= stream->first && at <= stream->last ? at : 0;
    return 0;
}

static int events_start(const struct sys_events *events, uint64_t *ret_at)
{
    const struct sys_ask *ask = events->ask;
    const struct stream *stream = events->stream;

    *ret_at = ask->has_seq ? ask->seq : ask->back ? stream->last : stream->first;
    if (!ask->back && *ret_at < stream->first)
        *ret_at = stream->first;
    if (ask->has_seq || ask->back || !ask->since_ms)
        return 0;
    return bus_store_event_at(events->b->store, stream->id, stream->first, stream->last, (int64_t)ask->since_ms,
                              ret_at);
}

/* name: the stream. Who asks sees what it may tap. */
int sys_events(struct broker *b, const struct sys_ask *ask, struct buf *out)
{
    struct sys_events events = { .b = b, .ask = ask, .stream = names_stream(b, ask->name) };
    uint64_t at = 0, next = 0;
    int r = events.stream ? filter_parse(&events.filter, ask->filter) : ERR_NOT_FOUND;

    if (r == 0)
        r = events_start(&events, &at);
    if (r == 0)
        r = events_scan(&events, at, &next);
    if (r == 0) {
        mp_put_map(out, 3);
        sys_pair_uint(out, "next", next);
        sys_pair_uint(out, "last", events.stream->last);
        mp_put_str(out, "events");
        mp_put_array(out, events.n);
        buf_put(out, events.rows.data, events.rows.len);
    }
    filter_free(&events.filter);
    buf_free(&events.rows);
    return r;
}

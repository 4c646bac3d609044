/* tap - shows messages to an operator, filtered and sampled here. It runs on credit and never holds a message
 * back: what does not fit is counted as dropped. */
#include <stdlib.h>
#include <string.h>

#include "broker/server/broker.h"
#include "gen/errors.h"

enum { TAP_TERMS = 32 };

enum tap_field { TERM_NAME, TERM_FROM, TERM_TO, TERM_ACTOR, TERM_TRACE, TERM_KIND };

struct tap_term {
    enum tap_field field;
    char *text;
};

static const char *const tap_kinds[] = { "call", "reply", "error",  "cancel", "put",   "job",    "ack",
                                         "nack", "dead",  "append", "event",  "value", "session" };

static void tap_add_term(struct tap *tap, struct bytes word)
{
    static const struct {
        const char *prefix;
        enum tap_field field;
    } prefixes[] = {
        { "from=", TERM_FROM },   { "to=", TERM_TO },     { "actor=", TERM_ACTOR },
        { "trace=", TERM_TRACE }, { "kind=", TERM_KIND },
    };
    struct tap_term *term = &tap->terms[tap->terms_n++];

    term->field = TERM_NAME;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t len = strlen(prefixes[i].prefix);

        if (word.len > len && memcmp(word.data, prefixes[i].prefix, len) == 0) {
            term->field = prefixes[i].field;
            word = bytes_of((const char *)word.data + len, word.len - len);
        }
    }
    term->text = names_copy(word);
}

static void tap_parse(struct tap *tap, struct bytes filter)
{
    const char *at = filter.len ? filter.data : "", *end = at + filter.len;

    tap->terms = calloc(TAP_TERMS, sizeof *tap->terms);
    if (!tap->terms)
        abort();
    while (at < end && tap->terms_n < TAP_TERMS) {
        const char *word = at;

        while (at < end && *at != ' ')
            at++;
        if (at > word)
            tap_add_term(tap, bytes_of(word, (size_t)(at - word)));
        at++;
    }
}

void tap_gone(struct broker *b, struct tap *tap)
{
    tap->session->tap = NULL;
    LIST_REMOVE(tap, link);
    b->taps_n--;
    for (size_t i = 0; i < tap->terms_n; i++)
        free(tap->terms[i].text);
    free(tap->terms);
    free(tap);
}

void tap_on_tap(struct broker *b, struct session *s, struct message *m)
{
    struct handle *handle = names_handle(b, s, m, VERB_TAP);
    struct tap *tap;

    if (!handle)
        return;
    if (s->tap)
        tap_gone(b, s->tap);
    if (!m->frame.code)
        return;
    tap = calloc(1, sizeof *tap);
    if (!tap)
        abort();
    tap->session = s;
    tap->handle = m->frame.handle;
    tap->credit = m->frame.code;
    tap->sample = m->frame.ms ? m->frame.ms : 1;
    tap->headers_only = m->frame.flags & FRAME_HEADERS;
    tap_parse(tap, m->head.filter);
    s->tap = tap;
    LIST_INSERT_HEAD(&b->taps, tap, link);
    b->taps_n++;
}

void tap_on_credit(struct broker *b, struct session *s, const struct message *m)
{
    (void)b;
    if (s->tap)
        s->tap->credit += s->tap->credit < BROKER_CREDIT ? m->frame.code : 0;
}

static bool tap_trace_is(struct bytes trace, const char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = trace.data;

    if (trace.len != FRAME_TRACE)
        return false;
    for (size_t i = 0; i < 32 && hex[i]; i++) {
        if (hex[i] != digits[i % 2 ? at[i / 2] & 15 : at[i / 2] >> 4])
            return false;
    }
    return true;
}

static bool tap_term_holds(const struct tap_term *term, const struct tap_show *show, const struct frame_head *head)
{
    switch (term->field) {
    case TERM_NAME: return policy_match(term->text, bytes_of_text(show->name));
    case TERM_FROM: return strcmp(term->text, show->from) == 0;
    case TERM_TO: return strcmp(term->text, show->to) == 0;
    case TERM_ACTOR: return strcmp(term->text, show->from) == 0 || strcmp(term->text, show->to) == 0;
    case TERM_TRACE: return tap_trace_is(head->trace, term->text);
    case TERM_KIND: return strcmp(term->text, tap_kinds[show->kind]) == 0;
    }
    return false;
}

static bool tap_wants(struct tap *tap, const struct tap_show *show, const struct frame_head *head)
{
    for (size_t i = 0; i < tap->terms_n; i++) {
        if (!tap_term_holds(&tap->terms[i], show, head))
            return false;
    }
    return tap->count++ % tap->sample == 0;
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
        .dropped = tap->dropped,
    };

    tap->dropped = 0;
    tap->credit--;
    b->figures.taps++;
    send_frame(b, tap->session, &frame, &head, tap->headers_only ? bytes_of(NULL, 0) : show->body);
}

void tap_show(struct broker *b, const struct tap_show *show)
{
    struct frame_head head;
    struct tap *tap;

    if (frame_parse_head(show->head, &head) < 0)
        return;
    LIST_FOREACH(tap, &b->taps, link)
    {
        if (tap->session->lost || !tap_wants(tap, show, &head))
            continue;
        if (tap->credit)
            tap_send(b, tap, show, &head);
        else
            tap->dropped++;
    }
}

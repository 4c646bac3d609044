#include "broker/server/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

enum { FILTER_TERMS = 32 };

enum filter_field { TERM_NAME, TERM_FROM, TERM_TO, TERM_ACTOR, TERM_TRACE, TERM_KIND, TERM_ERROR, TERM_FIELDS };

struct filter_term {
    enum filter_field field;
    bool not ;
    char *text;
};

static const char *const fields[TERM_FIELDS] = { "", "from=", "to=", "actor=", "trace=", "kind=", "error=" };

static const char *const kinds[] = { "call", "reply", "error",  "cancel", "put",   "job",     "ack",
                                     "nack", "dead",  "append", "event",  "value", "session", "dropped" };

static bool kind_exists(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i], name) == 0)
            return true;
    }
    return false;
}

static bool error_exists(const char *name)
{
    return strcmp(name, "*") == 0 || err_from_slug(name) != 0;
}

static int filter_add(struct filter *filter, struct bytes word)
{
    struct filter_term *term = &filter->terms[filter->n];
    const char *at = word.data, *end = at + word.len;

    if (filter->n == FILTER_TERMS)
        return ERR_INVALID;
    *term = (struct filter_term) { .field = TERM_NAME, .not = *at == '!' };
    at += term->not ;
    for (unsigned field = TERM_NAME + 1; field < TERM_FIELDS; field++) {
        size_t len = strlen(fields[field]);

        if ((size_t)(end - at) < len || memcmp(at, fields[field], len) != 0)
            continue;
        term->field = (enum filter_field)field;
        filter->trace |= field == TERM_TRACE;
        at += len;
        break;
    }
    term->text = names_copy(bytes_of(at, (size_t)(end - at)));
    filter->n++;
    if ((term->field == TERM_KIND && !kind_exists(term->text)) ||
        (term->field == TERM_ERROR && !error_exists(term->text)))
        return ERR_INVALID;
    return 0;
}

int filter_parse(struct filter *filter, struct bytes text)
{
    const char *at = text.data, *end = text.len ? at + text.len : at;
    int r = 0;

    *filter = (struct filter) { 0 };
    filter->terms = calloc(FILTER_TERMS, sizeof *filter->terms);
    if (!filter->terms)
        abort();
    while (r == 0 && at < end) {
        const char *word = at;

        while (at < end && *at != ' ')
            at++;
        if (at > word)
            r = filter_add(filter, bytes_of(word, (size_t)(at - word)));
        at += at < end;
    }
    if (r < 0)
        filter_free(filter);
    return r;
}

void filter_free(struct filter *filter)
{
    for (size_t i = 0; i < filter->n; i++)
        free(filter->terms[i].text);
    free(filter->terms);
    *filter = (struct filter) { 0 };
}

static bool trace_is(struct bytes trace, const char *hex)
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

static bool error_is(int err, const char *name)
{
    return err && (strcmp(name, "*") == 0 || strcmp(name, err_slug(err)) == 0);
}

static bool term_holds(const struct filter_term *term, const struct tap_show *show, struct bytes trace)
{
    switch (term->field) {
    case TERM_NAME: return policy_match(term->text, show->name);
    case TERM_FROM: return strcmp(term->text, show->from) == 0;
    case TERM_TO: return strcmp(term->text, show->to) == 0;
    case TERM_ACTOR: return strcmp(term->text, show->from) == 0 || strcmp(term->text, show->to) == 0;
    case TERM_TRACE: return trace_is(trace, term->text);
    case TERM_KIND: return strcmp(term->text, kinds[show->kind]) == 0;
    case TERM_ERROR: return error_is(show->err, term->text);
    case TERM_FIELDS: break;
    }
    return false;
}

static bool filter_holds(const struct filter *filter, const struct tap_show *show, struct bytes trace)
{
    unsigned asked = 0, held = 0; /* a bit for each field */

    for (size_t i = 0; i < filter->n; i++) {
        const struct filter_term *term = &filter->terms[i];
        bool holds = term_holds(term, show, trace);

        if (term->not &&holds)
            return false;
        if (term->not )
            continue;
        asked |= 1u << term->field;
        held |= (unsigned)holds << term->field;
    }
    return asked == held;
}

bool filter_wants(const struct filter *filter, const struct tap_show *show)
{
    struct frame_head head = { .trace = { 0 } };

    if (filter->trace && frame_parse_head(show->head, &head) < 0)
        return false;
    return filter_holds(filter, show, head.trace);
}

bool filter_wants_stored(const struct filter *filter, enum bus_tap_kind kind, const struct frame_head *head)
{
    char from[BUS_NAME_MAX + 1];
    struct tap_show show = { .kind = kind,
                             .from = from,
                             .to = "-",
                             .name = head->name,
                             .err = head->error ? err_from_code(head->error) : 0 };

    snprintf(from, sizeof from, "%.*s", (int)head->from.len, head->from.len ? (const char *)head->from.data : "");
    return filter_holds(filter, &show, head->trace);
}

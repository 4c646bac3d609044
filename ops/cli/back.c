#include "ops/cli/back.h"

#include <stdlib.h>
#include <string.h>

#include "ops/cli/ask.h"
#include "ops/cli/tapped.h"

enum { PAGE = 500, BACK_MOST = 200000 };

struct found {
    json_t *row;
    int64_t time_ms;
    size_t number; /* in the order they were read: of one stream, its own */
};

struct finding {
    struct link *link;
    const struct back *back;
    struct found *found;
    size_t n, cap;
};

static void back_add(struct finding *finding, json_t *row, size_t number)
{
    if (finding->n == finding->cap) {
        finding->cap = finding->cap ? 2 * finding->cap : 256;
        finding->found = realloc(finding->found, finding->cap * sizeof(*finding->found));
        if (!finding->found)
            abort();
    }
    finding->found[finding->n++] = (struct found) { json_incref(row), ask_number(row, "time_ms"), number };
}

static json_t *back_request(const struct back *back, const char *stream, int64_t next, size_t limit)
{
    json_t *request = json_pack("{s:s, s:s, s:I}", "name", stream, "filter", back->filter, "limit",
                                (json_int_t)limit);
    if (back->since_ms < 0 || back->last)
        json_object_set_new(request, "back", json_true());
    else
        json_object_set_new(request, "since_ms", json_integer(back->since_ms));
    if (next)
        json_object_set_new(request, "seq", json_integer(next));
    return request;
}

/* One page; false: what lies before the time that was asked for has been reached. */
static bool back_page(struct finding *finding, const json_t *answer, bool backwards, size_t *taken)
{
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(answer, "events"), i, row)
    {
        if (backwards && finding->back->since_ms >= 0 && ask_number(row, "time_ms") < finding->back->since_ms)
            return false;
        back_add(finding, row, backwards ? SIZE_MAX - *taken : *taken);
        ++*taken;
    }
    return true;
}

/* Forward from a time, or backwards until there are enough. upto: the last event that was there. */
static int back_stream(struct finding *finding, const char *stream, int64_t *ret_upto)
{
    const struct back *back = finding->back;
    bool backwards = back->since_ms < 0 || back->last, more = true;
    int64_t next = 0;
    size_t taken = 0;
    int code = EXIT_DONE;
    for (bool first = true; code == EXIT_DONE && more; first = false) {
        json_t *answer;
        size_t limit = back->last && back->last - taken < PAGE ? back->last - taken : PAGE;
        code = ask_link(finding->link, "$sys.events", back_request(back, stream, next, limit), &answer);
        if (code == EXIT_DONE) {
            more = back_page(finding, answer, backwards, &taken);
            next = ask_number(answer, "next");
            if (first || !backwards)
                *ret_upto = ask_number(answer, "last");
            more = more && next && (!back->last || taken < back->last);
        }
        json_decref(answer);
        if (finding->n > BACK_MOST)
            return cli_fail(EXIT_FAILED, "more than %d events lie there: ask for a later time, or for names",
                            BACK_MOST);
    }
    return code;
}

static int back_compare(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    if (left->time_ms != right->time_ms)
        return left->time_ms < right->time_ms ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static json_t *back_sorted(struct finding *finding)
{
    json_t *events = json_array();
    size_t from = finding->back->last && finding->n > finding->back->last ? finding->n - finding->back->last : 0;
    if (finding->n)
        qsort(finding->found, finding->n, sizeof(*finding->found), back_compare);
    for (size_t i = 0; i < finding->n; i++) {
        if (i >= from)
            json_array_append_new(events, tapped_event(finding->found[i].row, finding->back->headers_only));
        json_decref(finding->found[i].row);
    }
    free(finding->found);
    return events;
}

int back_read(struct link *link, const struct back *back, json_t **ret_events, json_t **ret_upto)
{
    struct finding finding = { .link = link, .back = back };
    json_t *streams, *stream;
    size_t i;
    int code = ask_link(link, "$sys.streams", NULL, &streams);
    *ret_upto = json_object();
    json_array_foreach(streams, i, stream)
    {
        int64_t upto = 0;
        if (code == EXIT_DONE)
            code = back_stream(&finding, ask_text(stream, "name"), &upto);
        json_object_set_new(*ret_upto, ask_text(stream, "name"), json_integer(upto));
    }
    json_decref(streams);
    *ret_events = back_sorted(&finding);
    return code;
}

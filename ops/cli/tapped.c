#include "ops/cli/tapped.h"

#include <stdlib.h>
#include <string.h>

#include "gen/common.h"
#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"
#include "ops/cli/unit.h"
#include "schemas/wire/time.h"

static const char *const kinds[] = { "call", "reply", "error",  "cancel", "put",   "job",     "ack",
                                     "nack", "dead",  "append", "event",  "value", "session", "dropped" };

static json_t *tapped_shown(const struct bus_tapped *tapped)
{
    bool answer = tapped->kind == BUS_TAP_REPLY || tapped->kind == BUS_TAP_ACK;
    if (tapped->kind == BUS_TAP_ERROR)
        return show_body(&problem_type, tapped->body);
    return show_message(tapped->head->name ? tapped->head->name : "", answer, tapped->body);
}

/* Ordering keys are ids or text. */
static json_t *tapped_key(struct bytes key)
{
    char text[ID_TEXT_SIZE];
    struct id id;
    if (key.len != sizeof(id.b))
        return json_stringn(key.data, key.len);
    memcpy(id.b, key.data, sizeof(id.b));
    return json_string(id_format("", id, text));
}

static json_t *tapped_trace(const struct bus_trace *trace)
{
    char text[33];
    for (size_t i = 0; i < sizeof(trace->trace); i++)
        snprintf(text + 2 * i, 3, "%02x", trace->trace[i]);
    return json_string(text);
}

json_t *tapped_object(const struct bus_tapped *tapped, bool headers_only)
{
    static const struct bus_trace none;
    char time[TIME_TEXT_SIZE];
    const struct bus_head *head = tapped->head;
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "time", time_format(head->time_ms, time),
                               "kind", kinds[tapped->kind], "from", tapped->from, "to", tapped->to, "name",
                               head->name ? head->name : "", "seq", (json_int_t)tapped->seq, "size",
                               (json_int_t)tapped->size);
    json_object_set_new(object, "outcome", json_string(tapped->err ? err_name(tapped->err) : "ok"));
    if (tapped->latency_us >= 0)
        json_object_set_new(object, "latency_us", json_integer(tapped->latency_us));
    if (head->attempt)
        json_object_set_new(object, "attempt", json_integer(head->attempt));
    if (head->key.len)
        json_object_set_new(object, "key", tapped_key(head->key));
    if (!id_is_zero(head->job)) {
        char text[ID_TEXT_SIZE];
        json_object_set_new(object, "job", json_string(id_format("job", head->job, text)));
    }
    if (memcmp(&head->trace, &none, sizeof(none)) != 0)
        json_object_set_new(object, "trace", tapped_trace(&head->trace));
    if (head->err_text)
        json_object_set_new(object, "why", json_string(head->err_text));
    if (tapped->dropped)
        json_object_set_new(object, "dropped", json_integer((json_int_t)tapped->dropped));
    if (tapped->body.len && !headers_only)
        json_object_set_new(object, "body", tapped_shown(tapped));
    return object;
}

json_t *tapped_event(const json_t *row, bool headers_only)
{
    static const char *const same[][2] = { { "key", "key" }, { "trace", "trace" }, { "text", "why" } };
    char time[TIME_TEXT_SIZE];
    const char *error = ask_text(row, "error"), *job = ask_text(row, "job");
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "time",
                               time_format(ask_number(row, "time_ms"), time), "kind", kinds[BUS_TAP_APPEND],
                               "from", ask_text(row, "from"), "to", "-", "name", ask_text(row, "name"), "seq",
                               (json_int_t)ask_number(row, "seq"), "size", (json_int_t)ask_number(row, "size"),
                               "outcome", *error ? err_name(err_from_slug(error)) : "ok");
    for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
        if (*ask_text(row, same[i][0]))
            json_object_set(object, same[i][1], json_object_get(row, same[i][0]));
    }
    if (*job)
        json_object_set_new(object, "job", json_sprintf("job_%s", job));
    if (ask_number(row, "attempts"))
        json_object_set(object, "attempt", json_object_get(row, "attempts"));
    if (!headers_only && ask_number(row, "size"))
        json_object_set(object, "body", json_object_get(row, "body"));
    return object;
}

static const char *tapped_latency(const json_t *object, char *to)
{
    const json_t *us = json_object_get(object, "latency_us");
    return unit_us(to, us ? json_integer_value(us) : -1);
}

static char *tapped_body(const json_t *object)
{
    const json_t *body = json_object_get(object, "body");
    return body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
}

void tapped_line(FILE *out, const json_t *object, size_t width, bool colour)
{
    char latency[UNIT_SIZE], way[48], *line = NULL, *body = tapped_body(object);
    const char *kind = ask_text(object, "kind"), *clock = strchr(ask_text(object, "time"), 'T');
    const char *outcome = ask_text(object, "outcome"), *name = ask_text(object, "name");
    bool failed = strcmp(outcome, "ok") != 0, durable = strcmp(kind, "event") == 0 || strcmp(kind, "append") == 0;
    const char *on = !colour ? "" : failed ? TABLE_RED : durable ? TABLE_CYAN : "";
    clock = clock ? clock + 1 : "-";
    if (strcmp(ask_text(object, "to"), "-") == 0) /* nobody in particular */
        snprintf(way, sizeof(way), "%s", ask_text(object, "from"));
    else
        snprintf(way, sizeof(way), "%s>%s", ask_text(object, "from"), ask_text(object, "to"));
    if (json_object_get(object, "dropped")) {
        fprintf(out, "%s... dropped %lld: more came than could be shown%s\n", colour ? TABLE_YELLOW : "",
                (long long)ask_number(object, "dropped"), colour ? TABLE_OFF : "");
        return;
    }
    bool narrow = width && width < 120;
    const char *latency_us = tapped_latency(object, latency);
    int n = narrow
                ? asprintf(&line, "%.8s %-6s %-15s %-25s %s%s%s%s%s", clock, kind, way, *name ? name : "-",
                           strcmp(latency_us, "-") != 0 ? latency_us : "", strcmp(latency_us, "-") != 0 ? " " : "",
                           failed ? outcome : "", failed && body ? " " : "", body ? body : "")
                : asprintf(&line, "%.12s %-7s %-21s %-30s %7lld B %7s %s%s%s", clock, kind, way,
                           *name ? name : "-", (long long)ask_number(object, "size"), latency_us,
                           failed ? outcome : "", failed && body ? " " : "", body ? body : "");
    if (n < 0)
        abort();
    size_t shown = (size_t)n;
    if (width && shown > width) {
        shown = width - 1;
        while (shown && ((unsigned char)line[shown] & 0xc0) == 0x80) /* not inside a character */
            shown--;
    }
    while (shown && line[shown - 1] == ' ')
        shown--;
    fprintf(out, "%s%.*s%s%s\n", on, (int)shown, line, width && (size_t)n > width ? "…" : "",
            *on ? TABLE_OFF : "");
    free(line);
    free(body);
}

/* The member that a letter stands for. */
static const char *tapped_member(char letter)
{
    static const struct {
        char letter;
        const char *member;
    } members[] = {
        { 't', "time" }, { 'k', "kind" }, { 'f', "from" },    { 'o', "to" },      { 'n', "name" },
        { 'q', "seq" },  { 's', "size" }, { 'l', "" },        { 'e', "outcome" }, { 'T', "trace" },
        { 'K', "key" },  { 'j', "job" },  { 'a', "attempt" }, { 'b', "body" },    { '%', "" },
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        if (members[i].letter == letter)
            return members[i].member;
    }
    return NULL;
}

bool tapped_format_ok(const char *format)
{
    for (; (format = strchr(format, '%')); format += 2) {
        if (!format[1] || !tapped_member(format[1]))
            return false;
    }
    return true;
}

static void tapped_letter(FILE *out, const json_t *object, char letter)
{
    char latency[UNIT_SIZE];
    const char *member = tapped_member(letter);
    const json_t *value = json_object_get(object, member);
    if (letter == '%')
        fputc('%', out);
    else if (letter == 'l')
        fputs(tapped_latency(object, latency), out);
    else if (json_is_string(value) && letter != 'b')
        fputs(json_string_value(value), out);
    else if (value)
        json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY);
    else
        fputc('-', out);
}

void tapped_format(FILE *out, const json_t *object, const char *format)
{
    for (; *format; format++) {
        if (*format == '%')
            tapped_letter(out, object, *++format);
        else if (*format == '\\' && format[1] == 't')
            fputc('\t', (format++, out));
        else
            fputc(*format, out);
    }
    fputc('\n', out);
}

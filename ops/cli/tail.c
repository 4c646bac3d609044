/* tail - every message of the bus as it goes by: a line each for people, a JSON object each for scripts. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/errors.h"
#include "ops/cli/link.h"
#include "ops/cli/show.h"
#include "schemas/wire/time.h"

static const char *const kinds[] = { "call", "reply", "error",  "cancel", "put",   "job",     "ack",
                                     "nack", "dead",  "append", "event",  "value", "session", "dropped" };

struct tail {
    const struct cli *cli;
    unsigned long count; /* messages still to show; 0: without end */
    bool counted;
    char filter[512];
    unsigned sample;
    bool headers_only;
    int64_t within_ms;
};

/* The type of the body that this kind of message of this name has. */
static const struct wire_type *tail_type(const struct bus_tapped *tapped)
{
    const struct registry_row *row = tapped->head->name ? show_find(tapped->head->name) : NULL;
    if (!row)
        return NULL;
    bool answer = tapped->kind == BUS_TAP_REPLY || tapped->kind == BUS_TAP_ACK;
    return answer ? row->reply : row->body;
}

/* Ordering keys are ids or text. */
static json_t *tail_key(struct bytes key)
{
    char text[ID_TEXT_SIZE];
    struct id id;
    if (key.len != sizeof(id.b))
        return json_stringn(key.data, key.len);
    memcpy(id.b, key.data, sizeof(id.b));
    return json_string(id_format("", id, text));
}

static json_t *tail_trace(const struct bus_trace *trace)
{
    char text[33];
    for (size_t i = 0; i < sizeof(trace->trace); i++)
        snprintf(text + 2 * i, 3, "%02x", trace->trace[i]);
    return json_string(text);
}

static json_t *tail_object(const struct tail *self, const struct bus_tapped *tapped)
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
        json_object_set_new(object, "key", tail_key(head->key));
    if (!id_is_zero(head->job)) {
        char text[ID_TEXT_SIZE];
        json_object_set_new(object, "job", json_string(id_format("job", head->job, text)));
    }
    if (memcmp(&head->trace, &none, sizeof(none)) != 0)
        json_object_set_new(object, "trace", tail_trace(&head->trace));
    if (head->err_text)
        json_object_set_new(object, "why", json_string(head->err_text));
    if (tapped->dropped)
        json_object_set_new(object, "dropped", json_integer((json_int_t)tapped->dropped));
    if (tapped->body.len && !self->headers_only)
        json_object_set_new(object, "body", show_body(tail_type(tapped), tapped->body));
    return object;
}

static void tail_latency(char *to, size_t size, int64_t us)
{
    if (us < 0)
        snprintf(to, size, "-");
    else if (us < 10000)
        snprintf(to, size, "%lld us", (long long)us);
    else
        snprintf(to, size, "%.1f ms", (double)us / 1000);
}

static void tail_line(const struct tail *self, const struct bus_tapped *tapped, json_t *object)
{
    char latency[32], way[48];
    const char *time = json_string_value(json_object_get(object, "time")), *clock = strchr(time, 'T');
    json_t *body = json_object_get(object, "body");
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *on = !self->cli->colour              ? ""
                     : tapped->err                   ? "\033[31m"
                     : tapped->kind == BUS_TAP_EVENT ? "\033[36m"
                                                     : "";
    tail_latency(latency, sizeof(latency), tapped->latency_us);
    snprintf(way, sizeof(way), "%s>%s", tapped->from, tapped->to);
    if (tapped->dropped)
        printf("... %llu messages were not shown: the terminal is slower than the bus\n",
               (unsigned long long)tapped->dropped);
    printf("%s%.12s %-7s %-19s %-28s %6zu B %9s %s%s%.160s%s\n", on, clock ? clock + 1 : time, kinds[tapped->kind],
           way, tapped->head->name ? tapped->head->name : "-", tapped->size, latency,
           tapped->err ? err_name(tapped->err) : "", tapped->err && text ? " " : "", text ? text : "",
           *on ? "\033[0m" : "");
    free(text);
}

static bool tail_each(void *ctx, const struct bus_tapped *tapped)
{
    struct tail *self = ctx;
    json_t *object = tail_object(self, tapped);
    if (self->cli->json)
        show_print(object, true);
    else
        tail_line(self, tapped, object);
    json_decref(object);
    fflush(stdout);
    return !self->counted || --self->count > 0;
}

/* Scripts learn from the first line that all that follows is seen. */
static void tail_began(void *ctx)
{
    struct tail *self = ctx;
    if (self->cli->json)
        printf("{\"kind\":\"tap\",\"name\":\"%s\",\"outcome\":\"ok\"}\n", self->filter);
    else if (self->cli->colour)
        fprintf(stderr, "tapping %s; ^C ends it\n", self->filter);
    fflush(stdout);
}

/* Adds one term to the filter; "actor" and its value become actor=VALUE. */
static bool tail_term(struct tail *self, const char *field, const char *value)
{
    size_t used = strlen(self->filter);
    int n = snprintf(self->filter + used, sizeof(self->filter) - used, "%s%s%s%s", used ? " " : "", field,
                     *field ? "=" : "", value);
    return n > 0 && (size_t)n < sizeof(self->filter) - used && !strpbrk(value, " \"\\");
}

static int tail_parse(int argc, char **argv, struct tail *self)
{
    static const struct option options[] = {
        { "actor", required_argument, NULL, 'a' },  { "from", required_argument, NULL, 'f' },
        { "to", required_argument, NULL, 't' },     { "trace", required_argument, NULL, 'T' },
        { "kind", required_argument, NULL, 'k' },   { "count", required_argument, NULL, 'n' },
        { "within", required_argument, NULL, 'w' }, { "sample", required_argument, NULL, 's' },
        { "headers", no_argument, NULL, 'H' },      { NULL, 0, NULL, 0 },
    };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "n:", options, NULL)) != -1;) {
        char *end = (char *)"";
        bool fine = true;
        switch (c) {
        case 'a': fine = tail_term(self, "actor", optarg); break;
        case 'f': fine = tail_term(self, "from", optarg); break;
        case 't': fine = tail_term(self, "to", optarg); break;
        case 'T': fine = tail_term(self, "trace", optarg); break;
        case 'k': fine = tail_term(self, "kind", optarg); break;
        case 'n':
            self->count = strtoul(optarg, &end, 10);
            self->counted = fine = self->count > 0;
            break;
        case 'w': self->within_ms = strtol(optarg, &end, 10) * 1000; break;
        case 's': self->sample = (unsigned)strtoul(optarg, &end, 10); break;
        case 'H': self->headers_only = true; break;
        default: return cli_usage(&tail_command, "unknown word '%s'", argv[optind - 1]);
        }
        if (!fine || *end)
            return cli_usage(&tail_command, "'%s' does not fit there", optarg);
    }
    for (int i = optind; i < argc; i++) {
        if (!tail_term(self, "", argv[i]))
            return cli_usage(&tail_command, "'%s' is no pattern", argv[i]);
    }
    if (!*self->filter)
        strcpy(self->filter, ">");
    return EXIT_DONE;
}

static int tail_run(const struct cli *cli, int argc, char **argv)
{
    struct tail self = { .cli = cli, .within_ms = -1 };
    int code = tail_parse(argc, argv, &self);
    if (code != EXIT_DONE)
        return code;
    struct link *link = link_open(cli);
    if (!link)
        return EXIT_NOT_RUNNING;
    struct link_tapping tapping = { .filter = self.filter,
                                    .sample = self.sample,
                                    .headers_only = self.headers_only,
                                    .within_ms = self.within_ms,
                                    .each = tail_each,
                                    .began = tail_began,
                                    .ctx = &self };
    int r = link_tap(link, &tapping);
    link_close(&link);
    if (r < 0)
        return cli_fail(EXIT_FAILED, "the tap ended: %s", err_name(r));
    return self.counted && self.count > 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command tail_command = {
    "tail",
    "[PATTERN] [--actor ROLE] [--from ROLE] [--to ROLE] [--kind KIND] [--trace HEX] [-n COUNT] [--within S]",
    "Show every message of the bus as it goes by.",
    "  PATTERN       dotted words: catalog.video_ready, catalog.*, > for all\n"
    "  --kind KIND   call reply error cancel put job ack nack dead append event value session\n"
    "  --trace HEX   one request, across actors\n"
    "  -n COUNT      end after so many; --within S: after so many seconds (exit code 1 when COUNT was not "
    "reached)\n"
    "  --headers     without bodies       --sample N   one in N",
    tail_run
};

/* tail - every message of the bus as it goes by, and the durable ones from before: a line each for people, a JSON object
 * each for scripts. What is wanted is chosen in the broker; what it had to drop is told. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/back.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"
#include "ops/cli/tapped.h"
#include "ops/cli/unit.h"

struct tail {
    const struct cli *cli;
    struct link *link;
    unsigned long count; /* messages still to show */
    bool counted;
    char filter[512];
    unsigned sample;
    const char *format;
    int64_t within_ms, since_ms; /* -1: without end; not asked for */
    unsigned long last;
    bool headers_only;
    json_t *waiting; /* came by before the first line and the past were shown; NULL: these are */
    json_t *upto;    /* by stream: what lay there up to this number was shown */
    int code;
};

/* False: that was the last one. */
static bool tail_show(struct tail *self, const json_t *object)
{
    if (self->format)
        tapped_format(stdout, object, self->format);
    else if (self->cli->json)
        show_print((json_t *)object, true);
    else
        tapped_line(stdout, object, table_width(), self->cli->colour);
    return !self->counted || --self->count > 0;
}

/* It lay in its stream already when the past was read. */
static bool tail_repeats(const struct tail *self, const json_t *object)
{
    char stream[256];
    if (!self->upto || strcmp(ask_text(object, "kind"), "append") != 0)
        return false;
    snprintf(stream, sizeof(stream), "%s", ask_text(object, "name"));
    stream[strcspn(stream, ".")] = 0;
    return ask_number(object, "seq") <= ask_number(self->upto, stream);
}

static bool tail_each(void *ctx, const struct bus_tapped *tapped)
{
    struct tail *self = ctx;
    json_t *object = tapped_object(tapped, self->headers_only);
    bool goes = true;
    if (self->waiting)
        json_array_append(self->waiting, object);
    else if (!tail_repeats(self, object))
        goes = tail_show(self, object);
    json_decref(object);
    if (fflush(stdout) != 0)
        goes = false; /* nobody reads any more */
    return goes;
}

/* False: that was all. */
static bool tail_back(struct tail *self)
{
    struct timespec now;
    json_t *events = NULL, *object;
    bool goes = true;
    size_t i;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t from = self->since_ms < 0 ? -1 : now.tv_sec * INT64_C(1000) - self->since_ms;
    struct back back = { self->filter, from, self->last, self->headers_only };
    self->code = back_read(self->link, &back, &events, &self->upto);
    json_array_foreach(events, i, object) goes = goes && self->code == EXIT_DONE && tail_show(self, object);
    json_decref(events);
    return goes && self->code == EXIT_DONE;
}

/* What came meanwhile, each once. False: that was all. */
static bool tail_catch_up(struct tail *self)
{
    json_t *object;
    bool goes = true;
    size_t i;
    json_array_foreach(self->waiting, i, object)
        goes = goes && (tail_repeats(self, object) || tail_show(self, object));
    json_decref(self->waiting);
    self->waiting = NULL;
    fflush(stdout);
    return goes;
}

/* Scripts learn from the first line that all that follows is seen. */
static bool tail_began(void *ctx)
{
    struct tail *self = ctx;
    if (self->cli->json && !self->format)
        show_pack("{s:s,s:s,s:s}", "kind", "tap", "name", self->filter, "outcome", "ok");
    else if (self->cli->colour)
        fprintf(stderr, "tapping %s; ^C ends it\n", self->filter);
    fflush(stdout);
    if ((self->since_ms >= 0 || self->last) && !tail_back(self))
        return false;
    return tail_catch_up(self);
}

/* Adds one term to the filter; "actor=" and its value become actor=VALUE. */
static bool tail_term(struct tail *self, const char *field, const char *value)
{
    size_t used = strlen(self->filter);
    int n = snprintf(self->filter + used, sizeof(self->filter) - used, "%s%s%s", used ? " " : "", field, value);
    return n > 0 && (size_t)n < sizeof(self->filter) - used && !strpbrk(value, " \"\\");
}

static const struct option options[] = {
    { "actor", required_argument, NULL, 'a' },  { "from", required_argument, NULL, 'F' },
    { "to", required_argument, NULL, 't' },     { "trace", required_argument, NULL, 'T' },
    { "kind", required_argument, NULL, 'k' },   { "error", required_argument, NULL, 'e' },
    { "not", required_argument, NULL, 'x' },    { "count", required_argument, NULL, 'c' },
    { "wait", required_argument, NULL, 'w' },   { "since", required_argument, NULL, 'S' },
    { "sample", required_argument, NULL, 's' }, { "format", required_argument, NULL, 'f' },
    { "headers", no_argument, NULL, 'H' },      { NULL, 0, NULL, 0 },
};

static bool tail_number(const char *text, unsigned long *ret)
{
    char *end;
    *ret = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && *ret > 0;
}

static bool tail_option(struct tail *self, int letter, const char *value)
{
    unsigned long sample;
    switch (letter) {
    case 'a': return tail_term(self, "actor=", value);
    case 'F': return tail_term(self, "from=", value);
    case 't': return tail_term(self, "to=", value);
    case 'T': return tail_term(self, "trace=", value);
    case 'k': return tail_term(self, "kind=", value);
    case 'e': return tail_term(self, "error=", value);
    case 'x': return tail_term(self, "!", value);
    case 'c': return self->counted = tail_number(value, &self->count);
    case 'n': return tail_number(value, &self->last);
    case 'w': return (self->within_ms = unit_parse_ms(value)) >= 0;
    case 'S': return (self->since_ms = unit_parse_ms(value)) >= 0;
    case 'f': self->format = value; return tapped_format_ok(value);
    case 's':
        if (!tail_number(value, &sample) || sample > 1000000)
            return false;
        self->sample = (unsigned)sample;
        return true;
    case 'H': self->headers_only = true; return true;
    default: return false;
    }
}

static int tail_parse(int argc, char **argv, struct tail *self)
{
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "n:f:", options, NULL)) != -1;) {
        if (c == '?')
            return cli_usage(&tail_command, "unknown word '%s', or its value is missing", argv[optind - 1]);
        if (!tail_option(self, c, optarg))
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
    struct tail self = { .cli = cli, .within_ms = -1, .since_ms = -1 };
    int code = tail_parse(argc, argv, &self);
    if (code == EXIT_DONE)
        code = link_open(cli, &self.link);
    if (code != EXIT_DONE)
        return code;
    struct link_tapping tapping = { .filter = self.filter,
                                    .sample = self.sample,
                                    .headers_only = self.headers_only,
                                    .within_ms = self.within_ms,
                                    .each = tail_each,
                                    .began = tail_began,
                                    .ctx = &self };
    self.waiting = json_array();
    int r = link_tap(self.link, &tapping);
    link_close(&self.link);
    json_decref(self.waiting);
    json_decref(self.upto);
    if (r == ERR_INVALID)
        return cli_fail(EXIT_USAGE, "the filter '%s' has a kind or an error that does not exist", self.filter);
    if (r == ERR_FORBIDDEN)
        return cli_fail(EXIT_FAILED, "the role cli may not tap");
    if (r < 0)
        return cli_fail(EXIT_FAILED, "the tap ended: %s", err_name(r));
    if (self.code != EXIT_DONE)
        return self.code;
    return self.counted && self.count > 0 ? EXIT_FAILED : EXIT_DONE;
}

const struct command tail_command = {
    "tail",
    "[PATTERN...] [--since SPAN] [-n N] [--actor ROLE] [--kind KIND] [--error ERROR] [--trace HEX] [--not TERM] "
    "...",
    "Show every message of the bus as it goes by, and events from before.",
    "  PATTERN       dotted words: catalog.video_ready, catalog.*, > for all; of several, any\n"
    "  --since SPAN  first the events of that long ago and later: 90s, 5m, 2h, 1d\n"
    "  -n N          first the last N events that match\n"
    "  --actor ROLE  whoever sends or gets it; --from ROLE, --to ROLE: one side\n"
    "  --kind KIND   call reply error cancel put job ack nack dead append event value session\n"
    "  --error ERROR what failed so: busy, timeout, ...; '*' for whatever failed\n"
    "  --trace HEX   one request, across actors; the first digits do\n"
    "  --not TERM    without these: a pattern, or kind=value, from=front, ...\n"
    "  --count N     end after N; --wait SPAN: end after so long (exit code 1 when N was not reached;\n"
    "                --wait 0 ends after the events from before)\n"
    "  --headers     without bodies       --sample N   one in N\n"
    "  -f FORMAT     a line by this format:\n" TAPPED_FORMAT_HELP,
    tail_run
};

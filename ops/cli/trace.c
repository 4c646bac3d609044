/* trace - one request across actors: what it left in streams and queues, then what goes by. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/back.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"
#include "ops/cli/tapped.h"
#include "ops/cli/unit.h"

enum { TRACE_DIGITS = 32 };

struct trace {
    const struct cli *cli;
    struct link *link;
    char filter[TRACE_DIGITS + 8];
    int64_t within_ms;
    bool headers_only;
    size_t found;
    int code;
};

static void trace_print(const struct trace *self, const json_t *object)
{
    if (self->cli->json)
        show_print((json_t *)object, true);
    else
        tapped_line(stdout, object, table_width(), self->cli->colour);
}

static bool trace_each(void *ctx, const struct bus_tapped *tapped)
{
    struct trace *self = ctx;
    json_t *object = tapped_object(tapped, self->headers_only);
    self->found++;
    trace_print(self, object);
    json_decref(object);
    return fflush(stdout) == 0;
}

/* One job that did not end: where it is and what went wrong last. */
static void trace_job(const struct trace *self, json_t *job)
{
    char text[UNIT_SIZE];
    const char *on = !self->cli->colour                            ? ""
                     : strcmp(ask_text(job, "state"), "dead") == 0 ? TABLE_RED
                                                                   : TABLE_YELLOW;
    if (self->cli->json) {
        json_object_set_new(job, "kind", json_string("waiting"));
        show_print(job, true);
        return;
    }
    printf("%s%s job of %s, number %lld, put %s, %lld of %lld attempts", on, ask_text(job, "state"),
           ask_text(job, "queue"), (long long)ask_number(job, "seq"), unit_time(text, ask_number(job, "put_ms")),
           (long long)ask_number(job, "attempts"), (long long)ask_number(job, "attempts_max"));
    if (*ask_text(job, "worker"))
        printf(", with %s", ask_text(job, "worker"));
    if (*ask_text(job, "error"))
        printf(", last: %s %s", ask_text(job, "error"), ask_text(job, "text"));
    printf("%s\n", *on ? TABLE_OFF : "");
}

static bool trace_began(void *ctx)
{
    struct trace *self = ctx;
    struct back back = { self->filter, -1, 0, self->headers_only };
    json_t *events, *upto, *jobs = NULL, *row;
    size_t i;
    self->code = back_read(self->link, &back, &events, &upto);
    if (self->code == EXIT_DONE)
        self->code = ask_link(self->link, "$sys.why",
                              json_pack("{s:s, s:i}", "filter", self->filter, "limit", 1000), &jobs);
    json_array_foreach(events, i, row) trace_print(self, row);
    json_array_foreach(jobs, i, row) trace_job(self, row);
    self->found += json_array_size(events) + json_array_size(jobs);
    if (self->code == EXIT_DONE && self->cli->colour)
        fprintf(stderr, "%zu found at rest; what goes by follows, ^C ends it\n", self->found);
    fflush(stdout);
    json_decref(events);
    json_decref(upto);
    json_decref(jobs);
    return self->code == EXIT_DONE;
}

static int trace_parse(int argc, char **argv, struct trace *self)
{
    static const struct option options[] = { { "wait", required_argument, NULL, 'w' },
                                             { "headers", no_argument, NULL, 'H' },
                                             { NULL, 0, NULL, 0 } };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'H')
            self->headers_only = true;
        else if (c != 'w' || (self->within_ms = unit_parse_ms(optarg)) < 0)
            return cli_usage(&trace_command, "'%s' does not fit there", argv[optind - 1]);
    }
    const char *id = argc - optind == 1 ? argv[optind] : "";
    size_t len = strlen(id);
    if (!len || len > TRACE_DIGITS || strspn(id, "0123456789abcdef") != len)
        return cli_usage(&trace_command,
                         "name one trace: up to 32 digits of 0-9 a-f, as `tail` and the logs show it");
    snprintf(self->filter, sizeof(self->filter), "trace=%s", id);
    return EXIT_DONE;
}

static int trace_run(const struct cli *cli, int argc, char **argv)
{
    struct trace self = { .cli = cli, .within_ms = -1 };
    int code = trace_parse(argc, argv, &self);
    if (code == EXIT_DONE)
        code = link_open(cli, &self.link);
    if (code != EXIT_DONE)
        return code;
    struct link_tapping tapping = { .filter = self.filter,
                                    .headers_only = self.headers_only,
                                    .within_ms = self.within_ms,
                                    .each = trace_each,
                                    .began = trace_began,
                                    .ctx = &self };
    int r = link_tap(self.link, &tapping);
    link_close(&self.link);
    if (r < 0)
        return cli_fail(EXIT_FAILED, "the tap ended: %s", err_name(r));
    if (self.code == EXIT_DONE && !self.found)
        return cli_fail(EXIT_FAILED, "nothing of the trace %s was seen", self.filter + strlen("trace="));
    return self.code;
}

const struct command trace_command = {
    "trace", "ID [--wait SPAN] [--headers]", "Follow one request: the events and jobs it left, then what goes by.",
    "  ID            a trace id, or its first digits; `tail --json` and the logs show them\n"
    "  --wait SPAN   end after so long (0: with what lies there); exit code 1 when nothing was found",
    trace_run
};

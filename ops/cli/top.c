/* top - the bus at a glance: what waits, what moves and how long it takes, again and again on a terminal. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"
#include "ops/cli/unit.h"

/* What the broker said at a moment. */
struct sample {
    int64_t at_ms;
    json_t *stats, *queues, *services;
};

struct top {
    const struct cli *cli;
    struct link *link;
    int64_t every_ms;
    unsigned long times; /* 0: until a signal */
    bool live;
    struct sample before, now;
    double seconds; /* between them */
};

static void sample_free(struct sample *sample)
{
    json_decref(sample->stats);
    json_decref(sample->queues);
    json_decref(sample->services);
    *sample = (struct sample) { 0 };
}

static int sample_take(struct link *link, struct sample *sample)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *sample = (struct sample) { .at_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000 };
    int code = ask_link(link, "$sys.stats", json_pack("{s:b}", "buckets", 1), &sample->stats);
    if (code == EXIT_DONE)
        code = ask_link(link, "$sys.queues", json_pack("{s:b}", "buckets", 1), &sample->queues);
    if (code == EXIT_DONE)
        code = ask_link(link, "$sys.services", json_pack("{s:b}", "buckets", 1), &sample->services);
    ask_sort(sample->queues, "name");
    ask_sort(sample->services, "name");
    if (code != EXIT_DONE)
        sample_free(sample);
    return code;
}

/* A broker that was started again counts from zero. */
static double top_rate(const struct top *top, const json_t *now, const json_t *before, const char *member)
{
    int64_t grown = ask_number(now, member) - ask_number(before, member);
    return grown > 0 ? (double)grown / top->seconds : 0;
}

static int64_t top_count_at(const json_t *buckets, json_int_t upto)
{
    for (size_t i = 0; i + 1 < json_array_size(buckets); i += 2) {
        if (json_integer_value(json_array_get(buckets, i)) == upto)
            return json_integer_value(json_array_get(buckets, i + 1));
    }
    return 0;
}

/* Of what was added between two answers; -1: nothing was. */
static int64_t top_quantile(const json_t *now, const json_t *before, double part)
{
    const json_t *buckets = json_object_get(now, "buckets"), *old = json_object_get(before, "buckets");
    int64_t n = ask_number(now, "n") - ask_number(before, "n"), seen = 0;
    if (n <= 0)
        return -1;
    for (size_t i = 0; i + 1 < json_array_size(buckets); i += 2) {
        json_int_t upto = json_integer_value(json_array_get(buckets, i));
        seen += json_integer_value(json_array_get(buckets, i + 1)) - top_count_at(old, upto);
        if ((double)seen >= part * (double)n && seen > 0)
            return upto < ask_number(now, "max_us") ? upto : ask_number(now, "max_us");
    }
    return -1;
}

static void top_times(struct table *table, const json_t *now, const json_t *before, const char *member)
{
    const json_t *a = json_object_get(now, member), *b = json_object_get(before, member);
    char text[UNIT_SIZE];
    table_cell(table, "%s", unit_us(text, top_quantile(a, b, 0.5)));
    table_cell(table, "%s", unit_us(text, top_quantile(a, b, 0.99)));
}

static void top_head(const struct top *top, FILE *out)
{
    const json_t *now = top->now.stats, *before = top->before.stats;
    const json_t *commit = json_object_get(now, "commit"), *old = json_object_get(before, "commit");
    char a[UNIT_SIZE], b[UNIT_SIZE], c[UNIT_SIZE], d[UNIT_SIZE];
    int64_t percent = ask_number(now, "store_percent");
    const char *on = top->cli->colour && percent >= 70 ? TABLE_RED : "", *off = *on ? TABLE_OFF : "";
    fprintf(out, "broker    up %s, %" PRId64 " sessions, %sstore %" PRId64 "%%%s\n",
            unit_ms(a, ask_number(now, "uptime_ms")), ask_number(now, "sessions"), on, percent, off);
    fprintf(out, "messages  in %s/s, out %s/s, calls %s/s, refused %s/s\n",
            unit_rate(a, top_rate(top, now, before, "messages_in")),
            unit_rate(b, top_rate(top, now, before, "messages_out")),
            unit_rate(c, top_rate(top, now, before, "calls")),
            unit_rate(d, top_rate(top, now, before, "refused")));
    fprintf(out, "commits   %s/s, p50 %s, p99 %s\n\n", unit_rate(a, top_rate(top, now, before, "commits")),
            unit_us(b, top_quantile(commit, old, 0.5)), unit_us(c, top_quantile(commit, old, 0.99)));
}

static const struct table_column queue_columns[] = {
    { "QUEUE", false, 0 },  { "READY", true, 0 },   { "HELD", true, 0 },     { "LEASED", true, 0 },
    { "DEAD", true, 0 },    { "OLDEST", true, 0 },  { "IN/S", true, 0 },     { "OUT/S", true, 0 },
    { "TAKERS", true, 1 },  { "CREDIT", true, 4 },  { "WAIT P50", true, 6 }, { "WAIT P99", true, 3 },
    { "RUN P50", true, 5 }, { "RUN P99", true, 2 },
};

static struct table *top_queues(const struct top *top)
{
    static const char *const counts[] = { "ready", "held", "leased", "dead" };
    struct table *table = table_new(queue_columns, sizeof(queue_columns) / sizeof(*queue_columns));
    char text[UNIT_SIZE];
    const json_t *row;
    size_t i;
    json_array_foreach(top->now.queues, i, row)
    {
        const json_t *old = ask_find(top->before.queues, "name", ask_text(row, "name"));
        bool stuck = ask_number(row, "ready") > 0 && (!ask_number(row, "takers") || ask_number(row, "paused_ms"));
        table_colour(table, ask_number(row, "dead") ? TABLE_RED : stuck ? TABLE_YELLOW : NULL);
        table_cell(table, "%s", ask_text(row, "name"));
        for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++)
            table_cell(table, "%" PRId64, ask_number(row, counts[c]));
        table_cell(table, "%s", unit_ms(text, ask_number(row, "oldest_ms")));
        table_cell(table, "%s", unit_rate(text, top_rate(top, row, old, "puts")));
        table_cell(table, "%s",
                   unit_rate(text, top_rate(top, row, old, "acks") + top_rate(top, row, old, "deads")));
        table_cell(table, "%" PRId64, ask_number(row, "takers"));
        table_cell(table, "%" PRId64, ask_number(row, "credit"));
        top_times(table, row, old, "wait");
        top_times(table, row, old, "run");
    }
    return table;
}

static const struct table_column service_columns[] = {
    { "SERVICE", false, 0 }, { "CALLS/S", true, 0 }, { "ERRORS/S", true, 0 }, { "IN FLIGHT", true, 0 },
    { "WAITING", true, 1 },  { "P50", true, 0 },     { "P99", true, 0 },      { "OFFERS", true, 2 },
};

static struct table *top_services(const struct top *top)
{
    struct table *table = table_new(service_columns, sizeof(service_columns) / sizeof(*service_columns));
    char text[UNIT_SIZE];
    const json_t *row;
    size_t i;
    json_array_foreach(top->now.services, i, row)
    {
        const json_t *old = ask_find(top->before.services, "name", ask_text(row, "name"));
        size_t offers = json_array_size(json_object_get(row, "offers"));
        double errors = top_rate(top, row, old, "errors");
        table_colour(table, !offers ? TABLE_RED : errors > 0 ? TABLE_YELLOW : NULL);
        table_cell(table, "%s", ask_text(row, "name"));
        table_cell(table, "%s", unit_rate(text, top_rate(top, row, old, "calls")));
        table_cell(table, "%s", unit_rate(text, errors));
        table_cell(table, "%" PRId64, ask_number(row, "in_flight"));
        table_cell(table, "%" PRId64, ask_number(row, "waiting"));
        top_times(table, row, old, "latency");
        table_cell(table, "%zu", offers);
    }
    return table;
}

static void top_draw(const struct top *top, FILE *out)
{
    struct table *queues = top_queues(top), *services = top_services(top);
    size_t width = table_width();
    top_head(top, out);
    table_print(queues, out, width, top->cli->colour);
    fputc('\n', out);
    table_print(services, out, width, top->cli->colour);
    table_free(&queues);
    table_free(&services);
}

/* Over what was there, line by line: a screen that is not cleared first does not flicker. */
static void top_refresh(const struct top *top)
{
    size_t height = table_height(), lines = 0, size;
    char *text = NULL, *at, *end;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    top_draw(top, out);
    fclose(out);
    fputs("\033[H", stdout);
    for (at = text; (end = strchr(at, '\n')) && (!height || lines + 1 < height); at = end + 1, lines++)
        printf("%.*s\033[K\n", (int)(end - at), at);
    fputs("\033[J", stdout);
    fflush(stdout);
    free(text);
}

/* The buckets are for programs that compute from them, and there is `call '$sys.queues'` for those. */
static json_t *top_rows(const struct top *top, const json_t *rows, const json_t *before, const char *const *rates)
{
    json_t *made = json_array(), *value;
    const json_t *row;
    const char *name;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        const json_t *old = ask_find(before, "name", ask_text(row, "name"));
        json_t *object = json_object();
        json_object_foreach((json_t *)row, name, value)
        {
            const json_t *was = json_object_get(old, name);
            if (json_object_get(value, "buckets"))
                json_object_set_new(object, name,
                                    json_pack("{s:I, s:I}", "p50_us", (json_int_t)top_quantile(value, was, 0.5),
                                              "p99_us", (json_int_t)top_quantile(value, was, 0.99)));
            else
                json_object_set(object, name, value);
        }
        for (const char *const *rate = rates; *rate; rate += 2)
            json_object_set_new(object, rate[1], json_real(top_rate(top, row, old, rate[0])));
        json_array_append_new(made, object);
    }
    return made;
}

static void top_json(const struct top *top)
{
    static const char *const stats[] = { "messages_in", "in_per_s", "messages_out",  "out_per_s", "calls",
                                         "calls_per_s", "commits",  "commits_per_s", NULL };
    static const char *const queues[] = { "puts", "in_per_s", "acks", "done_per_s", "deads", "dead_per_s", NULL };
    static const char *const services[] = { "calls", "calls_per_s", "errors", "errors_per_s", NULL };
    json_t *now = json_pack("[O]", top->now.stats), *before = json_pack("[O]", top->before.stats);
    json_t *broker = top_rows(top, now, before, stats);
    json_t *all = json_pack("{s:f, s:O, s:o, s:o}", "seconds", top->seconds, "broker", json_array_get(broker, 0),
                            "queues", top_rows(top, top->now.queues, top->before.queues, queues), "services",
                            top_rows(top, top->now.services, top->before.services, services));
    show_print(all, true);
    fflush(stdout);
    json_decref(all);
    json_decref(broker);
    json_decref(now);
    json_decref(before);
}

static void top_show(const struct top *top)
{
    if (top->cli->json)
        top_json(top);
    else if (top->live)
        top_refresh(top);
    else
        top_draw(top, stdout);
}

/* While the broker is away a terminal says so and goes on; a script is told by the exit code. */
static int top_next(struct top *top)
{
    struct sample next;
    if (top->live && !link_is_up(top->link)) {
        printf("\033[Hbroker    away; waiting for it\033[K\n");
        fflush(stdout);
        return EXIT_DONE;
    }
    int code = sample_take(top->link, &next);
    if (code != EXIT_DONE)
        return code;
    sample_free(&top->before);
    top->before = top->now;
    top->now = next;
    top->seconds = (double)(next.at_ms - top->before.at_ms) / 1000;
    if (top->seconds > 0)
        top_show(top);
    return EXIT_DONE;
}

static int top_loop(struct top *top)
{
    int64_t first = top->live && top->every_ms > 1000 ? 1000 : top->every_ms;
    int code = sample_take(top->link, &top->now);
    for (unsigned long n = 0; code == EXIT_DONE && (!top->times || n < top->times); n++) {
        if (!link_wait(top->link, n ? top->every_ms : first))
            return EXIT_DONE;
        code = top_next(top);
        if (code != EXIT_DONE && top->live && !link_is_up(top->link))
            code = EXIT_DONE; /* it went away in the middle of an answer */
    }
    return link_wait(top->link, 0) ? code : EXIT_DONE;
}

static int top_parse(int argc, char **argv, struct top *top)
{
    static const struct option options[] = { { "every", required_argument, NULL, 'e' },
                                             { "times", required_argument, NULL, 't' },
                                             { NULL, 0, NULL, 0 } };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = (char *)"";
        bool fine = c == 'e'   ? (top->every_ms = unit_parse_ms(optarg)) > 0
                    : c == 't' ? (top->times = strtoul(optarg, &end, 10)) > 0 && !*end
                               : false;
        if (!fine)
            return cli_usage(&top_command, "'%s' does not fit there", argv[optind - 1]);
    }
    return optind == argc ? EXIT_DONE : cli_usage(&top_command, "unknown word '%s'", argv[optind]);
}

static int top_run(const struct cli *cli, int argc, char **argv)
{
    struct top top = { .cli = cli, .every_ms = 2000, .live = table_height() > 0 && !cli->json };
    int code = top_parse(argc, argv, &top);
    if (code == EXIT_DONE && !top.live && !top.times)
        top.times = 1;
    if (code == EXIT_DONE)
        code = link_open(cli, &top.link);
    if (code != EXIT_DONE)
        return code;
    link_catch(top.link);
    if (top.live)
        fputs("\033[?25l\033[2J", stdout);
    code = top_loop(&top);
    if (top.live)
        fputs("\033[?25h", stdout);
    link_close(&top.link);
    sample_free(&top.before);
    sample_free(&top.now);
    return code;
}

const struct command top_command = {
    "top", "[--every SPAN] [--times N]", "Queues, services and the broker at a glance, again and again.",
    "  Rates and times are of the span between two looks: 2s, or --every SPAN. On a terminal ^C ends it;\n"
    "  into a pipe it looks once, or --times N.\n"
    "  WAIT   from a job's put until it was first given     RUN   from then until its end was on the disk\n"
    "  Red: dead jobs, or a service that nobody offers. Yellow: jobs that nobody takes, or errors.",
    top_run
};

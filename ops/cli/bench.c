/* bench - how quick the bus of this platform is now: calls that the broker answers, calls through it to each service, and values that
 * are told once they are on the disk; one at a time, and many. Nothing is changed by it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/common.h"
#include "gen/errors.h"
#include "ops/cli/ask.h"
#include "ops/cli/load.h"
#include "ops/cli/show.h"
#include "ops/cli/unit.h"

enum { BENCH_FOR_MS = 1000, BENCH_LONGEST_MS = 60000, BENCH_WINDOW = 64, BENCH_NAME = 80 };

struct bench_run {
    const struct cli *cli;
    struct link *link;
    int64_t for_ms;
    unsigned window;
    char **only; /* names of services, `broker` or `commit`; NULL-terminated, empty: all */
    bool headed; /* the line above the figures is there */
    json_t *rows;
};

static bool bench_is_wanted(const struct bench_run *run, const char *name)
{
    for (char **only = run->only; *only; only++)
        if (strcmp(*only, name) == 0)
            return true;
    return !*run->only;
}

static int64_t bench_at(const struct load_result *result, double part)
{
    size_t i = (size_t)(part * (double)result->n);

    return result->n ? (int64_t)result->took_us[i < result->n ? i : result->n - 1] : -1;
}

static void bench_show(struct bench_run *run, const char *name, unsigned window, const struct load_result *result)
{
    char rate[UNIT_SIZE], p50[UNIT_SIZE], p99[UNIT_SIZE];

    if (run->cli->json) {
        json_array_append_new(run->rows,
                              json_pack("{ss sI sf sI sI sI sI}", "figure", name, "in_flight", (json_int_t)window,
                                        "per_s", result->per_s, "p50_us", (json_int_t)bench_at(result, 0.5),
                                        "p99_us", (json_int_t)bench_at(result, 0.99), "n", (json_int_t)result->n,
                                        "failed", (json_int_t)result->failed));
        return;
    }
    if (!run->headed)
        printf("%-24s %9s %9s %9s %9s\n", "ANSWERED BY", "IN FLIGHT", "PER S", "P50", "P99");
    run->headed = true;
    printf("%-24s %9u %9s %9s %9s", name, window, unit_rate(rate, result->per_s),
           unit_us(p50, bench_at(result, 0.5)), unit_us(p99, bench_at(result, 0.99)));
    if (result->failed)
        printf("   %zu failed: %s", result->failed, err_title(result->err));
    putchar('\n');
    fflush(stdout);
}

/* call NULL: commits. */
static int bench_one(struct bench_run *run, const char *name, const char *call, struct bytes body)
{
    for (unsigned window = 1;; window = run->window) {
        const struct load load = { .call = call, .body = body, .window = window, .for_ms = run->for_ms };
        struct load_result result;
        int r = load_run(run->link, &load, &result);

        if (r == 0)
            bench_show(run, name, window, &result);
        free(result.took_us);
        if (r < 0)
            return cli_fail(EXIT_FAILED, "%s: %s", name, err_title(r));
        if (!result.n)
            return cli_fail(EXIT_FAILED, "%s: nothing came back", name);
        if (window == run->window)
            return EXIT_DONE;
    }
}

static int bench_broker(struct bench_run *run)
{
    struct buf body = { 0 };
    json_t *request = json_pack("{s:s, s:s, s:s}", "role", "cli", "verb", "call", "name", "$sys.acl");

    ask_pack(request, &body);
    json_decref(request);
    int code = bench_one(run, "broker", "$sys.acl", buf_bytes(&body));
    buf_free(&body);
    return code;
}

/* What every actor serves and that reads its store: what it has put aside. */
static int bench_service(struct bench_run *run, const char *name)
{
    struct parked ask = { .limit = 1 };
    struct buf body = { 0 };
    char call[BENCH_NAME];
    int code = parked_pack(&ask, &body);

    snprintf(call, sizeof(call), "%s.parked", name);
    if (code == 0)
        code = bench_one(run, name, call, buf_bytes(&body));
    buf_free(&body);
    return code;
}

/* Those that somebody offers. */
static int bench_services(struct bench_run *run, unsigned *ret_n)
{
    json_t *services = NULL;
    const json_t *row;
    size_t i;
    int code = ask_link(run->link, "$sys.services", NULL, &services);

    ask_sort(services, "name");
    json_array_foreach(services, i, row)
    {
        const char *name = ask_text(row, "name");

        if (code != EXIT_DONE || !json_array_size(json_object_get(row, "offers")) || !bench_is_wanted(run, name))
            continue;
        code = bench_service(run, name);
        ++*ret_n;
    }
    json_decref(services);
    return code;
}

static int bench_all(struct bench_run *run)
{
    unsigned n = 0;
    int code = EXIT_DONE;

    if (bench_is_wanted(run, "broker") && ++n)
        code = bench_broker(run);
    if (code == EXIT_DONE)
        code = bench_services(run, &n);
    if (code == EXIT_DONE && bench_is_wanted(run, "commit") && ++n)
        code = bench_one(run, "commit", NULL, (struct bytes) { 0 });
    if (code == EXIT_DONE && !n)
        code = cli_fail(EXIT_USAGE, "nobody offers %s: `kinobus service` lists what there is", *run->only);
    if (code == EXIT_DONE && run->cli->json)
        show_print(run->rows, true);
    return code;
}

static int bench_parse(int argc, char **argv, struct bench_run *run)
{
    static const struct option options[] = { { "for", required_argument, NULL, 'f' },
                                             { "window", required_argument, NULL, 'w' },
                                             { NULL, 0, NULL, 0 } };
    optind = 1;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        char *end = (char *)"";
        bool fine = c == 'f'   ? (run->for_ms = unit_parse_ms(optarg)) > 0 && run->for_ms <= BENCH_LONGEST_MS
                    : c == 'w' ? (run->window = (unsigned)strtoul(optarg, &end, 10)) > 0 &&
                                     run->window <= LOAD_WINDOW_MOST && !*end
                               : false;
        if (!fine)
            return cli_usage(&bench_command, "'%s' does not fit there", argv[optind - 1]);
    }
    run->only = argv + optind;
    return EXIT_DONE;
}

static int bench_do(const struct cli *cli, int argc, char **argv)
{
    struct bench_run run = { .cli = cli, .for_ms = BENCH_FOR_MS, .window = BENCH_WINDOW };
    int code = bench_parse(argc, argv, &run);

    if (code == EXIT_DONE)
        code = link_open(cli, &run.link);
    if (code != EXIT_DONE)
        return code;
    link_catch(run.link);
    run.rows = json_array();
    code = bench_all(&run);
    json_decref(run.rows);
    link_close(&run.link);
    return code;
}

const struct command bench_command = {
    "bench", "[--for SPAN] [--window N] [NAME ...]", "How quick the bus is now: calls, and commits.",
    "  broker   calls that the broker answers itself\n"
    "  NAME     calls through it to that service, which reads its store\n"
    "  commit   values that are told to who watches them once they are on the disk\n"
    "  Each one at a time, then N (64; at most 1024) at a time, for SPAN (1s; at most 60s). Without a NAME: all.\n"
    "  It is one process beside whatever else this host does; nothing is changed by it.",
    bench_do
};

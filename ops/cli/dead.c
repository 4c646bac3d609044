/* dead - jobs that were given up: which, why, and what becomes of them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cli/ask.h"
#include "ops/cli/detail.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"
#include "ops/cli/unit.h"

static const struct table_column columns[] = {
    { "QUEUE", false, 0 }, { "NUMBER", true, 0 }, { "DIED", false, 1 }, { "ATTEMPTS", true, 3 },
    { "ERROR", false, 0 }, { "WHY", false, 2 },   { "KEY", false, 4 },
};

static void dead_table(const struct cli *cli, const json_t *jobs)
{
    struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
    char text[UNIT_SIZE];
    const json_t *job;
    size_t i;
    json_array_foreach(jobs, i, job)
    {
        table_cell(table, "%s", ask_text(job, "queue"));
        table_cell(table, "%" PRId64, ask_number(job, "seq"));
        table_cell(table, "%s", unit_time(text, ask_number(job, "at_ms")));
        table_cell(table, "%" PRId64, ask_number(job, "attempts"));
        table_cell(table, "%s", ask_text(job, "error"));
        table_cell(table, "%s", ask_text(job, "text"));
        table_cell(table, "%s", ask_text(job, "key"));
    }
    table_print(table, stdout, table_width(), cli->colour);
    table_free(&table);
}

static void dead_show(const struct cli *cli, const json_t *reply)
{
    detail_print(cli, json_object_get(reply, "job"));
    fputs("\nbody\n", stdout);
    show_print(json_object_get(json_object_get(reply, "message"), "body"), false);
}

enum dead_verb { DEAD_LS, DEAD_SHOW, DEAD_REQUEUE, DEAD_DROP, DEAD_VERBS };
static const char *const verbs[DEAD_VERBS] = { "ls", "show", "requeue", "drop" };
static const char *const calls[DEAD_VERBS] = { "$sys.dead.ls", "$sys.dead.show", "$sys.dead.requeue",
                                               "$sys.dead.drop" };

static int dead_do(const struct cli *cli, enum dead_verb verb, json_t *request)
{
    json_t *reply;
    int code = ask_once(cli, calls[verb], request, &reply);
    if (code == EXIT_DONE && cli->json)
        show_print(reply, true);
    else if (code == EXIT_DONE && verb == DEAD_LS)
        dead_table(cli, reply);
    else if (code == EXIT_DONE && verb == DEAD_SHOW)
        dead_show(cli, reply);
    else if (code == EXIT_DONE)
        printf("%" PRId64 " %s\n", ask_number(reply, "changed"), verb == DEAD_DROP ? "dropped" : "requeued");
    json_decref(reply);
    return code;
}

/* Drops and requeues all of a queue only when that is said: a number that was forgotten must not cost the rest. */
static int dead_run(const struct cli *cli, int argc, char **argv)
{
    enum dead_verb verb = DEAD_LS;
    char *end = (char *)"";
    while (argc > 1 && verb < DEAD_VERBS && strcmp(argv[1], verbs[verb]) != 0)
        verb++;
    if (verb == DEAD_VERBS || argc > 4 || (verb == DEAD_LS && argc > 3))
        return cli_usage(&dead_command, "say ls, show, requeue or drop");
    if (verb != DEAD_LS && argc != 4)
        return cli_usage(&dead_command, "name a queue, and the number of a job%s",
                         verb == DEAD_SHOW ? "" : " or --all");
    bool all = argc == 4 && verb != DEAD_SHOW && strcmp(argv[3], "--all") == 0;
    uint64_t seq = argc == 4 && !all ? strtoull(argv[3], &end, 10) : 0;
    if (*end || (argc == 4 && !all && seq == 0))
        return cli_usage(&dead_command, "'%s' is not the number of a job", argv[3]);
    json_t *request = json_pack("{s:i}", "limit", 10000);
    if (argc > 2)
        json_object_set_new(request, "queue", json_string(argv[2]));
    if (all)
        json_object_set_new(request, "all", json_true());
    else if (argc == 4)
        json_object_set_new(request, "seq", json_integer((json_int_t)seq));
    return dead_do(cli, verb, request);
}

const struct command dead_command = { "dead", "[ls [QUEUE]] | show QUEUE NUMBER | requeue|drop QUEUE NUMBER|--all",
                                      "Jobs that were given up: look, try again, drop.",
                                      "  `show` tells why, after how many attempts, and what the job says.\n"
                                      "  --all   all of a queue, at most a thousand at a time",
                                      dead_run };

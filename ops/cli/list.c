/* queue, stream, group, peer, service - what there is on the bus: `ls` for all, `show` for one. */
#include <stdio.h>
#include <string.h>

#include "ops/cli/ask.h"
#include "ops/cli/detail.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"
#include "ops/cli/unit.h"

enum { COLUMNS_MOST = 16 };

struct list {
    const struct command *command;
    const char *call, *name;                          /* the member by which `show` finds one */
    void (*rows)(const json_t *answer, json_t *rows); /* NULL: they are what is listed */
    struct list_column {
        struct table_column column;
        const char *member; /* "latency.p99_us" for one of an object */
    } columns[COLUMNS_MOST];
};

/* Groups lie within their streams. */
static void list_groups(const json_t *answer, json_t *rows)
{
    const json_t *stream;
    json_t *group;
    size_t i, j;
    json_array_foreach(answer, i, stream)
    {
        json_array_foreach(json_object_get(stream, "groups"), j, group)
        {
            json_object_set(group, "stream", json_object_get(stream, "name"));
            json_array_append(rows, group);
        }
    }
}

#define LEFT(title, leave, member)      \
    {                                   \
        { title, false, leave }, member \
    }
#define RIGHT(title, leave, member)    \
    {                                  \
        { title, true, leave }, member \
    }

static const struct list lists[] = {
    { &queue_command,
      "$sys.queues",
      "name",
      NULL,
      { LEFT("QUEUE", 0, "name"), RIGHT("READY", 0, "ready"), RIGHT("HELD", 0, "held"),
        RIGHT("LEASED", 0, "leased"), RIGHT("DEAD", 0, "dead"), RIGHT("PAUSED", 0, "paused_ms"),
        RIGHT("OLDEST", 0, "oldest_ms"), RIGHT("TAKERS", 1, "takers"), RIGHT("CREDIT", 5, "credit"),
        RIGHT("PUTS", 3, "puts"), RIGHT("ACKS", 2, "acks"), RIGHT("RETRIES", 4, "retries"),
        RIGHT("WAIT P99", 7, "wait.p99_us"), RIGHT("RUN P50", 8, "run.p50_us"),
        RIGHT("RUN P99", 6, "run.p99_us") } },
    { &stream_command,
      "$sys.streams",
      "name",
      NULL,
      { LEFT("STREAM", 0, "name"), RIGHT("FIRST", 0, "first"), RIGHT("LAST", 0, "last"),
        RIGHT("OLDEST", 1, "oldest_ms"), RIGHT("NEWEST", 0, "newest_ms"), RIGHT("APPENDS", 2, "appends"),
        RIGHT("KEPT", 3, "keep_ms"), RIGHT("GROUPS", 0, "groups"), RIGHT("FOLLOWERS", 0, "followers") } },
    { &group_command,
      "$sys.streams",
      "name",
      list_groups,
      { LEFT("STREAM", 0, "stream"), LEFT("GROUP", 0, "name"), RIGHT("AT", 0, "at"),
        RIGHT("BEHIND", 0, "behind") } },
    { &peer_command,
      "$sys.peers",
      "role",
      NULL,
      { LEFT("ROLE", 0, "role"), LEFT("NAME", 7, "name"), LEFT("ADDRESS", 6, "address"), RIGHT("PID", 0, "pid"),
        RIGHT("UID", 4, "uid"), LEFT("SINCE", 2, "since_ms"), RIGHT("SILENT", 1, "silent_ms"),
        RIGHT("OFFERS", 0, "offers"), RIGHT("TAKES", 0, "takes"), RIGHT("NAMES", 3, "names"),
        RIGHT("UNCONFIRMED", 5, "unconfirmed"), RIGHT("STORED", 6, "stored_bytes"), RIGHT("IN", 0, "messages_in"),
        RIGHT("OUT", 0, "messages_out"), LEFT("VERSION", 8, "version"), LEFT("INSTANCE", 9, "instance") } },
    { &service_command,
      "$sys.services",
      "name",
      NULL,
      { LEFT("SERVICE", 0, "name"), RIGHT("OFFERS", 0, "offers"), RIGHT("CALLS", 0, "calls"),
        RIGHT("ERRORS", 0, "errors"), RIGHT("IN FLIGHT", 0, "in_flight"), RIGHT("WAITING", 0, "waiting"),
        RIGHT("P50", 1, "latency.p50_us"), RIGHT("P99", 0, "latency.p99_us"),
        RIGHT("MAX", 2, "latency.max_us") } },
};

static void list_cell(struct table *table, const json_t *row, const char *member)
{
    const char *dot = strchr(member, '.');
    char text[UNIT_SIZE], first[64];
    snprintf(first, sizeof(first), "%.*s", (int)(dot ? dot - member : (long)strlen(member)), member);
    const json_t *value = json_object_get(row, first);
    bool empty = dot && !ask_number(value, "n"); /* a histogram of nothing */
    if (dot)
        value = json_object_get(value, dot + 1);
    if (json_is_string(value))
        table_cell(table, "%s", *json_string_value(value) ? json_string_value(value) : "-");
    else if (json_is_array(value))
        table_cell(table, "%zu", json_array_size(value));
    else
        table_cell(table, "%s", empty ? "-" : unit_member(text, dot ? dot + 1 : member, value));
}

/* What an operator should look at. */
static const char *list_colour(const json_t *row)
{
    if (ask_number(row, "dead") > 0)
        return TABLE_RED;
    if (json_object_get(row, "takers") && ask_number(row, "ready") > 0 &&
        (!ask_number(row, "takers") || ask_number(row, "paused_ms")))
        return TABLE_YELLOW;
    return NULL;
}

static void list_table(const struct cli *cli, const struct list *list, const json_t *rows)
{
    struct table_column columns[COLUMNS_MOST];
    const json_t *row;
    size_t i, n = 0;
    for (; n < COLUMNS_MOST && list->columns[n].member; n++)
        columns[n] = list->columns[n].column;
    struct table *table = table_new(columns, n);
    json_array_foreach(rows, i, row)
    {
        table_colour(table, list_colour(row));
        for (size_t c = 0; c < n; c++)
            list_cell(table, row, list->columns[c].member);
    }
    table_print(table, stdout, table_width(), cli->colour);
    table_free(&table);
}

static int list_unknown(const struct list *list, const char *name)
{
    return cli_fail(EXIT_FAILED, "there is no %s '%s'; `kinobus %s ls` lists them", list->command->name, name,
                    list->command->name);
}

static int list_show(const struct cli *cli, const struct list *list, const json_t *rows, const char *name)
{
    json_t *found = json_array();
    const json_t *row;
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (strcmp(ask_text(row, list->name), name) == 0)
            json_array_append(found, (json_t *)row);
    }
    int code = json_array_size(found) ? EXIT_DONE : list_unknown(list, name);
    if (code == EXIT_DONE && cli->json)
        show_print(found, true);
    json_array_foreach(found, i, row)
    {
        if (cli->json)
            break;
        fputs(i ? "\n" : "", stdout);
        detail_print(cli, row);
    }
    json_decref(found);
    return code;
}

/* What can be done to one. */
static const struct list_deed {
    const struct command *command;
    const char *word, *call, *done, *already; /* what is said behind its name then */
} deeds[] = {
    { &queue_command, "pause", "$sys.queue.pause",
      "is paused: its jobs wait, and new ones are taken. `kinobus queue resume` lets it go on.",
      "is paused already" },
    { &queue_command, "resume", "$sys.queue.resume", "goes on", "is not paused" },
};

static const struct list_deed *list_deed(const struct list *list, const char *word)
{
    for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
        if (deeds[i].command == list->command && strcmp(deeds[i].word, word) == 0)
            return &deeds[i];
    }
    return NULL;
}

static int list_do(const struct cli *cli, const struct list *list, const struct list_deed *deed, const char *name)
{
    json_t *rows, *answer = NULL;
    int code = ask_once(cli, list->call, NULL, &rows);
    if (code == EXIT_DONE && !ask_find(rows, list->name, name))
        code = list_unknown(list, name);
    if (code == EXIT_DONE)
        code = ask_once(cli, deed->call, json_pack("{s:s}", list->command->name, name), &answer);
    if (code == EXIT_DONE && cli->json)
        show_print(answer, true);
    else if (code == EXIT_DONE)
        printf("%s %s\n", name, ask_number(answer, "changed") ? deed->done : deed->already);
    json_decref(answer);
    json_decref(rows);
    return code;
}

static int list_run(const struct cli *cli, int argc, char **argv)
{
    const struct list *list = lists;
    json_t *answer, *rows;
    while (strcmp(list->command->name, argv[0]) != 0)
        list++;
    const struct list_deed *deed = argc == 3 ? list_deed(list, argv[1]) : NULL;
    if (deed)
        return list_do(cli, list, deed, argv[2]);
    bool one = argc == 3 && strcmp(argv[1], "show") == 0;
    if (!one && argc != 1 && (argc != 2 || strcmp(argv[1], "ls") != 0))
        return cli_usage(list->command, "say %s", list->command->words);
    int code = ask_once(cli, list->call, NULL, &answer);
    rows = list->rows ? json_array() : json_incref(answer);
    if (code == EXIT_DONE && list->rows)
        list->rows(answer, rows);
    ask_sort(rows, list->columns[0].member);
    if (code == EXIT_DONE && one)
        code = list_show(cli, list, rows, argv[2]);
    else if (code == EXIT_DONE && cli->json)
        show_print(rows, true);
    else if (code == EXIT_DONE)
        list_table(cli, list, rows);
    json_decref(rows);
    json_decref(answer);
    return code;
}

const struct command queue_command = {
    "queue", "[ls] | show QUEUE | pause|resume QUEUE", "The job queues: waiting, at work, held back, dead.",
    "  OLDEST is the age of the job that waits longest; WAIT and RUN: how long until\n"
    "  a job was first given, and until it ended, since the broker's start.\n\n"
    "  pause    nothing is given from it any more, until `resume`, also after the broker was\n"
    "           started again. What is at work ends as ever; jobs wait, and new ones are taken.",
    list_run
};
const struct command stream_command = { "stream", "[ls] | show STREAM",
                                        "The streams of events, and who follows them.", NULL, list_run };
const struct command group_command = { "group", "[ls] | show GROUP", "How far each group has read its stream.",
                                       NULL, list_run };
const struct command peer_command = { "peer", "[ls] | show ROLE",
                                      "The processes on the bus, and the names they opened.", NULL, list_run };
const struct command service_command = { "service", "[ls] | show SERVICE",
                                         "What can be called: calls, errors, in flight, latency.", NULL,
                                         list_run };

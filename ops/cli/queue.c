/* queue, dead - what waits on the bus, and what was given up. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cli/link.h"
#include "ops/cli/show.h"
#include "broker/client/mp.h"

enum { DEADLINE_MS = 10000 };

/* A call to the broker itself, whose requests and replies are maps with text keys. */
static int queue_ask(const struct cli *cli, const char *name, const struct buf *request, json_t **ret)
{
    struct buf reply = { 0 };
    *ret = NULL;
    struct link *link = link_open(cli);
    if (!link)
        return EXIT_NOT_RUNNING;
    int r = link_call(link, name, buf_bytes(request), DEADLINE_MS, &reply);
    int code = r < 0 ? show_problem(name, r, buf_bytes(&reply)) : EXIT_DONE;
    if (r == 0)
        *ret = show_body(NULL, buf_bytes(&reply));
    link_close(&link);
    buf_free(&reply);
    return code;
}

/* The members of each object in columns: names above, widths by the longest. */
static void queue_table(const json_t *rows)
{
    const json_t *row, *value;
    const char *name;
    size_t i;
    if (!json_array_size(rows)) {
        puts("none");
        return;
    }
    json_object_foreach((json_t *)json_array_get(rows, 0), name, value)
        printf(json_is_string(value) ? "%-28s" : "%12s", name);
    putchar('\n');
    json_array_foreach(rows, i, row)
    {
        json_object_foreach((json_t *)row, name, value)
        {
            if (json_is_string(value))
                printf("%-28s", json_string_value(value));
            else
                printf("%12" JSON_INTEGER_FORMAT, json_integer_value(value));
        }
        putchar('\n');
    }
}

static int queue_run(const struct cli *cli, int argc, char **argv)
{
    struct buf request = { 0 };
    json_t *rows;
    if (argc > 1)
        return cli_usage(&queue_command, "unknown word '%s'", argv[1]);
    int code = queue_ask(cli, "$sys.queues", &request, &rows);
    if (code == EXIT_DONE && cli->json)
        show_print(rows, true);
    else if (code == EXIT_DONE)
        queue_table(rows);
    json_decref(rows);
    return code;
}

static int dead_run(const struct cli *cli, int argc, char **argv)
{
    struct buf request = { 0 };
    json_t *reply;
    bool list = argc == 2 || (argc > 1 && strcmp(argv[1], "ls") == 0);
    const char *queue = argc == 2 ? argv[1] : argc > 2 ? argv[2] : NULL;
    char *end = NULL;
    uint64_t seq = argc > 3 ? strtoull(argv[3], &end, 10) : 0;
    if (!queue || argc > 4 || (end && *end))
        return cli_usage(&dead_command, "name a queue");
    if (!list && strcmp(argv[1], "requeue") != 0 && strcmp(argv[1], "drop") != 0)
        return cli_usage(&dead_command, "say ls, requeue or drop");
    mp_put_map(&request, argc > 3 ? 2 : list ? 1 : 2);
    mp_put_str(&request, "queue");
    mp_put_str(&request, queue);
    if (argc > 3) {
        mp_put_str(&request, "seq");
        mp_put_uint(&request, seq);
    } else if (!list) {
        mp_put_str(&request, "all");
        mp_put_bool(&request, true);
    }
    const char *name = list                           ? "$sys.dead.ls"
                       : strcmp(argv[1], "drop") == 0 ? "$sys.dead.drop"
                                                      : "$sys.dead.requeue";
    int code = queue_ask(cli, name, &request, &reply);
    if (code == EXIT_DONE)
        show_print(reply, cli->json);
    json_decref(reply);
    buf_free(&request);
    return code;
}

const struct command queue_command = { "queue", "", "The job queues: waiting, at work, held back, dead.", NULL,
                                       queue_run };
const struct command dead_command = { "dead", "[ls] QUEUE | requeue QUEUE [SEQ] | drop QUEUE [SEQ]",
                                      "Jobs that were given up: look, try again, drop.", NULL, dead_run };

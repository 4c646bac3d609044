/* damaged - what the catalog found in the store that is not as it should be. */
#include <stdio.h>
#include <stdlib.h>

#include "ops/cli/ask.h"
#include "ops/cli/request.h"
#include "ops/cli/show.h"
#include "ops/cli/table.h"

static const struct table_column columns[] = {
    { "VIDEO", false, 0 }, { "DAMAGE", false, 0 }, { "FOUND", false, 1 }, { "OBJECT", false, 0 }
};

static void damaged_table(const struct cli *cli, const json_t *items)
{
    struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
    const json_t *item;
    size_t i;
    json_array_foreach(items, i, item)
    {
        table_cell(table, "%s", ask_text(item, "video_id"));
        table_cell(table, "%s", ask_text(item, "damage"));
        table_cell(table, "%s", ask_text(item, "found_at"));
        table_cell(table, "%s", ask_text(item, "name"));
    }
    table_print(table, stdout, table_width(), cli->colour);
    table_free(&table);
}

/* All pages of it, one after the other, as one array. */
static int damaged_ask(const struct cli *cli, json_t *items)
{
    json_t *reply = NULL;
    int code;
    do {
        json_t *request = json_pack("{s:i,s:s}", "limit", 100, "cursor", reply ? ask_text(reply, "next") : "");
        char *text = json_dumps(request, JSON_COMPACT);
        json_decref(request);
        json_decref(reply);
        code = request_json(&damaged_command, cli, "catalog.list_damage", text, &reply);
        free(text);
        if (code == EXIT_DONE)
            json_array_extend(items, json_object_get(reply, "items"));
    } while (code == EXIT_DONE && *ask_text(reply, "next"));
    if (code == EXIT_DONE)
        json_decref(reply);
    return code;
}

static int damaged_run(const struct cli *cli, int argc, char **argv)
{
    if (argc != 1)
        return cli_usage(&damaged_command, "it takes no argument");
    json_t *items = json_array();
    int code = damaged_ask(cli, items);
    if (code == EXIT_DONE && cli->json)
        show_pack("{s:O}", "items", items);
    else if (code == EXIT_DONE && json_array_size(items) == 0)
        puts("nothing was found damaged");
    else if (code == EXIT_DONE)
        damaged_table(cli, items);
    json_decref(items);
    return code;
}

const struct command damaged_command = { "damaged", "", "What lies in the store and is not as it should be.", NULL,
                                         damaged_run };

#include "ops/cli/detail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cli/ask.h"
#include "ops/cli/table.h"
#include "ops/cli/unit.h"

enum { MEMBERS_MOST = 20, NAME_WIDTH = 16 };

static void detail_histogram(const json_t *histogram)
{
    static const char *const parts[] = { "p50_us", "p90_us", "p99_us", "max_us" };
    char text[UNIT_SIZE];
    printf("%lld", (long long)ask_number(histogram, "n"));
    for (size_t i = 0; ask_number(histogram, "n") && i < sizeof(parts) / sizeof(*parts); i++)
        printf("%s %.3s %s", i ? "," : ":", parts[i], unit_us(text, ask_number(histogram, parts[i])));
    putchar('\n');
}

static void detail_cell(struct table *table, const char *name, const json_t *value)
{
    char text[UNIT_SIZE];
    if (json_is_string(value))
        table_cell(table, "%s", *json_string_value(value) ? json_string_value(value) : "-");
    else
        table_cell(table, "%s", unit_member(text, name, value));
}

static void detail_table(const struct cli *cli, const json_t *rows)
{
    struct table_column columns[MEMBERS_MOST];
    const char *name;
    json_t *row, *value;
    size_t i, n = 0;
    json_object_foreach(json_array_get(rows, 0), name, value)
    {
        if (n < MEMBERS_MOST) {
            columns[n] = (struct table_column) { name, !json_is_string(value), (unsigned)n };
            n++;
        }
    }
    struct table *table = table_new(columns, n);
    json_array_foreach(rows, i, row)
    {
        for (size_t c = 0; c < n; c++)
            detail_cell(table, columns[c].title, json_object_get(row, columns[c].title));
    }
    table_print(table, stdout, table_width(), cli->colour);
    table_free(&table);
}

/* Units stand with the figures. */
static int detail_length(const char *name)
{
    size_t len = strlen(name);
    bool unit = len > 3 && (strcmp(name + len - 3, "_ms") == 0 || strcmp(name + len - 3, "_us") == 0);
    return (int)(unit ? len - 3 : len);
}

void detail_print(const struct cli *cli, const json_t *object)
{
    const char *name;
    json_t *value;
    char text[UNIT_SIZE];
    json_object_foreach((json_t *)object, name, value)
    {
        if (json_is_array(value))
            continue;
        printf("%s%-*.*s%s ", cli->colour ? TABLE_BOLD : "", NAME_WIDTH, detail_length(name), name,
               cli->colour ? TABLE_OFF : "");
        if (json_is_object(value) && json_object_get(value, "p99_us"))
            detail_histogram(value);
        else if (json_is_string(value))
            puts(*json_string_value(value) ? json_string_value(value) : "-");
        else
            puts(unit_member(text, name, value));
    }
    json_object_foreach((json_t *)object, name, value)
    {
        if (!json_is_array(value))
            continue;
        printf("\n%s%s%s\n", cli->colour ? TABLE_BOLD : "", name, cli->colour ? TABLE_OFF : "");
        detail_table(cli, value);
    }
}

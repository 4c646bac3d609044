#include "ops/cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_MOST = 24, GAP = 2, CUT_LEAST = 8 };

struct table {
    const struct table_column *columns;
    size_t columns_n, cells_n, cells_cap;
    char **cells;
    const char **colours; /* by cell; of a row, that of its first cell counts */
    const char *colour;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
    struct table *table = calloc(1, sizeof(*table));
    if (!table)
        abort();
    table->columns = columns;
    table->columns_n = n < COLUMNS_MOST ? n : COLUMNS_MOST;
    return table;
}

void table_cell(struct table *table, const char *fmt, ...)
{
    va_list ap;
    if (table->cells_n == table->cells_cap) {
        table->cells_cap = table->cells_cap ? 2 * table->cells_cap : 64;
        table->cells = realloc(table->cells, table->cells_cap * sizeof(*table->cells));
        table->colours = realloc(table->colours, table->cells_cap * sizeof(*table->colours));
        if (!table->cells || !table->colours)
            abort();
    }
    va_start(ap, fmt);
    if (vasprintf(&table->cells[table->cells_n], fmt, ap) < 0)
        abort();
    va_end(ap);
    for (char *at = table->cells[table->cells_n]; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) /* what a message says never steers a terminal */
            *at = '?';
    }
    table->colours[table->cells_n++] = table->colour;
}

void table_colour(struct table *table, const char *colour)
{
    table->colour = colour;
}

size_t table_rows(const struct table *table)
{
    return table->columns_n ? table->cells_n / table->columns_n : 0;
}

/* Columns on the screen: UTF-8 characters, each one wide. */
static size_t table_length(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void table_measure(const struct table *table, size_t *widths)
{
    for (size_t c = 0; c < table->columns_n; c++)
        widths[c] = table_length(table->columns[c].title);
    for (size_t i = 0; i < table_rows(table) * table->columns_n; i++) {
        size_t len = table_length(table->cells[i]);
        if (len > widths[i % table->columns_n])
            widths[i % table->columns_n] = len;
    }
}

static size_t table_total(const struct table *table, const size_t *widths)
{
    size_t total = 0;
    for (size_t c = 0; c < table->columns_n; c++)
        total += widths[c] ? widths[c] + GAP : 0;
    return total ? total - GAP : 0;
}

/* Width 0: the column is left out. */
static void table_fit(const struct table *table, size_t *widths, size_t width)
{
    while (table_total(table, widths) > width) {
        size_t out = table->columns_n, cut = table->columns_n;
        for (size_t c = 0; c < table->columns_n; c++) {
            if (widths[c] && table->columns[c].leave &&
                (out == table->columns_n || table->columns[c].leave > table->columns[out].leave))
                out = c;
            if (widths[c] > CUT_LEAST && !table->columns[c].right &&
                (cut == table->columns_n || widths[c] > widths[cut]))
                cut = c;
        }
        size_t over = table_total(table, widths) - width;
        if (out < table->columns_n)
            widths[out] = 0;
        else if (cut < table->columns_n)
            widths[cut] = widths[cut] > over + CUT_LEAST ? widths[cut] - over : CUT_LEAST;
        else
            return; /* narrower than a table can be */
    }
}

static void table_put(FILE *out, const char *text, size_t width, bool right, bool last)
{
    size_t len = table_length(text), shown = len > width ? width - 1 : len, bytes = 0;
    for (size_t n = 0; text[bytes]; bytes++) {
        n += ((unsigned char)text[bytes] & 0xc0) != 0x80;
        if (n > shown)
            break;
    }
    int pad = len < width ? (int)(width - len) : 0;
    fprintf(out, "%*s%.*s%s%*s", right ? pad : 0, "", (int)bytes, text, len > width ? "…" : "",
            right || last ? 0 : pad, "");
}

static void table_line(const struct table *table, FILE *out, const size_t *widths, char *const *cells,
                       const char *colour)
{
    size_t last = 0;
    for (size_t c = 0; c < table->columns_n; c++)
        last = widths[c] ? c : last;
    fputs(colour ? colour : "", out);
    for (size_t c = 0; c <= last; c++) {
        if (!widths[c])
            continue;
        table_put(out, cells ? cells[c] : table->columns[c].title, widths[c], table->columns[c].right, c == last);
        fprintf(out, "%*s", c == last ? 0 : GAP, "");
    }
    fprintf(out, "%s\n", colour ? TABLE_OFF : "");
}

void table_print(const struct table *table, FILE *out, size_t width, bool colour)
{
    size_t widths[COLUMNS_MOST];
    if (!table_rows(table)) {
        fputs("none\n", out);
        return;
    }
    table_measure(table, widths);
    if (width)
        table_fit(table, widths, width);
    table_line(table, out, widths, NULL, colour ? TABLE_BOLD : NULL);
    for (size_t i = 0; i < table_rows(table); i++)
        table_line(table, out, widths, table->cells + i * table->columns_n,
                   colour ? table->colours[i * table->columns_n] : NULL);
}

void table_free(struct table **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->cells_n; i++)
        free((*table)->cells[i]);
    free((*table)->cells);
    free((*table)->colours);
    free(*table);
    *table = NULL;
}

size_t table_width(void)
{
    struct winsize size;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

size_t table_height(void)
{
    struct winsize size;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

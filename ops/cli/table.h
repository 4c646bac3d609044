/* table - rows and columns that fit the terminal: what matters least leaves first, then the longest text is cut.
 *
 * Into a pipe nothing is left out and nothing is cut. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table_column {
    const char *title;
    bool right;     /* numbers */
    unsigned leave; /* 0: it always stays; the highest leaves first */
};

#define TABLE_RED    "\033[31m"
#define TABLE_YELLOW "\033[33m"
#define TABLE_CYAN   "\033[36m"
#define TABLE_BOLD   "\033[1m"
#define TABLE_OFF    "\033[0m"

struct table;
struct table *table_new(const struct table_column *columns, size_t n); /* borrows the columns */
/* The next cell; after the last column the next row begins. */
void table_cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The row of the next cell is printed in this colour (TABLE_RED; NULL: none). */
void table_colour(struct table *table, const char *colour);
size_t table_rows(const struct table *table);
/* width 0: as wide as it gets. Prints "none" when there are no rows. */
void table_print(const struct table *table, FILE *out, size_t width, bool colour);
void table_free(struct table **table);

/* Columns and lines of the terminal that is stdout; 0: it is none. */
size_t table_width(void);
size_t table_height(void);

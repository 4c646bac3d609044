/* warnings - what a person might want to know of an original or a run, in the order in which it was seen; the first of them are
 * told. */
#pragma once

#include <stddef.h>

enum { WARNINGS_MOST = 16, WARNINGS_SIZE = 300 }; /* as probe_done and run_done take them */

struct warnings {
    const char *all[WARNINGS_MOST];
    size_t n;
    char words[WARNINGS_MOST][WARNINGS_SIZE];
};

void warnings_add(struct warnings *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

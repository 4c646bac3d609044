/* load - keeps so many calls, or lasting values, under way on the bus for a while, and notes how long each took. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ops/cli/link.h"

enum { LOAD_WINDOW_MOST = 1024, LOAD_TAKEN_MOST = 16 * 1024 * 1024 };

struct load {
    const char *
        call; /* what is called; NULL: the value cli.bench is set, and is there when it is told, which is after its commit */
    struct bytes body; /* of the calls */
    unsigned window;   /* how many at a time, at most LOAD_WINDOW_MOST */
    int64_t for_ms;
};

struct load_result {
    uint32_t *took_us; /* in rising order; yours to free */
    size_t n;          /* that succeeded */
    size_t failed;
    int err;      /* of the last that failed; 0: none did */
    double per_s; /* of those that succeeded */
};

/* 0; ERR_INTERRUPTED: a signal came; ERR_TIMEOUT: what was under way at the end never ended. */
int load_run(struct link *link, const struct load *load, struct load_result *ret);

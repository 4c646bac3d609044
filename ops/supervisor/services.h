/* services - the rows of ops/services.toml, as the build reads them. */
#pragma once

#include <stddef.h>

struct service_row {
    const char *name;
    const char *program;     /* under the folder of this one, or a whole path */
    const char *role;        /* NULL: a program that is not ours */
    const char *const *args; /* NULL-terminated, with holes: {state} {share} {bin} {config} */
    unsigned instances;
    int stop;                  /* the signal that asks it to end */
    const char *const *queues; /* started when one of them has work; NULL-terminated; NULL: always there */
};

extern const struct service_row service_rows[];
extern const size_t service_rows_n;

/* back - the events that lie in the streams, for who looks back in time. */
#pragma once

#include <jansson.h>

#include "ops/cli/link.h"

struct back {
    const char *filter; /* bus_tap's */
    int64_t since_ms;   /* -1: from the oldest there is */
    size_t last;        /* only so many, the newest; 0: all */
    bool headers_only;
};

/* The objects of tapped.h in the order of their time, and how far each stream was read: {"catalog": 512, ...}.
 * EXIT_DONE, or an exit code after a message on stderr. */
int back_read(struct link *link, const struct back *back, json_t **ret_events, json_t **ret_upto);

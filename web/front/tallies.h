/* tallies - what the processes of the platform have counted, as each sets it on the bus (metrics.NAME). */
#pragma once

#include "schemas/wire/buf.h"

enum { TALLIES_MAX = 128 };

struct tallies;

struct tallies *tallies_new(void);
void tallies_free(struct tallies **tallies);

/* A value metrics.NAME under the key of an instance, from the bus thread. body.data NULL: that process is
 * gone. */
void tallies_value(struct tallies *tallies, const char *name, const char *key, struct bytes body);

/* All of it in Prometheus' text form; `but` is the key of an instance that speaks for itself. Each metric
 * once, with its HELP and TYPE in front. own: what the front itself counts. */
struct tally {
    const char *actor, *instance;
    struct bytes body; /* a packed struct counts */
};
void tallies_write(struct tallies *tallies, const struct tally *own, struct buf *out);

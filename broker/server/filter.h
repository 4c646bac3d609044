/* filter - which messages somebody wants to see: of a tap, or among the events of a stream.
 *
 * Terms separated by spaces. A name pattern (`catalog.*`, `>`), from=ROLE, to=ROLE, actor=ROLE (either), trace=HEX (a
 * prefix is enough), kind=call, error=ERROR (`error=*`: any). Several of one kind: one of them must hold. Of different
 * kinds: all. A term that begins with `!` must not hold, whatever the others say. At most 32 terms. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "broker/client/frame.h"
#include "broker/server/broker.h"

/* 0, or ERR_INVALID: too many terms, or a kind or an error that does not exist. */
int filter_parse(struct filter *filter, struct bytes text);
void filter_free(struct filter *filter);
bool filter_wants(const struct filter *filter, const struct tap_show *show);
/* Of a job or an event at rest. */
bool filter_wants_stored(const struct filter *filter, enum bus_tap_kind kind, const struct frame_head *head);

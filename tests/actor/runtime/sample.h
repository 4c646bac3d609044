/* sample - two actors of the sample schemas, for the tests of the runtime.
 *
 * library    keeps items. The title of a new item says what its handler does: "fails" and "stumbles" write, then fail; "pool", "timer"
 *            and "silent" leave the answer to another turn, or to nobody; "owns" has the pool work on memory of
 *            its own, and "ownsbad" fails then; "beside" answers, and leaves work to the pool; anything else is kept and
 *            announced
 * shelf      follows library's events into a list of its own memory, takes its jobs, asks it for items */
#pragma once

#include "actors/runtime/actor.h"
#include "gen/library.h"
#include "gen/shelf.h"

struct library {
    unsigned ups, runs, ticks; /* handlers run; a tick a minute */
    unsigned besides;          /* work of the pool that nobody waited for, done */
    unsigned owned, dropped;   /* memory that the pool worked on came back, or was freed without that */
    unsigned adding;           /* remembered by what adds an item, and taken back where that comes to nothing */
    char newest[16];           /* title; the same. "stumbles" changes it once more, before it fails */
    int tick_err;              /* what the next ticks answer */
    unsigned parts;            /* of ticks, each a turn of its own */
    int part_err;
};

struct shelf {
    unsigned ups, losts, caught_ups, gones, values;
    uint64_t stock;
    char seen[4096];     /* what came, separated by blanks */
    int event_err;       /* what the next events are answered */
    const char *failing; /* only those of this title; NULL: all */
    uint64_t kept;
};

extern const struct actor_def library_actor, shelf_actor;

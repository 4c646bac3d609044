/* rights - may somebody watch a video: one table of rules (in rights.c), asked in their order.
 *
 * Who decides   the catalog tells facts of a video to whoever may see it; here it is decided who of them may watch it, and told by
 *               which rules not: the first that refuses decides, all that do are told
 * Who passes    its owner, moderators and above pass every rule but that of their own account's streams; they are told which
 *               ones others would meet
 * Asks          auth, in the viewer's own name, for the birthday, and that of videos with a minimum age alone */
#pragma once

#include "actors/playback/actor.h"
#include "actors/playback/keys.h"
#include "gen/catalog.h"

/* What is asked, as it goes from turn to turn. */
struct rights_asking {
    turn_then *then;
    struct id video, play; /* play: that goes on; zero: none */
    bool streams;          /* it is a playback, and counts as one */
    bool person_asked;     /* birthday is what auth says; "": it was not told */
    char address[65], birthday[11];
};

struct rights {
    struct keys_right right; /* to its media */
    struct refusal *others;  /* what others would meet; in the turn's arena */
    size_t others_n;
};

/* Asks the catalog; ask->then gets its answer, and as ctx *ask, and calls rights_decide(). TURN_LATER, or an error. */
int rights_ask(struct turn *t, const struct rights_asking *ask);
void rights_address(struct rights_asking *ask, const char *address); /* NULL: not known */

/* 0 and what may be handed out; an error: refused, the caller is told by what; TURN_LATER: ask->then is called once more. */
int rights_decide(struct playback *self, struct turn *t, const struct playable *playable,
                  const struct rights_asking *ask, struct rights *ret);

/* title - what a ladder is worth for one film, from what moments of it took at every size.
 *
 * A rate factor spends what a picture needs; so the rates at which two sizes come out say how much the larger one has to show.
 * Where little is on the picture (a screen, slides, flat colours) the sizes come out close together, and one between two
 * that are no more than twice apart helps nobody: a player that cannot have the larger one loses little with the smaller.
 * A cap is there for moments that take much more than the film does; of a film that takes little it is lowered, to twice
 * what the heaviest of the moments took, but to no less than half, because moments are not the whole film. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct title_rung {
    double kbps, most_kbps; /* of all moments, and of the heaviest of them */
    uint32_t cap_kbps;      /* in: for any film; out: for this one */
    bool keep;              /* never left out */
    bool left_out;          /* out */
};

/* Rungs from the largest on. Rungs of which nothing is known (kbps 0) stay as they are. */
void title_decide(struct title_rung *rungs, size_t n);

#include "actors/catalog/media/title.h"

static const double close_enough = 2, over_the_heaviest = 2, least_of_a_cap = 0.5;

static void title_cap(struct title_rung *rung)
{
    double cap = over_the_heaviest * rung->most_kbps, least = least_of_a_cap * rung->cap_kbps;
    if (cap < least)
        cap = least;
    if (cap < rung->cap_kbps)
        rung->cap_kbps = (uint32_t)cap;
}

void title_decide(struct title_rung *rungs, size_t n)
{
    double above = 0; /* what the last one that stays takes */
    for (size_t i = 0; i < n; i++) {
        struct title_rung *rung = &rungs[i];
        double below = i + 1 < n ? rungs[i + 1].kbps : 0;
        rung->left_out = !rung->keep && above > 0 && rung->kbps > 0 && below > 0 && above <= close_enough * below;
        if (!rung->left_out)
            above = rung->kbps;
        if (rung->kbps > 0)
            title_cap(rung);
    }
}

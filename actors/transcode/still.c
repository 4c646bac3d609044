/* still - a run of pictures that kills its workers: tried again without the GOPs that they died over. */
#include "actors/transcode/attend.h"
#include "actors/transcode/publish.h"

#define STILL_ATTEMPT 3 /* from here on what cannot be decoded is left out */
#define STILL_GOPS    64

/* The GOPs of the run. */
static unsigned gops_of(const struct encode_run *job)
{
    return job->gop ? (unsigned)((publish_frames_planned(job) + job->gop - 1) / job->gop) : 0;
}

/* The GOP that a worker was at when it had made so many frames, and the next, for encoders lag behind what is decoded; of
 * those that are decoded still. 0: there is none left. */
static uint64_t next_still(const struct encode_run *job, uint64_t still, uint64_t frames)
{
    unsigned gops = gops_of(job), found = 0;
    uint64_t more = 0;

    for (unsigned g = (unsigned)(frames / job->gop); g < gops && found < 2; g++)
        if (!(still >> g & 1)) {
            more |= 1ull << g;
            found++;
        }
    return more;
}

/* Where the picture stands still, for people. */
static void tell_still(const struct encode_run *job, uint64_t still, struct arena *arena, struct run_done *ret)
{
    const char **warnings = arena_alloc_n(arena, ret->warnings_n + 1, sizeof(*warnings));
    double gop_s = (double)(job->gop * job->fps_den) / (double)job->fps_num;
    double first_s = (double)(job->first * job->fps_den) / (double)job->fps_num;
    uint64_t frames = (uint64_t)__builtin_popcountll(still) * job->gop;
    unsigned from = 0, until;

    while (!(still >> from & 1))
        from++;
    for (until = from; until < STILL_GOPS && still >> until;)
        until++;
    ret->damaged = ret->damaged > frames ? ret->damaged : frames;
    warnings[0] = arena_printf(
        arena, "The picture stands still between %.1f s and %.1f s: it could not be decoded there.",
        first_s + from * gop_s, first_s + until * gop_s);
    for (size_t i = 0; i < ret->warnings_n; i++)
        warnings[i + 1] = ret->warnings[i];
    ret->warnings = warnings;
    ret->warnings_n += ret->warnings_n < 16;
}

void attend_run(const struct attend *how, const struct encode_run *job, struct arena *arena, struct run_done *ret,
                struct attend_outcome *outcome)
{
    struct attend again = *how;
    bool may = how->attempt >= STILL_ATTEMPT && job->kind == RUN_KIND_VIDEO && gops_of(job) <= STILL_GOPS &&
               job->renditions_n && !job->renditions[0].copy_gop;
    uint64_t more;

    do {
        uint64_t frames = attend_try(&again, job, arena, ret, outcome);

        more = may && frames != UINT64_MAX ? next_still(job, again.still, frames) : 0;
        again.still |= more;
    } while (more);
    if (outcome->end == ATTEND_DONE && again.still)
        tell_still(job, again.still, arena, ret);
}

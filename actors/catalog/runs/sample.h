/* sample - moments of a long film are encoded at every size before its ladder is, and say what the ladder is worth (title.h).
 *
 * They are looked at once the preview is on its way and all of the original is there. While bytes still arrive the ladder follows
 * them at once, as it is for any film. Nothing of the moments is kept but their sizes. */
#pragma once

#include "actors/catalog/step.h"

/* Adds the moments to a version whose ladder may now begin, if it is to have them: 1; else 0. */
int sample_begin(struct doing *d, struct version_row *version, struct plan *plan);

/* Whether the ladder has to wait for them. */
bool sample_is_awaited(const struct version_row *version, const struct plan *plan, size_t track);

/* Whether a run is one of them. */
bool sample_is(const struct plan *plan, uint64_t run);

/* What a moment took. ERR_INVALID: it is not what was asked for. */
int sample_made(struct doing *d, struct version_row *version, const struct plan *plan,
                const struct run_done *done);

/* Decides, once all of them have ended; `track` is theirs. */
int sample_settle(struct doing *d, struct version_row *version, const struct plan *plan, size_t track);

/* The plan as it was decided. */
void sample_plan(const struct version_row *version, struct plan *plan);

/* bytes_there - whether the bytes that a run needs have arrived, while the original is still coming, and where in them it
 * may begin to read. */
#pragma once

#include "actors/catalog/catalog.h"

/* 1: they are there, or nobody can tell and one run may try; 0: not yet. */
int bytes_there(struct doing *d, const struct version_row *version, const struct plan *plan, size_t track,
                uint32_t run);

/* Gives the job the keyframes before its first frame that runs before it passed, the latest ones. */
int bytes_marks(struct doing *d, struct encode_run *job);

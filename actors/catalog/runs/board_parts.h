/* board_parts - what the run of a storyboard reads: the init of the smallest rung, and for each tile the fragment that is
 * shown at its moment, up to the end of its first sample. */
#pragma once

#include "actors/catalog/catalog.h"

/* 1: the smallest rung is whole, 0: not yet. */
int board_may_begin(struct doing *d, const struct plan *plan);

/* Fills parts, length and complete of the job. */
int board_parts(struct doing *d, const struct plan *plan, struct encode_run *job);

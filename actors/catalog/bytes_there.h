/* bytes_there - whether the bytes that a run needs have arrived, while the original is still coming. */
#pragma once

#include "actors/catalog/catalog.h"

/* 1: they are there, or nobody can tell and one run may try; 0: not yet. */
int bytes_there(struct doing *d, const struct version_row *version, const struct plan *plan, size_t track,
                uint32_t run);

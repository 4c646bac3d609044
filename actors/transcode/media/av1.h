/* av1 - AV1 as our encoder makes it (AV1 bitstream specification; "AV1 codec ISO media file format binding"): Main profile,
 * 4:2:0 in 8 bits, one operating point. */
#pragma once

#include "actors/transcode/media/coding.h"

extern const struct coding av1_coding; /* one sequence header OBU, with its size */

/* What a container leaves out stands at the beginning of a temporal unit: its delimiter. So many bytes. */
size_t av1_delimiter(struct bytes unit);

/* hevc - H.265 as our encoder makes it (ITU-T H.265; ISO/IEC 14496-15): Main profile, 4:2:0 in 8 bits, one layer. */
#pragma once

#include "actors/transcode/media/coding.h"

extern const struct coding
    hevc_coding; /* VPS, SPS and PPS, each behind a u32 length; SEI among them is left out */

/* nal - what boxes hold of H.264 (ISO/IEC 14496-15): NAL units behind lengths, and the name of a configuration. */
#pragma once

#include "data/isobmff/box.h"

enum avc_nal_type { AVC_SLICE = 1, AVC_IDR = 5, AVC_SPS = 7, AVC_PPS = 8 };

/* "avc1.64001f" of a sequence parameter set (its NAL unit, header byte first); false when it is too short. */
bool avc_codec(struct bytes sps, char codec[32]);

/* The next NAL unit of a sample, behind a length of length_size bytes. False at the end, and, with c->bad, where no
 * whole unit follows. */
bool avc_next_nal(struct box_cursor *c, unsigned length_size, struct bytes *ret);

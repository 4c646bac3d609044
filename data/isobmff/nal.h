/* nal - what boxes hold of pictures (ISO/IEC 14496-15): NAL units behind lengths, and the names of configurations, as CODECS
 * has them. */
#pragma once

#include "data/isobmff/box.h"

enum avc_nal_type { AVC_SLICE = 1, AVC_IDR = 5, AVC_SEI = 6, AVC_SPS = 7, AVC_PPS = 8 };
enum hevc_nal_type {
    HEVC_IDR_FIRST = 19,
    HEVC_IDR_LAST = 20,
    HEVC_SLICE_LAST = 31,
    HEVC_VPS = 32,
    HEVC_SPS = 33,
    HEVC_PPS = 34,
    HEVC_SEI_BEFORE = 39,
    HEVC_SEI_BEHIND = 40
};
enum { CODEC_NAME_MOST = 64, HEVC_TIER_BYTES = 12, AV1_RECORD_BYTES = 4 };

/* "avc1.64001f" of a sequence parameter set (its NAL unit, header byte first); false when it is too short. */
bool avc_codec(struct bytes sps, char codec[32]);

/* The next NAL unit of a sample, behind a length of length_size bytes. False at the end, and, with c->bad, where no
 * whole unit follows. */
bool avc_next_nal(struct box_cursor *c, unsigned length_size, struct bytes *ret);

static inline unsigned hevc_nal_type_of(const uint8_t *nal)
{
    return nal[0] >> 1 & 63;
}

/* "hvc1.1.6.L93.90" (annex E) of the sample entry's name and of the general profile, tier and level, as parameter sets and hvcC
 * have them. */
void hevc_codec(const char *entry, const uint8_t tier[HEVC_TIER_BYTES], char codec[CODEC_NAME_MOST]);

/* "av01.0.08M.08" of the head of an av1C. */
void av1_codec(const uint8_t record[AV1_RECORD_BYTES], char codec[CODEC_NAME_MOST]);

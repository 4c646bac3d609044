#include "data/isobmff/nal.h"

#include <stdio.h>

bool avc_codec(struct bytes sps, char codec[32])
{
    const uint8_t *d = sps.data;

    if (sps.len < 4)
        return false;
    snprintf(codec, 32, "avc1.%02x%02x%02x", d[1], d[2], d[3]);
    return true;
}

bool avc_next_nal(struct box_cursor *c, unsigned length_size, struct bytes *ret)
{
    uint64_t size;

    if (c->bad || c->at == c->end)
        return false;
    size = box_take(c, length_size);
    if (c->bad || size == 0 || size > box_left(c)) {
        c->bad = true;
        return false;
    }
    *ret = bytes_of(box_skip(c, size), size);
    return true;
}

/* The flags of compatibility in reverse, the constraint bytes without trailing zeros. */
void hevc_codec(const char *entry, const uint8_t tier[HEVC_TIER_BYTES], char codec[CODEC_NAME_MOST])
{
    static const char *const spaces[] = { "", "A", "B", "C" };
    uint32_t compatible = (uint32_t)tier[1] << 24 | (uint32_t)tier[2] << 16 | (uint32_t)tier[3] << 8 | tier[4];
    uint32_t reversed = 0;
    unsigned constraints = 6;
    size_t used;

    for (unsigned i = 0; i < 32; i++)
        reversed |= (compatible >> i & 1) << (31 - i);
    used = (size_t)snprintf(codec, CODEC_NAME_MOST, "%s.%s%u.%X.%c%u", entry, spaces[tier[0] >> 6], tier[0] & 31u,
                            reversed, tier[0] & 32 ? 'H' : 'L', tier[11]);
    while (constraints && !tier[4 + constraints])
        constraints--;
    for (unsigned i = 0; i < constraints; i++)
        used += (size_t)snprintf(codec + used, CODEC_NAME_MOST - used, ".%X", tier[5 + i]);
}

void av1_codec(const uint8_t record[AV1_RECORD_BYTES], char codec[CODEC_NAME_MOST])
{
    snprintf(codec, CODEC_NAME_MOST, "av01.%u.%02u%c.%02u", record[1] >> 5, record[1] & 31u,
             record[2] & 0x80 ? 'H' : 'M', record[2] & 0x40 ? (record[2] & 0x20 ? 12u : 10u) : 8u);
}
